// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The search of PyTorch's HistogramObserver: ends move inwards by quantiles for as long as the squared error falls.
//
// Source: torch/ao/quantization/observer.py, _non_linear_param_search and _compute_quantization_error; the same in 1.13
// and in torchao/quantization/pt2e/observer.py of 2026, and in NNCF's HistogramAggregator. (The observers differ: 1.13
// calls histc with ends cut to integers, and the merging of batches was replaced. Neither matters to the search.) In
// each step the quantile on one side moves by 10^-5, on the side where that skips more bins, and the search ends where
// the error of dst_bins levels first rises: a local minimum. range_mse.hpp finds the global one.
//
// The original adds up float tensors; here the error is one formula in double, so where it changes by less than 10^-6
// from one step to the next the original may stop elsewhere.
#pragma once

#include <dyadic/calibrate/expected_error.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// The first and the last bin to keep.
struct kept_bins {
  index_t first, last;
};

inline kept_bins search_by_quantiles(const binned& h, index_t levels) {
  const expected_error e(h);
  // The original compares its float sums with numbers that become floats.
  std::vector<float> below(h.counts.size());
  double sum = 0.0;
  for (std::size_t k = 0; k < below.size(); ++k) below[k] = static_cast<float>(sum += static_cast<double>(h.counts[k]));
  const auto up_to = [&below](index_t k) { return below[static_cast<std::size_t>(k)]; };

  constexpr double step = 1e-5;
  const double total = sum;
  double alpha = 0.0, beta = 1.0, least = std::numeric_limits<double>::infinity();
  kept_bins kept{0, h.bins() - 1};
  while (alpha < beta) {
    const double next_alpha = alpha + step, next_beta = beta - step;
    const auto low = static_cast<float>(opaque(next_alpha * total)),
               high = static_cast<float>(opaque(next_beta * total));
    kept_bins next = kept;
    index_t left = kept.first, right = kept.last;
    while (left < kept.last && up_to(left) < low) ++left;
    while (right > kept.first && up_to(right) > high) --right;
    if (left - kept.first > kept.last - right) {
      next.first = left;
      alpha = next_alpha;
    } else {
      next.last = right;
      beta = next_beta;
    }
    if (next.first == kept.first && next.last == kept.last) continue;
    const double w = static_cast<double>(next.last - next.first + 1) / static_cast<double>(levels);
    const double error = e.of_points(static_cast<double>(next.first) + w / 2.0, w, levels);
    if (error > least) break;
    least = error;
    kept = next;
  }
  return kept;
}

}  // namespace detail

/// The range PyTorch's HistogramObserver chooses from such a histogram.
/// \param h       2048 bins over [min, max] in PyTorch.
/// \param levels  in [2, 65536]; 2^bits of the type in PyTorch, reduce_range or not.
inline result<range> try_range_mse_pytorch(const binned& h, index_t levels = 256) {
  if (const auto ok = check_binned("range_mse_pytorch", h); !ok) return ok.error();
  if (levels < 2 || levels > 65536)
    return failure(errc::invalid_range, "range_mse_pytorch: {} levels, expected 2 to 65536", levels);
  const default_float_environment environment;
  if (!(h.lower < h.upper)) return h.seen;
  const detail::kept_bins kept = detail::search_by_quantiles(h, levels);
  // In float, each step rounded by itself, as PyTorch does; in double where the width is no float.
  const float lower = detail::nearest_float(h.lower), upper = detail::nearest_float(h.upper);
  const float span = detail::opaque(upper - lower), width = detail::opaque(span / static_cast<float>(h.bins()));
  if (!(span <= (std::numeric_limits<float>::max)()) || static_cast<double>(upper) < h.upper)
    return range{h.float_edge(kept.first), h.float_edge(kept.last + 1)};
  return range{lower + detail::opaque(width * static_cast<float>(kept.first)),
               lower + detail::opaque(width * static_cast<float>(kept.last + 1))};
}
/// The same of a histogram, cut to what it has seen: its bins go beyond.
inline result<range> try_range_mse_pytorch(const histogram& h, index_t levels = 256) {
  const auto bins = try_bins(h);
  if (!bins) return bins.error();
  const auto r = try_range_mse_pytorch(*bins, levels);
  if (!r) return r.error();
  const auto within = [&bins](float x) {
    return detail::is_less(x, bins->seen.lo) ? bins->seen.lo : detail::is_less(bins->seen.hi, x) ? bins->seen.hi : x;
  };
  return range{within(r->lo), within(r->hi)};
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where try_range_mse_pytorch refuses.
inline range range_mse_pytorch(const binned& h, index_t levels = 256) {
  return try_range_mse_pytorch(h, levels).value();
}
inline range range_mse_pytorch(const histogram& h, index_t levels = 256) {
  return try_range_mse_pytorch(h, levels).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
