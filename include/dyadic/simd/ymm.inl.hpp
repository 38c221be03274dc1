// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The 256-bit vocabulary that avx2 and avx_vnni share; included inside their regions.

inline constexpr int lanes = 8;
inline constexpr bool rounds_at_once = true;  // floats to integers, in one instruction
struct f32v {
  __m256 r;
};
struct i32v {
  __m256i r;
};

DYADIC_INLINE f32v load(const float* p) { return {_mm256_loadu_ps(p)}; }
DYADIC_INLINE void store(float* p, f32v v) { _mm256_storeu_ps(p, v.r); }
DYADIC_INLINE f32v set1(float x) { return {_mm256_set1_ps(x)}; }
DYADIC_INLINE f32v add(f32v a, f32v b) { return {_mm256_add_ps(a.r, b.r)}; }
DYADIC_INLINE f32v sub(f32v a, f32v b) { return {_mm256_sub_ps(a.r, b.r)}; }
DYADIC_INLINE f32v fma(f32v a, f32v b, f32v c) { return {_mm256_fmadd_ps(a.r, b.r, c.r)}; }
DYADIC_INLINE f32v mul(f32v a, f32v b) { return {_mm256_mul_ps(a.r, b.r)}; }
DYADIC_INLINE f32v div(f32v a, f32v b) { return {_mm256_div_ps(a.r, b.r)}; }
DYADIC_INLINE f32v max(f32v a, f32v b) { return {_mm256_max_ps(a.r, b.r)}; }
DYADIC_INLINE f32v min(f32v a, f32v b) { return {_mm256_min_ps(a.r, b.r)}; }
DYADIC_INLINE f32v zero_unless_finite(f32v a) {
  return {_mm256_and_ps(a.r, _mm256_cmp_ps(_mm256_sub_ps(a.r, a.r), _mm256_setzero_ps(), _CMP_EQ_OQ))};
}
DYADIC_INLINE f32v zero_if_nan(f32v a) { return {_mm256_and_ps(a.r, _mm256_cmp_ps(a.r, a.r, _CMP_ORD_Q))}; }

DYADIC_INLINE f32v magnitude(f32v a) {
  return {_mm256_and_ps(a.r, _mm256_castsi256_ps(_mm256_set1_epi32(0x7FFFFFFF)))};
}
/// The least of all lanes, none of which is NaN.
DYADIC_INLINE float least_of(f32v a) {
  __m128 half = _mm_min_ps(_mm256_castps256_ps128(a.r), _mm256_extractf128_ps(a.r, 1));
  half = _mm_min_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_min_ss(half, _mm_movehdup_ps(half)));
}
/// The greatest of all lanes, none of which is NaN.
DYADIC_INLINE float greatest_of(f32v a) {
  __m128 half = _mm_max_ps(_mm256_castps256_ps128(a.r), _mm256_extractf128_ps(a.r, 1));
  half = _mm_max_ps(half, _mm_movehl_ps(half, half));
  return _mm_cvtss_f32(_mm_max_ss(half, _mm_movehdup_ps(half)));
}
DYADIC_INLINE bool any_nan(f32v a) { return _mm256_movemask_ps(_mm256_cmp_ps(a.r, a.r, _CMP_UNORD_Q)) != 0; }
/// A product that no compiler may fuse with what follows.
DYADIC_INLINE f32v apart(f32v v) {
  __asm__("" : "+x"(v.r));
  return v;
}
DYADIC_INLINE void stream(float* p, f32v v) { _mm256_stream_ps(p, v.r); }

