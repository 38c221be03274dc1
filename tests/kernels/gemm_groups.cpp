// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// gemm on weights with one scale a group of a row.
#include "kernels/gemm_check.hpp"

namespace {

using namespace dyadic;

TEST(GemmGroups, S4) { product::check_gemm_of<s4_per_group<32>>(); }
TEST(GemmGroups, U4) { product::check_gemm_of<u4_per_group<32>>(); }
TEST(GemmGroups, S8) { product::check_gemm_of<s8_per_group<32>>(); }
TEST(GemmGroups, S4OfHalfAStep) { product::check_gemm_of<s4_per_group<4>>(); }
// Groups that fill no whole step, and begin in the middle of a byte.
TEST(GemmGroups, S4OfSix) { product::check_gemm_of<s4_per_group<6>>(); }
TEST(GemmGroups, U4OfThree) { product::check_gemm_of<u4_per_group<3>>(); }
TEST(GemmGroups, S8OfSeven) { product::check_gemm_of<s8_per_group<7>>(); }
TEST(GemmGroups, U8OfOne) {
  product::check_gemm_of<scheme{.is_signed = false, .sym = symmetry::asymmetric, .per = granularity::per_group, .group = 1}>();
}

/// One group a row is one scale a row: int32 sums exist, and the bits are those of the per-row scheme.
TEST(GemmGroups, OneGroupARowIsNoGroup) {
  std::mt19937 random(3);
  const auto x = product::operand<u8_per_tensor>(5, 32, product::fill::random, random);
  const auto grouped = product::operand<s4_per_group<32>>(9, 32, product::fill::random, random);
  auto plain = quantized<s4_per_row>::try_make(9, 32, params<s4_per_row>(grouped.params().scales())).value();
  std::memcpy(plain.bytes(), grouped.bytes(), static_cast<std::size_t>(plain.size_bytes()));
  std::vector<float> a(45), b(45);
  gemm(x, pack(grouped), epilogue::dequantize{}, strided<float>(a.data(), 5, 9));
  gemm(x, pack(plain), epilogue::dequantize{}, strided<float>(b.data(), 5, 9));
  EXPECT_EQ(a, b);
  EXPECT_FALSE(pack(grouped).grouped());
  product::check_product(x, grouped, random);
}

}  // namespace
