// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What crosses the border to the regions: a step of quantization as plain numbers, and what met it.
#pragma once

#include <dyadic/fixed_point/multiplier.hpp>
#include <dyadic/quantize/blocks/q4_trellis.hpp>
#include <dyadic/quantize/quantized.hpp>
#include <dyadic/quantize/scalar.hpp>
#include <dyadic/simd/dispatch.hpp>
#include <dyadic/simd/smaller.hpp>

namespace dyadic::inline DYADIC_ABI::simd {

/// One scale and zero point, and the codes there are: a span of at most 2^16 that holds the zero point.
struct step {
  float scale = 1.0f;
  std::int32_t zero_point = 0, qmin = 0, qmax = 0;
};

/// The same with a scale for each number or group of numbers, and a zero point for each or for all.
struct steps {
  const float* scales = nullptr;
  const std::int32_t* zero_points = nullptr;  ///< null: zero_point
  std::int32_t zero_point = 0, qmin = 0, qmax = 0;
};

/// Fixed-point multipliers, valid() ones, one a number or one for all; below_one: every exponent is at most 0.
struct fixed_steps {
  const std::int32_t *mantissas = nullptr, *exponents = nullptr;
  bool one_each = false, below_one = false;
  std::int32_t zero_point = 0, qmin = 0, qmax = 0;
};

/// Which scales a search tries: (first + step * k + most) codes between the ends, k = 0 .. steps.
struct affine_search {
  float first = 0.0f, step = 0.0f;
  int steps = 0;
};

/// From so many bytes on, reals are written past the caches: they would push everything else out of them and come back
/// from memory anyway. Measured: 50 GB/s read and written instead of 36 beyond a third-level cache of 32 MB, 52 instead
/// of 99 inside it.
inline constexpr index_t streamed_bytes = index_t{32} << 20;

}  // namespace dyadic::inline DYADIC_ABI::simd
