// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// try_fit_codebook: the levels that fit data or a density with the least squared error, by Lloyd's and Max's
// conditions.
//
//   auto levels = try_fit_codebook<16>(weights);              // of numbers: k-means in one dimension
//   auto levels = try_fit_codebook<16>(points, density);      // of a density sampled at increasing points
//
// Each level is the mean of what is nearest to it: from a first guess, means and nearest are found in turn until no
// level moves. The first guess is the best grouping there is of the points, or of a thousand cells of them when they
// are more (first_levels.hpp), so there is nothing random in it. Between two points, borders move as if what a point
// weighs were spread evenly around it: borders that only stop at points stop too early.
//
// Doubles, products rounded before they are added, sums in increasing order: the same levels on every machine. Sums
// over runs are differences of sums over all that lies before, so that what is smaller than 2^-40 of the largest is not
// seen.
//
// \see Max, Quantizing for minimum distortion, 1960; Lloyd, Least squares quantization in PCM, 1982.
#pragma once

#include <algorithm>

#include <dyadic/quantize/codebook.hpp>
#include <dyadic/quantize/first_levels.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// Means and nearest in turn, with borders between points. The levels stay in increasing order.
inline void settle_between(const weighted_points& p, double* level, std::size_t n) noexcept {
  constexpr int most_rounds = 20000;
  for (int round = 0; round < most_rounds; ++round) {
    double farthest = 0.0, size = 0.0;
    part before;
    for (std::size_t i = 0; i < n; ++i) {
      const part until = i + 1 < n ? p.up_to(level[i] / 2 + level[i + 1] / 2) : p.all();
      const double weight = until.weight - before.weight;
      double moved = weight > 0.0 ? (until.moment - before.moment) / weight : level[i];
      if (i > 0 && moved < level[i - 1]) moved = level[i - 1];  // by rounding only: means of disjoint runs are in order
      farthest = std::max(farthest, moved > level[i] ? moved - level[i] : level[i] - moved);
      size = std::max(size, moved < 0.0 ? -moved : moved);
      level[i] = moved;
      before = until;
    }
    if (!(farthest > size * 0x1p-36)) return;  // far below what a float can tell
  }
}

/// The same with the points as they are.
inline void settle_at_points(const weighted_points& p, double* level, std::size_t n) noexcept {
  constexpr int most_rounds = 1000;
  bool moving = true;
  for (int round = 0; moving && round < most_rounds; ++round) {
    moving = false;
    index_t k = 0;
    double old = level[0];
    for (std::size_t i = 0; i < n; ++i) {
      const double border = i + 1 < n ? old / 2 + level[i + 1] / 2 : p.point(p.size() - 1);
      double weight = 0.0, moment = 0.0;
      for (; k < p.size() && p.point(k) <= border; ++k)
        weight += p.weight(k), moment += opaque(p.weight(k) * p.point(k));
      old = i + 1 < n ? level[i + 1] : 0.0;
      if (!(weight > 0.0)) continue;
      const double mean = moment / weight;
      moving = moving || mean != level[i];
      level[i] = mean;
    }
  }
  std::sort(level, level + n);
}

/// \param exact  the points are data; otherwise they stand for a density.
template <std::size_t N>
result<codebook<N>> fit_levels(const weighted_points& p, bool exact) noexcept {
  double level[N];
  if (p.size() <= static_cast<index_t>(N)) {
    for (index_t i = 0; i < static_cast<index_t>(N); ++i) level[i] = p.point(std::min(i, p.size() - 1));
  } else {
    if (const auto ok = grouping(p).try_means(level, static_cast<index_t>(N)); !ok) return ok.error();
    if (!exact || p.size() > grouping::most_cells) settle_between(p, level, N);
    if (exact) settle_at_points(p, level, N);
  }
  typename codebook<N>::levels_type rounded{};
  for (std::size_t i = 0; i < N; ++i) rounded[i] = static_cast<float>(level[i]);
  return codebook<N>::try_make(rounded);
}

}  // namespace detail

/// The levels that fit numbers.
/// \param x  any order, at least one finite number; NaN and infinities are passed over. Of fewer than N different
///           numbers some levels may be equal.
/// \returns  errc::no_data if there is no finite number.
template <std::size_t N>
result<codebook<N>> try_fit_codebook(std::span<const float> x) noexcept {
  const default_float_environment environment;
  index_t n = 0;
  for (const float v : x) n += v - v == 0.0f ? 1 : 0;
  if (n == 0)
    return failure(errc::no_data, "fit_codebook: {} numbers of which none is finite, expected at least one", x.size());
  auto points = buffer<double>::make(n);
  if (!points) return points.error();
  double* next = points->data();
  for (const float v : x)
    if (v - v == 0.0f) *next++ = static_cast<double>(v);
  std::sort(points->begin(), points->end());
  const auto made = detail::weighted_points::try_make(points->data(), nullptr, n);
  if (!made) return made.error();
  return detail::fit_levels<N>(*made, true);
}

/// The levels that fit a density.
/// \param points   finite and increasing.
/// \param weights  points.size() finite numbers >= 0, of a sum that is finite and > 0: the probability of what is
///                 nearer to each point than to the others, in any unit.
template <std::size_t N>
result<codebook<N>> try_fit_codebook(std::span<const float> points, std::span<const double> weights) noexcept {
  const default_float_environment environment;
  if (points.size() != weights.size())
    return failure(errc::invalid_shape, "fit_codebook: {} weights for {} points", weights.size(), points.size());
  if (points.empty()) return failure(errc::no_data, "fit_codebook: no points, expected at least one");
  double total = 0.0;
  for (std::size_t k = 0; k < points.size(); ++k) {
    if (!(points[k] - points[k] == 0.0f) || (k > 0 && !(points[k] > points[k - 1])))
      return failure(errc::invalid_range, "fit_codebook: point {} is {}, expected finite and increasing points", k,
                     static_cast<double>(points[k]));
    if (!(weights[k] >= 0.0))
      return failure(errc::invalid_range, "fit_codebook: weight {} is {}, expected >= 0", k, weights[k]);
    total += weights[k];
  }
  if (!(total > 0.0 && total - total == 0.0))
    return failure(errc::invalid_range, "fit_codebook: the weights add up to {}, expected finite and > 0", total);
  auto exact = buffer<double>::make(static_cast<index_t>(points.size()));
  if (!exact) return exact.error();
  for (std::size_t k = 0; k < points.size(); ++k) (*exact)[static_cast<index_t>(k)] = static_cast<double>(points[k]);
  const auto made = detail::weighted_points::try_make(exact->data(), weights.data(), exact->size());
  if (!made) return made.error();
  return detail::fit_levels<N>(*made, false);
}

#if DYADIC_EXCEPTIONS
/// The throwing face: std::invalid_argument, std::bad_alloc.
template <std::size_t N>
codebook<N> fit_codebook(std::span<const float> x) {
  return try_fit_codebook<N>(x).value();
}
template <std::size_t N>
codebook<N> fit_codebook(std::span<const float> points, std::span<const double> weights) {
  return try_fit_codebook<N>(points, weights).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
