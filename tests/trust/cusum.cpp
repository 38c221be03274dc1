// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Run lengths against published tables and against simulated streams.
//
// DYADIC_SAMPLES sets the number of streams (default 10,000). Run lengths are about exponential: the standard error of
// their mean over n streams is the mean over sqrt(n), 1 % for 10,000. The mean has to be within 5 %.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <dyadic/trust/code_counts.hpp>
#include <dyadic/trust/cusum.hpp>

#include "support/data.hpp"
#include "support/networks.hpp"

namespace cusum_test {

using dyadic::cusum;
using dyadic::cusum_design;
using dyadic::drift_baseline;
using dyadic::index_t;
using support::integers;
using support::text_of;
using testing::HasSubstr;

int streams() {
  static const int n = [] {
    const char* given = std::getenv("DYADIC_SAMPLES");
    const int wanted = given == nullptr ? 10'000 : std::atoi(given);
    std::printf("%d streams\n", wanted);
    return wanted;
  }();
  return n;
}

/// Standard normal numbers, two at a time (Box and Muller).
class normals {
 public:
  explicit normals(std::uint64_t seed) : random_(seed) {}
  double next() {
    if (kept_) {
      kept_ = false;
      return other_;
    }
    const double radius = std::sqrt(-2 * std::log(uniform())), angle = 2 * 3.14159265358979323846 * uniform();
    other_ = radius * std::sin(angle), kept_ = true;
    return radius * std::cos(angle);
  }
  double uniform() { return (static_cast<double>(random_.next() >> 11) + 0.5) * 0x1p-53; }

