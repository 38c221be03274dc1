// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <dyadic/quantize/blocks/fp8.hpp>

#include <cmath>

#include "quantize/blocks/formats.hpp"
#include "support/data.hpp"

namespace fp8_test {

using namespace dyadic;
using Floats = std::vector<float>;

static_assert(block_format<fp8_e4m3> && block_format<fp8_e5m2, float> && sizeof(fp8_e4m3::block) == 1);

TEST(Fp8, ByHand) {
  const Floats x{896.0F, -1.0F, 0.13F, -0.0F, 2000.0F};
  std::vector<float8_e4m3fn> y(5);
  quantize_blocks<fp8_e4m3>(x, std::span(y), 2.0F);
  EXPECT_EQ(to_float(y[0]), 448.0F);
  EXPECT_EQ(to_float(y[1]), -0.5F);
  EXPECT_EQ(to_float(y[2]), 0.0625F);
  EXPECT_EQ(y[3].bits, 0) << "no negative zero";
  EXPECT_EQ(to_float(y[4]), 448.0F);
  Floats back(5);
  dequantize_blocks<fp8_e4m3>(std::span<const float8_e4m3fn>(y), std::span<float>(back), 2.0F);
  EXPECT_EQ(back, (Floats{896.0F, -1.0F, 0.125F, 0.0F, 896.0F}));
}

template <class F>
void scales_hold() {
  for (const float size : {0x1p-140F, 1e-30F, 1.0F, 1e30F, 0x1p120F}) {
    Floats x = support::gauss_numbers(4096, 3);
    for (float& v : x) v *= size;
    const float scale = F::scale_of(x);
    const Floats y = block_formats::restored<F>(x, scale);
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_TRUE(std::isfinite(y[i])) << x[i];
    if (size > 1e-37F && size < 0x1p110F) {
      EXPECT_GT(support::sqnr_db(x, y), 24.0) << size;
    }
  }
  for (const float v : {0.0F, std::nanf(""), INFINITY, 0x1p-149F}) {
    const float scale = F::scale_of(Floats(3, v));
    EXPECT_TRUE(F::check(scale)) << v;
    for (const float w : block_formats::restored<F>(Floats(3, v), scale)) EXPECT_TRUE(std::isfinite(w)) << v;
  }
}
TEST(Fp8, HasAScaleForAnything) {
  scales_hold<fp8_e4m3>();
  scales_hold<fp8_e5m2>();
}

TEST(Fp8, TheScalePassesOverNaN) {
  const float nan = std::nanf("");
  EXPECT_EQ(fp8_e4m3::scale_of(Floats{nan, -896.0F, -nan, 3.0F}), 2.0F);
  EXPECT_EQ(nvfp4::tensor_scale(Floats{nan, 448.0F * 12.0F, nan}), 2.0F);
}

TEST(Fp8, RefusesAScaleThatIsNone) {
  const Floats x(3, 1.0F);
  std::vector<float8_e4m3fn> y(3);
  for (const float scale : {0.0F, -1.0F, INFINITY, std::nanf(""), 0x1p112F, 0x1p-127F})
    EXPECT_FALSE(try_quantize_blocks<fp8_e4m3>(x, std::span(y), scale)) << scale;
  EXPECT_EQ(support::text_of(try_quantize_blocks<fp8_e4m3>(x, std::span(y), -1.0F)),
            "fp8: scale -1, expected a number in [2^-126, 2^111]");
}

}  // namespace fp8_test
