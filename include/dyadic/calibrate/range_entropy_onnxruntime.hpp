// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The entropy calibration of ONNX Runtime.
//
// Source: onnxruntime/python/tools/quantization/calibrate.py, HistogramCollector.get_entropy_threshold, and
// smooth_distribution in quant_utils.py. From `levels` bins around the middle to all bins, one more on each side at a
// time: p are the bins inside, what is outside added to the first and the last; q is what `levels` equal groups of the
// bins make of them, a group's sum over its nonzero p, cut to an integer (q is an int64 array), and 0 for the bins that
// are left over at the end. In both, zeros then become 10^-4, taken evenly from the others. The range is that of the
// first candidate of least divergence, cut to the numbers seen.
//
// With ONNX Runtime's default of 128 bins and 128 levels there is one candidate, all bins: min-max.
//
// The original rounds the smoothed distributions and their divergence to float; here they are doubles, so where two
// divergences agree to 6 digits the original's choice is an accident of its rounding and need not be this one.
#pragma once

#include <dyadic/calibrate/entropy.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

class entropy_onnxruntime {
 public:
  entropy_onnxruntime(std::span<const std::uint64_t> counts, index_t levels)
      : counts_(counts), levels_(levels), sums_(counts), powers_((counts.size() + 1) * row) {
    for (std::size_t k = 0; k < counts.size(); ++k) {
      const auto x = static_cast<double>(counts[k]);
      const double* const from = &powers_[k * row];
      double* const to = &powers_[(k + 1) * row];
      double power = 1.0;
      to[0] = from[0] + (x > 0.0 ? logarithm(x) : 0.0);
      for (std::size_t n = 1; n < row; ++n) to[n] = from[n] + (x > 0.0 ? power /= x : 0.0);
    }
  }

  /// Bins [begin, end) of the middle that candidate i keeps on each side.
  struct kept {
    index_t begin, end;
  };
  kept bins_of(index_t i) const noexcept {
    const auto n = static_cast<index_t>(counts_.size());
    const index_t middle = n / 2;
    return {middle - i, middle + i + 1 < n ? middle + i + 1 : n};
  }

  kept search() const {
    const index_t first = levels_ / 2, last = static_cast<index_t>(counts_.size()) / 2;
    std::vector<estimate> all;
    std::vector<group> groups(static_cast<std::size_t>(levels_));
    std::vector<double> p, q;
    for (index_t i = first; i <= last; ++i) all.push_back(estimate_of(bins_of(i), groups));
    const std::size_t best = least_of(
        all, least::first, [&](std::size_t c) { return exact(bins_of(first + static_cast<index_t>(c)), p, q); });
    return bins_of(first + static_cast<index_t>(best));
  }

  /// The divergence by its definition; p and q are room to work in.
  double exact(const kept& b, std::vector<double>& p, std::vector<double>& q) const {
    const index_t size = b.end - b.begin, each = size / levels_;
    std::vector<group> groups(static_cast<std::size_t>(levels_));
    groups_of(b, each, groups);
    p.clear(), q.clear();
    for (index_t k = b.begin; k < b.end; ++k) p.push_back(with_outside(b, k));
    for (const group& g : groups) q.insert(q.end(), static_cast<std::size_t>(each), g.value);
    q.resize(p.size(), 0.0);
    if (!smooth(p) || !smooth(q)) return std::numeric_limits<double>::infinity();
    return kullback_leibler(p, q);
  }

 private:
  static constexpr double epsilon = 1e-4;
  static constexpr std::size_t row = 9;  // sums of log x, 1 / x, ..., 1 / x^8

