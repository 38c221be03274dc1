// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Quantize, dequantize, relu and add equal their definitions, bit for bit: ties, special numbers, every tail, every
// instruction set, every floating-point environment; and they touch nothing outside their arrays.
#include <dyadic/kernels/elementwise.hpp>

#include <bit>
#include <cmath>
#include <random>

#include <dyadic/kernels/reference/elementwise.hpp>
#include <dyadic/quantize/measure.hpp>
#include <dyadic/quantize/scalar.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"
#include "support/guarded.hpp"
#include "support/isas.hpp"

namespace elementwise_test {

using namespace dyadic;
using support::against, support::guarded;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
constexpr std::size_t longest = 130;

/// Numbers whose quotient with the scale is a tie, near one, at an end, or of no size at all.
std::vector<float> hard_numbers(float scale, std::int32_t zero_point) {
  std::vector<float> all = support::corner_numbers();
  for (int code = -3; code <= 259; ++code)
    for (const float at : {-0.5f, 0.0f, 0.5f}) {
      const float x = (static_cast<float>(code - zero_point) + at) * scale;
      all.push_back(x);
      all.push_back(std::nextafter(x, infinity));
      all.push_back(std::nextafter(x, -infinity));
    }
  std::mt19937_64 random(5);
  for (int i = 0; i < 500; ++i) all.push_back(support::any_finite(random));
  return all;
}

const std::pair<float, std::int32_t> params_tried[] = {
    {1.0f, 0},        {0.0123f, 128},  {0.00214854861f, 127}, {3.0f, 255},
    {0x1p-126f, 13},  {0x1p126f, 200}, {0x1.fffffep-20f, 77}, {0.1f, 1},
    {0x1.8p-100f, 99}};

/// The same bytes on every instruction set and in every floating-point environment.
template <class T, class Run>
void expect_everywhere(const std::vector<T>& expected, const std::string& what, Run run) {
  support::for_each_isa([&](const std::string& isa) {
    exact::in_every_environment([&] {
      std::vector<T> y(expected.size());
      run(y.data());
      for (std::size_t i = 0; i < y.size(); ++i)
        if (std::memcmp(&y[i], &expected[i], sizeof(T)) != 0) {
          ADD_FAILURE() << isa << ", " << what << ", element " << i << ": " << +y[i] << ", expected " << +expected[i];
          return;
        }
    });
  });
}

TEST(Elementwise, QuantizeIsQuantizeOne) {
  for (const auto& [scale, zero_point] : params_tried) {
    const auto x = hard_numbers(scale, zero_point);
    std::vector<std::uint8_t> expected;
    for (const float v : x) expected.push_back(static_cast<std::uint8_t>(quantize_one(v, scale, zero_point, 0, 255)));
    expect_everywhere(expected, "scale " + std::to_string(scale),
                      [&, s = scale, z = zero_point](std::uint8_t* y) { kernels::quantize_u8(x, s, z, y); });
  }
}

TEST(Elementwise, DequantizeIsDequantizeOne) {
  std::vector<std::uint8_t> codes;
  for (int c = 0; c < 256; ++c) codes.push_back(static_cast<std::uint8_t>(c));
  codes.push_back(3);
  for (const auto& [scale, zero_point] : params_tried) {
    std::vector<float> expected;
    for (const int c : codes) expected.push_back(dequantize_one(c, scale, zero_point));
    expect_everywhere(expected, "scale " + std::to_string(scale),
                      [&, s = scale, z = zero_point](float* y) { kernels::dequantize_u8(codes, s, z, y); });
  }
}

TEST(Elementwise, ReluKeepsNanAndSubnormals) {
  std::vector<float> x = support::corner_numbers(), expected;
  for (const float v : support::normal_numbers(301, 6)) x.push_back(v);
  for (const float v : x) expected.push_back(reference::relu(v));
  expect_everywhere(expected, "relu", [&](float* y) { kernels::relu(x, y); });
  std::vector<float> in_place = x;
  kernels::relu(in_place, in_place.data());
  EXPECT_EQ(std::memcmp(in_place.data(), expected.data(), expected.size() * sizeof(float)), 0);
}

/// All tails from 0 to 130, between pages that cannot be touched.
TEST(Elementwise, EveryTail) {
  const auto x = support::normal_numbers(longest, 7, 40.0f);
  std::vector<std::uint8_t> codes, quantized, sums;
  std::vector<float> reals, rectified;
  const simd::add_call both{
      .a_multiplier = 0.7f, .b_multiplier = 0.4f, .a_zero = 3, .b_zero = 200, .y_zero = 90, .low = 90};
  for (std::size_t i = 0; i < longest; ++i) {
    codes.push_back(static_cast<std::uint8_t>(i * 97));
    quantized.push_back(static_cast<std::uint8_t>(quantize_one(x[i], 0.3f, 100, 0, 255)));
    reals.push_back(dequantize_one(codes[i], 0.3f, 100));
    rectified.push_back(reference::relu(x[i]));
    sums.push_back(
        static_cast<std::uint8_t>(reference::add_code(codes[i], 3, 0.7f, quantized[i], 200, 0.4f, 90, 90, 255)));
  }
  for (std::size_t n = 0; n <= longest; ++n)
    for (const against where : {against::first_page, against::last_page}) {
      const guarded<float> from(std::span<const float>(x).first(n), where);
      const guarded<std::uint8_t> a(std::span<const std::uint8_t>(codes).first(n), where),
          b(std::span<const std::uint8_t>(quantized).first(n), where);
      support::for_each_isa([&](const std::string& isa) {
        const guarded<std::uint8_t> y(n, where);
        const guarded<float> real_y(n, where);
        kernels::quantize_u8(from.elements(), 0.3f, 100, y.data());
        ASSERT_TRUE(n == 0 || std::memcmp(y.data(), quantized.data(), n) == 0) << isa << ", quantize, n = " << n;
        kernels::dequantize_u8(a.elements(), 0.3f, 100, real_y.data());
        ASSERT_TRUE(n == 0 || std::memcmp(real_y.data(), reals.data(), 4 * n) == 0) << isa << ", dequantize, n = " << n;
        kernels::relu(from.elements(), real_y.data());
        ASSERT_TRUE(n == 0 || std::memcmp(real_y.data(), rectified.data(), 4 * n) == 0) << isa << ", relu, n = " << n;
        simd::add_call c = both;
        c.a = a.data(), c.b = b.data(), c.y = y.data(), c.n = static_cast<index_t>(n);
        kernels::add(c);
        ASSERT_TRUE(n == 0 || std::memcmp(y.data(), sums.data(), n) == 0) << isa << ", add, n = " << n;
        const kernels::measured m = kernels::quantize_dynamic_u8(from.elements(), y.data());
        ASSERT_TRUE(m.all_finite);
      });
      if (HasFatalFailure()) return;
    }
}

/// Every pair of codes, in params that make ties, saturate at both ends, and fold a ReLU in.
TEST(Elementwise, AddIsAddCode) {
  std::vector<std::uint8_t> a, b;
  for (int i = 0; i < 256; ++i)
    for (int j = 0; j < 256; ++j) a.push_back(static_cast<std::uint8_t>(i)), b.push_back(static_cast<std::uint8_t>(j));
  const simd::add_call calls[] = {
      {.a_multiplier = 0.5f, .b_multiplier = 0.5f, .a_zero = 128, .b_zero = 127, .y_zero = 128, .low = 0},
      {.a_multiplier = 0.25f, .b_multiplier = 1.0f, .a_zero = 0, .b_zero = 255, .y_zero = 77, .low = 77},
      {.a_multiplier = 0x1.23456p-1f,
       .b_multiplier = 0x1.fedcbap-2f,
       .a_zero = 10,
       .b_zero = 250,
       .y_zero = 255,
       .low = 0},
      {.a_multiplier = 1000.0f, .b_multiplier = 0x1p-20f, .a_zero = 100, .b_zero = 3, .y_zero = 0, .low = 0},
      {.a_multiplier = 0x1p-126f, .b_multiplier = 0x1p126f, .a_zero = 1, .b_zero = 128, .y_zero = 9, .low = 9}};
  for (const simd::add_call& given : calls) {
    std::vector<std::uint8_t> expected;
    for (std::size_t i = 0; i < a.size(); ++i)
      expected.push_back(
          static_cast<std::uint8_t>(reference::add_code(a[i], given.a_zero, given.a_multiplier, b[i], given.b_zero,
                                                        given.b_multiplier, given.y_zero, given.low, 255)));
    expect_everywhere(expected, "add", [&](std::uint8_t* y) {
      simd::add_call c = given;
      c.a = a.data(), c.b = b.data(), c.y = y, c.n = static_cast<index_t>(a.size());
      kernels::add(c);
    });
  }
}

/// Dynamic quantization measures the finite numbers, chooses as quantize does, and says when there was something else.
TEST(Elementwise, DynamicQuantizationIsThatOfQuantize) {
  std::vector<std::vector<float>> tried{support::normal_numbers(997, 8),
                                        support::normal_numbers(64, 9, 0x1p-140f),
                                        support::corner_numbers(),
                                        {},
                                        {0.0f, -0.0f},
                                        {nan, nan, nan},
                                        {5.0f, 7.0f},
                                        {-3.0f, -2.0f, infinity},
                                        {-infinity, 1.0f}};
  for (std::size_t at : {0U, 1U, 63U, 64U, 65U, 129U}) {  // the strange one wherever a register may have it
    auto x = support::normal_numbers(longest, 10);
    x[at] = at % 2 == 0 ? nan : -infinity;
    tried.push_back(x);
  }
  for (const auto& x : tried) {
    bool all_finite = true;
    for (const float v : x) all_finite = all_finite && std::isfinite(v);
    const auto p = try_measure<u8_per_tensor>(std::span<const float>(x));
    ASSERT_TRUE(p);
    std::vector<std::uint8_t> expected;
    for (const float v : x)
      expected.push_back(static_cast<std::uint8_t>(quantize_one(v, p->scale(), p->zero_point(), 0, 255)));
    expect_everywhere(expected, "dynamic, n = " + std::to_string(x.size()), [&](std::uint8_t* y) {
      const kernels::measured m = kernels::quantize_dynamic_u8(x, y);
      EXPECT_EQ(std::bit_cast<std::uint32_t>(m.params.scale), std::bit_cast<std::uint32_t>(p->scale()));
      EXPECT_EQ(m.params.zero_point, p->zero_point());
      EXPECT_EQ(m.all_finite, all_finite);
    });
  }
}

}  // namespace elementwise_test
