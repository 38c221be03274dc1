// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Counts of codes against counting them one by one.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include <dyadic/trust/code_counts.hpp>

#include "support/networks.hpp"

namespace code_counts_test {

using bytes = std::vector<std::uint8_t>;

dyadic::code_ends one_by_one(const bytes& codes) {
  dyadic::code_ends all;
  for (const std::uint8_t c : codes) {
    ++all.codes;
    if (c == 0) ++all.low;
    if (c == 255) ++all.high;
    all.sum += c;
  }
  return all;
}

/// Codes that stand at the ends more often than others do.
bytes any_codes(std::size_t n, std::uint64_t seed) {
  support::integers random(seed);
  bytes all(n);
  for (auto& c : all) {
    const auto kind = random.in(0, 3);
    c = kind == 0 ? std::uint8_t{0} : kind == 1 ? std::uint8_t{255} : static_cast<std::uint8_t>(random.in(0, 255));
  }
  return all;
}

TEST(CodeCounts, EveryCodeAtEveryPlaceOfAWord) {
  for (const int other : {0, 1, 127, 128, 254, 255})
    for (std::size_t place = 0; place < 8; ++place)
      for (int c = 0; c < 256; ++c) {
        bytes word(8, static_cast<std::uint8_t>(other));
        word[place] = static_cast<std::uint8_t>(c);
        ASSERT_EQ(dyadic::count_ends(word), one_by_one(word)) << c << " at " << place << " among " << other;
      }
}

TEST(CodeCounts, EverySizeAndPlaceInMemory) {
  for (std::size_t n = 0; n <= 70; ++n)
    for (std::size_t from = 0; from < 8; ++from) {
      const bytes all = any_codes(n + from, 31 * n + from);
      const std::span<const std::uint8_t> some = std::span(all).subspan(from);
      ASSERT_EQ(dyadic::count_ends(some), one_by_one({some.begin(), some.end()}));
    }
}

// The 8- and 16-bit counters inside are emptied in time: the largest counts and sums there can be.
TEST(CodeCounts, ManyEqualCodes) {
  for (const std::size_t n : {std::size_t{1016}, std::size_t{1024}, std::size_t{1032}, std::size_t{100'003}})
    for (const int c : {0, 1, 254, 255}) {
      const bytes all(n, static_cast<std::uint8_t>(c));
      ASSERT_EQ(dyadic::count_ends(all), one_by_one(all)) << n << " of " << c;
    }
}

TEST(CodeCounts, PartsAddUp) {
  const bytes all = any_codes(5000, 5);
  dyadic::code_ends sum;
  dyadic::code_histogram parts{}, whole{};
  for (std::size_t first = 0; first < all.size(); first += 777) {
    const auto part = std::span(all).subspan(first, std::min<std::size_t>(777, all.size() - first));
    sum += dyadic::count_ends(part);
    dyadic::count_codes(part, parts);
  }
  dyadic::count_codes(all, whole);
  EXPECT_EQ(sum, one_by_one(all));
  EXPECT_EQ(parts, whole);
  dyadic::code_histogram expected{};
  for (const std::uint8_t c : all) ++expected[c];
  EXPECT_EQ(whole, expected);
  EXPECT_EQ(sum.low, expected[0]);
  EXPECT_EQ(sum.high, expected[255]);
}

TEST(CodeCounts, MarginIsTheLargestLessTheNext) {
  for (std::size_t n = 0; n <= 70; ++n)
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
      bytes all = any_codes(n, 1000 * n + seed);
      if (seed % 2 == 0)
        for (auto& c : all) c /= 2;  // one largest code, as a rule
      bytes sorted = all;
      std::sort(sorted.rbegin(), sorted.rend());
      ASSERT_EQ(dyadic::margin_of_codes(all), n < 2 ? 0 : sorted[0] - sorted[1]) << n;
    }
  EXPECT_EQ(dyadic::margin_of_codes(bytes{7}), 0);
  EXPECT_EQ(dyadic::margin_of_codes(bytes{7, 7}), 0);
  EXPECT_EQ(dyadic::margin_of_codes(bytes{0, 255}), 255);
}

TEST(CodeCounts, SharesOfNothingAreZero) {
  const dyadic::code_ends none = dyadic::count_ends({});
  EXPECT_EQ(none.mean(), 0);
  EXPECT_EQ(none.low_share(), 0);
  EXPECT_EQ(none.high_share(), 0);
  const bytes few{0, 255, 255, 1};
  EXPECT_EQ(dyadic::count_ends(few).mean(), 511.0 / 4);
  EXPECT_EQ(dyadic::count_ends(few).low_share(), 0.25);
  EXPECT_EQ(dyadic::count_ends(few).high_share(), 0.5);
}

}  // namespace code_counts_test
