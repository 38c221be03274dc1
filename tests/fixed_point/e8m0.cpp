// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <dyadic/fixed_point/e8m0.hpp>
#include <dyadic/fixed_point/float4.hpp>

namespace e8m0_test {

using namespace dyadic;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

TEST(E8m0, EveryCodeIsItsPowerAndComesBack) {
  for (int code = 0; code < 255; ++code) {
    const float8_e8m0 e{static_cast<std::uint8_t>(code)};
    const float x = to_float(e);
    ASSERT_EQ(double{x}, std::ldexp(1.0, code - 127));
    ASSERT_EQ(double{reciprocal(e)}, std::ldexp(1.0, 127 - code));
    for (const auto how : {power_rounding::down, power_rounding::up, power_rounding::nearest})
      for (const auto rule : {overflow::saturate, overflow::special}) {
        ASSERT_EQ(e8m0_from(x, how, rule), e) << code;
        ASSERT_EQ(e8m0_from(-x, how, rule), e) << code;
      }
  }
  EXPECT_TRUE(std::isnan(to_float(float8_e8m0{255})));
  EXPECT_TRUE(std::isnan(reciprocal(float8_e8m0{255})));
}

TEST(E8m0, WhatIsBetweenTwoPowersGoesWhereTheRoundingSays) {
  for (int code = 0; code < 255; ++code) {
    const auto power = static_cast<float>(std::ldexp(1.0, code - 127));
    const auto middle = static_cast<float>(std::ldexp(1.5, code - 127));
    const auto up = [code](overflow rule) { return code < 254 ? code + 1 : rule == overflow::saturate ? 254 : 255; };
    for (const auto rule : {overflow::saturate, overflow::special})
      for (const float x : {std::nextafter(power, infinity), std::nextafter(middle, 0.0F), middle,
                            std::nextafter(middle, infinity), std::nextafter(power * 2, 0.0F)}) {
        if (std::isinf(x) || x == power) continue;
        ASSERT_EQ(e8m0_from(x, power_rounding::down, rule).bits, code) << x;
        ASSERT_EQ(e8m0_from(x, power_rounding::up, rule).bits, up(rule)) << x;
        ASSERT_EQ(e8m0_from(x, power_rounding::nearest, rule).bits, x < middle ? code : up(rule)) << x;
      }
  }
}

// The two columns of ONNX Cast-25.
TEST(E8m0, TakesWhatIsOutsideAsOnnxCastSays) {
  for (const float x : {0.0F, -0.0F, 0x1p-149F, std::nextafter(0x1p-127F, 0.0F)}) {
    EXPECT_EQ(e8m0_from(x).bits, 0) << x;
    EXPECT_EQ(e8m0_from(x, power_rounding::nearest, overflow::special).bits, 255) << x;
  }
  EXPECT_EQ(e8m0_from(infinity).bits, 254);
  EXPECT_EQ(e8m0_from(infinity, power_rounding::nearest, overflow::special).bits, 255);
  EXPECT_EQ(e8m0_from(0x1.fffffep127F).bits, 254);
  EXPECT_EQ(e8m0_from(0x1.fffffep127F, power_rounding::nearest, overflow::special).bits, 255);
  EXPECT_EQ(e8m0_from(nan).bits, 255);
}

/// The rule, in doubles, where every step is exact.
template <class Format>
int expected_scale(double largest, mx_scale rule) {
  if (largest == 0) return 0;
  int power = static_cast<int>(std::floor(std::log2(largest)));
  if (std::ldexp(1.0, power) > largest) --power;
  if (std::ldexp(1.0, power + 1) <= largest) ++power;
  double units = 0;
  switch (rule) {
    case mx_scale::floor: break;
    case mx_scale::ceil: power += largest > std::ldexp(1.0, power) ? 1 : 0; break;
    case mx_scale::even:
      units = std::round(std::ldexp(largest, Format::fraction_bits - power));
      power += units >= std::ldexp(2.0, Format::fraction_bits) ? 1 : 0;
      break;
    case mx_scale::rceil: {
      const float needed = static_cast<float>(largest) * (1.0F / Format::largest());
      power = static_cast<int>(std::ceil(std::log2(double{needed})));
      return std::max(0, power + 127);
    }
  }
  return std::max(0, power - Format::largest_exponent + 127);
}

template <class Format>
void every_rule() {
  for (const auto rule : {mx_scale::floor, mx_scale::ceil, mx_scale::even, mx_scale::rceil})
    for (int exponent = -120; exponent < 127; exponent += 13)
      for (int step = 0; step < 1024; ++step) {
        const auto x = static_cast<float>(std::ldexp(1.0 + step / 1024.0, exponent));
        for (const float near : {x, std::nextafter(x, infinity), std::nextafter(x, 0.0F)})
          ASSERT_EQ(mx_scale_from<Format>(near, rule).bits, expected_scale<Format>(double{near}, rule))
              << near << " rule " << static_cast<int>(rule);
      }
}

TEST(E8m0, ScalesOfBlocksFollowTheFourRules) {
  every_rule<float8_e4m3fn::format>();
  every_rule<float8_e5m2::format>();
  every_rule<float4_e2m1::format>();
}

TEST(E8m0, ScalesByHand) {
  using format = float4_e2m1::format;  // the largest number is 6 = 1.5 * 2^2
  const auto scale = [](float x, mx_scale rule) { return to_float(mx_scale_from<format>(x, rule)); };
  EXPECT_EQ(scale(7.0F, mx_scale::floor), 1.0F);
  EXPECT_EQ(scale(7.0F, mx_scale::even), 2.0F);  // 7 = 1.75 * 4 has one fraction bit too many: 8
  EXPECT_EQ(scale(6.9F, mx_scale::even), 1.0F);
  EXPECT_EQ(scale(4.0F, mx_scale::ceil), 1.0F);
  EXPECT_EQ(scale(4.1F, mx_scale::ceil), 2.0F);
  EXPECT_EQ(scale(6.0F, mx_scale::rceil), 1.0F);
  EXPECT_EQ(scale(6.1F, mx_scale::rceil), 2.0F);
}

struct below_two {
  static constexpr int largest_exponent = 0, fraction_bits = 6;
  static constexpr float largest() { return 1.984375F; }
};

TEST(E8m0, ScalesOfZeroSmallAndImpossibleBlocks) {
  for (const auto rule : {mx_scale::floor, mx_scale::ceil, mx_scale::even, mx_scale::rceil}) {
    EXPECT_EQ(mx_scale_from<float4_e2m1::format>(0.0F, rule).bits, 0);
    EXPECT_EQ(mx_scale_from<float4_e2m1::format>(0x1p-149F, rule).bits, 0);
    EXPECT_EQ(mx_scale_from<float4_e2m1::format>(infinity, rule).bits, 255);
    EXPECT_EQ(mx_scale_from<float4_e2m1::format>(nan, rule).bits, 255);
    EXPECT_LT(mx_scale_from<float4_e2m1::format>(0x1.fffffep127F, rule).bits, 255);
    EXPECT_EQ(mx_scale_from<below_two>(0x1.fffffep127F, rule).bits, 254);
  }
}

}  // namespace e8m0_test
