// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Faults that calibration had elsewhere, one test or more for each row of the catalogue, named after it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include <dyadic/calibrate/histogram.hpp>
#include <dyadic/calibrate/mean_min_max.hpp>
#include <dyadic/calibrate/mean_quantile.hpp>
#include <dyadic/calibrate/moving_average_min_max.hpp>
#include <dyadic/calibrate/per_row.hpp>
#include <dyadic/calibrate/range_choice.hpp>
#include <dyadic/calibrate/range_entropy_onnxruntime.hpp>
#include <dyadic/calibrate/range_entropy_tensorrt.hpp>
#include <dyadic/calibrate/range_mse.hpp>
#include <dyadic/calibrate/range_mse_pytorch.hpp>
#include <dyadic/calibrate/range_octav.hpp>
#include <dyadic/calibrate/range_percentile.hpp>
#include <dyadic/calibrate/state_text.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace catalogue_test {

using namespace dyadic;
using support::text_of;
using Floats = std::vector<float>;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
constexpr float most = std::numeric_limits<float>::max();
constexpr scheme symmetric{.bits = 8}, asymmetric{.bits = 8, .is_signed = false, .sym = symmetry::asymmetric};

histogram of(const Floats& x, index_t bins = 256) {
  histogram h(bins);
  h.observe(x);
  return h;
}

/// Every search there is, on a histogram.
std::vector<result<range>> every_search(const histogram& h) {
  std::vector<result<range>> all;
  all.push_back(try_range_min_max(h));
  all.push_back(try_range_percentile(h, 99.9));
  all.push_back(try_range_percentile_symmetric(h, 99.9));
  all.push_back(try_range_mse(h, symmetric));
  all.push_back(try_range_mse(h, asymmetric));
  all.push_back(try_range_mse_pytorch(h));
  all.push_back(try_range_entropy_onnxruntime(h));
  all.push_back(try_range_entropy_tensorrt(h));
  all.push_back(try_range_octav(h, 8));
  if (const auto bins = try_bins(h)) all.push_back(try_range_percentile_onnxruntime(*bins, 99.9));
  if (const auto bins = try_magnitude_bins(h)) {
    all.push_back(try_range_percentile_onnxruntime_symmetric(*bins, 99.9));
    all.push_back(try_range_percentile_tensorrt(*bins, 99.9));
  }
  return all;
}

/// Params that can be used: the range is one, and its scale is a scale.
void expect_usable(const histogram& h, const char* what) {
  int number = 0;
  for (const result<range>& r : every_search(h)) {
    ASSERT_TRUE(r) << what << ' ' << number << ": " << r.error().message();
    for (const scheme& s : {symmetric, asymmetric}) {
      const auto c = try_choose(s, onnx_profile, *r);
      ASSERT_TRUE(c) << what << ' ' << number << ": " << c.error().message();
      EXPECT_TRUE(c->scale > 0.0F && c->scale < infinity) << what << ' ' << number;
    }
    ++number;
  }
}

template <class Observer>
Observer observed(Observer o, const Floats& x) {
  o.observe(x);
  return o;
}

TEST(Catalogue, A10NoCalibrationGivesANanScale) {
  for (const Floats& x : {Floats{nan, 1.0F, -2.0F}, Floats{infinity, 1.0F, nan, -infinity, 0.5F}, Floats{nan, 0.0F}}) {
    expect_usable(of(x), "A10");
    for (const extent& seen : {observed(min_max(), x).seen(), observed(moving_average_min_max(), x).seen(),
                               observed(mean_min_max(), x).seen(), observed(mean_quantile(), x).seen()}) {
      EXPECT_TRUE(seen.min <= seen.max && seen.min >= -most && seen.max <= most);
      EXPECT_EQ(seen.nan, 1U);
    }
  }
}

TEST(Catalogue, B1InfinitiesAndNanReachNoCast) {
  const Floats x{infinity, -infinity, nan, most, -most, 0x1p-149F, -0.0F, 1.0F};
  for (const binning rule : {binning::numpy, binning::torch, binning::torch_1}) {
    uniform_histogram h({0.0F, most}, 7, rule);
    h.observe(x);
    EXPECT_EQ(h.counts()[0], 3U);
    EXPECT_EQ(h.counts()[6], 1U);
    EXPECT_EQ(h.outside(), 1U);
  }
  expect_usable(of(x), "B1");
  expect_usable(of({most}), "B1");
  expect_usable(of({-most, most}), "B1");
}

