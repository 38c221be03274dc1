// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <stdexcept>

#include <dyadic/calibrate/mean_min_max.hpp>
#include <dyadic/calibrate/mean_quantile.hpp>
#include <dyadic/calibrate/range_choice.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace mean_min_max_test {

using namespace dyadic;
using support::text_of;
using Floats = std::vector<float>;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
constexpr float most = std::numeric_limits<float>::max();

TEST(MeanMinMax, AveragesTheEndsOfTheBatches) {
  mean_min_max o;
  EXPECT_TRUE(o.seen().empty());
  o.observe(Floats{-1.0F, 5.0F, nan});
  o.observe(Floats{-2.0F, 1.0F, infinity});
  o.observe(Floats{nan, -infinity});  // counted, moves nothing
  o.observe(Floats{});
  EXPECT_EQ(range_min_max(o), (range{-1.5F, 3.0F}));
  EXPECT_EQ(o.batches(), 2U);
  EXPECT_EQ(o.seen().finite, 4U);
  EXPECT_EQ(o.seen().nan, 2U);
  const float x[] = {9.0F, 100.0F, 7.0F, 100.0F};
  o.observe(strided<const float>(x, 2, 1, 2, 1));
  EXPECT_EQ(range_min_max(o), (range{(-1.0F - 2.0F + 7.0F) / 3.0F, 5.0F}));
}

TEST(MeanMinMax, RoundsOnce) {
  mean_min_max o;
  for (int n = 0; n < 1000; ++n) o.observe(Floats{0.1F, most});
  EXPECT_EQ(range_min_max(o), (range{0.1F, most})) << "a float sum would be infinite, and 0.1 times 1000 rounded";
  o.observe(Floats{-0.0F, -most});
  EXPECT_EQ(o.seen().min, static_cast<float>((1000 * static_cast<double>(0.1F) - static_cast<double>(most)) / 1001));
}

TEST(MeanMinMax, RefusesWhatDoesNotFit) {
  mean_min_max o;
  o.observe(Floats{1.0F});
  const mean_min_max before = o;
  EXPECT_EQ(text_of(o.try_observe(strided<const float>(nullptr, 2, 3))),
            "mean_min_max: x: null data for 2 x 3 elements");
  EXPECT_EQ(o, before);
  for (int doubling = 0; doubling < 63; ++doubling) o.merge(mean_min_max(o));
  EXPECT_EQ(o.try_merge(o).error().code(), errc::overflow);
  EXPECT_EQ(range_min_max(o), (range{1.0F, 1.0F}));
  EXPECT_THROW(o.merge(o), std::length_error);
}

TEST(MeanQuantile, IsBetweenTwoNumbers) {
  const Floats x{4.0F, nan, 0.0F, 1.0F, -infinity, 3.0F, 2.0F};  // 0 to 4
  for (const auto& [q, expected] :
       {std::pair<double, float>{0.0, 0.0F}, {0.125, 0.5F}, {0.5, 2.0F}, {0.9, 3.6F}, {1.0, 4.0F}}) {
    mean_quantile o(q, 1.0);
    o.observe(x);
    EXPECT_EQ(range_min_max(o), (range{expected, 4.0F})) << q;
  }
  mean_quantile wide(0.25, 0.75), one, large(0.0, 1.0);
  wide.observe(Floats{-most, most});  // their difference is no float: the nearer of the two
  EXPECT_EQ(range_min_max(wide), (range{-most, most}));
  one.observe(Floats{-0.0F});
  EXPECT_EQ(std::bit_cast<std::uint32_t>(one.seen().min), 0U);
  one.observe(Floats{});
  EXPECT_EQ(one.batches(), 1U);
  const Floats many = support::normal_numbers(100'001, 1);
  large.observe(many);
  EXPECT_EQ(range_min_max(large).lo, extent_of(many).min);
  EXPECT_EQ(range_min_max(large).hi, extent_of(many).max);
}

TEST(MeanQuantile, AveragesOverBatches) {
  mean_quantile o(0.5, 1.0);
  o.observe(Floats{1.0F, 2.0F, 3.0F});
  const float x[] = {10.0F, -1.0F, 20.0F, -1.0F};
  o.observe(strided<const float>(x, 1, 2, 4, 2));
  EXPECT_EQ(range_min_max(o), (range{8.5F, 11.5F}));
  EXPECT_EQ(o.seen().finite, 5U);
}

TEST(MeanQuantile, RefusesWhatMakesNoSense) {
  EXPECT_EQ(text_of(mean_quantile::try_make(0.6, 0.5)),
            "mean_quantile: quantiles 0.6 and 0.5 given, expected 0 <= low <= high <= 1");
  for (const double q : {-0.1, 1.1, static_cast<double>(nan)}) {
    EXPECT_EQ(mean_quantile::try_make(q, 0.5).error().code(), errc::invalid_range);
    EXPECT_EQ(mean_quantile::try_make(0.5, q).error().code(), errc::invalid_range);
  }
  EXPECT_THROW(mean_quantile(2.0, 3.0), std::invalid_argument);
  mean_quantile o(0.1, 0.9);
  EXPECT_EQ(text_of(o.try_merge(mean_quantile(0.1, 0.8))),
            "mean_quantile: merging quantiles 0.1 and 0.8 into 0.1 and 0.9, expected the same");
  EXPECT_EQ(text_of(o.try_observe(strided<const float>(nullptr, 2, 3))),
            "mean_quantile: x: null data for 2 x 3 elements");
}

TEST(MeanQuantile, IsTheSameInEveryFloatingPointEnvironment) {
  const Floats x = support::normal_numbers(501, 2), tiny = support::normal_numbers(501, 3, 1e-41F);
  const auto bytes = [&] {
    mean_quantile o(0.013, 0.977);
    o.observe(x);
    o.observe(tiny);
    mean_min_max m;
    m.observe(x);
    m.observe(tiny);
    std::vector<std::byte> all = o.save(), more = m.save();
    all.insert(all.end(), more.begin(), more.end());
    return all;
  };
  const auto once = bytes();
  exact::in_every_environment([&] { EXPECT_TRUE(bytes() == once); });
}

}  // namespace mean_min_max_test