 private:
  integers random_;
  double other_ = 0;
  bool kept_ = false;
};

/// The mean number of scores until an alarm, over n streams of what next() gives.
template <class Next>
double mean_run_length(const cusum_design& design, int n, Next next) {
  double total = 0;
  for (int i = 0; i < n; ++i) {
    cusum chart(design);
    while (!chart.observe(next())) {}
    total += static_cast<double>(chart.observed());
  }
  return total / n;
}

// D. C. Montgomery, Introduction to Statistical Quality Control, table of two-sided run lengths for k = 1/2, three
// digits; J. M. Lucas and R. B. Crosier (1982) have the same numbers.
TEST(Cusum, RunLengthsAsPublished) {
  struct {
    double shift, four, five;
  } const table[] = {{0, 168, 465},   {0.25, 74.2, 139}, {0.5, 26.6, 38.0}, {0.75, 13.3, 17.0},
                     {1, 8.38, 10.4}, {1.5, 4.75, 5.75}, {2, 3.34, 4.01}};
  for (const auto& row : table) {
    EXPECT_NEAR((cusum_design{.slack = 0.5, .threshold = 4}).run_length(row.shift), row.four, 0.006 * row.four);
    EXPECT_NEAR((cusum_design{.slack = 0.5, .threshold = 5}).run_length(row.shift), row.five, 0.006 * row.five);
  }
}

// D. Brook and D. A. Evans (1972): the sum as a Markov chain over 400 intervals, an error of order 1 / 400^2. Shares
// with the quadrature only the tail of the normal distribution.
TEST(Cusum, RunLengthsAreThoseOfAMarkovChain) {
  for (const auto& [drift, h] : {std::pair{-0.5, 3.0}, {-0.25, 6.0}, {0.25, 5.0}, {-1.0, 1.5}}) {
    constexpr int n = 400;
    const double width = 2 * h / (2 * n - 1);
    std::vector<double> length(n, 1.0), chance(2 * n);
    const auto below = [](double x) { return dyadic::normal_upper(-x); };
    for (int apart = -n; apart < n; ++apart)
      chance[static_cast<std::size_t>(apart + n)] =
          below((apart + 0.5) * width - drift) - below((apart - 0.5) * width - drift);
    std::vector<double> to_zero(n);
    for (int i = 0; i < n; ++i) to_zero[static_cast<std::size_t>(i)] = below((0.5 - i) * width - drift);
    double before = 0;
    for (int step = 0; step < 3000 && std::fabs(length[0] - before) > 1e-9 * length[0]; ++step) {
      before = length[0];
      for (int i = 0; i < n; ++i) {  // Gauss and Seidel, solved for its own share
        double sum = 1, own = i == 0 ? to_zero[0] : chance[n];
        if (i != 0) sum += to_zero[static_cast<std::size_t>(i)] * length[0];
        for (int j = 1; j < n; ++j)
          if (j != i) sum += chance[static_cast<std::size_t>(j - i + n)] * length[static_cast<std::size_t>(j)];
        length[static_cast<std::size_t>(i)] = sum / (1 - own);
      }
    }
    const double solved = dyadic::detail::one_sided_run_length(drift, h);
    EXPECT_NEAR(solved, length[0], 1e-4 * length[0]) << drift << ' ' << h;
  }
}

TEST(Cusum, DesignsHaveTheRunLengthAskedFor) {
  for (const double run_length : {10.0, 100.0, 500.0, 1e4, 1e6, 1e8})
    for (const double shift : {0.2, 0.5, 1.0, 2.0}) {
      if (run_length > 1e6 && shift < 0.5) continue;  // right, and slow
      const auto design = dyadic::try_design_cusum(run_length, shift);
      ASSERT_TRUE(design) << text_of(design);
      EXPECT_EQ(design->slack, shift / 2);
      EXPECT_NEAR(design->run_length(), run_length, 1e-8 * run_length);
    }
  EXPECT_NEAR(dyadic::try_design_cusum(1000, 1, 7)->run_length(), 7000, 1e-4);
}

TEST(Cusum, IndependentStreamsMeetTheSetRunLength) {
  for (const auto& [run_length, shift] : {std::pair{100.0, 1.0}, {300.0, 0.5}, {100.0, 2.0}}) {
    const auto design = dyadic::try_design_cusum(run_length, shift);
    ASSERT_TRUE(design);
    normals random(1);
    const double found = mean_run_length(*design, streams(), [&] { return random.next(); });
    std::printf("set %g for shift %g: %.2f on average\n", run_length, shift, found);
    EXPECT_NEAR(found, run_length, 0.05 * run_length);
  }
}

TEST(Cusum, DelaysAreThoseOfTheDesign) {
  const auto design = dyadic::try_design_cusum(500, 0.5);
  ASSERT_TRUE(design);
  for (const double shift : {0.25, 0.5, 1.0, -0.5}) {
    normals random(2);
    const double found = mean_run_length(*design, streams(), [&] { return random.next() + shift; });
    std::printf("run length 500, shift %+.2f: found after %.2f on average, %.2f by design\n", shift, found,
                design->run_length(shift));
    EXPECT_NEAR(found, design->run_length(shift), 0.05 * design->run_length(shift));
  }
}

// Images of 128 pixels, each image of a brightness of its own, quantized so that few codes reach 255; then everything
// grows by a fifth, or doubles. A chart on the mean code and one on the share at 255, each with a run length of 1,000
// images, measure the delays that are printed. The mean code must find both changes ten times sooner than a false alarm
// comes, and the larger one first. A share that is 0 in most images says little until the change is large: it has to
// find the doubling.
TEST(Cusum, DelaysOfAGrowingRange) {
  normals random(8);
  struct statistics {
    float mean, high;
  };
  const auto image = [&](double growth) {
    const double brightness = std::exp(0.3 * random.next());
    std::vector<std::uint8_t> codes(128);
    for (auto& c : codes)
      c = static_cast<std::uint8_t>(std::min(255.0, 46 * growth * brightness * std::fabs(random.next())));
    const dyadic::code_ends ends = dyadic::count_ends(codes);
    return statistics{static_cast<float>(ends.mean()), static_cast<float>(ends.high_share())};
  };
  std::vector<float> means, highs;
  for (int i = 0; i < 2000; ++i) {
    const statistics s = image(1);
    means.push_back(s.mean), highs.push_back(s.high);
  }
  const auto of_means = drift_baseline::try_make(means), of_highs = drift_baseline::try_make(highs);
  const auto design = dyadic::try_design_cusum(1000, 1);
  ASSERT_TRUE(of_means && of_highs && design);
  double before = 100;
  for (const double growth : {1.2, 2.0}) {
    const double by_mean =
                     mean_run_length(*design, 50, [&] { return dyadic::normal_score(*of_means, image(growth).mean); }),
                 by_high =
                     mean_run_length(*design, 50, [&] { return dyadic::normal_score(*of_highs, image(growth).high); });
    std::printf("range x%.1f: found after %.1f images by the mean code, %.1f by the share at 255\n", growth, by_mean,
                by_high);
    EXPECT_LT(by_mean, before);
    if (growth == 2.0) {
      EXPECT_LT(by_high, 100);
    }
    before = by_mean;
  }
}

// Each place among n + 1 exchangeable images is as likely. Of the scores of all places the mean is 0, and the variance
// is that of a normal distribution less what lies inside the places, which is known to be below 1.
TEST(Cusum, ScoresOfAllPlacesAreNormal) {
  for (const int n : {30, 100, 2000}) {
    std::vector<float> values;
    for (int i = 0; i < n; ++i) values.push_back(static_cast<float>(i));
    const auto b = drift_baseline::try_make(values);
    ASSERT_TRUE(b);
    double sum = 0, squares = 0, before = -100;
    for (int place = 0; place <= n; ++place) {
      // A new image between two old ones counts with the one above or below it, half a place each.
      const double score = dyadic::normal_score(*b, static_cast<float>(place) - 0.5F);
      EXPECT_GT(score, before);
      before = score;
      sum += score, squares += score * score;
    }
    EXPECT_NEAR(sum, 0, 1e-10);
    EXPECT_LT(squares / (n + 1), 1);
    EXPECT_GT(squares / (n + 1), 1 - 4.0 / n);
  }
  // Equal values share their places: 40 of 100 are 0, the new one could stand at any of 41 places of 101.
  std::vector<float> tied(100, 0.0F);
  for (int i = 40; i < 100; ++i) tied[static_cast<std::size_t>(i)] = static_cast<float>(i);
  const double z = dyadic::normal_quantile(41.0 / 101);
  EXPECT_NEAR(dyadic::normal_score(*drift_baseline::try_make(tied), 0),
              -std::exp(-z * z / 2) / std::sqrt(2 * 3.14159265358979323846) / (41.0 / 101), 1e-12);
}

// What calibration does not know it cannot set: the run length of a chart on scores from 1,000 images varies with these
// images. Over 100 calibrations its median must not be below 0.8 of what was set, whatever the distribution of the
// statistic. (The exact law for known distributions is tested above.)
TEST(Cusum, ScoresOfAnySkewedStatistic) {
  const auto design = dyadic::try_design_cusum(200, 1);
  ASSERT_TRUE(design);
  for (const bool tied : {false, true}) {
    std::vector<double> lengths;
    normals random(tied ? 5 : 4);
    const auto statistic = [&] {  // exponential; or mostly 0, as the share of clipped codes
      const double x = -std::log(random.uniform());
      return static_cast<float>(tied ? (x < 0.7 ? 0 : std::floor(x * 20)) : x);
    };
    for (int calibration = 0; calibration < 100; ++calibration) {
      std::vector<float> values(1000);
      for (float& v : values) v = statistic();
      const auto b = drift_baseline::try_make(values);
      ASSERT_TRUE(b);
      std::vector<double> scores;  // of 4,096 images: looked up once, drawn from again and again
      for (int i = 0; i < 4096; ++i) scores.push_back(dyadic::normal_score(*b, statistic()));
      integers draw(static_cast<std::uint64_t>(calibration));
      lengths.push_back(mean_run_length(*design, 100, [&] { return scores[draw.next() % 4096]; }));
    }
    std::sort(lengths.begin(), lengths.end());
    std::printf("%s statistic, set 200: median %.0f, from %.0f to %.0f in 90 of 100 calibrations\n",
                tied ? "a tied" : "an exponential", lengths[50], lengths[5], lengths[94]);
    EXPECT_GE(lengths[50], 0.8 * 200);
  }
}

// Eight charts on scores with a correlation of one half, each with eight times the run length: together at least the
// one that was set.
TEST(Cusum, ManyChartsShareOneRunLength) {
  const auto design = dyadic::try_design_cusum(100, 1, 8);
  ASSERT_TRUE(design);
  const int n = streams() / 10;
  double total = 0;
  normals random(6);
  for (int i = 0; i < n; ++i) {
    std::vector<cusum> charts(8, cusum(*design));
    for (bool alarm = false; !alarm; ++total) {
      const double common = random.next();
      for (cusum& c : charts) alarm |= c.observe((common + random.next()) / std::sqrt(2.0));
    }
  }
  std::printf("8 charts together, set 100: %.1f on average\n", total / n);
  EXPECT_GE(total / n, 100 * (1 - 4 / std::sqrt(static_cast<double>(n))));
}

// Images of 64 pixels that move together: one score an image. A chart that took every pixel for an image of its own
// would raise its alarm within the first images.
TEST(Cusum, CorrelatedPixelsRaiseNoAlarm) {
  normals random(7);
  const auto image = [&] {
    std::vector<std::uint8_t> codes(64);
    const double brightness = 128 + 20 * random.next();
    for (auto& c : codes) c = static_cast<std::uint8_t>(std::clamp(brightness + 8 * random.next(), 0.0, 255.0));
    return codes;
  };
  std::vector<float> means, pixels;
  for (int i = 0; i < 2000; ++i) {
    const auto codes = image();
    means.push_back(static_cast<float>(dyadic::count_ends(codes).mean()));
    pixels.push_back(codes[0]);
  }
  const auto of_images = drift_baseline::try_make(means), of_pixels = drift_baseline::try_make(pixels);
  ASSERT_TRUE(of_images && of_pixels);
  const auto design = dyadic::try_design_cusum(200, 1);
  ASSERT_TRUE(design);
  const double by_images = mean_run_length(*design, 200, [&] {
    return dyadic::normal_score(*of_images, static_cast<float>(dyadic::count_ends(image()).mean()));
  });
  int alarms = 0;
  for (int i = 0; i < 100; ++i) {
    cusum chart(*design);
    bool alarm = false;
    for (const std::uint8_t c : image()) alarm |= chart.observe(dyadic::normal_score(*of_pixels, c));
    alarms += alarm;
  }
  std::printf("run length set 200: %.0f by images; by pixels %d of 100 single images are an alarm\n", by_images,
              alarms);
  EXPECT_GE(by_images, 200 * (1 - 4 / std::sqrt(200.0)));
  EXPECT_GE(alarms, 50);
}

TEST(Cusum, ChartsStartAgain) {
  cusum chart(cusum_design{.slack = 0.5, .threshold = 2});
  EXPECT_FALSE(chart.observe(2));
  EXPECT_EQ(chart.high(), 1.5);
  EXPECT_EQ(chart.low(), 0);
  EXPECT_FALSE(chart.observe(-1.5));
  EXPECT_EQ(chart.high(), 0);
  EXPECT_EQ(chart.low(), 1);
  EXPECT_TRUE(chart.observe(-2));
  EXPECT_EQ(chart.observed(), 3);
  chart.reset();
  EXPECT_FALSE(chart.alarm());
  EXPECT_TRUE(chart.observe(std::nan("")));
  EXPECT_TRUE(chart.observe(0));
  chart.reset();
  EXPECT_FALSE(chart.observe(0));
}

TEST(Cusum, ErrorsSayWhatWasGiven) {
  EXPECT_THAT(text_of(dyadic::try_design_cusum(5)), HasSubstr("run length of 5"));
  EXPECT_THAT(text_of(dyadic::try_design_cusum(1e7, 1, 11)), HasSubstr("11 charts"));
  EXPECT_THAT(text_of(dyadic::try_design_cusum(100, 1, 0)), HasSubstr("0 charts"));
  EXPECT_THAT(text_of(dyadic::try_design_cusum(100, 0.1)), HasSubstr("shift of 0.1"));
  EXPECT_THAT(text_of(dyadic::try_design_cusum(100, std::nan(""))), HasSubstr("shift of nan"));
  EXPECT_THAT(text_of(dyadic::try_design_cusum(std::nan(""))), HasSubstr("run length of nan"));
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(static_cast<void>(dyadic::design_cusum(5)), std::invalid_argument);
#endif
}

}  // namespace cusum_test
