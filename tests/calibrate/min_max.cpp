// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <stdexcept>

#include <dyadic/calibrate/min_max.hpp>

#include "support/data.hpp"

namespace min_max_test {

using namespace dyadic;
using support::text_of;

static_assert(observer<min_max> && mergeable_observer<min_max>);

const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

TEST(MinMax, RemembersTheEndsOfAllItSaw) {
  min_max o;
  EXPECT_TRUE(o.seen().empty());
  o.observe(std::vector<float>{1.0F, nan});
  o.observe(std::vector<float>{-2.0F, infinity});
  const float x[] = {5.0F, 100.0F, 0.5F, 100.0F};
  o.observe(strided<const float>(x, 2, 1, 2, 1));
  EXPECT_EQ(o.seen().min, -2.0F);
  EXPECT_EQ(o.seen().max, 5.0F);
  EXPECT_EQ(o.seen().finite, 4U);
  EXPECT_EQ(o.seen().nan, 1U);
  EXPECT_EQ(o.seen().positive_infinity, 1U);
}

TEST(MinMax, IsTheSameForEverySplitOrderAndMergeTree) {
  std::mt19937_64 random(1);
  std::vector<float> x = support::normal_numbers(500, 2);
  x[3] = nan, x[77] = infinity, x[200] = -0.0F;
  min_max once;
  once.observe(x);
  const std::vector<std::byte> expected = once.save();
  for (int n = 0; n < 100; ++n) {
    std::shuffle(x.begin(), x.end(), random);
    std::vector<min_max> shards(1 + random() % 7);
    for (std::size_t at = 0; at < x.size();) {
      const std::size_t size = std::min(x.size() - at, static_cast<std::size_t>(random() % 60));
      shards[random() % shards.size()].observe(std::span<const float>(x).subspan(at, size));
      at += size;
    }
    while (shards.size() > 1) {
      const std::size_t into = random() % (shards.size() - 1);
      shards[into].merge(shards.back());
      shards.pop_back();
    }
    EXPECT_EQ(shards[0].save(), expected);
    EXPECT_EQ(shards[0], once);
  }
}

TEST(MinMax, RefusesAViewWithoutMemory) {
  min_max o;
  EXPECT_EQ(text_of(o.try_observe(strided<const float>(nullptr, 2, 3))), "min_max: x: null data for 2 x 3 elements");
  EXPECT_TRUE(o.seen().empty());
  EXPECT_THROW(o.observe(strided<const float>(nullptr, 2, 3)), std::invalid_argument);
}

TEST(MinMax, LoadsWhatItSaved) {
  min_max o;
  EXPECT_EQ(o.save().size(), 56U);
  EXPECT_EQ(*min_max::try_load(o.save()), o);
  o.observe(std::vector<float>{-1.5F, 3.0F, nan});
  EXPECT_EQ(*min_max::try_load(o.save()), o);
}

TEST(MinMax, RefusesCountsBeyond64Bits) {
  min_max o;
  for (int doubling = 0; doubling < 63; ++doubling) {
    if (doubling == 0) o.observe(std::vector<float>{1.0F});
    o.merge(o);
  }
  EXPECT_EQ(o.seen().finite, std::uint64_t{1} << 63);
  const auto refused = o.try_merge(o);
  EXPECT_EQ(refused.error().code(), errc::overflow);
  EXPECT_EQ(
      text_of(refused),
      "min_max: 9223372036854775808 and 9223372036854775808 numbers observed, expected at most 18446744073709551615 "
      "together");
  EXPECT_EQ(o.seen().finite, std::uint64_t{1} << 63);
  EXPECT_EQ(*min_max::try_load(o.save()), o);
}

}  // namespace min_max_test
