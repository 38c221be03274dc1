// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>
#include <Eigen/Core>

#include <cstring>
#include <stdexcept>

#include <dyadic/quantize/dequantize.hpp>
#include <dyadic/quantize/quantize.hpp>

#include "support/data.hpp"

namespace dequantize_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;
using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

template <scheme S>
void into_every_layout(index_t rows, index_t cols) {
  const Floats x = support::normal_numbers(static_cast<std::size_t>(rows * cols), 1);
  const quantized<S> q = quantize<S>(strided<const float>(x.data(), rows, cols));
  const auto expect_reals = [&](const auto& y) {
    ASSERT_EQ(y.rows(), rows);
    ASSERT_EQ(y.cols(), cols);
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < cols; ++j) {
        const index_t at = params_index(S, cols, i, j);
        ASSERT_EQ(y(i, j), dequantize_one(q.code(i, j), q.params().scale(at), q.params().zero_point(at)));
      }
  };
  expect_reals(dequantize<Rows>(q));
  expect_reals(dequantize<Eigen::MatrixXf>(q));
  expect_reals(dequantize<Eigen::ArrayXXf>(q.view()));
  Eigen::MatrixXf larger = Eigen::MatrixXf::Constant(rows + 2, cols + 3, 7.0F);
  dequantize(q, larger.block(1, 2, rows, cols));
  expect_reals(larger.block(1, 2, rows, cols));
  EXPECT_EQ((larger.array() == 7.0F).count(), (rows + 2) * (cols + 3) - rows * cols);
  Rows wider = Rows::Constant(rows, cols + 3, 7.0F);
  dequantize(q, wider.leftCols(cols));
  expect_reals(wider.leftCols(cols));
  EXPECT_EQ((wider.array() == 7.0F).count(), 3 * rows);
  // Codes whose rows stand apart.
  const index_t row = row_bytes(S, cols), stride = row + 5;
  std::vector<std::uint8_t> gaps(static_cast<std::size_t>(rows * stride), 0xCC);
  for (index_t i = 0; i < rows; ++i) std::memcpy(gaps.data() + i * stride, q.row(i), static_cast<std::size_t>(row));
  quantized_view<S> apart = q.view();
  apart.bytes = gaps.data(), apart.row_stride = stride;
  expect_reals(dequantize<Rows>(apart));
  Eigen::MatrixXf transposed(cols, rows);
  dequantize(q, transposed.transpose());
  expect_reals(transposed.transpose());
  Floats flat(static_cast<std::size_t>(rows * cols));
  dequantize(q, std::span<float>(flat));
  expect_reals(strided<const float>(flat.data(), rows, cols));
  dequantize(q.view(), strided<float>(flat.data() + flat.size() - 1, rows, cols, -cols, -1));
  expect_reals(strided<const float>(flat.data() + flat.size() - 1, rows, cols, -cols, -1));
}

TEST(Dequantize, WritesIntoEveryLayout) {
  into_every_layout<u8_per_tensor>(5, 71);
  into_every_layout<s8_per_row>(5, 71);
  into_every_layout<s4_per_group<32>>(3, 96);
  into_every_layout<u4_per_row>(5, 71);
  into_every_layout<u4_per_row.with(granularity::per_group, 3)>(4, 69);
  into_every_layout<u16_per_tensor>(5, 71);
  into_every_layout<s8_per_row>(1, 1);
}

TEST(Dequantize, ReadsEveryCode) {
  std::uint8_t bytes[256];
  for (int b = 0; b < 256; ++b) bytes[b] = static_cast<std::uint8_t>(b);
  const float scale = 0.3F;
  const std::int32_t zero = 100;
  Floats y(256);
  dequantize(quantized_view<u8_per_tensor>{bytes, 1, 256, 256, {&scale, 1}, {&zero, 1}}, y);
  for (int b = 0; b < 256; ++b) EXPECT_EQ(y[static_cast<std::size_t>(b)], 0.3F * static_cast<float>(b - 100));
  Floats nibbles(512);
  dequantize(quantized_view<s4_per_tensor>{bytes, 1, 512, 256, {&scale, 1}, {}}, nibbles);
  for (int b = 0; b < 256; ++b) {
    const int low = (b & 15) < 8 ? b & 15 : (b & 15) - 16, high = b < 128 ? b >> 4 : (b >> 4) - 16;
    EXPECT_EQ(nibbles[static_cast<std::size_t>(2 * b)], 0.3F * static_cast<float>(low));
    EXPECT_EQ(nibbles[static_cast<std::size_t>(2 * b + 1)], 0.3F * static_cast<float>(high));
  }
}

