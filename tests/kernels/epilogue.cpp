// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <dyadic/kernels/epilogue.hpp>

#include <bit>

#include "fixed_point/exact.hpp"
#include "kernels/product.hpp"
#include "support/data.hpp"

namespace epilogue_test {

using namespace dyadic;
using product::fill;
using support::text_of;

constexpr float infinity = epilogue::infinity, nan = std::numeric_limits<float>::quiet_NaN();

/// n rows of k weights, all of them `code`.
packed_weights weights(std::vector<float> scales, index_t k = 4, int code = 1) {
  const auto n = static_cast<index_t>(scales.size());
  auto w = quantized<s8_per_row>::try_make(n, k, params<s8_per_row>(scales)).value();
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < k; ++j) store_code<s8_per_row>(w.row(i), j, code);
  return pack(w);
}

TEST(Epilogue, StagesReadFromLeftToRight) {
  using epilogue::add_bias, epilogue::bounded_reals, epilogue::dequantize, epilogue::relu;
  const std::vector<float> b(3);
  const bounded_reals plain = dequantize{}, rectified = dequantize{} | relu{};
  EXPECT_TRUE(plain.bias.empty() && plain.low == -infinity && plain.high == infinity);
  EXPECT_TRUE(rectified.low == 0.0f && rectified.high == infinity);
  const bounded_reals all =
      dequantize{} | add_bias{b} | relu{} | epilogue::clamp{-1.0f, 6.0f} | epilogue::clamp{2.0f, 9.0f};
  EXPECT_EQ(all.bias.data(), b.data());
  EXPECT_TRUE(all.low == 2.0f && all.high == 6.0f);
}

/// m = (x_scale * w_scale) / y_scale, both steps rounded to float. The scales are ones where every other order of the
/// three gives other bits.
TEST(Epilogue, TheMultiplierIsAProductThenAQuotient) {
  std::mt19937 random(3);
  int distinct = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::vector<float> s = product::numbers(3, 1.0f, random);
    const float x = std::abs(s[0]) + 0.01f, w = std::abs(s[1]) + 0.01f, y = std::abs(s[2]) + 0.01f;
    const volatile float product = x * w;
    const float expected = product / y;
    const float others[] = {
        x * (w / y), (x / y) * w, x * w * (1.0f / y),
        static_cast<float>(static_cast<double>(x) * static_cast<double>(w) / static_cast<double>(y))};
    bool all = true;
    for (const float other : others) all = all && other != expected;
    if (!all) continue;
    ++distinct;
    const auto packed = weights({w});
    const auto how = requantization::try_make(x, packed, {}, u8_per_tensor, y, 3);
    ASSERT_TRUE(how);
    ASSERT_EQ(how->view().multipliers[0], expected) << x << " * " << w << " / " << y;
  }
  EXPECT_GT(distinct, 5) << "too few scales told the orders apart";
}

/// The bias is counted in units of x_scale * w_scale, and rounded half to even.
TEST(Epilogue, TheBiasBecomesAnInteger) {
  const auto packed = weights({0.5f, 0.25f, 1.0f, 1.0f, 1.0f, 1.0f, 1.0f});
  const std::vector<float> bias{0.25f, 0.375f, 2.5f, -0.5f, -1.5f, 0x1.fffffep-2f, -2.75f};
  const auto how = requantization::try_make(1.0f, packed, bias, u8_per_tensor, 1.0f, 0);
  ASSERT_TRUE(how);
  const std::int32_t expected[] = {0, 2, 2, 0, -2, 0, -3};
  for (int j = 0; j < 7; ++j) EXPECT_EQ(how->view().bias_codes[j], expected[j]) << j;
  EXPECT_EQ(how->size(), 7);
  EXPECT_EQ(requantization::try_make(1.0f, packed, {}, u8_per_tensor, 1.0f, 0)->view().bias_codes, nullptr);
}

/// The unit is rounded to float before the bias is divided by it, and the quotient is one of doubles.
TEST(Epilogue, TheUnitOfTheBiasIsAFloat) {
  std::mt19937 random(4);
  for (int i = 0; i < 200; ++i) {
    const std::vector<float> s = product::numbers(3, 1.0f, random);
    const float x = std::abs(s[0]) + 0.01f, w = std::abs(s[1]) * 1e-4f + 1e-6f, bias = s[2] * 100.0f;
    const volatile float unit = x * w;
    const double units = static_cast<double>(bias) / static_cast<double>(unit);
    const auto packed = weights({w});
    const auto how = requantization::try_make(x, packed, std::span<const float>(&bias, 1), u8_per_tensor, x, 0);
    ASSERT_TRUE(how) << text_of(how);
    ASSERT_EQ(how->view().bias_codes[0], static_cast<std::int32_t>(round<rounding::half_even>(units)));
  }
}

