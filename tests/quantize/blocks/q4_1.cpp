// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "quantize/blocks/formats.hpp"

namespace q4_1_test {

using namespace dyadic;
using Floats = std::vector<float>;

TEST(Q4_1, ByHand) {
  Floats x(32, 3.0F);
  x[0] = 2.0F, x[1] = 17.0F, x[2] = 4.5F, x[16] = 16.49F;
  const q4_1::block b = block_formats::block_of<q4_1>(x);
  EXPECT_EQ(b.scale, half_from(1.0F));
  EXPECT_EQ(b.minimum, half_from(2.0F));
  EXPECT_EQ(b.codes[0], 0xE0);
  EXPECT_EQ(b.codes[1], 0x1F);
  EXPECT_EQ(b.codes[2] & 15, 3) << "ties up";
  const Floats y = block_formats::numbers_of<q4_1>(b);
  EXPECT_EQ(y[0], 2.0F);
  EXPECT_EQ(y[1], 17.0F);
  EXPECT_EQ(y[5], 3.0F);
}

TEST(Q4_1, HoldsAConstantExactly) {
  const Floats y = block_formats::restored<q4_1>(Floats(32, -0.375F));
  EXPECT_EQ(y, Floats(32, -0.375F));
}

TEST(Q4_1, LosesWhatItsReferenceLoses) {
  EXPECT_EQ(bits_per_number<q4_1>, 5.0);
  block_formats::expect_sqnr<q4_1>(22.12, 20.74, 20.93);
}

}  // namespace q4_1_test
