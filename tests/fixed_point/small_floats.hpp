// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What holds the small floating-point formats: every code by the definition of its format, in doubles, and the nearest
// of all numbers by looking at each. Shares nothing with small_float.hpp but the types.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <dyadic/fixed_point/float4.hpp>

#include "fixed_point/exact.hpp"

namespace small_floats {

using dyadic::overflow;

/// The parameters of a format, said again.
struct layout {
  int exponent_bits, fraction_bits, bias;
  bool has_infinity, has_negative_zero;
  int first_nan, last_nan;  ///< among the codes without sign; -1: none. FNUZ: its NaN is the code of -0.

  int sign() const { return 1 << (exponent_bits + fraction_bits); }
};

template <class Small>
constexpr layout layout_of{};
template <>
inline constexpr layout layout_of<dyadic::float8_e4m3fn>{4, 3, 7, false, true, 0x7F, 0x7F};
template <>
inline constexpr layout layout_of<dyadic::float8_e5m2>{5, 2, 15, true, true, 0x7D, 0x7F};
template <>
inline constexpr layout layout_of<dyadic::float8_e4m3fnuz>{4, 3, 8, false, false, -1, -1};
template <>
inline constexpr layout layout_of<dyadic::float8_e5m2fnuz>{5, 2, 16, false, false, -1, -1};
template <>
inline constexpr layout layout_of<dyadic::float4_e2m1>{2, 1, 1, false, true, -1, -1};

/// The positive finite numbers, in order; the index is the code.
inline std::vector<double> numbers_of(const layout& f) {
  std::vector<double> all;
  for (int code = 0; code < f.sign(); ++code) {
    const int exponent = code >> f.fraction_bits, fraction = code & ((1 << f.fraction_bits) - 1);
    if (f.has_infinity && exponent == (1 << f.exponent_bits) - 1) break;
    if (code == f.first_nan) break;
    const double significand = std::ldexp(fraction, -f.fraction_bits) + (exponent == 0 ? 0 : 1);
    all.push_back(std::ldexp(significand, (exponent == 0 ? 1 : exponent) - f.bias));
  }
  return all;
}

/// The code of the nearest number, by looking at all; a tie goes to the even code. -1: beyond the largest number by
/// half a step or more, that is, the even neighbour of the tie would be the number after it.
inline int nearest_of(const std::vector<double>& numbers, double x) {
  const std::size_t last = numbers.size() - 1;
  const double next = 2 * numbers[last] - numbers[last - 1], end = numbers[last] + (next - numbers[last]) / 2;
  if (x > end || (x == end && last % 2 != 0)) return -1;
  std::size_t best = 0;
  for (std::size_t code = 1; code < numbers.size(); ++code) {
    const double was = std::fabs(numbers[best] - x), is = std::fabs(numbers[code] - x);
    if (is < was || (is == was && code % 2 == 0)) best = code;
  }
  return static_cast<int>(best);
}

template <class Small>
int code_of(float x, overflow rule) {
  return dyadic::small_float_from<Small>(x, rule).bits;
}

/// x and -x, under both rules, give what the definition says.
template <class Small>
void expect_nearest(const std::vector<double>& numbers, float x) {
  const layout f = layout_of<Small>;
  const int nearest = nearest_of(numbers, double{x}), largest = static_cast<int>(numbers.size()) - 1;
  const int saturated = nearest < 0 ? largest : nearest;
  const int special = nearest >= 0 ? nearest : f.has_infinity ? largest + 1 : f.first_nan;
  const int minus = f.has_negative_zero || saturated != 0 ? f.sign() : 0;
  ASSERT_EQ(code_of<Small>(x, overflow::saturate), saturated) << x;
  ASSERT_EQ(code_of<Small>(-x, overflow::saturate), saturated | minus) << x;
  if (nearest < 0 && f.first_nan < 0) {  // FNUZ has one NaN; float4 has none
    const int instead = f.has_negative_zero ? largest : f.sign();
    ASSERT_EQ(code_of<Small>(x, overflow::special), instead) << x;
    ASSERT_EQ(code_of<Small>(-x, overflow::special), instead | f.sign()) << x;
  } else {
    ASSERT_EQ(code_of<Small>(x, overflow::special), special) << x;
    ASSERT_EQ(code_of<Small>(-x, overflow::special), special | minus) << x;
  }
}

/// Every code is its number, and its number is the code.
template <class Small>
void every_code() {
  const layout f = layout_of<Small>;
  const std::vector<double> numbers = numbers_of(f);
  for (int code = 0; code < 2 * f.sign(); ++code) {
    const bool negative = code >= f.sign();
    const int rest = code & (f.sign() - 1);
    const float x = dyadic::to_float(Small{static_cast<std::uint8_t>(code)});
    const bool is_nan = f.has_negative_zero ? rest >= f.first_nan && f.first_nan >= 0 : code == f.sign();
    ASSERT_EQ(std::isnan(x), is_nan) << code;
    ASSERT_EQ(std::signbit(x), negative) << code;
    if (is_nan) {
      ASSERT_NE(std::bit_cast<std::uint32_t>(x) & 0x400000U, 0U) << "quiet";
      ASSERT_TRUE(std::isnan(dyadic::to_float(dyadic::small_float_from<Small>(x))));
      continue;
    }
    if (static_cast<std::size_t>(rest) == numbers.size()) {
      ASSERT_TRUE(f.has_infinity && std::isinf(x)) << code;
      ASSERT_EQ(code_of<Small>(x, overflow::special), code);
      ASSERT_EQ(code_of<Small>(x, overflow::saturate), code - 1);
      continue;
    }
    ASSERT_EQ(std::fabs(double{x}), numbers.at(static_cast<std::size_t>(rest))) << code;
    ASSERT_EQ(code_of<Small>(x, overflow::saturate), code);
    ASSERT_EQ(code_of<Small>(x, overflow::special), code);
  }
}

/// Every midpoint between two numbers, the one beyond the largest, and the neighbours of both and of the numbers.
template <class Small>
void every_midpoint() {
  std::vector<double> numbers = numbers_of(layout_of<Small>);
  std::vector<double> ends = numbers;
  const std::size_t last = ends.size() - 1;
  ends.push_back(2 * ends[last] - ends[last - 1]);
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (std::size_t code = 0; code + 1 < ends.size(); ++code) {
    const double middle = ends[code] + (ends[code + 1] - ends[code]) / 2;
    const auto tie = static_cast<float>(middle), low = static_cast<float>(ends[code]);
    ASSERT_EQ(tie, middle);
    for (const float x : {low, tie, std::nextafter(tie, 0.0F), std::nextafter(tie, infinity),
                          std::nextafter(low, infinity), std::nextafter(low, 0.0F)}) {
      expect_nearest<Small>(numbers, x);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
  for (const float x : {0x1p-149F, 0x1p-127F, 0x1.fffffep127F, infinity}) expect_nearest<Small>(numbers, x);
}

/// Floats of every size, in every floating-point environment.
template <class Small>
void floats_of_every_size() {
  const std::vector<double> numbers = numbers_of(layout_of<Small>);
  exact::in_every_environment([&] {
    for (std::uint64_t bits = 0; bits < 0x7F800000U && !testing::Test::HasFatalFailure(); bits += 1048573)
      expect_nearest<Small>(numbers, std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    // Densely, where the numbers of the format are.
    for (std::uint64_t bits = 0x36000000U; bits < 0x48000000U && !testing::Test::HasFatalFailure(); bits += 131071)
      expect_nearest<Small>(numbers, std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
  });
}

}  // namespace small_floats
