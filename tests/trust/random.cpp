// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// random_stream: published outputs of SplitMix64, streams that differ, and moments.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>

#include <dyadic/trust/random.hpp>

namespace random_test {

using dyadic::random_stream;

TEST(Random, TheFinaliserIsSplitMix64s) {
  // The first outputs of SplitMix64 from seed 0: its state grows by the same odd step before each.
  constexpr std::uint64_t step = 0x9E3779B97F4A7C15U;
  static_assert(dyadic::mixed(step) == 0xE220A8397B1DCDAFU);
  static_assert(dyadic::mixed(2 * step) == 0x6E789E6AA1B965F4U);
  static_assert(dyadic::mixed(3 * step) == 0x06C45D188009454FU);
}

TEST(Random, NamesTellStreamsApart) {
  std::set<std::uint64_t> seen;
  for (int a = 0; a < 40; ++a)
    for (int b = 0; b < 40; ++b)
      for (std::uint64_t i = 0; i < 4; ++i) seen.insert(random_stream(a, b).bits(i));
  for (int a = 0; a < 40; ++a)
    for (std::uint64_t i = 0; i < 4; ++i) seen.insert(random_stream(a).bits(i));
  EXPECT_EQ(seen.size(), 40U * 40U * 4U + 40U * 4U) << "order and number of names count";
  EXPECT_EQ(random_stream(7, 8).bits(9), random_stream(7, 8).bits(9));
}

// 10^6 draws: a mean is off by its standard deviation / 1000, and by more than 5 of these once in 10^6 times.
TEST(Random, Moments) {
  const random_stream random(1);
  constexpr std::uint64_t n = 1'000'000;
  double uniform = 0, uniform2 = 0, normal = 0, normal2 = 0, normal4 = 0, signs = 0, neighbours = 0;
  double largest = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    const auto u = static_cast<double>(random.uniform(i)), z = static_cast<double>(random.normal(i));
    ASSERT_TRUE(u >= 0 && u < 1);
    uniform += u;
    uniform2 += u * u;
    normal += z;
    normal2 += z * z;
    normal4 += z * z * z * z;
    largest = std::max(largest, std::abs(z));
    signs += static_cast<double>(random.sign(i));
    neighbours += (u - 0.5) * (static_cast<double>(random.uniform(i + 1)) - 0.5);
  }
  const auto near = [](double sum, double mean, double deviation) {
    EXPECT_NEAR(sum / static_cast<double>(n), mean, 5e-3 * deviation);
  };
  near(uniform, 0.5, std::sqrt(1.0 / 12));
  near(uniform2, 1.0 / 3, std::sqrt(1.0 / 5 - 1.0 / 9));
  near(normal, 0, 1);
  near(normal2, 1, std::sqrt(2.9 - 1));  // variance of z^2: fourth moment less 1
  near(normal4, 2.9, 10);                // below the deviation of z^4 of a normal distribution, sqrt(105 - 9)
  near(signs, 0, 1);
  near(neighbours, 0, 1.0 / 12);
  EXPECT_LT(largest, 6);
  EXPECT_GT(largest, 4) << "a million normal numbers reach 4.9 as a rule, sums of twelve uniform ones 4.6";
}

TEST(Random, BelowIsEven) {
  const random_stream random(2, 3);
  std::array<int, 7> counts{};
  for (std::uint64_t i = 0; i < 70'000; ++i) ++counts[random.below(i, 7)];
  // Binomial: deviation sqrt(70000 / 7 * 6 / 7) = 93; 5 of them.
  for (const int c : counts) EXPECT_NEAR(c, 10'000, 465);
  for (std::uint64_t i = 0; i < 100; ++i) EXPECT_EQ(random.below(i, 1), 0U);
}

}  // namespace random_test
