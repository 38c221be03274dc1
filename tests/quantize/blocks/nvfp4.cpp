// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <cmath>
#include <stdexcept>

#include "quantize/blocks/formats.hpp"
#include "support/data.hpp"

namespace nvfp4_test {

using namespace dyadic;
using Floats = std::vector<float>;

TEST(Nvfp4, ByHand) {
  Floats x(16, 0.0F);
  x[0] = 6.6F, x[1] = -1.1F, x[2] = 0.275F, x[15] = -5.5F;
  const nvfp4::block b = block_formats::block_of<nvfp4>(x);
  EXPECT_EQ(to_float(b.scale), 1.125F) << "1.1 in steps of an eighth";
  EXPECT_EQ(b.elements[0], 0xA7) << "6 and -1";
  EXPECT_EQ(b.elements[1], 0x00) << "0.244 is nearer to 0 than to a half";
  EXPECT_EQ(b.elements[7] >> 4, 14) << "-4.89 is nearer to -4 than to -6";
  EXPECT_EQ(block_formats::numbers_of<nvfp4>(b)[0], 6.75F);
}

TEST(Nvfp4, StoresNoScaleBelowItsSmallest) {
  for (const float v : {0.0F, 0x1p-20F, 0x1p-9F, 0x1.8p-5F})
    EXPECT_EQ(to_float(block_formats::block_of<nvfp4>(Floats(16, v)).scale), 0x1p-6F) << v;
  EXPECT_EQ(to_float(block_formats::block_of<nvfp4>(Floats(16, 6 * 0x1.2p-6F)).scale), 0x1.2p-6F);
}

TEST(Nvfp4, UsesTheWholeRangeWithATensorScale) {
  Floats x = support::gauss_numbers(1 << 14, 3);
  for (float& v : x) v *= 1e-5F;
  const float scale = nvfp4::tensor_scale(x);
  float largest = 0.0F;
  for (const float v : x) largest = std::max(largest, std::fabs(v));
  EXPECT_EQ(scale, largest / 2688.0F);
  const Floats y = block_formats::restored<nvfp4>(x, scale);
  EXPECT_NEAR(support::sqnr_db(x, y), 20.41, 0.15);
  EXPECT_LT(block_formats::sqnr_on<nvfp4>(x), 0.1) << "without it 2^-6 is the smallest scale";
}

TEST(Nvfp4, RefusesATensorScaleThatIsNone) {
  const Floats x(16, 1.0F);
  Floats y(16);
  nvfp4::block b{};
  for (const float scale : {0.0F, -1.0F, std::nanf(""), INFINITY, 0x1p-127F, 0x1p117F}) {
    EXPECT_EQ(try_quantize_blocks<nvfp4>(x, std::span(&b, 1), scale).error().code(), errc::invalid_scale) << scale;
    EXPECT_FALSE(try_dequantize_blocks<nvfp4>(std::span<const nvfp4::block>(&b, 1), std::span<float>(y), scale));
  }
  EXPECT_EQ(support::text_of(try_quantize_blocks<nvfp4>(x, std::span(&b, 1), 0.0F)),
            "nvfp4: tensor scale 0, expected a number in [2^-126, 2^116]");
}

TEST(Nvfp4, HasATensorScaleForAnything) {
  for (const float v : {0.0F, 0x1p-149F, 1e-30F, INFINITY, 0x1.fffffep127F, std::nanf("")}) {
    const Floats x(16, v);
    const float scale = nvfp4::tensor_scale(x);
    EXPECT_TRUE(nvfp4::check(scale)) << v;
    for (const float w : block_formats::restored<nvfp4>(x, scale)) EXPECT_TRUE(std::isfinite(w)) << v;
  }
}

TEST(Nvfp4, ByHandAsGgmlHasIt) {
  Floats x(64, 0.0F);
  x[0] = 6.0F, x[8] = 0.25F, x[16] = 6.0F * 1.0625F, x[32] = 6.0F * 300.0F, x[48] = 6.0F * 0x1p-10F;
  const nvfp4_ggml::block b = block_formats::block_of<nvfp4_ggml>(x);
  EXPECT_EQ(to_float(float8_e4m3fn{b.scales[0]}), 1.0F);
  EXPECT_EQ(to_float(float8_e4m3fn{b.scales[1]}), 1.125F) << "half up";
  EXPECT_EQ(to_float(float8_e4m3fn{b.scales[2]}), 448.0F) << "from 256 on";
  EXPECT_EQ(b.scales[3], 1) << "half a unit, up";
  EXPECT_EQ(b.elements[0], 0x07) << "element 8, high, is 0: ties towards zero";
}

TEST(Nvfp4, LosesWhatItsReferenceLoses) {
  EXPECT_EQ(bits_per_number<nvfp4>, 4.5);
  block_formats::expect_sqnr<nvfp4_ggml>(20.45, 20.66, 20.72);
}

}  // namespace nvfp4_test
