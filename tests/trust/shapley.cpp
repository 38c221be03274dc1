// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shapley values: exact against the mean over all orders, sampled against exact.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <dyadic/trust/shapley.hpp>

#include "support/data.hpp"
#include "support/networks.hpp"

namespace shapley_test {

using dyadic::attribution;
using set = std::span<const std::uint8_t>;
using support::text_of;

/// A function with a number of its own, in (-1, 1), for each of its 2^n sets: interactions of every order.
struct random_function {
  std::vector<double> values;

  random_function(std::uint64_t seed, int players) {
    support::integers random(seed);
    for (int i = 0; i < 1 << players; ++i)
      values.push_back(static_cast<double>(random.in(-1'000'000, 1'000'000)) * 1e-6);
  }
  double operator()(set s) const {
    std::size_t at = 0;
    for (std::size_t i = 0; i < s.size(); ++i) at |= std::size_t{s[i]} << i;
    return values[at];
  }
};

// The definition: the mean step over all 720 orders of six players.
TEST(Shapley, ExactIsTheMeanOverAllOrders) {
  const random_function f(1, 6);
  std::vector<std::size_t> order(6);
  std::iota(order.begin(), order.end(), 0U);
  std::vector<long double> sums(6);
  int orders = 0;
  do {
    std::vector<std::uint8_t> on(6);
    for (const std::size_t player : order) {
      const double before = f(on);
      on[player] = 1;
      sums[player] += f(on) - before;
    }
    ++orders;
  } while (std::next_permutation(order.begin(), order.end()));
  const attribution found = dyadic::shapley_exact(6, f);
  for (std::size_t i = 0; i < 6; ++i) EXPECT_NEAR(found.parts[i], static_cast<double>(sums[i] / orders), 1e-15);
}

// For two of n players and no others, half to each; for all n together, 1 / n to each; for a player who never changes
// anything, 0.
TEST(Shapley, ExactOfSixteenPlayers) {
  const auto f = [](set s) {
    int all = 0;
    for (const std::uint8_t player : s.first(15)) all += player;
    return 3.0 * s[2] * s[7] + (all == 15 ? 30.0 : 0.0);
  };
  const attribution found = dyadic::shapley_exact(16, f);
  for (std::size_t i = 0; i < 16; ++i) {
    const double expected = (i < 15 ? 2.0 : 0.0) + (i == 2 || i == 7 ? 1.5 : 0.0);
    EXPECT_NEAR(found.parts[i], expected, 64 * 0x1p-53) << i;
  }
}

// With 200 pairs of orders a standard score is all but normal: outside 3 with chance 0.0027, 0.0034 by Student's
// distribution. Of 1,000 parts 3.4 are to be expected; more than 12 has a chance below 10^-4, and far more would mean
// standard errors that are too small. (Parts of one function hang together, so this is a little more.) None at all in
// 1,000 has a chance of 0.03, and would mean nothing: errors that are too large show in the mean square of the scores,
// 1 with a deviation of sqrt(2 / 1000) = 0.045 or a little more.
TEST(Shapley, SampledIsWithinItsStandardErrors) {
  int outside = 0;
  double squares = 0;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const random_function f(seed, 10);
    const attribution exact = dyadic::shapley_exact(10, f),
                      sampled = dyadic::shapley(10, f, {.orders = 200, .seed = seed});
    EXPECT_NEAR(sampled.gap(), 0, 1e-14);
    for (std::size_t i = 0; i < 10; ++i) {
      const double score = (sampled.parts[i] - exact.parts[i]) / sampled.standard_errors[i];
      outside += std::abs(score) > 3;
      squares += score * score;
    }
  }
  EXPECT_LE(outside, 12);
  EXPECT_NEAR(squares / 1000, 1, 0.2);
}

// Every order of four players is as likely: of 24 cells with 1,000 drawings each, chi-square with 23 degrees of freedom
// is above 58.6 with a chance of 10^-4.
TEST(Shapley, OrdersAreDrawnEvenly) {
  std::vector<int> seen(256);
  for (dyadic::index_t i = 0; i < 24'000; ++i) {
    dyadic::index_t order[4];
    dyadic::detail::shuffle(order, 5, i);
    ++seen[static_cast<std::size_t>(order[0] * 64 + order[1] * 16 + order[2] * 4 + order[3])];
  }
  double chi_square = 0;
  int cells = 0;
  for (const int count : seen)
    if (count > 0) ++cells, chi_square += (count - 1000.0) * (count - 1000.0) / 1000.0;
  EXPECT_EQ(cells, 24);
  EXPECT_LT(chi_square, 58.6);
}

TEST(Shapley, IsAFunctionOfTheSeed) {
  const random_function f(9, 8);
  EXPECT_EQ(dyadic::shapley(8, f, {.seed = 4}).parts, dyadic::shapley(8, f, {.seed = 4}).parts);
  EXPECT_NE(dyadic::shapley(8, f, {.seed = 4}).parts, dyadic::shapley(8, f, {.seed = 5}).parts);
  EXPECT_TRUE(std::isnan(dyadic::shapley(8, f, {.orders = 1}).standard_errors[0]));
}

TEST(Shapley, WhatDoesNotFitIsRefused) {
  const auto zero = [](set) { return 0.0; };
  EXPECT_EQ(text_of(dyadic::try_shapley_exact(17, zero)), "shapley_exact: 17 players, expected at most 16");
  EXPECT_EQ(text_of(dyadic::try_shapley(3, zero, {.orders = 0})), "shapley: 0 orders, expected at least 1");
  EXPECT_THROW(static_cast<void>(dyadic::shapley(0, zero)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(dyadic::shapley_exact(17, zero)), std::invalid_argument);
}

}  // namespace shapley_test
