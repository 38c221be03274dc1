// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Drift: whether a statistic of images in service is still distributed as it was at calibration.
//
//   const auto before = dyadic::baselines_of(calibration_monitor.rows());
//   for (const dyadic::drift& d : dyadic::drift_of(before, running_monitor.rows()))
//     if (d.alarm) ...
//
// The unit is the image. The numbers inside one image depend on each other, so a chi-square test of raw codes would
// cry wolf at any two images; one number an image (a row of monitor.hpp) may be counted as evidence.
//
// The population stability index, PSI = sum (p - q) ln(p / q), says how large a change is, and nothing about chance:
// without any drift it is about (1/n + 1/m) times a chi-square of B - 1 degrees of freedom, 0.18 for 10 bins of 100 and
// 100 images. So an alarm needs both: a p-value from the counts, and an effect beyond what chance alone would give.
#pragma once

#include <dyadic/core/strided.hpp>
#include <dyadic/trust/statistics.hpp>

namespace dyadic::inline DYADIC_ABI {

/// One statistic of the images of calibration, in order of size.
class drift_baseline {
 public:
  static constexpr index_t fewest = 30;

  /// \param values  finite, one an image, at least 30: else errc::no_data; errc::invalid_range naming the image.
  static result<drift_baseline> try_make(std::span<const float> values) {
    if (static_cast<index_t>(values.size()) < fewest)
      return failure(errc::no_data, "drift: {} images at calibration, expected at least {}", values.size(), fewest);
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!(values[i] - values[i] == 0.0f))
        return failure(errc::invalid_range, "drift: the statistic of image {} is {}, expected a finite number", i,
                       static_cast<double>(values[i]));
    drift_baseline made;
    for (const index_t i : sorted_positions(static_cast<index_t>(values.size()), [&](index_t a, index_t b) {
           return values[static_cast<std::size_t>(a)] < values[static_cast<std::size_t>(b)];
         }))
      made.sorted_.push_back(values[static_cast<std::size_t>(i)]);
    return made;
  }
#if DYADIC_EXCEPTIONS
  explicit drift_baseline(std::span<const float> values) : drift_baseline(try_make(values).value()) {}
#endif

  std::span<const float> sorted() const noexcept { return sorted_; }
  index_t size() const noexcept { return static_cast<index_t>(sorted_.size()); }
  /// How many values are below x, and how many are at most x.
  index_t below(float x) const noexcept {
    return place([x](float v) { return v < x; });
  }
  index_t up_to(float x) const noexcept {
    return place([x](float v) { return v <= x; });
  }

  /// Places that cut the sorted values into at most `bins` parts of about the same size, at least half of that each,
  /// and never between equal values; the values at them are the lower ends of the parts but the first.
  std::vector<index_t> cuts(index_t bins) const {
    std::vector<index_t> at;
    const index_t n = size();
    for (index_t last = 0, left = bins; left > 1; --left) {
      const index_t even = (n - last + left - 1) / left, least = (n + 2 * bins - 1) / (2 * bins);
      index_t next = last + (even > least ? even : least);
      while (next < n && sorted_[static_cast<std::size_t>(next)] == sorted_[static_cast<std::size_t>(next - 1)]) ++next;
      if (n - next < least) break;
      at.push_back(last = next);
    }
    return at;
  }

 private:
  drift_baseline() = default;

  /// The first place where `before` no longer holds.
  template <class Before>
  index_t place(const Before& before) const noexcept {
    index_t first = 0, last = size();
    while (first < last) {
      const index_t middle = first + (last - first) / 2;
      if (before(sorted_[static_cast<std::size_t>(middle)]))
        first = middle + 1;
      else
        last = middle;
    }
    return first;
  }

  std::vector<float> sorted_;
};

struct drift_options {
  index_t bins = 10;          ///< at most; fewer where there are fewer than 10 images a bin or many equal values
  double alpha = 0.01;        ///< chance of one false alarm or more among all statistics tested together
  double least_effect = 0.1;  ///< of psi beyond chance; below it a proven change is too small to matter
};

/// What became of one statistic.
struct drift {
  index_t bins = 0;
  double psi = 0;            ///< sum (p - q) ln(p / q), half an image added to every count
  double psi_by_chance = 0;  ///< what it is on average without drift: (bins - 1)(1/n + 1/m)
  double p = 1;              ///< of the counts without drift, adjusted by Holm for all statistics tested together
  bool enough = false;       ///< images for a test: 20 or more
  bool alarm = false;        ///< p <= alpha and effect() >= least_effect

  double effect() const noexcept { return psi - psi_by_chance; }
};

