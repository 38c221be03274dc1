// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Sums to codes of up to 8 bits; included inside the regions of operators.hpp.

/// One multiplier a number: sum * scales[i], in units as for reals.
template <profile P>
inline void each_sums_run(const std::int32_t* x, index_t n, const steps& s, std::uint8_t* y, clip_count& clipped) {
  constexpr bool after = P.zero_point == zero_point_added::after_rounding;
  const i32v span = set1(s.qmax - s.qmin), lowest = set1(s.qmin), far = bits_of(set1(0x1.fffffep-2f));
  for (index_t i = 0, here = 0; i < n; i += here) {
    here = smaller(n - i >= 4 * lanes ? 4 * lanes : lanes, n - i);
    if (rounds_at_once && here >= lanes) {
      i32v k[4], worst = set1(std::int32_t{0}), farthest = worst;
      DYADIC_UNROLL
      for (int r = 0; r < 4; ++r) {
        if (r > 0 && here == lanes) break;
        const index_t at = i + r * lanes;
        const i32v zero = s.zero_points != nullptr ? load(s.zero_points + at) : set1(s.zero_point);
        f32v u = mul(to_float(load(x + at)), load(s.scales + at));
        if constexpr (!after) u = add(apart(u), to_float(zero));
        const i32v whole = round_any(u);
        k[r] = sub(after ? add(whole, zero) : whole, lowest);
        worst = max_u32(worst, k[r]);
        if constexpr (P.ties != rounding::half_even)
          farthest = max_u32(farthest, bits_of(magnitude(sub(u, to_float(whole)))));
      }
      if (!any_above_u32(worst, span) && !(P.ties != rounding::half_even && any_above_u32(farthest, far))) {
        if (here > lanes)
          store_four_bytes(y + i, k, s.qmin);
        else
          store_low_bytes(y + i, add(k[0], lowest));
        continue;
      }
    }
    for (index_t t = i; t < i + here; ++t) {
      const std::int32_t zero = s.zero_points != nullptr ? s.zero_points[t] : s.zero_point;
      const int wider = requantize_one<P>(x[t], s.scales[t], zero, s.qmin - 1, s.qmax + 1);
      clipped.low += wider < s.qmin ? 1 : 0;
      clipped.high += wider > s.qmax ? 1 : 0;
      y[t] = static_cast<std::uint8_t>(clamp(wider, s.qmin, s.qmax) & 255);
    }
  }
}

/// A register of multipliers below 1, and sums by them.
template <rescale R>
struct fixed_point {
  i32v mantissa, right, shift;

  DYADIC_INLINE fixed_point(i32v m, i32v exponent) : mantissa(m), right(sub(set1(std::int32_t{0}), exponent)) {
    shift = R == rescale::double_rounding ? set1(31) : add(set1(31), right);
  }
  DYADIC_INLINE i32v apply(i32v x) const {
    const i32v once = multiply_shift(x, mantissa, shift);
    if constexpr (R == rescale::single_rounding) return once;
    // Half away from zero is half up of one less where it is negative. Neither sum overflows: |once| < 2^31 - 1.
    const i32v one = set1(1), less = add(once, shift_right<31>(once));
    const i32v halves = shift_right(less, where_zero(right, right, sub(right, one)));
    return where_zero(right, once, shift_right<1>(add(halves, one)));
  }
};

/// Codes of sums by fixed-point multipliers, one for all or one a number.
template <rescale R>
inline void fixed_sums_run(const std::int32_t* x, index_t n, const fixed_steps& s, std::uint8_t* y,
                           clip_count& clipped) {
  const i32v span = set1(s.qmax - s.qmin), lowest = set1(s.qmin), bias = set1(s.zero_point - s.qmin);
  fixed_point<R> m(set1(s.mantissas[0]), set1(s.exponents[0]));
  for (index_t i = 0; i < n; i += lanes) {
    const index_t here = smaller(lanes, n - i);
    if (s.below_one && here == lanes) {
      if (s.one_each) m = fixed_point<R>(load(s.mantissas + i), load(s.exponents + i));
      const i32v biased = add(m.apply(load(x + i)), bias);
      if (!any_above_u32(biased, span)) {
        store_low_bytes(y + i, add(biased, lowest));
        continue;
      }
    }
    for (index_t t = i; t < i + here; ++t) {
      const index_t at = s.one_each ? t : 0;
      const std::int64_t code =
          std::int64_t{dyadic::apply<R>(multiplier{s.mantissas[at], s.exponents[at]}, x[t])} + s.zero_point;
      clipped.low += code < s.qmin ? 1 : 0;
      clipped.high += code > s.qmax ? 1 : 0;
      y[t] = static_cast<std::uint8_t>(clamp(code, std::int64_t{s.qmin}, std::int64_t{s.qmax}) & 255);
    }
  }
}
