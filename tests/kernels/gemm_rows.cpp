// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// gemm on weights with one scale a tensor or a row.
#include "kernels/gemm_check.hpp"

namespace {

using namespace dyadic;

constexpr scheme s8_asymmetric_per_channel = s8_asymmetric_per_row;
constexpr scheme s8_whole_per_row = s8_per_tensor.with(granularity::per_row);  // with -128

TEST(GemmRows, S8) { product::check_gemm_of<s8_per_row>(); }
TEST(GemmRows, S8NarrowPerTensor) { product::check_gemm_of<s8_narrow_per_tensor>(); }
TEST(GemmRows, S8WithTheLowestCode) { product::check_gemm_of<s8_whole_per_row>(); }
TEST(GemmRows, S8Asymmetric) { product::check_gemm_of<s8_asymmetric_per_channel>(); }
TEST(GemmRows, U8) { product::check_gemm_of<u8_per_row>(); }
TEST(GemmRows, S4) { product::check_gemm_of<s4_per_row>(); }
TEST(GemmRows, U4) { product::check_gemm_of<u4_per_row>(); }

}  // namespace
