// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <dyadic/kernels/window.hpp>

#include <gtest/gtest.h>

#include <dyadic/kernels/reference/image.hpp>

#include "support/data.hpp"

namespace window_test {

using namespace dyadic;
using support::text_of;

// By hand: 28 pixels under 3 taps with a padding of 1 stay 28; under 2 taps 2 apart they are halved; 5 taps need 5
// pixels.
static_assert(window{.size = {3, 3}, .padding = {1, 1}}.out_height(28) == 28);
static_assert(window{.size = {2, 2}, .stride = {2, 2}}.out_width(29) == 14);
static_assert(window{.size = {5, 5}}.out_height(4) == 0 && window{.size = {5, 5}}.out_height(5) == 1);
static_assert(window{.size = {3, 1}, .dilation = {4, 1}}.out_height(9) == 1);
static_assert(image_shape{2, 3, 4, 5}.pixels() == 24 && image_shape{2, 3, 4, 5}.features() == 60);
static_assert(image_shape{2, 3, 4, 5}.size() == 120 && image_shape{7, 1, 1, 10}.size() == 70);

/// The formula against counting: windows whose last tap is still inside the image and its padding.
TEST(Window, CountsByFormulaAsByHand) {
  for (index_t image = 0; image <= 12; ++image)
    for (index_t size = 1; size <= 5; ++size)
      for (index_t stride = 1; stride <= 4; ++stride)
        for (index_t padding = 0; padding <= 5; ++padding)
          for (index_t dilation = 1; dilation <= 3; ++dilation)
            ASSERT_EQ(window::count(image, size, stride, padding, dilation),
                      reference::windows_along(image, size, stride, padding, dilation))
                << image << " pixels, " << size << " taps, stride " << stride << ", padding " << padding
                << ", dilation " << dilation;
}

TEST(Window, RefusesWhatCannotBe) {
  EXPECT_TRUE(check_window("conv2d", window{}));
  EXPECT_EQ(text_of(check_window("conv2d", window{.size = {0, 3}})),
            "conv2d: size, stride or dilation of 0, expected 1 to 1048576");
  EXPECT_EQ(text_of(check_window("conv2d", window{.stride = {1, -1}})),
            "conv2d: size, stride or dilation of -1, expected 1 to 1048576");
  EXPECT_EQ(text_of(check_window("conv2d", window{.dilation = {1048577, 1}})),
            "conv2d: size, stride or dilation of 1048577, expected 1 to 1048576");
  EXPECT_EQ(text_of(check_window("conv2d", window{.padding = {0, -2}})),
            "conv2d: padding of -2, expected 0 to 1048576");
  EXPECT_TRUE(check_image("x", image_shape{0, 3, 3, 1}));
  EXPECT_EQ(text_of(check_image("x", image_shape{1, -3, 3, 1})), "x: image of 1 x -3 x 3 x 1, expected sizes >= 0");
  EXPECT_EQ(check_image("x", image_shape{index_t{1} << 40, index_t{1} << 20, 8, 1}).error().code(), errc::overflow);
}

}  // namespace window_test
