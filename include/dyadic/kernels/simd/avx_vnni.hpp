// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The instruction set avx_vnni: 256-bit registers, the VEX form of vpdpbusd, for processors without AVX-512.
//
//   dot4        vpdpbusd ymm (VEX)  u8 x s8, sums of four products added to int32 without saturation
#pragma once

#include <immintrin.h>

#include <dyadic/kernels/simd/vocabulary.hpp>

DYADIC_REGION_BEGIN("avxvnni,avx2,fma,f16c")
namespace dyadic::inline DYADIC_ABI::simd::avx_vnni {

#include <dyadic/kernels/simd/ymm.inl.hpp>

DYADIC_INLINE __m256i load_32(const std::uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }

struct dot : plain_sums {
  using x_code = std::uint8_t;
  static constexpr int x_offset = 0, latency = 8;
  static constexpr int accumulators = 12;    // of 16 registers; 2 hold weights, 1 an activation
  static constexpr int group_registers = 6;  // for sums, and as many for totals
  static constexpr bool unpacks = true;

  static DYADIC_INLINE void store_x(x_code* x, bytev v) { store_bytes(x, v); }
  static DYADIC_INLINE i32v broadcast_quad(const x_code* x) {
    std::int32_t quad;
    __builtin_memcpy(&quad, x, sizeof quad);
    return {_mm256_set1_epi32(quad)};
  }
  static DYADIC_INLINE i32v low_nibbles(__m256i v) {
    const __m256i table = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1,  //
                                           0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
    return {_mm256_shuffle_epi8(table, _mm256_and_si256(v, _mm256_set1_epi8(15)))};
  }
  static DYADIC_INLINE i32v load_w8(const std::uint8_t* w, int part) { return {load_32(w + 32 * part)}; }
  static DYADIC_INLINE i32v load_w4_low(const std::uint8_t* w, int part) { return low_nibbles(load_32(w + 32 * part)); }
  static DYADIC_INLINE i32v load_w4_high(const std::uint8_t* w, int part) {
    return low_nibbles(_mm256_srli_epi16(load_32(w + 32 * part), 4));
  }
  static DYADIC_INLINE i32v dot4(i32v sum, i32v x, i32v w) { return {_mm256_dpbusd_avx_epi32(sum.r, x.r, w.r)}; }
};

#include <dyadic/kernels/simd/algorithms.inl.hpp>

struct isa : algorithms {
  static constexpr const char* name = "avx_vnni";
  static bool supported(const cpu_features& cpu) noexcept { return cpu.avx_vnni; }
};

}  // namespace dyadic::inline DYADIC_ABI::simd::avx_vnni
DYADIC_REGION_END
