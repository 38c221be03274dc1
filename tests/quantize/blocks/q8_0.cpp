// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "quantize/blocks/formats.hpp"

namespace q8_0_test {

using namespace dyadic;
using Floats = std::vector<float>;

TEST(Q8_0, ByHand) {
  Floats x(32, 0.0F);
  x[0] = -127.0F, x[1] = 2.5F, x[2] = -2.5F, x[3] = 0.49F, x[31] = 100.4F;
  const q8_0::block b = block_formats::block_of<q8_0>(x);
  EXPECT_EQ(b.scale, half_from(1.0F));
  EXPECT_EQ(b.codes[0], -127);
  EXPECT_EQ(b.codes[1], 3) << "ties away from zero";
  EXPECT_EQ(b.codes[2], -3);
  EXPECT_EQ(b.codes[3], 0);
  EXPECT_EQ(b.codes[31], 100);
  EXPECT_EQ(block_formats::numbers_of<q8_0>(b)[31], 100.0F);
}

TEST(Q8_0, CodesComeFromTheScaleBeforeItIsAHalf) {
  Floats x(32, 0.0F);
  x[0] = 12.7004F;  // scale 0.100003...; as a half 0.10 is 0.099976
  x[1] = 12.6495F;  // 126.49 of the first, 126.53 of the second
  const q8_0::block b = block_formats::block_of<q8_0>(x);
  EXPECT_EQ(b.codes[0], 127);
  EXPECT_EQ(b.codes[1], 126);
}

TEST(Q8_0, LosesWhatEightBitsLose) {
  EXPECT_EQ(bits_per_number<q8_0>, 8.5);
  block_formats::expect_sqnr<q8_0>(45.42, 43.46, 43.42);
}

}  // namespace q8_0_test
