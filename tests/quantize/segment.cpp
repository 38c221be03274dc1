// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <array>

#include <dyadic/quantize/segment.hpp>

#include "support/data.hpp"

namespace segment_test {

using namespace dyadic;
using detail::segment_length;

struct setting {
  float scale;
  int zero_point, qmin, qmax;
};
constexpr setting settings[] = {{0.00214854861F, 0, -128, 127},   {0.7F, 131, 0, 255},         {1.0F, 1, 0, 15},
                                {3.1e-5F, -1, -32768, 32767},     {0.1F, 65535, 0, 65535},     {0x1p-126F, 3, 0, 255},
                                {0x1p126F, -128, -128, 127},      {1.0F / 3.0F, 0, -127, 127}, {0.1F, -101, -128, 127},
                                {0.00214854861F, -128, -128, 127}};

/// What quantize_one says of 64 numbers, codes and counts.
template <profile P>
clip_count expect_as_one(const float* x, const setting& s, std::uint64_t& different) {
  std::int32_t codes[segment_length];
  clip_count counted, expected;
  detail::quantize_segment<P>(x, s.scale, s.zero_point, s.qmin, s.qmax, codes, counted);
  for (index_t t = 0; t < segment_length; ++t) {
    const int code = quantize_one<P>(x[t], s.scale, s.zero_point, s.qmin, s.qmax);
    const int unclipped = quantize_one<P>(x[t], s.scale, s.zero_point, s.qmin - 1, s.qmax + 1);
    different += codes[t] != code;
    expected.nan += x[t] != x[t];
    expected.low += x[t] == x[t] && unclipped < s.qmin;
    expected.high += x[t] == x[t] && unclipped > s.qmax;
  }
  different += counted.nan != expected.nan || counted.low != expected.low || counted.high != expected.high;
  return counted;
}

template <profile P>
void compare(std::uint32_t step) {
  for (const setting& s : settings) {
    std::uint64_t different = 0;
    std::array<float, segment_length> x{};
    std::uint32_t bits = 0;
    bool wrapped = false;
    while (!wrapped) {
      for (float& v : x) {
        v = std::bit_cast<float>(bits);
        wrapped = wrapped || bits + step < bits;
        bits += step;
      }
      expect_as_one<P>(x.data(), s, different);
    }
    EXPECT_EQ(different, 0U) << "scale " << s.scale << " zero point " << s.zero_point;
  }
}

// 1031 is prime: 2^22 patterns of every exponent, for each setting.
TEST(Segment, QuantizesAsQuantizeOneOnnx) { compare<onnx_profile>(1031); }
TEST(Segment, QuantizesAsQuantizeOneTflite) { compare<tflite_profile>(1031); }
TEST(Segment, QuantizesAsQuantizeOnePytorch) { compare<pytorch_profile>(1031); }
TEST(Segment, QuantizesAsQuantizeOneInEveryOtherProfile) {
  compare<support::reciprocal_before>(4099);
  compare<support::divide_before_up>(4099);
  compare<support::reciprocal_away>(4099);
}

template <profile P>
void compare_ties() {
  std::uint64_t different = 0;
  std::int64_t clipped = 0;
  for (const setting& s : settings)
    for (int k = -600; k <= 600; k += 32) {
      std::array<float, segment_length> x{};
      for (std::size_t t = 0; t < x.size(); ++t) x[t] = static_cast<float>(k + static_cast<int>(t)) * 0.5F * s.scale;
      clipped += expect_as_one<P>(x.data(), s, different).high;
    }
  std::vector<float> corners = support::corner_numbers();
  corners.resize(segment_length);
  for (const setting& s : settings) clipped += expect_as_one<P>(corners.data(), s, different).low;
  EXPECT_EQ(different, 0U);
  EXPECT_GT(clipped, 0);
}

TEST(Segment, RoundsTiesAndCornersAsQuantizeOne) {
  compare_ties<onnx_profile>();
  compare_ties<tflite_profile>();
  compare_ties<pytorch_profile>();
  compare_ties<support::reciprocal_before>();
  compare_ties<support::divide_before_up>();
  compare_ties<support::reciprocal_away>();
}

TEST(Segment, DequantizesAsDequantizeOne) {
  for (const setting& s : settings)
    for (int first = s.qmin; first <= s.qmax; first += static_cast<int>(segment_length)) {
      std::int32_t codes[segment_length];
      float x[segment_length];
      for (int t = 0; t < segment_length; ++t) codes[t] = first + t;
      detail::dequantize_segment(codes, s.scale, s.zero_point, x);
      for (int t = 0; t < segment_length; ++t)
        ASSERT_EQ(std::bit_cast<std::uint32_t>(x[t]),
                  std::bit_cast<std::uint32_t>(dequantize_one(codes[t], s.scale, s.zero_point)));
    }
}

/// Segments cover a matrix once, never cross a group, and hold at most 64 numbers.
TEST(Segment, CoversEveryElementOnce) {
  for (const index_t rows : {0, 1, 3})
    for (const index_t cols : {0, 1, 2, 15, 63, 64, 65, 130, 192})
      for (const index_t group : {0, 1, 5, 13, 64, 65}) {
        if (group > 0 && cols % group != 0) continue;
        const scheme s = group > 0 ? s4_per_row.with(granularity::per_group, static_cast<int>(group)) : s4_per_row;
        for (const bool down_columns : {false, true}) {
          std::vector<int> visits(static_cast<std::size_t>(rows * cols));
          const strided<int> x(visits.data(), rows, cols, down_columns ? 1 : cols, down_columns ? rows : 1);
          detail::for_each_segment(s, x, [&](index_t i, index_t j, index_t n) {
            EXPECT_GT(n, 0);
            EXPECT_LE(n, segment_length);
            if (group > 0) {
              EXPECT_EQ(j / group, (j + n - 1) / group);
            }
            for (index_t t = 0; t < n; ++t) ++x(i, j + t);
          });
          for (const int n : visits) EXPECT_EQ(n, 1);
        }
      }
}

template <scheme S>
void store_and_load() {
  for (index_t cols = 0; cols <= 70; ++cols)
    for (const index_t first : {index_t{0}, index_t{1}, index_t{2}, index_t{5}}) {
      if (first > cols) continue;
      const index_t n = cols - first < segment_length ? cols - first : segment_length;
      std::vector<std::uint8_t> row(static_cast<std::size_t>(row_bytes(S, cols)) + 2, 0xA5);
      std::int32_t codes[segment_length] = {}, again[segment_length] = {};
      for (index_t t = 0; t < segment_length; ++t) codes[t] = S.qmin() + static_cast<int>(t * 7) % S.levels();
      detail::store_codes<S>(row.data(), first, codes, n);
      detail::load_codes<S>(row.data(), first, again, n);
      for (index_t t = 0; t < n; ++t) ASSERT_EQ(again[t], codes[t]) << cols << ' ' << first << ' ' << t;
      EXPECT_EQ(row[row.size() - 1], 0xA5) << "wrote past the row";
      EXPECT_EQ(row[row.size() - 2], 0xA5) << "wrote past the row";
      if (S.two_per_byte() && cols % 2 != 0 && n > 0 && first + n == cols) {
        EXPECT_EQ(row[row.size() - 3] >> 4, 0) << "the unused nibble";
      }
    }
}

TEST(Segment, StoresWhatItLoads) {
  store_and_load<s4_per_row>();
  store_and_load<u4_per_row>();
  store_and_load<s8_per_row>();
  store_and_load<u8_per_row>();
  store_and_load<s16_per_tensor>();
  store_and_load<u16_per_tensor>();
  store_and_load<scheme{.bits = 3}>();
}

}  // namespace segment_test
