// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>

#include <dyadic/quantize/fake_quantize.hpp>
#include <dyadic/quantize/fake_quantize_gradient.hpp>

#include "support/data.hpp"

namespace fake_quantize_gradient_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;

constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
constexpr scheme s4_asymmetric{.bits = 4, .sym = symmetry::asymmetric};

// -128.5 is a tie that goes to -128, a code; 127.5 goes to 128, which is none.
static_assert(fake_quantize_passes(-128.5F, 1.0F, 0, -128, 127) && !fake_quantize_passes(127.5F, 1.0F, 0, -128, 127));
static_assert(fake_quantize_passes(127.49F, 1.0F, 0, -128, 127) && !fake_quantize_passes(-128.51F, 1.0F, 0, -128, 127));
static_assert(fake_quantize_passes(252.0F, 1.0F, 3, 0, 255) && !fake_quantize_passes(253.0F, 1.0F, 3, 0, 255));
static_assert(!fake_quantize_passes<tflite_profile>(-128.5F, 1.0F, 0, -128, 127));
static_assert(!fake_quantize_passes(1e30F, 1.0F, 0, -128, 127) && !fake_quantize_passes(-1e38F, 1.0F, 0, 0, 255));

static_assert(learnable_zero_point(granularity::per_tensor, -3.0F, -8, 7) == -2, "as PyTorch has it");
static_assert(learnable_zero_point(granularity::per_tensor, 3.0F, -8, 7) == 3);
static_assert(learnable_zero_point(granularity::per_tensor, 3.5F, -8, 7) == 4);
static_assert(learnable_zero_point(granularity::per_tensor, 300.0F, -8, 7) == 7);
static_assert(learnable_zero_point(granularity::per_row, -3.0F, -8, 7) == -3);
static_assert(learnable_zero_point(granularity::per_row, 2.5F, -8, 7) == 2);
static_assert(learnable_zero_point(granularity::per_row, -1e30F, -8, 7) == -8);

strided<const float> row_of(const Floats& x) { return {x.data(), 1, static_cast<index_t>(x.size())}; }
strided<float> row_of(Floats& x) { return {x.data(), 1, static_cast<index_t>(x.size())}; }

/// Where fake quantization moved x by no more than half a step, the gradient passes; where by more, it does not.
template <profile P>
void expect_mask() {
  const float scale = 0.37F;
  const int zero = 3;
  Floats x;
  for (int k = -5000; k <= 5000; ++k) x.push_back(static_cast<float>(k) * 0.01F * scale);
  const params<s4_asymmetric> p(scale, zero);
  Floats y(x.size()), dy(x.size(), 2.0F), dx(x.size());
  fake_quantize<s4_asymmetric, P>(row_of(x), p, row_of(y));
  fake_quantize_backward<s4_asymmetric, P>(row_of(dy), row_of(x), p, row_of(dx));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double moved = std::abs(static_cast<double>(y[i] - x[i])) / static_cast<double>(scale);
    if (moved < 0.4999) {
      ASSERT_EQ(dx[i], 2.0F) << x[i];
    } else if (moved > 0.5001) {
      ASSERT_EQ(dx[i], 0.0F) << x[i];
    }
  }
}

TEST(FakeQuantizeGradient, PassesWhereNothingWasClamped) {
  expect_mask<pytorch_profile>();
  expect_mask<onnx_profile>();
  expect_mask<tflite_profile>();
  expect_mask<openvino_profile>();
  expect_mask<tflite_dynamic_profile>();
}

TEST(FakeQuantizeGradient, MasksWhateverTheGradientIs) {
  const Floats x{1.0F, 1e9F, nan, -1e9F}, dy{nan, infinity, nan, -1.0F};
  Floats dx(4, 9.0F);
  fake_quantize_backward<s4_asymmetric>(row_of(dy), row_of(x), params<s4_asymmetric>(1.0F, 0), row_of(dx));
  EXPECT_TRUE(std::isnan(dx[0]));
  EXPECT_FALSE(fake_quantize_passes(nan, 1.0F, 0, -128, 127));
  EXPECT_FALSE(fake_quantize_passes(infinity, 1.0F, 0, -128, 127));
  EXPECT_FALSE(fake_quantize_passes(-1e38F, 0x1p-126F, 0, 0, 255));  // the quotient is infinite
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(std::bit_cast<std::uint32_t>(dx[i]), 0U);
}

/// The derivatives by hand: scale 0.5, zero point 1, codes [-8, 7].
TEST(FakeQuantizeGradient, OfLearnedParams) {
  const Floats x{0.3F, 100.0F, -100.0F, nan}, dy{2.0F, 3.0F, 5.0F, 7.0F}, scale{0.5F}, zero{1.0F};
  Floats dx(4), ds(1), dz(1);
  fake_quantize_learnable_backward<s4_asymmetric>(row_of(dy), row_of(x), {scale, zero, 0.5F}, row_of(dx), ds, dz);
  EXPECT_EQ(dx, (Floats{2.0F, 0.0F, 0.0F, 0.0F}));
  // 0.3 / 0.5 + 1 = 1.6 -> 2: y = 0.5, (y - x) / scale = 0.4; 7 - 1 = 6 above; -8 - 1 = -9 below.
  EXPECT_NEAR(ds[0], 0.5 * (2 * 0.4 + 3 * 6 + 5 * -9), 1e-5);
  EXPECT_NEAR(dz[0], 0.5 * (-3 * 0.5 - 5 * 0.5), 1e-6);
}

