// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <random>

#include <dyadic/scheme/opaque.hpp>

namespace opaque_test {

using dyadic::detail::opaque;
using dyadic::detail::opaque_array;

static_assert(opaque(0.1F) == 0.1F && opaque(-0.1) == -0.1);

TEST(Opaque, ChangesNoBit) {
  std::mt19937_64 random(1);
  for (int n = 0; n < 10'000; ++n) {
    const auto bits = static_cast<std::uint32_t>(random()) | 0x400000U;  // no signaling NaN, which a move may quiet
    EXPECT_EQ(std::bit_cast<std::uint32_t>(opaque(std::bit_cast<float>(bits))), bits);
  }
}

TEST(Opaque, KeepsAProductRoundedByItself) {
  int different = 0;
  for (int n = 1; n < 1'000; ++n) {
    const float x = opaque(1.0F + static_cast<float>(n) * 0x1p-23F),
                y = opaque(1.0F - static_cast<float>(n) * 0x1p-24F);
    const auto rounded = static_cast<float>(static_cast<double>(x) * static_cast<double>(y));
    EXPECT_EQ(opaque(x * y) - 1.0F, opaque(rounded) - 1.0F);
    float products[] = {x * y};
    opaque_array(products);
    EXPECT_EQ(products[0] - 1.0F, opaque(rounded) - 1.0F);
    different += std::fma(x, y, -1.0F) != opaque(rounded) - 1.0F;
  }
  EXPECT_GT(different, 100) << "these products do not tell a fused multiply-add apart";
}

}  // namespace opaque_test
