// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <stdexcept>

#include <dyadic/calibrate/histogram.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace histogram_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;

static_assert(observer<histogram> && mergeable_observer<histogram>);

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
constexpr float most = std::numeric_limits<float>::max();

static_assert(detail::bin_of(0.0F, -149) == 0 && detail::bin_of(1.0F, 0) == 1 && detail::bin_of(-1.0F, 0) == -1);
static_assert(detail::bin_of(0.99F, 0) == 0 && detail::bin_of(-0.01F, 0) == -1 && detail::bin_of(-1.01F, 0) == -2);
static_assert(detail::bin_of(0x1p-149F, -149) == 1 && detail::bin_of(-0x1p-149F, -148) == -1);
static_assert(detail::bin_of(0x1p-149F, 128) == 0 && detail::bin_of(-0x1p-149F, 128) == -1);
static_assert(detail::bin_of(most, 128) == 0 && detail::bin_of(most, 127) == 1 && detail::bin_of(-most, 128) == -1);
static_assert(detail::bin_of(3.0F, -10) == 3072);
static_assert(detail::pair_up(5, 1) == 2 && detail::pair_up(-5, 1) == -3 && detail::pair_up(-1, 300) == -1);

/// floor(x / 2^e) in floating point that has room for it.
double brute_bin(float x, int e) { return std::floor(std::ldexp(static_cast<double>(x), -e)); }

/// Everything a histogram promises, recounted from the data.
void expect_histogram_of(const Floats& x, const histogram& h) {
  const extent seen = extent_of(x);
  EXPECT_EQ(h.seen(), seen);
  if (seen.empty()) {
    EXPECT_TRUE(h.counts().empty());
    return;
  }
  const double lo = std::min(seen.min, 0.0F), hi = std::max(seen.max, 0.0F);
  const auto bins_at = [&](int e) { return std::floor(std::ldexp(hi, -e)) - std::floor(std::ldexp(lo, -e)) + 1; };
  const int e = h.exponent();
  EXPECT_LE(bins_at(e), static_cast<double>(h.max_bins()));
  EXPECT_TRUE(e == -149 || bins_at(e - 1) > static_cast<double>(h.max_bins())) << "a smaller exponent would do: " << e;
  EXPECT_EQ(static_cast<double>(h.counts().size()), bins_at(e));
  EXPECT_EQ(static_cast<double>(h.first_bin()), std::floor(std::ldexp(lo, -e)));
  std::vector<std::uint64_t> counts(h.counts().size());
  for (const float v : x)
    if (v - v == 0.0F) ++counts.at(static_cast<std::size_t>(brute_bin(v, e) - static_cast<double>(h.first_bin())));
  EXPECT_TRUE(std::equal(counts.begin(), counts.end(), h.counts().begin()));
  EXPECT_EQ(h.edge(h.first_bin()), std::ldexp(static_cast<double>(h.first_bin()), e));
}

histogram of(const Floats& x, index_t bins = histogram::default_bins) {
  histogram h(bins);
  h.observe(x);
  return h;
}

TEST(Histogram, CountsEveryNumberInItsBin) {
  for (const index_t bins : {2, 3, 4, 7, 8, 100, 2048, 1 << 20})
    for (const float size : {1.0F, 1e-30F, 1e30F, 1e-44F, 3.0F}) {
      Floats x = support::normal_numbers(1000, 1, size);
      expect_histogram_of(x, of(x, bins));
      for (float& v : x) v = std::abs(v);
      expect_histogram_of(x, of(x, bins));
      for (float& v : x) v = -v;
      expect_histogram_of(x, of(x, bins));
    }
}

TEST(Histogram, CountsExtremeNumbers) {
  const Floats cases[] = {{1e38F, 1e-38F},
                          {-1e38F, 1e-38F},
                          {most, -most},
                          {most},
                          {-most},
                          {0x1p-149F},
                          {-0x1p-149F},
                          {0x1p-149F, -0x1p-149F, 0x1.fffffcp-127F},
                          {0.0F},
                          {-0.0F},
                          {-0.0F, 1.0F},
                          {1.0F},
                          {-1.0F, -2.0F, -1024.0F},
                          {1024.0F, 2047.0F, 2048.0F},
                          {2047.0F},
                          {0x1.ffcp10F, 0x1p-20F},
                          {-2048.0F},
                          {-2047.5F},
                          {0x1p-126F, 0x1p127F},
                          {nan, infinity, -infinity},
                          {nan, infinity, -infinity, 2.0F},
                          {}};
  for (const Floats& x : cases)
    for (const index_t bins : {2, 3, 8, 2048}) {
      expect_histogram_of(x, of(x, bins));
      histogram one_by_one(bins);
      for (const float& v : x) one_by_one.observe(std::span<const float>(&v, 1));
      EXPECT_EQ(one_by_one, of(x, bins));
    }
}

