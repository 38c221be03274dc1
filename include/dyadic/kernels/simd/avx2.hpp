// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The products of avx2: exact products through int16, in two ways.
//
//   dot_pairs   vpmaddubsw + vpmaddwd + vpaddd   u8 x s8. The sums of two products saturate at int16: only for panels
//                                                whose weights exclude that (pairs_fit)
//   dot         vpmaddwd + vpaddd                s16 x s16, for all others
//
// For dot, activations are widened to int16 once a block; weights as they are loaded (vpmovsxbw). A register of sums
// holds four columns with two partial sums each, folded when the tile is stored.
#pragma once

#include <dyadic/kernels/simd/vocabulary.hpp>
#include <dyadic/simd/avx2.hpp>

DYADIC_REGION_BEGIN(DYADIC_AVX2)
namespace dyadic::inline DYADIC_ABI::simd::avx2 {

inline constexpr int real_registers = 12;  // that hold sums of floats in a tile
inline constexpr int columns_at_once = 2;  // registers of columns that an epilogue finishes together

#include <dyadic/kernels/simd/sums.inl.hpp>
#include <dyadic/kernels/simd/parts.inl.hpp>
#include <dyadic/kernels/simd/ymm_bytes.inl.hpp>

/// Bytes as they are, where no two neighbours of w of one sign add up to more than 128: 255 * 128 < 2^15 <= 255 * 129.
struct dot_pairs : byte_codes {
  static constexpr int latency = 4;          // only vpaddd waits for a sum
  static constexpr int accumulators = 10;    // of 16 registers; 2 hold weights, 1 an activation, 1 ones, 2 products
  static constexpr int group_registers = 6;  // for sums, and as many for totals
  static constexpr bool unpacks = true;

  static DYADIC_INLINE i32v dot4(i32v sum, i32v x, i32v w) {
    const __m256i pairs = _mm256_maddubs_epi16(x.r, w.r);
    return {_mm256_add_epi32(sum.r, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))};
  }
};

/// Two sums a column: of the products of the first two of every four k, and of the last two.
struct dot {
  using if_pairs_fit = dot_pairs;
  using x_code = std::int16_t;
  using sums = i32v;
  static constexpr int x_offset = 0, sums_a_panel = 4, latency = 4;  // as above
  static constexpr int accumulators = 8;     // of 16 registers; 4 hold weights, 1 an activation, 1 a product
  static constexpr int group_registers = 4;  // for totals, and twice as many for sums
  static constexpr bool unpacks = true;

  static DYADIC_INLINE i32v zero() { return {_mm256_setzero_si256()}; }
  static DYADIC_INLINE i32v plus(i32v a, i32v b) { return add(a, b); }
  static DYADIC_INLINE void load_start(const std::int32_t* from, i32v* sum) {
    const i32v columns[] = {load(from), load(from + 8)};
    spread(columns, sum);
  }
  static DYADIC_INLINE void store_sums(std::int32_t* to, const i32v* sum) {
    i32v columns[2];
    fold(sum, columns);
    store(to, columns[0]);
    store(to + 8, columns[1]);
  }
  static DYADIC_INLINE void spread(const i32v* columns, i32v* sum) {
    DYADIC_UNROLL
    for (int half = 0; half < 2; ++half) {
      sum[2 * half].r = _mm256_cvtepu32_epi64(_mm256_castsi256_si128(columns[half].r));
      sum[2 * half + 1].r = _mm256_cvtepu32_epi64(_mm256_extracti128_si256(columns[half].r, 1));
    }
  }
  static DYADIC_INLINE void fold(const i32v* sum, i32v* columns) {
    DYADIC_UNROLL
    for (int half = 0; half < 2; ++half) {
      const __m256i folded = _mm256_hadd_epi32(sum[2 * half].r, sum[2 * half + 1].r);
      columns[half].r = _mm256_permute4x64_epi64(folded, 0xD8);  // columns 0 1 4 5 | 2 3 6 7 back in order
    }
  }

  static DYADIC_INLINE void store_x(x_code* x, bytev v) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(x), _mm256_cvtepu8_epi16(v.r));
  }
  static DYADIC_INLINE i32v broadcast_quad(const x_code* x) {
    return {_mm256_broadcastq_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(x)))};
  }
  static DYADIC_INLINE i32v load_w8(const std::uint8_t* w, int part) {
    return {_mm256_cvtepi8_epi16(load_bytes(w + 16 * part).r)};
  }
  /// Weights unpacked. g++ 12 would read them from memory again for each row.
  static DYADIC_INLINE i32v load_wide(const std::uint8_t* w, int part) {
    return apart(load(reinterpret_cast<const std::int32_t*>(w) + 8 * part));
  }
  static DYADIC_INLINE i32v dot4(i32v sum, i32v x, i32v w) {
    return {_mm256_add_epi32(sum.r, _mm256_madd_epi16(x.r, w.r))};
  }
};

#include <dyadic/kernels/simd/algorithms.inl.hpp>

}  // namespace dyadic::inline DYADIC_ABI::simd::avx2
DYADIC_REGION_END
