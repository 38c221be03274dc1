// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attribution of toy functions, whose parts a hand can find.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include <dyadic/trust/shapley.hpp>

#include "support/data.hpp"

namespace attribution_test {

using dyadic::attribution;
using dyadic::failure;
using dyadic::result;
using set = std::span<const std::uint8_t>;
using support::text_of;

/// All four methods on the same function.
template <class F>
std::vector<attribution> every_method(dyadic::index_t players, const F& f) {
  return {dyadic::only_this(players, f), dyadic::all_but_this(players, f), dyadic::telescoping(players, f),
          dyadic::shapley(players, f), dyadic::shapley_exact(players, f)};
}

// Sums of small multiples of 1/8 are exact, so everything is equal, not near; but for the weights of exact Shapley
// values, 1/5 to 1/30, sixteen of which are rounded and multiplied by 7 at most.
TEST(Attribution, OfASumAllMethodsAgree) {
  const std::vector<double> costs{0.5, -1.25, 0, 7, 2.125};
  const auto sum = [&](set s) {
    double all = 3;
    for (std::size_t i = 0; i < s.size(); ++i) all += s[i] * costs[i];
    return all;
  };
  const auto all = every_method(5, sum);
  for (std::size_t m = 0; m < all.size(); ++m) {
    EXPECT_EQ(all[m].none, 3);
    EXPECT_EQ(all[m].all, 11.375);
    const double rounding = m + 1 == all.size() ? 16 * 7 * 0x1p-53 : 0;
    for (std::size_t i = 0; i < costs.size(); ++i) EXPECT_NEAR(all[m].parts[i], costs[i], rounding) << m;
    EXPECT_NEAR(all[m].gap(), 0, 5 * rounding);
  }
  EXPECT_EQ(all[3].standard_errors, std::vector<double>(5, 0.0));
}

TEST(Attribution, OfAProductShapleySplitsEvenly) {
  const auto product = [](set s) { return 8.0 * s[0] * s[1] + s[2]; };
  const auto all = every_method(3, product);
  EXPECT_EQ(all[0].parts, (std::vector<double>{0, 0, 1}));
  EXPECT_EQ(all[0].gap(), 8);
  EXPECT_EQ(all[1].parts, (std::vector<double>{8, 8, 1}));
  EXPECT_EQ(all[1].gap(), -8);
  EXPECT_EQ(all[2].parts, (std::vector<double>{0, 8, 1}));
  EXPECT_EQ(all[3].parts, (std::vector<double>{4, 4, 1}));
  // Weights of 1/3 and 1/6 are rounded.
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(all[4].parts[i], all[3].parts[i], 8 * 0x1p-53);
}

TEST(Attribution, AsksAsOftenAsItSays) {
  dyadic::index_t asked = 0;
  const auto f = [&](set s) { return ++asked, static_cast<double>(s[0]); };
  for (const dyadic::index_t players : {1, 2, 5}) {
    const auto count = [&](const attribution& a, dyadic::index_t expected) {
      EXPECT_EQ(a.evaluations, expected);
      EXPECT_EQ(asked, expected);
      asked = 0;
    };
    count(dyadic::only_this(players, f), players + 2);
    count(dyadic::all_but_this(players, f), players + 2);
    count(dyadic::telescoping(players, f), players + 1);
    count(dyadic::shapley(players, f, {.orders = 3}), 2 + 2 * 3 * (players - 1));
    count(dyadic::shapley_exact(players, f), dyadic::index_t{1} << players);
  }
}

// Differences of doubles are rounded once each: the sum of n of them is off by at most n 2^-53 max|L|.
TEST(Attribution, PartsSumToTheTotal) {
  const auto wild = [](set s) {
    double x = 0.1;
    for (std::size_t i = 0; i < s.size(); ++i) x = std::sin(1e3 * x + s[i] * static_cast<double>(i + 1));
    return 1e6 * x;
  };
  for (const attribution& a :
       {dyadic::telescoping(12, wild), dyadic::shapley(12, wild), dyadic::shapley_exact(12, wild)})
    EXPECT_LE(std::abs(a.gap()), 12 * 0x1p-53 * 1e6);
}

TEST(Attribution, TelescopingTakesEveryCoordinateApart) {
  const auto f = [](set s) { return std::vector<double>{1.0 + s[0] + 2.0 * s[1], 4.0 * s[0] * s[1], -1.0 * s[2]}; };
  const auto found = dyadic::telescoping(3, f);
  EXPECT_EQ(found.none, (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(found.all, (std::vector<double>{4, 4, -1}));
  EXPECT_EQ(found.parts, (std::vector<std::vector<double>>{{1, 0, 0}, {2, 4, 0}, {0, 0, -1}}));
}

TEST(Attribution, WhatDoesNotFitIsRefused) {
  const auto zero = [](set) { return 0.0; };
  EXPECT_EQ(text_of(dyadic::try_only_this(0, zero)), "attribution: 0 players, expected at least 1");
  EXPECT_EQ(text_of(dyadic::try_telescoping(-1, zero)), "attribution: -1 players, expected at least 1");
  EXPECT_THROW(static_cast<void>(dyadic::all_but_this(0, zero)), std::invalid_argument);

  const auto nan = [](set s) { return s[1] != 0 ? std::numeric_limits<double>::quiet_NaN() : 0.0; };
  const char* not_a_number = "attribution: the function is nan for a set, expected a finite number";
  const auto refuses = [](set s) -> result<double> {
    if (s[0] == 0 && s[1] != 0) return failure(dyadic::errc::no_data, "no such set");
    return 1.0;
  };
  const auto each = [](const auto& f) {
    return std::vector<std::string>{text_of(dyadic::try_only_this(2, f)), text_of(dyadic::try_all_but_this(2, f)),
                                    text_of(dyadic::try_shapley(2, f)), text_of(dyadic::try_shapley_exact(2, f))};
  };
  EXPECT_EQ(each(nan), std::vector<std::string>(4, not_a_number));
  EXPECT_EQ(text_of(dyadic::try_telescoping(2, nan)), not_a_number);
  EXPECT_EQ(each(refuses), std::vector<std::string>(4, "no such set"));

  const auto uneven = [](set s) { return std::vector<double>(s[1] != 0 ? 2 : 3); };
  EXPECT_EQ(text_of(dyadic::try_telescoping(2, uneven)), "attribution: 3 coordinates of one set and 2 of another");
  const auto odd = [](set s) { return std::vector<double>{s[0] != 0 ? std::nan("") : 0.0}; };
  EXPECT_EQ(text_of(dyadic::try_telescoping(2, odd)), not_a_number);
}

}  // namespace attribution_test
