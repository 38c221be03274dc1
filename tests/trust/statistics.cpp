// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Intervals and tests against their definitions, by enumeration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include <dyadic/trust/statistics.hpp>

namespace statistics_test {

using dyadic::index_t;
using testing::DoubleNear;
using testing::ElementsAre;

TEST(Statistics, WilsonEndsAreWhereTheScoreIsTheQuantile) {
  for (const index_t n : {1, 7, 100, 12345})
    for (index_t k = 0; k <= n; k += n / 7 + 1) {
      const auto i = dyadic::wilson_interval(k, n, 0.95);
      const double p = static_cast<double>(k) / static_cast<double>(n), z = 1.959963984540054;
      for (const double end : {i.low, i.high}) {
        if ((end == 0 && k == 0) || (end == 1 && k == n)) continue;
        EXPECT_NEAR(std::fabs(p - end), z * std::sqrt(end * (1 - end) / static_cast<double>(n)), 1e-13);
      }
      EXPECT_LE(i.low, p);
      EXPECT_GE(i.high, p);
    }
  EXPECT_EQ(dyadic::wilson_interval(0, 0).low, 0);
  EXPECT_EQ(dyadic::wilson_interval(0, 0).high, 1);
}

TEST(Statistics, ClopperPearsonHasItsTails) {
  const double outside = 0.025;
  for (const index_t n : {1, 5, 20, 1000}) {
    // None of n: (1 - p)^n = outside.
    EXPECT_NEAR(dyadic::clopper_pearson_interval(0, n).high, 1 - std::pow(outside, 1 / static_cast<double>(n)), 1e-14);
    EXPECT_EQ(dyadic::clopper_pearson_interval(0, n).low, 0);
    EXPECT_EQ(dyadic::clopper_pearson_interval(n, n).high, 1);
    EXPECT_NEAR(dyadic::clopper_pearson_interval(n, n).low, std::pow(outside, 1 / static_cast<double>(n)), 1e-14);
  }
  // Published: 10 of 100.
  EXPECT_NEAR(dyadic::clopper_pearson_interval(10, 100).low, 0.04900469, 1e-8);
  EXPECT_NEAR(dyadic::clopper_pearson_interval(10, 100).high, 0.17622260, 1e-8);
  EXPECT_EQ(dyadic::clopper_pearson_interval(0, 0).high, 1);
  // Its coverage, exactly, of 25 trials of any chance.
  for (double p = 0.01; p < 1; p += 0.01) {
    double covered = 0;
    for (int k = 0; k <= 25; ++k) {
      const auto i = dyadic::clopper_pearson_interval(k, 25);
      const double chance = std::exp(std::lgamma(26.0) - std::lgamma(k + 1.0) - std::lgamma(26.0 - k)) *
                            std::pow(p, k) * std::pow(1 - p, 25 - k);
      if (i.low <= p && p <= i.high) covered += chance;
    }
    EXPECT_GE(covered, 0.95) << p;
  }
}

TEST(Statistics, McNemarCountsTheSequences) {
  // Of the 2^m ways in which m changed answers can be broken or fixed, those at least as one-sided.
  for (int m = 0; m <= 14; ++m)
    for (int b = 0; b <= m; ++b) {
      int as_far = 0;
      for (unsigned way = 0; way < 1U << m; ++way) {
        const int other = std::popcount(way);
        as_far += std::abs(2 * other - m) >= std::abs(2 * b - m) ? 1 : 0;
      }
      EXPECT_NEAR(dyadic::mcnemar_p(b, m - b), static_cast<double>(as_far) / static_cast<double>(1U << m), 1e-14);
    }
}

TEST(Statistics, FisherCountsTheOrders) {
  // Every choice of which of m + n are marked, as many as there are, is as likely.
  for (int m = 0; m <= 7; ++m)
    for (int n = 1; n <= 6; ++n)
      for (int a = 0; a <= m; ++a)
        for (int k = 0; k <= n; ++k) {
          double at_least = 0, at_most = 0, all = 0;
          for (unsigned marked = 0; marked < 1U << (m + n); ++marked) {
            if (std::popcount(marked) != a + k) continue;
            const int among_n = std::popcount(marked >> m);
            all += 1, at_least += among_n >= k ? 1 : 0, at_most += among_n <= k ? 1 : 0;
          }
          EXPECT_NEAR(dyadic::fisher_p(a, m, k, n), std::fmin(1, 2 * std::fmin(at_least, at_most) / all), 1e-13);
        }
  EXPECT_EQ(dyadic::fisher_p(0, 1'000'000, 1'000'000, 1'000'000), 0);  // smaller than any double
  EXPECT_EQ(dyadic::fisher_p(500'000, 1'000'000, 500'000, 1'000'000), 1);
}

TEST(Statistics, PowerIsASumOverAllOutcomes) {
  const double broken = 0.2, fixed = 0.05;
  for (const int n : {5, 12, 30, 60})
    for (const double alpha : {0.05, 0.3}) {
      double power = 0;
      for (int b = 0; b <= n; ++b)
        for (int c = 0; b + c <= n; ++c) {
          const double ways = std::exp(std::lgamma(n + 1.0) - std::lgamma(b + 1.0) - std::lgamma(c + 1.0) -
                                       std::lgamma(n - b - c + 1.0));
          if (dyadic::mcnemar_p(b, c) <= alpha)
            power += ways * std::pow(broken, b) * std::pow(fixed, c) * std::pow(1 - broken - fixed, n - b - c);
        }
      EXPECT_NEAR(dyadic::mcnemar_power(n, broken, fixed, alpha), power, 1e-12) << n << ' ' << alpha;
    }
  EXPECT_EQ(dyadic::mcnemar_power(100, 0, 0, 0.05), 0);
  EXPECT_EQ(dyadic::mcnemar_power(0, 0.1, 0, 0.05), 0);
  EXPECT_NEAR(dyadic::mcnemar_power(100'000, 0.03, 0, 0.05), 1, 1e-12);
}

TEST(Statistics, HolmByHand) {
  double p[] = {0.01, 0.04, 0.03, 0.005};
  dyadic::holm_adjust(p);
  // Sorted: 0.005 * 4, 0.01 * 3, 0.03 * 2, and 0.04 * 1, which may not be below the one before it.
  EXPECT_THAT(p, ElementsAre(DoubleNear(0.03, 1e-15), DoubleNear(0.06, 1e-15), DoubleNear(0.06, 1e-15),
                             DoubleNear(0.02, 1e-15)));
  double large[] = {0.9, 0.8, 1.0};
  dyadic::holm_adjust(large);
  EXPECT_THAT(large, ElementsAre(1.0, 1.0, 1.0));
  double one[] = {0.2};
  dyadic::holm_adjust(one);
  EXPECT_EQ(one[0], 0.2);
  dyadic::holm_adjust({});
}

TEST(Statistics, SortedPositionsKeepEqualOnesInPlace) {
  const int x[] = {3, 1, 2, 1, 3, 0, 1};
  const auto order = dyadic::sorted_positions(7, [&](index_t a, index_t b) { return x[a] < x[b]; });
  EXPECT_THAT(order, ElementsAre(5, 1, 3, 6, 2, 0, 4));
  EXPECT_TRUE(dyadic::sorted_positions(0, [](index_t, index_t) { return false; }).empty());
}

}  // namespace statistics_test
