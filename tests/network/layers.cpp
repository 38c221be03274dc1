// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <limits>

#include <dyadic/network/layers.hpp>

#include "support/data.hpp"

namespace layers_test {

using dyadic::conv2d;
using dyadic::errc;
using dyadic::index_t;
using dyadic::label;
using dyadic::linear;
using dyadic::strided;
using dyadic::window;
using support::text_of;

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

static_assert(!std::is_copy_constructible_v<linear> && std::is_nothrow_move_constructible_v<linear>);

strided<const float> matrix(const std::vector<float>& numbers, index_t rows, index_t cols) {
  return {numbers.data(), rows, cols};
}

TEST(Layers, ALinearLayerKeepsItsOwnCopy) {
  std::vector<float> w{1, 2, 3, 4, 5, 6}, b{7, 8};
  // Given by columns: (out, features) = (2, 3).
  const auto made = linear::try_make({w.data(), 2, 3, 1, 2}, b, "head");
  ASSERT_TRUE(made) << text_of(made);
  w.assign(6, 0.0F), b.assign(2, 0.0F);
  const dyadic::layer_weights& kept = made->weights();
  EXPECT_EQ(kept.rows(), 2);
  EXPECT_EQ(kept.cols(), 3);
  EXPECT_EQ(kept.weight()(0, 1), 3.0F);
  EXPECT_EQ(kept.weight()(1, 2), 6.0F);
  EXPECT_EQ(kept.bias()[1], 8.0F);
  EXPECT_STREQ(kept.name().c_str(), "head");
}

TEST(Layers, AConvolutionKnowsItsShapes) {
  const std::vector<float> w(4 * 18);
  const window taps{.size = {3, 3}, .stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}};
  const auto made = conv2d::try_make(matrix(w, 4, 18), {}, taps, 2, "c");
  ASSERT_TRUE(made) << text_of(made);
  EXPECT_EQ(made->taps(), taps);
  EXPECT_EQ(made->groups(), 2);
  EXPECT_TRUE(made->weights().bias().empty());
  const auto shape = made->output_shape({5, 9, 8, 4});
  ASSERT_TRUE(shape) << text_of(shape);
  EXPECT_EQ(*shape, (dyadic::image_shape{5, 5, 4, 4}));  // (9 + 2 - 3) / 2 + 1, 8 - 5 + 1
  EXPECT_EQ(text_of(made->output_shape({5, 9, 8, 6})),
            "conv2d: weights have 18 columns, 3 x 3 taps of 3 channels expect 27");
  EXPECT_EQ(text_of(made->output_shape({5, 9, 8, 5})), "conv2d: 2 groups do not divide 5 input and 4 output channels");
  EXPECT_EQ(text_of(made->output_shape({5, -9, 8, 4})), "conv2d: x: image of 5 x -9 x 8 x 4, expected sizes >= 0");
}

TEST(Layers, ABiasHasOneNumberARow) {
  const std::vector<float> w(6), b(3);
  const auto bad = linear::try_make(matrix(w, 2, 3), b, "fc");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), errc::invalid_shape);
  EXPECT_EQ(text_of(bad), "linear 'fc': bias of 3 for 2 rows of weights, expected 2 or none");
  EXPECT_EQ(text_of(conv2d::try_make(matrix(w, 2, 3), b, window{}, 1, "c")),
            "conv2d 'c': bias of 3 for 2 rows of weights, expected 2 or none");
}

TEST(Layers, WeightsAndBiasesAreFinite) {
  for (const float odd : {nan_value, infinity, -infinity}) {
    std::vector<float> w(6, 1.0F), b(2, 1.0F);
    w[5] = odd;
    const auto bad_weight = linear::try_make(matrix(w, 2, 3), b, "fc");
    ASSERT_FALSE(bad_weight);
    EXPECT_EQ(bad_weight.error().code(), errc::invalid_range);
    w[5] = 0.0F, b[1] = odd;
    const auto bad_bias = linear::try_make(matrix(w, 2, 3), b, "fc");
    ASSERT_FALSE(bad_bias);
    EXPECT_EQ(bad_bias.error().code(), errc::invalid_range);
  }
  std::vector<float> w(6, 1.0F), b(2, 1.0F);
  w[4] = infinity;
  EXPECT_EQ(text_of(linear::try_make(matrix(w, 2, 3), b, "fc")),
            "linear 'fc': weight (1, 1) is inf, expected a finite number");
  w[4] = std::numeric_limits<float>::max(), b[0] = -infinity;
  EXPECT_EQ(text_of(linear::try_make(matrix(w, 2, 3), b, "fc")),
            "linear 'fc': bias 0 is -inf, expected a finite number");
  b[0] = -0x1p-149F;
  EXPECT_TRUE(linear::try_make(matrix(w, 2, 3), b, "fc"));
}

