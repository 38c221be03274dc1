// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <random>
#include <stdexcept>

#include <dyadic/quantize/requantize.hpp>

#include "support/data.hpp"
#include "support/isas.hpp"

namespace requantize_test {

using namespace dyadic;
using support::text_of;
using Sums = std::vector<std::int32_t>;

static_assert(requantize_one(5, 0.5F, 10, 0, 255) == 12 && requantize_one(7, 0.5F, 10, 0, 255) == 14);  // ties to even
static_assert(requantize_one<tflite_profile>(5, 0.5F, 10, 0, 255) == 13);
static_assert(requantize_one<support::reciprocal_before>(5, 0.5F, 11, 0, 255) == 14);  // 13.5, where 2 + 11 is 13
static_assert(requantize_one(2147483647, 1.0F, 0, -128, 127) == 127 && requantize_one(-9, 1e30F, 0, -128, 127) == -128);

/// Sums around the codes, their ends, and all of int32.
Sums sums_of(std::size_t n, unsigned seed) {
  std::mt19937 random(seed);
  Sums x(n);
  for (std::size_t i = 0; i < n; ++i) {
    const auto word = static_cast<std::int32_t>(random());
    x[i] = i % 7 == 0 ? word : word >> (8 + random() % 16);
    using limits = std::numeric_limits<std::int32_t>;
    if (i % 31 == 0) x[i] = i % 2 == 0 ? limits::min() : limits::max();
  }
  return x;
}

struct expected_codes {
  std::vector<int> codes;
  clip_count clipped;
};

template <scheme S, profile P>
void compare_reals(index_t rows, index_t cols) {
  const Sums x = sums_of(static_cast<std::size_t>(rows * cols), 5);
  std::vector<float> multipliers(static_cast<std::size_t>(params_count(S, rows, cols)));
  std::mt19937 random(6);
  for (float& m : multipliers)
    m = std::ldexp(1.0F + static_cast<float>(random() % 1000) / 1000.0F, -static_cast<int>(random() % 22));
  for (const std::int32_t zero_point : {S.middle(), S.qmin(), S.qmax()}) {
    std::vector<code_of<S>> codes(x.size());
    support::for_each_isa([&](const std::string& isa) {
      std::fill(codes.begin(), codes.end(), code_of<S>{77});
      const clip_count met = requantize_into<S, P>(strided<const std::int32_t>(x.data(), rows, cols), multipliers,
                                                   zero_point, strided<code_of<S>>(codes.data(), rows, cols));
      clip_count expected;
      for (index_t i = 0; i < rows; ++i)
        for (index_t j = 0; j < cols; ++j) {
          const auto at = static_cast<std::size_t>(i * cols + j);
          const float m = multipliers[static_cast<std::size_t>(params_index(S, cols, i, j))];
          ASSERT_EQ(codes[at], requantize_one<P>(x[at], m, zero_point, S.qmin(), S.qmax()))
              << isa << ' ' << x[at] << ' ' << m;
          const int wider = requantize_one<P>(x[at], m, zero_point, S.qmin() - 1, S.qmax() + 1);
          expected.low += wider<S.qmin(), expected.high += wider> S.qmax();
        }
      EXPECT_EQ(met.low, expected.low) << isa;
      EXPECT_EQ(met.high, expected.high) << isa;
      EXPECT_EQ(met.total, rows * cols);
    });
  }
}

TEST(Requantize, RealMultipliersGiveTheCodesOfTheDefinition) {
  compare_reals<u8_per_tensor, onnx_profile>(3, 333);
  compare_reals<s8_asymmetric_per_tensor, tflite_profile>(2, 200);
  compare_reals<s8_asymmetric_per_row, pytorch_profile>(5, 97);
  compare_reals<u8_per_row, support::reciprocal_before>(4, 129);
  compare_reals<s8_per_column, onnx_profile>(7, 130);
  compare_reals<u8_per_column, support::divide_before_up>(7, 67);
  compare_reals<s8_per_column, tflite_profile>(1, 16);
}

template <scheme S, rescale R>
void compare_fixed(index_t rows, index_t cols, int greatest_exponent) {
  const Sums x = sums_of(static_cast<std::size_t>(rows * cols), 9);
  std::mt19937 random(8);
  std::vector<multiplier> multipliers(static_cast<std::size_t>(params_count(S, rows, cols)));
  for (multiplier& m : multipliers) {
    m.mantissa = static_cast<std::int32_t>((1U << 30) + random() % (1U << 30));
    m.exponent = greatest_exponent - static_cast<int>(random() % static_cast<unsigned>(greatest_exponent + 32));
    if (random() % 5 == 0) m.mantissa = random() % 2 == 0 ? 1 << 30 : std::numeric_limits<std::int32_t>::max();
    if (random() % 13 == 0) m = {};
  }
  for (const std::int32_t zero_point : {S.middle(), S.qmin(), S.qmax()}) {
    std::vector<code_of<S>> codes(x.size());
    support::for_each_isa([&](const std::string& isa) {
      std::fill(codes.begin(), codes.end(), code_of<S>{77});
      const clip_count met = requantize_into<S>(strided<const std::int32_t>(x.data(), rows, cols), multipliers, R,
                                                zero_point, strided<code_of<S>>(codes.data(), rows, cols));
      clip_count expected;
      for (index_t i = 0; i < rows; ++i)
        for (index_t j = 0; j < cols; ++j) {
          const auto at = static_cast<std::size_t>(i * cols + j);
          const multiplier m = multipliers[static_cast<std::size_t>(params_index(S, cols, i, j))];
          const std::int64_t code = std::int64_t{apply<R>(m, x[at])} + zero_point;
          ASSERT_EQ(codes[at], clamp(code, std::int64_t{S.qmin()}, std::int64_t{S.qmax()}))
              << isa << ' ' << x[at] << " * " << m.mantissa << " * 2^" << m.exponent;
          expected.low += code<S.qmin(), expected.high += code> S.qmax();
        }
      EXPECT_EQ(met.low, expected.low) << isa;
      EXPECT_EQ(met.high, expected.high) << isa;
    });
  }
}

TEST(Requantize, FixedPointMultipliersGiveTheCodesOfApply) {
  for (const int exponent : {-20, -8, -1, 0, 1, 12, 30}) {
    compare_fixed<u8_per_tensor, rescale::double_rounding>(3, 333, exponent);
    compare_fixed<s8_asymmetric_per_tensor, rescale::single_rounding>(2, 200, exponent);
    compare_fixed<s8_per_column, rescale::double_rounding>(7, 530, exponent);
    compare_fixed<s8_per_column, rescale::single_rounding>(5, 530, exponent);
    compare_fixed<s8_asymmetric_per_row, rescale::double_rounding>(40, 33, exponent);
    compare_fixed<u8_per_row, rescale::single_rounding>(40, 33, exponent);
  }
}

// More channels than multipliers are taken apart at once.
TEST(Requantize, TakesManyChannels) {
  compare_fixed<s8_per_column, rescale::double_rounding>(2, 4096 + 37, -3);
  compare_fixed<u8_per_column, rescale::single_rounding>(2, 2 * 4096 + 1, 2);
}

/// Every accumulator in [-2^20, 2^20] by multipliers that make ties, on every instruction set.
TEST(Requantize, TakesEveryTie) {
  Sums x(1 << 21);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<std::int32_t>(i) - (1 << 20);
  std::vector<std::int8_t> codes(x.size());
  const strided<const std::int32_t> sums(x.data(), 1, 1 << 21);
  const strided<std::int8_t> out(codes.data(), 1, 1 << 21);
  for (const int exponent : {-2, -9, -13}) {
    const multiplier m{1 << 30, exponent};
    support::for_each_isa([&](const std::string& isa) {
      std::uint64_t different = 0;
      requantize_into<s8_asymmetric_per_tensor>(sums, {&m, 1}, rescale::double_rounding, 5, out);
      for (std::size_t i = 0; i < x.size(); ++i)
        different += codes[i] != clamp(apply<rescale::double_rounding>(m, x[i]) + 5, -128, 127);
      requantize_into<s8_asymmetric_per_tensor>(sums, {&m, 1}, rescale::single_rounding, 5, out);
      for (std::size_t i = 0; i < x.size(); ++i)
        different += codes[i] != clamp(apply<rescale::single_rounding>(m, x[i]) + 5, -128, 127);
      const float real = static_cast<float>(to_double(m));
      requantize_into<s8_asymmetric_per_tensor>(sums, {&real, 1}, 5, out);
      for (std::size_t i = 0; i < x.size(); ++i) different += codes[i] != requantize_one(x[i], real, 5, -128, 127);
      EXPECT_EQ(different, 0U) << isa << ' ' << exponent;
    });
  }
}

TEST(Requantize, SaysWhatDoesNotFit) {
  Sums x(12);
  std::vector<std::uint8_t> codes(12);
  const strided<const std::int32_t> sums(x.data(), 3, 4);
  const strided<std::uint8_t> out(codes.data(), 3, 4);
  const float one[] = {1.0F, 1.0F, 1.0F}, bad[] = {1.0F, 0.0F, 1.0F},
              endless[] = {std::numeric_limits<float>::infinity(), 1.0F, 1.0F};
  EXPECT_EQ(text_of(try_requantize_into<u8_per_row>(sums, std::span(one).first(2), 0, out)),
            "requantize: 2 multipliers for 3 x 4 sums, expected 3");
  EXPECT_EQ(text_of(try_requantize_into<u8_per_row>(sums, bad, 0, out)),
            "requantize: multiplier 1 is 0, expected a number in [2^-126, 2^126]");
  EXPECT_EQ(text_of(try_requantize_into<u8_per_row>(sums, endless, 0, out)),
            "requantize: multiplier 0 is inf, expected a number in [2^-126, 2^126]");
  EXPECT_EQ(text_of(try_requantize_into<u8_per_row>(sums, one, 256, out)),
            "params: zero point 0 is 256, expected a code in [0, 255]");
  EXPECT_EQ(text_of(try_requantize_into<u8_per_row>(sums, one, 0, strided<std::uint8_t>(codes.data(), 3, 3))),
            "requantize: 3 x 3 codes for 3 x 4 sums");
  EXPECT_EQ(text_of(try_requantize_into<u8_per_row>(sums, one, 0, strided<std::uint8_t>(codes.data(), 3, 4, 1, 3))),
            "requantize: columns 1 and 3 elements apart, expected 1");
  EXPECT_EQ(text_of(try_requantize_into<u8_per_row>(
                sums, one, 0, strided<std::uint8_t>(reinterpret_cast<std::uint8_t*>(x.data()), 3, 4))),
            "requantize: the codes would overwrite the sums they are made from");
  const multiplier wild[] = {{1 << 30, 0}, {5, 0}, {1 << 30, 0}};
  EXPECT_EQ(text_of(try_requantize_into<u8_per_row>(sums, wild, rescale::double_rounding, 0, out)),
            "requantize: multiplier 1 is 5 * 2^(0 - 31), expected try_multiplier_from's");
  EXPECT_THROW(requantize_into<u8_per_row>(sums, bad, 0, out), std::invalid_argument);
}

}  // namespace requantize_test
