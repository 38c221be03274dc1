// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "quantize/blocks/formats.hpp"

namespace mxfp4_test {

using namespace dyadic;
using Floats = std::vector<float>;

Floats some_numbers() {
  Floats x(32, 0.0F);
  x[0] = 7.0F, x[1] = -2.5F, x[2] = 0.25F, x[3] = 5.0F, x[16] = -0.75F, x[17] = -0.1F;
  return x;
}

TEST(Mxfp4, ByHandWithTiesToEven) {
  const auto b = block_formats::block_of<mxfp4<>>(some_numbers());
  EXPECT_EQ(to_float(b.scale), 1.0F);
  EXPECT_EQ(b.elements[0], 0xC7) << "6 saturated, low; -2 of a tie between -2 and -3, high";
  EXPECT_EQ(b.elements[1], 0x60) << "0 of a tie, low; 4 of a tie between 4 and 6, high";
  EXPECT_EQ(b.elements[8], 0x8A) << "-1 of a tie; -0";
  const Floats y = block_formats::numbers_of<mxfp4<>>(b);
  EXPECT_EQ(y[0], 6.0F);
  EXPECT_EQ(y[1], -2.0F);
  EXPECT_EQ(y[16], -1.0F);
}

TEST(Mxfp4, ByHandAsGgmlHasIt) {
  const auto b = block_formats::block_of<mxfp4_ggml>(some_numbers());
  EXPECT_EQ(to_float(b.scale), 1.0F);
  EXPECT_EQ(b.elements[0], 0x97) << "element 16, high, is -0.5: ties towards zero";
  EXPECT_EQ(b.elements[1], 0x0C) << "element 17 is code 0: no negative zero";
  EXPECT_EQ(b.elements[2] & 15, 0);
  EXPECT_EQ(b.elements[3] & 15, 6);
  EXPECT_EQ(block_formats::numbers_of<mxfp4_ggml>(b)[16], -0.5F);
}

TEST(Mxfp4, HasTheScaleOfItsRule) {
  const auto scale = []<mx_scale Rule>(std::integral_constant<mx_scale, Rule>) {
    return to_float(block_formats::block_of<mxfp4<Rule>>(some_numbers()).scale);
  };
  EXPECT_EQ(scale(std::integral_constant<mx_scale, mx_scale::floor>{}), 1.0F);
  EXPECT_EQ(scale(std::integral_constant<mx_scale, mx_scale::ceil>{}), 2.0F);
  EXPECT_EQ(scale(std::integral_constant<mx_scale, mx_scale::rceil>{}), 2.0F);
  EXPECT_EQ(scale(std::integral_constant<mx_scale, mx_scale::even>{}), 2.0F);
}

TEST(Mxfp4, LosesWhatItsReferenceLoses) {
  EXPECT_EQ(bits_per_number<mxfp4<>>, 4.25);
  block_formats::expect_sqnr<mxfp4_ggml>(18.78, 17.92, 18.03);
  block_formats::expect_sqnr<mxfp4<>>(18.76, 17.92, 18.03);
}

}  // namespace mxfp4_test
