// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <numeric>
#include <stdexcept>

#include <dyadic/calibrate/binned.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace uniform_histogram_test {

using namespace dyadic;
using support::text_of;
using Floats = std::vector<float>;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

Floats counts_of(const uniform_histogram& h) { return {h.counts().begin(), h.counts().end()}; }

TEST(UniformHistogram, PutsEveryNumberBetweenItsEdges) {
  std::mt19937_64 random(1);
  for (int n = 0; n < 200; ++n) {
    const Floats x = support::normal_numbers(500, static_cast<unsigned>(n),
                                             n % 3 == 0   ? 1e-40F
                                             : n % 3 == 1 ? 1e30F
                                                          : 1.0F);
    const float lo = std::min(x[0], x[1]), hi = std::max(x[0], x[1]);
    uniform_histogram h({lo, hi}, static_cast<index_t>(1 + random() % 300), binning::numpy);
    h.observe(x);
    Floats edges;
    for (index_t k = 0; k <= h.bins(); ++k) edges.push_back(h.edge(k));
    ASSERT_TRUE(std::is_sorted(edges.begin(), edges.end()));
    std::vector<std::uint64_t> counts(h.counts().size());
    std::uint64_t outside = 0;
    for (const float v : x) {
      if (v < lo || v > hi) {
        ++outside;
        continue;
      }
      // The last bin that begins at or below the number; the end belongs to the last one.
      std::size_t k = counts.size() - 1;
      while (k > 0 && v < edges[k]) --k;
      ++counts[k];
    }
    ASSERT_TRUE(std::equal(counts.begin(), counts.end(), h.counts().begin())) << n;
    ASSERT_EQ(h.outside(), outside);
  }
}

TEST(UniformHistogram, DiffersBetweenTorchAndNumpyAtAnEdge) {
  // 0.7 is 7 tenths of [0, 1] cut into ten: each rule has its own answer where rounding decides.
  int different = 0, versions = 0;
  for (int n = 1; n < 1000; ++n) {
    const Floats x{static_cast<float>(n) / 1000.0F};
    Floats found[3];
    for (int rule = 0; rule < 3; ++rule) {
      uniform_histogram h({0.0F, 0.3F}, 100, static_cast<binning>(rule));
      h.observe(x);
      found[rule] = counts_of(h);
    }
    different += found[0] != found[1] ? 1 : 0;
    versions += found[1] != found[2] ? 1 : 0;
  }
  EXPECT_GT(different, 0);
  EXPECT_GT(versions, 0);
}

TEST(UniformHistogram, CountsWhatIsInNoBin) {
  for (const binning rule : {binning::numpy, binning::torch, binning::torch_1}) {
    uniform_histogram h({-1.0F, 1.0F}, 4, rule);
    h.observe(Floats{-1.0F, -0.5F, 0.0F, 1.0F, 1.0000001F, -5.0F, nan, infinity, -infinity, -0.0F});
    EXPECT_EQ(counts_of(h), (Floats{1, 1, 2, 1}));
    EXPECT_EQ(h.outside(), 2U);
    EXPECT_EQ(h.seen().min, -5.0F);
    EXPECT_EQ(h.seen().nan, 1U);
    EXPECT_EQ(h.seen().finite, 7U);
    const binned view = *try_bins(h);
    EXPECT_EQ(view.seen, (range{-1.0F, 1.0F}));
    EXPECT_EQ(view.total(), 5U);
    EXPECT_EQ(view.float_edge(1), -0.5F);
    EXPECT_EQ(view.edge(4), 1.0);
  }
}

TEST(UniformHistogram, TakesARangeOfOneNumber) {
  uniform_histogram h({2.0F, 2.0F}, 8, binning::numpy);
  h.observe(Floats{2.0F, 2.0F, 3.0F});
  EXPECT_EQ(std::accumulate(h.counts().begin(), h.counts().end(), std::uint64_t{0}), 2U);
  EXPECT_EQ(h.counts()[7], 2U);
  EXPECT_EQ(h.outside(), 1U);
}

