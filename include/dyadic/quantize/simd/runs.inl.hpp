// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reals to codes and back for numbers that share one scale; included inside the regions of operators.hpp.
//
// Four registers of numbers at a time take a quick way that gives the right code of almost every number, and says of
// which four it may not: then they go the exact way, which follows the definition in scalar.hpp step by step.
//
// The quick way multiplies by the reciprocal also where the definition divides. With u = x / scale, both rounded to
// float, |x * (1 / scale) - u| <= |u| * 1.5 * 2^-23, less than 2^-13 for |u| < 512, and codes of 8 bits end at 256. So
// where the product is not within 2^-13 of a tie, it rounds as the quotient does. A zero point added before rounding
// adds two roundings of at most 2^-15: there the margin is 2^-12.

/// One register of `step` for the quick way; Number: float, or int32 for sums, whose units are sum * scale. The
/// distance to the nearest integer is compared as bits: NaN is far.
template <profile P, bool Wide, class Number>
struct quick_step {
  static constexpr bool after = P.zero_point == zero_point_added::after_rounding;
  static constexpr bool divides = P.units == scaling::divide && std::is_same_v<Number, float>;
  static constexpr bool estimates = divides && !Wide;  ///< 16-bit codes reach 2^16, where the margin would be 2^-6
  static constexpr bool minds_ties = estimates || P.ties != rounding::half_even;
  static constexpr float farthest = !estimates ? 0x1.fffffep-2f : after ? 0.5f - 0x1p-13f : 0.5f - 0x1p-12f;

  f32v scale, reciprocal, zero;
  i32v bias, span, far;

  explicit DYADIC_INLINE quick_step(const step& s)
      : scale(set1(s.scale)),
        reciprocal(set1(std::is_same_v<Number, float> ? 1.0f / s.scale : s.scale)),
        zero(set1(static_cast<float>(s.zero_point))),
        bias(set1((after ? s.zero_point : 0) - s.qmin)),
        span(set1(s.qmax - s.qmin)),
        far(bits_of(set1(farthest))) {}

  static DYADIC_INLINE f32v reals(f32v x) { return x; }
  static DYADIC_INLINE f32v reals(i32v x) { return to_float(x); }
  DYADIC_INLINE f32v units(f32v x) const {
    f32v u = divides && Wide ? div(x, scale) : mul(x, reciprocal);
    if constexpr (!after) u = add(apart(u), zero);
    return u;
  }
};

/// Codes less qmin of four registers of numbers in units of the scale, by definition. `units` are those of quantize_one
/// before a zero point is added.
template <profile P>
DYADIC_NOINLINE void exact_codes(float* units, const step& s, std::int32_t* codes, clip_count& clipped) {
  constexpr int n = 4 * lanes;
  constexpr bool after = P.zero_point == zero_point_added::after_rounding;
  constexpr float magic = 0x1.8p23f;  // added to a float below 2^22 it leaves the nearest integer in the low bits
  const std::int32_t shift = after ? s.zero_point : 0, lo = s.qmin - shift, hi = s.qmax - shift;
  const float below = static_cast<float>(lo - 1), above = static_cast<float>(hi + 1);
  const float zero = after ? 0.0f : static_cast<float>(s.zero_point);
  if constexpr (!after)
    for (int t = 0; t < n; ++t) units[t] += zero;
  std::int32_t nans = 0, lows = 0, highs = 0;
  for (int t = 0; t < n; ++t) {
    float u = units[t];
    nans += u != u ? 1 : 0;
    u = u == u ? u : zero;
    u = u > below ? u : below;  // one step outside the codes, so that every tie and every overshoot stays visible
    u = u < above ? u : above;
    const float moved = u + magic;
    std::int32_t k = __builtin_bit_cast(std::int32_t, moved) - __builtin_bit_cast(std::int32_t, magic);
    if constexpr (P.ties != rounding::half_even) {
      const float rest = u - (moved - magic);  // exact; half a unit only at a tie
      const std::int32_t up = rest == 0.5f ? 1 : 0, down = rest == -0.5f ? 1 : 0, positive = u > 0.0f ? 1 : 0;
      k += P.ties == rounding::half_away ? (up & positive) - (down & ~positive) : up;
    }
    lows += k < lo ? 1 : 0;
    highs += k > hi ? 1 : 0;
    k = k < lo ? lo : k;
    k = k > hi ? hi : k;
    codes[t] = k - lo;
  }
  clipped.nan += nans, clipped.low += lows, clipped.high += highs;
}

