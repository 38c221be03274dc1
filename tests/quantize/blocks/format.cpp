// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What holds for every block format: lengths, memory, environments, and numbers at which quantizers go wrong.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <stdexcept>

#include "fixed_point/exact.hpp"
#include "quantize/blocks/formats.hpp"
#include "support/data.hpp"
#include "support/guarded.hpp"
#include "support/isas.hpp"

namespace format_test {

using namespace dyadic;
using block_formats::restored;
using support::text_of;

using Floats = std::vector<float>;
constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

template <class F>
class BlockFormat : public testing::Test {
 protected:
  using result_block = typename F::block;
  static constexpr std::size_t numbers = static_cast<std::size_t>(F::block_length);

  static bool same(const result_block& a, const result_block& b) { return std::memcmp(&a, &b, sizeof a) == 0; }
  static std::vector<result_block> made(const Floats& x) {
    std::vector<result_block> blocks(x.size() / numbers);
    quantize_blocks<F>(x, std::span<result_block>(blocks));
    return blocks;
  }
};
TYPED_TEST_SUITE(BlockFormat, block_formats::all);

// Row C8 of the catalogue: any number of blocks, odd ones too, and none at all; each block is made by itself.
TYPED_TEST(BlockFormat, C8AnyNumberOfBlocksEachByItself) {
  for (const std::size_t n : {0U, 1U, 2U, 3U, 5U, 7U}) {
    const Floats x = support::normal_numbers(n * this->numbers, 1);
    const auto blocks = this->made(x);
    const auto owned = quantize_blocks<TypeParam>(x);
    ASSERT_EQ(owned.size(), static_cast<index_t>(n));
    for (std::size_t b = 0; b < n; ++b) {
      const Floats part(x.begin() + static_cast<std::ptrdiff_t>(b * this->numbers),
                        x.begin() + static_cast<std::ptrdiff_t>((b + 1) * this->numbers));
      EXPECT_TRUE(this->same(blocks[b], this->made(part)[0]));
      EXPECT_TRUE(this->same(blocks[b], owned[static_cast<index_t>(b)]));
    }
  }
}

TYPED_TEST(BlockFormat, TheSameBytesOnEveryInstructionSet) {
  Floats x = support::normal_numbers(40 * this->numbers, 8);
  for (std::size_t i = 0; i < x.size(); ++i)
    x[i] = i / this->numbers % 5 == 1   ? std::nearbyint(x[i] * 3)
           : i / this->numbers % 5 == 2 ? x[i] * 1e-39F
           : i / this->numbers % 5 == 3 ? x[i] * 1e4F
                                        : x[i];
  ASSERT_TRUE(try_force_isa("scalar"));
  const auto expected = this->made(x);
  support::for_each_isa([&](const std::string& isa) {
    const auto blocks = this->made(x);
    for (std::size_t b = 0; b < blocks.size(); ++b) ASSERT_TRUE(this->same(blocks[b], expected[b])) << isa << ' ' << b;
  });
}

// C9, C10: a length that is no multiple of the block; outputs that do not fit.
TYPED_TEST(BlockFormat, C9C10RefusesLengthsThatDoNotFit) {
  using block = typename TypeParam::block;
  const index_t length = TypeParam::block_length;
  for (const index_t n : {index_t{1}, length - 1, length + 1, 2 * length - 1}) {
    Floats x(static_cast<std::size_t>(n), 1.0F);
    std::vector<block> blocks(2);
    const std::string text =
        ": " + std::to_string(n) + " numbers, expected a multiple of the block length " + std::to_string(length);
    EXPECT_EQ(text_of(try_quantize_blocks<TypeParam>(x, std::span<block>(blocks))), "quantize_blocks" + text);
    EXPECT_EQ(text_of(try_quantize_blocks<TypeParam>(x)), "quantize_blocks" + text);
    EXPECT_EQ(text_of(try_dequantize_blocks<TypeParam>(std::span<const block>(blocks), std::span<float>(x))),
              "dequantize_blocks" + text);
    EXPECT_THROW(quantize_blocks<TypeParam>(x), std::invalid_argument);
  }
  const Floats x(2 * this->numbers, 1.0F);
  std::vector<block> blocks(3);
  EXPECT_EQ(text_of(try_quantize_blocks<TypeParam>(x, std::span<block>(blocks))),
            "quantize_blocks: 3 blocks for " + std::to_string(2 * length) + " numbers, expected 2");
  EXPECT_FALSE(try_quantize_blocks<TypeParam>(x, std::span<block>(blocks).first(1)));
}

TYPED_TEST(BlockFormat, RefusesSharedAndMissingMemory) {
  using block = typename TypeParam::block;
  alignas(64) std::array<std::byte, 4096> memory{};
  auto* floats = reinterpret_cast<float*>(memory.data());
  const std::span<float> x(floats, this->numbers);
  for (std::size_t at = 0; at + sizeof(block) <= memory.size(); at += 64) {
    const std::span<block> out(reinterpret_cast<block*>(memory.data() + at), 1);
    const bool shared = at < this->numbers * sizeof(float);
    EXPECT_EQ(!try_quantize_blocks<TypeParam>(x, out), shared) << at;
    EXPECT_EQ(!try_dequantize_blocks<TypeParam>(std::span<const block>(out), x), shared) << at;
  }
  EXPECT_FALSE(try_quantize_blocks<TypeParam>(x, std::span<block>(static_cast<block*>(nullptr), 1)));
}

TYPED_TEST(BlockFormat, ReadsAndWritesWhatItWasGivenOnly) {
  using block = typename TypeParam::block;
  for (const auto where : {support::against::first_page, support::against::last_page}) {
    support::guarded<float> x(3 * this->numbers, where), y(3 * this->numbers, where);
    support::guarded<block> blocks(3, where);
    for (std::size_t i = 0; i < 3 * this->numbers; ++i) x.data()[i] = static_cast<float>(i % 7) - 3.0F;
    const std::span<const float> in(x.data(), 3 * this->numbers);
    const std::span<block> out(blocks.data(), 3);
    EXPECT_TRUE(try_quantize_blocks<TypeParam>(in, out));
    EXPECT_TRUE(try_dequantize_blocks<TypeParam>(std::span<const block>(out), std::span(y.data(), 3 * this->numbers)));
  }
}

TYPED_TEST(BlockFormat, GivesTheSameBitsInEveryEnvironment) {
  using block = typename TypeParam::block;
  for (const float size : {1.0F, 1e-4F, 1e-30F, 0x1p-140F, 1e5F}) {
    const Floats x = support::normal_numbers(4 * this->numbers, 2, size);
    const auto expected = this->made(x);
    const Floats back = restored<TypeParam>(x);
    exact::in_every_environment([&] {
      const auto blocks = this->made(x);
      EXPECT_EQ(std::memcmp(blocks.data(), expected.data(), expected.size() * sizeof(block)), 0) << size;
      const Floats y = restored<TypeParam>(x);
      EXPECT_EQ(std::memcmp(y.data(), back.data(), y.size() * sizeof(float)), 0) << size;
    });
  }
}

// C15: zeros stay zeros, and no scale is NaN or infinite, whatever the numbers.
TYPED_TEST(BlockFormat, C15ZerosStayZeros) {
  for (const float zero : {0.0F, -0.0F}) {
    const Floats y = restored<TypeParam>(Floats(2 * this->numbers, zero));
    for (const float v : y) EXPECT_EQ(v, 0.0F);
  }
  const Floats nans = restored<TypeParam>(Floats(this->numbers, nan));
  for (const float v : nans) EXPECT_EQ(v, 0.0F);
}

TYPED_TEST(BlockFormat, C15RestoresFiniteNumbersFromAnything) {
  Floats corners = support::corner_numbers();
  std::mt19937_64 random(3);
  for (int round = 0; round < 200; ++round) {
    Floats x(this->numbers);
    for (float& v : x) {
      const auto which = random() % 8;
      v = which == 0 ? corners[random() % corners.size()] : which == 1 ? 0.0F : support::any_finite(random);
      if (round % 4 == 1) v = corners[random() % corners.size()];
      if (round % 4 == 2) v = std::ldexp(v, -140) * 0x1p-20F;
    }
    const Floats y = restored<TypeParam>(x);
    for (std::size_t i = 0; i < y.size(); ++i) ASSERT_TRUE(std::isfinite(y[i])) << x[i] << " became " << y[i];
  }
}

TYPED_TEST(BlockFormat, CountsWhatItCouldNotSay) {
  using block = typename TypeParam::block;
  Floats x(2 * this->numbers, 0.5F);
  x[0] = nan, x[1] = infinity, x[2] = -infinity, x[this->numbers] = -infinity;
  std::vector<block> blocks(2);
  const clip_count clipped = quantize_blocks<TypeParam>(x, std::span<block>(blocks));
  EXPECT_EQ(clipped.total, static_cast<std::int64_t>(x.size()));
  EXPECT_EQ(clipped.nan, 1);
  EXPECT_EQ(clipped.high, 1);
  EXPECT_EQ(clipped.low, 2);
  // NaN is zero and an infinity the largest number: the same bytes.
  x[0] = 0.0F, x[1] = TypeParam::largest, x[2] = x[this->numbers] = -TypeParam::largest;
  const auto same = this->made(x);
  EXPECT_EQ(std::memcmp(blocks.data(), same.data(), sizeof(block) * 2), 0);
}

TYPED_TEST(BlockFormat, LosesNoMoreThanFourBitsLose) {
  const Floats x = support::gauss_numbers(8 * this->numbers, 4);
  EXPECT_GT(support::sqnr_db(x, restored<TypeParam>(x)), 15.5);
}

template <class F>
class ImportanceFormat : public testing::Test {};
using weighted = testing::Types<q4_0, q4_1, q4_k, q6_k, q4>;
TYPED_TEST_SUITE(ImportanceFormat, weighted);

TYPED_TEST(ImportanceFormat, LosesLessWhereItMattersMore) {
  using block = typename TypeParam::block;
  const Floats x = support::gauss_numbers(4096, 5);
  Floats importance(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) importance[i] = i % 8 == 0 ? 100.0F : 1.0F;
  std::vector<block> blocks(x.size() / static_cast<std::size_t>(TypeParam::block_length));
  Floats y(x.size());
  quantize_blocks_by_importance<TypeParam>(x, importance, std::span<block>(blocks));
  dequantize_blocks<TypeParam>(std::span<const block>(blocks), std::span<float>(y));
  const Floats plain = restored<TypeParam>(x);
  const auto cost = [&](const Floats& restored_numbers) {
    double all = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i)
      all += double{importance[i]} * std::pow(double{x[i]} - double{restored_numbers[i]}, 2);
    return all;
  };
  EXPECT_LT(cost(y), cost(plain) * 0.97);
}

