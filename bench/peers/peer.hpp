// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a peer is given and gives: one matrix product, everything that is done once done beforehand.
//
// Plain pointers and no header of dyadic: some peers are compiled for this machine, in files of their own, and must not
// leave the linker a second build of what others include.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace peers {

/// y (m, n) = x (m, k) * w^T with w (n, k), all row-major and borrowed. Zero point of w: 0.
struct codes_problem {
  std::ptrdiff_t m, n, k;
  const std::uint8_t* x;
  float x_scale;
  std::int32_t x_zero_point;
  const std::int8_t* w;   ///< in [-127, 127]
  const float* w_scales;  ///< n
  const float* bias;      ///< n reals
  float y_scale;
  std::int32_t y_zero_point;
};

/// What becomes of a sum: itself; value + bias; saturate(round((value + bias) / y_scale) + y_zero_point).
enum class output { s32, f32, u8 };

struct reals_problem {
  std::ptrdiff_t m, n, k;
  const float* x;
  const float* w;
};

/// The work, `calls` times, and the elements of what it made: y(i * n + j). Empty when the peer has no such product.
struct product {
  std::function<void(long calls)> run;
  std::function<double(std::ptrdiff_t at)> y;
};

/// A bias as gemmlowp, oneDNN and TensorFlow Lite take it: an integer, in units of the sum.
inline double bias_in_sums(const codes_problem& p, std::ptrdiff_t j) {
  return static_cast<double>(p.bias[j]) / static_cast<double>(p.x_scale * p.w_scales[j]);
}

}  // namespace peers