/// Codes less qmin of numbers, a register or four at once.
template <profile P, bool Wide, class Number = float>
class coder {
 public:
  DYADIC_INLINE coder(const step& s, clip_count& clipped) : step_(s), quick_(s), clipped_(clipped) {}

  template <std::size_t Registers>
  DYADIC_INLINE void codes(const Number* x, i32v (&k)[Registers]) const {
    if constexpr (!rounds_at_once) return exact(x, static_cast<int>(Registers), k);
    i32v worst = set1(std::int32_t{0}), farthest = worst;
    DYADIC_UNROLL
    for (int r = 0; r < static_cast<int>(Registers); ++r) {
      const f32v u = quick_.units(quick::reals(load(x + r * lanes)));
      const i32v whole = round_any(u);
      k[r] = add(whole, quick_.bias);
      worst = max_u32(worst, k[r]);
      if constexpr (quick::minds_ties) farthest = max_u32(farthest, bits_of(magnitude(sub(u, to_float(whole)))));
    }
    if (any_above_u32(worst, quick_.span) || (quick::minds_ties && any_above_u32(farthest, quick_.far)))
      exact(x, static_cast<int>(Registers), k);
  }

 private:
  using quick = quick_step<P, Wide, Number>;

  DYADIC_NOINLINE void exact(const Number* x, int registers, i32v* k) const {
    alignas(64) float units[4 * lanes] = {};  // the missing ones are real zeros, which are inside every range
    alignas(64) std::int32_t codes[4 * lanes];
    for (int r = 0; r < registers; ++r) {
      const f32v v = quick::reals(load(x + r * lanes));
      store(units + r * lanes, quick::divides ? div(v, quick_.scale) : mul(v, quick_.reciprocal));
    }
    exact_codes<P>(units, step_, codes, clipped_);
    for (int r = 0; r < registers; ++r) k[r] = load(codes + r * lanes);
  }

  const step& step_;
  const quick quick_;
  clip_count& clipped_;
};

/// The last numbers of a run, fewer than a register: the rest of `all` stays zero.
template <class Number>
DYADIC_INLINE const Number* padded(const Number* x, index_t n, Number (&all)[lanes]) {
  for (index_t t = 0; t < n; ++t) all[t] = x[t];
  return all;
}

/// Codes of up to 8 bits, a byte each.
template <profile P, class Number>
inline void byte_codes_run(const Number* x, index_t n, const step& s, std::uint8_t* y, clip_count& clipped) {
  const coder<P, false, Number> c(s, clipped);
  const i32v lowest = set1(s.qmin);
  index_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    i32v k[4];
    c.codes(x + i, k);
    store_four_bytes(y + i, k, s.qmin);
  }
  i32v k[1];
  for (; i + lanes <= n; i += lanes) {
    c.codes(x + i, k);
    store_low_bytes(y + i, add(k[0], lowest));
  }
  if (i == n) return;
  Number all[lanes] = {};
  c.codes(padded(x + i, n - i, all), k);
  store_low_part(y + i, add(k[0], lowest), n - i);
}

/// Codes of 16 bits, two bytes each.
template <profile P>
inline void word_codes_run(const float* x, index_t n, const step& s, std::uint8_t* y, clip_count& clipped) {
  const coder<P, true> c(s, clipped);
  const i32v lowest = set1(s.qmin);
  index_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    i32v k[4];
    c.codes(x + i, k);
    DYADIC_UNROLL
    for (int r = 0; r < 4; ++r) store_low_words(y + 2 * (i + r * lanes), add(k[r], lowest));
  }
  i32v k[1];
  for (; i < n; i += lanes) {
    float all[lanes] = {};
    std::uint8_t words[2 * lanes];
    const bool whole = n - i >= lanes;
    c.codes(whole ? x + i : padded(x + i, n - i, all), k);
    store_low_words(whole ? y + 2 * i : words, add(k[0], lowest));
    for (index_t t = 0; !whole && t < 2 * (n - i); ++t) y[2 * i + t] = words[t];
  }
}

