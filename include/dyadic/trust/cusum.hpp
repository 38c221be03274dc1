// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// cusum: an alarm on a stream of images whose false alarms come as rarely as was asked for.
//
//   const auto design = dyadic::design_cusum(10'000);      // one false alarm in 10,000 images on average
//   dyadic::cusum chart(design);
//   for (...) if (chart.observe(dyadic::normal_score(baseline, statistic))) ...
//
// E. S. Page (1954): two sums, high = max(0, high + z - k) and low = max(0, low - z - k), of scores z that are standard
// normal as long as nothing changes; an alarm when one exceeds h. k is half the shift, in standard deviations, that is
// to be found soonest. h comes from the average run length, the mean number of images until a false alarm.
#pragma once

#include <dyadic/trust/drift.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// Nodes and weights of Gauss-Legendre quadrature on [0, length]: the zeros of the Legendre polynomial of degree n by
/// Newton's method.
inline void gauss_legendre(double length, std::span<double> nodes, std::span<double> weights) noexcept {
  const std::size_t n = nodes.size();
  for (std::size_t i = 0; i < n; ++i) {
    double x = std::cos(pi * (static_cast<double>(i) + 0.75) / (static_cast<double>(n) + 0.5)), slope = 1;
    for (int step = 0; step < 100; ++step) {
      double before = 1, value = x;
      for (std::size_t d = 2; d <= n; ++d) {
        const auto k = static_cast<double>(d);
        const double next = ((2 * k - 1) * x * value - (k - 1) * before) / k;
        before = value, value = next;
      }
      slope = static_cast<double>(n) * (x * value - before) / (x * x - 1);
      x -= value / slope;
      if (std::fabs(value / slope) < 1e-15) break;
    }
    nodes[i] = 0.5 * length * (1 - x);
    weights[i] = length / ((1 - x * x) * slope * slope);
  }
}

/// Average run length of one sum of normal scores with mean `drift` - k already subtracted: from s the sum goes to
/// s + z + drift, restarts at 0 when that is negative, and ends above h.
///
/// L(s) = 1 + L(0) P(s + z + drift <= 0) + integral over (0, h) of L(y) density(y - s - drift): solved at the nodes of
/// a quadrature, which for this smooth kernel converges faster than any power of their number.
inline double one_sided_run_length(double drift, double h) {
  const std::size_t n = 24 + 4 * static_cast<std::size_t>(h), size = n + 1;
  std::vector<double> nodes(n), weights(n), a(size * (size + 1));
  gauss_legendre(h, nodes, weights);
  const double root = std::sqrt(2 * pi);
  for (std::size_t i = 0; i < size; ++i) {  // unknown 0 is L(0), unknown j + 1 is L(node j)
    const double s = i == 0 ? 0 : nodes[i - 1];
    double* row = a.data() + i * (size + 1);
    row[0] = -normal_upper(s + drift);
    for (std::size_t j = 0; j < n; ++j) {
      const double z = nodes[j] - s - drift;
      row[j + 1] = -weights[j] * std::exp(-0.5 * z * z) / root;
    }
    row[i] += 1;
    row[size] = 1;
  }
  // Gaussian elimination from the last unknown to the first. The matrix is an M-matrix whose rows sum to positive
  // numbers: diagonally dominant, so that no pivots are needed.
  for (std::size_t c = size - 1; c > 0; --c)
    for (std::size_t i = 0; i < c; ++i) {
      const double factor = a[i * (size + 1) + c] / a[c * (size + 1) + c];
      if (factor == 0) continue;
      for (std::size_t j = 0; j < c; ++j) a[i * (size + 1) + j] -= factor * a[c * (size + 1) + j];
      a[i * (size + 1) + size] -= factor * a[c * (size + 1) + size];
    }
  return a[size] / a[0];
}

}  // namespace detail

/// What makes a chart.
struct cusum_design {
  double slack = 0.5;    ///< k, in standard deviations
  double threshold = 0;  ///< h

