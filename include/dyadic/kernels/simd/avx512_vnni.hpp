// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The products of avx512_vnni: one vpdpbusd a panel and quad.
//
//   dot4        vpdpbusd zmm        u8 x s8, sums of four products added to int32 without saturation
#pragma once

#include <dyadic/kernels/simd/vocabulary.hpp>
#include <dyadic/simd/avx512_vnni.hpp>

DYADIC_REGION_BEGIN(DYADIC_AVX512_VNNI)
namespace dyadic::inline DYADIC_ABI::simd::avx512_vnni {

inline constexpr int real_registers = 24;  // that hold sums of floats in a tile
inline constexpr int columns_at_once = 1;  // registers of columns that an epilogue finishes together

#include <dyadic/kernels/simd/sums.inl.hpp>

/// The signed 4 bits from bit Bit on of each lane: a table of sixteen floats, whose index ignores the bits above.
template <int Bit>
DYADIC_INLINE f32v real_nibble(i32v v) {
  const __m512 table = _mm512_setr_ps(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
  return {_mm512_maskz_permutexvar_ps(every, _mm512_maskz_srli_epi32(every, v.r, Bit), table)};
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

}  // namespace dyadic::inline DYADIC_ABI::simd::avx512_vnni
DYADIC_REGION_END
