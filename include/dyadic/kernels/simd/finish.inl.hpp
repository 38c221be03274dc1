// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The epilogues: a tile of sums in L1 becomes sums, reals or codes of y.

/// Where a tile stands in y, and what its sums still lack.
struct tile_place {
  index_t row, column;      ///< of its first element
  int rows, columns;        ///< as far as y goes
  int stride;               ///< elements from one row of the tile to the next
  index_t group;            ///< of the weights
  const std::int32_t* x_sums;  ///< sums of the prepared codes of each row and group; used when weights have zero points
  std::int32_t zero[6];        ///< zero point of each row, in prepared codes
  float scale[6];              ///< scale of each row
  bool alike;                  ///< all rows have the zero point and scale of the first
};

DYADIC_INLINE void set_rows(const gemm_call& g, tile_place& t) {
  const epilogue_view& e = g.out;
  t.alike = e.rows_a_param >= g.m;
  for (int i = 0; i < t.rows; ++i) {
    const index_t param = e.rows_a_param >= g.m ? 0 : (t.row + i) / e.rows_a_param;
    t.zero[i] = (e.x_zero_points != nullptr ? e.x_zero_points[param] : 0) + e.x_zero_base - x_offset;
    t.scale[i] = e.x_scales != nullptr ? e.x_scales[param] : 1.0f;
  }
}

DYADIC_INLINE f32v load_part(const float* p, int n) {
  float part[lanes] = {};
  for (int i = 0; i < lanes && i < n; ++i) part[i] = p[i];
  return load(part);
}

/// What a sum lacks, modulo 2^32 (the proof made at pack time bounds the result):
/// sum (x - zx)(w - zw) + bias = sum x w - zw sum x + (bias - zx sum (w - zw)), x counted as prepared (less x_offset).
struct column_terms {
  i32v bias, sums, zero_points, first;  ///< of columns [j, j + lanes); first: bias - zx sum (w - zw) of the first row
  bool have_zero_points;
};
DYADIC_INLINE column_terms terms_of(const gemm_call& g, const tile_place& t, const std::int32_t* bias, int j) {
  const index_t at = t.group * g.w.padded_n() + t.column + j;
  column_terms c;
  c.bias = bias != nullptr ? load(bias + t.column + j) : set1(std::int32_t{0});
  c.sums = load(g.w.sums + at);
  c.have_zero_points = g.w.zero_points != nullptr;
  c.zero_points = c.have_zero_points ? load(g.w.zero_points + at) : c.sums;
  c.first = sub(c.bias, mul(set1(t.zero[0]), c.sums));
  return c;
}
DYADIC_INLINE i32v exact_sum(const gemm_call& g, const tile_place& t, const column_terms& c, i32v sum, int i) {
  const i32v term = t.alike ? c.first : sub(c.bias, mul(set1(t.zero[i]), c.sums));
  if (c.have_zero_points) sum = sub(sum, mul(c.zero_points, set1(t.x_sums[i * g.w.groups + t.group])));
  return add(sum, term);
}

/// total += scale * sum of one group: called in increasing group order, one fma a group, which is the definition.
DYADIC_NOINLINE void add_group(const gemm_call& g, const tile_place& t, const std::int32_t* tile, float* total) {
  for (int j = 0; j < t.stride; j += lanes) {
    const f32v scale = load(g.w.scales + t.group * g.w.padded_n() + t.column + j);
    const column_terms terms = terms_of(g, t, nullptr, j);
    for (int i = 0; i < t.rows; ++i) {
      float* at = total + i * t.stride + j;
      store(at, fma(to_float(exact_sum(g, t, terms, load(tile + i * t.stride + j), i)), scale, load(at)));
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
DYADIC_NOINLINE void finish_sums(const gemm_call& g, const tile_place& place, const std::int32_t* tile) {
  const epilogue_view e = g.out;
  const tile_place t = place;
  for (int j = 0; j < t.columns; j += lanes) {
    const column_terms terms = terms_of(g, t, e.bias_codes, j);
    for (int i = 0; i < t.rows; ++i) {
      std::int32_t* y =
          static_cast<std::int32_t*>(e.y) + (t.row + i) * e.y_row_stride + (t.column + j) * e.y_col_stride;
      put(e, y, exact_sum(g, t, terms, load(tile + i * t.stride + j), i), t.columns - j);
    }
  }
}

/// The real that a sum of either kind is: int32 less its zero-point terms, or a float that is complete already.
struct no_terms {};
DYADIC_INLINE column_terms terms_for(const std::int32_t*, const gemm_call& g, const tile_place& t, int j) {
  return terms_of(g, t, g.out.bias_codes, j);
}
DYADIC_INLINE no_terms terms_for(const float*, const gemm_call&, const tile_place&, int) { return {}; }
DYADIC_INLINE f32v real_of(const gemm_call& g, const tile_place& t, const column_terms& c, i32v sum, int i) {
  return to_float(exact_sum(g, t, c, sum, i));
}
DYADIC_INLINE f32v real_of(const gemm_call&, const tile_place&, no_terms, f32v sum, int) { return sum; }

/// Sums (int32, or float when groups or float weights made them so) to float or to codes, as T says.
template <class T, class Sum>
DYADIC_NOINLINE void finish_reals(const gemm_call& g, const tile_place& place, const Sum* tile) {
  const epilogue_view e = g.out;  // copies: bytes written to y cannot change them
  const tile_place t = place;
  const f32v low = set1(e.low), high = set1(e.high);
  for (int j = 0; j < t.columns; j += lanes) {
    const index_t column = t.column + j;
    const int left = t.columns - j;
    const auto terms = terms_for(tile, g, t, j);
    const f32v multiplier = e.multipliers != nullptr ? load(e.multipliers + column) : set1(1.0f);
    const f32v first = mul(multiplier, set1(t.scale[0]));
    const f32v bias = e.bias == nullptr ? set1(0.0f)
                      : left >= lanes   ? load(e.bias + column)
                                        : load_part(e.bias + column, left);
    for (int i = 0; i < t.rows; ++i) {
      const f32v real = real_of(g, t, terms, load(tile + i * t.stride + j), i);
      const f32v scale = t.alike ? first : mul(multiplier, set1(t.scale[i]));
      f32v f = fma(real, scale, bias);
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
