// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What counts prove: intervals of a proportion, exact tests of paired answers, and what many tests at once are worth.
#pragma once

#include <span>
#include <vector>

#include <dyadic/core/result.hpp>
#include <dyadic/trust/distributions.hpp>
#include <dyadic/trust/order.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Two ends that hold an unknown number with a stated confidence.
struct confidence_interval {
  double low = 0, high = 1;
};

/// E. B. Wilson (1927): the proportions p for which k of n is within the normal quantile of n p. [0, 1] when n is 0.
inline confidence_interval wilson_interval(index_t k, index_t n, double confidence = 0.95) noexcept {
  if (n <= 0) return {};
  const double z = normal_quantile(0.5 + 0.5 * confidence), count = static_cast<double>(n);
  const double p = static_cast<double>(k) / count, weight = z * z / count;
  const double middle = p + weight / 2, half = z * std::sqrt((p * (1 - p) + weight / 4) / count);
  return {k == 0 ? 0 : (middle - half) / (1 + weight), k == n ? 1 : (middle + half) / (1 + weight)};
}

/// The p in [0, 1] where the increasing function f crosses `wanted`, to the last bits of a double.
template <class F>
double solve_increasing(double wanted, const F& f) noexcept {
  double low = 0, high = 1;
  for (int i = 0; i < 1100 && high - low > 4e-16 * high; ++i) {
    const double middle = 0.5 * (low + high);
    (f(middle) < wanted ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

/// C. J. Clopper and E. S. Pearson (1934): never less confident than stated. [0, 1] when n is 0.
inline confidence_interval clopper_pearson_interval(index_t k, index_t n, double confidence = 0.95) noexcept {
  if (n <= 0) return {};
  const double outside = 0.5 * (1 - confidence);
  const auto at_least = [=](double p) { return binomial_upper(k, n, p); };
  const auto more_than = [=](double p) { return binomial_upper(k + 1, n, p); };
  return {k <= 0 ? 0 : solve_increasing(outside, at_least), k >= n ? 1 : solve_increasing(1 - outside, more_than)};
}

/// Exact two-sided McNemar test: how often would `broken` and `fixed` differ so much if each changed answer were as
/// likely to be one as the other? 1 when nothing changed.
inline double mcnemar_p(index_t broken, index_t fixed) noexcept {
  const double p = 2 * binomial_lower(broken < fixed ? broken : fixed, broken + fixed, 0.5);
  return p < 1 ? p : 1;
}

/// Fisher's exact test, two-sided: twice the smaller tail of the chance that, of all a + k marked ones among m + n that
/// could stand in any order, k or as extreme a number are among the n. In units of the chance of k itself, so that
/// nothing underflows.
inline double fisher_p(index_t a, index_t m, index_t k, index_t n) noexcept {
  const index_t marked = a + k, first = marked > m ? marked - m : 0, last = marked < n ? marked : n;
  const auto ratio = [](index_t p, index_t q, index_t r, index_t s) {
    return static_cast<double>(p) * static_cast<double>(q) / (static_cast<double>(r) * static_cast<double>(s));
  };
  double above = 0, below = 0, chance = 1;
  for (index_t x = k; x < last; ++x) above += chance *= ratio(n - x, marked - x, x + 1, m - marked + x + 1);
  chance = 1;
  for (index_t x = k; x > first; --x) below += chance *= ratio(x, m - marked + x, n - x + 1, marked - x + 1);
  const double p = 2 * (1 + (above < below ? above : below)) / (1 + above + below);
  return p < 1 ? p : 1;
}

/// The chance that McNemar's test on n samples says p <= alpha when one sample is broken with chance `broken` and fixed
/// with chance `fixed`: the sum over every number of changed answers. What a stated power states.
inline double mcnemar_power(index_t n, double broken, double fixed, double alpha) noexcept {
  const double changed = broken + fixed;
  if (!(changed > 0) || n <= 0) return 0;
  double power = 0;
  index_t most = -1;  // the largest count of the rarer kind that is significant among m; grows with m
  for (index_t m = 1; m <= n; ++m) {
    const double chance = binomial_lower(m, n, changed) - binomial_lower(m - 1, n, changed);
    if (chance < 1e-18) continue;
    while (2 * (most + 2) <= m && mcnemar_p(most + 1, m - most - 1) <= alpha) ++most;
    while (most >= 0 && mcnemar_p(most, m - most) > alpha) --most;
    if (most < 0) continue;
    power += chance * (binomial_lower(most, m, broken / changed) + binomial_lower(most, m, fixed / changed));
  }
  return power;
}

/// Positions 0 .. n - 1 in the order less(i, j) says, equal ones as they stood.
template <class Less>
std::vector<index_t> sorted_positions(index_t n, const Less& less) {
  std::vector<index_t> order(static_cast<std::size_t>(n));
  for (index_t i = 0; i < n; ++i) order[static_cast<std::size_t>(i)] = i;
  sort_by(std::span<index_t>(order), [&](index_t a, index_t b) { return less(a, b) || (!less(b, a) && a < b); });
  return order;
}

/// S. Holm (1979): adjusts the p-values of a family in place, so that rejecting those <= alpha is wrong anywhere at all
/// with chance at most alpha, whatever the tests have to do with each other.
inline void holm_adjust(std::span<double> p) {
  const std::vector<index_t> order = sorted_positions(static_cast<index_t>(p.size()), [&](index_t a, index_t b) {
    return p[static_cast<std::size_t>(a)] < p[static_cast<std::size_t>(b)];
  });
  double least = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    double& here = p[static_cast<std::size_t>(order[i])];
    const double times = here * static_cast<double>(order.size() - i);
    least = times > least ? times : least;
    here = least < 1 ? least : 1;
  }
}

}  // namespace dyadic::inline DYADIC_ABI
