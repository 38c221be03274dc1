// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The registers of avx512_vnni: 512 bits, AVX-512 F, BW, DQ, VL and VNNI.
//
//   round_int   vcvtps2dq           rounds as the guarded environment says
//   low_bytes   vpmovdb             truncates 16 lanes to 16 bytes
#pragma once

#include <immintrin.h>

#include <dyadic/core/config.hpp>
#include <dyadic/simd/cpu.hpp>
#include <dyadic/simd/region.hpp>

DYADIC_REGION_BEGIN(DYADIC_AVX512_VNNI)
namespace dyadic::inline DYADIC_ABI::simd::avx512_vnni {

inline constexpr int lanes = 16;
inline constexpr bool rounds_at_once = true;  // floats to integers, in one instruction

struct f32v {
  __m512 r;
};
struct i32v {
  __m512i r;
};
/// All lanes. g++ 12 warns falsely about the undefined operand inside the unmasked forms of some intrinsics; these
/// forms have none, and compile to the same unmasked instructions.
inline constexpr __mmask16 every = 0xFFFF;

DYADIC_INLINE f32v load(const float* p) { return {_mm512_loadu_ps(p)}; }
DYADIC_INLINE void store(float* p, f32v v) { _mm512_storeu_ps(p, v.r); }
DYADIC_INLINE f32v set1(float x) { return {_mm512_set1_ps(x)}; }
DYADIC_INLINE f32v add(f32v a, f32v b) { return {_mm512_add_ps(a.r, b.r)}; }
DYADIC_INLINE f32v sub(f32v a, f32v b) { return {_mm512_sub_ps(a.r, b.r)}; }
DYADIC_INLINE f32v fma(f32v a, f32v b, f32v c) { return {_mm512_fmadd_ps(a.r, b.r, c.r)}; }
DYADIC_INLINE f32v mul(f32v a, f32v b) { return {_mm512_mul_ps(a.r, b.r)}; }
DYADIC_INLINE f32v div(f32v a, f32v b) { return {_mm512_div_ps(a.r, b.r)}; }
DYADIC_INLINE f32v max(f32v a, f32v b) { return {_mm512_maskz_max_ps(every, a.r, b.r)}; }
DYADIC_INLINE f32v min(f32v a, f32v b) { return {_mm512_maskz_min_ps(every, a.r, b.r)}; }
DYADIC_INLINE f32v zero_unless_finite(f32v a) {
  return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(_mm512_sub_ps(a.r, a.r), _mm512_setzero_ps(), _CMP_EQ_OQ), a.r)};
}
DYADIC_INLINE f32v zero_if_nan(f32v a) { return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(a.r, a.r, _CMP_ORD_Q), a.r)}; }

