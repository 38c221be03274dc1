// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How ggml's reference quantizers search for a scale: weighted least squares over a few roundings, in float, in this
// order.
//
// Each function gives the bits of the reference compiled without contraction, which is how a baseline x86-64 build of
// it is: products are rounded before they are added (times), sums run in increasing order. The reference rounds to
// integers by adding 1.5 * 2^23; for the numbers it is meant for that is half to even, and here any other number is
// held to the ends.
//
// Formats of several parts search them side by side on the active instruction set: fit_signed_parts and
// fit_affine_parts give the bits of fit_signed and fit_affine, which are the definition.
#pragma once

#include <dyadic/fixed_point/int4.hpp>
#include <dyadic/quantize/blocks/numbers.hpp>
#include <dyadic/quantize/run.hpp>

namespace dyadic::inline DYADIC_ABI::detail {

inline float times(float a, float b) noexcept { return opaque(a * b); }
inline int nearest(float units, int low, int high) noexcept {
  return round_to_integer<rounding::half_even, int>(units, low, high, 0);
}

/// What is below counts as a block of zeros.
inline constexpr float zero_block = 1e-15f;

/// The scale that fits x = scale * code, -most <= code < most, and codes + most.
///
/// The first guess makes the extreme -most; eighteen others move it by tenths of a code. For each the codes follow from
/// rounding and the scale from the codes; the best of weighted correlations wins.
/// \param weights  of the squared errors; null: x^2.
/// \see ggml-quants.c, make_qx_quants with rmse_type 1.
template <std::size_t N>
float fit_signed(std::span<const float, N> x, int most, const float* weights, int* codes) noexcept {
  const float extreme = extreme_of(x);
  if (magnitude(extreme) < zero_block) {
    for (std::size_t i = 0; i < N; ++i) codes[i] = 0;
    return 0.0f;
  }
  float scale = 0.0f, best = 0.0f;
  for (const int step : {0, -9, -8, -7, -6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6, 7, 8, 9}) {
    const float steps = static_cast<float>(most) + times(0.1f, static_cast<float>(step));
    const float inverse = -steps / extreme;
    float xl = 0.0f, l2 = 0.0f;
    for (std::size_t i = 0; i < N; ++i) {
      const auto l = static_cast<float>(nearest(times(inverse, x[i]), -most, most - 1));
      const float w = weights != nullptr ? weights[i] : times(x[i], x[i]);
      xl += times(times(w, x[i]), l);
      l2 += times(times(w, l), l);
    }
    if (step == 0 ? false : !(l2 > 0.0f && times(xl, xl) > times(best, l2))) continue;
    for (std::size_t i = 0; i < N; ++i) codes[i] = most + nearest(times(inverse, x[i]), -most, most - 1);
    scale = l2 != 0.0f ? xl / l2 : 0.0f;
    best = times(scale, xl);
  }
  return scale;
}

struct affine_fit {
  float scale, minimum;  ///< minimum <= 0
};

using simd::affine_search;

/// The scale and minimum that fit x = scale * code + minimum, 0 <= code <= most, and the codes.
/// \see ggml-quants.c, make_qkx2_quants and make_qkx3_quants without mean absolute differences: one algorithm.
template <std::size_t N>
affine_fit fit_affine(std::span<const float, N> x, int most, const float* weights, affine_search search,
                      int* codes) noexcept {
  float low = x[0], high = x[0], sum_w = weights[0], sum_x = times(weights[0], x[0]);
  for (std::size_t i = 1; i < N; ++i) {
    low = x[i] < low ? x[i] : low;
    high = x[i] > high ? x[i] : high;
    sum_w += weights[i];
    sum_x += times(weights[i], x[i]);
  }
  low = low > 0.0f ? 0.0f : low;
  for (std::size_t i = 0; i < N; ++i) codes[i] = 0;
  if (!(high > low)) return {0.0f, low};

  const auto error_of = [&](const int* tried, float scale, float minimum) {
    float error = 0.0f;
    for (std::size_t i = 0; i < N; ++i) {
      const float difference = times(scale, static_cast<float>(tried[i])) + minimum - x[i];
      error += times(weights[i], times(difference, difference));
    }
    return error;
  };
  const float inverse = static_cast<float>(most) / (high - low);
  affine_fit fit{1.0f / inverse, low};
  for (std::size_t i = 0; i < N; ++i) codes[i] = nearest(times(inverse, x[i] - low), 0, most);
  float best = error_of(codes, fit.scale, fit.minimum);

  for (int k = 0; k <= search.steps; ++k) {
    // The range that is tried begins at the best minimum so far, not at the smallest number.
    const float units = search.first + times(search.step, static_cast<float>(k)) + static_cast<float>(most);
    const float tried_inverse = units / (high - fit.minimum);
    int tried[N];
    float sum_l = 0.0f, sum_l2 = 0.0f, sum_xl = 0.0f;
    for (std::size_t i = 0; i < N; ++i) {
      tried[i] = nearest(times(tried_inverse, x[i] - fit.minimum), 0, most);
      const auto l = static_cast<float>(tried[i]);
      const float wl = times(weights[i], l);
      sum_l += wl;
      sum_l2 += times(wl, l);
      sum_xl += times(wl, x[i]);
    }
    const float determinant = times(sum_w, sum_l2) - times(sum_l, sum_l);
    if (!(determinant > 0.0f)) continue;
    affine_fit tried_fit{(times(sum_w, sum_xl) - times(sum_x, sum_l)) / determinant,
                         (times(sum_l2, sum_x) - times(sum_l, sum_xl)) / determinant};
    if (tried_fit.minimum > 0.0f) tried_fit = {sum_xl / sum_l2, 0.0f};
    const float error = error_of(tried, tried_fit.scale, tried_fit.minimum);
    if (!(error < best)) continue;
    for (std::size_t i = 0; i < N; ++i) codes[i] = tried[i];
    best = error;
    fit = tried_fit;
  }
  return fit;
}

/// The scale that fits x = scale * code, x >= 0, 0 <= code <= most, and the codes: for the scales of a super-block.
/// \see ggml-quants.c, make_qp_quants.
template <std::size_t N>
float fit_positive(std::span<const float, N> x, int most, const float* weights, int* codes) noexcept {
  float largest = 0.0f;
  for (const float v : x) largest = v > largest ? v : largest;
  for (std::size_t i = 0; i < N; ++i) codes[i] = 0;
  if (largest < zero_block) return 0.0f;

  float inverse = static_cast<float>(most) / largest, best = 0.0f;
  for (const int step : {0, -4, -3, -2, -1, 1, 2, 3, 4}) {
    const float tried = (times(0.1f, static_cast<float>(step)) + static_cast<float>(most)) / largest;
    const float scale = 1.0f / tried;
    float error = 0.0f;
    for (std::size_t i = 0; i < N; ++i) {
      const float difference = x[i] - times(scale, static_cast<float>(nearest(times(tried, x[i]), 0, most)));
      error += times(times(weights[i], difference), difference);
    }
    if (step == 0 || error < best) best = error, inverse = tried;
  }
  float xl = 0.0f, l2 = 0.0f;
  for (std::size_t i = 0; i < N; ++i) {
    codes[i] = nearest(times(inverse, x[i]), 0, most);
    const auto l = static_cast<float>(codes[i]);
    xl += times(times(weights[i], x[i]), l);
    l2 += times(times(weights[i], l), l);
  }
  for (int round = 0; round < 5; ++round) {
    bool changed = false;
    for (std::size_t i = 0; i < N; ++i) {
      const float w = weights[i], wx = times(w, x[i]);
      const auto l = static_cast<float>(codes[i]);
      float other_xl = xl - times(wx, l), other_l2 = l2 - times(times(w, l), l);
      if (!(other_xl > 0.0f && other_l2 > 0.0f)) continue;
      const int code = nearest(times(x[i], other_l2) / other_xl, 0, most);
      if (code == codes[i]) continue;
      const auto now = static_cast<float>(code);
      other_xl += times(wx, now);
      other_l2 += times(times(w, now), now);
      if (!(times(times(other_xl, other_xl), l2) > times(times(xl, xl), other_l2))) continue;
      codes[i] = code, xl = other_xl, l2 = other_l2, changed = true;
    }
    if (!changed) break;
  }
  return l2 > 0.0f ? xl / l2 : 0.0f;
}

template <std::size_t Length>
struct pick_fit_signed {
  template <class Isa>
  static auto of() noexcept {
    return &simd::runs_of<Isa>::template fit_signed<Length>;
  }
};
template <std::size_t Length>
struct pick_fit_affine {
  template <class Isa>
  static auto of() noexcept {
    return &simd::runs_of<Isa>::template fit_affine<Length>;
  }
};

/// fit_signed of parts of Length numbers; weights as many, or null.
template <std::size_t Length>
void fit_signed_parts(const float* x, const float* weights, std::size_t parts, int most, float* scales, int* codes) {
  dispatched<pick_fit_signed<Length>>()(x, weights, parts, most, scales, codes);
}
/// fit_affine of parts of Length numbers.
template <std::size_t Length>
void fit_affine_parts(const float* x, const float* weights, std::size_t parts, int most, const affine_search& search,
                      float* scales, float* minima, int* codes) {
  dispatched<pick_fit_affine<Length>>()(x, weights, parts, most, search, scales, minima, codes);
}

}  // namespace dyadic::inline DYADIC_ABI::detail