  /// Mean number of images until an alarm when the scores have mean `shift` from the first image on: the time between
  /// false alarms at 0, the delay of the alarm elsewhere. A two-sided chart: the rates of both sides add up.
  double run_length(double shift = 0) const {
    return 1 / (1 / detail::one_sided_run_length(shift - slack, threshold) +
                1 / detail::one_sided_run_length(-shift - slack, threshold));
  }
};

/// The chart with the given average run length.
/// \param run_length  images between false alarms, in [10, 10^8].
/// \param shift       of the mean, in standard deviations, to be found soonest, in [0.2, 2]: k is half of it.
/// \param charts      how many charts share the run length, each then has `charts` times as long a one: together they
///                    give false alarms at most as often as one chart, whatever they have to do with each other.
inline result<cusum_design> try_design_cusum(double run_length, double shift = 1.0, index_t charts = 1) {
  const double wanted = run_length * static_cast<double>(charts);
  if (!(run_length >= 10 && wanted <= 1e8) || charts < 1)
    return failure(
        errc::invalid_range,
        "cusum: a run length of {} for {} charts, expected at least 10, at least 1, and a product of at most "
        "10^8",
        run_length, charts);
  if (!(shift >= 0.2 && shift <= 2))
    return failure(errc::invalid_range, "cusum: a shift of {} standard deviations, expected 0.2 to 2", shift);
  cusum_design made{.slack = shift / 2};
  // D. Siegmund (1985): one side runs for (exp(2 k b) - 2 k b - 1) / (2 k^2), b = h + 1.166: near enough to start, and
  // log run length is nearly a line in h, which the secant method follows.
  const double k = made.slack;
  double h = 0.25, slope = 2 * k, last_h = 0, last_error = 0;
  while (std::expm1(2 * k * (h + 1.166)) - 2 * k * (h + 1.166) < 4 * k * k * wanted) h += 0.25;
  for (int i = 0; i < 30; ++i) {
    made.threshold = h;
    const double error = std::log(made.run_length() / wanted);
    if (std::fabs(error) < 1e-9) break;
    if (i > 0 && h != last_h) slope = (error - last_error) / (h - last_h);
    last_h = h, last_error = error;
    h = h - error / slope > 0.01 ? h - error / slope : 0.01;
  }
  return made;
}

/// The score of x among the calibration images: the mean of the part of a standard normal distribution that x's place
/// among them stands for. Of n + 1 exchangeable images each place is as likely: whatever the statistic, the scores have
/// mean 0 and, but for the tails beyond all of calibration, the normal distribution. Equal values share the mean of
/// their places, which makes false alarms rarer, not more frequent.
inline double normal_score(const drift_baseline& calibration, float x) noexcept {
  const auto places = static_cast<double>(calibration.size() + 1);
  const double first = static_cast<double>(calibration.below(x)) / places,
               last = static_cast<double>(calibration.up_to(x) + 1) / places;
  const auto density = [](double share) {
    const double z = normal_quantile(share);
    return std::exp(-0.5 * z * z) / std::sqrt(2 * detail::pi);
  };
  return (density(first) - density(last)) / (last - first);
}

/// A running chart.
class cusum {
 public:
  explicit cusum(const cusum_design& design) noexcept : design_(design) {}

  /// Adds one score; true when this is an alarm. A NaN is one, too, and stays one until reset().
  bool observe(double score) noexcept {
    high_ += score - design_.slack, low_ += -score - design_.slack;
    high_ = high_ < 0 ? 0 : high_, low_ = low_ < 0 ? 0 : low_;
    ++observed_;
    return alarm();
  }
  bool alarm() const noexcept { return !(high_ <= design_.threshold && low_ <= design_.threshold); }
  void reset() noexcept { high_ = low_ = 0, observed_ = 0; }

  double high() const noexcept { return high_; }           ///< evidence that scores grew
  double low() const noexcept { return low_; }             ///< that they shrank
  index_t observed() const noexcept { return observed_; }  ///< scores since the start or reset()
  const cusum_design& design() const noexcept { return design_; }

 private:
  cusum_design design_;
  double high_ = 0, low_ = 0;
  index_t observed_ = 0;
};

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where try_design_cusum refuses.
inline cusum_design design_cusum(double run_length, double shift = 1.0, index_t charts = 1) {
  return try_design_cusum(run_length, shift, charts).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
