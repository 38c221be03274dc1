// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rank measures against their definitions by brute force, by hand, by all permutations, and by chance.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <dyadic/trust/random.hpp>
#include <dyadic/trust/rank.hpp>

#include "support/data.hpp"

namespace rank_test {

using dyadic::errc;
using dyadic::index_t;
using dyadic::random_stream;
using support::text_of;
using numbers = std::vector<double>;

double spearman(const numbers& a, const numbers& b) {
  const auto r = dyadic::try_spearman(a, b);
  EXPECT_TRUE(r) << text_of(r);
  return r ? *r : std::nan("");
}
double kendall(const numbers& a, const numbers& b) {
  const auto r = dyadic::try_kendall(a, b);
  EXPECT_TRUE(r) << text_of(r);
  return r ? *r : std::nan("");
}
dyadic::top_k_overlap top(const numbers& a, const numbers& b, index_t k) {
  const auto r = dyadic::try_top_k_overlap(a, b, k);
  EXPECT_TRUE(r) << text_of(r);
  return r ? *r : dyadic::top_k_overlap{};
}

/// n numbers, among `different` different ones.
numbers drawn(std::size_t n, std::uint64_t different, std::uint64_t seed) {
  const random_stream random(seed, n);
  numbers all;
  for (std::size_t i = 0; i < n; ++i)
    all.push_back(static_cast<double>(random.below(i, different)) - static_cast<double>(different / 2));
  return all;
}

/// The mean of the places a number could take among its equals.
double rank_by_counting(const numbers& a, std::size_t i) {
  double less = 0, equal = 0;
  for (const double v : a) less += v < a[i], equal += v == a[i];
  return less + (equal + 1) / 2;
}

TEST(Rank, SpearmanByTheDefinition) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const std::size_t n = 2 + seed % 37;
    const numbers a = drawn(n, 2 + seed % 50, seed), b = drawn(n, 2 + seed % 7, seed + 1000);
    double ma = 0, mb = 0, ab = 0, aa = 0, bb = 0;
    for (std::size_t i = 0; i < n; ++i) ma += rank_by_counting(a, i), mb += rank_by_counting(b, i);
    ma /= static_cast<double>(n), mb /= static_cast<double>(n);
    for (std::size_t i = 0; i < n; ++i) {
      const double x = rank_by_counting(a, i) - ma, y = rank_by_counting(b, i) - mb;
      ab += x * y, aa += x * x, bb += y * y;
    }
    // Ranks are halves, so all sums are exact; a product, a root and a quotient are rounded, here and there.
    const double expected = aa == 0 || bb == 0 ? (aa == bb ? 1.0 : 0.0) : ab / (std::sqrt(aa) * std::sqrt(bb));
    EXPECT_NEAR(spearman(a, b), expected, 8 * 0x1p-53) << n;
  }
}

TEST(Rank, KendallByTheDefinition) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const std::size_t n = 2 + seed % 37;
    const numbers a = drawn(n, 2 + seed % 50, seed), b = drawn(n, 2 + seed % 7, seed + 1000);
    double both = 0, untied_a = 0, untied_b = 0;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < i; ++j) {
        const int x = (a[i] > a[j]) - (a[i] < a[j]), y = (b[i] > b[j]) - (b[i] < b[j]);
        both += x * y, untied_a += x != 0, untied_b += y != 0;
      }
    const double expected = untied_a == 0 || untied_b == 0 ? (untied_a == untied_b ? 1.0 : 0.0)
                                                           : both / (std::sqrt(untied_a) * std::sqrt(untied_b));
    EXPECT_NEAR(kendall(a, b), expected, 8 * 0x1p-53) << n;
  }
}

TEST(Rank, ByHand) {
  // Intelligence quotients and hours of television a week: a textbook's example, rho = -29 / 165, by its d^2 = 194.
  const numbers quotient{106, 100, 86, 101, 99, 103, 97, 113, 112, 110}, hours{7, 27, 2, 50, 28, 29, 20, 12, 6, 17};
  EXPECT_NEAR(spearman(quotient, hours), -29.0 / 165, 4 * 0x1p-53);
  // 1 2 3 4 against 1 3 2 4: one pair of six is discordant. With a tie in b: 1 2 2 3, five of five agree.
  EXPECT_NEAR(kendall({1, 2, 3, 4}, {1, 3, 2, 4}), 4.0 / 6, 0x1p-53);
  EXPECT_NEAR(kendall({1, 2, 3, 4}, {1, 2, 2, 3}), 5 / std::sqrt(30.0), 4 * 0x1p-53);
}