TEST(Dequantize, SkipsTheGapsBetweenRows) {
  const std::uint8_t bytes[] = {1, 2, 99, 3, 4};
  const float scale = 1.0F;
  const std::int32_t zero = 0;
  Floats y(4);
  dequantize(quantized_view<u8_per_tensor>{bytes, 2, 2, 3, {&scale, 1}, {&zero, 1}}, y);
  EXPECT_EQ(y, (Floats{1.0F, 2.0F, 3.0F, 4.0F}));
}

TEST(Dequantize, RefusesAnOutputOfAnotherShape) {
  const quantized<u8_per_tensor> q = quantize<u8_per_tensor>(Floats{1.0F, 2.0F, 3.0F});
  Rows y(3, 1);
  EXPECT_EQ(text_of(try_dequantize(q, y)), "dequantize: output is 3 x 1, expected 1 x 3");
  Floats two(2);
  EXPECT_EQ(text_of(try_dequantize(q, std::span<float>(two))), "dequantize: output has 2 elements, expected 1 x 3 = 3");
  EXPECT_EQ(text_of(try_dequantize(q, strided<float>(nullptr, 1, 3))),
            "dequantize: output: null data for 1 x 3 elements");
  EXPECT_EQ(try_dequantize(q, strided<float>(two.data(), 1, 3, 3, 0)).error().code(), errc::overlap);
  EXPECT_THROW(dequantize(q, y), std::invalid_argument);
}

TEST(Dequantize, RefusesAViewThatDoesNotFit) {
  const std::uint8_t bytes[4] = {};
  const float scale = 0.0F;
  const std::int32_t zero = 0;
  Rows y(2, 2);
  EXPECT_EQ(text_of(try_dequantize(quantized_view<u8_per_tensor>{bytes, 2, 2, 2, {&scale, 1}, {&zero, 1}}, y)),
            "params: scale 0 is 0, expected a number in [2^-126, 2^126]");
  EXPECT_EQ(text_of(try_dequantize<Rows>(quantized_view<u8_per_tensor>{bytes, 2, 2, 1, {&scale, 1}, {&zero, 1}})),
            "quantized: rows 1 bytes apart, expected at least 2");
  EXPECT_FALSE(try_dequantize<Rows>(quantized_view<u8_per_tensor>{bytes, -2, 2, 2, {&scale, 1}, {&zero, 1}}));
  EXPECT_FALSE(
      try_dequantize(quantized_view<u8_per_tensor>{bytes, -2, 2, 2, {&scale, 1}, {&zero, 1}}, std::span<float>()));
}

TEST(Dequantize, RefusesToOverwriteTheCodes) {
  alignas(float) std::uint8_t bytes[16] = {};
  const float scale = 1.0F;
  const std::int32_t zero = 0;
  const quantized_view<u8_per_tensor> q{bytes + 8, 1, 4, 4, {&scale, 1}, {&zero, 1}};
  const auto refused = try_dequantize(q, strided<float>(reinterpret_cast<float*>(bytes), 1, 4));
  EXPECT_EQ(refused.error().code(), errc::overlap);
  EXPECT_EQ(text_of(refused), "dequantize: the output would overwrite the codes it is made from");
}

TEST(Dequantize, AcceptsNothing) {
  EXPECT_EQ(dequantize<Rows>(quantize<s8_per_row>(strided<const float>(nullptr, 0, 5))).cols(), 5);
  EXPECT_EQ(dequantize<Rows>(quantize<s4_per_group<32>>(strided<const float>(nullptr, 5, 0))).rows(), 5);
}

}  // namespace dequantize_test
