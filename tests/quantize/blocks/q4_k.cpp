// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "quantize/blocks/formats.hpp"

namespace q4_k_test {

using namespace dyadic;
using Floats = std::vector<float>;

/// The layout again, as ggml writes it down: from the twelve bytes of scales and minima, sub-block by sub-block.
Floats dequantized(const q4_k::block& b) {
  Floats y;
  const std::uint8_t *q = b.sub_codes, *codes = b.codes;
  for (int s = 0; s < 8; ++s) {
    const int scale = s < 4 ? q[s] % 64 : q[s + 4] % 16 + q[s - 4] / 64 * 16;
    const int minimum = s < 4 ? q[s + 4] % 64 : q[s + 4] / 16 + q[s] / 64 * 16;
    for (int l = 0; l < 32; ++l) {
      const int code = s % 2 == 0 ? codes[s / 2 * 32 + l] % 16 : codes[s / 2 * 32 + l] / 16;
      y.push_back(to_float(b.scale) * static_cast<float>(scale * code) -
                  to_float(b.minimum) * static_cast<float>(minimum));
    }
  }
  return y;
}

TEST(Q4K, EveryBitStandsWhereGgmlHasIt) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    q4_k::block b{.scale = half_from(0.25F), .minimum = half_from(0.5F), .sub_codes = {}, .codes = {}};
    for (std::uint8_t& byte : b.sub_codes) byte = static_cast<std::uint8_t>(random());
    for (std::uint8_t& byte : b.codes) byte = static_cast<std::uint8_t>(random());
    ASSERT_EQ(block_formats::numbers_of<q4_k>(b), dequantized(b));
  }
}

TEST(Q4K, NumbersOfTheFormatComeBackExactly) {
  // Sub-blocks of sixteen steps each, with scales and minima that are 63rds of the largest.
  Floats x;
  for (int s = 0; s < 8; ++s)
    for (int l = 0; l < 32; ++l)
      x.push_back(static_cast<float>((63 - 9 * (s % 4)) * (l % 16)) - 7.0F * static_cast<float>(9 * (s % 8)));
  const Floats y = block_formats::restored<q4_k>(x);
  EXPECT_GT(support::sqnr_db(x, y), 45.0);
  EXPECT_EQ(dequantized(block_formats::block_of<q4_k>(x)), y);
}

TEST(Q4K, LosesWhatItsReferenceLoses) {
  EXPECT_EQ(bits_per_number<q4_k>, 4.5);
  block_formats::expect_sqnr<q4_k>(22.92, 21.46, 21.64);
}

}  // namespace q4_k_test
