// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "quantize/blocks/formats.hpp"

namespace q4_0_test {

using namespace dyadic;
using Floats = std::vector<float>;

TEST(Q4_0, ByHand) {
  Floats x(32, 0.0F);
  x[0] = 8.0F, x[1] = -7.4F, x[2] = -9e-8F, x[16] = 1.5F, x[17] = -1.5F, x[31] = 7.0F;
  const q4_0::block b = block_formats::block_of<q4_0>(x);
  EXPECT_EQ(b.scale, half_from(-1.0F)) << "the largest magnitude is -8 scales";
  EXPECT_EQ(b.codes[0] & 15, 0);
  EXPECT_EQ(b.codes[0] >> 4, 7) << "-1.5 + 8.5 is 7";
  EXPECT_EQ(b.codes[1] & 15, 15);
  EXPECT_EQ(b.codes[1] >> 4, 10) << "1.5 + 8.5 is 10";
  EXPECT_EQ(b.codes[15] >> 4, 1);
  const Floats y = block_formats::numbers_of<q4_0>(b);
  EXPECT_EQ(y[0], 8.0F);
  EXPECT_EQ(y[1], -7.0F);
  EXPECT_EQ(y[31], 7.0F);
}

TEST(Q4_0, OfTwoExtremesTakesTheFirst) {
  Floats x(32, 0.0F);
  x[5] = -2.0F, x[9] = 2.0F;
  EXPECT_EQ(block_formats::block_of<q4_0>(x).scale, half_from(0.25F));
}

/// The reference divides the 0 it begins its search for an extreme with by -8, whatever the sign of the zeros.
TEST(Q4_0, OfZerosOfBothSignsHasTheScaleMinusZero) {
  for (const float zero : {0.0F, -0.0F}) {
    Floats x(32, 0.0F);
    x[0] = zero;
    EXPECT_EQ(block_formats::block_of<q4_0>(x).scale.bits, 0x8000) << zero;
  }
}

TEST(Q4_0, EveryByteIsItsTwoCodes) {
  for (int byte = 0; byte < 256; ++byte) {
    q4_0::block b{.scale = half_from(0.5F), .codes = {}};
    b.codes[3] = static_cast<std::uint8_t>(byte);
    const Floats y = block_formats::numbers_of<q4_0>(b);
    EXPECT_EQ(y[3], 0.5F * static_cast<float>(byte % 16 - 8));
    EXPECT_EQ(y[19], 0.5F * static_cast<float>(byte / 16 - 8));
  }
}

TEST(Q4_0, LosesWhatItsReferenceLoses) {
  EXPECT_EQ(bits_per_number<q4_0>, 4.5);
  block_formats::expect_sqnr<q4_0>(21.32, 19.45, 19.39);
}

}  // namespace q4_0_test
