// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

#include <dyadic/calibrate/moving_average_min_max.hpp>
#include <dyadic/calibrate/range_choice.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace range_choice_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

histogram of(const Floats& x, index_t bins = histogram::default_bins) {
  histogram h(bins);
  h.observe(x);
  return h;
}

TEST(RangeChoice, TakesTheEndsOfAnyObserver) {
  const Floats x{-1.0F, nan, 3.0F, infinity};
  min_max o;
  o.observe(x);
  moving_average_min_max m;
  m.observe(x);
  EXPECT_EQ(range_min_max(o), (range{-1.0F, 3.0F}));
  EXPECT_EQ(range_min_max(m), (range{-1.0F, 3.0F}));
  EXPECT_EQ(range_min_max(of(x)), (range{-1.0F, 3.0F}));
}

TEST(RangeChoice, SaysThatThereWasNothing) {
  const char* none = "range: no finite number among 0 observed (0 NaN, 0 +infinity, 0 -infinity)";
  const char* strange = "range: no finite number among 4 observed (1 NaN, 1 +infinity, 2 -infinity)";
  const histogram only = of({nan, infinity, -infinity, -infinity});
  EXPECT_EQ(text_of(try_range_min_max(min_max())), none);
  EXPECT_EQ(text_of(try_range_min_max(moving_average_min_max())), none);
  EXPECT_EQ(text_of(try_range_percentile(histogram(), 99.9)), none);
  EXPECT_EQ(text_of(try_range_percentile_symmetric(histogram(), 99.9)), none);
  EXPECT_EQ(text_of(try_range_min_max(only)), strange);
  EXPECT_EQ(text_of(try_range_percentile(only, 99.9)), strange);
  EXPECT_EQ(text_of(try_range_percentile_symmetric(only, 99.9)), strange);
  EXPECT_EQ(try_range_min_max(only).error().code(), errc::no_data);
  EXPECT_THROW(range_percentile(only, 99.9), std::invalid_argument);
}

TEST(RangeChoice, RefusesAPercentileThatIsNone) {
  const histogram h = of({1.0F});
  for (const double percent : {0.0, -1.0, 100.0000001, static_cast<double>(nan), static_cast<double>(infinity)}) {
    EXPECT_EQ(try_range_percentile(h, percent).error().code(), errc::invalid_range);
    EXPECT_EQ(try_range_percentile_symmetric(h, percent).error().code(), errc::invalid_range);
  }
  EXPECT_EQ(text_of(try_range_percentile(h, 101.0)), "range: percentile 101 given, expected a number in (0, 100]");
  EXPECT_EQ(text_of(try_range_percentile(h, static_cast<double>(nan))),
            "range: percentile nan given, expected a number in (0, 100]");
}