DYADIC_INLINE i32v load(const std::int32_t* p) { return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))}; }
DYADIC_INLINE void store(std::int32_t* p, i32v v) { _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), v.r); }
DYADIC_INLINE i32v set1(std::int32_t x) { return {_mm256_set1_epi32(x)}; }
/// A copy in a register of its own. g++ 12 lets sums that start alike share one, and then moves them about in the loop.
DYADIC_INLINE i32v apart(i32v v) {
  __asm__("" : "+x"(v.r));
  return v;
}
DYADIC_INLINE i32v add(i32v a, i32v b) { return {_mm256_add_epi32(a.r, b.r)}; }
DYADIC_INLINE i32v sub(i32v a, i32v b) { return {_mm256_sub_epi32(a.r, b.r)}; }
DYADIC_INLINE i32v mul(i32v a, i32v b) { return {_mm256_mullo_epi32(a.r, b.r)}; }
template <int Bits>
DYADIC_INLINE i32v shift_left(i32v a) {
  return {_mm256_slli_epi32(a.r, Bits)};
}
template <int Bits>
DYADIC_INLINE i32v shift_right(i32v a) {
  return {_mm256_srai_epi32(a.r, Bits)};
}
/// (x * m + 2^(s - 1)) >> s with s in [31, 62] and m in [0, 2^31): below 2^31 in magnitude.
DYADIC_INLINE __m256i multiply_shift_even(__m256i x, __m256i m, __m256i s) {
  // There is no arithmetic shift of 64 bits: the sum is made positive before, by 2^62, which is taken off again.
  const __m256i one = _mm256_set1_epi64x(1), lift = _mm256_set1_epi64x(std::int64_t{1} << 62);
  const __m256i count = _mm256_and_si256(s, _mm256_set1_epi64x(0xFFFFFFFF));
  const __m256i sum = _mm256_add_epi64(_mm256_mul_epi32(x, m), _mm256_sllv_epi64(one, _mm256_sub_epi64(count, one)));
  return _mm256_sub_epi64(_mm256_srlv_epi64(_mm256_add_epi64(sum, lift), count), _mm256_srlv_epi64(lift, count));
}
DYADIC_INLINE i32v multiply_shift(i32v x, i32v m, i32v s) {
  const __m256i odd = multiply_shift_even(_mm256_srli_epi64(x.r, 32), _mm256_srli_epi64(m.r, 32),
                                          _mm256_srli_epi64(s.r, 32));
  return {_mm256_blend_epi32(multiply_shift_even(x.r, m.r, s.r), _mm256_slli_epi64(odd, 32), 0xAA)};
}
/// a >> n, n in [0, 31].
DYADIC_INLINE i32v shift_right(i32v a, i32v n) { return {_mm256_srav_epi32(a.r, n.r)}; }
/// a where n is 0, b elsewhere.
DYADIC_INLINE i32v where_zero(i32v n, i32v a, i32v b) {
  return {_mm256_blendv_epi8(b.r, a.r, _mm256_cmpeq_epi32(n.r, _mm256_setzero_si256()))};
}
DYADIC_INLINE f32v where_zero(i32v n, f32v a, f32v b) {
  return {_mm256_blendv_ps(b.r, a.r, _mm256_castsi256_ps(_mm256_cmpeq_epi32(n.r, _mm256_setzero_si256())))};
}
DYADIC_INLINE i32v bits_of(f32v a) { return {_mm256_castps_si256(a.r)}; }
DYADIC_INLINE i32v max_u32(i32v a, i32v b) { return {_mm256_max_epu32(a.r, b.r)}; }
DYADIC_INLINE bool any_above_u32(i32v a, i32v limit) {
  return _mm256_movemask_epi8(_mm256_cmpeq_epi32(_mm256_max_epu32(a.r, limit.r), limit.r)) != -1;
}
DYADIC_INLINE f32v to_float(i32v a) { return {_mm256_cvtepi32_ps(a.r)}; }
DYADIC_INLINE i32v round_int(f32v a) {
  return {_mm256_cvttps_epi32(_mm256_round_ps(a.r, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC))};
}
/// The same for any float: what no int32 holds, and NaN, becomes -2^31, which is beyond every code.
DYADIC_INLINE i32v round_any(f32v a) { return round_int(a); }
/// Towards zero, inside int32.
DYADIC_INLINE i32v truncate(f32v a) { return {_mm256_cvttps_epi32(a.r)}; }
/// 1 where a < b, 0 elsewhere.
DYADIC_INLINE i32v less(f32v a, f32v b) {
  return {_mm256_srli_epi32(_mm256_castps_si256(_mm256_cmp_ps(a.r, b.r, _CMP_LT_OQ)), 31)};
}
DYADIC_INLINE i32v bytes_to_int(const std::uint8_t* p) {
  return {_mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))};
}
DYADIC_INLINE i32v signed_bytes_to_int(const std::uint8_t* p) {
  return {_mm256_cvtepi8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)))};
}
DYADIC_INLINE i32v words_to_int(const std::uint8_t* p) {
  return {_mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
DYADIC_INLINE i32v signed_words_to_int(const std::uint8_t* p) {
  return {_mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
DYADIC_INLINE void store_low_words(std::uint8_t* p, i32v v) {
  const __m256i low = _mm256_and_si256(v.r, _mm256_set1_epi32(0xFFFF));
  const __m128i words = _mm_packus_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), words);
}
/// Four registers of numbers in [0, 255] as bytes, `offset` added to each modulo 256.
DYADIC_INLINE void store_four_bytes(std::uint8_t* p, const i32v (&v)[4], int offset) {
  const __m256i first = _mm256_packus_epi32(v[0].r, v[1].r), last = _mm256_packus_epi32(v[2].r, v[3].r);
  const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
  const __m256i bytes = _mm256_permutevar8x32_epi32(_mm256_packus_epi16(first, last), order);
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p),
                      _mm256_add_epi8(bytes, _mm256_set1_epi8(static_cast<char>(offset))));
}
DYADIC_INLINE void store_low_bytes(std::uint8_t* p, i32v v) {
  const __m256i pick = _mm256_set1_epi32(0x0C080400);  // byte 0 of each lane, gathered in every 32-bit word
  const __m256i low = _mm256_shuffle_epi8(v.r, pick);
  const __m128i both = _mm_unpacklo_epi32(_mm256_castsi256_si128(low), _mm256_extracti128_si256(low, 1));
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), both);
}

#include <dyadic/simd/xmm.inl.hpp>

#include <dyadic/simd/parts.inl.hpp>
