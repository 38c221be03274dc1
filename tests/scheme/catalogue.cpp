// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What went wrong elsewhere with scales and zero points, one test a fault; the letters are those of the catalogue of
// bad inputs that tests/quantize/catalogue.cpp goes on with.
#include <gtest/gtest.h>

#include <cmath>

#include <dyadic/fixed_point/multiplier.hpp>
#include <dyadic/scheme/choose.hpp>
#include <dyadic/scheme/fake_quantize_range.hpp>
#include <dyadic/scheme/params.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace scheme_catalogue_test {

using namespace dyadic;
using support::text_of;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
constexpr profile named[] = {onnx_profile,           onnxruntime_profile, tflite_profile,
                             tflite_dynamic_profile, pytorch_profile,     tensorrt_profile,
                             openvino_profile,       ggml_profile,        ggml_q4_0_profile};

/// f(scheme, profile) for all that go together.
template <class F>
void for_each(F f) {
  for (const scheme& s : support::every_width())
    for (const profile& p : named)
      if (takes(p, s)) f(s, p);
}

TEST(Catalogue, A1_NoScaleAtAllIsRefused) {
  EXPECT_EQ(text_of(params<u8_per_tensor>::try_make({}, {})), "params: 0 scales, expected 1");
  const float scale = 1.0F;
  EXPECT_FALSE(params<u8_per_tensor>::try_make(std::span(&scale, 1), {}));
  EXPECT_FALSE(check_params(params<s8_per_row>(), 3, 4));
  EXPECT_EQ(try_nncf_ranges({}, {}).error().code(), errc::no_data);
}

TEST(Catalogue, A2_AnAxisOrGroupOutsideTheShapeIsRefused) {
  for (const int group : {0, -1, -100, std::numeric_limits<int>::min()})
    EXPECT_EQ(check_scheme(s4_per_tensor.with(granularity::per_group, group)).error().code(), errc::invalid_group);
  EXPECT_FALSE(check_group(s4_per_tensor.with(granularity::per_group, 0x7FFFFFFF), 64));
  EXPECT_FALSE(check_scheme(s4_per_tensor.with(granularity::per_row, 3)));
}

TEST(Catalogue, A3_ListsOfDifferentLengthsAreRefused) {
  const float scales[] = {1, 2, 3};
  const std::int32_t zeros[] = {1, 2};
  EXPECT_FALSE(params<u8_per_row>::try_make(scales, zeros));
  EXPECT_FALSE(params<u8_per_row>::try_make(scales, {}));
  EXPECT_FALSE(params<s8_per_row>::try_make(scales, zeros));
}

TEST(Catalogue, A8_AScaleOfZeroOrWithoutReciprocalIsRefusedAndNeverChosen) {
  for (const float bad : {0.0F, -0.0F, -1.0F, 1e-45F, 0x1.fffffcp-127F, infinity, -infinity, nan, 0x1.8p126F})
    EXPECT_EQ(check_scale(bad, 0).error().code(), errc::invalid_scale) << bad;
  for (const float good : {0x1p-126F, 1.0F, 0x1p126F}) EXPECT_TRUE(check_scale(good, 0));
  for_each([](const scheme& s, const profile& p) {
    for (const range r : {range{0, 0}, range{-0.0F, 1e-45F}, range{0, 1e-39F}, range{-3e38F, 3e38F}, range{5, 5}})
      EXPECT_TRUE(check_scale(choose(s, p, r).scale, 0)) << r.lo << ' ' << r.hi;
  });
}

TEST(Catalogue, A9_ARangeWhoseStepUnderflowsIsDegenerateInEveryEnvironment) {
  exact::in_every_environment([] {
    for (const float hi : {1e-39F, 0x1p-126F, 0x1p-149F, 0x1.8p-125F}) {
      const chosen c = choose(s8_per_tensor, onnx_profile, {-hi, hi});
      EXPECT_EQ(std::bit_cast<std::uint32_t>(c.scale), 0x3F800000U) << "1, not max / 127 = 0";
      EXPECT_TRUE(c.degenerate);
      EXPECT_EQ(choose(u8_per_tensor, pytorch_profile, {0, hi}).scale, 0x1p-23F);
    }
  });
}

TEST(Catalogue, A10_NanNeverBecomesAScale) {
  for (const range r : {range{nan, 1}, range{-1, nan}, range{nan, nan}, range{-infinity, 1}, range{0, infinity}}) {
    for_each(
        [&](const scheme& s, const profile& p) { EXPECT_EQ(try_choose(s, p, r).error().code(), errc::invalid_range); });
    EXPECT_FALSE(try_nncf_ranges(std::span(&r, 1), {}));
  }
}

TEST(Catalogue, A11_ZeroPointsAreThoseOfTheStandards) {
  constexpr scheme u8_symmetric{.bits = 8, .is_signed = false};
  // PyTorch, ONNX QDQ: the middle of symmetric uint8 is 128; ONNX Runtime's [0, 254] has 127.
  for (const profile& p : {onnx_profile, pytorch_profile}) EXPECT_EQ(choose(u8_symmetric, p, {-3, 2}).zero_point, 128);
  EXPECT_EQ(choose(u8_per_tensor, onnxruntime_profile, {0, 254}, {-3, 3}).zero_point, 127);
  // 127.5: half to even, half away from zero, and away on the other side of the subtraction.
  const range half{-127.5F, 127.5F};
  EXPECT_EQ(choose(u8_per_tensor, onnx_profile, half).zero_point, 128);
  EXPECT_EQ(choose(u8_per_tensor, tflite_profile, half).zero_point, 128);
  EXPECT_EQ(choose(s8_asymmetric_per_tensor, onnx_profile, half).zero_point, 0);     // -0.5
  EXPECT_EQ(choose(s8_asymmetric_per_tensor, tflite_profile, half).zero_point, -1);  // -0.5 away
  EXPECT_EQ(choose(s8_asymmetric_per_tensor, pytorch_profile, half).zero_point, 0);  // -128 + 128
  // 126.5 is a tie too: even below, away above.
  const range below{-126.5F, 128.5F};
  EXPECT_EQ(choose(u8_per_tensor, onnx_profile, below), (chosen{1.0F, 126, false}));
  EXPECT_EQ(choose(u8_per_tensor, tflite_profile, below), (chosen{1.0F, 127, false}));
}

TEST(Catalogue, A12_ZeroIsInsideEveryRange) {
  for_each([](const scheme& s, const profile& p) {
    for (const range r : {range{2, 6}, range{-6, -2}, range{3, 3}, range{-1e-3F, 7}}) {
      const chosen c = choose(s, p, r), wide = choose(s, p, {std::fmin(r.lo, 0.0F), std::fmax(r.hi, 0.0F)});
      EXPECT_EQ(c, wide);
      EXPECT_TRUE(c.zero_point >= s.qmin() && c.zero_point <= s.qmax());
    }
  });
}

TEST(Catalogue, A16_AnInfiniteMultiplierIsRefusedAndTinyOnesAreZero) {
  const double endless = std::numeric_limits<double>::infinity();
  for (const double bad : {endless, -endless, std::nan(""), -1.0, 0x1p30, 1e300})
    EXPECT_EQ(try_multiplier_from(bad).error().code(), errc::invalid_scale) << bad;
  for (const double tiny : {0.0, 0x1p-33, 1e-300, 5e-324}) EXPECT_EQ(multiplier_from(tiny), multiplier{});
  EXPECT_EQ(apply<rescale::double_rounding>(multiplier_from(0x1p-33), std::numeric_limits<std::int32_t>::max()), 0);
}

}  // namespace scheme_catalogue_test