/// How many of n numbers are left outside, in integers from the start: percent is given in units of 10^-7.
std::uint64_t outside(std::uint64_t n, std::uint64_t percent, std::uint64_t sides) {
  return static_cast<std::uint64_t>(exact::int128{n} * (1'000'000'000 - percent) /
                                    (exact::int128{1'000'000'000} * sides));
}

TEST(RangeChoice, KeepsTheCentralShareOfSortedData) {
  std::mt19937_64 random(1);
  for (int n = 0; n < 400; ++n) {
    Floats x = support::normal_numbers(1 + random() % 3000, static_cast<unsigned>(n), n % 5 == 0 ? 1e-42F : 2.0F);
    if (n % 4 == 1)
      for (float& v : x) v = v < 0.0F ? 0.0F : v;  // after a ReLU
    if (n % 4 == 2)
      for (float& v : x) v = -std::abs(v);
    if (n % 7 == 0) x[0] = 1e6F;
    const histogram h = of(x, n % 3 == 0 ? 32 : 2048);
    const double width = std::ldexp(1.0, h.exponent());
    std::sort(x.begin(), x.end());
    const std::size_t count = x.size();
    for (const std::uint64_t percent :
         {1'000'000'000U, 999'999'990U, 999'900'000U, 990'000'000U, 900'000'000U, 500'000'000U, 10'000'000U, 1U}) {
      const range r = range_percentile(h, static_cast<double>(percent) / 1e7);
      const std::size_t m = std::min<std::size_t>(outside(count, percent, 2), (count - 1) / 2);
      const double low = x[m], high = x[count - 1 - m];
      // The bin of the rank begins at most one width below it and ends at most one above; clipping only comes nearer.
      ASSERT_LE(r.lo, low);
      ASSERT_GE(r.hi, high);
      ASSERT_TRUE(low - r.lo < width || low == static_cast<double>(r.lo)) << percent;
      ASSERT_TRUE(r.hi - high <= width) << percent;
      ASSERT_GE(r.lo, x.front());
      ASSERT_LE(r.hi, x.back());
      ASSERT_LE(std::lower_bound(x.begin(), x.end(), r.lo) - x.begin(), static_cast<std::ptrdiff_t>(m))
          << "too many below";
      ASSERT_LE(x.end() - std::upper_bound(x.begin(), x.end(), r.hi), static_cast<std::ptrdiff_t>(m))
          << "too many above";
    }
    EXPECT_EQ(range_percentile(h, 100.0), (range{x.front(), x.back()}));
  }
}

TEST(RangeChoice, KeepsTheShareOfTheMagnitudes) {
  std::mt19937_64 random(2);
  for (int n = 0; n < 400; ++n) {
    Floats x = support::normal_numbers(1 + random() % 3000, static_cast<unsigned>(n));
    if (n % 4 == 1)
      for (float& v : x) v = std::abs(v);
    if (n % 4 == 2)
      for (float& v : x) v = -std::abs(v);
    if (n % 4 == 3)
      for (float& v : x) v = v < 0.0F ? v * 1000.0F : v;
    const histogram h = of(x, n % 3 == 0 ? 32 : 2048);
    const double width = std::ldexp(1.0, h.exponent());
    Floats sizes = x;
    for (float& v : sizes) v = std::abs(v);
    std::sort(sizes.begin(), sizes.end());
    const std::size_t count = x.size();
    for (const std::uint64_t percent : {1'000'000'000U, 999'900'000U, 990'000'000U, 500'000'000U, 1U}) {
      const range r = range_percentile_symmetric(h, static_cast<double>(percent) / 1e7);
      ASSERT_EQ(r.lo, -r.hi);
      const std::size_t m = std::min<std::size_t>(outside(count, percent, 1), count - 1);
      const double rank = sizes[count - 1 - m];
      ASSERT_GE(r.hi, rank);
      ASSERT_LE(r.hi - rank, width) << percent;
      ASSERT_LE(r.hi, sizes.back());
      ASSERT_LE(sizes.end() - std::upper_bound(sizes.begin(), sizes.end(), r.hi), static_cast<std::ptrdiff_t>(m));
    }
    EXPECT_EQ(range_percentile_symmetric(h, 100.0).hi, sizes.back());
  }
}

TEST(RangeChoice, CutsTheShareThatWasAskedFor) {
  Floats x(10'000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) - 5000.0F;
  const histogram h = of(x, 1 << 14);  // width 1: every number has its bin
  EXPECT_EQ(h.exponent(), 0);
  EXPECT_EQ(range_percentile(h, 99.0), (range{-4950.0F, 4950.0F}));  // 50 on each side, [-5000, -4951] and [4950, 4999]
  EXPECT_EQ(range_percentile(h, 99.99), (range{-5000.0F, 4999.0F}));  // half a number on each side, so none
  EXPECT_EQ(range_percentile(h, 99.98), (range{-4999.0F, 4999.0F}));  // one each: 4999 is the edge above 4998
  EXPECT_EQ(range_percentile_symmetric(h, 99.0), (range{-4950.0F, 4950.0F}));
}

TEST(RangeChoice, KeepsTheMiddleOfTheTiniestShare) {
  for (const double percent : {1e-7, 1e-9, 1e-300}) {
    EXPECT_EQ(range_percentile(of({1.0F, 2.0F}), percent), (range{1.0F, 2.0F}));
    EXPECT_EQ(range_percentile_symmetric(of({1.0F, 2.0F}, 16), percent).hi, 1.25F);  // bins of 1/4
    EXPECT_EQ(range_percentile(of({5.0F}), percent), (range{5.0F, 5.0F}));
  }
}

TEST(RangeChoice, CountsExactlyBeyondDoubles) {
  const auto share = [](std::uint64_t n, double percent, unsigned sides) {
    return *detail::try_outside(n, percent, sides);
  };
  EXPECT_EQ(share(~0ULL, 99.99, 2), outside(~0ULL, 999'900'000, 2));
  EXPECT_EQ(share(~0ULL, 99.9999999, 1), outside(~0ULL, 999'999'999, 1));
  EXPECT_EQ(share(~0ULL, 1e-7, 1), outside(~0ULL, 1, 1));
  EXPECT_EQ(share(~0ULL, 50.0, 2), outside(~0ULL, 500'000'000, 2));
  EXPECT_EQ(share((1ULL << 53) + 1, 100.0, 2), 0U);
  std::mt19937_64 random(3);
  for (int n = 0; n < 100'000; ++n) {
    const std::uint64_t total = random() >> (random() % 64), percent = 1 + random() % 1'000'000'000;
    ASSERT_EQ(share(total, static_cast<double>(percent) / 1e7, 2), outside(total, percent, 2));
    ASSERT_EQ(share(total, static_cast<double>(percent) / 1e7, 1), outside(total, percent, 1));
  }
}

TEST(RangeChoice, IsTheSameInEveryFloatingPointEnvironment) {
  const histogram h = of(support::normal_numbers(3000, 4)), tiny = of(support::normal_numbers(3000, 5, 1e-41F));
  const range r = range_percentile(h, 99.99), s = range_percentile_symmetric(h, 99.3), t = range_percentile(tiny, 90.0);
  exact::in_every_environment([&] {
    const auto same = [](float a, float b) {
      return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
    };
    const range now = range_percentile(h, 99.99), now_s = range_percentile_symmetric(h, 99.3),
                now_t = range_percentile(tiny, 90.0);
    EXPECT_TRUE(same(now.lo, r.lo) && same(now.hi, r.hi));
    EXPECT_TRUE(same(now_s.hi, s.hi));
    EXPECT_TRUE(same(now_t.lo, t.lo) && same(now_t.hi, t.hi));
  });
}

}  // namespace range_choice_test
