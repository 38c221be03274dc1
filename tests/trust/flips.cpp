// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Counts of flips against samples written out one by one, and the coverage of the interval of a difference.
#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include <dyadic/trust/flips.hpp>

#include "support/networks.hpp"

namespace flips_test {

using dyadic::flips;
using dyadic::index_t;

struct sample {
  std::int32_t label, before, after;
};
flips counted(const std::vector<sample>& all) {
  flips f;
  for (const sample& s : all) f.count(s.label, s.before, s.after);
  return f;
}

TEST(Flips, CountsEveryCase) {
  //                              right both  broken     fixed      wrong both, same and another answer
  const flips f = counted({{1, 1, 1}, {1, 1, 2}, {1, 3, 1}, {1, 2, 2}, {1, 2, 3}});
  EXPECT_EQ(f.samples, 5);
  EXPECT_EQ(f.changed, 3);
  EXPECT_EQ(f.right_before, 2);
  EXPECT_EQ(f.broken, 1);
  EXPECT_EQ(f.fixed, 1);
  EXPECT_EQ(f.right_after(), 2);
  EXPECT_EQ(f.difference(), 0);
  EXPECT_EQ(f.flip_rate(), 0.4);
  EXPECT_EQ(f.p(), 1);
  flips twice = f;
  twice += f;
  EXPECT_EQ(twice.samples, 10);
  EXPECT_EQ(twice.changed, 6);
  EXPECT_EQ(twice.broken + twice.fixed, 4);
}

TEST(Flips, IdenticalModelsDoNotFlip) {
  flips f;
  for (int i = 0; i < 100; ++i) f.count(i % 3, i % 2, i % 2);
  EXPECT_EQ(f.changed, 0);
  EXPECT_EQ(f.flip_rate(), 0);
  EXPECT_EQ(f.standard_error(), 0);
  EXPECT_EQ(f.p(), 1);
  EXPECT_LT(f.difference_interval().low, 0);  // 100 samples do not prove that no sample ever flips
  EXPECT_GT(f.difference_interval().high, 0);
}

TEST(Flips, NothingSeenSaysNothing) {
  const flips f;
  EXPECT_EQ(f.difference(), 0);
  EXPECT_EQ(f.standard_error(), 0);
  EXPECT_EQ(f.p(), 1);
  EXPECT_EQ(f.difference_interval().low, -1);
  EXPECT_EQ(f.difference_interval().high, 1);
}

TEST(Flips, StandardErrorIsThatOfThePairedDifferences) {
  support::integers random(1);
  for (int trial = 0; trial < 100; ++trial) {
    std::vector<sample> all;
    for (index_t i = 0; i < 50; ++i)
      all.push_back({static_cast<std::int32_t>(random.in(0, 2)), static_cast<std::int32_t>(random.in(0, 2)),
                     static_cast<std::int32_t>(random.in(0, 2))});
    double sum = 0, squares = 0;
    for (const sample& s : all) {
      const double d = (s.after == s.label ? 1 : 0) - (s.before == s.label ? 1 : 0);
      sum += d, squares += d * d;
    }
    const flips f = counted(all);
    EXPECT_DOUBLE_EQ(f.difference(), sum / 50);
    EXPECT_NEAR(f.standard_error(), std::sqrt(squares / 50 - sum / 50 * sum / 50) / std::sqrt(50.0), 1e-15);
  }
}

// All right before: no correlation, and Wilson's interval of the first accuracy ends at 1. The lower end of the
// difference is then that of the second accuracy alone, the upper end has both widths at right angles.
TEST(Flips, DifferenceIntervalWhereAllWereRight) {
  const flips f{.samples = 80, .changed = 8, .right_before = 80, .broken = 8};
  const auto after = dyadic::wilson_interval(72, 80), before = dyadic::wilson_interval(80, 80);
  EXPECT_NEAR(f.difference_interval().low, after.low - 1, 1e-15);
  EXPECT_NEAR(f.difference_interval().high, -0.1 + std::hypot(after.high - 0.9, 1 - before.low), 1e-15);
}

// The method is an approximation, so its coverage is summed exactly, over all outcomes of 60 samples of four kinds:
// right, broken, fixed, wrong. It has to stay within one point of the nominal 0.95. The plain interval of +-1.96
// standard errors does not, where flips are rare.
TEST(Flips, DifferenceIntervalCoversWhatItSays) {
  constexpr int n = 60;
  std::vector<double> log_factorial(n + 1, 0.0);
  for (int i = 1; i <= n; ++i) log_factorial[static_cast<std::size_t>(i)] = std::lgamma(i + 1.0);
  double mean = 0, least = 1, least_plain = 1;
  int cases = 0;
  for (const double broken : {0.01, 0.03, 0.1})
    for (const double fixed : {0.01, 0.05})
      for (const double right : {0.6, 0.8}) {
        const double wrong = 1 - broken - fixed - right,
                     logs[] = {std::log(right), std::log(broken), std::log(fixed), std::log(wrong)};
        double covered = 0, plain = 0;
        for (int b = 0; b <= 25; ++b)
          for (int c = 0; b + c <= 40 && c <= 15; ++c)
            for (int a = 0; a + b + c <= n; ++a) {
              const int d = n - a - b - c, counts[] = {a, b, c, d};
              double log_chance = log_factorial[n];
              for (int i = 0; i < 4; ++i)
                log_chance += counts[i] * logs[i] - log_factorial[static_cast<std::size_t>(counts[i])];
              const flips f{.samples = n, .changed = b + c, .right_before = a + b, .broken = b, .fixed = c};
              const auto interval = f.difference_interval();
              const double truth = fixed - broken;
              if (interval.low <= truth && truth <= interval.high) covered += std::exp(log_chance);
              if (std::fabs(f.difference() - truth) <= 1.96 * f.standard_error()) plain += std::exp(log_chance);
            }
        mean += covered, ++cases;
        least = std::fmin(least, covered), least_plain = std::fmin(least_plain, plain);
      }
  std::printf("coverage: mean %.4f, least %.4f, least of the plain interval %.4f\n", mean / cases, least, least_plain);
  EXPECT_GE(least, 0.94);
  EXPECT_LT(least_plain, 0.94);  // the check can fail
}

}  // namespace flips_test
