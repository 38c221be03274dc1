// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// logarithm: the natural logarithm with the same bits on every machine, for searches that compare sums of it.
//
// std::log may be off by less than an ulp, and differently in every C library. Here each operation is rounded by itself
// and none is fused, so the error, below 2^-51 of the larger of 1 and the result, is the same everywhere too.
#pragma once

#include <array>
#include <bit>

#include <dyadic/scheme/opaque.hpp>

namespace dyadic::inline DYADIC_ABI::detail {

/// For each of 128 pieces of [1, 2) a number of 11 bits near the reciprocal of its middle, and minus the logarithm of
/// that. In the first and the last piece they are 1 and 1/2, for a logarithm of 1 that is 0 from both sides.
struct reciprocal {
  double value, minus_log;
};
constexpr std::array<reciprocal, 128> make_reciprocals() noexcept {
  std::array<reciprocal, 128> all{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const auto units = static_cast<int>(2048.0 * 256.0 / static_cast<double>(257 + 2 * i) + 0.5);
    const double value = i == 0 ? 1.0 : i == 127 ? 0.5 : static_cast<double>(units) / 2048.0;
    const double s = (1.0 - value) / (1.0 + value);
    double sum = 0.0;  // the series of atanh
    for (int n = 39; n > 0; n -= 2) sum = sum * (s * s) + 1.0 / n;
    all[i] = {value, 2.0 * s * sum};
  }
  all[127].minus_log = 0.69314718055994530942;
  return all;
}
inline constexpr std::array<reciprocal, 128> reciprocals = make_reciprocals();

/// log x of a normal x > 0.
inline double logarithm(double x) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const int exponent = static_cast<int>(bits >> 52) - 1023;
  const std::uint64_t fraction = bits & 0xFFFFFFFFFFFFFULL;
  const reciprocal& of_piece = reciprocals[fraction >> 45];
  // x = 2^exponent * (high + low), each of so few bits that its product with the reciprocal is exact, and so is the
  // difference: r, at most 2^-7, is rounded once.
  const auto high = std::bit_cast<double>((fraction & 0xFFFFFFE000000ULL) | 0x3FF0000000000000ULL);
  const double low = std::bit_cast<double>(fraction | 0x3FF0000000000000ULL) - high;
  const double r = (high * of_piece.value - 1.0) + low * of_piece.value;
  double sum = opaque(r * (1.0 / 7)) - 1.0 / 6;  // the first term left out of log(1 + r) is at most 2^-59
  for (const double term : {1.0 / 5, -1.0 / 4, 1.0 / 3, -1.0 / 2}) sum = opaque(r * sum) + term;
  const double log_m = of_piece.minus_log + (r + opaque(opaque(r * r) * sum));
  return opaque(static_cast<double>(exponent) * 0.69314718055994530942) + log_m;
}

}  // namespace dyadic::inline DYADIC_ABI::detail
