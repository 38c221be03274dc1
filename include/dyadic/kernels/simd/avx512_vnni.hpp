// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The instruction set avx512_vnni: 512-bit registers, one vpdpbusd a panel and quad.
//
//   dot4        vpdpbusd zmm        u8 x s8, sums of four products added to int32 without saturation
//   round_int   vcvtps2dq           rounds as the guarded environment says
//   low_bytes   vpmovdb             truncates 16 lanes to 16 bytes
#pragma once

#include <immintrin.h>

#include <dyadic/kernels/simd/vocabulary.hpp>

DYADIC_REGION_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c")
namespace dyadic::inline DYADIC_ABI::simd::avx512_vnni {

inline constexpr int lanes = 16;
inline constexpr int real_registers = 24;  // that hold sums of floats in a tile
inline constexpr int columns_at_once = 1;  // registers of columns that an epilogue finishes together

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
DYADIC_INLINE f32v to_float(i32v a) { return {_mm512_maskz_cvtepi32_ps(every, a.r)}; }
// Rounds as the environment says, which dispatch has set to nearest even. (The form with the mode in the instruction
// warns falsely in g++ 12, unmasked when optimising and masked when not.)
DYADIC_INLINE i32v round_int(f32v a) { return {_mm512_maskz_cvtps_epi32(every, a.r)}; }
DYADIC_INLINE i32v bytes_to_int(const std::uint8_t* p) {
  return {_mm512_maskz_cvtepu8_epi32(every, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
}
DYADIC_INLINE void store_low_bytes(std::uint8_t* p, i32v v) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm512_maskz_cvtepi32_epi8(every, v.r));
}

#include <dyadic/kernels/simd/xmm.inl.hpp>

#include <dyadic/kernels/simd/sums.inl.hpp>

/// The signed 4 bits from bit Bit on of each lane: a table of sixteen floats, whose index ignores the bits above.
template <int Bit>
DYADIC_INLINE f32v real_nibble(i32v v) {
  const __m512 table = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
  return {_mm512_maskz_permutexvar_ps(every, _mm512_maskz_srli_epi32(every, v.r, Bit), table)};
}

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

/// From reals in steps of the output to codes: clamp, round, add the zero point. Four registers at once are clamped
/// from below by saturation: what rounds to less than -2^31 becomes -2^31, which stays below every code on its way to a
/// byte.
struct code_form {
  f32v low, high;
  i32v zero_point;
  __m512i zero_points, lowest;  ///< of 16 and of 8 bits
  bool is_signed;

  explicit DYADIC_INLINE code_form(const epilogue_view& e)
      : low(set1(e.low)),
        high(set1(e.high)),
        zero_point(set1(e.zero_point)),
        zero_points(_mm512_set1_epi16(static_cast<short>(e.zero_point))),
        lowest(_mm512_set1_epi8(static_cast<char>(lowest_code(e)))),
        is_signed(e.is_signed) {}
  DYADIC_INLINE i32v code(f32v real) const { return add(round_int(min(max(real, low), high)), zero_point); }
  /// Reals pass here too, unused: their low may be no integer.
  static DYADIC_INLINE int lowest_code(const epilogue_view& e) {
    return e.to == output::codes ? static_cast<int>(e.low) + e.zero_point : 0;
  }
};
DYADIC_INLINE void store_four_codes(std::uint8_t* p, const f32v (&f)[4], const code_form& form) {
  i32v v[4];
  DYADIC_UNROLL
  for (int i = 0; i < 4; ++i) v[i] = round_int(min(f[i], form.high));
  const __m512i first = _mm512_adds_epi16(_mm512_packs_epi32(v[0].r, v[1].r), form.zero_points);
  const __m512i last = _mm512_adds_epi16(_mm512_packs_epi32(v[2].r, v[3].r), form.zero_points);
  const __m512i codes = form.is_signed ? _mm512_max_epi8(_mm512_packs_epi16(first, last), form.lowest)
                                       : _mm512_max_epu8(_mm512_packus_epi16(first, last), form.lowest);
  const __m512i order = _mm512_setr_epi32(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
  _mm512_storeu_si512(p, _mm512_maskz_permutexvar_epi32(every, order, codes));
}

struct dot : plain_sums {
  using x_code = std::uint8_t;
  static constexpr int x_offset = 0, latency = 8;
  static constexpr int accumulators = 24;     // of 32 registers; 4 hold weights, 1 an activation
  static constexpr int group_registers = 12;  // for sums, and as many for totals
  static constexpr bool unpacks = true;

  static DYADIC_INLINE void store_x(x_code* x, bytev v) { store_bytes(x, v); }
  static DYADIC_INLINE i32v broadcast_quad(const x_code* x) {
    std::int32_t quad;
    __builtin_memcpy(&quad, x, sizeof quad);
    return {_mm512_set1_epi32(quad)};
  }
  static DYADIC_INLINE i32v low_nibbles(__m512i v) {
    const __m512i table = _mm512_set4_epi32(-0x00010204, -0x04050608, 0x07060504, 0x03020100);  // 0 to 7, -8 to -1
    return {_mm512_maskz_shuffle_epi8(~__mmask64{0}, table, _mm512_and_si512(v, _mm512_set1_epi8(15)))};
  }
  static DYADIC_INLINE i32v load_w8(const std::uint8_t* w, int) { return {_mm512_loadu_si512(w)}; }
  static DYADIC_INLINE i32v load_w4_low(const std::uint8_t* w, int) { return low_nibbles(_mm512_loadu_si512(w)); }
  static DYADIC_INLINE i32v load_w4_high(const std::uint8_t* w, int) {
    return low_nibbles(_mm512_srli_epi16(_mm512_loadu_si512(w), 4));
  }
  static DYADIC_INLINE i32v dot4(i32v sum, i32v x, i32v w) { return {_mm512_dpbusd_epi32(sum.r, x.r, w.r)}; }
};

#include <dyadic/kernels/simd/algorithms.inl.hpp>

struct isa : algorithms {
  static constexpr const char* name = "avx512_vnni";
  static bool supported(const cpu_features& cpu) noexcept { return cpu.avx512_vnni; }
};

}  // namespace dyadic::inline DYADIC_ABI::simd::avx512_vnni
DYADIC_REGION_END
