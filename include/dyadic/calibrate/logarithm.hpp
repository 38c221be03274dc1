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

/// log(1 + (2 i + 1) / 256) by the series of atanh: the middles of 128 pieces of [1, 2).
constexpr std::array<double, 128> make_logarithms() noexcept {
  std::array<double, 128> all{};
  for (std::size_t i = 0; i < all.size(); ++i) {
    const double y = static_cast<double>(2 * i + 1) / 256.0, s = y / (2.0 + y);
    double sum = 0.0;
    for (int n = 39; n > 0; n -= 2) sum = sum * (s * s) + 1.0 / n;
    all[i] = 2.0 * s * sum;
  }
  return all;
}
inline constexpr std::array<double, 128> logarithms = make_logarithms();

/// log x of a normal x > 0.
inline double logarithm(double x) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(x);
  const int exponent = static_cast<int>(bits >> 52) - 1023;
  const std::uint64_t fraction = bits & 0xFFFFFFFFFFFFFULL;
  const auto m = std::bit_cast<double>(fraction | 0x3FF0000000000000ULL);
  const auto middle = std::bit_cast<double>((fraction & 0xFE00000000000ULL) | 0x3FF0100000000000ULL);
  const double r = (m - middle) / middle;  // at most 2^-8; the first term left out of log(1 + r) is below 2^-66
  double sum = opaque(r * (1.0 / 7)) - 1.0 / 6;
  for (const double term : {1.0 / 5, -1.0 / 4, 1.0 / 3, -1.0 / 2}) sum = opaque(r * sum) + term;
  const double log_m = logarithms[fraction >> 45] + (r + opaque(opaque(r * r) * sum));
  return opaque(static_cast<double>(exponent) * 0.69314718055994530942) + log_m;
}

}  // namespace dyadic::inline DYADIC_ABI::detail
