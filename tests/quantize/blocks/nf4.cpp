// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <cmath>

#include "quantize/blocks/formats.hpp"

namespace nf4_test {

using namespace dyadic;
using Floats = std::vector<float>;

/// The decision tree of bitsandbytes, dQuantizeNF4.
int tree(float x) {
  if (x > 0.03979014977812767F) {
    if (x > 0.3893125355243683F) {
      if (x > 0.6427869200706482F) return x > 0.8614784181118011F ? 15 : 14;
      return x > 0.5016634166240692F ? 13 : 12;
    }
    if (x > 0.2035212516784668F) return x > 0.2920137718319893F ? 11 : 10;
    return x > 0.1202552504837513F ? 9 : 8;
  }
  if (x > -0.33967943489551544F) {
    if (x > -0.13791173323988914F) return x > -0.045525018125772476F ? 7 : 6;
    return x > -0.23460740596055984F ? 5 : 4;
  }
  if (x > -0.6106329262256622F) return x > -0.4599952697753906F ? 3 : 2;
  return x > -0.8480964004993439F ? 1 : 0;
}

TEST(Nf4, HasTheCodesOfBitsandbytesTheHighNibbleFirst) {
  const Floats x = support::gauss_numbers(64 * 512, 3);
  for (std::size_t b = 0; b < 512; ++b) {
    const Floats part(x.begin() + static_cast<std::ptrdiff_t>(64 * b),
                      x.begin() + static_cast<std::ptrdiff_t>(64 * b + 64));
    float largest = 0.0F;
    for (const float v : part) largest = std::max(largest, std::fabs(v));
    const nf4::block block = block_formats::block_of<nf4>(part);
    ASSERT_EQ(block.scale, largest);
    const float inverse = 1.0F / largest;
    for (std::size_t j = 0; j < 64; j += 2)
      ASSERT_EQ(block.codes[j / 2], tree(part[j] * inverse) * 16 + tree(part[j + 1] * inverse));
  }
}

TEST(Nf4, EveryThresholdAndItsNeighbours) {
  for (const float threshold : detail::nf4_thresholds)
    for (const float x : {threshold, std::nextafter(threshold, 2.0F), std::nextafter(threshold, -2.0F)}) {
      Floats part(64, 0.0F);
      part[0] = 1.0F, part[1] = x;
      ASSERT_EQ(block_formats::block_of<nf4>(part).codes[0] & 15, tree(x)) << x;
    }
}

TEST(Nf4, KeepsTheLargestAndZeroExactly) {
  Floats x(64, 0.0F);
  x[7] = -0.3F, x[9] = 0.3F;
  EXPECT_EQ(block_formats::restored<nf4>(x), x);
  for (const float v : {0x1p-149F, 0x1p-127F, 0x1.fffffep127F}) {
    x[7] = -v, x[9] = v;
    EXPECT_EQ(block_formats::restored<nf4>(x), x) << v;
  }
}

TEST(Nf4, LosesWhatTheTableSays) {
  EXPECT_EQ(bits_per_number<nf4>, 4.5);
  EXPECT_NEAR(block_formats::sqnr_on<nf4>(support::gauss_numbers(1 << 16, 5)), 20.70, 0.1);
}

}  // namespace nf4_test
