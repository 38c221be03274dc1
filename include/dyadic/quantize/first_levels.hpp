// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where Lloyd's algorithm begins: weighted points in order, and the best way there is to group them.
//
// The best grouping of at most a thousand cells is found exactly, by dynamic programming: the least error of the first
// m cells in i groups is the least, over k, of that of the first k in i - 1 groups and that of the cells k to m - 1 as
// one. The best k does not decrease with m, so that halving the range of m and of k in turn takes m log m steps for
// each group.
//
// \see Wang and Song, Ckmeans.1d.dp, 2011.
#pragma once

#include <algorithm>

#include <dyadic/core/buffer.hpp>
#include <dyadic/scheme/opaque.hpp>

namespace dyadic::inline DYADIC_ABI::detail {

/// x^(1/3), x >= 0, to about 1e-15, by Newton's iteration from above. std::cbrt differs between libraries.
inline double cube_root(double x) noexcept {
  if (!(x > 0.0)) return 0.0;
  double root = x > 1.0 ? x : 1.0;
  for (;;) {
    const double next = (opaque(2.0 * root) + x / opaque(root * root)) / 3.0;
    if (!(next < root)) return root;
    root = next;
  }
}

/// What all that lies before a border weighs, and its sum.
struct part {
  double weight = 0.0, moment = 0.0;
};

/// Different points in increasing order. What one weighs is spread evenly around it, as far as halfway to the nearer of
/// its neighbours; the outermost reach as far as those next to them.
class weighted_points {
 public:
  /// \param points   n of them, not decreasing; equal ones are put together.
  /// \param weights  n of them, or null: 1 each.
  static result<weighted_points> try_make(const double* points, const double* weights, index_t n) noexcept {
    auto point = buffer<double>::make(n), weight = buffer<double>::make(n);
    auto before = buffer<part>::make(n + 1);
    if (!point) return point.error();
    if (!weight) return weight.error();
    if (!before) return before.error();
    index_t size = 0;
    for (index_t k = 0; k < n; ++k) {
      if (size == 0 || points[k] > (*point)[size - 1]) (*point)[size++] = points[k];
      (*weight)[size - 1] += weights != nullptr ? weights[k] : 1.0;
    }
    weighted_points made(*std::move(point), *std::move(weight), *std::move(before), size);
    for (index_t k = 0; k < size; ++k)
      made.before_[k + 1] = {made.before_[k].weight + made.weight_[k],
                             made.before_[k].moment + opaque(made.weight_[k] * made.point_[k])};
    return made;
  }

  index_t size() const noexcept { return size_; }
  double point(index_t k) const noexcept { return point_[k]; }
  double weight(index_t k) const noexcept { return weight_[k]; }
  part all() const noexcept { return before_[size_]; }

  /// How far to both sides of point k lies what it weighs.
  double reach(index_t k) const noexcept {
    if (size_ < 3) return 0.0;
    const index_t inner = std::clamp(k, index_t{1}, size_ - 2);
    return std::min(point_[inner] - point_[inner - 1], point_[inner + 1] - point_[inner]) / 2;
  }

  /// What lies before x.
  part up_to(double x) const noexcept {
    // The points before `next` are at most x: all that they weigh lies before x but, in part, that of the last one, and
    // a part of what `next` weighs may.
    const index_t next = std::upper_bound(point_.begin(), point_.begin() + size_, x) - point_.begin();
    const index_t k = next > 0 && x < point_[next - 1] + reach(next - 1) ? next - 1 : next;
    if (k == size_ || !(x > point_[k] - reach(k))) return before_[k];
    const double from = point_[k] - reach(k), share = opaque(weight_[k] * ((x - from) / (2 * reach(k))));
    return {before_[k].weight + share, before_[k].moment + opaque(share * (from / 2 + x / 2))};
  }

 private:
  weighted_points(buffer<double> point, buffer<double> weight, buffer<part> before, index_t size) noexcept
      : point_(std::move(point)), weight_(std::move(weight)), before_(std::move(before)), size_(size) {}

  buffer<double> point_, weight_;
  buffer<part> before_;
  index_t size_;
};

/// Weighted cells in increasing order, cut into groups of least squared error.
class grouping {
 public:
  static constexpr index_t most_cells = 1024;

