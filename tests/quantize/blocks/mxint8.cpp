// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <cmath>

#include "quantize/blocks/formats.hpp"

namespace mxint8_test {

using namespace dyadic;
using Floats = std::vector<float>;

TEST(Mxint8, ByHand) {
  Floats x(32, 0.0F);
  x[0] = -3.999F, x[1] = 1.0F, x[2] = 2.5F / 32.0F, x[3] = 3.96875F;
  const auto b = block_formats::block_of<mxint8<>>(x);
  EXPECT_EQ(to_float(b.scale), 2.0F);
  EXPECT_EQ(b.elements[0], -127) << "-128 stays unused";
  EXPECT_EQ(b.elements[1], 32);
  EXPECT_EQ(b.elements[2], 2) << "a tie to even";
  EXPECT_EQ(b.elements[3], 127);
  EXPECT_EQ(block_formats::numbers_of<mxint8<>>(b)[3], 3.96875F);
  EXPECT_EQ(to_float(block_formats::block_of<mxint8<mx_scale::rceil>>(x).scale), 4.0F);
  EXPECT_EQ(to_float(block_formats::block_of<mxint8<mx_scale::even>>(x).scale), 4.0F) << "127.97 of 128ths is 128";
}

TEST(Mxint8, ErrsByHalfAStepAtMost) {
  const Floats x = support::gauss_numbers(1 << 14, 3);
  const auto y = block_formats::restored<mxint8<mx_scale::rceil>>(x);
  for (std::size_t b = 0; b < x.size(); b += 32) {
    float largest = 0.0F;
    for (std::size_t j = b; j < b + 32; ++j) largest = std::max(largest, std::fabs(x[j]));
    for (std::size_t j = b; j < b + 32; ++j) ASSERT_LE(std::fabs(x[j] - y[j]), largest * 2.0F / 128.0F);
  }
  EXPECT_NEAR(support::sqnr_db(x, y), 42.5, 2.0);
}

}  // namespace mxint8_test
