// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <stdexcept>

#include <dyadic/calibrate/range_percentile.hpp>

#include "calibrate/shapes.hpp"
#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace range_percentile_test {

using namespace dyadic;
using support::text_of;

/// numpy.searchsorted(numpy.cumsum(hist / total), share)
std::size_t searchsorted(std::span<const std::uint64_t> hist, double share) {
  double total = 0, sum = 0;
  std::vector<double> cdf;
  for (const std::uint64_t n : hist) total += static_cast<double>(n);
  for (const std::uint64_t n : hist) cdf.push_back(sum += static_cast<double>(n) / total);
  return static_cast<std::size_t>(std::lower_bound(cdf.begin(), cdf.end(), share) - cdf.begin());
}

TEST(RangePercentile, ChoosesWhatTheOriginalsChoose) {
  int tried = 0, equal = 0;
  for (const shapes::shape& s : shapes::twenty())
    for (const double percent : {99.999, 99.99, 99.9, 99.0, 90.0, 100.0, 50.0, 0.0}) {
      min_max ends;
      ends.observe(s.x);
      const float lo = ends.seen().min, hi = ends.seen().max, amax = std::max(-lo, hi);
      std::vector<float> sizes = s.x;
      for (float& v : sizes) v = std::fabs(v);
      uniform_histogram numbers({lo, hi}, 2048, binning::numpy), magnitudes({0.0F, amax}, 2048, binning::numpy);
      numbers.observe(s.x);
      magnitudes.observe(sizes);
      const auto edge = [](const uniform_histogram& h, std::size_t k) { return h.edge(static_cast<index_t>(k)); };

      const double cut = (100.0 - percent) / 200.0;
      const range both{std::max(lo, edge(numbers, searchsorted(numbers.counts(), cut))),
                       std::min(hi, edge(numbers, searchsorted(numbers.counts(), 1.0 - cut)))};
      const float t = edge(magnitudes, searchsorted(magnitudes.counts(), percent / 100.0));
      const binned m{magnitudes.counts(), 0.0, static_cast<double>(amax), {lo, hi}};
      const range mine = range_percentile_onnxruntime(*try_bins(numbers), percent);
      const range symmetric = range_percentile_onnxruntime_symmetric(m, percent),
                  tensorrt = range_percentile_tensorrt(m, percent);
      EXPECT_EQ(mine, both) << s.name << ' ' << percent;
      EXPECT_EQ(tensorrt, (range{-t, t})) << s.name << ' ' << percent;
      // Their range may lie outside the numbers, or be reversed; ours is then the nearer end, twice.
      const range theirs{std::max(lo, -t), std::min(hi, t)};
      EXPECT_EQ(symmetric, theirs.lo <= theirs.hi ? theirs : (range{theirs.hi, theirs.hi})) << s.name << ' ' << percent;
      tried += 3;
      equal += (mine == both ? 1 : 0) + (tensorrt == range{-t, t} ? 1 : 0) + (symmetric.hi == theirs.hi ? 1 : 0);
    }
  std::printf("[transcribed] percentile onnxruntime, tensorrt: tried %d, equal %d\n", tried, equal);
}

// Bins of the magnitudes of a merged state: TensorRT #2757 got 316.8 from one whose numbers were below 1.
TEST(RangePercentile, D4MergedShardsGiveTheThresholdOfOnePass) {
  const std::vector<float> x = support::normal_numbers(10'000, 1, 0.2F);
  histogram once, left, right;
  once.observe(x);
  left.observe(std::span<const float>(x).first(77));
  right.observe(std::span<const float>(x).subspan(77));
  right.merge(left);
  const range merged = range_percentile_tensorrt(*try_magnitude_bins(right), 99.99);
  EXPECT_EQ(merged, range_percentile_tensorrt(*try_magnitude_bins(once), 99.99));
  EXPECT_LT(merged.hi, 1.3F);
}

TEST(RangePercentile, RefusesWhatMakesNoSense) {
  const std::vector<std::uint64_t> counts{1, 2}, none(2), many{std::uint64_t{1} << 53, ~std::uint64_t{0}};
  const auto text = [](const binned& h, double percent) {
    const std::string first = text_of(try_range_percentile_tensorrt(h, percent)).substr(26);
    EXPECT_EQ(first, text_of(try_range_percentile_onnxruntime(h, percent)).substr(29));
    EXPECT_EQ(first, text_of(try_range_percentile_onnxruntime_symmetric(h, percent)).substr(39));
    return first;
  };
  const range r{0.0F, 1.0F};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(text({counts, 0.0, 1.0, r}, -1.0), " percentile -1 given, expected a number in [0, 100]");
  EXPECT_EQ(text({counts, 0.0, 1.0, r}, nan), " percentile nan given, expected a number in [0, 100]");
  EXPECT_EQ(text({{}, 0.0, 1.0, r}, 99.0), " no bins, expected at least 1");
  EXPECT_EQ(text({none, 0.0, 1.0, r}, 99.0), " no number in 2 bins");
  EXPECT_EQ(text({many, 0.0, 1.0, r}, 99.0), " 18446744073709551615 numbers in the bins, expected less than 2^53");
  EXPECT_EQ(text({counts, 1.0, 0.0, r}, 99.0), " bins over [1, 0], expected finite ends with lower <= upper");
  EXPECT_EQ(text({counts, nan, 0.0, r}, 99.0), " bins over [nan, 0], expected finite ends with lower <= upper");
  EXPECT_EQ(text_of(try_range_percentile_tensorrt({counts, 0.0, 1.0, {1.0F, 0.0F}}, 99.0)),
            "range: [1, 0] given, expected finite ends with lo <= hi");
  EXPECT_THROW(range_percentile_onnxruntime({counts, 0.0, 1.0, r}, 101.0), std::invalid_argument);
}

}  // namespace range_percentile_test