TYPED_TEST(ImportanceFormat, TakesAnyImportanceOfItsRange) {
  using block = typename TypeParam::block;
  const auto length = static_cast<std::size_t>(TypeParam::block_length);
  const Floats x = support::gauss_numbers(2 * length, 6);
  std::vector<block> blocks(2);
  for (const float weight : {0.0F, 0x1p-149F, 1.0F, 0x1p40F}) {
    Floats importance(x.size(), weight), y(x.size()), large(x);
    EXPECT_TRUE(try_quantize_blocks_by_importance<TypeParam>(x, importance, std::span<block>(blocks)));
    dequantize_blocks<TypeParam>(std::span<const block>(blocks), std::span<float>(y));
    if (weight == 1.0F) {
      EXPECT_GT(support::sqnr_db(x, y), 18.0);
    }
    importance[3] = 1.0F;
    for (float& v : large) v *= TypeParam::largest / 4;
    EXPECT_TRUE(try_quantize_blocks_by_importance<TypeParam>(large, importance, std::span<block>(blocks)));
    dequantize_blocks<TypeParam>(std::span<const block>(blocks), std::span<float>(y));
    for (const float v : y) ASSERT_TRUE(std::isfinite(v)) << weight;
  }
  for (const float weight : {-1.0F, nan, infinity, 0x1.000002p40F})
    EXPECT_FALSE(try_quantize_blocks_by_importance<TypeParam>(x, Floats(x.size(), weight), std::span<block>(blocks)));
  EXPECT_FALSE(try_quantize_blocks_by_importance<TypeParam>(x, Floats(length, 1.0F), std::span<block>(blocks)));
}

}  // namespace format_test
