// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <dyadic/fixed_point/rounding.hpp>

#include "fixed_point/exact.hpp"

namespace rounding_test {

using dyadic::round;
using dyadic::rounding;
using dyadic::shift_right;

constexpr rounding even = rounding::half_even, away = rounding::half_away, up = rounding::half_up;

// The table at the top of the header.
static_assert(round<even>(-2.5F) == -2 && round<away>(-2.5F) == -3 && round<up>(-2.5F) == -2);
static_assert(round<even>(-1.5F) == -2 && round<away>(-1.5F) == -2 && round<up>(-1.5F) == -1);
static_assert(round<even>(-0.5F) == 0 && round<away>(-0.5F) == -1 && round<up>(-0.5F) == 0);
static_assert(round<even>(0.5F) == 0 && round<away>(0.5F) == 1 && round<up>(0.5F) == 1);
static_assert(round<even>(1.5F) == 2 && round<away>(1.5F) == 2 && round<up>(1.5F) == 2);
static_assert(round<even>(2.5F) == 2 && round<away>(2.5F) == 3 && round<up>(2.5F) == 3);
static_assert(round<even>(-2.5) == -2 && round<away>(-2.5) == -3 && round<up>(-2.5) == -2);
static_assert(round<even>(2.5) == 2 && round<away>(2.5) == 3 && round<up>(2.5) == 3);
static_assert(round(even, 2.5F) == 2 && round(away, 2.5F) == 3 && round(up, -2.5) == -2);

// The number below one half, which floor(x + 0.5F) takes to 1: the sum rounds up.
static_assert(round<even>(0x1.fffffep-2F) == 0 && round<away>(0x1.fffffep-2F) == 0 && round<up>(0x1.fffffep-2F) == 0);
static_assert(round<up>(0x1.fffffffffffffp-2) == 0 && round<away>(-0x1.fffffffffffffp-2) == 0);

// The last ties there are, and the first floats without a fraction.
static_assert(round<even>(8388606.5F) == 8388606.0F && round<away>(8388606.5F) == 8388607.0F);
static_assert(round<even>(8388607.5F) == 8388608.0F && round<up>(-8388607.5F) == -8388607.0F);
static_assert(round<even>(8388609.0F) == 8388609.0F && round<away>(-8388609.0F) == -8388609.0F);
static_assert(round<even>(4503599627370495.5) == 4503599627370496.0);
static_assert(round<even>(4503599627370497.0) == 4503599627370497.0);

constexpr float infinity = std::numeric_limits<float>::infinity();
static_assert(round<even>(infinity) == infinity && round<up>(-infinity) == -infinity);
static_assert(round<even>(0x1.fffffep127F) == 0x1.fffffep127F && round<away>(-0x1p-149F) == 0);
static_assert(round<up>(std::numeric_limits<float>::quiet_NaN()) != 0 &&
              round<even>(std::numeric_limits<double>::quiet_NaN()) != 0);
static_assert(std::bit_cast<std::uint32_t>(round<even>(-0.25F)) == 0x80000000U);
static_assert(std::bit_cast<std::uint32_t>(round<up>(-0.5F)) == 0x80000000U);
static_assert(std::bit_cast<std::uint32_t>(round<away>(0.25F)) == 0);

constexpr std::int32_t int_min = INT32_MIN, int_max = INT32_MAX;
static_assert(shift_right<even>(-5, 1) == -2 && shift_right<away>(-5, 1) == -3 && shift_right<up>(-5, 1) == -2);
static_assert(shift_right<even>(-3, 1) == -2 && shift_right<away>(-3, 1) == -2 && shift_right<up>(-3, 1) == -1);
static_assert(shift_right<even>(5, 1) == 2 && shift_right<away>(5, 1) == 3 && shift_right<up>(5, 1) == 3);
static_assert(shift_right<up>(int_max, 31) == 1 && shift_right<up>(int_min, 31) == -1);
static_assert(shift_right<away>(int_max, 0) == int_max && shift_right<even>(int_min, 0) == int_min);
static_assert(shift_right<even>(INT64_MAX, 63) == 1 && shift_right<even>(INT64_MIN, 63) == -1);
static_assert(shift_right<even>(INT64_MAX, 1) == 1LL << 62 && shift_right<up>(INT64_MIN + 1, 1) == -(1LL << 62) + 1);
static_assert(shift_right<even>(1 << 30, 31) == 0 && shift_right<away>(-(1 << 30), 31) == -1);

static_assert(dyadic::divide<away>(-7, 2) == -4 && dyadic::divide<up>(-7, 2) == -3 &&
              dyadic::divide<even>(-7, 2) == -4);
static_assert(dyadic::divide<away>(5, 2) == 3 && dyadic::divide<up>(5, 2) == 3 && dyadic::divide<even>(5, 2) == 2);
static_assert(dyadic::divide<even>(7, 3) == 2 && dyadic::divide<even>(8, 3) == 3 && dyadic::divide<even>(-8, 3) == -3);

/// What round<R>(x) is, from the bits of x alone.
template <class Bits, int Fraction, int Bias>
Bits rounded_bits(rounding r, Bits bits) {
  constexpr Bits sign_bit = Bits{1} << (8 * sizeof(Bits) - 1);
  const Bits sign = bits & sign_bit, rest = bits & ~sign_bit;
  const int exponent = static_cast<int>(rest >> Fraction) - Bias;
  if (exponent >= Fraction) return bits;  // an integer, an infinity or NaN
  if (exponent < -1) return sign;         // less than one half
  const auto significand = static_cast<exact::int128>((rest & ((Bits{1} << Fraction) - 1)) | (Bits{1} << Fraction));
  const exact::int128 signed_one = sign != 0 ? -1 : 1;
  const exact::int128 whole = exact::divide(r, signed_one * significand, exact::int128{1} << (Fraction - exponent));
  auto magnitude = static_cast<std::uint64_t>(whole < 0 ? -whole : whole);
  if (magnitude == 0) return sign;
  const int top = 63 - std::countl_zero(magnitude);
  magnitude = top <= Fraction ? magnitude << (Fraction - top) : magnitude >> (top - Fraction);
  const auto biased = static_cast<Bits>(top + Bias);
  return sign | biased << Fraction | (static_cast<Bits>(magnitude) & ((Bits{1} << Fraction) - 1));
}

bool is_nan(std::uint32_t bits) { return (bits & 0x7FFFFFFFU) > 0x7F800000U; }
bool is_nan(std::uint64_t bits) { return (bits << 1) > 0x7FFULL << 53; }

struct of_float {
  using number = float;
  using bits = std::uint32_t;
  static bits rounded(rounding r, bits x) { return rounded_bits<bits, 23, 127>(r, x); }
};
struct of_double {
  using number = double;
  using bits = std::uint64_t;
  static bits rounded(rounding r, bits x) { return rounded_bits<bits, 52, 1023>(r, x); }
};

/// True when round<R> gives the bits it should, called by template argument and by run-time argument.
template <rounding R, class Format>
bool rounds(typename Format::bits x) {
  using Bits = typename Format::bits;
  const auto value = std::bit_cast<typename Format::number>(x);
  const Bits got = std::bit_cast<Bits>(round<R>(value)), got_at_run_time = std::bit_cast<Bits>(round(R, value));
  if (is_nan(x)) return is_nan(got) && is_nan(got_at_run_time);
  const Bits want = Format::rounded(R, x);
  return got == want && got_at_run_time == want;
}

template <class Format>
bool all_round(typename Format::bits x) {
  return rounds<even, Format>(x) && rounds<away, Format>(x) && rounds<up, Format>(x);
}

TEST(Rounding, EveryTieAroundZeroAndItsNeighbours) {
  int ties = 0;
  for (int k = -4097; k <= 4096; ++k, ++ties) {
    // k + 1/2 in integers: up to k + 1; away from zero to k + 1 or k; to the even one of the two.
    const int to_even = k % 2 == 0 ? k : k + 1, to_away = k >= 0 ? k + 1 : k;
    const float x = static_cast<float>(k) + 0.5F;
    const double d = x;
    ASSERT_EQ(round<even>(x), static_cast<float>(to_even)) << x;
    ASSERT_EQ(round<away>(x), static_cast<float>(to_away)) << x;
    ASSERT_EQ(round<up>(x), static_cast<float>(k + 1)) << x;
    ASSERT_EQ(round<even>(d), to_even) << d;
    ASSERT_EQ(round<away>(d), to_away) << d;
    ASSERT_EQ(round<up>(d), k + 1) << d;
    for (const rounding r : {even, away, up}) {
      ASSERT_EQ(round(r, std::nextafter(x, -infinity)), static_cast<float>(k)) << x;
      ASSERT_EQ(round(r, std::nextafter(x, infinity)), static_cast<float>(k + 1)) << x;
      ASSERT_EQ(round(r, std::nextafter(d, -HUGE_VAL)), k) << d;
      ASSERT_EQ(round(r, std::nextafter(d, HUGE_VAL)), k + 1) << d;
    }
  }
  EXPECT_EQ(ties, 8194);
}

TEST(Rounding, FloatsOfEverySizeInEveryEnvironment) {
  std::uint64_t wrong = 0, checked = 0, environments = 0;
  std::uint32_t first_wrong = 0;
  exact::in_every_environment([&] {
    // A stride without a factor of two: every exponent, and low bits of every pattern. Then both ends of each exponent.
    const auto check = [&](std::uint32_t x) {
      if (!all_round<of_float>(x)) first_wrong = wrong++ == 0 ? x : first_wrong;
      ++checked;
    };
    ++environments;  // four roundings, and on x86-64 each with and without flushing
    for (std::uint64_t x = 0; x < 1ULL << 32; x += 1021) check(static_cast<std::uint32_t>(x));
    for (std::uint32_t exponent = 0; exponent < 512; ++exponent)
      for (std::uint32_t low = 0; low < 64; ++low)
        check(exponent << 23 | low), check((exponent << 23 | 0x7FFFFFU) - low);
  });
  EXPECT_EQ(wrong, 0U) << std::hex << "first at the bits 0x" << first_wrong;
  EXPECT_GE(environments, 4U);
  EXPECT_GE(checked, environments << 22);
}

TEST(Rounding, EveryFloatThatHasAFraction) {
  // Between 2^-2 and 2^24, 26 exponents; one float in 61, both signs.
  std::uint64_t wrong = 0, checked = 0;
  for (std::uint32_t x = 0x3E800000U; x < 0x4B800000U; x += 61, checked += 2)
    wrong += all_round<of_float>(x) && all_round<of_float>(x | 0x80000000U) ? 0U : 1U;
  EXPECT_EQ(wrong, 0U);
  EXPECT_GE(checked, 7'000'000U);
}

TEST(Rounding, DoublesOfEverySizeInEveryEnvironment) {
  std::uint64_t wrong = 0;
  exact::in_every_environment([&] {
    std::uint64_t x = 1;
    for (int i = 0; i < 1 << 18; ++i) {
      x = x * 6364136223846793005ULL + 1442695040888963407ULL;
      wrong += !all_round<of_double>(x);
      // The same fraction, cut to at most 20 bits, with an exponent between -2 and 53: many ties.
      const std::uint64_t few = x & 0xFFFFF00000000ULL << (x % 16);
      wrong += !all_round<of_double>((x & 1ULL << 63) | (1021 + x % 56) << 52 | (few & ((1ULL << 52) - 1)));
    }
  });
  EXPECT_EQ(wrong, 0U);
}

template <rounding R, class Int>
void expect_shifts(Int x) {
  for (int n = 0; n <= std::numeric_limits<Int>::digits; ++n)
    ASSERT_EQ(shift_right<R>(x, n), static_cast<Int>(exact::divide(R, x, exact::int128{1} << n))) << x << " >> " << n;
}

template <class Int>
void expect_every_shift(Int x) {
  expect_shifts<even>(x);
  expect_shifts<away>(x);
  expect_shifts<up>(x);
}

TEST(Rounding, ShiftRightOfEverySmallNumber) {
  for (std::int32_t x = INT16_MIN; x <= INT16_MAX; ++x) {
    expect_every_shift<std::int32_t>(x);
    expect_every_shift<std::int64_t>(x);
    if (HasFatalFailure()) return;
  }
}

TEST(Rounding, ShiftRightOfTheCorners) {
  for (const auto x : exact::corners<std::int32_t>()) expect_every_shift(x);
  for (const auto x : exact::corners<std::int64_t>()) expect_every_shift(x);
}

template <rounding R>
void expect_quotient(std::int64_t numerator, std::int64_t denominator) {
  ASSERT_EQ(dyadic::divide<R>(numerator, denominator),
            static_cast<std::int64_t>(exact::divide(R, numerator, denominator)))
      << numerator << " / " << denominator;
}

TEST(Rounding, DivideSmallNumbersAndCorners) {
  for (std::int64_t denominator = 1; denominator <= 128; ++denominator)
    for (std::int64_t numerator = -2048; numerator <= 2048; ++numerator) {
      expect_quotient<even>(numerator, denominator);
      expect_quotient<away>(numerator, denominator);
      expect_quotient<up>(numerator, denominator);
    }
  for (const auto numerator : exact::corners<std::int64_t>())
    for (const auto denominator : exact::corners<std::int64_t>()) {
      if (denominator <= 0) continue;
      expect_quotient<even>(numerator, denominator);
      expect_quotient<away>(numerator, denominator);
      expect_quotient<up>(numerator, denominator);
      if (HasFatalFailure()) return;
    }
}

}  // namespace rounding_test
