// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Extents and bins of contiguous numbers; included inside the regions of operators.hpp.

/// Widens [*least, *greatest] to the numbers of x up to the first block that holds an infinity or a NaN, and returns
/// how many that were: all n, or a multiple of four registers; fewer than a register are left to the caller.
inline index_t extent_run(const float* x, index_t n, float* least, float* greatest) {
  constexpr index_t step = 4 * lanes, block = 64 * step;
  const f32v zero = set1(0.0f);
  f32v lo[4], hi[4];
  for (int r = 0; r < 4; ++r) lo[r] = set1(*least), hi[r] = set1(*greatest);
  index_t i = 0;
  while (i + step <= n) {
    const index_t end = i + smaller(block, (n - i) / step * step);
    f32v low[4], high[4], strange[4];
    DYADIC_UNROLL
    for (int r = 0; r < 4; ++r) low[r] = lo[r], high[r] = hi[r], strange[r] = zero;
    for (index_t j = i; j < end; j += step) {
      DYADIC_UNROLL
      for (int r = 0; r < 4; ++r) {
        const f32v v = load(x + j + r * lanes);
        low[r] = min(v, low[r]);
        high[r] = max(v, high[r]);
        strange[r] = fma(v, zero, strange[r]);  // stays 0 until the first infinity or NaN makes it NaN
      }
    }
    if (any_nan(add(add(strange[0], strange[1]), add(strange[2], strange[3])))) break;
    DYADIC_UNROLL
    for (int r = 0; r < 4; ++r) lo[r] = low[r], hi[r] = high[r];
    i = end;
  }
  const bool all = n - i < step;
  if (all && n >= lanes) {
    // The last registers may overlap: a number seen twice changes nothing.
    f32v low = lo[0], high = hi[0], strange = zero;
    for (index_t j = i; j < n; j += lanes) {
      const f32v v = load(x + smaller(j, n - lanes));
      low = min(v, low);
      high = max(v, high);
      strange = fma(v, zero, strange);
    }
    if (!any_nan(strange)) lo[0] = low, hi[0] = high, i = n;
  }
  *least = least_of(min(min(lo[0], lo[1]), min(lo[2], lo[3])));
  *greatest = greatest_of(max(max(hi[0], hi[1]), max(hi[2], hi[3])));
  return i;
}

/// bins[i] = floor(x[i] / width) - first, or false when a number is infinite or NaN. width is a power of two, per_width
/// its reciprocal, both normal. The product is exact unless it is subnormal, and then cut is 0 as it should be; cut *
/// width, a multiple of the smallest float, always is: so the comparison finds every number below its cut.
inline bool bins_run(const float* x, index_t n, float width, float per_width, std::int32_t first, std::int32_t* bins) {
  const f32v up = set1(per_width), back = set1(width), zero = set1(0.0f);
  const i32v start = set1(first);
  f32v strange = zero;
  for (index_t i = 0; i < n; i += lanes) {
    const bool whole = n - i >= lanes;
    const f32v v = whole ? load(x + i) : load_part(x + i, n - i);
    strange = fma(v, zero, strange);
    const i32v cut = truncate(mul(v, up));
    const i32v bin = sub(sub(cut, less(v, mul(to_float(cut), back))), start);
    if (whole)
      store(bins + i, bin);
    else
      store_part(bins + i, bin, n - i);
  }
  return !any_nan(strange);
}

/// bins[i] = the bin of x[i] among s.count equal ones of [s.lo, s.hi], by torch's rule or that of its version 1, and
/// s.count where x[i] lies outside; or false when a number is infinite or NaN. s.lo < s.hi. What overflows is in the
/// last bin.
inline bool equal_bins_run(const float* x, index_t n, const equal_bins& s, std::int32_t* bins) {
  const f32v lo = set1(s.lo), hi = set1(s.hi), size = set1(s.size), zero = set1(0.0f);
  const f32v count = set1(static_cast<float>(s.count)), last = set1(static_cast<float>(s.count - 1));
  const i32v none = set1(s.count);
  f32v strange = zero;
  for (index_t i = 0; i < n; i += lanes) {
    const bool whole = n - i >= lanes;
    const f32v v = whole ? load(x + i) : load_part(x + i, n - i);
    strange = fma(v, zero, strange);
    const f32v from_lo = sub(v, lo);
    const f32v at = s.divided_first ? mul(div(from_lo, size), count) : div(mul(from_lo, count), size);
    const i32v bin = where_zero(add(less(v, lo), less(hi, v)), truncate(min(max(at, zero), last)), none);
    if (whole)
      store(bins + i, bin);
    else
      store_part(bins + i, bin, n - i);
  }
  return !any_nan(strange);
}

struct statistics {
  static index_t extent(const float* x, index_t n, float* least, float* greatest) {
    return extent_run(x, n, least, greatest);
  }
  static bool bins(const float* x, index_t n, float width, float per_width, std::int32_t first, std::int32_t* bins) {
    return bins_run(x, n, width, per_width, first, bins);
  }
  static bool equal(const float* x, index_t n, const equal_bins& s, std::int32_t* bins) {
    return equal_bins_run(x, n, s, bins);
  }
};