TEST(Rank, AListAndItself) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    const numbers a = drawn(3 + seed, 2 + seed % 30, seed);
    numbers scaled, turned;
    for (const double v : a) scaled.push_back(3 * v - 100), turned.push_back(-v);
    EXPECT_EQ(spearman(a, a), 1.0);
    EXPECT_EQ(kendall(a, a), 1.0);
    EXPECT_EQ(spearman(a, scaled), 1.0);
    EXPECT_EQ(kendall(a, scaled), 1.0);
    const bool constant = std::all_of(a.begin(), a.end(), [&](double v) { return v == a[0]; });
    EXPECT_EQ(spearman(a, turned), constant ? 1.0 : -1.0);
    EXPECT_EQ(kendall(a, turned), constant ? 1.0 : -1.0);
    for (const index_t k : {index_t{1}, index_t{2}, static_cast<index_t>(a.size())}) {
      EXPECT_EQ(top(a, a, k).shared, 1.0) << k;
      EXPECT_EQ(top(a, a, k).same_sign, 1.0) << k;
      EXPECT_EQ(top(a, turned, k).shared, 1.0) << "magnitudes";
    }
  }
}

TEST(Rank, ConstantsHaveADocumentedAnswer) {
  const numbers flat(5, 2.0), zero(5, 0.0), some{1, 2, 3, 4, 5};
  EXPECT_EQ(spearman(flat, zero), 1.0);
  EXPECT_EQ(kendall(flat, zero), 1.0);
  for (const auto& [a, b] : {std::pair(flat, some), std::pair(some, flat)}) {
    EXPECT_EQ(spearman(a, b), 0.0);
    EXPECT_EQ(kendall(a, b), 0.0);
  }
  // All five share the two places: 2 / 5 of each, of which the two of `some` are surely in its top.
  EXPECT_DOUBLE_EQ(top(flat, some, 2).shared, 2 * 0.4 / 2);
  EXPECT_DOUBLE_EQ(top(flat, some, 2).by_chance, 0.4);
  EXPECT_EQ(top(flat, zero, 2).shared, 1.0);
  EXPECT_EQ(top(flat, zero, 2).by_chance, 1.0);
  EXPECT_EQ(top(flat, zero, 2).same_sign, 0.0);
}

TEST(Rank, TopByHand) {
  const numbers a{9, -8, 1, 0, 7}, b{-9, -1, 8, 7, 0.5};
  // The three largest: {0, 1, 4} and {0, 2, 3}: one in common; signs of 0, 1, 4 in b: other, same, same.
  EXPECT_DOUBLE_EQ(top(a, b, 3).shared, 1.0 / 3);
  EXPECT_DOUBLE_EQ(top(a, b, 3).by_chance, 3.0 / 5);
  EXPECT_DOUBLE_EQ(top(a, b, 3).same_sign, 2.0 / 3);
  // Two of three equal numbers: 2 / 3 of each.
  const numbers tied{5, 5, -5, 1, 0}, other{9, 0, 8, 0, 0};
  EXPECT_DOUBLE_EQ(top(tied, other, 2).shared, (2.0 / 3 + 2.0 / 3) / 2);
  EXPECT_DOUBLE_EQ(top(tied, other, 2).same_sign, (2.0 / 3) / 2);
  // Shares of 2 / 3 and of 1 / 2 have 1 / 2 in common, three times; in either order.
  const numbers three{5, 5, 5, 0}, four{7, 7, 7, 7};
  EXPECT_DOUBLE_EQ(top(three, four, 2).shared, 3 * 0.5 / 2);
  EXPECT_DOUBLE_EQ(top(four, three, 2).shared, 3 * 0.5 / 2);
}

