// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What every consumer does: quantize x and w, multiply the codes, and compare with the product of the reals.
//
//   x  (rows, depth) reals in [0, 1)      w  (outputs, depth) reals in (-1, 1)      y  (rows, outputs) = x * w^T
//
// The largest numbers make the scales powers of two (255/256 over 255 steps, 127/128 over 127), and every number is a
// whole multiple of them. Quantizing then loses nothing, float sums are exact, and the comparison needs no tolerance.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include <dyadic/dyadic.hpp>

namespace program {

inline constexpr std::size_t rows = 3, depth = 37, outputs = 5;
using x_matrix = std::array<float, rows * depth>;
using w_matrix = std::array<float, outputs * depth>;
using y_matrix = std::array<float, rows * outputs>;

inline x_matrix make_x() {
  x_matrix x{};
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i * 31 % 256) / 256.0f;
  x[0] = 255.0f / 256.0f;
  return x;
}

inline w_matrix make_w() {
  w_matrix w{};
  for (std::size_t i = 0; i < w.size(); ++i) w[i] = (static_cast<float>(i * 53 % 255) - 127.0f) / 128.0f;
  for (std::size_t i = 0; i < outputs; ++i) w[i * depth] = 127.0f / 128.0f;
  return w;
}

inline y_matrix product(const x_matrix& x, const w_matrix& w) {
  y_matrix y{};
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < outputs; ++j)
      for (std::size_t k = 0; k < depth; ++k) y[i * outputs + j] += x[i * depth + k] * w[j * depth + k];
  return y;
}

/// y in integer arithmetic; false when anything was refused.
inline bool integer_product(const x_matrix& x, const w_matrix& w, y_matrix& y) {
  const auto n = [](std::size_t size) { return static_cast<dyadic::index_t>(size); };
  const dyadic::strided<const float> x_view(x.data(), n(rows), n(depth)), w_view(w.data(), n(outputs), n(depth));
  const auto x_codes = dyadic::try_quantize<dyadic::u8_per_tensor>(x_view);
  const auto w_codes = dyadic::try_quantize<dyadic::s8_per_row>(w_view);
  if (!x_codes || !w_codes) return false;
  const auto packed = dyadic::try_pack(*w_codes);
  if (!packed) return false;
  const dyadic::strided<float> y_view(y.data(), n(rows), n(outputs));
  return dyadic::try_gemm(*x_codes, *packed, dyadic::epilogue::dequantize{}, y_view).has_value();
}

/// Exit status of a program: 0 if the integer product is the real one and a bad shape is refused with both numbers.
inline int run() {
  const x_matrix x = make_x();
  const w_matrix w = make_w();
  y_matrix y{};
  if (!integer_product(x, w, y)) return 1;
  if (y != product(x, w)) return 2;

  const auto refused = dyadic::try_quantize<dyadic::s4_per_group<32>>(dyadic::strided<const float>(x.data(), 1, 37));
  if (refused || refused.error().code() != dyadic::errc::invalid_group) return 3;
  const std::string_view message = refused.error().message();
  if (message.find("37") == message.npos || message.find("32") == message.npos) return 4;
  return 0;
}

}  // namespace program
