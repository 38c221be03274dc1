// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How alike two lists of numbers rank the same things: Spearman, Kendall's tau-b, top-k overlap, equal signs.
//
// Integer attributions tie, so ties are dealt with everywhere: average ranks, tau-b, shares of a place in the top k.
// A constant list ranks nothing. Two constant lists agree (1); a constant one and another have nothing in common (0).
#pragma once

#include <dyadic/trust/statistics.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// Refuses lists that have no ranks, before anything is allocated.
inline result<void> check_lists(const char* what, std::span<const double> a, std::span<const double> b) noexcept {
  if (a.size() != b.size())
    return failure(errc::invalid_shape, "{}: lists of {} and {} numbers, expected the same", what, a.size(), b.size());
  if (a.size() < 2) return failure(errc::no_data, "{}: {} numbers, expected at least 2", what, a.size());
  for (const auto& list : {a, b})
    for (std::size_t i = 0; i < list.size(); ++i)
      if (!(list[i] == list[i]))
        return failure(errc::invalid_range, "{}: number {} of list {} is NaN", what, i,
                       list.data() == a.data() ? 1 : 2);
  return {};
}

/// Twice the rank of each number, from 2 to 2 n, the mean of their ranks for equal ones: integers.
inline std::vector<std::int64_t> doubled_ranks(std::span<const double> a) {
  const auto n = static_cast<index_t>(a.size());
  const auto at = [&](index_t i) { return a[static_cast<std::size_t>(i)]; };
  const std::vector<index_t> order = sorted_positions(n, [&](index_t i, index_t j) { return at(i) < at(j); });
  std::vector<std::int64_t> ranks(a.size());
  for (std::size_t first = 0, last = 0; first < order.size(); first = last) {
    while (last < order.size() && at(order[last]) == at(order[first])) ++last;
    for (std::size_t i = first; i < last; ++i)
      ranks[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(first + 1 + last);
  }
  return ranks;
}

/// together / sqrt(of_a * of_b), and what a constant list is worth.
inline double correlation(double together, double of_a, double of_b) noexcept {
  if (of_a == 0 || of_b == 0) return of_a == of_b ? 1.0 : 0.0;
  return together / std::sqrt(of_a * of_b);
}

/// The k numbers with the largest magnitude. `surely` are larger than the k-th; `tied` are as large as it, and share
/// the places that are left.
struct top_places {
  double threshold = 0;
  index_t surely = 0, tied = 0, k = 0;

  /// 2: surely, 1: tied, 0: not.
  int grade(double x) const noexcept {
    const double size = x < 0 ? -x : x;
    return size > threshold ? 2 : size == threshold ? 1 : 0;
  }
  double left() const noexcept { return static_cast<double>(k - surely); }
};
inline top_places top_places_of(std::span<const double> a, index_t k) {
  const auto size = [&](index_t i) {
    const double x = a[static_cast<std::size_t>(i)];
    return x < 0 ? -x : x;
  };
  const std::vector<index_t> order =
      sorted_positions(static_cast<index_t>(a.size()), [&](index_t i, index_t j) { return size(i) > size(j); });
  top_places top{.threshold = size(order[static_cast<std::size_t>(k - 1)]), .k = k};
  for (const double x : a) {
    top.surely += top.grade(x) == 2 ? 1 : 0;
    top.tied += top.grade(x) == 1 ? 1 : 0;
  }
  return top;
}

/// The sum of min(share in top a, share in top b) when counts[i][j] numbers have grade i in a and j in b. Products come
/// before quotients: a list and itself overlap in exactly k.
inline double shared_places(const top_places& a, const top_places& b, const double counts[3][3]) noexcept {
  const double in_a = static_cast<double>(a.tied), in_b = static_cast<double>(b.tied);
  const bool a_less = a.left() * in_b <= b.left() * in_a;
  return counts[2][2] + counts[2][1] * b.left() / in_b + counts[1][2] * a.left() / in_a +
         (a_less ? counts[1][1] * a.left() / in_a : counts[1][1] * b.left() / in_b);
}

}  // namespace detail

/// Spearman's rho with average ranks: Pearson's correlation of the ranks, in [-1, 1].
inline result<double> try_spearman(std::span<const double> a, std::span<const double> b) {
  if (const auto ok = detail::check_lists("spearman", a, b); !ok) return ok.error();
  const std::vector<std::int64_t> of_a = detail::doubled_ranks(a), of_b = detail::doubled_ranks(b);
  const auto middle = static_cast<double>(a.size() + 1);
  double aa = 0, bb = 0, ab = 0;
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    const double x = static_cast<double>(of_a[i]) - middle, y = static_cast<double>(of_b[i]) - middle;
    aa = std::fma(x, x, aa);
    bb = std::fma(y, y, bb);
    ab = std::fma(x, y, ab);
  }
  return detail::correlation(ab, aa, bb);
}

