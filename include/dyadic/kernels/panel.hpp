// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A panel of packed weights: the codes of 16 rows put where kernels want them, and what they add up to.
//
//   panel  [step][16 rows][4 bytes]   a step is 4 codes of 8 bits, or 8 of 4 bits, the first four in the low nibbles;
//                                     steps stand some stride apart, other panels between them
//
// Codes are stored signed: unsigned ones less half their range, a flip of the highest bit. Missing codes are 0.
// Written once, in the compilers' 16-byte vectors, which every processor has: memory is slower than they are.
#pragma once

#include <bit>
#include <cstring>

#include <dyadic/core/checked.hpp>
#include <dyadic/kernels/simd/vocabulary.hpp>

namespace dyadic::inline DYADIC_ABI::kernels {

using u8x16 = std::uint8_t __attribute__((vector_size(16)));
using u16x8 = std::uint16_t __attribute__((vector_size(16)));
using s16x8 = std::int16_t __attribute__((vector_size(16)));
using f32x4 = float __attribute__((vector_size(16)));
using s32x4 = std::int32_t __attribute__((vector_size(16)));
using u32x4 = std::uint32_t __attribute__((vector_size(16)));

template <class V = u8x16>
DYADIC_INLINE V load_vector(const void* p) {
  V v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
template <class V>
DYADIC_INLINE void store_vector(void* p, V v) {
  std::memcpy(p, &v, sizeof v);
}
template <class V>
DYADIC_INLINE V larger(V a, V b) {
  return a > b ? a : b;
}
template <class V>
DYADIC_INLINE V smaller(V a, V b) {
  return a < b ? a : b;
}

/// Codes in memory that somebody else laid out, row after row.
struct code_rows {
  const std::uint8_t* bytes = nullptr;
  index_t stride = 0;  ///< bytes from one row to the next
  bool four_bit = false, is_unsigned = false;

  constexpr index_t step() const noexcept { return four_bit ? 8 : 4; }
  /// What makes four stored bytes of four read.
  constexpr std::uint32_t flip() const noexcept { return !is_unsigned ? 0 : four_bit ? 0x88888888u : 0x80808080u; }
};

/// Eight nibbles 01234567 of 32 bits, in the order 04152637: two swaps of neighbours, of bytes and then of nibbles.
template <class U>
DYADIC_INLINE U interleave(U x) {
  const U middle_bytes = U{} + 0x0000FF00u, middle_nibbles = U{} + 0x00F000F0u;
  U t = (x ^ (x >> 8)) & middle_bytes;
  x ^= t ^ (t << 8);
  t = (x ^ (x >> 4)) & middle_nibbles;
  return x ^ t ^ (t << 4);
}

/// Stores a step of four rows, read as it is and flipped.
template <bool FourBit>
DYADIC_INLINE void store_step(std::uint8_t* to, u32x4 codes) {
  store_vector(to, FourBit ? interleave(codes) : codes);
}

/// The codes [first, first + count) of a row, or as many as a step holds, as one step.
inline std::uint32_t step_of(const code_rows& w, const std::uint8_t* row, index_t first, index_t count) {
  std::uint32_t four = w.flip();
  if (!w.four_bit) {
    std::memcpy(&four, row + first, static_cast<std::size_t>(count < 4 ? count : 4));
    return four ^ w.flip();
  }
  if (first % 2 == 0 && count >= 8) {
    std::memcpy(&four, row + first / 2, 4);
  } else {
    for (index_t i = 0; i < (count < 8 ? count : 8); ++i) {
      const std::uint32_t byte = row[(first + i) / 2], code = (byte >> ((first + i) % 2 * 4)) & 15;
      four ^= (code ^ (w.flip() & 15)) << (4 * i);
    }
  }
  return interleave(four ^ w.flip());
}

/// Four steps of four rows from 16 bytes of each: a transpose of 4 x 4 words.
template <bool FourBit>
DYADIC_INLINE void arrange_four(const code_rows& w, const std::uint8_t* from, std::uint8_t* to, index_t stride) {
  const u32x4 flip = u32x4{} + w.flip();
  const u32x4 a = load_vector<u32x4>(from) ^ flip, b = load_vector<u32x4>(from + w.stride) ^ flip;
  const u32x4 c = load_vector<u32x4>(from + 2 * w.stride) ^ flip, d = load_vector<u32x4>(from + 3 * w.stride) ^ flip;
  const u32x4 ab = __builtin_shufflevector(a, b, 0, 4, 1, 5), cd = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const u32x4 AB = __builtin_shufflevector(a, b, 2, 6, 3, 7), CD = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store_step<FourBit>(to, __builtin_shufflevector(ab, cd, 0, 1, 4, 5));
  store_step<FourBit>(to + stride, __builtin_shufflevector(ab, cd, 2, 3, 6, 7));
  store_step<FourBit>(to + 2 * stride, __builtin_shufflevector(AB, CD, 0, 1, 4, 5));
  store_step<FourBit>(to + 3 * stride, __builtin_shufflevector(AB, CD, 2, 3, 6, 7));
}

/// The codes [first, first + count) of `rows` <= 16 rows from `row` on, as steps of a panel that stand `stride` bytes
/// apart.
inline void arrange_rows(const code_rows& w, index_t row, int rows, index_t first, index_t count, std::uint8_t* panel,
                         index_t stride) {
  const index_t steps = blocks_of(count, w.step());
  const index_t whole = w.four_bit && first % 2 != 0 ? 0 : count / w.step();  // those that are four bytes as they are
  // In pieces of some cache lines a row: 16 rows whose distance is a power of two share few sets of the first cache.
  for (index_t piece = 0; piece < steps; piece += 64) {
    const index_t end = steps - piece < 64 ? steps : piece + 64;
    for (int r = 0; r < 16; r += 4) {
      const std::uint8_t* from = w.bytes + (row + r) * w.stride;
      index_t s = piece;
      if (rows >= r + 4)
        for (; s + 4 <= (whole < end ? whole : end); s += 4) {
          std::uint8_t* to = panel + s * stride + 4 * r;
          if (w.four_bit)
            arrange_four<true>(w, from + first / 2 + 4 * s, to, stride);
          else
            arrange_four<false>(w, from + first + 4 * s, to, stride);
        }
      for (; s < end; ++s)
        for (int i = 0; i < 4; ++i) {
          const index_t at = s * w.step();
          const std::uint32_t step = r + i < rows ? step_of(w, from + i * w.stride, first + at, count - at) : 0;
          std::memcpy(panel + s * stride + 4 * (r + i), &step, sizeof step);
        }
    }
  }
}

/// The bytes of two vectors in turn: of their first halves, and of their last.
DYADIC_INLINE u8x16 zip_low(u8x16 a, u8x16 b) {
  return __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
DYADIC_INLINE u8x16 zip_high(u8x16 a, u8x16 b) {
  return __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/// One step from a transposed source of 8-bit codes: four of its rows from `row` on and 16 of its columns from `column`
/// on, of which `count` and `columns` are there.
inline void arrange_columns(const code_rows& w, index_t column, int columns, index_t row, index_t count,
                            std::uint8_t* step) {
  const auto flip = std::bit_cast<u8x16>(u32x4{} + w.flip());
  u8x16 rows[4];
  for (int i = 0; i < 4; ++i) {
    const std::uint8_t* from = w.bytes + (row + i) * w.stride + column;
    rows[i] = flip;
    if (i < count && columns == 16)
      rows[i] = load_vector(from);
    else if (i < count)
      std::memcpy(&rows[i], from, static_cast<std::size_t>(columns));
    rows[i] ^= flip;
  }
  const u8x16 low_even = zip_low(rows[0], rows[2]), low_odd = zip_low(rows[1], rows[3]);
  const u8x16 high_even = zip_high(rows[0], rows[2]), high_odd = zip_high(rows[1], rows[3]);
  store_vector(step, zip_low(low_even, low_odd));
  store_vector(step + 16, zip_high(low_even, low_odd));
  store_vector(step + 32, zip_low(high_even, high_odd));
  store_vector(step + 48, zip_high(high_even, high_odd));
}

/// What the stored codes of a panel add up to, four rows a vector; codes and zero points count from the lowest code.
struct panel_totals {
  u32x4 sums[4] = {};        ///< of the codes
  u32x4 magnitudes[4] = {};  ///< of |code - zero point|
};

/// The smallest and the largest sum of two codes that stand side by side, 8-bit ones counted from -128.
struct pair_range {
  s16x8 low = s16x8{} + std::int16_t{256}, high = low;

  /// Whether 255 * max(sum of positive, -sum of negative) <= 32767 for every pair: vpmaddubsw cannot saturate. That is
  /// |a + b| <= 128, for codes of different signs hold both anyway.
  bool fit() const noexcept {
    bool all = true;
    for (int i = 0; i < 8; ++i) all = all && low[i] >= 256 - 128 && high[i] <= 256 + 128;
    return all;
  }
};

/// The two halves of each lane, added.
DYADIC_INLINE u16x8 add_pairs(u8x16 v) {
  const auto pairs = std::bit_cast<u16x8>(v);
  return (pairs & (u16x8{} + std::uint16_t{255})) + (pairs >> 8);
}
DYADIC_INLINE u32x4 add_pairs(u16x8 v) {
  const auto pairs = std::bit_cast<u32x4>(v);
  return (pairs & (u32x4{} + 0xFFFFu)) + (pairs >> 16);
}
DYADIC_INLINE u8x16 distance(u8x16 a, u8x16 b) { return larger(a, b) - smaller(a, b); }

/// Adds at most 128 steps of four rows up: a pair of 8-bit codes gives at most 128 * 510 in its 16 bits, two pairs of
/// 4-bit ones 128 * 60.
template <bool FourBit>
DYADIC_INLINE void add_up(const std::uint8_t* rows, index_t stride, index_t steps, u8x16 zero, u32x4& sum,
                          u32x4& magnitude, pair_range& range) {
  const u8x16 flip = u8x16{} + std::uint8_t{FourBit ? 0x88 : 0x80}, nibble = u8x16{} + std::uint8_t{15};
  u16x8 sums{}, magnitudes{};
  for (index_t s = 0; s < steps; ++s) {
    const u8x16 codes = load_vector(rows + s * stride) ^ flip;
    if constexpr (FourBit) {
      const u8x16 a = codes & nibble, b = codes >> 4;
      sums += add_pairs(a + b);
      magnitudes += add_pairs(distance(a, zero) + distance(b, zero));
    } else {
      const u16x8 pairs = add_pairs(codes);
      range.low = smaller(range.low, std::bit_cast<s16x8>(pairs));
      range.high = larger(range.high, std::bit_cast<s16x8>(pairs));
      sums += pairs;
      magnitudes += add_pairs(distance(codes, zero));
    }
  }
  sum += add_pairs(sums);
  magnitude += add_pairs(magnitudes);
}

/// The totals of `steps` steps of a panel, `stride` bytes apart. zeros: the zero points of its rows, each four times.
template <bool FourBit>
panel_totals totals_of(const std::uint8_t* panel, index_t stride, index_t steps, const u8x16* zeros,
                       pair_range& range) {
  panel_totals totals;
  pair_range pairs = range;
  for (index_t s = 0; s < steps; s += 128)
    for (int q = 0; q < 4; ++q)
      add_up<FourBit>(panel + s * stride + 16 * q, stride, steps - s < 128 ? steps - s : 128, zeros[q], totals.sums[q],
                      totals.magnitudes[q], pairs);
  range = pairs;
  return totals;
}

}  // namespace dyadic::inline DYADIC_ABI::kernels