TEST(Histogram, IsTheSameForEverySplitOrderShardAndMergeTree) {
  std::mt19937_64 random(2);
  for (int n = 0; n < 200; ++n) {
    const index_t bins = n % 3 == 0 ? 16 : n % 3 == 1 ? 100 : 2048;
    Floats x = support::normal_numbers(1 + random() % 800, static_cast<unsigned>(n));
    if (n % 2 == 0)  // ranges that grow by many powers of two on the way
      for (float& v : x) v = std::ldexp(v, static_cast<int>(random() % 200) - 120);
    for (std::size_t i = 0; i < x.size(); i += 37) x[i] = i % 2 == 0 ? nan : i % 3 == 0 ? infinity : -0.0F;
    const histogram once = of(x, bins);
    expect_histogram_of(x, once);
    const std::vector<std::byte> expected = once.save();

    std::shuffle(x.begin(), x.end(), random);
    std::vector<histogram> shards(1 + random() % 9, histogram(bins));
    for (std::size_t at = 0; at < x.size();) {
      const std::size_t size = std::min(x.size() - at, static_cast<std::size_t>(random() % 90));
      histogram& shard = shards[random() % shards.size()];
      if (random() % 2 == 0 || size < 2) {
        shard.observe(std::span<const float>(x).subspan(at, size));
      } else {
        const auto half = static_cast<index_t>(size / 2);
        shard.observe(strided<const float>(x.data() + at, 2, half, 1, 2));
        shard.observe(std::span<const float>(x).subspan(at + 2 * static_cast<std::size_t>(half), size % 2));
      }
      at += size;
    }
    while (shards.size() > 1) {
      const std::size_t into = random() % shards.size();
      std::size_t from = random() % shards.size();
      if (from == into) from = (from + 1) % shards.size();
      if (random() % 4 == 0) shards[from] = *histogram::try_load(shards[from].save());
      shards[into].merge(shards[from]);
      shards.erase(shards.begin() + static_cast<std::ptrdiff_t>(from));
    }
    ASSERT_EQ(shards[0].save(), expected) << n;
    ASSERT_EQ(shards[0], once);
  }
}

TEST(Histogram, MergesWithItselfAndWithNothing) {
  const Floats x = support::normal_numbers(100, 3);
  histogram h = of(x), twice = of(x);
  twice.observe(x);
  h.merge(histogram());
  EXPECT_EQ(h, of(x));
  h.merge(h);
  EXPECT_EQ(h, twice);
  histogram nothing;
  nothing.merge(of(x));
  EXPECT_EQ(nothing, of(x));
}

TEST(Histogram, ObservesAnyLayout) {
  const Floats x = support::normal_numbers(37 * 300, 4);
  const histogram expected = of(x);
  for (const strided<const float>& view :
       {strided<const float>(x.data(), 37, 300), strided<const float>(x.data(), 300, 37, 1, 300),
        strided<const float>(x.data() + x.size() - 1, 37, 300, -300, -1)}) {
    histogram h;
    h.observe(view);
    EXPECT_EQ(h, expected);
  }
}

TEST(Histogram, RefusesWhatDoesNotFit) {
  EXPECT_EQ(text_of(histogram::try_make(1)), "histogram: 1 bins, expected 2 to 1048576");
  EXPECT_EQ(text_of(histogram::try_make((1 << 20) + 1)), "histogram: 1048577 bins, expected 2 to 1048576");
  EXPECT_THROW(histogram(-5), std::invalid_argument);
  histogram h = of({1.0F, 2.0F}, 64);
  const histogram before = h;
  EXPECT_EQ(text_of(h.try_merge(histogram(128))),
            "histogram: merging one of 128 bins into one of 64, expected the same");
  EXPECT_EQ(h.try_merge(histogram(128)).error().code(), errc::invalid_shape);
  EXPECT_THROW(h.merge(histogram(128)), std::invalid_argument);
  EXPECT_EQ(text_of(h.try_observe(strided<const float>(nullptr, 2, 3))), "histogram: x: null data for 2 x 3 elements");
  EXPECT_EQ(h, before);
  for (int doubling = 0; doubling < 62; ++doubling) h.merge(h);
  EXPECT_EQ(h.seen().finite, std::uint64_t{1} << 63);
  EXPECT_EQ(h.try_merge(h).error().code(), errc::overflow);
  EXPECT_EQ(*histogram::try_load(h.save()), h);
}

TEST(Histogram, IsTheSameInEveryFloatingPointEnvironment) {
  Floats x = support::normal_numbers(600, 5, 1e-38F);
  for (std::size_t i = 0; i < x.size(); i += 3) x[i] *= 0x1p-12F;  // subnormal
  Floats wide = support::normal_numbers(600, 6);
  wide[0] = most, wide[1] = -0x1p-149F;
  const std::vector<std::byte> small = of(x).save(), large = of(wide).save();
  exact::in_every_environment([&] {
    EXPECT_TRUE(of(x).save() == small);
    EXPECT_TRUE(of(wide).save() == large);
    histogram merged = of(x);
    merged.merge(of(wide));
    histogram other = of(wide);
    other.merge(of(x));
    EXPECT_TRUE(merged == other);
  });
  expect_histogram_of(x, of(x));
  expect_histogram_of(wide, of(wide));
}

}  // namespace histogram_test
