// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <stdexcept>

#include <dyadic/scheme/params.hpp>

#include "support/data.hpp"

namespace params_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;
using Ints = std::vector<std::int32_t>;

TEST(Params, RefusesAScaleThatIsNone) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const auto made_of = [](float scale) { return params<s8_per_row>::try_make(Floats{1.0F, scale}); };
  EXPECT_EQ(text_of(made_of(0.0F)), "params: scale 1 is 0, expected a number in [2^-126, 2^126]");
  EXPECT_EQ(text_of(made_of(-0.5F)), "params: scale 1 is -0.5, expected a number in [2^-126, 2^126]");
  EXPECT_EQ(text_of(made_of(nan)), "params: scale 1 is nan, expected a number in [2^-126, 2^126]");
  EXPECT_EQ(text_of(made_of(infinity)), "params: scale 1 is inf, expected a number in [2^-126, 2^126]");
  EXPECT_EQ(text_of(made_of(-infinity)), "params: scale 1 is -inf, expected a number in [2^-126, 2^126]");
  EXPECT_EQ(text_of(made_of(1e-40F)), "params: scale 1 is 9.9999461e-41, expected a number in [2^-126, 2^126]")
      << "a subnormal scale, which flush-to-zero would turn into 0";
  EXPECT_EQ(made_of(0.0F).error().code(), errc::invalid_scale);
  EXPECT_TRUE(made_of(0x1p-126F));
  EXPECT_TRUE(made_of(0x1p126F));
  EXPECT_FALSE(made_of(0x1.fffffcp-127F));
  EXPECT_FALSE(made_of(0x1.000002p126F));
}

TEST(Params, RefusesAZeroPointThatIsNoCode) {
  EXPECT_EQ(text_of(params<u8_per_tensor>::try_make(Floats{1.0F}, Ints{256})),
            "params: zero point 0 is 256, expected a code in [0, 255]");
  EXPECT_EQ(text_of(params<u8_per_row>::try_make(Floats{1.0F, 1.0F}, Ints{0, -1})),
            "params: zero point 1 is -1, expected a code in [0, 255]");
  EXPECT_EQ(text_of(params<s8_asymmetric_per_tensor>::try_make(Floats{1.0F}, Ints{128})),
            "params: zero point 0 is 128, expected a code in [-128, 127]");
  EXPECT_EQ(params<u8_per_tensor>::try_make(Floats{1.0F}, Ints{256}).error().code(), errc::invalid_zero_point);
  EXPECT_TRUE(params<u8_per_row>::try_make(Floats{1.0F, 1.0F}, Ints{0, 255}));
  EXPECT_TRUE(params<s8_asymmetric_per_tensor>::try_make(Floats{1.0F}, Ints{-128}));
}

TEST(Params, RefusesAWrongNumberOfNumbers) {
  EXPECT_EQ(text_of(params<u8_per_tensor>::try_make(Floats{1.0F, 2.0F}, Ints{0, 0})), "params: 2 scales, expected 1");
  EXPECT_EQ(text_of(params<u8_per_tensor>::try_make(Floats{}, Ints{})), "params: 0 scales, expected 1");
  EXPECT_EQ(text_of(params<u8_per_row>::try_make(Floats{1.0F, 2.0F}, Ints{0})),
            "params: 1 zero points with 2 scales, expected 2");
  EXPECT_EQ(text_of(params<s8_per_row>::try_make(Floats{1.0F, 2.0F}, Ints{0, 0})),
            "params: 2 zero points with 2 scales, expected 0");
  EXPECT_EQ(params<s8_per_row>::try_make(Floats{1.0F}, Ints{0}).error().code(), errc::invalid_shape);
}

TEST(Params, RefusesAMatrixTheyDoNotFit) {
  const params<s8_per_row> rows(Floats{1.0F, 2.0F, 3.0F});
  EXPECT_TRUE(check_params(rows, 3, 7));
  EXPECT_EQ(text_of(check_params(rows, 4, 7)), "params: 3 scales for a 4 x 7 matrix, expected 4");
  const params<s4_per_group<32>> groups(Floats(6, 1.0F));
  EXPECT_TRUE(check_params(groups, 3, 64));
  EXPECT_EQ(text_of(check_params(groups, 3, 32)), "params: 6 scales for a 3 x 32 matrix, expected 3");
  EXPECT_EQ(text_of(check_params(groups, 6, 33)), "scheme: rows of 33 do not divide into groups of 32");
}

TEST(Params, HoldsWhatItWasGiven) {
  const params<u8_per_tensor> one(0.25F, 7);
  EXPECT_EQ(one.count(), 1);
  EXPECT_EQ(one.scale(), 0.25F);
  EXPECT_EQ(one.zero_point(), 7);
  EXPECT_EQ(one.zero_points().size(), 1U);
  const params<s8_per_tensor> symmetric(0.5F);
  EXPECT_EQ(symmetric.zero_point(), 0);
  EXPECT_TRUE(symmetric.zero_points().empty());
  const params<u8_per_row> rows(Floats{1.0F, 2.0F}, Ints{3, 4});
  EXPECT_EQ(rows.count(), 2);
  EXPECT_EQ(rows.scale(1), 2.0F);
  EXPECT_EQ(rows.zero_point(1), 4);
  constexpr scheme unsigned_symmetric{.bits = 8, .is_signed = false};
  EXPECT_EQ(params<unsigned_symmetric>(1.0F).zero_point(), 128);
}

TEST(Params, StartsAsAUnitScale) {
  EXPECT_EQ(params<u8_per_tensor>().scale(), 1.0F);
  EXPECT_EQ(params<u8_per_tensor>().zero_point(), 0);
  EXPECT_EQ(params<s8_asymmetric_per_tensor>().zero_point(), -128);
  EXPECT_EQ(params<s8_per_row>().count(), 0);
}

TEST(Params, ThrowsWhatItRefuses) {
  EXPECT_THROW(params<u8_per_tensor>(0.0F, 0), std::invalid_argument);
  EXPECT_THROW(params<u8_per_tensor>(1.0F, 256), std::invalid_argument);
  EXPECT_THROW(params<s8_per_row>(Floats{1.0F}, Ints{0}), std::invalid_argument);
}

}  // namespace params_test
