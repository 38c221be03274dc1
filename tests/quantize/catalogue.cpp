// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What went wrong elsewhere with quantized values and the products of them, one test a fault;
// tests/scheme/catalogue.cpp has the faults of scales alone.
#include <gtest/gtest.h>

#include <cmath>

#include <dyadic/kernels/convolution.hpp>
#include <dyadic/kernels/gemm.hpp>
#include <dyadic/quantize/dequantize.hpp>
#include <dyadic/quantize/fake_quantize.hpp>
#include <dyadic/quantize/stochastic.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace quantize_catalogue_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

template <scheme S>
quantized<S> codes(index_t rows, index_t cols, params<S> p, int (*code)(index_t, index_t)) {
  auto q = quantized<S>::try_make(rows, cols, std::move(p)).value();
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < cols; ++j) store_code<S>(q.row(i), j, code(i, j));
  return q;
}

TEST(Catalogue, A1_AViewWithoutItsParamsIsRefusedBeforeAnyIsRead) {
  const std::uint8_t bytes[6] = {};
  float y[6] = {};
  const strided<float> to(y, 2, 3);
  const quantized_view<u8_per_tensor> none{bytes, 2, 3, 3, {}, {}};
  EXPECT_EQ(text_of(try_dequantize(none, to)), "quantized: 0 scales for a 2 x 3 matrix, expected 1");
  const auto w = pack(codes<s8_per_row>(2, 3, params<s8_per_row>(Floats{1, 1}), [](index_t, index_t) { return 1; }));
  EXPECT_EQ(try_gemm(none, w, epilogue::dequantize{}, strided<float>(y, 2, 2)).error().code(), errc::invalid_shape);
}

TEST(Catalogue, A3_AMatrixWithOtherParamsThanItsRowsIsRefused) {
  const Floats x(12, 1.0F);
  const strided<const float> three(x.data(), 3, 4);
  const params<s8_per_row> four(Floats{1, 1, 1, 1});
  EXPECT_EQ(text_of(try_quantize<s8_per_row>(three, four)), "params: 4 scales for a 3 x 4 matrix, expected 3");
  Floats y(12);
  EXPECT_FALSE(try_fake_quantize<s8_per_row>(three, four, strided<float>(y.data(), 3, 4)));
  EXPECT_EQ(y, Floats(12));
}

TEST(Catalogue, A4_SizesOfZeroDivideNothing) {
  const Floats x;
  for (const auto& [rows, cols] : {std::pair<index_t, index_t>{0, 0}, {0, 32}, {4, 0}}) {
    const strided<const float> none(x.data(), rows, cols);
    EXPECT_TRUE(try_quantize<u8_per_tensor>(none));
    EXPECT_TRUE(try_quantize<s8_per_row>(none));
    EXPECT_TRUE(try_quantize<s4_per_group<32>>(none));
  }
  // A product over nothing is 0.
  const auto w = pack(codes<s8_per_row>(2, 0, params<s8_per_row>(Floats{1, 1}), [](index_t, index_t) { return 1; }));
  const auto v = codes<u8_per_tensor>(3, 0, params<u8_per_tensor>(1.0F, 3), [](index_t, index_t) { return 1; });
  std::vector<std::int32_t> y(6, 9);
  gemm(v, w, epilogue::sums{}, strided<std::int32_t>(y.data(), 3, 2));
  EXPECT_EQ(y, std::vector<std::int32_t>(6, 0));
  // Windows without size, step or dilation.
  EXPECT_FALSE(check_window("test", {.size = {0, 1}}));
  EXPECT_FALSE(check_window("test", {.stride = {1, 0}}));
  EXPECT_FALSE(check_window("test", {.dilation = {0, 0}}));
}

