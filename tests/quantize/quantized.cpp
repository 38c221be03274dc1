// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <dyadic/quantize/quantized.hpp>

#include "support/data.hpp"

namespace quantized_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;

static_assert(row_bytes(u8_per_tensor, 7) == 7 && row_bytes(s16_per_tensor, 7) == 14);
static_assert(row_bytes(s4_per_row, 7) == 4 && row_bytes(s4_per_row, 8) == 4 && row_bytes(s4_per_row, 0) == 0);
static_assert(row_bytes({.bits = 3}, 7) == 7);
static_assert(quantized<s8_per_row>::scheme_value == s8_per_row);
static_assert(quantized_view<s4_per_group<32>>::scheme_value == s4_per_group<32>);

TEST(Quantized, StartsWithBytesOfZero) {
  const auto q = quantized<s4_per_row>::try_make(3, 5, params<s4_per_row>(Floats{1.0F, 2.0F, 3.0F}));
  ASSERT_TRUE(q);
  EXPECT_EQ(q->rows(), 3);
  EXPECT_EQ(q->cols(), 5);
  EXPECT_EQ(q->size_bytes(), 9);
  for (index_t b = 0; b < 9; ++b) EXPECT_EQ(q->bytes()[b], 0);
  EXPECT_EQ(q->clipped().total, 0);
  EXPECT_EQ(q->row(2) - q->row(0), 6);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(q->bytes()) % 64, 0U);
}

TEST(Quantized, MayBeEmpty) {
  EXPECT_TRUE(quantized<s8_per_row>::try_make(0, 5, {}));
  EXPECT_TRUE(quantized<u8_per_tensor>::try_make(0, 0, {}));
  EXPECT_TRUE(quantized<s4_per_group<32>>::try_make(4, 0, {}));
  EXPECT_EQ(quantized<u8_per_tensor>().rows(), 0);
}

TEST(Quantized, RefusesShapesAndParamsThatDoNotFit) {
  EXPECT_EQ(text_of(quantized<u8_per_tensor>::try_make(-1, 5, {})), "quantized: shape -1 x 5, expected sizes >= 0");
  EXPECT_EQ(text_of(quantized<s8_per_row>::try_make(2, 5, params<s8_per_row>(Floats{1.0F}))),
            "params: 1 scales for a 2 x 5 matrix, expected 2");
  EXPECT_EQ(text_of(quantized<s4_per_group<32>>::try_make(1, 33, {})),
            "scheme: rows of 33 do not divide into groups of 32");
  const index_t big = index_t{1} << 40;
  EXPECT_EQ(quantized<u8_per_tensor>::try_make(big, big, {}).error().code(), errc::overflow);
}

TEST(Quantized, ShowsTheSameCodesThroughAView) {
  auto q =
      quantized<u4_per_row>::try_make(2, 3, params<u4_per_row>(Floats{0.5F, 2.0F}, std::vector<std::int32_t>{3, 9}));
  ASSERT_TRUE(q);
  for (index_t i = 0; i < 2; ++i)
    for (index_t j = 0; j < 3; ++j) store_code<u4_per_row>(q->row(i), j, static_cast<int>(5 * i + j));
  const quantized_view<u4_per_row> v = *q;
  for (index_t i = 0; i < 2; ++i)
    for (index_t j = 0; j < 3; ++j) {
      EXPECT_EQ(q->code(i, j), 5 * i + j);
      EXPECT_EQ(v.code(i, j), 5 * i + j);
      EXPECT_EQ(v.scale(i, j), i == 0 ? 0.5F : 2.0F);
      EXPECT_EQ(v.zero_point(i, j), i == 0 ? 3 : 9);
    }
  EXPECT_EQ(q->bytes()[0], 0x10) << "the even column is in the low nibble";
  EXPECT_TRUE(check_quantized(v));
}

TEST(Quantized, RefusesAViewThatDoesNotFit) {
  const std::uint8_t bytes[12] = {};
  const Floats scales{1.0F, 2.0F};
  const std::vector<std::int32_t> zeros{0, 255};
  const quantized_view<u8_per_row> good{bytes, 2, 5, 6, scales, zeros};
  EXPECT_TRUE(check_quantized(good));
  EXPECT_EQ(bytes_of(good).last - bytes_of(good).first, 11U);
  auto bad = good;
  bad.bytes = nullptr;
  EXPECT_EQ(text_of(check_quantized(bad)), "quantized: null data for 2 x 5 elements");
  bad = good, bad.rows = -2;
  EXPECT_EQ(text_of(check_quantized(bad)), "quantized: shape -2 x 5, expected sizes >= 0");
  bad = good, bad.row_stride = 4;
  EXPECT_EQ(text_of(check_quantized(bad)), "quantized: rows 4 bytes apart, expected at least 5");
  bad = good, bad.scales = bad.scales.first(1);
  EXPECT_EQ(text_of(check_quantized(bad)), "quantized: 1 scales for a 2 x 5 matrix, expected 2");
  bad = good, bad.zero_points = {};
  EXPECT_EQ(text_of(check_quantized(bad)), "quantized: 0 zero points with 2 scales, expected 2");
  const Floats no_scale{1.0F, 0.0F};
  bad = good, bad.scales = no_scale;
  EXPECT_EQ(text_of(check_quantized(bad)), "params: scale 1 is 0, expected a number in [2^-126, 2^126]");
  const std::vector<std::int32_t> no_code{0, 256};
  bad = good, bad.zero_points = no_code;
  EXPECT_EQ(text_of(check_quantized(bad)), "params: zero point 1 is 256, expected a code in [0, 255]");
}

TEST(Quantized, AddsUpWhatClipped) {
  clip_count a{.total = 8, .nan = 1, .low = 1, .high = 2};
  a += clip_count{.total = 4, .high = 1};
  EXPECT_EQ(a.total, 12);
  EXPECT_EQ(a.high, 3);
  EXPECT_EQ(a.clipped_fraction(), 4.0 / 12.0);
  EXPECT_EQ(clip_count{}.clipped_fraction(), 0.0);
}

}  // namespace quantized_test
