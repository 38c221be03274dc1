// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The searches of quantize/blocks/search.hpp for many parts at once, a part a lane, and the step through the trellis of
// q4 for all scales of a sub-block, a scale a lane; included inside the regions of operators.hpp. A lane goes through
// the operations of the definition in their order, so it gives the same bits: what runs side by side here are whole
// searches, never the terms of a sum.

/// Length numbers of some parts: register i holds number i of each; of parts that are not there, zeros.
template <std::size_t Length>
struct side_by_side {
  f32v number[Length];

  DYADIC_INLINE side_by_side(const float* first, std::size_t parts) {
    for (std::size_t i = 0; i < Length; ++i) {
      float some[lanes] = {};
      for (std::size_t p = 0; p < parts; ++p) some[p] = first[p * Length + i];
      number[i] = load(some);
    }
  }
};

/// The nearest whole number in [low, high], as a float; a tie goes to the even one, NaN to 0.
DYADIC_INLINE f32v nearest_code(f32v units, f32v low, f32v high) {
  return to_float(round_int(max(min(zero_if_nan(units), high), low)));
}
/// 1 where both are, and 0 elsewhere.
DYADIC_INLINE i32v both(i32v a, i32v b) { return where_zero(a, a, b); }

/// Writes part by part what the lanes hold.
template <std::size_t Length>
inline void put_codes(const f32v (&code)[Length], std::size_t parts, std::int32_t* codes) {
  for (std::size_t i = 0; i < Length; ++i) {
    std::int32_t some[lanes];
    store(some, truncate(code[i]));
    for (std::size_t p = 0; p < parts; ++p) codes[p * Length + i] = some[p];
  }
}
inline void put_numbers(f32v number, std::size_t parts, float* numbers) {
  float some[lanes];
  store(some, number);
  for (std::size_t p = 0; p < parts; ++p) numbers[p] = some[p];
}

/// fit_signed of parts; weights of as many numbers, or null.
template <std::size_t Length>
inline void fit_signed_parts(const float* x, const float* weights, std::size_t parts, int most, float* scales,
                             std::int32_t* codes) {
  const f32v zero = set1(0.0f), span = set1(static_cast<float>(most));
  const f32v low = sub(zero, span), high = sub(span, set1(1.0f));
  for (std::size_t first = 0; first < parts; first += lanes) {
    const std::size_t here = parts - first < lanes ? parts - first : lanes;
    const side_by_side<Length> v(x + first * Length, here);
    const side_by_side<Length> given(weights != nullptr ? weights + first * Length : x + first * Length, here);
    f32v w[Length], wx[Length], code[Length], extreme = zero;
    for (std::size_t i = 0; i < Length; ++i) {
      const f32v n = v.number[i];
      extreme = where_zero(less(magnitude(extreme), magnitude(n)), extreme, n);
      w[i] = weights != nullptr ? given.number[i] : apart(mul(n, n));
      wx[i] = apart(mul(w[i], n));
      code[i] = zero;
    }

    f32v scale = zero, best = zero;
    for (int k = 0; k < 19; ++k) {
      const int step = k == 0 ? 0 : k < 10 ? k - 10 : k - 9;  // 0, -9 to -1, 1 to 9
      const f32v steps = add(span, apart(mul(set1(0.1f), set1(static_cast<float>(step)))));
      const f32v inverse = div(sub(zero, steps), extreme);
      f32v tried[Length], xl = zero, l2 = zero;
      for (std::size_t i = 0; i < Length; ++i) {
        tried[i] = nearest_code(apart(mul(inverse, v.number[i])), low, high);
        xl = add(xl, apart(mul(wx[i], tried[i])));
        l2 = add(l2, apart(mul(apart(mul(w[i], tried[i])), tried[i])));
      }
      const i32v better = both(less(zero, l2), less(apart(mul(best, l2)), apart(mul(xl, xl))));
      const i32v take = k == 0 ? set1(1) : better;
      const i32v nonzero = add(less(zero, l2), less(l2, zero));
      const f32v fitted = where_zero(nonzero, zero, div(xl, l2));
      scale = where_zero(take, scale, fitted);
      best = where_zero(take, best, apart(mul(fitted, xl)));
      for (std::size_t i = 0; i < Length; ++i) code[i] = where_zero(take, code[i], tried[i]);
    }

    // Of a part of zeros the codes are 0, of others they begin with 0 for -most.
    const i32v none = less(magnitude(extreme), set1(1e-15f));
    for (std::size_t i = 0; i < Length; ++i) code[i] = where_zero(none, add(code[i], span), zero);
    put_codes<Length>(code, here, codes + first * Length);
    put_numbers(where_zero(none, scale, zero), here, scales + first);
  }
}