TEST(Layers, GroupsDivideTheOutputChannels) {
  const std::vector<float> w(36);
  for (const index_t groups : {0, -1, 3}) {
    const auto bad = conv2d::try_make(matrix(w, 4, 9), {}, window{.size = {3, 3}}, groups, "c");
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code(), errc::invalid_shape);
    EXPECT_EQ(text_of(bad), "conv2d 'c': " + std::to_string(groups) + " groups do not divide 4 output channels");
  }
}

TEST(Layers, TheDepthIsAMultipleOfTheTaps) {
  const std::vector<float> w(40);
  EXPECT_EQ(text_of(conv2d::try_make(matrix(w, 4, 10), {}, window{.size = {3, 2}}, 1, "c")),
            "conv2d 'c': weights have 10 columns, expected a multiple of 3 x 2 taps");
}

TEST(Layers, WindowsAreBounded) {
  const std::vector<float> w(36);
  const auto with = [&](const window& taps) { return text_of(conv2d::try_make(matrix(w, 4, 9), {}, taps)); };
  const std::string size = "conv2d: size, stride or dilation of ", padding = "conv2d: padding of ";
  EXPECT_EQ(with({.size = {0, 3}}), size + "0, expected 1 to 1048576");
  EXPECT_EQ(with({.size = {3, -3}}), size + "-3, expected 1 to 1048576");
  EXPECT_EQ(with({.size = {3, 3}, .stride = {1, 0}}), size + "0, expected 1 to 1048576");
  EXPECT_EQ(with({.size = {3, 3}, .dilation = {1048577, 1}}), size + "1048577, expected 1 to 1048576");
  EXPECT_EQ(with({.size = {3, 3}, .padding = {0, -1}}), padding + "-1, expected 0 to 1048576");
  EXPECT_EQ(with({.size = {3, 3}, .padding = {PTRDIFF_MAX, 0}}),
            padding + std::to_string(PTRDIFF_MAX) + ", expected 0 to 1048576");
}

TEST(Layers, WeightsHaveMemory) {
  EXPECT_EQ(text_of(linear::try_make({nullptr, 2, 3})), "linear: null data for 2 x 3 elements");
  EXPECT_EQ(text_of(linear::try_make({nullptr, -2, 3})), "linear: shape -2 x 3, expected sizes >= 0");
  EXPECT_EQ(text_of(conv2d::try_make({nullptr, 2, 3}, {}, window{})), "conv2d: null data for 2 x 3 elements");
}

TEST(Layers, LabelsAreCutAndCompared) {
  EXPECT_TRUE(label().empty());
  EXPECT_EQ(label("{} {}", "conv2d", 3), "conv2d 3");
  EXPECT_FALSE(label("conv") == "conv2d");
  EXPECT_FALSE(label("conv2d") == "conv");
  const std::string name(100, 'x');
  EXPECT_EQ(std::string(label("{}", name.c_str()).c_str()), name.substr(0, 39));
  // A layer with a long name is found by it.
  EXPECT_TRUE(label("{}", name.c_str()) == name.c_str());
  EXPECT_FALSE(label("{}", name.c_str()) == name.substr(0, 38).c_str());
  EXPECT_STREQ(label("{}", "a{}b").c_str(), "a{}b");
}

#if DYADIC_EXCEPTIONS
TEST(Layers, TheThrowingFace) {
  const std::vector<float> w(6), b(3);
  EXPECT_THROW(linear(matrix(w, 2, 3), b), std::invalid_argument);
  EXPECT_THROW(conv2d(matrix(w, 2, 3), {}, window{.size = {0, 1}}), std::invalid_argument);
  EXPECT_NO_THROW(linear(matrix(w, 2, 3)));
}
#endif

}  // namespace layers_test
