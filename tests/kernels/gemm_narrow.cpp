// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// gemm on codes of 2, 3, 5, 6 and 7 bits, which are stored one a byte.
#include "kernels/gemm_check.hpp"

namespace {

using namespace dyadic;

constexpr scheme signed_weights(int bits) { return {.bits = bits, .per = granularity::per_row}; }
constexpr scheme unsigned_weights(int bits) {
  return {.bits = bits, .is_signed = false, .sym = symmetry::asymmetric, .per = granularity::per_row};
}
constexpr scheme unsigned_symmetric(int bits) { return {.bits = bits, .is_signed = false}; }
constexpr scheme activations(int bits, bool is_signed) {
  return {.bits = bits, .is_signed = is_signed, .sym = symmetry::asymmetric};
}

TEST(GemmNarrow, Weights) {
  product::check_gemm<u8_per_tensor, signed_weights(2)>();
  product::check_gemm<u8_per_row, unsigned_weights(3)>();
  product::check_gemm<s8_per_tensor, signed_weights(5)>();
  product::check_gemm<u8_per_tensor, unsigned_weights(6)>();
  product::check_gemm<s8_asymmetric_per_row, signed_weights(7)>();
  product::check_gemm<u8_per_tensor, signed_weights(3).with(granularity::per_group, 8)>();
  product::check_gemm<u8_per_tensor, unsigned_weights(5).with(granularity::per_group, 5)>();
}

/// Unsigned and symmetric: the zero point is the middle code, and nobody stores it.
TEST(GemmNarrow, UnsignedSymmetric) {
  product::check_gemm<unsigned_symmetric(8), s8_per_row>();
  product::check_gemm<u8_per_tensor, unsigned_symmetric(8)>();
  product::check_gemm<u8_per_tensor, unsigned_symmetric(4)>();
  product::check_gemm<unsigned_symmetric(7), unsigned_symmetric(2)>();
}

TEST(GemmNarrow, Activations) {
  product::check_gemm<activations(7, false), s8_per_row>();
  product::check_gemm<activations(5, true), s4_per_group<32>>();
  product::check_gemm<activations(2, false), s4_per_row>();
}

}  // namespace