  /// The cells of points: the points themselves, or cells of equal shares of two things, cut by both: of the cube root
  /// of weight times width squared, which is how many levels should be in a place (Panter and Dite, 1951), and of the
  /// weight, because a single point far away has all of the former.
  explicit grouping(const weighted_points& p) noexcept : origin_(p.point(p.size() / 2)) {
    double total = 0.0, so_far = 0.0, weight = 0.0;
    const auto share_of = [&p](index_t k) {
      const double width = 2 * p.reach(k);
      return cube_root(opaque(p.weight(k) * opaque(width * width)));
    };
    const auto share_cell = [](double share) {
      constexpr index_t half = most_cells / 2;
      return std::min(static_cast<index_t>(share * static_cast<double>(half)), half - 1);
    };
    const bool all = p.size() <= most_cells;
    for (index_t k = 0; !all && k < p.size(); ++k) total += share_of(k);
    index_t open = -1;
    for (index_t k = 0; k < p.size(); ++k) {
      index_t cell = k;
      if (!all) {
        so_far += share_of(k);
        weight += p.weight(k);
        cell = share_cell(so_far / total) + share_cell(weight / p.all().weight);
      }
      if (cell != open) {
        open = cell;
        ++cells_;
        sums_[cells_] = sums_[cells_ - 1];
      }
      const double x = p.point(k) - origin_, moment = opaque(p.weight(k) * x);
      sums_[cells_].weight += p.weight(k);
      sums_[cells_].moment += moment;
      sums_[cells_].square += opaque(moment * x);
    }
  }

  /// The means of n groups, in increasing order; an empty group has the mean of the one after it.
  result<void> try_means(double* mean, index_t n) noexcept {
    auto first =
        buffer<std::int16_t>::make((n + 1) * (most_cells + 1));  // where the last of i groups of m cells begins
    if (!first) return first.error();
    for (index_t m = 0; m <= cells_; ++m) before_[m] = error(0, m);
    for (index_t i = 2; i <= n; ++i) {
      first_ = first->data() + i * (most_cells + 1);
      find(0, cells_, 0, cells_);
      for (index_t m = 0; m <= cells_; ++m) before_[m] = now_[m];
    }
    index_t end = cells_;
    for (index_t i = n; i > 0; --i) {
      const index_t begin = i > 1 ? (*first)[i * (most_cells + 1) + end] : 0;
      const double weight = sums_[end].weight - sums_[begin].weight;
      const bool empty = !(weight > 0.0);
      mean[i - 1] = empty ? (i < n ? mean[i] : origin_) : origin_ + (sums_[end].moment - sums_[begin].moment) / weight;
      end = begin;
    }
    return {};
  }

 private:
  struct sum {
    double weight = 0.0, moment = 0.0, square = 0.0;
  };

  /// The squared error of cells begin to end - 1 as one group.
  double error(index_t begin, index_t end) const noexcept {
    const double weight = sums_[end].weight - sums_[begin].weight, moment = sums_[end].moment - sums_[begin].moment;
    if (!(weight > 0.0)) return 0.0;
    const double left = sums_[end].square - sums_[begin].square - opaque(moment * (moment / weight));
    return left > 0.0 ? left : 0.0;
  }

  /// The best begin of the last group, of the first m cells, m in [low, high], known to be in [from, to].
  void find(index_t low, index_t high, index_t from, index_t to) noexcept {
    if (low > high) return;
    const index_t m = (low + high) / 2;
    index_t best = from;
    double least = before_[from] + error(from, m);
    for (index_t k = from + 1; k <= std::min(to, m); ++k)
      if (const double tried = before_[k] + error(k, m); tried < least) least = tried, best = k;
    now_[m] = least;
    first_[m] = static_cast<std::int16_t>(best);
    find(low, m - 1, from, best);
    find(m + 1, high, best, to);
  }

  double origin_;
  index_t cells_ = 0;
  sum sums_[most_cells + 1];
  double before_[most_cells + 1] = {}, now_[most_cells + 1] = {};
  std::int16_t* first_ = nullptr;
};

}  // namespace dyadic::inline DYADIC_ABI::detail
