// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Drift against hand-made counts, against the distribution without drift, and on images of correlated pixels.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include <dyadic/trust/code_counts.hpp>
#include <dyadic/trust/drift.hpp>

#include "support/data.hpp"

namespace drift_test {

using dyadic::drift;
using dyadic::drift_baseline;
using dyadic::index_t;
using dyadic::strided;
using support::text_of;
using testing::ElementsAre;
using testing::HasSubstr;

using numbers = std::vector<float>;

numbers normal(index_t n, unsigned seed, float shift = 0) {
  numbers all = support::normal_numbers(static_cast<std::size_t>(n), seed);
  for (float& x : all) x += shift;
  return all;
}
drift tested(const numbers& before, const numbers& now, const dyadic::drift_options& how = {}) {
  const auto baseline = dyadic::try_baselines({before.data(), static_cast<index_t>(before.size()), 1});
  EXPECT_TRUE(baseline) << text_of(baseline);
  const auto found = dyadic::try_drift(*baseline, {now.data(), static_cast<index_t>(now.size()), 1}, how);
  EXPECT_TRUE(found) << text_of(found);
  return (*found)[0];
}

TEST(Drift, BaselineKnowsPlaces) {
  numbers x;
  for (int i = 0; i < 40; ++i) x.push_back(static_cast<float>((i * 7) % 20));  // 0 .. 19, each twice
  const auto b = drift_baseline::try_make(x);
  ASSERT_TRUE(b) << text_of(b);
  for (const float v : {-1.0F, 0.0F, 3.0F, 3.5F, 19.0F, 25.0F}) {
    EXPECT_EQ(b->below(v), std::count_if(x.begin(), x.end(), [&](float y) { return y < v; })) << v;
    EXPECT_EQ(b->up_to(v), std::count_if(x.begin(), x.end(), [&](float y) { return y <= v; })) << v;
  }
  EXPECT_THAT(b->cuts(4), ElementsAre(10, 20, 30));
  EXPECT_THAT(b->cuts(1), ElementsAre());
  EXPECT_THAT(b->cuts(3), ElementsAre(14, 28));  // never between equal values: 14 and 28, not 14 and 27
}
TEST(Drift, CutsAvoidEqualValues) {
  numbers x(100, 5.0F);
  EXPECT_THAT(drift_baseline::try_make(x)->cuts(10), ElementsAre());
  for (int i = 0; i < 30; ++i) x[static_cast<std::size_t>(i)] = 1.0F;
  EXPECT_THAT(drift_baseline::try_make(x)->cuts(10), ElementsAre(30));
  // Every part has at least half its share.
  for (unsigned seed = 0; seed < 50; ++seed) {
    numbers y = normal(200, seed);
    for (float& v : y) v = std::floor(v * 4);
    const auto b = drift_baseline::try_make(y);
    auto cuts = b->cuts(10);
    cuts.insert(cuts.begin(), 0), cuts.push_back(200);
    for (std::size_t i = 1; i < cuts.size(); ++i) EXPECT_GE(cuts[i] - cuts[i - 1], 10);
    for (std::size_t i = 1; i + 1 < cuts.size(); ++i)
      EXPECT_LT(b->sorted()[static_cast<std::size_t>(cuts[i] - 1)], b->sorted()[static_cast<std::size_t>(cuts[i])]);
  }
}

// 40 old images in two parts of 20, and 60 new ones of which 45 are in the upper part.
TEST(Drift, IndexAndTestByHand) {
  numbers before, now;
  for (int i = 0; i < 40; ++i) before.push_back(static_cast<float>(i));
  for (int i = 0; i < 60; ++i) now.push_back(i < 15 ? 3.0F : 33.0F);
  const drift d = tested(before, now, {.bins = 2});
  EXPECT_EQ(d.bins, 2);
  // The table 20 20 / 15 45: sum of (observed - expected)^2 / expected over its four cells.
  const double expected[] = {35 * 0.4, 65 * 0.4, 35 * 0.6, 65 * 0.6}, observed[] = {20, 20, 15, 45};
  double chi_square = 0;
  for (int i = 0; i < 4; ++i) chi_square += (observed[i] - expected[i]) * (observed[i] - expected[i]) / expected[i];
  EXPECT_NEAR(d.p, std::erfc(std::sqrt(chi_square / 2)), 1e-14);  // one degree of freedom
  const double p[] = {20.5 / 41, 20.5 / 41}, q[] = {15.5 / 61, 45.5 / 61};
  EXPECT_NEAR(d.psi, (p[0] - q[0]) * std::log(p[0] / q[0]) + (p[1] - q[1]) * std::log(p[1] / q[1]), 1e-14);
  EXPECT_NEAR(d.psi_by_chance, 1.0 / 40 + 1.0 / 60, 1e-15);
  EXPECT_EQ(d.effect(), d.psi - d.psi_by_chance);
  EXPECT_TRUE(d.alarm == (d.p <= 0.01));
}

// Where all of calibration has one value: k of n new images have another, m + n exchangeable ones.
TEST(Drift, ConstantBaselineIsTestedExactly) {
  const numbers before(50, 0.0F);
  numbers now(30, 0.0F);
  EXPECT_EQ(tested(before, now).p, 1);
  now[4] = 0.25F;
  EXPECT_NEAR(tested(before, now).p, 2 * 30.0 / 80, 1e-15);
  now[5] = 0.5F, now[6] = -1.0F;
  EXPECT_NEAR(tested(before, now).p, 2 * 30.0 * 29 * 28 / (80.0 * 79 * 78), 1e-15);
  EXPECT_FALSE(tested(before, now).alarm);
  for (int i = 10; i < 20; ++i) now[static_cast<std::size_t>(i)] = 1.0F;
  EXPECT_TRUE(tested(before, now).alarm);
}
// A statistic that is 0 but in one image of fifty, as the share of codes at an end is: no two parts have enough of
// calibration, and a change has to be seen all the same.
TEST(Drift, AlmostConstantBaselineSeesAChange) {
  numbers before(500, 0.0F), now(100, 0.0F);
  for (std::size_t i = 0; i < 10; ++i) before[50 * i] = 0.1F * static_cast<float>(i + 1);
  EXPECT_TRUE(drift_baseline::try_make(before)->cuts(10).empty());
  now[0] = 0.3F, now[1] = 0.2F;
  EXPECT_EQ(tested(before, now).p, 1);  // 2 of 100 where 10 of 500 were
  for (std::size_t i = 0; i < 40; ++i) now[i] = 0.5F;
  EXPECT_LT(tested(before, now).p, 1e-6);
  EXPECT_TRUE(tested(before, now).alarm);
}

TEST(Drift, FewImagesSayThatTheyAreFew) {
  const drift d = tested(normal(100, 1), normal(19, 2, 100));
  EXPECT_FALSE(d.enough);
  EXPECT_FALSE(d.alarm);
  EXPECT_EQ(d.p, 1);
  EXPECT_TRUE(tested(normal(100, 1), normal(20, 2, 100)).alarm);
}

// Without drift psi is about (1/n + 1/m) chi-square of B - 1 degrees of freedom: the table everybody should know. The
// probabilities come from the chi-square tail, the means from 1,000 pairs, whose standard error is 1.5 % of them: of a
// chi-square with 9 degrees of freedom, sqrt(18) / 9 / sqrt(1000). Four of these, and a tenth for the terms of higher
// order at 100 images.
TEST(Drift, TheIndexWithoutDrift) {
  struct {
    double bins, n, mean, above_0_1;
  } const table[] = {{10, 100, 0.180, 0.834}, {10, 1000, 0.018, 1e-7}, {32, 500, 0.124, 0.77}, {64, 1000, 0.126, 0.88}};
  for (const auto& row : table) {
    EXPECT_NEAR((row.bins - 1) * 2 / row.n, row.mean, 0.0005);
    EXPECT_NEAR(dyadic::chi_square_upper(0.1 / (2 / row.n), row.bins - 1), row.above_0_1, 0.005);
  }
  for (const index_t n : {100, 1000}) {
    double sum = 0;
    for (unsigned seed = 0; seed < 1000; ++seed) sum += tested(normal(n, 2 * seed), normal(n, 2 * seed + 1)).psi;
    const double expected = 18 / static_cast<double>(n);
    std::printf("psi of %td and %td images of one distribution: %.4f on average, %.4f expected\n", n, n, sum / 1000,
                expected);
    EXPECT_NEAR(sum / 1000, expected, (n == 100 ? 0.16 : 0.07) * expected);
  }
}

// 2,000 pairs of one distribution, continuous and with many equal values: the p-value is at most 0.05 in one of twenty,
// and four standard errors of that. The distribution of a count is discrete and the chi-square an approximation, for
// which a tenth is added.
TEST(Drift, PValuesWithoutDrift) {
  for (const bool coarse : {false, true})
    for (const auto& [m, n] : {std::pair<index_t, index_t>{500, 100}, {200, 400}}) {
      int small = 0, smaller = 0;
      for (unsigned seed = 0; seed < 2000; ++seed) {
        numbers a = normal(m, 2 * seed), b = normal(n, 2 * seed + 1);
        if (coarse)
          for (numbers* x : {&a, &b})
            for (float& v : *x) v = v < 0.7F ? 0.0F : std::floor(v * 8);
        const drift d = tested(a, b);
        small += d.p <= 0.05 ? 1 : 0, smaller += d.p <= 0.005 ? 1 : 0;
      }
      std::printf("%s, %td and %td images: p <= 0.05 in %d, p <= 0.005 in %d of 2,000\n",
                  coarse ? "coarse" : "continuous", m, n, small, smaller);
      EXPECT_LE(small, 1.1 * 100 + 4 * std::sqrt(2000 * 0.05 * 0.95));
      EXPECT_LE(smaller, 1.1 * 10 + 4 * std::sqrt(2000 * 0.005 * 0.995));
      EXPECT_GE(small, 100 / 2);  // and is no empty promise
    }
}

// 16 statistics that have much in common, as those of the sites of one network have: one false alarm or more in at most
// one of twenty looks, although no effect is asked for.
TEST(Drift, ManySitesShareOneRate) {
  constexpr index_t columns = 16, images = 200;
  const auto rows = [&](unsigned seed) {
    numbers own = normal(images * columns, 2 * seed), common = normal(images, 2 * seed + 1);
    for (index_t i = 0; i < images; ++i)
      for (index_t c = 0; c < columns; ++c)
        own[static_cast<std::size_t>(i * columns + c)] += common[static_cast<std::size_t>(i)];
    return own;
  };
  int wrong = 0, wrong_unadjusted = 0;
  for (unsigned seed = 0; seed < 500; ++seed) {
    const numbers before = rows(2 * seed), now = rows(2 * seed + 1);
    const auto baselines = dyadic::try_baselines({before.data(), images, columns});
    ASSERT_TRUE(baselines);
    const auto found =
        dyadic::try_drift(*baselines, {now.data(), images, columns}, {.alpha = 0.05, .least_effect = -1});
    ASSERT_TRUE(found);
    bool any = false, any_unadjusted = false;
    for (index_t c = 0; c < columns; ++c) {
      any |= (*found)[static_cast<std::size_t>(c)].alarm;
      numbers column;
      for (index_t i = 0; i < images; ++i) column.push_back(now[static_cast<std::size_t>(i * columns + c)]);
      any_unadjusted |= (*dyadic::try_drift({&(*baselines)[static_cast<std::size_t>(c)], 1}, {column.data(), images, 1},
                                            {.alpha = 0.05, .least_effect = -1}))[0]
                            .alarm;
    }
    wrong += any, wrong_unadjusted += any_unadjusted;
  }
  std::printf("of 500 looks at 16 statistics: %d with a false alarm, %d without adjustment\n", wrong, wrong_unadjusted);
  const double most = 25 + 4 * std::sqrt(500 * 0.05 * 0.95);
  EXPECT_LE(wrong, most);
  EXPECT_GT(wrong_unadjusted, 2 * most);
}

// Images of 256 pixels that move up and down together, as the brightness of real ones does. The images are independent,
// their pixels are not: a test that counts pixels raises an alarm at nearly every pair, one that counts images does
// not.
TEST(Drift, CorrelatedPixelsRaiseNoAlarm) {
  constexpr index_t images = 100, pixels = 256;
  struct sample {
    numbers means;
    dyadic::code_histogram counts{};
  };
  const auto drawn = [&](unsigned seed) {
    sample s;
    const numbers brightness = normal(images, 2 * seed), noise = normal(images * pixels, 2 * seed + 1);
    for (index_t i = 0; i < images; ++i) {
      std::vector<std::uint8_t> codes;
      for (index_t j = 0; j < pixels; ++j) {
        const float x =
            128 + 20 * brightness[static_cast<std::size_t>(i)] + 8 * noise[static_cast<std::size_t>(i * pixels + j)];
        codes.push_back(static_cast<std::uint8_t>(std::clamp(x, 0.0F, 255.0F)));
      }
      s.means.push_back(static_cast<float>(dyadic::count_ends(codes).mean()));
      dyadic::count_codes(codes, s.counts);
    }
    return s;
  };
  // The same test on pixels: ten parts of the pooled codes.
  const auto p_of_pixels = [](const sample& a, const sample& b) {
    double chi_square = 0, x = 0, y = 0, parts = 0;
    for (std::size_t c = 0; c < 256; ++c) {
      x += static_cast<double>(a.counts[c]), y += static_cast<double>(b.counts[c]);
      if (x + y < 2 * images * pixels / 10.0 && c < 255) continue;
      chi_square += (x - y) * (x - y) / (x + y), parts += 1, x = y = 0;
    }
    return dyadic::chi_square_upper(chi_square, parts - 1);
  };
  constexpr int pairs = 100;
  int alarms = 0, alarms_of_pixels = 0;
  for (unsigned seed = 0; seed < pairs; ++seed) {
    const sample a = drawn(2 * seed), b = drawn(2 * seed + 1);
    alarms += tested(a.means, b.means, {.alpha = 0.05, .least_effect = -1}).alarm ? 1 : 0;
    alarms_of_pixels += p_of_pixels(a, b) <= 0.05 ? 1 : 0;
  }
  std::printf("of %d pairs without drift: %d alarms by images, %d by pixels\n", pairs, alarms, alarms_of_pixels);
  EXPECT_LE(alarms, 0.05 * pairs + 4 * std::sqrt(0.05 * 0.95 * pairs));
  EXPECT_GT(alarms_of_pixels, 0.9 * pairs);
}

TEST(Drift, AShiftIsFoundAndASmallOneIsNoAlarm) {
  int found = 0;
  for (unsigned seed = 0; seed < 100; ++seed)
    found += tested(normal(500, 2 * seed), normal(500, 2 * seed + 1, 1)).alarm;
  EXPECT_EQ(found, 100);
  // Proven, but not worth an alarm: 20,000 images that moved by a tenth of a standard deviation.
  const drift d = tested(normal(20'000, 1), normal(20'000, 2, 0.1F));
  EXPECT_LT(d.p, 1e-6);
  EXPECT_LT(d.effect(), 0.1);
  EXPECT_FALSE(d.alarm);
}

TEST(Drift, ErrorsSayWhatWasGiven) {
  const numbers few(29, 1.0F);
  numbers enough(30, 1.0F);
  EXPECT_THAT(text_of(drift_baseline::try_make(few)), HasSubstr("29 images at calibration, expected at least 30"));
  auto before = dyadic::try_baselines({enough.data(), 30, 1});
  ASSERT_TRUE(before);
  const auto error = [&](strided<const float> rows, const dyadic::drift_options& how = {}) {
    return text_of(dyadic::try_drift(*before, rows, how));
  };
  EXPECT_THAT(error({enough.data(), 15, 2}), HasSubstr("2 statistics for 1 baselines"));
  EXPECT_THAT(error({enough.data(), 0, 1}), HasSubstr("0 images of 1 statistics"));
  EXPECT_THAT(error({enough.data(), 30, 1}, {.bins = 1}), HasSubstr("1 bins"));
  EXPECT_THAT(error({enough.data(), 30, 1}, {.alpha = 1}), HasSubstr("alpha 1"));
  enough[7] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(error({enough.data(), 30, 1}), HasSubstr("statistic 0 of image 7 is nan"));
  EXPECT_THAT(text_of(drift_baseline::try_make(enough)), HasSubstr("image 7 is nan"));
  EXPECT_THAT(text_of(dyadic::try_baselines({enough.data(), 2, 15})), HasSubstr("2 images"));
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(dyadic::baselines_of({enough.data(), 2, 15}), std::invalid_argument);
  EXPECT_THROW(dyadic::drift_of(*before, {enough.data(), 15, 2}), std::invalid_argument);
#endif
}

}  // namespace drift_test