  double count(index_t begin, index_t end) const noexcept {
    return sums_.count[static_cast<std::size_t>(end)] - sums_.count[static_cast<std::size_t>(begin)];
  }
  double nonzero(index_t end) const noexcept {
    return static_cast<double>(sums_.nonzero[static_cast<std::size_t>(end)]);
  }
  double bin(index_t k) const noexcept { return static_cast<double>(counts_[static_cast<std::size_t>(k)]); }
  double below(const kept& b) const noexcept { return count(0, b.begin); }
  double above(const kept& b) const noexcept { return count(b.end, static_cast<index_t>(counts_.size())); }
  double with_outside(const kept& b, index_t k) const noexcept {
    return bin(k) + (k == b.begin ? below(b) : 0.0) + (k == b.end - 1 ? above(b) : 0.0);
  }
  /// What the bins of a group hold: their sum and how many p are not zero, and what each of them holds in q.
  struct group {
    double sum, others, value;
  };
  /// The groups of b, and as the returned one the bins left over behind them.
  group groups_of(const kept& b, index_t size, std::vector<group>& groups) const noexcept {
    double sum_before = count(0, b.begin), nonzero_before = nonzero(b.begin);
    index_t end = b.begin;
    for (group& g : groups) {
      end += size;
      g.sum = count(0, end) - sum_before;
      g.others = nonzero(end) - nonzero_before;
      sum_before += g.sum, nonzero_before += g.others;  // whole numbers below 2^53
    }
    group rest{count(end, b.end), nonzero(b.end) - nonzero_before, 0.0};
    // What lies outside makes an empty first or last bin of p nonzero.
    if (bin(b.begin) == 0.0 && below(b) > 0.0) groups.front().others += 1.0;
    if (bin(b.end - 1) == 0.0 && above(b) > 0.0) (end < b.end ? rest : groups.back()).others += 1.0;
    for (group& g : groups) {
      const double sum = g.sum + (&g == &groups.back() ? rest.sum : 0.0);
      g.value = g.others > 0.0 ? static_cast<double>(static_cast<std::int64_t>(sum / g.others)) : 0.0;
    }
    return rest;
  }

  /// Zeros become epsilon, and what that adds is taken evenly from the others; false if there are too few of these.
  static bool smooth(std::vector<double>& x) noexcept {
    double zeros = 0.0;
    for (const double v : x) zeros += v == 0.0 ? 1.0 : 0.0;
    const double taken = taken_for(zeros, static_cast<double>(x.size()) - zeros);
    for (double& v : x) v = v == 0.0 ? epsilon : v - taken;
    return taken < 1.0;
  }
  static double taken_for(double zeros, double others) noexcept {
    return others > 0.0 ? opaque(epsilon * zeros) / others : 1.0;
  }

  /// sum of (p - t) log(p - t) over bins [begin, end), nonzero p, by its series in t; t < 1.
  double smoothed_x_log_x(index_t begin, index_t end, double t) const noexcept {
    const auto b = static_cast<std::size_t>(begin), e = static_cast<std::size_t>(end);
    const double others = sums_.nonzero[e] - sums_.nonzero[b];
    double sum = 0.0, power = t;
    for (std::size_t n = 1; n < row; ++n) {
      power *= t;
      sum += power / static_cast<double>(n * (n + 1)) * (powers_[e * row + n] - powers_[b * row + n]);
    }
    return sums_.x_log_x[e] - sums_.x_log_x[b] - t * (powers_[e * row] - powers_[b * row] + others) + sum;
  }