TEST(UniformHistogram, RefusesWhatMakesNoSense) {
  EXPECT_EQ(text_of(uniform_histogram::try_make({1.0F, 0.0F}, 8, binning::torch)),
            "range: [1, 0] given, expected finite ends with lo <= hi");
  EXPECT_EQ(text_of(uniform_histogram::try_make({0.0F, nan}, 8, binning::torch)),
            "range: [0, nan] given, expected finite ends with lo <= hi");
  EXPECT_EQ(text_of(uniform_histogram::try_make({0.0F, 1.0F}, 0, binning::torch)),
            "uniform_histogram: 0 bins, expected 1 to 1048576");
  EXPECT_EQ(text_of(uniform_histogram::try_make({-3e38F, 3e38F}, 8, binning::torch)),
            "uniform_histogram: [-3.00000001e+38, 3.00000001e+38] given, expected hi - lo to be a float");
  EXPECT_THROW(uniform_histogram({0.0F, 1.0F}, -1, binning::numpy), std::invalid_argument);
  uniform_histogram h({0.0F, 1.0F}, 8, binning::torch);
  h.observe(Floats{0.5F});
  const uniform_histogram before = h;
  EXPECT_EQ(text_of(h.try_merge(uniform_histogram({0.0F, 1.0F}, 8, binning::numpy))),
            "uniform_histogram: merging 8 numpy bins over [0, 1] into 8 torch bins over [0, 1], expected the same");
  EXPECT_FALSE(h.try_merge(uniform_histogram({0.0F, 1.0F}, 9, binning::torch)));
  EXPECT_FALSE(h.try_merge(uniform_histogram({0.0F, 2.0F}, 8, binning::torch)));
  EXPECT_EQ(text_of(h.try_observe(strided<const float>(nullptr, 2, 3))),
            "uniform_histogram: x: null data for 2 x 3 elements");
  EXPECT_EQ(h, before);
}

TEST(UniformHistogram, IsTheSameInEveryFloatingPointEnvironment) {
  const Floats x = support::normal_numbers(600, 5, 1e-38F);
  const auto bytes = [&](binning rule) {
    uniform_histogram h({-1e-38F, 2e-38F}, 100, rule);
    h.observe(x);
    return h.save();
  };
  const auto numpy = bytes(binning::numpy), torch = bytes(binning::torch), old = bytes(binning::torch_1);
  exact::in_every_environment([&] {
    EXPECT_TRUE(bytes(binning::numpy) == numpy);
    EXPECT_TRUE(bytes(binning::torch) == torch);
    EXPECT_TRUE(bytes(binning::torch_1) == old);
  });
}

TEST(Binned, FoldsAHistogram) {
  histogram h(8);
  h.observe(Floats{-3.0F, -2.5F, -1.0F, 0.5F, 1.5F});
  const owned_bins magnitudes = *try_magnitude_bins(h), symmetric = *try_symmetric_bins(h);
  const binned plain = *try_bins(h), m = magnitudes, s = symmetric;
  EXPECT_EQ(h.exponent(), 0);
  EXPECT_EQ(plain.lower, -3.0);
  EXPECT_EQ(plain.upper, 2.0);
  EXPECT_EQ(Floats(plain.counts.begin(), plain.counts.end()), (Floats{2, 0, 1, 1, 1}));
  EXPECT_EQ(m.lower, 0.0);
  EXPECT_EQ(m.upper, 3.0);
  EXPECT_EQ(Floats(m.counts.begin(), m.counts.end()), (Floats{2, 1, 2}));
  EXPECT_EQ(m.seen, (range{-3.0F, 1.5F}));
  EXPECT_EQ(s.lower, -3.0);
  EXPECT_EQ(s.upper, 3.0);
  EXPECT_EQ(Floats(s.counts.begin(), s.counts.end()), (Floats{2, 0, 1, 1, 1, 0}));
  EXPECT_EQ(s.edge(1), -2.0);
  for (const auto& none : {try_magnitude_bins(histogram()), try_symmetric_bins(histogram())})
    EXPECT_EQ(none.error().code(), errc::no_data);
  EXPECT_EQ(try_bins(histogram()).error().code(), errc::no_data);
  EXPECT_EQ(try_bins(uniform_histogram()).error().code(), errc::no_data);
}

}  // namespace uniform_histogram_test
