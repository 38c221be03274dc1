// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The products of avx_vnni: the VEX form of vpdpbusd, for processors without AVX-512.
//
//   dot4        vpdpbusd ymm (VEX)  u8 x s8, sums of four products added to int32 without saturation
#pragma once

#include <dyadic/kernels/simd/vocabulary.hpp>
#include <dyadic/simd/avx_vnni.hpp>

DYADIC_REGION_BEGIN(DYADIC_AVX_VNNI)
namespace dyadic::inline DYADIC_ABI::simd::avx_vnni {

inline constexpr int real_registers = 12;  // that hold sums of floats in a tile
inline constexpr int columns_at_once = 2;  // registers of columns that an epilogue finishes together

#include <dyadic/kernels/simd/sums.inl.hpp>
#include <dyadic/kernels/simd/parts.inl.hpp>
#include <dyadic/kernels/simd/ymm_bytes.inl.hpp>

struct dot : byte_codes {
  static constexpr int latency = 8;
  static constexpr int accumulators = 12;    // of 16 registers; 2 hold weights, 1 an activation
  static constexpr int group_registers = 6;  // for sums, and as many for totals
  static constexpr bool unpacks = true;

  static DYADIC_INLINE i32v dot4(i32v sum, i32v x, i32v w) { return {_mm256_dpbusd_avx_epi32(sum.r, x.r, w.r)}; }
};

#include <dyadic/kernels/simd/algorithms.inl.hpp>

}  // namespace dyadic::inline DYADIC_ABI::simd::avx_vnni
DYADIC_REGION_END