  /// (sum p log p - sum p log q) / P + log(Q / P) of the smoothed ones, the second sum a group at a time.
  estimate estimate_of(const kept& b, std::vector<group>& groups) const noexcept {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const auto size = static_cast<double>(b.end - b.begin);
    const auto each = static_cast<double>((b.end - b.begin) / levels_);
    const group rest = groups_of(b, (b.end - b.begin) / levels_, groups);
    double p_others = rest.others, q_others = 0.0, q_sum = 0.0;
    for (const group& g : groups) {
      p_others += g.others;
      q_others += g.value != 0.0 ? each : 0.0;
      q_sum += g.value * each;
    }
    const double p_taken = taken_for(size - p_others, p_others), q_taken = taken_for(size - q_others, q_others);
    if (!(q_taken < 1.0) || !(p_taken < 1.0)) return {infinity, 0.0};

    const double log_epsilon = logarithm(epsilon), total = sums_.count.back();
    const auto smoothed = [p_taken](const group& g, double bins) {
      return g.sum - p_taken * g.others + epsilon * (bins - g.others);
    };
    // The groups, then what lies outside: below in the first group, above in the last or in the rest.
    double p_log_q = 0.0, log_q = log_epsilon;
    for (const group& g : groups) {
      log_q = g.value == 0.0 ? log_epsilon : logarithm(g.value - q_taken);
      p_log_q += smoothed(g, each) * log_q;
      if (&g == &groups.front()) p_log_q += below(b) * log_q;
    }
    const double left_over = size - each * static_cast<double>(levels_);
    p_log_q += smoothed(rest, left_over) * log_epsilon + above(b) * (left_over > 0.0 ? log_epsilon : log_q);
    double p_log_p = epsilon * log_epsilon * (size - p_others);
    for (const index_t end : {b.begin, b.end - 1})
      if (const double x = with_outside(b, end); x > 0.0 && (end == b.begin || size > 1.0))
        p_log_p += (x - p_taken) * logarithm(x - p_taken);
    if (size > 2.0) p_log_p += smoothed_x_log_x(b.begin + 1, b.end - 1, p_taken);
    const double value = (p_log_p - p_log_q) / total + logarithm(q_sum / total);
    double left_out = 1.0;  // the terms of the series after the last, for counts of 1: t^10 / 90 (1 + t + ...)
    for (int n = 0; n < 10; ++n) left_out *= p_taken;
    return {value, left_out / (90.0 * (1.0 - p_taken)) +
                       0x1p-48 * static_cast<double>(counts_.size()) * (10.0 + logarithm(total + 1.0))};
  }

  std::span<const std::uint64_t> counts_;
  index_t levels_;
  running_sums sums_;
  std::vector<double> powers_;
};

}  // namespace detail

/// The range of least divergence.
/// \param h       bins around zero, as many on each side, at most 16384. With fewer than `levels` there is nothing to
///                choose: all.
/// \param levels  in [2, 65536]; what ONNX Runtime calls num_quantized_bins.
inline result<range> try_range_entropy_onnxruntime(const binned& h, index_t levels = 128) {
  if (const auto ok = check_binned("range_entropy_onnxruntime", h); !ok) return ok.error();
  if (const auto ok = detail::check_entropy_bins("range_entropy_onnxruntime", h.bins()); !ok) return ok.error();
  if (levels < 2 || levels > 65536)
    return failure(errc::invalid_range, "range_entropy_onnxruntime: {} levels, expected 2 to 65536", levels);
  const default_float_environment environment;
  if (h.bins() < levels) return h.seen;
  const auto kept = detail::entropy_onnxruntime(h.counts, levels).search();
  float lo = h.float_edge(kept.begin), hi = h.float_edge(kept.end);
  if (lo < h.seen.lo) lo = h.seen.lo;
  if (hi > h.seen.hi) hi = h.seen.hi;
  if (lo > hi) return h.seen;  // everything seen lies outside
  return range{lo, hi};
}

/// The same of a histogram.
inline result<range> try_range_entropy_onnxruntime(const histogram& h, index_t levels = 128) {
  const auto bins = try_symmetric_bins(h);
  if (!bins) return bins.error();
  return try_range_entropy_onnxruntime(bins->view(), levels);
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where try_range_entropy_onnxruntime refuses.
inline range range_entropy_onnxruntime(const binned& h, index_t levels = 128) {
  return try_range_entropy_onnxruntime(h, levels).value();
}
inline range range_entropy_onnxruntime(const histogram& h, index_t levels = 128) {
  return try_range_entropy_onnxruntime(h, levels).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
