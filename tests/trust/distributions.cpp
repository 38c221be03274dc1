// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tail probabilities against closed forms, exact sums and published quantiles, none of which share a formula with them.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <dyadic/trust/distributions.hpp>

namespace distributions_test {

using dyadic::index_t;

/// What the header promises for counts up to 10^5.
constexpr double promised = 1e-12;

void expect_near(double value, double expected, double relative = promised) {
  EXPECT_LE(std::fabs(value - expected), relative * std::fabs(expected)) << value << " and " << expected;
}

TEST(Distributions, NormalQuantilesAsPublished) {
  // NIST/SEMATECH and Abramowitz & Stegun table 26.5, with more digits.
  expect_near(dyadic::normal_quantile(0.975), 1.959963984540054);
  expect_near(dyadic::normal_quantile(0.995), 2.575829303548901);
  expect_near(dyadic::normal_quantile(0.9), 1.2815515655446004);
  expect_near(dyadic::normal_quantile(0.001), -3.090232306167813);
  expect_near(dyadic::normal_quantile(1e-10), -6.361340902404056);
  EXPECT_EQ(dyadic::normal_quantile(0.5), 0);
}

TEST(Distributions, NormalQuantileUndoesTheTail) {
  for (double p = 1e-300; p < 0.5; p *= 1.7)
    // One unit in the last place of x changes the tail by x^2 of its own units.
    expect_near(dyadic::normal_upper(-dyadic::normal_quantile(p)), p, 1e-12);
  EXPECT_EQ(dyadic::normal_quantile(0), -std::numeric_limits<double>::infinity());
  EXPECT_EQ(dyadic::normal_quantile(1), std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(dyadic::normal_quantile(-0.1)));
  EXPECT_TRUE(std::isnan(dyadic::normal_quantile(1.1)));
  EXPECT_TRUE(std::isnan(dyadic::normal_quantile(std::nan(""))));
}

TEST(Distributions, GammaOfWholeNumbersIsAFiniteSum) {
  for (int a = 1; a <= 40; ++a)
    for (const double x : {1e-3, 0.5, 1.0, 3.0, 10.0, 30.0, 41.0, 100.0, 500.0}) {
      double sum = 0, term = std::exp(-x);  // Q(a, x) = exp(-x) (1 + x + ... + x^(a-1) / (a-1)!)
      for (int k = 0; k < a; ++k, term *= x / k) sum += term;
      expect_near(dyadic::gamma_upper(a, x), sum);
    }
}
TEST(Distributions, GammaOfAHalfIsTheErrorFunction) {
  for (const double x : {1e-6, 0.01, 0.5, 1.49, 1.51, 4.0, 50.0, 600.0})
    expect_near(dyadic::gamma_upper(0.5, x), std::erfc(std::sqrt(x)), x < 1e-5 ? 2e-12 : promised);
  EXPECT_EQ(dyadic::gamma_upper(2, 0), 1);
  EXPECT_EQ(dyadic::gamma_upper(2, std::numeric_limits<double>::infinity()), 0);
  EXPECT_TRUE(std::isnan(dyadic::gamma_upper(0, 1)));
  EXPECT_TRUE(std::isnan(dyadic::gamma_upper(1, -1)));
}

TEST(Distributions, ChiSquareAsPublished) {
  expect_near(dyadic::chi_square_upper(3.841458820694124, 1), 0.05);
  expect_near(dyadic::chi_square_upper(18.307038053275146, 10), 0.05);
  expect_near(dyadic::chi_square_upper(135.80672317102676, 100), 0.01);
}

/// C(n, k) for n <= 60: exact.
double binomial_coefficient(int n, int k) {
  std::uint64_t c = 1;
  for (int i = 1; i <= k; ++i) c = c * static_cast<std::uint64_t>(n - k + i) / static_cast<std::uint64_t>(i);
  return static_cast<double>(c);
}

TEST(Distributions, BinomialTailsAreSumsOfTerms) {
  for (const int n : {1, 2, 5, 13, 30, 50})
    for (const double p : {1e-8, 0.01, 0.25, 0.5, 0.9}) {
      std::vector<double> term;
      for (int k = 0; k <= n; ++k) term.push_back(binomial_coefficient(n, k) * std::pow(p, k) * std::pow(1 - p, n - k));
      for (int k = 0; k <= n; ++k) {
        double below = 0, above = 0;  // both from the small end: no cancellation
        for (int i = 0; i <= k; ++i) below += term[static_cast<std::size_t>(i)];
        for (int i = n; i >= k; --i) above += term[static_cast<std::size_t>(i)];
        if (below > 1e-290) expect_near(dyadic::binomial_lower(k, n, p), below);
        if (above > 1e-290) expect_near(dyadic::binomial_upper(k, n, p), above);
      }
    }
}
TEST(Distributions, BinomialOfABillionTrials) {
  // Of an odd number of fair trials, at most half is as likely as more than half.
  for (const index_t n : {index_t{99}, index_t{99'999}, index_t{999'999'999}})
    expect_near(dyadic::binomial_lower((n - 1) / 2, n, 0.5), 0.5, n > 1'000'000 ? 1e-11 : promised);
  // A tail from its largest term down, the term by Stirling's series in long double: ln n! to 1e-17 of itself.
  const index_t n = 1'000'000;
  const auto log_factorial = [](long double x) {
    return (x + 0.5L) * std::log(x) - x + 0.5L * std::log(2 * 3.14159265358979323846264L) + 1 / (12 * x) -
           1 / (360 * x * x * x);
  };
  for (const double p : {0x1p-10, 0.25, 0.5})  // 1 - p is exact
    for (const double sds : {1.0, 5.0, 20.0}) {
      const auto nl = static_cast<long double>(n), pl = static_cast<long double>(p);
      const auto k = static_cast<index_t>(nl * pl - static_cast<long double>(sds) * std::sqrt(nl * pl * (1 - pl)));
      const auto kl = static_cast<long double>(k);
      long double term = std::exp(log_factorial(nl) - log_factorial(kl) - log_factorial(nl - kl) + kl * std::log(pl) +
                                  (nl - kl) * std::log1p(-pl)),
                  sum = 0;
      for (long double i = kl; i >= 0 && term > sum * 1e-20L; --i) {
        sum += term;
        term *= i / (nl - i + 1) * (1 - pl) / pl;
      }
      expect_near(dyadic::binomial_lower(k, n, p), static_cast<double>(sum), 1e-11);
    }
}
TEST(Distributions, BinomialAtItsEnds) {
  EXPECT_EQ(dyadic::binomial_lower(-1, 5, 0.5), 0);
  EXPECT_EQ(dyadic::binomial_lower(5, 5, 0.5), 1);
  EXPECT_EQ(dyadic::binomial_lower(0, 0, 0.5), 1);
  EXPECT_EQ(dyadic::binomial_upper(0, 5, 0.5), 1);
  EXPECT_EQ(dyadic::binomial_upper(6, 5, 0.5), 0);
  EXPECT_EQ(dyadic::binomial_lower(3, 5, 0.0), 1);
  EXPECT_EQ(dyadic::binomial_lower(3, 5, 1.0), 0);
  expect_near(dyadic::binomial_upper(1, 1, 1e-30), 1e-30);  // 1 - p is 1
  EXPECT_TRUE(std::isnan(dyadic::binomial_lower(3, 5, 1.5)));
  EXPECT_TRUE(std::isnan(dyadic::binomial_lower(3, 5, std::nan(""))));
}

TEST(Distributions, BetaWithOneParameterOne) {
  for (const double x : {1e-10, 0.1, 0.5, 0.99})
    for (const double a : {0.5, 1.0, 7.0, 300.0}) {
      expect_near(dyadic::beta_lower(x, a, 1), std::pow(x, a), 1e-11);  // pow of 300 log 1e-10
      expect_near(dyadic::beta_lower(x, 1, a), -std::expm1(a * std::log1p(-x)));
    }
  expect_near(dyadic::beta_lower(0.5, 12.5, 12.5), 0.5);
  EXPECT_EQ(dyadic::beta_lower(0, 2, 3), 0);
  EXPECT_EQ(dyadic::beta_lower(1, 2, 3), 1);
  EXPECT_TRUE(std::isnan(dyadic::beta_lower(0.5, 0, 3)));
}

}  // namespace distributions_test
