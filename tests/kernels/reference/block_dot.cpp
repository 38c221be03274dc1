// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cmath>

#include <dyadic/kernels/reference/block_dot.hpp>
#include <dyadic/quantize/blocks/nvfp4.hpp>
#include <dyadic/quantize/blocks/q4.hpp>
#include <dyadic/quantize/blocks/q4_k.hpp>
#include <dyadic/quantize/blocks/q8_0.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace block_dot_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;

template <class F, class... Settings>
void equals_the_exact_sum(const Settings&... settings) {
  using block = typename F::block;
  const auto length = static_cast<std::size_t>(F::block_length);
  for (const std::size_t blocks : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {
    const Floats w = support::normal_numbers(blocks * length, 1), x = support::normal_numbers(blocks * length, 2);
    std::vector<block> b(blocks);
    Floats restored(w.size());
    quantize_blocks<F>(w, std::span<block>(b), settings...);
    dequantize_blocks<F>(std::span<const block>(b), std::span<float>(restored), settings...);
    long double sum = 0.0L, sizes = 0.0L;
    for (std::size_t k = 0; k < x.size(); ++k) {
      sum += static_cast<long double>(restored[k]) * static_cast<long double>(x[k]);
      sizes += std::fabs(static_cast<long double>(restored[k]) * static_cast<long double>(x[k]));
    }
    const auto got = reference::try_block_dot<F>(std::span<const block>(b), x, settings...);
    ASSERT_TRUE(got);
    // One rounding a number, each by at most 2^-24 of the partial sum, which is at most the sum of the sizes.
    EXPECT_LE(std::fabs(static_cast<long double>(*got) - sum), static_cast<long double>(x.size()) * 0x1p-24L * sizes);
    exact::in_every_environment(
        [&] { EXPECT_EQ(*reference::try_block_dot<F>(std::span<const block>(b), x, settings...), *got); });
    if (blocks > 0) {
      EXPECT_NE(*got, 0.0F);
    }
  }
}
TEST(BlockDot, EqualsTheExactSumWithinItsRoundings) {
  equals_the_exact_sum<q8_0>();
  equals_the_exact_sum<q4_k>();
  equals_the_exact_sum<q4>();
  equals_the_exact_sum<nvfp4>(0.001F);
}

TEST(BlockDot, IsExactOnSmallIntegers) {
  Floats w(64), x(64);
  std::int64_t sum = 0;
  for (std::size_t k = 0; k < 64; ++k) {
    w[k] = static_cast<float>(k % 32 == 0 ? 127 : static_cast<int>(k * 5 % 17) - 8);
    x[k] = static_cast<float>(static_cast<int>(k * 11 % 23) - 11);
    sum += static_cast<std::int64_t>(w[k]) * static_cast<std::int64_t>(x[k]);
  }
  const auto b = quantize_blocks<q8_0>(w);
  EXPECT_EQ(*reference::try_block_dot<q8_0>(std::span<const q8_0::block>(b.data(), 2), x), static_cast<float>(sum));
}

TEST(BlockDot, RefusesWhatDoesNotFit) {
  const auto b = quantize_blocks<q8_0>(Floats(64, 1.0F));
  const std::span<const q8_0::block> row(b.data(), 2);
  EXPECT_EQ(text_of(reference::try_block_dot<q8_0>(row, Floats(63))), "block_dot: 63 numbers for 2 blocks of 32");
  EXPECT_FALSE(reference::try_block_dot<q8_0>(row, Floats(96)));
}

}  // namespace block_dot_test