TEST(Catalogue, A5_AMultiplierOfOneOrMoreIsAMultiplier) {
  // A sum of 1 is 1000 steps of the output.
  const auto w = pack(codes<s8_per_tensor>(1, 1, params<s8_per_tensor>(10.0F), [](index_t, index_t) { return 1; }));
  const auto x = codes<s8_per_tensor>(3, 1, params<s8_per_tensor>(10.0F),
                                      [](index_t i, index_t) { return static_cast<int>(i) - 1; });
  const auto how = requantization::try_make(10.0F, w, {}, s8_per_tensor, 0.1F, 0).value();
  std::vector<std::int8_t> y(3);
  gemm(x, w, epilogue::requantize(how), strided<std::int8_t>(y.data(), 3, 1));
  EXPECT_EQ(y, (std::vector<std::int8_t>{-128, 0, 127}));
}

TEST(Catalogue, A6_ScalesOfColumnsAreNotThoseOfRows) {
  const Floats x(6, 1.0F);
  const params<s8_per_row> columns(Floats{1, 2, 3});
  const strided<const float> matrix(x.data(), 2, 3), turned(x.data(), 3, 2, 1, 3);
  EXPECT_FALSE(try_quantize<s8_per_row>(matrix, columns));
  const auto q = quantize<s8_per_row>(turned, columns);                     // the other axis is the transposed view
  for (index_t i = 0; i < 3; ++i) EXPECT_EQ(q.code(i, 0), i == 0 ? 1 : 0);  // rint(1 / 1), rint(1 / 2), rint(1 / 3)
}

TEST(Catalogue, A7_ViewsWithoutMemoryAreRefused) {
  Floats y(6);
  const strided<const float> none(nullptr, 2, 3), less(y.data(), -1, 3);
  const params<u8_per_tensor> p(1.0F, 0);
  for (const auto& x : {none, less}) {
    EXPECT_EQ(try_quantize<u8_per_tensor>(x, p).error().code(), errc::invalid_shape);
    EXPECT_EQ(try_measure<u8_per_tensor>(x).error().code(), errc::invalid_shape);
    EXPECT_EQ(try_fake_quantize<u8_per_tensor>(x, p, strided<float>(y.data(), 2, 3)).error().code(),
              errc::invalid_shape);
    EXPECT_EQ(try_quantize_stochastic<u8_per_tensor>(x, p, {}).error().code(), errc::invalid_shape);
  }
  const quantized_view<u8_per_tensor> missing{nullptr, 2, 3, 3, p.scales(), p.zero_points()};
  EXPECT_EQ(try_dequantize(missing, strided<float>(y.data(), 2, 3)).error().code(), errc::invalid_shape);
}

TEST(Catalogue, A8_ABorrowedScaleOfZeroIsRefused) {
  const std::uint8_t bytes[3] = {1, 2, 3};
  float y[3] = {};
  for (const float bad : {0.0F, 1e-45F, infinity, nan}) {
    const quantized_view<s8_per_tensor> q{bytes, 1, 3, 3, std::span(&bad, 1), {}};
    EXPECT_EQ(try_dequantize(q, strided<float>(y, 1, 3)).error().code(), errc::invalid_scale) << bad;
  }
}

TEST(Catalogue, A9_NumbersTooSmallForAScaleBecomeZeros) {
  exact::in_every_environment([] {
    const auto q = quantize<s8_per_tensor>(Floats{1e-39F, -1e-39F, 0x1p-149F});
    EXPECT_EQ(std::bit_cast<std::uint32_t>(q.params().scale()), 0x3F800000U);
    for (index_t j = 0; j < 3; ++j) EXPECT_EQ(q.code(0, j), 0);
  });
}

TEST(Catalogue, A10_NanDataGiveAFiniteScale) {
  for (const Floats& x : {Floats{nan, nan}, Floats{nan, infinity}, Floats{}, Floats{-infinity, infinity}}) {
    EXPECT_TRUE(check_scale(quantize<u8_per_tensor>(x).params().scale(), 0));
    EXPECT_TRUE(check_scale((quantize<s8_per_tensor, pytorch_profile>(x).params().scale()), 0));
  }
  EXPECT_EQ(quantize<s8_per_tensor>(Floats{nan, 254.0F, -infinity}).params().scale(), 2.0F);
}

