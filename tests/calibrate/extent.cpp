// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>
#include <Eigen/Core>

#include <limits>
#include <random>

#include <dyadic/calibrate/extent.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace extent_test {

using namespace dyadic;
using support::text_of;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

/// One number at a time, by the words of the definition.
extent slowly(const std::vector<float>& x) {
  extent e;
  for (const float v : x) {
    if (v != v) {
      ++e.nan;
    } else if (v == infinity) {
      ++e.positive_infinity;
    } else if (v == -infinity) {
      ++e.negative_infinity;
    } else {
      ++e.finite;
      if (v < e.min) e.min = v == 0.0F ? 0.0F : v;
      if (v > e.max) e.max = v == 0.0F ? 0.0F : v;
    }
  }
  return e;
}

TEST(Extent, FindsTheEndsAtEveryLengthAndPosition) {
  for (const std::size_t n :
       {0U, 1U, 2U, 7U, 31U, 32U, 33U, 64U, 255U, 256U, 257U, 288U, 300U, 511U, 512U, 513U, 1000U}) {
    std::vector<float> x = support::normal_numbers(n, static_cast<unsigned>(n));
    EXPECT_EQ(extent_of(x), slowly(x)) << n;
    for (std::size_t at = 0; at < n; at += 1 + n / 40)
      for (const float strange : {-100.0F, 100.0F, nan, -nan, infinity, -infinity, 0.0F, -0.0F, 0x1p-149F}) {
        const float kept = std::exchange(x[at], strange);
        ASSERT_EQ(extent_of(x), slowly(x)) << n << ' ' << at << ' ' << strange;
        x[at] = kept;
      }
  }
}

TEST(Extent, SeesEveryKindOfNumber) {
  std::mt19937_64 random(1);
  for (int n = 0; n < 2000; ++n) {
    std::vector<float> x(1 + random() % 300);
    for (float& v : x) v = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    ASSERT_EQ(extent_of(x), slowly(x));
  }
}

TEST(Extent, KnowsNoNegativeZero) {
  for (const std::size_t n : {1U, 40U, 300U}) {
    const extent e = extent_of(std::vector<float>(n, -0.0F));
    EXPECT_EQ(std::bit_cast<std::uint32_t>(e.min), 0U);
    EXPECT_EQ(std::bit_cast<std::uint32_t>(e.max), 0U);
  }
  EXPECT_EQ(std::bit_cast<std::uint32_t>(extent_of(std::vector<float>{-0.0F, -1.0F}).max), 0U);
}

TEST(Extent, DoesNotDependOnTheLayout) {
  Eigen::MatrixXf x = Eigen::MatrixXf::Random(37, 300);
  x(3, 5) = nan, x(36, 299) = infinity;
  const std::vector<float> all(x.data(), x.data() + x.size());
  const Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows = x;
  EXPECT_EQ(extent_of(x), slowly(all));
  EXPECT_EQ(extent_of(rows), slowly(all));
  EXPECT_EQ(extent_of(x.transpose()), slowly(all));
  EXPECT_EQ(extent_of(strided<const float>(x.data() + x.size() - 1, 300, 37, -37, -1)), slowly(all));
  Eigen::MatrixXf larger = Eigen::MatrixXf::Constant(40, 310, 1e9F);
  larger.block(2, 4, 37, 300) = x;
  EXPECT_EQ(extent_of(larger.block(2, 4, 37, 300)), slowly(all));
  EXPECT_EQ(extent_of(strided<const float>(x.data(), 1, 37 * 150, 0, 2)).total(), 37U * 150U);
  EXPECT_EQ(extent_of(strided<const float>(nullptr, 0, 4)), extent{});
  EXPECT_EQ(extent_of(strided<const float>(nullptr, 4, 0)), extent{});
}

TEST(Extent, AddsUp) {
  const std::vector<float> x{3.0F, nan, -1.0F, infinity}, y{-2.0F, -infinity, 1.0F};
  std::vector<float> both = x;
  both.insert(both.end(), y.begin(), y.end());
  extent sum = extent_of(x);
  sum.include(extent_of(y));
  EXPECT_EQ(sum, slowly(both));
  sum.include({});
  EXPECT_EQ(sum, slowly(both));
  EXPECT_NE(sum, extent_of(x));
}

TEST(Extent, HasARangeOrSaysWhyNot) {
  const auto some = range_of(extent_of(std::vector<float>{2.0F, -1.0F, nan}));
  ASSERT_TRUE(some);
  EXPECT_EQ(*some, (range{-1.0F, 2.0F}));
  const auto none = range_of(extent{});
  EXPECT_EQ(none.error().code(), errc::no_data);
  EXPECT_EQ(text_of(none), "range: no finite number among 0 observed (0 NaN, 0 +infinity, 0 -infinity)");
  EXPECT_EQ(text_of(range_of(extent_of(std::vector<float>{nan, nan, infinity}))),
            "range: no finite number among 3 observed (2 NaN, 1 +infinity, 0 -infinity)");
}

TEST(Extent, IsTheSameInEveryFloatingPointEnvironment) {
  std::vector<float> x{0x1p-149F, -0x1p-148F, nan, infinity};
  x.resize(300, 0x1.8p-140F);
  const extent expected = slowly(x), other = slowly({-0x1p-149F});
  exact::in_every_environment([&] {
    extent e = extent_of(x);
    EXPECT_TRUE(e == expected);
    EXPECT_TRUE(extent_of(std::span<const float>(x).first(7)) == extent_of(std::span<const float>(x).first(7)));
    EXPECT_FALSE(e == other);
    e.include(other);
    EXPECT_TRUE(e.total() == expected.total() + 1);
  });
}

}  // namespace extent_test
