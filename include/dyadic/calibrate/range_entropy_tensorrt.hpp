// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The entropy calibration of TensorRT, as ModelOpt (formerly pytorch-quantization) publishes it.
//
// Source: modelopt/torch/quantization/calib/histogram.py, _compute_amax_entropy. Of the bins of |x|, the first one is
// given the count of the second. For each i from start_bin on, the first i bins, with all above added to the last of
// them, are compared with what 2^(bits - 1) levels make of the first i bins alone: the nonzero bins of a level all get
// their mean. The threshold is the edge of the i of least divergence, of equal ones the largest.
//
// Two things of the original are kept on purpose: the counts of the second distribution lack what is above, and a
// candidate whose last bin is empty is out of the question (infinite) if anything lies above it.
#pragma once

#include <dyadic/calibrate/entropy.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

class entropy_tensorrt {
 public:
  /// 2^log_levels levels.
  entropy_tensorrt(std::vector<std::uint64_t> counts, int log_levels)
      : counts_(std::move(counts)), log_levels_(log_levels), levels_(index_t{1} << log_levels), sums_(counts_) {}

  /// The number of bins to keep, in [start, n].
  index_t search(index_t start) const {
    const auto n = static_cast<index_t>(counts_.size());
    if (start >= n || sums_.count.back() == 0.0) return n;
    std::vector<estimate> all;
    for (index_t i = start; i <= n; ++i) all.push_back(estimate_of(i));
    std::vector<double> p, q;
    const std::size_t best =
        least_of(all, least::last, [&](std::size_t c) { return exact(start + static_cast<index_t>(c), p, q); });
    return start + static_cast<index_t>(best);
  }

  /// The divergence by its definition; p and q are room to work in.
  double exact(index_t i, std::vector<double>& p, std::vector<double>& q) const {
    p.clear(), q.clear();
    const double above = sums_.count.back() - count(i);
    for (index_t level = 0, at = 0; level < levels_; ++level) {
      const index_t end = end_of(level, i);
      double sum = 0.0, nonzero = 0.0;
      for (index_t k = at; k < end; ++k) sum += bin(k), nonzero += bin(k) > 0.0 ? 1.0 : 0.0;
      for (; at < end; ++at) {
        // Bins that are empty in both add nothing.
        const double x = bin(at) + (at == i - 1 ? above : 0.0);
        if (x > 0.0) p.push_back(x), q.push_back(bin(at) > 0.0 ? sum / nonzero : 0.0);
      }
    }
    return kullback_leibler(p, q);
  }

 private:
  double bin(index_t k) const noexcept { return static_cast<double>(counts_[static_cast<std::size_t>(k)]); }
  double count(index_t k) const noexcept { return sums_.count[static_cast<std::size_t>(k)]; }
  /// Bin k of i belongs to level floor(k * levels / i): numpy.digitize among levels + 1 edges from 0 to i.
  index_t end_of(index_t level, index_t i) const noexcept { return ((level + 1) * i + levels_ - 1) >> log_levels_; }

  /// (sum p log p - sum p log q) / P + log(Q / P), the second sum a level at a time.
  estimate estimate_of(index_t i) const noexcept {
    const double total = sums_.count.back(), above = total - count(i), last = bin(i - 1);
    if (above > 0.0 && last == 0.0) return {std::numeric_limits<double>::infinity(), 0.0};
    if (count(i) == 0.0) return {0.0, std::numeric_limits<double>::infinity()};
    const double p_log_p = sums_.x_log_x[static_cast<std::size_t>(i - 1)] +
                           (last + above > 0.0 ? (last + above) * logarithm(last + above) : 0.0);
    double p_log_q = 0.0, sum_before = 0.0;
    std::int32_t nonzero_before = 0;
    for (index_t level = 0; level < levels_; ++level) {
      const index_t end = end_of(level, i);
      const double sum = count(end) - sum_before;
      const std::int32_t nonzero = sums_.nonzero[static_cast<std::size_t>(end)] - nonzero_before;
      sum_before += sum, nonzero_before += nonzero;  // whole numbers below 2^53
      if (nonzero > 0)
        p_log_q += (sum + (end == i ? above : 0.0)) *
                   (logarithm(sum) - sums_.log_of[static_cast<std::size_t>(nonzero)]);
    }
    const double value = (p_log_p - p_log_q) / total + logarithm(count(i) / total);
    // Each sum is below total * log(total), and each of its at most n terms is rounded to 2^-51 of that.
    return {value, 0x1p-49 * static_cast<double>(counts_.size()) * (1.0 + logarithm(total + 1.0))};
  }

  std::vector<std::uint64_t> counts_;
  int log_levels_;
  index_t levels_;
  running_sums sums_;
};

}  // namespace detail

/// [-t, t] of least divergence.
/// \param h          bins of the magnitudes; ModelOpt takes 2048. At most 16384; with
///                   start_bin or fewer there is nothing to choose, and t is the upper end.
/// \param bits       in [2, 16].
/// \param start_bin  the least number of bins to keep, at least 2^(bits - 1).
inline result<range> try_range_entropy_tensorrt(const binned& h, int bits = 8, index_t start_bin = 128) {
  if (const auto ok = check_binned("range_entropy_tensorrt", h); !ok) return ok.error();
  if (const auto ok = detail::check_entropy_bins("range_entropy_tensorrt", h.bins()); !ok) return ok.error();
  if (bits < 2 || bits > 16)
    return failure(errc::invalid_range, "range_entropy_tensorrt: {} bits, expected 2 to 16", bits);
  const index_t levels = index_t{1} << (bits - 1);
  if (start_bin < levels)
    return failure(errc::invalid_range, "range_entropy_tensorrt: start bin {}, expected at least {} for {} bits",
                   start_bin, levels, bits);
  const default_float_environment environment;
  index_t kept = h.bins();
  if (kept > start_bin) {
    std::vector<std::uint64_t> counts(h.counts.begin(), h.counts.end());
    counts[0] = counts[1];
    kept = detail::entropy_tensorrt(std::move(counts), bits - 1).search(start_bin);
  }
  const float t = h.float_edge(kept);
  return range{-t, t};
}

/// The same of a histogram, not beyond the largest magnitude it has seen.
inline result<range> try_range_entropy_tensorrt(const histogram& h, int bits = 8, index_t start_bin = 128) {
  const auto magnitudes = try_magnitude_bins(h);
  if (!magnitudes) return magnitudes.error();
  const auto r = try_range_entropy_tensorrt(magnitudes->view(), bits, start_bin);
  if (!r) return r.error();
  const float most = detail::largest_magnitude(magnitudes->view().seen);
  const float t = detail::is_less(r->hi, most) ? r->hi : most;
  return range{-t, t};
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where try_range_entropy_tensorrt refuses.
inline range range_entropy_tensorrt(const binned& h, int bits = 8, index_t start_bin = 128) {
  return try_range_entropy_tensorrt(h, bits, start_bin).value();
}
inline range range_entropy_tensorrt(const histogram& h, int bits = 8, index_t start_bin = 128) {
  return try_range_entropy_tensorrt(h, bits, start_bin).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
