// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <dyadic/fixed_point/saturate.hpp>

#include "fixed_point/exact.hpp"

namespace saturate_test {

using dyadic::round_to_integer;
using dyadic::rounding;
using dyadic::saturate;
using dyadic::to_integer;

static_assert(saturate<std::int8_t>(127) == 127 && saturate<std::int8_t>(128) == 127);
static_assert(saturate<std::int8_t>(-128) == -128 && saturate<std::int8_t>(-129) == -128);
static_assert(saturate<std::uint8_t>(-1) == 0 && saturate<std::uint8_t>(256) == 255);
static_assert(saturate<std::int32_t>(INT64_MAX) == INT32_MAX && saturate<std::int32_t>(INT64_MIN) == INT32_MIN);
static_assert(saturate<std::int32_t>(UINT64_MAX) == INT32_MAX && saturate<std::uint64_t>(-1) == 0);
static_assert(saturate<std::int64_t>(UINT64_MAX) == INT64_MAX && saturate<std::uint32_t>(INT64_MIN) == 0);

static_assert(dyadic::clamp(5, 0, 3) == 3 && dyadic::clamp(-5, 0, 3) == 0 && dyadic::clamp(2, 0, 3) == 2);
static_assert(dyadic::clamp(5.5F, 0, 3) == 3.0F && dyadic::clamp(7, 7, 7) == 7);
static_assert(dyadic::clamp(std::numeric_limits<float>::quiet_NaN(), 0, 1) != 0);

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

static_assert(to_integer(2.9F, -8, 7, 0) == 2 && to_integer(-2.9F, -8, 7, 0) == -2);
static_assert(to_integer(7.9F, -8, 7, 0) == 7 && to_integer(8.0F, -8, 7, 0) == 7 && to_integer(-9.0F, -8, 7, 0) == -8);
static_assert(to_integer(infinity, -8, 7, 3) == 7 && to_integer(-infinity, -8, 7, 3) == -8 &&
              to_integer(nan, -8, 7, 3) == 3);

// INT32_MAX is not a float: the floats beside it are 2^31 - 128 and 2^31.
static_assert(to_integer(0x1p31F, INT32_MIN, INT32_MAX, 0) == INT32_MAX);
static_assert(to_integer(0x1.fffffep30F, INT32_MIN, INT32_MAX, 0) == INT32_MAX - 127);
static_assert(to_integer(-0x1p31F, INT32_MIN, INT32_MAX, 0) == INT32_MIN);
static_assert(to_integer(-0x1.000002p31F, INT32_MIN, INT32_MAX, 0) == INT32_MIN);
static_assert(to_integer(2147483647.5, INT32_MIN, INT32_MAX, 0) == INT32_MAX);
static_assert(to_integer(-2147483648.5, INT32_MIN, INT32_MAX, 0) == INT32_MIN);
// An end between two floats: float(2^24 + 1) is 2^24, so comparing with it would take 2^24 to the end.
static_assert(to_integer(0x1p24F, 0, (1 << 24) + 1, 0) == 1 << 24);
static_assert(to_integer(0x1.000002p24F, 0, (1 << 24) + 1, 0) == (1 << 24) + 1);
static_assert(to_integer(-0x1p24F, -(1 << 24) - 1, 0, 0) == -(1 << 24));
static_assert(to_integer(0x1p63, INT64_MIN, INT64_MAX, std::int64_t{0}) == INT64_MAX);
static_assert(to_integer(0x1.fffffffffffffp62, INT64_MIN, INT64_MAX, std::int64_t{0}) == INT64_MAX - 1023);
static_assert(to_integer(-1e30F, std::uint8_t{3}, std::uint8_t{250}, std::uint8_t{9}) == 3);
static_assert(to_integer(-0.5F, std::uint8_t{0}, std::uint8_t{255}, std::uint8_t{9}) == 0);
static_assert(to_integer(4294967296.0F, std::uint32_t{0}, UINT32_MAX, std::uint32_t{0}) == UINT32_MAX);
static_assert(to_integer(infinity, std::int8_t{-127}, std::int8_t{127}, std::int8_t{0}) == 127);

static_assert(round_to_integer<rounding::half_even>(2.5F, -128, 127, 0) == 2);
static_assert(round_to_integer<rounding::half_away>(-2.5F, -128, 127, 0) == -3);
static_assert(round_to_integer<rounding::half_up>(126.5F, -128, 127, 0) == 127);
static_assert(round_to_integer<rounding::half_even>(127.5F, -128, 127, 0) == 127);
static_assert(round_to_integer<rounding::half_even>(-128.5F, -128, 127, 0) == -128);
static_assert(round_to_integer<rounding::half_even>(nan, 0, 255, 17) == 17);
static_assert(round_to_integer(rounding::half_away, 0.5, 0, 255, 17) == 1);

template <class To, class From>
void expect_saturates(From x) {
  constexpr exact::int128 lo = (std::numeric_limits<To>::min)(), hi = (std::numeric_limits<To>::max)();
  const exact::int128 wide = x;
  ASSERT_EQ(saturate<To>(x), static_cast<To>(wide < lo ? lo : wide > hi ? hi : wide)) << +x;
}

template <class From>
void expect_saturates_to_all() {
  for (const auto x : exact::corners<From>()) {
    expect_saturates<std::int8_t>(x);
    expect_saturates<std::uint8_t>(x);
    expect_saturates<std::int16_t>(x);
    expect_saturates<std::uint16_t>(x);
    expect_saturates<std::int32_t>(x);
    expect_saturates<std::uint32_t>(x);
    expect_saturates<std::int64_t>(x);
    expect_saturates<std::uint64_t>(x);
  }
}

TEST(Saturate, CornersOfEveryTypeToEveryType) {
  expect_saturates_to_all<std::int16_t>();
  expect_saturates_to_all<std::int32_t>();
  expect_saturates_to_all<std::uint32_t>();
  expect_saturates_to_all<std::int64_t>();
  expect_saturates_to_all<std::uint64_t>();
}

TEST(Saturate, EveryInt16ToBytes) {
  for (std::int32_t x = INT16_MIN; x <= INT16_MAX; ++x) {
    expect_saturates<std::int8_t>(static_cast<std::int16_t>(x));
    expect_saturates<std::uint8_t>(static_cast<std::int16_t>(x));
  }
}

/// x cut towards zero, from its bits; what is beyond +-2^100 is an end anyway.
exact::int128 truncated(float x) {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const int exponent = static_cast<int>(bits >> 23 & 0xFFU) - 150;
  exact::int128 significand = (bits & 0x7FFFFFU) | 0x800000U;
  if (exponent < 0) significand = exponent < -24 ? 0 : significand >> -exponent;
  if (exponent > 0) significand <<= exponent > 76 ? 76 : exponent;
  return bits >> 31 != 0 ? -significand : significand;
}

TEST(Saturate, ToIntegerOfFloatsOfEverySizeInEveryEnvironment) {
  std::uint64_t wrong = 0;
  exact::in_every_environment([&] {
    for (std::uint64_t i = 0; i < 1ULL << 32; i += 2039) {
      const auto bits = static_cast<std::uint32_t>(i);
      const auto x = std::bit_cast<float>(bits);
      if ((bits & 0x7FFFFFFFU) > 0x7F800000U) {
        wrong += to_integer(x, INT32_MIN, INT32_MAX, 42) != 42;
        continue;
      }
      const exact::int128 whole = truncated(x);
      wrong += to_integer(x, INT32_MIN, INT32_MAX, 42) != exact::limit(whole, INT32_MIN, INT32_MAX);
      wrong += to_integer(x, -16777217, 16777217, 42) != exact::limit(whole, -16777217, 16777217);
      wrong += to_integer(x, INT64_MIN, INT64_MAX, std::int64_t{42}) != exact::limit(whole, INT64_MIN, INT64_MAX);
      wrong += to_integer(x, std::uint8_t{1}, std::uint8_t{254}, std::uint8_t{42}) != exact::limit(whole, 1, 254);
      wrong += to_integer(x, std::int8_t{-128}, std::int8_t{127}, std::int8_t{42}) != exact::limit(whole, -128, 127);
      wrong +=
          to_integer(static_cast<double>(x), INT32_MIN, INT32_MAX, 42) != exact::limit(whole, INT32_MIN, INT32_MAX);
    }
  });
  EXPECT_EQ(wrong, 0U);
}

TEST(Saturate, RoundToIntegerAtEveryTieOfAByte) {
  for (int k = -300; k <= 300; ++k) {
    const float x = static_cast<float>(k) + 0.5F;
    const int to_even = k % 2 == 0 ? k : k + 1, to_away = k >= 0 ? k + 1 : k;
    EXPECT_EQ(round_to_integer<rounding::half_even>(x, -128, 127, 0), exact::limit(to_even, -128, 127)) << x;
    EXPECT_EQ(round_to_integer<rounding::half_away>(x, -128, 127, 0), exact::limit(to_away, -128, 127)) << x;
    EXPECT_EQ(round_to_integer<rounding::half_up>(x, -128, 127, 0), exact::limit(k + 1, -128, 127)) << x;
    EXPECT_EQ(round_to_integer(rounding::half_up, double{x}, -128, 127, 0), exact::limit(k + 1, -128, 127)) << x;
  }
}

}  // namespace saturate_test
