// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The range of least expected squared error of a scheme: the global minimum over all thresholds on bin edges.
//
// Not a descent: every symmetric threshold is tried, and of the asymmetric pairs all that clipping alone does not rule
// out. What is minimised is the error of the codes themselves, the zero point rounded and the lowest code included,
// with the numbers of a bin spread evenly over it (expected_error.hpp), under the rule that a symmetric scale is
// t / qmax, as in onnx_profile. Of equal thresholds the narrowest counts.
//
// A symmetric search over 2048 bins and 256 levels takes about half a millisecond, one of data on one side of zero as
// well. Two free ends are 10^4 to 10^5 pairs: tens of milliseconds.
#pragma once

#include <dyadic/calibrate/expected_error.hpp>
#include <dyadic/scheme/scheme.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// [-t, t] with t on a bin edge or the largest magnitude.
inline range least_error_symmetric(const expected_error& e, const scheme& s, const range& seen) noexcept {
  const double most = static_cast<double>(largest_magnitude(seen)), zero = e.in_bins(0.0);
  const double ends = most / e.width(), above = static_cast<double>(s.qmax() - s.middle());
  double best = std::numeric_limits<double>::infinity(), best_end = ends;
  for (double end = 1.0;; end += 1.0) {
    if (end > ends) end = ends;
    const double step = end / above;
    const double error =
        e.of_points(zero - opaque(step * static_cast<double>(s.middle() - s.qmin())), step, s.levels());
    if (error < best) best = error, best_end = end;
    if (end >= ends) break;
  }
  const float t = nearest_float(best_end >= ends ? most : best_end * e.width());
  return {-t, t};
}

/// One free end after the other: lo from the outside in, and for each the hi that clipping does not rule out.
class least_error_asymmetric {
 public:
  least_error_asymmetric(const expected_error& e, const binned& h, const scheme& s)
      : e_(e),
        s_(s),
        zero_(e.in_bins(0.0)),
        low_(-at_most_zero(h.seen.lo) / e.width()),
        high_(-at_most_zero(-h.seen.hi) / e.width()),
        from_below_(clipped(h.counts)) {
    std::vector<std::uint64_t> reversed(h.counts.rbegin(), h.counts.rend());
    from_above_ = clipped(reversed);
    bins_ = static_cast<double>(h.bins());
  }

  range search() {
    for (double down = low_;; down = inwards(down)) {
      // A grid may reach half a step beyond its ends when the zero point is rounded to a code.
      const double slack = (low_ + high_) / static_cast<double>(2 * (s_.levels() - 1));
      const double cut_below = at(from_below_, zero_ - down - slack);
      if (cut_below > best_) break;
      for (double up = high_;; up = inwards(up)) {
        if (cut_below + at(from_above_, bins_ - (zero_ + up + slack)) > best_) break;
        try_ends(down, up);
        if (up <= 0.0) break;
      }
      if (down <= 0.0) break;
    }
    return {nearest_float(-(best_down_ * e_.width())), nearest_float(best_up_ * e_.width())};
  }

 private:
  static double at_most_zero(float x) noexcept { return x < 0.0f ? static_cast<double>(x) : 0.0; }
  /// The next whole number of bins towards zero.
  static double inwards(double x) noexcept {
    const auto whole = static_cast<double>(static_cast<index_t>(x));
    return whole < x ? whole : whole - 1.0;
  }

  void try_ends(double down, double up) noexcept {
    if (!(down + up > 0.0)) return;
    const double step = (down + up) / static_cast<double>(s_.levels() - 1);
    const std::int32_t below = round_to_integer<rounding::half_even>(down / step, 0, s_.levels() - 1, 0);
    const double error = e_.of_points(zero_ - opaque(step * static_cast<double>(below)), step, s_.levels());
    if (error <= best_) best_ = error, best_down_ = down, best_up_ = up;
  }

  /// Twice the integral of I: at k, the sum of (k - x)^2 over the numbers x below.
  static std::vector<double> clipped(std::span<const std::uint64_t> counts) {
    std::vector<double> all(counts.size() + 1);
    double below = 0.0, integral = 0.0;
    for (std::size_t k = 0; k < counts.size(); ++k) {
      const auto count = static_cast<double>(counts[k]);
      all[k + 1] = all[k] + 2.0 * (integral + below / 2.0 + count / 6.0);
      integral += below + count / 2.0;
      below += count;
    }
    return all;
  }
  /// At or below the sum at x, less what rounding may have added to it.
  static double at(const std::vector<double>& clipped, double x) noexcept {
    if (!(x > 0.0)) return 0.0;
    const std::size_t last = clipped.size() - 1;
    const auto k = x < static_cast<double>(last) ? static_cast<std::size_t>(x) : last;
    return clipped[k] * (1.0 - 1e-9);
  }

  const expected_error& e_;
  scheme s_;
  double zero_, low_, high_, bins_ = 0.0;
  std::vector<double> from_below_, from_above_;
  double best_ = std::numeric_limits<double>::infinity(), best_down_ = 0.0, best_up_ = 0.0;
};

}  // namespace detail

/// The range whose params under scheme s quantize the histogram with the least expected squared error.
/// \param h  at most 2^20 bins; zero should be on an edge, as it is in a histogram.
inline result<range> try_range_mse(const binned& h, const scheme& s) {
  if (const auto ok = check_binned("range_mse", h); !ok) return ok.error();
  if (const auto ok = check_scheme(s); !ok) return ok.error();
  const default_float_environment environment;
  const range& seen = h.seen;
  if (!(h.lower < h.upper) || (seen.lo == 0.0f && seen.hi == 0.0f)) return seen;
  const expected_error e(h);
  if (!s.asymmetric()) return detail::least_error_symmetric(e, s, seen);
  return detail::least_error_asymmetric(e, h, s).search();
}
inline result<range> try_range_mse(const histogram& h, const scheme& s) {
  const auto bins = try_bins(h);
  if (!bins) return bins.error();
  return try_range_mse(*bins, s);
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where try_range_mse refuses.
inline range range_mse(const binned& h, const scheme& s) { return try_range_mse(h, s).value(); }
inline range range_mse(const histogram& h, const scheme& s) { return try_range_mse(h, s).value(); }
#endif

}  // namespace dyadic::inline DYADIC_ABI
