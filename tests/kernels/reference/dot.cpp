// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The definitions against numbers worked out by hand.
#include <dyadic/kernels/reference/gemm.hpp>

#include <gtest/gtest.h>

#include <vector>

namespace dot_test {

using namespace dyadic;
namespace reference = dyadic::reference;

// 3.5 is a tie and goes to 4, 2.5 to 2; ends saturate; NaN becomes the zero point; a ReLU is a higher lowest code.
static_assert(reference::requantize_one(3.5f, 10, 0, 255) == 14 && reference::requantize_one(2.5f, 10, 0, 255) == 12);
static_assert(reference::requantize_one(-10.5f, 10, 0, 255) == 0 &&
              reference::requantize_one(1e30f, 10, 0, 255) == 255);
static_assert(reference::requantize_one(-1e30f, 10, 10, 255) == 10);
static_assert(reference::requantize_one(__builtin_nanf(""), 10, 0, 255) == 10);
static_assert(reference::codes{.zero_point = 7, .relu = true}.code(-3.0f) == 7);
static_assert(reference::codes{.zero_point = -130, .qmin = -128, .qmax = 127, .relu = true}.code(0.0f) == -128);

// 2^30 * 2^(1 - 31) is one; 5/8 of 100 is 62.5. TensorFlow Lite rounds it up in a single rounding (half up), and twice
// when it rounds twice: the high multiplication is exact here, and the shift goes away from zero.
constexpr multiplier one{1 << 30, 1}, five_eighths{5 << 28, 0};
static_assert(reference::requantize_fixed(-77, one, rescale::single_rounding, 3, -128, 127) == -74);
static_assert(reference::requantize_fixed(100, five_eighths, rescale::single_rounding, 0, 0, 255) == 63);
static_assert(reference::requantize_fixed(-100, five_eighths, rescale::single_rounding, 0, -128, 127) == -62);
static_assert(reference::requantize_fixed(100, five_eighths, rescale::double_rounding, 0, 0, 255) == 63);
static_assert(reference::requantize_fixed(-100, five_eighths, rescale::double_rounding, 0, -128, 127) == -62);
// One quarter of -2 is -0.5: half up gives 0, away from zero -1.
constexpr multiplier quarter{1 << 30, -1};
static_assert(reference::requantize_fixed(-2, quarter, rescale::single_rounding, 5, 0, 255) == 5);
static_assert(reference::requantize_fixed(-2, quarter, rescale::double_rounding, 5, 0, 255) == 4);
// The zero point is added in 64 bits, and the clamp is last.
constexpr multiplier large{(1LL << 31) - 1, 30};
static_assert(reference::requantize_fixed(INT32_MAX, large, rescale::single_rounding, 100, -128, 127) == 127);
static_assert(reference::requantize_fixed(INT32_MIN, large, rescale::single_rounding, -100, 2, 9) == 2);

/// x = (1, 2, 3) less 1, w = (4, -5, 6): 0 * 4 + 1 * -5 + 2 * 6 = 7.
struct by_hand {
  quantized<u8_per_tensor> x = quantized<u8_per_tensor>::try_make(1, 3, params<u8_per_tensor>(0.5f, 1)).value();
  quantized<s8_per_row> w =
      quantized<s8_per_row>::try_make(2, 3, params<s8_per_row>(std::vector<float>{0.25f, 2.0f})).value();
  by_hand() {
    for (int k = 0; k < 3; ++k) {
      store_code<u8_per_tensor>(x.row(0), k, k + 1);
      store_code<s8_per_row>(w.row(0), k, (k + 4) * (k == 1 ? -1 : 1));
      store_code<s8_per_row>(w.row(1), k, k);
    }
  }
};

TEST(ReferenceDot, OneRowByHand) {
  const by_hand h;
  std::vector<std::int32_t> sums(2), codes(2);
  std::vector<float> reals(2);
  reference::gemm(h.x.view(), h.w.view(), reference::sums{}, strided<std::int32_t>(sums.data(), 1, 2));
  EXPECT_EQ(sums, (std::vector<std::int32_t>{7, 5}));

  const std::vector<float> bias{1.0f, -20.0f};
  const reference::reals e{.bias = bias, .low = -10.0f};
  reference::gemm(h.x.view(), h.w.view(), e, strided<float>(reals.data(), 1, 2));
  EXPECT_EQ(reals, (std::vector<float>{7 * 0.125f + 1.0f, -10.0f}));

  // Units of 0.125: the bias is 8 of them and the sum 15, times 0.125 / 0.75: 2.5, a tie. Units of 1: 5 - 20, over
  // 0.75: -20.
  const reference::codes c{.scale = 0.75f, .zero_point = 9, .bias = bias};
  reference::gemm(h.x.view(), h.w.view(), c, strided<std::int32_t>(codes.data(), 1, 2));
  EXPECT_EQ(codes, (std::vector<std::int32_t>{9 + 2, 0}));
  reference::gemm(h.x.view(), h.w.view(), reference::unrounded{c}, strided<float>(reals.data(), 1, 2));
  EXPECT_EQ(reals, (std::vector<float>{15 * (0.125f / 0.75f), -15 * (1.0f / 0.75f)}));

  const std::vector<multiplier> half{{1 << 30, 0}, {1 << 30, 0}};
  const std::vector<std::int32_t> bias_codes{2, -8};
  const reference::fixed_codes f{.multipliers = half, .bias = bias_codes, .zero_point = 1, .low = -5, .high = 4};
  reference::gemm(h.x.view(), h.w.view(), f, strided<std::int32_t>(codes.data(), 1, 2));
  EXPECT_EQ(codes, (std::vector<std::int32_t>{4, 0}));  // 4.5 -> 5 + 1, clamped; -1.5 -> -1 (half up) + 1

  reference::gemv(h.w.view(), h.x.view(), reference::sums{}, std::span<std::int32_t>(codes));
  EXPECT_EQ(codes, sums);
}

/// Two groups: the order of the fma chain shows. 2^24 + 1 rounds to 2^24 when the large group comes first.
TEST(ReferenceDot, GroupsAreAddedInIncreasingOrder) {
  constexpr scheme two = s8_per_group<1>;
  auto x = quantized<s8_per_tensor>::try_make(1, 3, params<s8_per_tensor>(1.0f)).value();
  auto w = quantized<two>::try_make(1, 3, params<two>(std::vector<float>{0x1p24f, 1.0f, 1.0f})).value();
  for (int k = 0; k < 3; ++k) {
    store_code<s8_per_tensor>(x.row(0), k, 1);
    store_code<two>(w.row(0), k, 1);
  }
  float y = 0;
  reference::gemm(x.view(), w.view(), reference::reals{}, strided<float>(&y, 1, 1));
  EXPECT_EQ(y, 0x1p24f);  // (2^24 + 1) + 1, each rounded; 1 + 1 + 2^24 would be 2^24 + 2
}

/// x in the groups of w: the scale of a group is a product of two, rounded; (1 + 2^-12)^2 loses its last term, and the
/// totals have no scale of a row. A row of x that is one group has one scale.
TEST(ReferenceDot, GroupsOfBothOperands) {
  constexpr scheme two = s8_per_group<2>;
  const std::vector<float> scales{1.0f + 0x1p-12f, 0.5f}, of_row{3.0f};
  auto x = quantized<two>::try_make(1, 4, params<two>(scales)).value();
  auto w = quantized<two>::try_make(1, 4, params<two>(scales)).value();
  auto whole = quantized<s8_per_group<4>>::try_make(1, 4, params<s8_per_group<4>>(of_row)).value();
  for (int k = 0; k < 4; ++k) {
    store_code<two>(x.row(0), k, k + 1);
    store_code<two>(w.row(0), k, k < 2 ? 1 : -2);
    store_code<s8_per_group<4>>(whole.row(0), k, k + 1);
  }
  const std::vector<float> bias{0.125f};
  float y = 0;
  reference::gemm(x.view(), w.view(), reference::reals{.bias = bias}, strided<float>(&y, 1, 1));
  EXPECT_EQ(y, 3 * (1.0f + 0x1p-11f) - 14 * 0.25f + 0.125f);
  reference::gemm(whole.view(), w.view(), reference::reals{.bias = bias}, strided<float>(&y, 1, 1));
  EXPECT_EQ(y, (3 * (1.0f + 0x1p-12f) - 14 * 0.5f) * 3.0f + 0.125f);
}

/// Weight-only: codes less their zero points, a part a group, then the scale.
TEST(ReferenceDot, FloatsByCodes) {
  constexpr scheme two{.is_signed = false, .sym = symmetry::asymmetric, .per = granularity::per_group, .group = 2};
  auto w =
      quantized<two>::try_make(1, 4, params<two>(std::vector<float>{0x1p24f, 1.0f}, std::vector<std::int32_t>{9, 200}))
          .value();
  for (int k = 0; k < 4; ++k) store_code<two>(w.row(0), k, k < 2 ? 10 : 202);
  const std::vector<float> x{0.75f, 0.25f, 1.0f, -0.5f}, bias{-1.0f};
  float y = 0;
  reference::gemm(strided<const float>(x.data(), 1, 4), w.view(), reference::reals{}, strided<float>(&y, 1, 1));
  EXPECT_EQ(y, 0x1p24f);  // 2^24 + 1, to even
  reference::gemm(strided<const float>(x.data(), 1, 4), w.view(), reference::reals{.bias = bias},
                  strided<float>(&y, 1, 1));
  EXPECT_EQ(y, 0x1p24f - 1.0f);
  reference::gemm(strided<const float>(x.data(), 1, 4), w.view(), reference::reals{.bias = {}, .high = 5.0f},
                  strided<float>(&y, 1, 1));
  EXPECT_EQ(y, 5.0f);
}

/// An fma keeps what a product loses: (1 + 2^-12)^2 - 1 - 2^-11 = 2^-24.
TEST(ReferenceDot, TheFloatProductIsFused) {
  const std::vector<float> x{1.0f, 1.0f + 0x1p-12f}, w{-1.0f - 0x1p-11f, 1.0f + 0x1p-12f};
  float y = 0;
  reference::gemv({w.data(), 1, 2}, x, {}, std::span<float>(&y, 1));
  EXPECT_EQ(y, 0x1p-24f);
}

}  // namespace dot_test