TEST(Catalogue, A13_TheZeroPointOfWeightsCounts) {
  constexpr scheme u8_rows = u8_per_tensor.with(granularity::per_row);
  const auto w = codes<u8_rows>(3, 5, params<u8_rows>(Floats{1, 1, 1}, std::vector<std::int32_t>{0, 7, 255}),
                                [](index_t i, index_t j) { return static_cast<int>(40 * i + j); });
  const auto x = codes<u8_per_tensor>(2, 5, params<u8_per_tensor>(1.0F, 100),
                                      [](index_t i, index_t j) { return static_cast<int>(200 * i + 3 * j); });
  std::vector<std::int32_t> y(6);
  gemm(x, pack(w), epilogue::sums{}, strided<std::int32_t>(y.data(), 2, 3));
  for (index_t i = 0; i < 2; ++i)
    for (index_t n = 0; n < 3; ++n) {
      std::int32_t sum = 0;
      for (index_t k = 0; k < 5; ++k) sum += (x.code(i, k) - 100) * (w.code(n, k) - w.params().zero_point(n));
      EXPECT_EQ(y[static_cast<std::size_t>(i * 3 + n)], sum) << i << ' ' << n;
    }
}

TEST(Catalogue, A14_ProductsOfTheLowestCodesDoNotWrap) {
  // In int16 a pair of (-128 - 127) * (-128 - 127), or of -128 * -128, is too much.
  for (const std::int32_t zero : {-128, 0, 127}) {
    const auto w = codes<s8_asymmetric_per_tensor>(17, 64, params<s8_asymmetric_per_tensor>(1.0F, zero),
                                                   [](index_t, index_t) { return -128; });
    const auto x = codes<s8_asymmetric_per_tensor>(5, 64, params<s8_asymmetric_per_tensor>(1.0F, zero),
                                                   [](index_t, index_t) { return -128; });
    std::vector<std::int32_t> y(5 * 17);
    gemm(x, pack(w), epilogue::sums{}, strided<std::int32_t>(y.data(), 5, 17));
    EXPECT_EQ(y, std::vector<std::int32_t>(5 * 17, 64 * (-128 - zero) * (-128 - zero)));
  }
  // Padding is the zero point of the image, and adds nothing.
  const auto w = codes<s8_per_row>(1, 9, params<s8_per_row>(Floats{1}), [](index_t, index_t) { return -127; });
  const std::uint8_t image[1] = {255};
  const float scale = 1.0F;
  const std::int32_t zero = 5;
  std::int32_t y = 0;
  try_conv2d({image, {1, 1, 1, 1}, std::span(&scale, 1), std::span(&zero, 1)}, window{{3, 3}, {1, 1}, {1, 1}},
             try_pack_groups(w.view(), 1).value(), epilogue::sums{}, strided<std::int32_t>(&y, 1, 1))
      .value();
  EXPECT_EQ(y, (255 - 5) * -127);
}

TEST(Catalogue, A15_SymmetricCodesNeedNoZeroPoints) {
  const std::uint8_t bytes[3] = {0xFF, 0, 0x80};
  const float scale = 0.5F;
  float y[3] = {};
  const quantized_view<s8_per_tensor> q{bytes, 1, 3, 3, std::span(&scale, 1), {}};
  ASSERT_TRUE(try_dequantize(q, strided<float>(y, 1, 3)));
  EXPECT_EQ(y[0], -0.5F);
  EXPECT_EQ(y[2], -64.0F);
  const quantized_view<u8_per_tensor> asymmetric{bytes, 1, 3, 3, std::span(&scale, 1), {}};
  EXPECT_EQ(text_of(try_dequantize(asymmetric, strided<float>(y, 1, 3))),
            "quantized: 0 zero points with 1 scales, expected 1");
}

/// Codes of x under scale 1 and zero point 3, whichever way they are made.
template <scheme S, profile P>
std::vector<int> codes_with(const Floats& x, float scale = 1.0F, int zero = 3) {
  const auto q = quantize<S, P>(std::span<const float>(x), params<S>(scale, zero));
  std::vector<int> all;
  for (std::size_t i = 0; i < x.size(); ++i) {
    all.push_back(q.code(0, static_cast<index_t>(i)));
    EXPECT_EQ(all.back(), quantize_one<P>(x[i], scale, zero, S.qmin(), S.qmax())) << x[i];
  }
  return all;
}

