// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The epilogues: a tile of exact sums in L1 becomes sums, reals or codes of y.

/// Where a tile stands in y.
struct tile_place {
  index_t row, column;  ///< of its first element
  int rows, columns;    ///< as far as y goes
  int stride;           ///< elements from one row of the tile to the next
  const float* scales;  ///< of x, one a row `scale_step` apart; null stands for ones
  index_t scale_step;
};

template <class X>
DYADIC_INLINE tile_place place_of(const gemm_call& g, const X& x, index_t row, index_t i, index_t column, int rows,
                                  int columns, int stride) {
  const bool a_row = g.x_groups == 1;  // otherwise the totals have the scales of x in them
  return {row + i, column, rows, columns, stride, a_row ? x.scales(i) : nullptr, a_row && !x.scales_alike() ? 1 : 0};
}

/// Stores n <= lanes numbers with the column stride of y.
template <class T, class V>
DYADIC_INLINE void put_part(T* y, V v, int n, index_t stride) {
  if (stride == 1) return store_part(y, v, n);
  T all[lanes];
  store(all, v);
  for (int i = 0; i < n && i < lanes; ++i) y[i * stride] = all[i];
}
DYADIC_INLINE void put_part(std::uint8_t* y, i32v v, int n, index_t stride) {
  if (stride == 1) return store_low_part(y, v, n);
  std::uint8_t all[lanes];
  store_low_bytes(all, v);
  for (int i = 0; i < n && i < lanes; ++i) y[i * stride] = all[i];
}

/// Sums to int32: tiles that could not be stored to y at once.
DYADIC_NOINLINE void finish_sums(const gemm_call& g, const tile_place& place, const std::int32_t* tile) {
  const tile_place t = place;
  auto* y = static_cast<std::int32_t*>(g.out.y) + t.row * g.out.y_row_stride + t.column * g.out.y_col_stride;
  for (int i = 0; i < t.rows; ++i, y += g.out.y_row_stride)
    for (int j = 0; j < t.columns; j += lanes)
      put_part(y + j * g.out.y_col_stride, load(tile + i * t.stride + j), t.columns - j, g.out.y_col_stride);
}

DYADIC_INLINE f32v real_of(const std::int32_t* sum) { return to_float(load(sum)); }
DYADIC_INLINE f32v real_of(const float* sum) { return load(sum); }

/// Reals of one row in Count registers: sums by the scales of their columns and of the row, and the bias.
template <int Count, class T, class Sum>
DYADIC_INLINE void reals_of_row(f32v (&f)[length(Count)], const Sum* from, const f32v (&multiplier)[length(Count)],
                                f32v scale, const f32v (&bias)[length(Count)]) {
  DYADIC_UNROLL
  for (int c = 0; c < Count; ++c) {
    f[c] = fma(real_of(from + c * lanes), mul(multiplier[c], scale), bias[c]);
    // Only sums over groups can be NaN, when infinities of both signs meet; as a code it becomes the zero point.
    if constexpr (std::is_same_v<T, std::uint8_t> && std::is_same_v<Sum, float>) f[c] = zero_if_nan(f[c]);
  }
}

/// Count registers of columns, from column j of the tile on, to float or to codes, as T says.
template <int Count, class T, class Sum>
DYADIC_INLINE void finish_columns(const epilogue_view& e, const tile_place& t, const Sum* tile, int j) {
  constexpr bool to_codes = std::is_same_v<T, std::uint8_t>;
  const index_t column = t.column + j;
  const int left = t.columns - j;
  const code_form form(e);
  const f32v low = set1(e.low), high = set1(e.high);
  f32v multiplier[length(Count)], bias[length(Count)], f[length(Count)];
  DYADIC_UNROLL
  for (int c = 0; c < Count; ++c) {
    const int rest = left - c * lanes;
    multiplier[c] = e.multipliers != nullptr ? load(e.multipliers + column + c * lanes) : set1(1.0f);
    bias[c] = e.bias == nullptr || rest <= 0 ? set1(0.0f)
              : rest >= lanes                ? load(e.bias + column + c * lanes)
                                             : load_part(e.bias + column + c * lanes, rest);
  }
  const float one = 1.0f, *scale = t.scales != nullptr ? t.scales : &one;
  const index_t scale_step = t.scale_step, y_step = e.y_row_stride, step = t.stride;
  T* y = static_cast<T*>(e.y) + t.row * y_step + column * e.y_col_stride;
  const Sum* from = tile + j;
  if (left >= Count * lanes && e.y_col_stride == 1) {
    for (int i = t.rows; i > 0; --i, y += y_step, from += step, scale += scale_step) {
      reals_of_row<Count, T>(f, from, multiplier, set1(*scale), bias);
      if constexpr (to_codes && Count == 4) {
        store_four_codes(y, f, form);
      } else {
        DYADIC_UNROLL
        for (int c = 0; c < Count; ++c) {
          if constexpr (to_codes)
            store_low_bytes(y + c * lanes, form.code(f[c]));
          else
            store(y + c * lanes, min(high, max(low, f[c])));  // in this order a NaN stays NaN
        }
      }
    }
    return;
  }
  for (int i = t.rows; i > 0; --i, y += y_step, from += step, scale += scale_step) {
    reals_of_row<Count, T>(f, from, multiplier, set1(*scale), bias);
    for (int c = 0; c < Count && c * lanes < left; ++c) {
      if constexpr (to_codes)
        put_part(y + c * lanes * e.y_col_stride, form.code(f[c]), left - c * lanes, e.y_col_stride);
      else
        put_part(y + c * lanes * e.y_col_stride, min(high, max(low, f[c])), left - c * lanes, e.y_col_stride);
    }
  }
}

/// Sums (int32, or float when groups or float weights made them so) to float or to codes, as T says.
template <class T, class Sum>
DYADIC_NOINLINE void finish_reals(const gemm_call& g, const tile_place& place, const Sum* tile) {
  const epilogue_view e = g.out;  // copies: bytes written to y cannot change them
  const tile_place t = place;
  int j = 0;
  if constexpr (columns_at_once == 1 && panel_registers == 1)
    for (; t.stride - j >= 4 * lanes; j += 4 * lanes) finish_columns<4, T>(e, t, tile, j);
  for (; j < t.columns; j += columns_at_once * lanes) finish_columns<columns_at_once, T>(e, t, tile, j);
}

DYADIC_INLINE void finish(const gemm_call& g, const tile_place& t, const std::int32_t* tile) {
  if (g.out.to == output::sums) return finish_sums(g, t, tile);
  if (g.out.to == output::codes) return finish_reals<std::uint8_t>(g, t, tile);
  finish_reals<float>(g, t, tile);
}
DYADIC_INLINE void finish(const gemm_call& g, const tile_place& t, const float* tile) {
  if (g.out.to == output::codes) return finish_reals<std::uint8_t>(g, t, tile);
  finish_reals<float>(g, t, tile);
}
