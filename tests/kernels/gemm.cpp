// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The integer product equals its definition, bit for bit: schemes, epilogues, shapes, layouts, threads, instruction
// sets.
#include <dyadic/kernels/reference/gemm.hpp>

#include "kernels/product.hpp"
#include "kernels/schemes.hpp"
#include "support/data.hpp"

namespace gemm_test {

using namespace dyadic;
using product::check_schemes, product::fill, product::make_w, product::make_x;

/// Weights against every scheme of activations.
void check_weights(const scheme& w) {
  for (const scheme& x : {u8_per_tensor, s8_per_tensor, s8_asymmetric_per_tensor, u8_per_row, s8_asymmetric_per_row}) {
    check_schemes(x, w);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(Gemm, S8PerRow) { check_weights(s8_per_row); }
TEST(Gemm, S8PerTensor) { check_weights(s8_narrow_per_tensor); }
TEST(Gemm, S8WithItsLowestCode) { check_weights(product::s8_whole_per_row); }
TEST(Gemm, S8Asymmetric) { check_weights(s8_asymmetric_per_row); }
TEST(Gemm, U8PerRow) { check_weights(u8_per_row); }
TEST(Gemm, S4PerRow) { check_weights(s4_per_row); }
TEST(Gemm, U4PerRow) { check_weights(u4_per_row); }

TEST(Gemm, S4PerGroup) { check_weights(s4_per_group<32>); }
TEST(Gemm, U4PerGroup) { check_weights(u4_per_group<32>); }
TEST(Gemm, S8PerGroup) { check_weights(s8_per_group<32>); }
TEST(Gemm, GroupsOfHalfAStep) { check_weights(s4_per_group<4>); }
TEST(Gemm, GroupsThatFillNoStep) {
  check_weights(s4_per_group<6>);
  check_weights(u4_per_group<3>);
  check_weights(s8_per_group<7>);
  check_weights(product::u8_group_of_one);
}

TEST(Gemm, WeightsOfFewBits) {
  check_schemes(u8_per_tensor, product::s2_rows);
  check_schemes(u8_per_row, product::u3_rows);
  check_schemes(s8_per_tensor, product::s5_rows);
  check_schemes(u8_per_tensor, product::u6_rows);
  check_schemes(s8_asymmetric_per_row, product::s7_rows);
  check_schemes(u8_per_tensor, product::s3_groups);
  check_schemes(s8_asymmetric_per_tensor, product::u5_groups);
}

TEST(Gemm, ActivationsOfFewBits) {
  check_schemes(product::u7_asymmetric, s8_per_row);
  check_schemes(product::s5_asymmetric, s4_per_group<32>);
  check_schemes(product::u2_asymmetric, s4_per_row);
}

/// Unsigned and symmetric: the zero point is the middle code, and nobody stores it.
TEST(Gemm, UnsignedSymmetric) {
  check_schemes(product::u8_symmetric, s8_per_row);
  check_schemes(u8_per_tensor, product::u8_symmetric);
  check_schemes(s8_per_tensor, product::u4_symmetric);
  check_schemes(product::u7_symmetric, product::u2_symmetric);
}

TEST(Gemm, EveryThreadCountInEveryLayout) {
  std::mt19937 random(11);
  for (const auto& [x, w] : {std::pair{u8_per_tensor, s8_per_row}, std::pair{s8_asymmetric_per_row, u4_per_group<32>}})
    for (const product::shape& s : {product::shape{5, 70, 64}, product::shape{85, 19, 32}, product::shape{24, 64, 96},
                                    product::shape{1, 200, 32}}) {
      check_product(*make_x(x, s.m, s.k, fill::random, random), *make_w(w, s.n, s.k, fill::random, random), random,
                    product::effort::every);
      if (testing::Test::HasFatalFailure()) return;
    }
}

/// A block of rows holds 30 of these, a tile 6: two blocks and a bit, the last of them ragged.
TEST(Gemm, LongRows) {
  std::mt19937 random(12);
  constexpr index_t k = 4096 + 3;
  check_product(*make_x(u8_per_tensor, 67, k, fill::random, random), *make_w(s8_per_row, 18, k, fill::random, random),
                random);
  check_product(*make_x(s8_asymmetric_per_row, 35, k, fill::ends, random),
                *make_w(u4_per_row, 17, k, fill::ends, random), random);
  check_product(*make_x(u8_per_row, 3, 4096, fill::random, random),
                *make_w(s4_per_group<32>, 33, 4096, fill::random, random), random);
}

/// A row that is one group has one scale: int32 sums exist, and the bits are those of the per-row scheme.
TEST(Gemm, OneGroupARowIsNoGroup) {
  std::mt19937 random(3);
  const auto x = product::operand<u8_per_tensor>(5, 32, fill::random, random);
  const auto grouped = product::operand<s4_per_group<32>>(9, 32, fill::random, random);
  auto plain = quantized<s4_per_row>::try_make(9, 32, params<s4_per_row>(grouped.params().scales())).value();
  std::memcpy(plain.bytes(), grouped.bytes(), static_cast<std::size_t>(plain.size_bytes()));
  std::vector<float> a(45), b(45);
  std::vector<std::int32_t> sums(45);
  gemm(x, pack(grouped), epilogue::dequantize{}, strided<float>(a.data(), 5, 9));
  gemm(x, pack(plain), epilogue::dequantize{}, strided<float>(b.data(), 5, 9));
  EXPECT_EQ(a, b);
  EXPECT_TRUE(try_gemm(x, pack(grouped), epilogue::sums{}, strided<std::int32_t>(sums.data(), 5, 9)));
}

/// Sums over groups can leave the floats; infinities saturate, and where two of opposite signs meet the code is the
/// zero point.
TEST(Gemm, InfinitiesOverGroups) {
  constexpr scheme w_scheme = s8_per_group<4>;
  auto x = quantized<u8_per_tensor>::try_make(1, 8, params<u8_per_tensor>(1.0f, 0)).value();
  auto w = quantized<w_scheme>::try_make(20, 8, params<w_scheme>(std::vector<float>(40, 0x1p126f))).value();
  for (index_t k = 0; k < 8; ++k) {
    store_code<u8_per_tensor>(x.row(0), k, 255);
    for (index_t i = 0; i < 20; ++i) store_code<w_scheme>(w.row(i), k, i % 2 == 0 ? 127 : -127);
  }
  const auto packed = pack(w);
  for (const float of_bias : {0.0f, 0x1p100f}) {  // over 2^-100 infinite
    const std::vector<float> bias(20, of_bias);
    const auto how = requantization::try_make(1.0f, packed, bias, u8_per_tensor, 0x1p-100f, 99);
    ASSERT_TRUE(how) << support::text_of(how);
    const reference::codes e{.scale = 0x1p-100f, .zero_point = 99, .bias = bias};
    std::vector<std::uint8_t> expected(20);
    reference::gemm(x.view(), w.view(), e, strided<std::uint8_t>(expected.data(), 1, 20));
    ASSERT_EQ(expected[0], 255);
    ASSERT_EQ(expected[1], of_bias == 0.0f ? 0 : 99);
    support::for_each_isa([&](const std::string& isa) {
      std::vector<std::uint8_t> y(20);
      gemm(x, packed, epilogue::requantize{*how}, strided<std::uint8_t>(y.data(), 1, 20));
      EXPECT_EQ(y, expected) << isa;
    });
  }
}

/// gemv is gemm with one row.
TEST(Gemm, Gemv) {
  std::mt19937 random(4);
  const auto x = product::operand<u8_per_tensor>(1, 40, fill::random, random);
  const auto w = pack(product::operand<s8_per_row>(21, 40, fill::random, random));
  std::vector<float> a(21), b(21);
  gemv(w, x, epilogue::dequantize{}, std::span<float>(a));
  gemm(x, w, epilogue::dequantize{}, strided<float>(b.data(), 1, 21));
  EXPECT_EQ(a, b);
  EXPECT_EQ(support::text_of(try_gemv(w, x, epilogue::dequantize{}, std::span<float>(a).first(20))),
            "gemm: y is 1 x 20, expected 1 x 21");
}

}  // namespace gemm_test