TEST(Catalogue, B6FlushToZeroChangesNoObserver) {
  const Floats x = support::normal_numbers(500, 1, 3e-39F);  // half of them subnormal
  const auto bytes = [&x] {
    std::vector<std::byte> all;
    const auto add = [&all](const std::vector<std::byte>& more) { all.insert(all.end(), more.begin(), more.end()); };
    add(observed(min_max(), x).save());
    add(of(x).save());
    add(observed(mean_min_max(), x).save());
    add(observed(mean_quantile(), x).save());
    add(observed(uniform_histogram({-1e-38F, 1e-38F}, 50, binning::numpy), x).save());
    add(observed(uniform_histogram({-1e-38F, 1e-38F}, 50, binning::torch), x).save());
    for (const result<range>& r : every_search(of(x)))
      for (const float end : {r->lo, r->hi})
        for (int i = 0; i < 4; ++i) all.push_back(static_cast<std::byte>(std::bit_cast<std::uint32_t>(end) >> (8 * i)));
    return all;
  };
  const auto once = bytes();
  exact::in_every_environment([&] { EXPECT_TRUE(bytes() == once); });
}

TEST(Catalogue, D1AFirstBatchOfZerosIsNoError) {
  expect_usable(of(Floats(100, 0.0F)), "D1");
  histogram h(256);
  mean_min_max mean;
  mean_quantile quantile;
  for (const Floats& batch : {Floats(100, 0.0F), support::normal_numbers(100, 1), Floats(3, 0.0F)})
    h.observe(batch), mean.observe(batch), quantile.observe(batch);
  expect_usable(h, "D1");
  EXPECT_EQ(mean.batches(), 3U);
  uniform_histogram zeros({0.0F, 0.0F}, 16, binning::torch);
  zeros.observe(Floats(10, 0.0F));
  const binned view = *try_bins(zeros);
  for (const auto& r :
       {try_range_mse(view, symmetric), try_range_mse_pytorch(view), try_range_entropy_onnxruntime(view, 8),
        try_range_entropy_tensorrt(view, 2, 2), try_range_percentile_tensorrt(view, 99.0)})
    EXPECT_TRUE(r && *r == (range{0.0F, 0.0F}));
}

TEST(Catalogue, D2BatchesOfVeryDifferentSizesKeepTheirCounts) {
  histogram h(256);
  for (const float size : {1.0F, 1e-30F, 1e30F, 1e-3F}) h.observe(support::normal_numbers(100, 1, size));
  std::uint64_t total = 0;
  for (const std::uint64_t n : h.counts()) total += n;
  EXPECT_EQ(total, 400U);
  EXPECT_LE(h.counts().size(), 256U);
  EXPECT_GT(h.counts().size(), 128U);
  expect_usable(h, "D2");
}

TEST(Catalogue, D3InfinitiesAndNanAreCountedApart) {
  Floats x = support::normal_numbers(100, 1);
  const histogram clean = of(x);
  x.insert(x.begin() + 50, {nan, infinity, -infinity, nan});
  const histogram h = of(x);
  EXPECT_TRUE(std::equal(h.counts().begin(), h.counts().end(), clean.counts().begin(), clean.counts().end()));
  EXPECT_EQ(h.seen().nan, 2U);
  EXPECT_EQ(h.seen().positive_infinity, 1U);
  const auto with = every_search(h), without = every_search(clean);
  for (std::size_t i = 0; i < with.size(); ++i) EXPECT_EQ(*with[i], *without[i]) << i;
  per_row<min_max> rows;
  rows.observe(strided<const float>(x.data(), 52, 2));  // a row of one NaN and one infinity
  EXPECT_EQ(text_of(try_range_min_max(rows[25])),
            "range: no finite number among 2 observed (1 NaN, 1 +infinity, 0 -infinity)");
}

TEST(Catalogue, D4MergingDoesNotChangeTheAnswer) {
  const Floats x = support::normal_numbers(3000, 2, 0.2F);
  const std::span<const float> all(x);
  histogram merged(256);
  for (std::size_t at = 3000; at > 0; at -= 300) {
    histogram shard(256);
    shard.observe(all.subspan(at - 300, 300));
    merged.merge(shard);
  }
  const auto expected = every_search(of(x)), found = every_search(merged);
  for (std::size_t i = 0; i < found.size(); ++i) EXPECT_EQ(*found[i], *expected[i]) << i;
  EXPECT_FALSE(merged.try_merge(histogram(128)));
}

