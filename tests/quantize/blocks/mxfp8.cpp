// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <cmath>

#include "quantize/blocks/formats.hpp"

namespace mxfp8_test {

using namespace dyadic;
using Floats = std::vector<float>;

TEST(Mxfp8, ByHand) {
  Floats x(32, 0.0F);
  x[0] = 500.0F, x[1] = -1.0F, x[2] = 1.0625F;
  const auto floor = block_formats::block_of<mxfp8_e4m3<>>(x);
  EXPECT_EQ(to_float(floor.scale), 1.0F);
  EXPECT_EQ(to_float(floor.elements[0]), 448.0F) << "saturates under the floor rule";
  EXPECT_EQ(to_float(floor.elements[2]), 1.0F) << "a tie to even";
  const auto rceil = block_formats::block_of<mxfp8_e4m3<mx_scale::rceil>>(x);
  EXPECT_EQ(to_float(rceil.scale), 2.0F);
  EXPECT_EQ(to_float(rceil.elements[0]), 256.0F);
  EXPECT_EQ(block_formats::numbers_of<mxfp8_e4m3<mx_scale::rceil>>(rceil)[0], 512.0F);
  const auto e5m2 = block_formats::block_of<mxfp8_e5m2<>>(x);
  EXPECT_EQ(to_float(e5m2.scale), 0x1p-7F);
  EXPECT_EQ(to_float(e5m2.elements[1]), -128.0F);
}

/// Every element is the nearest of all codes, under every rule; nothing saturates but under floor, and there by one
/// step.
template <class F>
void expect_nearest(bool may_saturate) {
  for (const float size : {1.0F, 1e-20F, 1e20F}) {
    Floats x = support::gauss_numbers(64 * 32, 3);
    for (float& v : x) v *= size;
    for (std::size_t b = 0; b < 64; ++b) {
      const Floats part(x.begin() + static_cast<std::ptrdiff_t>(32 * b),
                        x.begin() + static_cast<std::ptrdiff_t>(32 * b + 32));
      const auto block = block_formats::block_of<F>(part);
      const Floats y = block_formats::numbers_of<F>(block);
      const double scale = double{to_float(block.scale)};
      for (std::size_t j = 0; j < 32; ++j) {
        double best = INFINITY;
        for (int code = 0; code < 256; ++code) {
          auto element = block.elements[j];
          element.bits = static_cast<std::uint8_t>(code);
          const double number = double{to_float(element)};
          if (std::isfinite(number)) best = std::min(best, std::fabs(number * scale - double{part[j]}));
        }
        ASSERT_EQ(std::fabs(double{y[j]} - double{part[j]}), best);
        if (!may_saturate) {
          ASSERT_LE(std::fabs(double{part[j]}),
                    scale * double{std::decay_t<decltype(block.elements[j])>::format::largest()});
        }
      }
    }
  }
}
TEST(Mxfp8, EveryElementIsTheNearest) {
  expect_nearest<mxfp8_e4m3<>>(true);
  expect_nearest<mxfp8_e4m3<mx_scale::ceil>>(false);
  expect_nearest<mxfp8_e4m3<mx_scale::rceil>>(false);
  expect_nearest<mxfp8_e4m3<mx_scale::even>>(true);
  expect_nearest<mxfp8_e5m2<>>(true);
  expect_nearest<mxfp8_e5m2<mx_scale::rceil>>(false);
}

TEST(Mxfp8, LosesWhatItsFractionLoses) {
  EXPECT_EQ((bits_per_number<mxfp8_e4m3<>>), 8.25);
  const Floats x = support::gauss_numbers(1 << 16, 5);
  // Three fraction bits are worth 31.5 dB or so and two six less; what the floor rule cuts off costs a dB of the
  // former.
  EXPECT_NEAR(block_formats::sqnr_on<mxfp8_e4m3<mx_scale::rceil>>(x), 31.5, 0.3);
  EXPECT_NEAR(block_formats::sqnr_on<mxfp8_e4m3<>>(x), 30.6, 0.2);
  EXPECT_NEAR(block_formats::sqnr_on<mxfp8_e5m2<mx_scale::rceil>>(x), 25.5, 0.3);
}

}  // namespace mxfp8_test
