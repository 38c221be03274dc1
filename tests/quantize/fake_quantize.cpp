// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>
#include <Eigen/Core>

#include <stdexcept>

#include <dyadic/quantize/fake_quantize.hpp>

#include "support/data.hpp"

namespace fake_quantize_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;
using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr float nan = std::numeric_limits<float>::quiet_NaN();

bool same_bits(const Rows& a, const Rows& b) {
  return a.rows() == b.rows() && a.cols() == b.cols() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0;
}

template <scheme S, profile P>
void equals_quantize_then_dequantize(index_t rows, index_t cols) {
  Floats numbers = support::normal_numbers(static_cast<std::size_t>(rows * cols), 1);
  const Floats corners = support::corner_numbers();
  for (std::size_t c = 0; c < corners.size() && 2 * c < numbers.size(); ++c)
    numbers[2 * c] = corners[c] > 1e3F || corners[c] < -1e3F ? nan : corners[c];
  const Rows x = Eigen::Map<const Rows>(numbers.data(), rows, cols);
  const quantized<S> q = quantize<S, P>(x);
  const Rows expected = dequantize<Rows>(q);

  Rows measured(rows, cols), given(rows, cols), in_place = x;
  Eigen::MatrixXf columns(rows, cols), columns_in_place = x;
  const clip_count counted = fake_quantize<S, P>(x, measured);
  fake_quantize<S, P>(x, q.params(), given);
  fake_quantize<S, P>(in_place, in_place);
  fake_quantize<S, P>(x, columns);
  fake_quantize<S, P>(columns_in_place, q.params(), columns_in_place);
  EXPECT_TRUE(same_bits(measured, expected));
  EXPECT_TRUE(same_bits(given, expected));
  EXPECT_TRUE(same_bits(in_place, expected));
  EXPECT_TRUE(same_bits(columns, expected));
  EXPECT_TRUE(same_bits(columns_in_place, expected));
  EXPECT_EQ(counted.total, q.clipped().total);
  EXPECT_EQ(counted.nan, q.clipped().nan);
  EXPECT_EQ(counted.low, q.clipped().low);
  EXPECT_EQ(counted.high, q.clipped().high);
}

TEST(FakeQuantize, EqualsQuantizeThenDequantize) {
  equals_quantize_then_dequantize<u8_per_tensor, onnx_profile>(7, 71);
  equals_quantize_then_dequantize<u8_per_tensor, pytorch_profile>(7, 71);
  equals_quantize_then_dequantize<s8_per_row, tflite_profile>(7, 71);
  equals_quantize_then_dequantize<s4_per_group<32>, onnx_profile>(5, 96);
  equals_quantize_then_dequantize<u4_per_group<32>, support::reciprocal_before>(5, 96);
  equals_quantize_then_dequantize<u4_per_row, support::divide_before_up>(5, 33);
  equals_quantize_then_dequantize<s16_per_tensor, onnx_profile>(1, 1);
  equals_quantize_then_dequantize<scheme{.bits = 2}, onnx_profile>(3, 130);
  equals_quantize_then_dequantize<u8_per_row.with(granularity::per_column), tflite_profile>(9, 300);
  equals_quantize_then_dequantize<s16_per_tensor.with(granularity::per_column), onnx_profile>(5, 41);
}

TEST(FakeQuantize, TakesRowsOfNumbers) {
  const Floats x = support::normal_numbers(100, 2);
  Floats y(100), z(100), in_place = x;
  fake_quantize<u8_per_tensor>(x, std::span<float>(y));
  fake_quantize<u8_per_tensor>(x, measure<u8_per_tensor>(x), std::span<float>(z));
  fake_quantize<u8_per_tensor>(in_place, std::span<float>(in_place));
  EXPECT_EQ(y, z);
  EXPECT_EQ(y, in_place);
  EXPECT_NE(y, x);
}

TEST(FakeQuantize, ChangesNothingTheSecondTime) {
  const Rows x = Rows::Random(20, 40);
  const params<s8_per_row> p = measure<s8_per_row>(x);
  Rows once(20, 40), twice(20, 40);
  fake_quantize<s8_per_row>(x, p, once);
  fake_quantize<s8_per_row>(once, p, twice);
  EXPECT_TRUE(same_bits(once, twice));
}

TEST(FakeQuantize, RefusesAPartialOverlap) {
  Floats x(20, 1.0F);
  const params<u8_per_tensor> p(1.0F, 0);
  const strided<const float> in(x.data(), 2, 5);
  EXPECT_TRUE((try_fake_quantize<u8_per_tensor>(in, p, strided<float>(x.data(), 2, 5))));
  EXPECT_TRUE((try_fake_quantize<u8_per_tensor>(in, p, strided<float>(x.data() + 10, 2, 5))));
  const auto shifted = try_fake_quantize<u8_per_tensor>(in, p, strided<float>(x.data() + 1, 2, 5));
  EXPECT_EQ(shifted.error().code(), errc::overlap);
  EXPECT_EQ(text_of(shifted), "fake_quantize: the output overlaps the input without being the same matrix");
  EXPECT_FALSE((try_fake_quantize<u8_per_tensor>(in, p, strided<float>(x.data(), 2, 5, 1, 2))))
      << "the same memory, transposed";
  const std::span<float> row(x);
  EXPECT_FALSE((try_fake_quantize<u8_per_tensor>(row.subspan(0, 10), p, row.subspan(9, 10))));
}

TEST(FakeQuantize, RefusesWhatDoesNotFit) {
  const Rows x = Rows::Zero(2, 33);
  Rows y(33, 2), z(2, 33);
  EXPECT_EQ(text_of(try_fake_quantize<u8_per_tensor>(x, params<u8_per_tensor>(1.0F, 0), y)),
            "fake_quantize: output is 33 x 2, expected 2 x 33");
  EXPECT_EQ(text_of(try_fake_quantize<s4_per_group<32>>(x, z)), "scheme: rows of 33 do not divide into groups of 32");
  EXPECT_EQ(text_of(try_fake_quantize<s8_per_row>(x, params<s8_per_row>(Floats{1.0F}), z)),
            "params: 1 scales for a 2 x 33 matrix, expected 2");
  EXPECT_THROW(fake_quantize<s4_per_group<32>>(x, z), std::invalid_argument);
}

TEST(FakeQuantize, GivesWhatPyTorchGave) {
  // fake_quantize_per_tensor_affine of PyTorch 1.13.1.
  Floats y(1);
  fake_quantize<u8_per_tensor, pytorch_profile>(Floats{0.273939937F}, params<u8_per_tensor>(0.00214854861F, 0),
                                                std::span<float>(y));
  EXPECT_EQ(y[0], 128.0F * 0.00214854861F);
  fake_quantize<u8_per_tensor>(Floats{0.273939937F}, params<u8_per_tensor>(0.00214854861F, 0), std::span<float>(y));
  EXPECT_EQ(y[0], 127.0F * 0.00214854861F);
}

}  // namespace fake_quantize_test
