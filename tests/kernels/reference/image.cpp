// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolution, pooling and the operations on one element, against numbers worked out by hand.
#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include <dyadic/kernels/reference/convolution.hpp>
#include <dyadic/kernels/reference/elementwise.hpp>
#include <dyadic/kernels/reference/pooling.hpp>

namespace image_test {

using namespace dyadic;
namespace reference = dyadic::reference;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

static_assert(reference::relu(-2.0f) == 0.0f && reference::relu(3.0f) == 3.0f);
static_assert(reference::relu(nan) != reference::relu(nan));
static_assert(reference::relu_code(5, 9) == 9 && reference::relu_code(10, 9) == 10);

// Window 1 of an axis with stride 2, padding 1 and dilation 3 has its taps at 1, 4 and 7.
constexpr window strided_taps{.size = {3, 1}, .stride = {2, 1}, .padding = {1, 0}, .dilation = {3, 1}};
static_assert(reference::tap_of(strided_taps, {0, 1, 0}, 0, 0).row == 1);
static_assert(reference::tap_of(strided_taps, {0, 1, 0}, 2, 0).row == 7);
static_assert(reference::windows_along(8, 3, 2, 1, 3) == 2 && reference::windows_along(4, 3, 2, 0, 3) == 0);

/// 1 2 3 / 4 5 6 / 7 8 9 as codes with zero point 1.
constexpr std::uint8_t image[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
constexpr image_shape square{1, 3, 3, 1};

TEST(ReferenceImage, MaxAndAverageByHand) {
  std::uint8_t y[4];
  const window w{.size = {2, 2}};
  reference::max_pool(image, square, w, y);
  EXPECT_EQ(std::vector<int>(y, y + 4), (std::vector<int>{5, 6, 8, 9}));
  reference::average_pool(image, square, w, 0, y);
  EXPECT_EQ(std::vector<int>(y, y + 4), (std::vector<int>{3, 4, 6, 7}));
  // 1 2 / 4 5 with padding on top and left, stride 3: windows {1} and, at the other end, {9}.
  reference::average_pool(image, square, {.size = {2, 2}, .stride = {3, 3}, .padding = {1, 1}}, 0, y);
  EXPECT_EQ(y[0], 1);
  EXPECT_EQ(y[3], 9);
  // (1 + 2) / 2 is a tie; the zero point decides which neighbour is even: 1.5 -> 2, and 1 + round(0.5) = 1.
  const window pair{.size = {1, 2}, .stride = {3, 2}};
  reference::average_pool(image, square, pair, 0, y);
  EXPECT_EQ(y[0], 2);
  reference::average_pool(image, square, pair, 1, y);
  EXPECT_EQ(y[0], 1);

  const float reals[] = {1.0f, nan, -4.0f, -0.5f};
  float out[1];
  reference::max_pool(reals, {1, 2, 2, 1}, {.size = {2, 2}}, out);
  EXPECT_EQ(out[0], 1.0f);
  const float three[] = {1.0f, 2.0f, 4.0f, 0.0f};
  reference::average_pool(three, {1, 2, 2, 1}, {.size = {2, 2}}, out);
  EXPECT_EQ(out[0], 1.75f);
}

/// Padding is the zero point, which counts as 0; groups see their own channels.
TEST(ReferenceImage, ConvolutionByHand) {
  auto w = quantized<s8_per_row>::try_make(1, 9, params<s8_per_row>(std::vector<float>{1.0f})).value();
  for (int k = 0; k < 9; ++k) store_code<s8_per_row>(w.row(0), k, k + 1);
  const float scale[] = {1.0f};
  const std::int32_t zero_point[] = {1};
  std::int32_t y[9];
  reference::conv2d(image, square, scale, zero_point, {.size = {3, 3}, .padding = {1, 1}}, w.view(), 1,
                    reference::sums{}, strided<std::int32_t>(y, 9, 1));
  // In the corner only 5 6 / 8 9 of the kernel meets 0 1 / 3 4: 6 + 24 + 36. In the middle: sum of k (k - 1), k = 1 to
  // 9.
  EXPECT_EQ(y[0], 66);
  EXPECT_EQ(y[4], 240);

  // Two channels, two groups: output 0 sees channel 0 alone.
  const std::uint8_t two[] = {10, 20, 30, 40};  // pixels (10, 20) and (30, 40)
  auto pair = quantized<s8_per_row>::try_make(2, 1, params<s8_per_row>(std::vector<float>{1.0f, 1.0f})).value();
  store_code<s8_per_row>(pair.row(0), 0, 1);
  store_code<s8_per_row>(pair.row(1), 0, 2);
  reference::conv2d(two, {1, 1, 2, 2}, scale, zero_point, window{}, pair.view(), 2, reference::sums{},
                    strided<std::int32_t>(y, 2, 2));
  EXPECT_EQ(std::vector<int>(y, y + 4), (std::vector<int>{9, 38, 29, 78}));

  const float x[] = {1.0f, 2.0f}, weights[] = {3.0f, 4.0f};
  float out[3];
  reference::conv2d(x, {1, 1, 2, 1}, {.size = {1, 2}, .padding = {0, 1}}, {weights, 1, 2}, 1, {}, {out, 3, 1});
  EXPECT_EQ(std::vector<float>(out, out + 3), (std::vector<float>{4.0f, 11.0f, 6.0f}));
}

/// 0.5 * 3 + 0.25 * 4 = 2.5 goes to 2; a ReLU raises what is below.
TEST(ReferenceImage, AddByHand) {
  EXPECT_EQ(reference::add_code(13, 10, 0.5f, 24, 20, 0.25f, 100, 0, 255), 102);
  EXPECT_EQ(reference::add_code(7, 10, 0.5f, 20, 20, 0.25f, 100, 0, 255), 98);
  EXPECT_EQ(reference::add_code(7, 10, 0.5f, 20, 20, 0.25f, 100, 100, 255), 100);
  EXPECT_EQ(reference::add_code(255, 0, 10.0f, 255, 0, 10.0f, 100, 0, 255), 255);
}

}  // namespace image_test