TEST(Epilogue, GroupsKeepTheirBiasReal) {
  std::mt19937 random(5);
  const auto packed = pack(product::operand<s4_per_group<4>>(3, 8, fill::random, random));
  const std::vector<float> bias{1.0f, -2.0f, 0.3f};
  const auto how = requantization::try_make(0.7f, packed, bias, s8_asymmetric_per_tensor, 0.9f, -5);
  ASSERT_TRUE(how);
  const auto v = how->view();
  EXPECT_EQ(v.multipliers, nullptr);
  EXPECT_EQ(v.bias_codes, nullptr);
  EXPECT_EQ(*v.x_scales, 0.7f / 0.9f);
  for (std::size_t j = 0; j < 3; ++j) EXPECT_EQ(v.bias[j], bias[j] / 0.9f);
}

/// A host's rounding mode and flush-to-zero do not reach the multipliers.
TEST(Epilogue, IsMadeInTheDefaultFloatEnvironment) {
  std::mt19937 random(6);
  const auto scales = product::numbers(40, 1.0f, random);
  std::vector<float> positive;
  for (const float s : scales) positive.push_back(std::abs(s) * 0x1p-60f + 0x1p-62f);
  const auto packed = weights(positive);
  const auto bias = product::numbers(40, 0x1p-120f, random);
  // With x_scale 2^-70 the units are subnormal, and the quotient is not.
  const auto make = [&] {
    return requantization::try_make(0x1.234568p-70f, packed, bias, u8_per_tensor, 0x1.fedcbap-120f, 9);
  };
  const auto expected = make();
  ASSERT_TRUE(expected) << text_of(expected);
  exact::in_every_environment([&] {
    const auto how = make();
    ASSERT_TRUE(how) << text_of(how);
    for (index_t j = 0; j < 40; ++j) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(how->view().multipliers[j]),
                std::bit_cast<std::uint32_t>(expected->view().multipliers[j]));
      ASSERT_EQ(how->view().bias_codes[j], expected->view().bias_codes[j]);
    }
  });
}

TEST(Epilogue, TheClampIsThatOfTheCodes) {
  const auto packed = weights({1.0f});
  const auto view = [&](const scheme& s, int zero_point) {
    return requantization::try_make(1.0f, packed, {}, s, 1.0f, zero_point)->view();
  };
  EXPECT_EQ(view(u8_per_tensor, 100).low, -100.0f);
  EXPECT_EQ(view(u8_per_tensor, 100).high, 155.0f);
  EXPECT_EQ(view(s8_asymmetric_per_tensor, -128).low, 0.0f);
  EXPECT_EQ(view(s8_asymmetric_per_tensor, -128).high, 255.0f);
  EXPECT_EQ(view(s8_narrow_per_tensor, 0).low, -127.0f);
}

TEST(Epilogue, RefusesWhatItCannotRequantize) {
  const auto packed = weights({1.0f, 1.0f});
  const std::vector<float> one{1.0f}, strange{1.0f, nan};
  const auto make = [&](float x, std::span<const float> bias, const scheme& s, float y, int zero_point) {
    return text_of(requantization::try_make(x, packed, bias, s, y, zero_point));
  };
  EXPECT_EQ(make(1.0f, one, u8_per_tensor, 1.0f, 0), "requantize: bias of 1 for 2 rows of weights, expected 2 or none");
  EXPECT_EQ(make(1.0f, strange, u8_per_tensor, 1.0f, 0), "requantize: bias 1 is nan, expected a finite number");
  EXPECT_EQ(make(0.0f, {}, u8_per_tensor, 1.0f, 0), "params: scale 0 is 0, expected a number in [2^-126, 2^126]");
  EXPECT_EQ(make(1.0f, {}, u8_per_tensor, infinity, 0), "params: scale 0 is inf, expected a number in [2^-126, 2^126]");
  EXPECT_EQ(make(1.0f, {}, u8_per_tensor, 1.0f, 256), "params: zero point 0 is 256, expected a code in [0, 255]");
  EXPECT_EQ(make(1.0f, {}, s8_per_tensor, 1.0f, -129), "params: zero point 0 is -129, expected a code in [-128, 127]");
  EXPECT_EQ(make(1.0f, {}, s16_per_tensor, 1.0f, 0), "requantize: outputs of 16 bits, expected 8 bits and one scale");
  EXPECT_EQ(make(1.0f, {}, u8_per_row, 1.0f, 0), "requantize: outputs of 8 bits, expected 8 bits and one scale");
  // The multiplier itself must be an ordinary float.
  EXPECT_EQ(make(0x1p100f, {}, u8_per_tensor, 0x1p-100f, 0),
            "params: scale 0 is inf, expected a number in [2^-126, 2^126]");
  EXPECT_EQ(make(0x1p-100f, {}, u8_per_tensor, 0x1p100f, 0),
            "params: scale 0 is 0, expected a number in [2^-126, 2^126]");
}

}  // namespace epilogue_test