TEST(FakeQuantizeGradient, OfRowsIsThatOfEachRowAndIgnoresTheCallersRounding) {
  constexpr scheme rows = s4_asymmetric.with(granularity::per_row);
  const Floats x = support::normal_numbers(60, 1), dy = support::normal_numbers(60, 2), scales{0.1F, 0.2F, 0.4F},
               zeros{0.0F, -2.0F, 3.4F};
  const strided<const float> matrix(x.data(), 3, 20), gradient(dy.data(), 3, 20);
  Floats dx(60), ds(3), dz(3);
  std::fesetround(FE_UPWARD);
  fake_quantize_learnable_backward<rows>(gradient, matrix, {scales, zeros}, strided<float>(dx.data(), 3, 20), ds, dz);
  std::fesetround(FE_TONEAREST);
  for (std::size_t i = 0; i < 3; ++i) {
    Floats one(20), s(1), z(1);
    const auto at = static_cast<index_t>(i);
    fake_quantize_learnable_backward<rows>(
        strided<const float>(gradient.row(at), 1, 20), strided<const float>(matrix.row(at), 1, 20),
        {std::span(scales).subspan(i, 1), std::span(zeros).subspan(i, 1)}, row_of(one), s, z);
    EXPECT_EQ(s[0], ds[i]);
    EXPECT_EQ(z[0], dz[i]);
    EXPECT_EQ(one, Floats(dx.begin() + static_cast<std::ptrdiff_t>(20 * i),
                          dx.begin() + static_cast<std::ptrdiff_t>(20 * i + 20)));
  }
}

TEST(FakeQuantizeGradient, HasLsqsFactor) {
  EXPECT_EQ(learnable_factor(64, 1), 0.125F);
  EXPECT_FLOAT_EQ(learnable_factor(1000, 127), 1.0F / std::sqrt(127000.0F));
}

TEST(FakeQuantizeGradient, RefusesWhatDoesNotFit) {
  Floats x(6), dy(6), dx(6), ds(1), dz(1);
  const Floats scale{0.5F}, zero{0.0F}, bad_scale{0.0F}, bad_zero{nan};
  const strided<const float> m(x.data(), 2, 3), g(dy.data(), 2, 3);
  const strided<float> to(dx.data(), 2, 3);
  const params<s4_asymmetric> p(0.5F, 0);
  const auto text = [&](const auto& gradient, const auto& out) {
    return text_of(try_fake_quantize_backward<s4_asymmetric>(gradient, m, p, out));
  };
  EXPECT_EQ(text(strided<const float>(dy.data(), 3, 2), to), "fake_quantize_backward: dy is 3 x 2, expected 2 x 3");
  EXPECT_EQ(text(g, strided<float>(dx.data(), 1, 3)), "fake_quantize_backward: dx is 1 x 3, expected 2 x 3");
  EXPECT_EQ(text(g, strided<float>(x.data(), 2, 3)), "no failure");
  EXPECT_EQ(text(g, strided<float>(dy.data(), 2, 3, 1, 2)),
            "fake_quantize_backward: dx overlaps an input without being the same matrix");
  constexpr scheme rows = s4_asymmetric.with(granularity::per_row);
  const params<rows> one_row(Floats{1.0F}, std::vector<std::int32_t>{0});
  EXPECT_EQ(text_of(try_fake_quantize_backward<rows>(g, m, one_row, to)),
            "params: 1 scales for a 2 x 3 matrix, expected 2");

  const auto learn = [&](const Floats& s, const Floats& z, float factor, std::span<float> out) {
    return text_of(try_fake_quantize_learnable_backward<s4_asymmetric>(g, m, {s, z, factor}, to, out, dz));
  };
  EXPECT_EQ(learn(scale, zero, 1.0F, ds), "no failure");
  EXPECT_EQ(learn(scale, zero, 1.0F, {}),
            "fake_quantize_backward: 1 scales, 1 zero points, 0 and 1 gradients of them, expected 1 of each");
  EXPECT_EQ(learn(bad_scale, zero, 1.0F, ds), "params: scale 0 is 0, expected a number in [2^-126, 2^126]");
  EXPECT_EQ(learn(scale, bad_zero, 1.0F, ds), "fake_quantize_backward: zero point 0 is nan, expected a finite number");
  EXPECT_EQ(learn(scale, zero, infinity, ds), "fake_quantize_backward: gradient factor inf, expected a finite number");
}

}  // namespace fake_quantize_gradient_test
