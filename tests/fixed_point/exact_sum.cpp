// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include <dyadic/fixed_point/exact_sum.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace exact_sum_test {

using namespace dyadic;

constexpr float infinity = std::numeric_limits<float>::infinity(), most = std::numeric_limits<float>::max();

exact_sum of(const std::vector<float>& x) {
  exact_sum s;
  for (const float v : x) s.add(v);
  return s;
}

constexpr exact_sum of_two(float a, float b) {
  exact_sum s;
  s.add(a), s.add(b);
  return s;
}

static_assert(of_two(1.0F, 2.0F).value() == 3.0F && of_two(1.0F, 2.0F).mean(2) == 1.5F);
static_assert(of_two(1.0F, -1.0F) == exact_sum() && of_two(0.0F, -0.0F) == exact_sum());
static_assert(of_two(0x1p24F, 1.0F).value() == 0x1p24F && of_two(0x1p24F, 3.0F).value() == 0x1.000004p24F);  // ties
static_assert(of_two(-0x1p24F, -1.0F).value() == -0x1p24F && of_two(-0x1p24F, -3.0F).value() == -0x1.000004p24F);
static_assert(of_two(0x1p-149F, 0.0F).mean(2) == 0.0F && of_two(0x1p-148F, 0x1p-149F).mean(2) == 0x1p-148F);  // ties
static_assert(of_two(most, most).value() == infinity && of_two(most, most).mean(2) == most);
static_assert(of_two(-most, -most).value() == -infinity && of_two(-most, -most).mean(2) == -most);
static_assert(of_two(0x1.fffffcp-127F, 0x1p-149F).value() == 0x1p-126F);  // subnormals that become normal
static_assert(of_two(most, 0x1p102F).value() == most && of_two(most, 0x1p103F).value() == infinity);

TEST(ExactSum, HoldsEveryFloat) {
  std::mt19937_64 random(1);
  for (int n = 0; n < 200'000; ++n) {
    const float x = support::any_finite(random);
    exact_sum s;
    s.add(x);
    ASSERT_EQ(s.value(), x);
    s.add(x);
    ASSERT_EQ(s.mean(2), x);
    ASSERT_EQ(s.mean(4), x / 2) << "one rounding, of a quotient by a power of two";
    s.add(-x), s.add(-x);
    ASSERT_EQ(s, exact_sum());
  }
}

/// The nearest float of sum / n in units of 2^-149, by definition: compare with the neighbours in 128-bit integers.
float nearest(exact::int128 sum, exact::int128 n) {
  const bool negative = sum < 0;
  const exact::int128 size = negative ? -sum : sum;
  const auto units = [](std::uint32_t bits) {  // of a float below 2^-60
    const std::uint32_t biased = bits >> 23;
    return exact::int128{(bits & 0x7FFFFF) | (biased > 0 ? 1U << 23 : 0U)} << (biased > 0 ? biased - 1 : 0);
  };
  std::uint32_t low = 0, high = std::bit_cast<std::uint32_t>(0x1p-60F);
  while (high - low > 1) {
    const std::uint32_t middle = low + (high - low) / 2;
    (units(middle) * n <= size ? low : high) = middle;
  }
  const exact::int128 below = size - units(low) * n, above = units(high) * n - size;
  const std::uint32_t bits = below < above || (below == above && low % 2 == 0) ? low : high;
  return std::bit_cast<float>(bits) * (negative ? -1.0F : 1.0F);
}

TEST(ExactSum, RoundsAMeanOnce) {
  std::mt19937_64 random(2);
  for (int n = 0; n < 200'000; ++n) {
    const int size = 1 + static_cast<int>(random() % 6);
    exact_sum s;
    exact::int128 sum = 0;
    for (int i = 0; i < size; ++i) {
      const float x = std::ldexp(static_cast<float>(static_cast<std::int64_t>(random() % 0x1FFFFFF) - 0xFFFFFF),
                                 static_cast<int>(random() % 55) - 149);
      s.add(x);
      sum += static_cast<exact::int128>(std::ldexp(static_cast<double>(x), 149));
    }
    const std::uint64_t by = n % 3 == 0 ? 1 + random() % 7 : 1 + random() % 1000;
    ASSERT_EQ(s.mean(by), nearest(sum, static_cast<exact::int128>(by))) << n << ' ' << by;
  }
}

TEST(ExactSum, DividesByTheLargestCount) {
  exact_sum s;
  s.add(most);
  for (int n = 0; n < 63; ++n) s.merge(exact_sum(s));
  EXPECT_EQ(s.mean(std::uint64_t{1} << 63), most);
  exact_sum twice = s;
  twice.merge(s);  // 2^64 of them
  EXPECT_EQ(twice.mean(~std::uint64_t{0}), most) << "2^64 / (2^64 - 1) of it rounds to it";
  EXPECT_EQ(twice.value(), infinity);
  exact_sum negative;
  negative.merge(s), negative.add(-most);
  EXPECT_EQ(negative.mean((std::uint64_t{1} << 63) - 1), most);
}

TEST(ExactSum, IsTheSameInAnyOrderAndForAnySplit) {
  std::mt19937_64 random(3);
  for (int n = 0; n < 300; ++n) {
    std::vector<float> x(1 + random() % 60);
    for (float& v : x) v = support::any_finite(random);
    const exact_sum once = of(x);
    std::shuffle(x.begin(), x.end(), random);
    const auto cut = x.begin() + static_cast<std::ptrdiff_t>(random() % (x.size() + 1));
    exact_sum left = of({x.begin(), cut});
    left.merge(of({cut, x.end()}));
    ASSERT_EQ(left, once);
  }
}

TEST(ExactSum, IsTheSameInEveryFloatingPointEnvironment) {
  const std::vector<float> x{1.0F, 0x1p-149F, -0x1p-130F, 3e38F, -3e38F, 0x1.8p-127F};
  const exact_sum once = of(x);
  const auto mean = std::bit_cast<std::uint32_t>(once.mean(7));
  exact::in_every_environment([&] {
    EXPECT_TRUE(of(x) == once);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(of(x).mean(7)), mean);
  });
}

}  // namespace exact_sum_test
