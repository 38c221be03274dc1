// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The instruction set avx2: 256-bit registers, exact products through int16.
//
//   dot4        vpmaddwd + vpaddd   s16 x s16 pairs. vpmaddubsw would take bytes directly but saturates at int16: never here.
//
// Activations are widened to int16 once a block; weights as they are loaded (vpmovsxbw). A register of sums holds four
// columns with two partial sums each, folded when the tile is stored.
#pragma once

#include <immintrin.h>

#include <dyadic/kernels/simd/vocabulary.hpp>

DYADIC_REGION_BEGIN("avx2,fma,f16c")
namespace dyadic::inline DYADIC_ABI::simd::avx2 {

#include <dyadic/kernels/simd/ymm.inl.hpp>

inline constexpr int max_rows = 3, max_panels = 1;  // 12 accumulators, 1 weight, 1 activation of 16 registers
using x_code = std::int16_t;
inline constexpr int x_offset = 0;
inline constexpr int sums_a_panel = 4;

DYADIC_INLINE void store_x(x_code* x, bytev v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(x), _mm256_cvtepu8_epi16(v.r));
}
DYADIC_INLINE i32v zero_sums() { return {_mm256_setzero_si256()}; }
DYADIC_INLINE i32v broadcast_quad(const x_code* x) {
  return {_mm256_broadcastq_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(x)))};
}
DYADIC_INLINE i32v load_w8(const std::uint8_t* w, int part) {
  return {_mm256_cvtepi8_epi16(load_bytes(w + 16 * part).r)};
}
DYADIC_INLINE i32v load_w4_low(const std::uint8_t* w, int part) {
  return {_mm256_cvtepu8_epi16(_mm_and_si128(load_bytes(w + 16 * part).r, _mm_set1_epi8(15)))};
}
DYADIC_INLINE i32v load_w4_high(const std::uint8_t* w, int part) {
  return {_mm256_cvtepu8_epi16(_mm_and_si128(_mm_srli_epi16(load_bytes(w + 16 * part).r, 4), _mm_set1_epi8(15)))};
}
DYADIC_INLINE i32v dot4(i32v sum, i32v x, i32v w) { return {_mm256_add_epi32(sum.r, _mm256_madd_epi16(x.r, w.r))}; }
DYADIC_INLINE void store_sums(std::int32_t* out, const i32v* sums) {
  for (int half = 0; half < 2; ++half) {
    const __m256i folded = _mm256_hadd_epi32(sums[2 * half].r, sums[2 * half + 1].r);
    store(out + 8 * half, i32v{_mm256_permute4x64_epi64(folded, 0xD8)});  // columns 0 1 4 5 | 2 3 6 7 back in order
  }
}

#include <dyadic/kernels/simd/algorithms.inl.hpp>

struct isa : algorithms {
  static constexpr const char* name = "avx2";
  static bool supported(const cpu_features& cpu) noexcept { return cpu.avx2; }
};

}  // namespace dyadic::inline DYADIC_ABI::simd::avx2
DYADIC_REGION_END