/// Kendall's tau-b, in [-1, 1]: (concordant - discordant pairs) / sqrt(pairs untied in a * pairs untied in b), counted
/// in O(n log n) as W. R. Knight (1966) proposed, in 64-bit integers: exact below 2^32 numbers.
inline result<double> try_kendall(std::span<const double> a, std::span<const double> b) {
  if (const auto ok = detail::check_lists("kendall", a, b); !ok) return ok.error();
  const std::vector<std::int64_t> of_a = detail::doubled_ranks(a), of_b = detail::doubled_ranks(b);
  const auto n = static_cast<index_t>(a.size());
  const auto before = [&](index_t i, index_t j) {
    const auto x = static_cast<std::size_t>(i), y = static_cast<std::size_t>(j);
    return of_a[x] != of_a[y] ? of_a[x] < of_a[y] : of_b[x] < of_b[y];
  };
  const std::vector<index_t> order = sorted_positions(n, before);
  // tree: of those earlier in `order`, how many have a doubled rank of up to r in b; partial sums (P. Fenwick, 1994).
  std::vector<std::int64_t> tree(2 * a.size() + 1);
  std::int64_t discordant = 0, tied_a = 0, tied_both = 0, tied_b = 0, run_a = 0, run_both = 0;
  for (index_t i = 0; i < n; ++i) {
    const auto here = static_cast<std::size_t>(order[static_cast<std::size_t>(i)]);
    const auto last = static_cast<std::size_t>(order[static_cast<std::size_t>(i > 0 ? i - 1 : 0)]);
    run_a = i > 0 && of_a[here] == of_a[last] ? run_a + 1 : 0;
    run_both = run_a > 0 && of_b[here] == of_b[last] ? run_both + 1 : 0;
    tied_a += run_a;
    tied_both += run_both;
    // Among those before: larger in b is discordant (equal in a comes in order of b, so never larger), equal is a tie.
    const auto up_to = [&](std::int64_t r) {
      std::int64_t count = 0;
      for (; r > 0; r -= r & -r) count += tree[static_cast<std::size_t>(r)];
      return count;
    };
    const std::int64_t rank = of_b[here], no_larger = up_to(rank);
    discordant += i - no_larger;
    tied_b += no_larger - up_to(rank - 1);
    for (std::int64_t r = rank; r < static_cast<std::int64_t>(tree.size()); r += r & -r)
      ++tree[static_cast<std::size_t>(r)];
  }
  const std::int64_t pairs = std::int64_t{n} * (n - 1) / 2;
  const std::int64_t concordant = pairs - tied_a - tied_b + tied_both - discordant;
  return detail::correlation(static_cast<double>(concordant - discordant), static_cast<double>(pairs - tied_a),
                             static_cast<double>(pairs - tied_b));
}

/// What the k numbers of largest magnitude of two lists have in common, as shares of k.
struct top_k_overlap {
  double shared = 0;     ///< |top of a and top of b| / k
  double by_chance = 0;  ///< the same, expected when one list is shuffled: k / d when the k-th place has no ties
  double same_sign = 0;  ///< of the top of a: how many have the sign (-1, 0 or 1) that they have in b
};

/// Numbers that tie for the last places share them: each is in the top to the same part, so the order of equal numbers
/// changes nothing. What two such parts have in common is the smaller one.
/// \param k  in [1, length].
inline result<top_k_overlap> try_top_k_overlap(std::span<const double> a, std::span<const double> b, index_t k) {
  if (const auto ok = detail::check_lists("top k", a, b); !ok) return ok.error();
  const auto d = static_cast<index_t>(a.size());
  if (k < 1 || k > d) return failure(errc::invalid_shape, "top k: k is {}, expected 1 to {}", k, d);
  const detail::top_places in_a = detail::top_places_of(a, k), in_b = detail::top_places_of(b, k);
  double counts[3][3] = {}, expected[3][3] = {}, same[3] = {};
  for (std::size_t i = 0; i < a.size(); ++i) {
    const int grade = in_a.grade(a[i]);
    counts[grade][in_b.grade(b[i])] += 1;
    const int sign_a = (a[i] > 0) - (a[i] < 0), sign_b = (b[i] > 0) - (b[i] < 0);
    same[grade] += sign_a == sign_b ? 1 : 0;
  }
  const double of_a[3] = {0, static_cast<double>(in_a.tied), static_cast<double>(in_a.surely)};
  const double of_b[3] = {0, static_cast<double>(in_b.tied), static_cast<double>(in_b.surely)};
  for (int i = 1; i < 3; ++i)
    for (int j = 1; j < 3; ++j) expected[i][j] = of_a[i] * of_b[j] / static_cast<double>(d);
  const auto places = static_cast<double>(k);
  return top_k_overlap{detail::shared_places(in_a, in_b, counts) / places,
                       detail::shared_places(in_a, in_b, expected) / places,
                       (same[2] + same[1] * in_a.left() / static_cast<double>(in_a.tied)) / places};
}

}  // namespace dyadic::inline DYADIC_ABI
