// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Segments: runs of at most 64 numbers of a row that share one scale, on which all of quantize/ works.
//
// A segment is loaded from any layout into a small array, treated there in loops of a constant length, and stored. This
// is the only form of the arithmetic besides quantize_one, to which it is equal.
#pragma once

#include <bit>

#include <dyadic/calibrate/runs.hpp>
#include <dyadic/quantize/quantized.hpp>
#include <dyadic/quantize/scalar.hpp>

namespace dyadic::inline DYADIC_ABI::detail {

inline constexpr index_t segment_length = 64;

/// Calls visit(i, j, n) for the segments (i, j) .. (i, j + n - 1) of a (rows, cols) matrix whose rows fall into groups.
/// Down the columns first when that is how x lies in memory.
template <class T, class Visit>
void for_each_segment(const scheme& s, const strided<T>& x, Visit&& visit) {
  const index_t rows = x.rows(), cols = x.cols();
  const index_t group = s.per == granularity::per_group ? s.group : cols;
  const auto length_at = [=](index_t j) {
    const index_t left = group - j % group;
    return left < segment_length ? left : segment_length;
  };
  const auto size = [](index_t stride) { return stride < 0 ? -stride : stride; };
  if (size(x.row_stride()) < size(x.col_stride())) {
    for (index_t j = 0; j < cols; j += length_at(j))
      for (index_t i = 0; i < rows; ++i) visit(i, j, length_at(j));
  } else {
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < cols; j += length_at(j)) visit(i, j, length_at(j));
  }
}

/// n <= 64 numbers of row i from column j on; zeros fill the rest.
inline void load_segment(float* x, const strided<const float>& from, index_t i, index_t j, index_t n) noexcept {
  const float* first = from.row(i) + j * from.col_stride();
  if (from.col_stride() == 1) {
    std::memcpy(x, first, static_cast<std::size_t>(n) * sizeof(float));
  } else {
    for (index_t t = 0; t < n; ++t) x[t] = first[t * from.col_stride()];
  }
  for (index_t t = n; t < segment_length; ++t) x[t] = 0.0f;
}

/// Codes of 64 numbers, equal to quantize_one of each; counts what was NaN or saturated.
///
/// Adding 1.5 * 2^23 rounds a float of magnitude below 2^22 to the nearest integer, ties to even, and leaves that
/// integer in the low bits. Clamping to one step outside the codes first keeps every tie and every overshoot visible.
template <profile P>
void quantize_segment(const float* x, float scale, int zero_point, int qmin, int qmax, std::int32_t* codes,
                      clip_count& clipped) noexcept {
  constexpr bool after = P.zero_point == zero_point_added::after_rounding;
  float units[segment_length];
  if constexpr (P.units == scaling::divide) {
    for (index_t t = 0; t < segment_length; ++t) units[t] = x[t] / scale;
  } else {
    const float reciprocal = 1.0f / scale;
    for (index_t t = 0; t < segment_length; ++t) units[t] = x[t] * reciprocal;
    opaque_array(units);
  }
  if constexpr (!after) {
    for (index_t t = 0; t < segment_length; ++t) units[t] += static_cast<float>(zero_point);
  }

  constexpr float magic = 0x1.8p23f;
  const std::int32_t shift = after ? zero_point : 0, lo = qmin - shift, hi = qmax - shift;
  const auto below = static_cast<float>(lo - 1), above = static_cast<float>(hi + 1);
  const float nan_units = after ? 0.0f : static_cast<float>(zero_point);
  std::int32_t nans = 0, lows = 0, highs = 0;
  for (index_t t = 0; t < segment_length; ++t) {
    float u = units[t];
    nans += u != u ? 1 : 0;
    u = u == u ? u : nan_units;
    u = u > below ? u : below;
    u = u < above ? u : above;
    const float moved = u + magic;
    std::int32_t k = std::bit_cast<std::int32_t>(moved) - std::bit_cast<std::int32_t>(magic);
    if constexpr (P.ties != rounding::half_even) {
      const float rest = u - (moved - magic);  // exact; half a unit only at a tie
      const std::int32_t up = rest == 0.5f ? 1 : 0, down = rest == -0.5f ? 1 : 0, positive = u > 0.0f ? 1 : 0;
      k += P.ties == rounding::half_away ? (up & positive) - (down & ~positive) : up;
    }
    lows += k < lo ? 1 : 0;
    highs += k > hi ? 1 : 0;
    k = k < lo ? lo : k;
    k = k > hi ? hi : k;
    codes[t] = k + shift;
  }
  clipped.nan += nans, clipped.low += lows, clipped.high += highs;
}

/// Reals of 64 codes, equal to dequantize_one of each.
inline void dequantize_segment(const std::int32_t* codes, float scale, int zero_point, float* x) noexcept {
  for (index_t t = 0; t < segment_length; ++t) x[t] = scale * static_cast<float>(codes[t] - zero_point);
}

/// Codes j .. j + n - 1 of a row that starts at `row`. Of an odd number of 4-bit codes the last byte's high nibble
/// becomes 0.
template <scheme S>
void store_codes(std::uint8_t* row, index_t j, const std::int32_t* codes, index_t n) noexcept {
  if constexpr (S.two_per_byte()) {
    index_t t = 0;
    if (j % 2 != 0 && n > 0) store4(row, j, codes[t++]);
    std::uint8_t* out = row + (j + t) / 2;
    for (; t + 2 <= n; t += 2) *out++ = pack_u4(codes[t], codes[t + 1]);
    if (t < n) *out = pack_u4(codes[t], 0);
  } else {
    code_of<S> narrow[segment_length];
    for (index_t t = 0; t < segment_length; ++t) narrow[t] = static_cast<code_of<S>>(codes[t]);
    constexpr auto size = static_cast<index_t>(sizeof(code_of<S>));
    std::memcpy(row + j * size, narrow, static_cast<std::size_t>(n * size));
  }
}

/// The reverse; codes beyond n are left as they are.
template <scheme S>
void load_codes(const std::uint8_t* row, index_t j, std::int32_t* codes, index_t n) noexcept {
  for (index_t t = 0; t < n; ++t) codes[t] = load_code<S>(row, j + t);
}

}  // namespace dyadic::inline DYADIC_ABI::detail
