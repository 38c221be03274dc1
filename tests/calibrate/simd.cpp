// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <random>

#include <dyadic/calibrate/histogram.hpp>

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

}  // namespace calibrate_simd_test