TEST(Catalogue, D5NarrowAndSubnormalDataKeepTheirBins) {
  // 1 and the float after it, and two subnormals: edges that half precision would make one.
  for (const Floats& x : {Floats{1.0F, 1.0000001F, 1.0000002F}, Floats{0x1p-149F, 0x1p-148F, 0x1.8p-148F}}) {
    const histogram fine = of(x, 1 << 20);
    EXPECT_GE(std::count_if(fine.counts().begin(), fine.counts().end(), [](std::uint64_t n) { return n > 0; }),
              x[0] == 1.0F ? 1 : 3);
    const range r = *try_range_min_max(fine);
    uniform_histogram h(r, 2, binning::numpy);
    h.observe(x);
    EXPECT_EQ(h.counts()[0] + h.counts()[1], 3U);
    EXPECT_LT(h.edge(0), h.edge(2));
    expect_usable(of(x), "D5");
  }
}

TEST(Catalogue, D6OneSidedDataGetOneSidedRanges) {
  Floats x = support::normal_numbers(3000, 3);
  for (float& v : x) v = 1.0F + std::fabs(v);
  for (const float sign : {1.0F, -1.0F}) {
    for (float& v : x) v = sign * std::fabs(v);
    const histogram h = of(x);
    const range mse = range_mse(h, asymmetric), onnxruntime = range_entropy_onnxruntime(h, 16);
    const chosen c = choose(asymmetric, onnx_profile, mse);
    EXPECT_EQ(sign > 0 ? mse.lo : mse.hi, 0.0F);
    EXPECT_EQ(c.zero_point, sign > 0 ? 0 : 255);
    // Cut to what was seen: no code goes to the other side.
    EXPECT_EQ(sign > 0 ? onnxruntime.lo : onnxruntime.hi,
              sign * 1.0F * std::fabs(sign > 0 ? h.seen().min : h.seen().max));
    const range percentile = range_percentile(h, 99.0);
    EXPECT_TRUE(sign > 0 ? percentile.lo >= h.seen().min : percentile.hi <= h.seen().max);
    expect_usable(h, "D6");
  }
}

TEST(Catalogue, D7NoDataIsAnErrorThatSaysSo) {
  for (const Floats& x : {Floats{}, Floats{nan, infinity}}) {
    for (const result<range>& r : every_search(of(x))) {
      ASSERT_FALSE(r);
      EXPECT_EQ(r.error().code(), errc::no_data);
      EXPECT_NE(std::string(r.error().message()).find("no finite number"), std::string::npos);
    }
    EXPECT_EQ(try_range_min_max(observed(mean_min_max(), x)).error().code(), errc::no_data);
    EXPECT_EQ(try_range_min_max(observed(mean_quantile(), x)).error().code(), errc::no_data);
    EXPECT_EQ(try_range_min_max(observed(uniform_histogram(), x)).error().code(), errc::no_data);
    EXPECT_EQ(try_bins(observed(uniform_histogram(), x)).error().code(), errc::no_data);
  }
  uniform_histogram elsewhere({0.0F, 1.0F}, 4, binning::numpy);
  elsewhere.observe(Floats{5.0F});
  EXPECT_EQ(try_bins(elsewhere).error().code(), errc::no_data) << "something was seen, but nothing in the bins";
}

// Files of observers: E1 and E2 for states, cut short, too long, of claims that no memory could hold.
TEST(Catalogue, E1StatesClaimNothingTheyDoNotHold) {
  std::vector<std::byte> forged;
  const auto put = [&forged](std::uint64_t x, int size) {
    for (int i = 0; i < size; ++i) forged.push_back(static_cast<std::byte>(x >> (8 * i)));
  };
  put(per_row<min_max>::state_tag, 4), put(1, 4), put(min_max::state_tag, 4), put(~std::uint64_t{0} / 2, 8);
  put(detail::fnv1a(forged), 8);
  EXPECT_EQ(text_of(per_row<min_max>::try_load(forged)), "per_row: 9223372036854775807 rows in 0 bytes");
  const std::string text =
      "dyadic state 1 per_row\nu32 observer 1296914756\nu64 rows 9223372036854775807\nend 0000000000000000\n";
  EXPECT_EQ(try_load_text<per_row<min_max>>(text).error().code(), errc::bad_format);
}

}  // namespace catalogue_test