DYADIC_INLINE f32v magnitude(f32v a) {
  return {_mm512_castsi512_ps(_mm512_and_si512(_mm512_castps_si512(a.r), _mm512_set1_epi32(0x7FFFFFFF)))};
}
/// The least of all lanes, none of which is NaN.
DYADIC_INLINE float least_of(f32v a) {
  const __m256 low = _mm512_maskz_extractf32x8_ps(0xFF, a.r, 0), high = _mm512_maskz_extractf32x8_ps(0xFF, a.r, 1);
  const __m256 both = _mm256_min_ps(low, high);
  __m128 half = _mm_min_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1));
  half = _mm_min_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_min_ss(half, _mm_movehdup_ps(half)));
}
/// The greatest of all lanes, none of which is NaN.
DYADIC_INLINE float greatest_of(f32v a) {
  const __m256 low = _mm512_maskz_extractf32x8_ps(0xFF, a.r, 0), high = _mm512_maskz_extractf32x8_ps(0xFF, a.r, 1);
  const __m256 both = _mm256_max_ps(low, high);
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(both), _mm256_extractf128_ps(both, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}
DYADIC_INLINE bool any_nan(f32v a) { return _mm512_cmp_ps_mask(a.r, a.r, _CMP_UNORD_Q) != 0; }
/// A product that no compiler may fuse with what follows.
DYADIC_INLINE f32v apart(f32v v) {
  __asm__("" : "+v"(v.r));
  return v;
}
DYADIC_INLINE void stream(float* p, f32v v) { _mm512_stream_ps(p, v.r); }

DYADIC_INLINE i32v load(const std::int32_t* p) { return {_mm512_loadu_si512(p)}; }
DYADIC_INLINE void store(std::int32_t* p, i32v v) { _mm512_storeu_si512(p, v.r); }
DYADIC_INLINE i32v set1(std::int32_t x) { return {_mm512_set1_epi32(x)}; }
/// A copy in a register of its own. g++ 12 lets sums that start alike share one, and then moves them about in the loop.
DYADIC_INLINE i32v apart(i32v v) {
  __asm__("" : "+v"(v.r));
  return v;
}
DYADIC_INLINE i32v add(i32v a, i32v b) { return {_mm512_add_epi32(a.r, b.r)}; }
DYADIC_INLINE i32v sub(i32v a, i32v b) { return {_mm512_sub_epi32(a.r, b.r)}; }
DYADIC_INLINE i32v mul(i32v a, i32v b) { return {_mm512_mullo_epi32(a.r, b.r)}; }
template <int Bits>
DYADIC_INLINE i32v shift_left(i32v a) {
  return {_mm512_maskz_slli_epi32(every, a.r, Bits)};
}
template <int Bits>
DYADIC_INLINE i32v shift_right(i32v a) {
  return {_mm512_maskz_srai_epi32(every, a.r, Bits)};
}
/// (x * m + 2^(s - 1)) >> s with s in [31, 62] and m in [0, 2^31): below 2^31 in magnitude.
DYADIC_INLINE i32v multiply_shift(i32v x, i32v m, i32v s) {
  const __m512i one = _mm512_set1_epi64(1), low = _mm512_set1_epi64(0xFFFFFFFF);
  const __m512i s_even = _mm512_and_si512(s.r, low), s_odd = _mm512_maskz_srli_epi64(0xFF, s.r, 32);
  const __m512i even = _mm512_maskz_mul_epi32(0xFF, x.r, m.r);
  const __m512i odd = _mm512_maskz_mul_epi32(0xFF, _mm512_maskz_srli_epi64(0xFF, x.r, 32),
                                             _mm512_maskz_srli_epi64(0xFF, m.r, 32));
  const __m512i half_even = _mm512_maskz_sllv_epi64(0xFF, one, _mm512_sub_epi64(s_even, one));
  const __m512i half_odd = _mm512_maskz_sllv_epi64(0xFF, one, _mm512_sub_epi64(s_odd, one));
  const __m512i from_even = _mm512_maskz_srav_epi64(0xFF, _mm512_add_epi64(even, half_even), s_even);
  const __m512i from_odd = _mm512_maskz_srav_epi64(0xFF, _mm512_add_epi64(odd, half_odd), s_odd);
  return {_mm512_mask_mov_epi32(from_even, 0xAAAA, _mm512_maskz_slli_epi64(0xFF, from_odd, 32))};
}
/// a >> n, n in [0, 31].
DYADIC_INLINE i32v shift_right(i32v a, i32v n) { return {_mm512_maskz_srav_epi32(every, a.r, n.r)}; }
/// a where n is 0, b elsewhere.
DYADIC_INLINE i32v where_zero(i32v n, i32v a, i32v b) {
  return {_mm512_mask_mov_epi32(b.r, _mm512_testn_epi32_mask(n.r, n.r), a.r)};
}
DYADIC_INLINE f32v where_zero(i32v n, f32v a, f32v b) {
  return {_mm512_mask_mov_ps(b.r, _mm512_testn_epi32_mask(n.r, n.r), a.r)};
}
DYADIC_INLINE i32v bits_of(f32v a) { return {_mm512_castps_si512(a.r)}; }
DYADIC_INLINE i32v max_u32(i32v a, i32v b) { return {_mm512_maskz_max_epu32(every, a.r, b.r)}; }
DYADIC_INLINE bool any_above_u32(i32v a, i32v limit) { return _mm512_cmpgt_epu32_mask(a.r, limit.r) != 0; }
DYADIC_INLINE f32v to_float(i32v a) { return {_mm512_maskz_cvtepi32_ps(every, a.r)}; }
// Rounds as the environment says, which dispatch has set to nearest even. (The form with the mode in the instruction
// warns falsely in g++ 12, unmasked when optimising and masked when not.)
DYADIC_INLINE i32v round_int(f32v a) { return {_mm512_maskz_cvtps_epi32(every, a.r)}; }
/// The same for any float: what no int32 holds, and NaN, becomes -2^31, which is beyond every code.
DYADIC_INLINE i32v round_any(f32v a) { return round_int(a); }
/// Towards zero, inside int32.
DYADIC_INLINE i32v truncate(f32v a) { return {_mm512_maskz_cvttps_epi32(every, a.r)}; }
/// 1 where a < b, 0 elsewhere.
DYADIC_INLINE i32v less(f32v a, f32v b) {
  return {_mm512_maskz_set1_epi32(_mm512_cmp_ps_mask(a.r, b.r, _CMP_LT_OQ), 1)};
}
DYADIC_INLINE i32v bytes_to_int(const std::uint8_t* p) {
  return {_mm512_maskz_cvtepu8_epi32(every, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
DYADIC_INLINE i32v signed_bytes_to_int(const std::uint8_t* p) {
  return {_mm512_maskz_cvtepi8_epi32(every, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
DYADIC_INLINE i32v words_to_int(const std::uint8_t* p) {
  return {_mm512_maskz_cvtepu16_epi32(every, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
DYADIC_INLINE i32v signed_words_to_int(const std::uint8_t* p) {
  return {_mm512_maskz_cvtepi16_epi32(every, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
}
DYADIC_INLINE void store_low_words(std::uint8_t* p, i32v v) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_maskz_cvtepi32_epi16(every, v.r));
}
/// Four registers of numbers in [0, 255] as bytes, `offset` added to each modulo 256.
DYADIC_INLINE void store_four_bytes(std::uint8_t* p, const i32v (&v)[4], int offset) {
  const __m512i first = _mm512_packus_epi32(v[0].r, v[1].r), last = _mm512_packus_epi32(v[2].r, v[3].r);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  const __m512i bytes = _mm512_maskz_permutexvar_epi32(every, order, _mm512_packus_epi16(first, last));
  _mm512_storeu_si512(p, _mm512_add_epi8(bytes, _mm512_set1_epi8(static_cast<char>(offset))));
}
DYADIC_INLINE void store_low_bytes(std::uint8_t* p, i32v v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_maskz_cvtepi32_epi8(every, v.r));
}

#include <dyadic/simd/xmm.inl.hpp>

/// The first n lanes.
DYADIC_INLINE __mmask16 first_lanes(index_t n) {
  return n >= lanes ? every : static_cast<__mmask16>((1u << (n > 0 ? n : 0)) - 1);
}
DYADIC_INLINE f32v load_part(const float* p, index_t n) { return {_mm512_maskz_loadu_ps(first_lanes(n), p)}; }
DYADIC_INLINE void store_part(float* p, f32v v, index_t n) { _mm512_mask_storeu_ps(p, first_lanes(n), v.r); }
DYADIC_INLINE void store_part(std::int32_t* p, i32v v, index_t n) { _mm512_mask_storeu_epi32(p, first_lanes(n), v.r); }
DYADIC_INLINE void store_low_part(std::uint8_t* p, i32v v, index_t n) {
  _mm512_mask_cvtepi32_storeu_epi8(p, first_lanes(n), v.r);
}

struct isa {
  static constexpr const char* name = "avx512_vnni";
  static bool supported(const cpu_features& cpu) noexcept { return cpu.avx512_vnni; }
};

}  // namespace dyadic::inline DYADIC_ABI::simd::avx512_vnni
DYADIC_REGION_END
