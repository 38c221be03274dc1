// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the entropy (Kullback-Leibler) range searches share: the divergence, and the choice of the least of many.
//
// By its definition a search costs O(bins) for each of O(bins) candidates. Here every candidate is first estimated in
// O(levels), from sums over the bins that are formed once, with a bound of the estimate's error; then the definition
// decides among those that can be the least. The answer is therefore that of the definition, whatever the estimates'
// last bits are: it is the same on every machine although the estimates need not be.
#pragma once

#include <limits>
#include <span>
#include <vector>

#include <dyadic/calibrate/binned.hpp>
#include <dyadic/calibrate/logarithm.hpp>

namespace dyadic::inline DYADIC_ABI::detail {

/// sum of p log(p / q) of the two made to sum to 1, as scipy.stats.entropy(p, q) takes it: 0 where p is 0, infinite
/// where only q is.
inline double kullback_leibler(std::span<const double> p, std::span<const double> q) noexcept {
  double p_sum = 0.0, q_sum = 0.0, sum = 0.0;
  for (const double x : p) p_sum += x;
  for (const double x : q) q_sum += x;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (!(p[i] > 0.0)) continue;
    if (!(q[i] > 0.0)) return std::numeric_limits<double>::infinity();
    const double share = p[i] / p_sum;
    sum += opaque(share * logarithm(share / (q[i] / q_sum)));
  }
  return sum;
}

/// Where many candidates are equal, as in sparse data, the definition looks at all of them: O(bins^2).
inline constexpr index_t most_entropy_bins = 16384;

inline result<void> check_entropy_bins(const char* what, index_t bins) noexcept {
  if (bins > most_entropy_bins)
    return failure(errc::invalid_shape, "{}: {} bins, expected at most {}", what, bins, most_entropy_bins);
  return {};
}

/// A divergence and how far it may be off.
struct estimate {
  double value = 0.0, error = 0.0;
};

/// Which of equal ones.
enum class least { first, last };

/// The number of the candidate whose exact(i) is the least.
template <class Exact>
std::size_t least_of(std::span<const estimate> all, least which, Exact&& exact) {
  double most = std::numeric_limits<double>::infinity();
  for (const estimate& e : all)
    if (e.value + e.error < most) most = e.value + e.error;
  std::size_t best = which == least::first ? 0 : all.size() - 1;
  double best_value = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!(all[i].value - all[i].error <= most)) continue;
    const double value = exact(i);
    if (value < best_value || (which == least::last && value == best_value)) best = i, best_value = value;
  }
  return best;
}

/// Sums over the first k bins, k from 0 to n; and the logarithm of k.
struct running_sums {
  std::vector<double> count, x_log_x, log_of;
  std::vector<std::int32_t> nonzero;

  explicit running_sums(std::span<const std::uint64_t> counts)
      : count(counts.size() + 1), x_log_x(counts.size() + 1), log_of(counts.size() + 1), nonzero(counts.size() + 1) {
    for (std::size_t k = 0; k < counts.size(); ++k) {
      const auto x = static_cast<double>(counts[k]);
      count[k + 1] = count[k] + x;
      x_log_x[k + 1] = x_log_x[k] + (x > 0.0 ? x * logarithm(x) : 0.0);
      log_of[k + 1] = logarithm(static_cast<double>(k + 1));
      nonzero[k + 1] = nonzero[k] + (counts[k] != 0 ? 1 : 0);
    }
  }
};

}  // namespace dyadic::inline DYADIC_ABI::detail