// What is expected by chance, by every permutation of one of the lists; ties included.
TEST(Rank, ChanceIsTheMeanOverAllPermutations) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    const numbers a = drawn(6, 2 + seed % 5, seed), b = drawn(6, 2 + seed % 4, seed + 50);
    for (index_t k = 1; k <= 6; ++k) {
      std::vector<std::size_t> order(6);
      std::iota(order.begin(), order.end(), std::size_t{0});
      double sum = 0;
      do {
        numbers shuffled;
        for (const std::size_t i : order) shuffled.push_back(b[i]);
        sum += top(a, shuffled, k).shared;
      } while (std::next_permutation(order.begin(), order.end()));
      EXPECT_NEAR(top(a, b, k).by_chance, sum / 720, 1e-13);
    }
  }
}

// Under independence: mean 0, variance 1 / (n - 1) of rho and 2 (2n + 5) / (9 n (n - 1)) of tau (Kendall 1938); the
// overlap is hypergeometric: mean k / n of k, variance k (k / n) (1 - k / n) (n - k) / (n - 1).
TEST(Rank, ARandomPairGivesChance) {
  constexpr std::size_t n = 50, pairs = 2000;
  constexpr index_t k = 10;
  double rho = 0, tau = 0, shared = 0, signs = 0;
  for (std::uint64_t p = 0; p < pairs; ++p) {
    const random_stream random(77, p);
    numbers a, b;
    for (std::uint64_t i = 0; i < n; ++i) {
      a.push_back(static_cast<double>(random.bits(2 * i)) - 0x1p63);
      b.push_back(static_cast<double>(random.bits(2 * i + 1)) - 0x1p63);
    }
    rho += spearman(a, b), tau += kendall(a, b);
    const auto t = top(a, b, k);
    shared += t.shared, signs += t.same_sign;
    EXPECT_DOUBLE_EQ(t.by_chance, 0.2);
  }
  const double root = std::sqrt(static_cast<double>(pairs));
  EXPECT_NEAR(rho / pairs, 0, 4 * std::sqrt(1.0 / 49) / root);
  EXPECT_NEAR(tau / pairs, 0, 4 * std::sqrt(2.0 * 105 / (9 * 50.0 * 49)) / root);
  EXPECT_NEAR(shared / pairs, 0.2, 4 * std::sqrt(10 * 0.2 * 0.8 * 40 / 49) / 10 / root);
  EXPECT_NEAR(signs / pairs, 0.5, 4 * std::sqrt(0.25 / 10) / root);
}

TEST(Rank, InfinitiesAreLargeNumbers) {
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_EQ(spearman({-infinity, 0, infinity}, {1, 2, 3}), 1.0);
  EXPECT_EQ(kendall({-infinity, 0, infinity}, {1, 2, 3}), 1.0);
}

// n log n: a hundred thousand numbers, where all pairs would be five thousand million.
TEST(Rank, LongLists) {
  const numbers a = drawn(100'000, 1000, 1);
  numbers b = a;
  for (std::size_t i = 0; i + 1 < b.size(); i += 2) std::swap(b[i], b[i + 1]);
  EXPECT_EQ(kendall(a, a), 1.0);
  // Independent neighbours change places. Each couple appears twice, (u, v) and (v, u): twice the variance 4 / (9 n).
  EXPECT_NEAR(kendall(a, b), 0, 4 * std::sqrt(2 * 4.0 / (9 * 1e5)));
}

TEST(RankErrors, SayWhatWasGiven) {
  const numbers two{1, 2}, three{1, 2, 3}, one{1}, bad{1, std::nan(""), 3};
  EXPECT_EQ(text_of(dyadic::try_spearman(two, three)), "spearman: lists of 2 and 3 numbers, expected the same");
  EXPECT_EQ(text_of(dyadic::try_kendall(one, one)), "kendall: 1 numbers, expected at least 2");
  EXPECT_EQ(text_of(dyadic::try_kendall({}, {})), "kendall: 0 numbers, expected at least 2");
  EXPECT_EQ(text_of(dyadic::try_spearman(bad, three)), "spearman: number 1 of list 1 is NaN");
  EXPECT_EQ(text_of(dyadic::try_top_k_overlap(three, bad, 1)), "top k: number 1 of list 2 is NaN");
  EXPECT_EQ(text_of(dyadic::try_top_k_overlap(three, three, 0)), "top k: k is 0, expected 1 to 3");
  EXPECT_EQ(text_of(dyadic::try_top_k_overlap(three, three, 4)), "top k: k is 4, expected 1 to 3");
  EXPECT_EQ(dyadic::try_spearman(one, one).error().code(), errc::no_data);
}

}  // namespace rank_test
