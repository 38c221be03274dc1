// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <random>

#include <dyadic/calibrate/histogram.hpp>
#include <dyadic/calibrate/uniform_histogram.hpp>

#include "support/data.hpp"
#include "support/guarded.hpp"
#include "support/isas.hpp"

namespace calibrate_simd_test {

using namespace dyadic;
using Floats = std::vector<float>;

/// Numbers of every magnitude and sign, with a share of infinities, NaN, zeros of both signs and subnormals.
Floats mixture(std::size_t n, unsigned seed, unsigned strange) {
  std::mt19937 random(seed);
  const Floats corners = support::corner_numbers();
  Floats x(n);
  for (float& v : x) {
    v = std::bit_cast<float>(static_cast<std::uint32_t>(random()) & 0xBFFFFFFFU);  // below 2
    if (strange > 0 && random() % strange == 0) v = corners[random() % corners.size()];
  }
  return x;
}

/// Number by number, as the definition says.
extent one_by_one(const Floats& x) {
  extent e;
  for (const float v : x) detail::include_one(e, v);
  return e;
}

TEST(CalibrateSimd, TheExtentIsThatOfEachNumber) {
  for (std::size_t n = 0; n < 600; n += n < 300 ? 1 : 37)
    for (const unsigned strange : {0U, 3U, 300U}) {
      const Floats numbers = mixture(n, static_cast<unsigned>(n), strange);
      const extent expected = one_by_one(numbers);
      for (const auto where : {support::against::first_page, support::against::last_page}) {
        const support::guarded<float> x(std::span<const float>(numbers), where);
        support::for_each_isa([&](const std::string& isa) {
          ASSERT_EQ(extent_of(std::span<const float>(x.data(), n)), expected) << isa << ' ' << n << ' ' << strange;
        });
      }
    }
  for (const unsigned strange : {0U, 100U, 20'000U}) {
    const Floats x = mixture(100'003, 7, strange);
    support::for_each_isa([&](const std::string& isa) { EXPECT_EQ(extent_of(x), one_by_one(x)) << isa; });
  }
}

TEST(CalibrateSimd, OneNumberAnywhereMakesTheEnds) {
  for (const std::size_t n : {std::size_t{1}, std::size_t{17}, std::size_t{64}, std::size_t{1500}, std::size_t{5000}})
    for (std::size_t at = 0; at < n; at += n < 100 ? 1 : 83) {
      Floats x(n, 1.0F);
      x[at] = -3.0F;
      Floats y(n, -1.0F);
      y[at] = 0x1p-149F;
      support::for_each_isa([&](const std::string& isa) {
        ASSERT_EQ(extent_of(x).min, -3.0F) << isa << ' ' << n << ' ' << at;
        ASSERT_EQ(extent_of(x).finite, n);
        ASSERT_EQ(extent_of(y).max, 0x1p-149F) << isa << ' ' << n << ' ' << at;
      });
    }
}

TEST(CalibrateSimd, AnEndThatIsZeroIsPositive) {
  for (const std::size_t n : {std::size_t{1}, std::size_t{40}, std::size_t{3000}}) {
    Floats x(n, -0.0F);
    support::for_each_isa([&](const std::string& isa) {
      EXPECT_EQ(std::bit_cast<std::uint32_t>(extent_of(x).min), 0U) << isa << ' ' << n;
      EXPECT_EQ(std::bit_cast<std::uint32_t>(extent_of(x).max), 0U) << isa << ' ' << n;
    });
  }
}

/// floor(x / width) of all kinds of numbers that the bins can hold, for every width.
TEST(CalibrateSimd, EveryInstructionSetFindsTheSameBins) {
  for (int e = -126; e <= 126; ++e) {
    const float width = detail::power_of_two(e);
    Floats x{0.0F, -0.0F, width, -width, 0x1p-149F, -0x1p-149F, 0x1p-126F, -0x1p-126F};
    std::mt19937 random(static_cast<unsigned>(e + 200));
    const float largest = e > 107 ? 0x1.fffffep127F : width * 0x1p20F;
    while (x.size() < 300) {
      const float v = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
      if (v >= -largest && v <= largest) x.push_back(v);
      const auto k = static_cast<float>(static_cast<int>(random() % 4000) - 2000);
      if (k * width - k * width == 0.0F) {
        const auto bits = std::bit_cast<std::int32_t>(k * width);
        for (int ulp = -1; ulp <= 1; ++ulp)
          if (detail::is_finite(std::bit_cast<float>(bits + ulp))) x.push_back(std::bit_cast<float>(bits + ulp));
      }
    }
    support::for_each_isa([&](const std::string& isa) {
      const default_float_environment environment;
      std::vector<std::int32_t> bins(x.size());
      ASSERT_TRUE(dispatched<detail::pick_bins>()(x.data(), static_cast<index_t>(x.size()), width, 1.0F / width, -7,
                                                  bins.data()));
      for (std::size_t i = 0; i < x.size(); ++i)
        ASSERT_EQ(bins[i], detail::bin_of(x[i], e) + 7) << isa << ' ' << x[i] << " e " << e;
    });
  }
}

TEST(CalibrateSimd, CountsTheSameOnEveryInstructionSet) {
  for (const unsigned strange : {0U, 5U, 900U}) {
    const Floats x = mixture(50'000, 11, strange);
    histogram expected;
    ASSERT_TRUE(try_force_isa("scalar"));
    expected.observe(x);
    support::for_each_isa([&](const std::string& isa) {
      histogram h;
      h.observe(x);
      EXPECT_EQ(h, expected) << isa;
    });
  }
}

/// Bins of equal size, where the number of bins, the range and the numbers are of every size, and many lie on an edge.
TEST(CalibrateSimd, EveryInstructionSetFindsTheSameEqualBins) {
  const float largest = std::numeric_limits<float>::max();
  const range ranges[] = {{-1.0F, 1.0F},
                          {0.0F, 0.3F},
                          {-3.7F, 11.0F},
                          {0.0F, largest},
                          {-1e-40F, 3e-40F},
                          {1e6F, 1e6F + 1.0F},
                          {-largest / 2, largest / 2},
                          {5.0F, 5.0F},
                          {-0x1p-149F, 0x1p-149F},
                          {-2e-38F, 1e-38F}};
  for (const range& r : ranges)
    for (const index_t bins : {1, 2, 3, 100, 2048, 1 << 20})
      for (const binning rule : {binning::numpy, binning::torch, binning::torch_1}) {
        if (bins > 2048 && r.hi != 1.0F) continue;  // slow enough once
        const uniform_histogram empty(r, bins, rule);
        Floats x = support::corner_numbers();
        std::mt19937 random(static_cast<unsigned>(bins));
        for (int n = 0; n < 300; ++n) {
          const float edge = empty.edge(static_cast<index_t>(random() % static_cast<unsigned>(bins + 1)));
          for (const float to : {-largest, largest}) x.push_back(std::nextafter(edge, to));
          x.push_back(edge);
        }
        const default_float_environment environment;
        std::vector<std::uint64_t> expected(static_cast<std::size_t>(bins));
        std::uint64_t outside = 0;
        const simd::equal_bins equal{r.lo, r.hi, r.hi - r.lo, static_cast<std::int32_t>(bins),
                                     rule == binning::torch_1};
        for (const float v : x) {
          auto k = static_cast<index_t>(simd::bin_among(equal, v));
          if (k == bins) {
            outside += detail::is_finite(v) ? 1U : 0U;
            continue;
          }
          while (rule == binning::numpy && k > 0 && v < empty.edge(k)) --k;
          while (rule == binning::numpy && k < bins - 1 && v >= empty.edge(k + 1)) ++k;
          ++expected[static_cast<std::size_t>(k)];
        }
        support::for_each_isa([&](const std::string& isa) {
          uniform_histogram h = empty, finite = empty;
          h.observe(x);
          ASSERT_TRUE(std::equal(expected.begin(), expected.end(), h.counts().begin()))
              << isa << ' ' << r.lo << ' ' << r.hi << ' ' << bins << ' ' << static_cast<int>(rule);
          ASSERT_EQ(h.outside(), outside) << isa;
          // Without what is no number, whole registers take another way; and one by one, none does.
          for (const float v : x)
            if (detail::is_finite(v)) finite.observe(std::span(&v, 1));
          ASSERT_TRUE(std::equal(expected.begin(), expected.end(), finite.counts().begin())) << isa;
          Floats rest;
          std::copy_if(x.begin(), x.end(), std::back_inserter(rest), [](float v) { return detail::is_finite(v); });
          uniform_histogram whole = empty;
          whole.observe(rest);
          ASSERT_EQ(whole, finite) << isa;
        });
      }
}

}  // namespace calibrate_simd_test