/// fit_affine of parts.
template <std::size_t Length>
inline void fit_affine_parts(const float* x, const float* weights, std::size_t parts, int most,
                             const affine_search& search, float* scales, float* minima, std::int32_t* codes) {
  const f32v zero = set1(0.0f), span = set1(static_cast<float>(most));
  for (std::size_t first = 0; first < parts; first += lanes) {
    const std::size_t here = parts - first < lanes ? parts - first : lanes;
    const side_by_side<Length> v(x + first * Length, here), w(weights + first * Length, here);
    f32v low = v.number[0], high = low, sum_w = w.number[0], sum_x = apart(mul(sum_w, low));
    for (std::size_t i = 1; i < Length; ++i) {
      low = min(v.number[i], low);
      high = max(v.number[i], high);
      sum_w = add(sum_w, w.number[i]);
      sum_x = add(sum_x, apart(mul(w.number[i], v.number[i])));
    }
    low = where_zero(less(zero, low), low, zero);

    // Of equal numbers the inverse is infinite, the scale 0, no code a number, and nothing that is tried counts.
    const f32v inverse = div(span, sub(high, low));
    f32v code[Length], scale = div(set1(1.0f), inverse), minimum = low, best = zero;
    for (std::size_t i = 0; i < Length; ++i) {
      code[i] = nearest_code(apart(mul(inverse, sub(v.number[i], low))), zero, span);
      const f32v difference = sub(add(apart(mul(scale, code[i])), minimum), v.number[i]);
      best = add(best, apart(mul(w.number[i], apart(mul(difference, difference)))));
    }
    for (int k = 0; k <= search.steps; ++k) {
      const f32v moved = add(set1(search.first), apart(mul(set1(search.step), set1(static_cast<float>(k)))));
      const f32v units = div(add(moved, span), sub(high, minimum));
      f32v tried[Length], sum_l = zero, sum_l2 = zero, sum_xl = zero;
      for (std::size_t i = 0; i < Length; ++i) {
        tried[i] = nearest_code(apart(mul(units, sub(v.number[i], minimum))), zero, span);
        const f32v wl = apart(mul(w.number[i], tried[i]));
        sum_l = add(sum_l, wl);
        sum_l2 = add(sum_l2, apart(mul(wl, tried[i])));
        sum_xl = add(sum_xl, apart(mul(wl, v.number[i])));
      }
      const f32v determinant = sub(apart(mul(sum_w, sum_l2)), apart(mul(sum_l, sum_l)));
      f32v tried_scale = div(sub(apart(mul(sum_w, sum_xl)), apart(mul(sum_x, sum_l))), determinant);
      f32v tried_minimum = div(sub(apart(mul(sum_l2, sum_x)), apart(mul(sum_l, sum_xl))), determinant);
      const i32v above = less(zero, tried_minimum);
      tried_scale = where_zero(above, tried_scale, div(sum_xl, sum_l2));
      tried_minimum = where_zero(above, tried_minimum, zero);
      f32v error = zero;
      for (std::size_t i = 0; i < Length; ++i) {
        const f32v difference = sub(add(apart(mul(tried_scale, tried[i])), tried_minimum), v.number[i]);
        error = add(error, apart(mul(w.number[i], apart(mul(difference, difference)))));
      }
      const i32v take = both(less(zero, determinant), less(error, best));
      best = where_zero(take, best, error);
      scale = where_zero(take, scale, tried_scale);
      minimum = where_zero(take, minimum, tried_minimum);
      for (std::size_t i = 0; i < Length; ++i) code[i] = where_zero(take, code[i], tried[i]);
    }

    put_codes<Length>(code, here, codes + first * Length);
    put_numbers(scale, here, scales + first);
    put_numbers(minimum, here, minima + first);
  }
}

/// Carries the least costs of the states of q4_trellis.hpp through the numbers of a sub-block, once for each step.
/// \param cost     of each state, before.
/// \param carried  [states][16], the cost of each state afterwards, by the nibble of the step.
/// \param from     [sub_length][16], by the nibble of the step: bit s is set where state s was reached from the upper
///                 one of its two predecessors, s / 2 + states / 2; of equal costs the lower one counts.
inline void carry_steps(const float* x, const float* weights, const float* cost, float* carried, std::uint8_t* from) {
  namespace trellis = dyadic::detail::q4_trellis;
  constexpr int states = trellis::states;
  for (int first = 0; first < 16; first += lanes) {
    float factors[lanes], steps[lanes];
    std::int32_t nibbles[lanes];
    for (int lane = 0; lane < lanes; ++lane) {
      nibbles[lane] = first + lane;
      steps[lane] = nibbles[lane] == 0 ? 1.0f : static_cast<float>(trellis::step_of(nibbles[lane]));
      factors[lane] = trellis::level_units / steps[lane];
    }
    const f32v factor = load(factors), step = load(steps);
    const i32v nibble = load(nibbles);
    f32v path[states];
    for (int s = 0; s < states; ++s) path[s] = set1(cost[s]);
    for (int t = 0; t < trellis::sub_length; ++t) {
      const f32v u = apart(mul(set1(x[t]), factor)), weight = set1(weights[t]);
      f32v paid[4];
      for (int j = 0; j < 4; ++j) {
        const float* level = trellis::subsets[j].level;
        f32v distance = magnitude(sub(u, set1(level[0])));
        DYADIC_UNROLL
        for (int i = 1; i < 8; ++i) distance = min(magnitude(sub(u, set1(level[i]))), distance);
        distance = where_zero(nibble, magnitude(u), distance);  // step 0: every level is zero
        const f32v error = mul(distance, step);
        paid[j] = apart(mul(mul(error, error), weight));
      }
      f32v after[states];
      i32v chosen = set1(std::int32_t{0});
      DYADIC_UNROLL
      for (int s = states - 1; s >= 0; --s) {
        const int low = s / 2, high = low + states / 2, bit = s % 2;
        const f32v by_low = add(path[low], paid[trellis::subset(low, bit)]);
        const f32v by_high = add(path[high], paid[trellis::subset(high, bit)]);
        const i32v better = less(by_high, by_low);
        after[s] = where_zero(better, by_low, by_high);
        chosen = add(add(chosen, chosen), better);
      }
      for (int s = 0; s < states; ++s) path[s] = after[s];
      store_low_bytes(from + 16 * t + first, chosen);
    }
    for (int s = 0; s < states; ++s) store(carried + 16 * s + first, path[s]);
  }
}
