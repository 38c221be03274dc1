// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "quantize/blocks/formats.hpp"

namespace q6_k_test {

using namespace dyadic;
using Floats = std::vector<float>;

/// The layout again, as ggml's loop has it: halves of 128, in each 32 columns of four codes.
Floats dequantized(const q6_k::block& b) {
  Floats y(256);
  for (std::size_t n = 0; n < 2; ++n)
    for (std::size_t l = 0; l < 32; ++l)
      for (std::size_t q = 0; q < 4; ++q) {
        const int low = b.low[n * 64 + l + 32 * (q % 2)], high = b.high[n * 32 + l];
        const int code = (q < 2 ? low % 16 : low / 16) + (high >> (2 * q) & 3) * 16;
        const int sub_scale = b.sub_scales[n * 8 + 2 * q + l / 16];
        y[n * 128 + 32 * q + l] = to_float(b.scale) * static_cast<float>(sub_scale * (code - 32));
      }
  return y;
}

TEST(Q6K, EveryBitStandsWhereGgmlHasIt) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 200; ++round) {
    q6_k::block b{};
    b.scale = half_from(0.125F);
    for (std::uint8_t& byte : b.low) byte = static_cast<std::uint8_t>(random());
    for (std::uint8_t& byte : b.high) byte = static_cast<std::uint8_t>(random());
    for (std::int8_t& scale : b.sub_scales) scale = static_cast<std::int8_t>(random());
    ASSERT_EQ(block_formats::numbers_of<q6_k>(b), dequantized(b));
  }
}

TEST(Q6K, LosesWhatItsReferenceLoses) {
  EXPECT_EQ(bits_per_number<q6_k>, 6.5625);
  block_formats::expect_sqnr<q6_k>(35.02, 33.31, 33.38);
}

}  // namespace q6_k_test
