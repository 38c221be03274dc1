// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The epilogues: a tile of sums in L1 becomes sums, reals or codes of y.

/// Where a tile stands in y, and what its sums still lack.
struct tile_place {
  index_t row, column;      ///< of its first element
  int rows, columns;        ///< as far as y goes
  int stride;               ///< elements from one row of the tile to the next
  index_t group;            ///< of the weights
  const std::int32_t* x_sums;  ///< sums of the prepared codes of each row and group; used when weights have zero points
};

DYADIC_INLINE f32v load_part(const float* p, int n) {
  float part[lanes] = {};
  for (int i = 0; i < lanes && i < n; ++i) part[i] = p[i];
  return load(part);
}

/// The zero-point terms of row i, columns [j, j + lanes), all modulo 2^32: the proof made at pack time bounds the result.
/// sum (x - zx)(w - zw) = sum x w - zw sum x - zx sum (w - zw), x counted as prepared (less x_offset).
DYADIC_INLINE i32v exact_sum(const gemm_call& g, const tile_place& t, const std::int32_t* tile, int i, int j) {
  const index_t at = t.group * g.w.padded_n() + t.column + j;
  const epilogue_view& e = g.out;
  const std::int32_t own = e.x_zero_points != nullptr ? e.x_zero_points[(t.row + i) / e.rows_a_param] : 0;
  const std::int32_t zero = own + e.x_zero_base - x_offset;
  i32v s = sub(load(tile + i * t.stride + j), mul(set1(zero), load(g.w.sums + at)));
  if (g.w.zero_points != nullptr)
    s = sub(s, mul(load(g.w.zero_points + at), set1(t.x_sums[i * g.w.groups + t.group])));
  return s;
}

/// total += scale * sum of one group: called in increasing group order, one fma a group, which is the definition.
inline void add_group(const gemm_call& g, const tile_place& t, const std::int32_t* tile, float* total) {
  for (int j = 0; j < t.stride; j += lanes) {
    const f32v scale = load(g.w.scales + t.group * g.w.padded_n() + t.column + j);
    for (int i = 0; i < t.rows; ++i) {
      float* at = total + i * t.stride + j;
      store(at, fma(to_float(exact_sum(g, t, tile, i, j)), scale, load(at)));
    }
  }
}

/// Stores n <= lanes numbers with the column stride of y.
template <class T>
inline void scatter(const T* from, T* to, int n, index_t stride) {
  for (int i = 0; i < n; ++i) to[i * stride] = from[i];
}

DYADIC_INLINE void put(const epilogue_view& e, std::int32_t* y, i32v v, int n) {
  if (n >= lanes && e.y_col_stride == 1) return store(y, v);
  std::int32_t all[lanes];
  store(all, v);
  scatter(all, y, n < lanes ? n : lanes, e.y_col_stride);
}
DYADIC_INLINE void put(const epilogue_view& e, float* y, f32v v, int n) {
  if (n >= lanes && e.y_col_stride == 1) return store(y, v);
  float all[lanes];
  store(all, v);
  scatter(all, y, n < lanes ? n : lanes, e.y_col_stride);
}
DYADIC_INLINE void put(const epilogue_view& e, std::uint8_t* y, f32v v, int n) {
  const i32v code = add(round_int(v), set1(e.zero_point));
  if (n >= lanes && e.y_col_stride == 1) return store_low_bytes(y, code);
  std::uint8_t all[lanes];
  store_low_bytes(all, code);
  scatter(all, y, n < lanes ? n : lanes, e.y_col_stride);
}

/// Sums to int32.
inline void finish_sums(const gemm_call& g, const tile_place& t, const std::int32_t* tile) {
  const epilogue_view& e = g.out;
  for (int j = 0; j < t.columns; j += lanes) {
    const i32v bias = e.bias_codes != nullptr ? load(e.bias_codes + t.column + j) : set1(std::int32_t{0});
    for (int i = 0; i < t.rows; ++i) {
      std::int32_t* y =
          static_cast<std::int32_t*>(e.y) + (t.row + i) * e.y_row_stride + (t.column + j) * e.y_col_stride;
      put(e, y, add(exact_sum(g, t, tile, i, j), bias), t.columns - j);
    }
  }
}

DYADIC_INLINE f32v real_of(const gemm_call& g, const tile_place& t, const std::int32_t* tile, i32v bias, int i, int j) {
  return to_float(add(exact_sum(g, t, tile, i, j), bias));
}
DYADIC_INLINE f32v real_of(const gemm_call&, const tile_place& t, const float* tile, i32v, int i, int j) {
  return load(tile + i * t.stride + j);
}

/// Sums (int32, or float when groups or float weights made them so) to float or to codes, as T says.
template <class T, class Sum>
inline void finish_reals(const gemm_call& g, const tile_place& t, const Sum* tile) {
  const epilogue_view& e = g.out;
  const f32v low = set1(e.low), high = set1(e.high);
  for (int j = 0; j < t.columns; j += lanes) {
    const index_t column = t.column + j;
    const int left = t.columns - j;
    const i32v bias_codes = e.bias_codes != nullptr ? load(e.bias_codes + column) : set1(std::int32_t{0});
    const f32v multiplier = e.multipliers != nullptr ? load(e.multipliers + column) : set1(1.0f);
    const f32v bias = e.bias == nullptr ? set1(0.0f) : left >= lanes ? load(e.bias + column) : load_part(e.bias + column, left);
    for (int i = 0; i < t.rows; ++i) {
      const float scale = e.x_scales != nullptr ? e.x_scales[(t.row + i) / e.rows_a_param] : 1.0f;
      const f32v real = real_of(g, t, tile, bias_codes, i, j);
      f32v f = fma(real, mul(multiplier, set1(scale)), bias);
      // Only sums over groups can be NaN, when infinities of both signs meet; it becomes the zero point.
      if constexpr (std::is_same_v<T, std::uint8_t> && std::is_same_v<Sum, float>) f = zero_if_nan(f);
      f = min(high, max(low, f));  // in this order a NaN stays NaN
      put(e, static_cast<T*>(e.y) + (t.row + i) * e.y_row_stride + column * e.y_col_stride, f, left);
    }
  }
}

template <class Sum>
inline void finish(const gemm_call& g, const tile_place& t, const Sum* tile) {
  if (g.out.to == output::codes) return finish_reals<std::uint8_t>(g, t, tile);
  finish_reals<float>(g, t, tile);
}