/// Codes of 4 bits, two a byte, in groups of an even number that have a scale each; of an odd number in the last one the
/// last high nibble is 0.
template <profile P>
inline void nibble_group_codes_run(const float* x, index_t n, index_t group, const steps& s, std::uint8_t* y,
                                   clip_count& clipped) {
  std::uint8_t codes[most_nibbles];
  for (index_t i = 0, all = 0; i < n; i += all) {
    all = smaller(nibbles_from(i, group), n - i);
    for (index_t t = 0, g = i / group; t < all; t += group, ++g)
      byte_codes_run<P>(x + i + t, smaller(group, all - t), step_of(s, g), codes + t, clipped);
    for (index_t t = all; t % 16 != 0; ++t) codes[t] = 0;
    pack_codes(codes, all, 4, y + i / 2);
  }
}

/// The same with one scale for all.
template <profile P>
inline void nibble_codes_run(const float* x, index_t n, const step& s, std::uint8_t* y, clip_count& clipped) {
  if (n > 0) nibble_group_codes_run<P>(x, n, n + n % 2, {&s.scale, &s.zero_point, 0, s.qmin, s.qmax}, y, clipped);
}

/// Numbers as their codes' reals.
template <profile P, bool Wide>
inline void fake_run(const float* x, index_t n, const step& s, float* y, clip_count& clipped) {
  const coder<P, Wide> c(s, clipped);
  const f32v scale = set1(s.scale);
  const i32v from_zero = set1(s.qmin - s.zero_point);
  index_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    i32v k[4];
    c.codes(x + i, k);
    DYADIC_UNROLL
    for (int r = 0; r < 4; ++r) store(y + i + r * lanes, mul(to_float(add(k[r], from_zero)), scale));
  }
  i32v k[1];
  for (; i < n; i += lanes) {
    float all[lanes] = {};
    const bool whole = n - i >= lanes;
    c.codes(whole ? x + i : padded(x + i, n - i, all), k);
    const f32v real = mul(to_float(add(k[0], from_zero)), scale);
    if (whole)
      store(y + i, real);
    else
      store_part(y + i, real, n - i);
  }
}

/// One scale a number: codes of up to 8 bits in a byte each, of 16 in two. Whole registers go the quick way that
/// divides; one that holds something else, and the rest, go number by number.
template <profile P, bool Wide>
inline void each_codes_run(const float* x, index_t n, const steps& s, std::uint8_t* y, clip_count& clipped) {
  constexpr bool after = P.zero_point == zero_point_added::after_rounding;
  constexpr index_t size = Wide ? 2 : 1;
  const i32v span = set1(s.qmax - s.qmin), lowest = set1(s.qmin), far = bits_of(set1(0x1.fffffep-2f));
  const f32v one = set1(1.0f);
  index_t i = 0;
  for (; i < n; i += lanes) {
    const index_t here = smaller(lanes, n - i);
    if (rounds_at_once && here == lanes) {
      const i32v zero = s.zero_points != nullptr ? load(s.zero_points + i) : set1(s.zero_point);
      const f32v scale = load(s.scales + i), v = load(x + i);
      f32v u = P.units == scaling::divide ? div(v, scale) : mul(v, div(one, scale));
      if constexpr (!after) u = add(apart(u), to_float(zero));
      const i32v whole = round_any(u), biased = sub(after ? add(whole, zero) : whole, lowest);
      const bool tie = P.ties != rounding::half_even && any_above_u32(bits_of(magnitude(sub(u, to_float(whole)))), far);
      if (!any_above_u32(biased, span) && !tie) {
        if constexpr (Wide)
          store_low_words(y + 2 * i, add(biased, lowest));
        else
          store_low_bytes(y + i, add(biased, lowest));
        continue;
      }
    }
    for (index_t t = i; t < i + here; ++t) {
      const std::int32_t zero = s.zero_points != nullptr ? s.zero_points[t] : s.zero_point;
      const int code = quantize_one<P>(x[t], s.scales[t], zero, s.qmin, s.qmax);
      const int wider = quantize_one<P>(x[t], s.scales[t], zero, s.qmin - 1, s.qmax + 1);
      clipped.nan += x[t] != x[t] ? 1 : 0;
      clipped.low += wider < s.qmin ? 1 : 0;
      clipped.high += wider > s.qmax ? 1 : 0;
      __builtin_memcpy(y + size * t, &code, static_cast<std::size_t>(size));
    }
  }
}
