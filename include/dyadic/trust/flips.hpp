// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// flips: what happened to the answers of some samples between two models, and how sure that is.
//
// Equal accuracies can hide many changed answers: a model that breaks 3 % and fixes 3 % is as accurate as before and
// another model. So a change is counted where it happens, on the same samples, and tested as paired counts.
#pragma once

#include <dyadic/trust/statistics.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Counts over samples that two models answered, `before` and `after`. Add those of other samples with +=.
struct flips {
  index_t samples = 0;
  index_t changed = 0;       ///< another answer, right or wrong
  index_t right_before = 0;  ///< right answers of the first model
  index_t broken = 0;        ///< right before, wrong after
  index_t fixed = 0;         ///< wrong before, right after

  void count(std::int32_t label, std::int32_t before, std::int32_t after) noexcept {
    ++samples;
    changed += before != after ? 1 : 0;
    right_before += before == label ? 1 : 0;
    broken += before == label && after != label ? 1 : 0;
    fixed += before != label && after == label ? 1 : 0;
  }
  flips& operator+=(const flips& o) noexcept {
    samples += o.samples, changed += o.changed, right_before += o.right_before;
    broken += o.broken, fixed += o.fixed;
    return *this;
  }

  index_t right_after() const noexcept { return right_before - broken + fixed; }
  double accuracy_before() const noexcept { return share(right_before); }
  double accuracy_after() const noexcept { return share(right_after()); }
  /// Accuracy gained, in [-1, 1]: (fixed - broken) / samples.
  double difference() const noexcept { return share(fixed - broken); }
  /// Of difference(), for paired answers: sqrt(b + c - (b - c)^2 / n) / n.
  double standard_error() const noexcept {
    const auto b = static_cast<double>(broken), c = static_cast<double>(fixed), n = static_cast<double>(samples);
    return samples == 0 ? 0 : std::sqrt(b + c - (b - c) * (b - c) / n) / n;
  }
  /// Share of the samples that were broken or fixed.
  double flip_rate() const noexcept { return share(broken + fixed); }
  confidence_interval flip_rate_interval(double confidence = 0.95) const noexcept {
    return wilson_interval(broken + fixed, samples, confidence);
  }
  /// McNemar's exact test of broken against fixed, two-sided.
  double p() const noexcept { return mcnemar_p(broken, fixed); }

  /// Of difference(). R. G. Newcombe (1998), method 10: Wilson's intervals of both accuracies, joined by the
  /// correlation of the answers. Unlike difference() +- 1.96 standard errors it has a width when nothing flipped.
  confidence_interval difference_interval(double confidence = 0.95) const noexcept {
    if (samples == 0) return {-1, 1};
    const auto n = static_cast<double>(samples);
    const double before = accuracy_before(), after = accuracy_after();
    const confidence_interval i = wilson_interval(right_before, samples, confidence),
                              j = wilson_interval(right_after(), samples, confidence);
    const double both = static_cast<double>(right_before - broken),
                 neither = n - both - static_cast<double>(broken + fixed);
    const double margins = n * n * before * (1 - before) * n * n * after * (1 - after);
    double joint = both * neither - static_cast<double>(broken) * static_cast<double>(fixed);
    if (joint > 0) joint = joint > n / 2 ? joint - n / 2 : 0;  // the continuity correction of the method
    const double correlation = margins > 0 ? joint / std::sqrt(margins) : 0;
    const auto distance = [correlation](double a, double b) {
      const double square = a * a - 2 * correlation * a * b + b * b;
      return square > 0 ? std::sqrt(square) : 0;
    };
    return {difference() - distance(after - j.low, i.high - before),
            difference() + distance(j.high - after, before - i.low)};
  }

 private:
  double share(index_t count) const noexcept {
    return samples == 0 ? 0 : static_cast<double>(count) / static_cast<double>(samples);
  }
};

}  // namespace dyadic::inline DYADIC_ABI
