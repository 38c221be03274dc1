// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From what an observer saw to a range: min-max, or a percentile that leaves outliers outside.
//
// Exact and deterministic: ranks are integers, and so are the sums they are compared with. (A cdf accumulated in
// floating point, as calibrators usually have it, depends on the order of the additions.) The range is not extended to
// zero; choose does that.
#pragma once

#include <dyadic/calibrate/histogram.hpp>

namespace dyadic::inline DYADIC_ABI {

/// [min, max] of the finite numbers; errc::no_data, with the counts, when there were none.
template <observer O>
result<range> try_range_min_max(const O& o) noexcept {
  return range_of(o.seen());
}

namespace detail {

/// floor(total * (100 - percent) / (100 * sides)) with percent taken to the nearest 10^-7, in integers.
inline result<std::uint64_t> try_outside(std::uint64_t total, double percent, unsigned sides) noexcept {
  if (!(percent > 0.0 && percent <= 100.0))
    return failure(errc::invalid_range, "range: percentile {} given, expected a number in (0, 100]", percent);
  const default_float_environment environment;
  const auto outside = round_to_integer<rounding::half_even>(opaque((100.0 - opaque(percent)) / 1e-7), std::uint64_t{0},
                                                             std::uint64_t{1'000'000'000}, std::uint64_t{0});
  const std::uint64_t whole = std::uint64_t{1'000'000'000} * sides;
  return total / whole * outside + total % whole * outside / whole;  // below 2^31 * 2^30
}

/// The edge as a float inside what was seen. Edges between two seen numbers are floats already.
inline float edge_within(double edge, const extent& seen) noexcept {
  const default_float_environment environment;
  edge = opaque(edge);
  if (!(edge > static_cast<double>(opaque(seen.min)))) return seen.min;
  if (!(edge < static_cast<double>(opaque(seen.max)))) return seen.max;
  return opaque(static_cast<float>(edge));
}

}  // namespace detail

/// The central `percent` of the data, as ONNX Runtime's asymmetric percentile calibrator takes it: (100 - percent) / 2
/// on each side is left outside.
///
/// Of n finite numbers at most m = floor(n * (100 - percent) / 200) lie below lo and at most m above hi. lo is the
/// lower edge of the bin of the (m + 1)-th smallest number, hi the upper edge of the bin of the (m + 1)-th largest,
/// both clipped to [min, max]. So lo is less than one bin width below that number, hi at most one above. (ONNX Runtime
/// takes the lower edge for both, which may leave more than m outside.)
/// \param percent  in (0, 100], to 10^-7; 99.99 is usual, 100 is min-max.
inline result<range> try_range_percentile(const histogram& h, double percent) noexcept {
  const extent& seen = h.seen();
  const auto all = range_of(seen);
  if (!all) return all.error();
  const auto outside = detail::try_outside(seen.finite, percent, 2);
  if (!outside) return outside.error();
  const std::uint64_t most = (seen.finite - 1) / 2;
  const std::uint64_t m = *outside < most ? *outside : most;
  const std::span<const std::uint64_t> counts = h.counts();
  std::size_t low = 0, high = counts.size() - 1;
  for (std::uint64_t below = counts[low]; below <= m; below += counts[++low]) {}
  for (std::uint64_t above = counts[high]; above <= m; above += counts[--high]) {}
  return range{detail::edge_within(h.edge(h.first_bin() + static_cast<index_t>(low)), seen),
               detail::edge_within(h.edge(h.first_bin() + static_cast<index_t>(high) + 1), seen)};
}

/// [-t, t] for symmetric schemes, as TensorRT's and ONNX Runtime's symmetric percentile calibrators take it: `percent`
/// of the magnitudes are at most t.
///
/// At most m = floor(n * (100 - percent) / 100) of the |x| exceed t. t is the upper edge of the bin, of |x|, of the (m
/// + 1)-th largest magnitude, clipped to max |x|; bins k and -1 - k are the two halves of one bin of |x|.
inline result<range> try_range_percentile_symmetric(const histogram& h, double percent) noexcept {
  const extent& seen = h.seen();
  const auto all = range_of(seen);
  if (!all) return all.error();
  const auto outside = detail::try_outside(seen.finite, percent, 1);
  if (!outside) return outside.error();
  const std::uint64_t m = *outside < seen.finite - 1 ? *outside : seen.finite - 1;
  const std::span<const std::uint64_t> counts = h.counts();
  const auto in_bin = [&](index_t k) {
    const index_t at = k - h.first_bin();
    return at >= 0 && at < static_cast<index_t>(counts.size()) ? counts[static_cast<std::size_t>(at)] : 0;
  };
  const index_t last = h.first_bin() + static_cast<index_t>(counts.size()) - 1;
  index_t k = -1 - h.first_bin() > last ? -1 - h.first_bin() : last;
  for (std::uint64_t above = in_bin(k) + in_bin(-1 - k); above <= m; above += in_bin(k) + in_bin(-1 - k)) --k;
  extent magnitudes;
  magnitudes.min = 0.0f;
  magnitudes.max = detail::is_less(seen.max, -seen.min) ? -seen.min : seen.max;
  const float t = detail::edge_within(h.edge(k + 1), magnitudes);
  return range{-t, t};
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where the try_ functions refuse.
template <observer O>
range range_min_max(const O& o) {
  return try_range_min_max(o).value();
}
inline range range_percentile(const histogram& h, double percent) { return try_range_percentile(h, percent).value(); }
inline range range_percentile_symmetric(const histogram& h, double percent) {
  return try_range_percentile_symmetric(h, percent).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