TEST(Catalogue, B1_WhatNoIntegerHoldsSaturatesAndNanIsTheZeroPoint) {
  const Floats x{nan, -nan, infinity, -infinity, 1e30F, -1e30F, 0x1p31F, -0x1p31F, 0x1p63F, -0x1p63F, 300.0F, -300.0F};
  const std::vector<int> expected{3, 3, 255, 0, 255, 0, 255, 0, 255, 0, 255, 0};
  EXPECT_EQ((codes_with<u8_per_tensor, onnx_profile>(x)), expected);
  EXPECT_EQ((codes_with<u8_per_tensor, tflite_profile>(x)), expected);
  EXPECT_EQ((codes_with<u8_per_tensor, pytorch_profile>(x)), expected);
  EXPECT_EQ((codes_with<u8_per_tensor, openvino_profile>(x)), expected);
  EXPECT_EQ((codes_with<u8_per_tensor, tflite_dynamic_profile>(x)), expected);
}

TEST(Catalogue, B2_TiesRoundAlikeInEveryLoop) {
  // 100 numbers, so that whole vectors and a tail both meet ties.
  Floats x;
  std::vector<int> even, away;
  for (int k = 0; k < 100; ++k) {
    x.push_back(static_cast<float>(k) + 0.5F);
    even.push_back(3 + k + k % 2);
    away.push_back(3 + k + 1);
  }
  EXPECT_EQ((codes_with<u8_per_tensor, onnx_profile>(x)), even);
  EXPECT_EQ((codes_with<u8_per_tensor, pytorch_profile>(x)), even);
  EXPECT_EQ((codes_with<u8_per_tensor, tflite_profile>(x)), away);
}

TEST(Catalogue, B3_DividingIsNotMultiplyingByTheReciprocal) {
  const Floats x(70, 0.273939937F);
  EXPECT_EQ((codes_with<u8_per_tensor, onnx_profile>(x, 0.00214854861F, 0)), std::vector<int>(70, 127));
  EXPECT_EQ((codes_with<u8_per_tensor, pytorch_profile>(x, 0.00214854861F, 0)), std::vector<int>(70, 128));
}

TEST(Catalogue, B4_AnOddZeroPointInsideTheRoundingFlipsTies) {
  const Floats x(70, 2.5F);
  EXPECT_EQ((codes_with<u8_per_tensor, onnx_profile>(x)), std::vector<int>(70, 5));      // 2 + 3
  EXPECT_EQ((codes_with<u8_per_tensor, openvino_profile>(x)), std::vector<int>(70, 6));  // rint(5.5)
}

TEST(Catalogue, B5_B6_TheCallersRoundingAndFlushingDoNotMatter) {
  const Floats x{2.5F, -0.5F, 3.5F, 1e-40F, 0x1p-126F * 2.5F, -1e-42F, 0.3F, 7.4999995F};
  const float small = 0x1p-126F;  // 1e-40 and -1e-42 are subnormal in steps of it too
  const std::vector<int> usual = codes_with<s8_asymmetric_per_tensor, onnx_profile>(x),
                         fine = codes_with<s8_asymmetric_per_tensor, pytorch_profile>(x, small);
  EXPECT_EQ(usual, (std::vector<int>{5, 3, 7, 3, 3, 3, 3, 10}));
  EXPECT_EQ(fine, (std::vector<int>{127, -128, 127, 3, 5, 3, 127, 127}));
  exact::in_every_environment([&] {
    const auto equal = [&](const auto& q, const std::vector<int>& codes) {
      for (std::size_t i = 0; i < x.size(); ++i) EXPECT_EQ(q.code(0, static_cast<index_t>(i)), codes[i]) << i;
    };
    using P = params<s8_asymmetric_per_tensor>;
    equal(quantize<s8_asymmetric_per_tensor>(std::span<const float>(x), P(1.0F, 3)), usual);
    equal(quantize<s8_asymmetric_per_tensor, pytorch_profile>(std::span<const float>(x), P(small, 3)), fine);
  });
}

}  // namespace quantize_catalogue_test