namespace detail {

/// Counts of the values in the parts that cuts make.
inline std::vector<index_t> count_parts(const drift_baseline& b, std::span<const index_t> cuts,
                                        strided<const float> column) {
  std::vector<index_t> counts(cuts.size() + 1);
  for (index_t i = 0; i < column.rows(); ++i) {
    std::size_t part = 0;
    while (part < cuts.size() && column(i, 0) >= b.sorted()[static_cast<std::size_t>(cuts[part])]) ++part;
    ++counts[part];
  }
  return counts;
}

/// The test, not yet adjusted. Where nearly all of calibration has one value and no two parts can be made, the images
/// that have another one are counted, and the test is exact.
inline drift test_drift(const drift_baseline& b, strided<const float> column, const drift_options& how) {
  const auto m = static_cast<double>(b.size()), n = static_cast<double>(column.rows());
  const index_t fewer = b.size() < column.rows() ? b.size() : column.rows();
  drift found;
  if (fewer < 20) return found;
  found.enough = true;
  std::vector<double> before, after;
  const std::vector<index_t> cuts = b.cuts(how.bins < fewer / 10 ? how.bins : fewer / 10);
  if (cuts.empty()) {
    const float usual = b.sorted()[static_cast<std::size_t>(b.size() / 2)];
    const index_t others = b.below(usual) + b.size() - b.up_to(usual);
    index_t others_now = 0;
    for (index_t i = 0; i < column.rows(); ++i) others_now += column(i, 0) != usual ? 1 : 0;
    found.p = fisher_p(others, b.size(), others_now, column.rows());
    const auto x = static_cast<double>(others), y = static_cast<double>(others_now);
    before = {m - x, x}, after = {n - y, y};
  } else {
    const std::vector<index_t> counts = count_parts(b, cuts, column);
    double chi_square = 0;
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const index_t first = i == 0 ? 0 : cuts[i - 1], last = i < cuts.size() ? cuts[i] : b.size();
      before.push_back(static_cast<double>(last - first)), after.push_back(static_cast<double>(counts[i]));
      const double apart = before[i] / m - after[i] / n;  // over its variance if both samples are of one distribution
      chi_square += apart * apart * m * n / (before[i] + after[i]);
    }
    found.p = chi_square_upper(chi_square, static_cast<double>(counts.size() - 1));
  }
  found.bins = static_cast<index_t>(before.size());
  const double half = 0.5 * static_cast<double>(before.size());
  for (std::size_t i = 0; i < before.size(); ++i) {
    const double p = (before[i] + 0.5) / (m + half), q = (after[i] + 0.5) / (n + half);
    found.psi += (p - q) * std::log(p / q);
  }
  found.psi_by_chance = (static_cast<double>(before.size()) - 1) * (1 / n + 1 / m);
  return found;
}

}  // namespace detail

/// Tests every column of `rows` (images, statistics) against the baseline of its own.
///
/// One look at one set of images: whoever looks again and again adds up chances, and uses cusum.hpp instead.
/// errc::invalid_shape when columns and baselines differ in number, errc::no_data for no image, errc::invalid_range
/// naming the image for a NaN.
inline result<std::vector<drift>> try_drift(std::span<const drift_baseline> before, strided<const float> rows,
                                            const drift_options& how = {}) {
  if (const auto ok = check_view("drift: rows", rows); !ok) return ok.error();
  if (rows.cols() != static_cast<index_t>(before.size()))
    return failure(errc::invalid_shape, "drift: rows of {} statistics for {} baselines", rows.cols(), before.size());
  if (rows.rows() == 0 || rows.cols() == 0)
    return failure(errc::no_data, "drift: {} images of {} statistics, expected at least 1 of each", rows.rows(),
                   rows.cols());
  if (how.bins < 2 || !(how.alpha > 0 && how.alpha < 1))
    return failure(errc::invalid_range, "drift: {} bins and alpha {}, expected at least 2 and a number in (0, 1)",
                   how.bins, how.alpha);
  for (index_t i = 0; i < rows.rows(); ++i)
    for (index_t c = 0; c < rows.cols(); ++c)
      if (!(rows(i, c) - rows(i, c) == 0.0f))
        return failure(errc::invalid_range, "drift: statistic {} of image {} is {}, expected a finite number", c, i,
                       static_cast<double>(rows(i, c)));
  std::vector<drift> all;
  std::vector<double> p;
  for (index_t c = 0; c < rows.cols(); ++c) {
    const strided<const float> column(&rows(0, c), rows.rows(), 1, rows.row_stride(), 1);
    all.push_back(detail::test_drift(before[static_cast<std::size_t>(c)], column, how));
    if (all.back().enough) p.push_back(all.back().p);
  }
  holm_adjust(p);
  auto adjusted = p.begin();
  for (drift& d : all) {
    if (d.enough) d.p = *adjusted++;
    d.alarm = d.enough && d.p <= how.alpha && d.effect() >= how.least_effect;
  }
  return all;
}

/// The baseline of each column of `rows` (images, statistics).
inline result<std::vector<drift_baseline>> try_baselines(strided<const float> rows) {
  if (const auto ok = check_view("drift: rows", rows); !ok) return ok.error();
  std::vector<drift_baseline> all;
  std::vector<float> column(static_cast<std::size_t>(rows.rows()));
  for (index_t c = 0; c < rows.cols(); ++c) {
    for (index_t i = 0; i < rows.rows(); ++i) column[static_cast<std::size_t>(i)] = rows(i, c);
    auto made = drift_baseline::try_make(column);
    if (!made) return made.error();
    all.push_back(std::move(*made));
  }
  return all;
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where the try_ functions refuse.
inline std::vector<drift> drift_of(std::span<const drift_baseline> before, strided<const float> rows,
                                   const drift_options& how = {}) {
  return try_drift(before, rows, how).value();
}
inline std::vector<drift_baseline> baselines_of(strided<const float> rows) { return try_baselines(rows).value(); }
#endif

}  // namespace dyadic::inline DYADIC_ABI
