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

inline constexpr int max_rows = 6, max_panels = 1;  // 12 accumulators, 2 weights, 1 activation of 16 registers
using x_code = std::uint8_t;
inline constexpr int x_offset = 0;
inline constexpr int sums_a_panel = 2;

DYADIC_INLINE __m256i load_32(const std::uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }
DYADIC_INLINE void store_x(x_code* x, bytev v) { store_bytes(x, v); }
DYADIC_INLINE i32v zero_sums() { return {_mm256_setzero_si256()}; }
DYADIC_INLINE i32v broadcast_quad(const x_code* x) {
  std::int32_t quad;
  __builtin_memcpy(&quad, x, sizeof quad);
  return {_mm256_set1_epi32(quad)};
}
DYADIC_INLINE i32v load_w8(const std::uint8_t* w, int part) { return {load_32(w + 32 * part)}; }
DYADIC_INLINE i32v load_w4_low(const std::uint8_t* w, int part) {
  return {_mm256_and_si256(load_32(w + 32 * part), _mm256_set1_epi8(15))};
}
DYADIC_INLINE i32v load_w4_high(const std::uint8_t* w, int part) {
  return {_mm256_and_si256(_mm256_srli_epi16(load_32(w + 32 * part), 4), _mm256_set1_epi8(15))};
}
DYADIC_INLINE i32v dot4(i32v sum, i32v x, i32v w) { return {_mm256_dpbusd_avx_epi32(sum.r, x.r, w.r)}; }
DYADIC_INLINE void store_sums(std::int32_t* out, const i32v* sums) {
  store(out, sums[0]);
  store(out + 8, sums[1]);
}

#include <dyadic/kernels/simd/algorithms.inl.hpp>

struct isa : algorithms {
  static constexpr const char* name = "avx_vnni";
  static bool supported(const cpu_features& cpu) noexcept { return cpu.avx_vnni; }
};

}  // namespace dyadic::inline DYADIC_ABI::simd::avx_vnni
DYADIC_REGION_END
