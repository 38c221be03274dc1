// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error_sums against closed forms, plain long double sums, and numbers a hand can make.
#include <gtest/gtest.h>

#include <algorithm>
#include <cfenv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <random>
#include <vector>

#include <dyadic/quantize/scalar.hpp>
#include <dyadic/trust/error.hpp>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

#include "support/data.hpp"

namespace error_test {

using dyadic::unclipped_range;
using dyadic::error_figures;
using dyadic::error_sums;
using support::text_of;

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr float nan_value = std::numeric_limits<float>::quiet_NaN();

std::size_t samples() {
  const char* given = std::getenv("DYADIC_SAMPLES");
  return given == nullptr ? 1'000'000 : static_cast<std::size_t>(std::atoll(given));
}

error_figures figures_of(const std::vector<float>& r, const std::vector<float>& q, const unclipped_range& range = {},
                         double step = 1.0) {
  error_sums sums;
  sums.observe(r, q, range);
  return sums.figures(step);
}

// r uniform on the reals of 2^b codes of step 2^(1-b), half a step beyond both ends included: e is uniform on a step.
// Then mean e^2 = step^2 / 12, mean r^2 = 1/3 + step^2 / 4 (the codes' middle is half a step below 0), and the SQNR is
// 10 log10(4^b + 3): 6.02 b dB, and 3 / 4^b of 4.34 dB more.
//
// Of n samples, e^2 and r^2 have relative deviations sqrt(0.8 / n): 0.0009 for 10^6, which is 0.004 dB in each and half
// of that in the root. The bounds are 5 of them.
TEST(Error, UniformNumbersGiveTheClosedForm) {
  const std::size_t n = samples();
  std::printf("%zu samples\n", n);
  const double deviation = std::sqrt(0.8 / static_cast<double>(n)), decibel = 10 / std::log(10.0);
  for (int bits = 2; bits <= 8; ++bits) {
    const int zero_point = 1 << (bits - 1), last = (1 << bits) - 1;
    const double step = std::ldexp(1.0, 1 - bits);
    std::mt19937_64 random(static_cast<unsigned>(bits));
    error_sums sums;
    for (std::size_t i = 0; i < n; ++i) {
      const auto r = static_cast<float>(static_cast<double>(random() >> 11) * 0x1p-52 - 1.0 - step / 2);
      const int code = dyadic::quantize_one(r, static_cast<float>(step), zero_point, 0, last);
      sums.add(r, dyadic::dequantize_one(code, static_cast<float>(step), zero_point), {});
    }
    const error_figures f = sums.figures(step);
    EXPECT_NEAR(f.rmse_steps, 1 / std::sqrt(12.0), 5 * deviation / 2 * 0.2887) << bits;
    EXPECT_NEAR(f.sqnr_db, 10 * std::log10(std::ldexp(1.0, 2 * bits) + 3), 5 * std::sqrt(2.0) * deviation * decibel);
    EXPECT_NEAR(f.sqnr_db, 6.0206 * bits, 0.05 + decibel * 3 * std::ldexp(1.0, -2 * bits)) << bits;
    EXPECT_LE(f.largest, step / 2);
    EXPECT_EQ(f.clipping, 0);
  }
}

/// Numbers of all sizes, their codes, and the range of the codes.
struct trial {
  std::vector<float> r, q;
  dyadic::chosen params{0.02F, 100};
  unclipped_range range{params};

  explicit trial(std::size_t n) : r(support::normal_numbers(n, 7, 2.0F)) {
    for (const float x : r)
      q.push_back(dyadic::dequantize_one(dyadic::quantize_one(x, params.scale, params.zero_point, 0, 255), params.scale,
                                         params.zero_point));
  }
};

TEST(Error, IsWhatPlainSumsSay) {
  const trial t(20'000);
  long double e = 0, ee = 0, rr = 0, qq = 0, rq = 0, clipping = 0;
  double largest = 0;
  dyadic::index_t clipped = 0;
  for (std::size_t i = 0; i < t.r.size(); ++i) {
    const long double r = t.r[i], q = t.q[i];
    e += q - r, ee += (q - r) * (q - r), rr += r * r, qq += q * q, rq += r * q;
    largest = std::max(largest, static_cast<double>(std::abs(q - r)));
    // More than half a step beyond the first and the last code: (0 - 100) * 0.02 and (255 - 100) * 0.02.
    const bool outside = r < -100.5L * t.params.scale || r > 155.5L * t.params.scale;
    clipped += outside;
    clipping += outside ? (q - r) * (q - r) : 0;
  }
  const error_figures f = figures_of(t.r, t.q, t.range, static_cast<double>(t.params.scale));
  const auto n = static_cast<long double>(t.r.size());
  const auto close = [](double found, long double wanted) {
    EXPECT_NEAR(found, static_cast<double>(wanted), 8 * 0x1p-53 * std::abs(static_cast<double>(wanted)));
  };
  EXPECT_EQ(f.count, 20'000);
  close(f.mse, ee / n);
  close(f.bias, e / n);
  close(f.cosine, rq / std::sqrt(rr * qq));
  close(f.sqnr_db, 10 * std::log10(rr / ee));
  close(f.rmse_steps, std::sqrt(ee / n) / static_cast<long double>(t.params.scale));
  close(f.clipping, clipping / n);
  close(f.rounding + f.clipping, ee / n);
  EXPECT_EQ(f.largest, largest);
  EXPECT_EQ(f.clipped, clipped);
  EXPECT_GT(f.clipped, 100);
  EXPECT_EQ(f.least_reference, static_cast<double>(*std::min_element(t.r.begin(), t.r.end())));
  EXPECT_EQ(f.greatest_reference, static_cast<double>(*std::max_element(t.r.begin(), t.r.end())));
}

void expect_same_bits(const error_figures& a, const error_figures& b) {
  EXPECT_EQ(a.count, b.count);
  EXPECT_EQ(a.clipped, b.clipped);
  for (const auto member :
       {&error_figures::mse, &error_figures::sqnr_db, &error_figures::cosine, &error_figures::bias,
        &error_figures::largest, &error_figures::rmse_steps, &error_figures::rounding, &error_figures::clipping})
    EXPECT_EQ(a.*member, b.*member);
}

// An MSE that summed the means of batches would shrink or grow with the split.
TEST(Error, NoSplitIntoCallsChangesABit) {
  const trial t(5'000);
  const error_figures once = figures_of(t.r, t.q, t.range);
  for (const std::size_t size : {1U, 2U, 7U, 64U, 999U, 4'999U}) {
    error_sums sums;
    for (std::size_t at = 0; at < t.r.size(); at += size) {
      const std::size_t n = std::min(size, t.r.size() - at);
      sums.observe(std::span(t.r).subspan(at, n), std::span(t.q).subspan(at, n), t.range);
    }
    expect_same_bits(sums.figures(), once);
  }
}

// Compensated sums are off by 2^-53 and a term of n^2 2^-106, so two of them are at most the next double but one apart.
TEST(Error, ShardsThatMergeAreOnePass) {
  const trial t(5'000);
  const error_figures once = figures_of(t.r, t.q, t.range);
  for (const std::size_t shards : {2U, 3U, 50U}) {
    error_sums sums;
    for (std::size_t s = shards; s-- > 0;) {
      error_sums shard;
      for (std::size_t i = s; i < t.r.size(); i += shards) shard.add(t.r[i], t.q[i], t.range);
      sums.merge(shard);
    }
    const error_figures f = sums.figures();
    EXPECT_EQ(f.count, once.count);
    EXPECT_EQ(f.clipped, once.clipped);
    EXPECT_EQ(f.largest, once.largest);
    EXPECT_EQ(f.greatest_reference, once.greatest_reference);
    for (const auto member : {&error_figures::mse, &error_figures::cosine, &error_figures::bias,
                              &error_figures::rounding, &error_figures::clipping, &error_figures::sqnr_db})
      EXPECT_NEAR(f.*member, once.*member, 4 * 0x1p-53 * std::abs(once.*member));
  }
  error_sums empty, sums;
  sums.observe(t.r, t.q, t.range);
  sums.merge(empty);
  expect_same_bits(sums.figures(), once);
}

// sum r^2 + sum q^2 - 2 sum r q would be 2^24 - 2^24 with one bit of the 53 left: nothing of this error.
TEST(Error, SmallErrorsOfLargeNumbersKeepTheirDigits) {
  const std::vector<float> r(1000, 4096.0F), q(1000, 4096.0F + 0x1p-11F);
  const error_figures f = figures_of(r, q);
  EXPECT_EQ(f.mse, 0x1p-22);
  EXPECT_EQ(f.bias, 0x1p-11);
  EXPECT_NEAR(f.sqnr_db, 10 * std::log10(0x1p46), 1e-12);
}

// 1 + 10^6 times 2^-53 is 1 in a plain sum of doubles.
TEST(Error, SumsAreCompensated) {
  std::vector<float> r(1'000'001, 0.0F), q(r.size(), 0x1p-27F);
  q[0] = 1.0F;
  const double n = static_cast<double>(r.size());
  EXPECT_NEAR(figures_of(r, q).mse, (1.0 + 1e6 * 0x1p-54) / n, 2 * 0x1p-53 / n);
}

TEST(Error, TheDegenerateCasesHaveAnswers) {
  const std::vector<float> zero{0, 0}, some{1, -2}, also{1, 3};
  EXPECT_EQ(figures_of(some, some).sqnr_db, infinity);
  EXPECT_EQ(figures_of(some, some).mse, 0);
  EXPECT_NEAR(figures_of(some, some).cosine, 1, 4 * 0x1p-53);
  EXPECT_EQ(figures_of(zero, some).sqnr_db, -infinity);
  EXPECT_EQ(figures_of(zero, some).cosine, 0);
  EXPECT_EQ(figures_of(some, zero).sqnr_db, 0);
  EXPECT_EQ(figures_of(some, zero).cosine, 0);
  EXPECT_EQ(figures_of(zero, zero).sqnr_db, infinity);
  EXPECT_EQ(figures_of(zero, zero).cosine, 1);
  EXPECT_EQ(figures_of(some, also).bias, 2.5);
  EXPECT_EQ(figures_of(some, also).largest, 5);
  EXPECT_EQ(figures_of(also, some).largest, 5);
}

TEST(Error, WhatIsNotFiniteIsCountedApart) {
  const auto inf = std::numeric_limits<float>::infinity();
  const error_figures f = figures_of({1, nan_value, inf, 2, 3}, {2, 0, inf, nan_value, 3});
  EXPECT_EQ(f.count, 2);
  EXPECT_EQ(f.not_finite, 3);
  EXPECT_EQ(f.mse, 0.5);
  EXPECT_EQ(f.greatest_reference, 3);
}

// Nor does flushing subnormal numbers to zero, where the test knows how to ask for it: these references are such.
TEST(Error, TheHostsFloatingPointEnvironmentDoesNotMatter) {
  trial t(1000);
  for (std::size_t i = 0; i < t.r.size(); i += 2) t.r[i] *= 0x1p-130F, t.q[i] *= 0x1p-131F;
  const error_figures once = figures_of(t.r, t.q, t.range);
  EXPECT_NE(figures_of({t.r[0]}, {t.q[0]}).mse, 0);
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    std::fenv_t found;
    ASSERT_EQ(std::fegetenv(&found), 0);
    ASSERT_EQ(std::fesetround(mode), 0);
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040U);  // FTZ and DAZ
#endif
    const error_figures f = figures_of(t.r, t.q, t.range), tiny = figures_of({t.r[0]}, {t.q[0]});
    ASSERT_EQ(std::fesetenv(&found), 0);
    expect_same_bits(f, once);
    EXPECT_NE(tiny.mse, 0);
  }
}

TEST(Error, WhatDoesNotFitIsRefused) {
  error_sums sums;
  const std::vector<float> two{1, 2}, three{1, 2, 3}, nothing{nan_value};
  EXPECT_EQ(text_of(sums.try_observe(three, two)), "error: 2 results for 3 references, expected as many");
  EXPECT_EQ(text_of(sums.try_figures()), "error: 0 pairs of finite numbers (0 others), expected at least 1");
  EXPECT_EQ(sums.try_figures().error().code(), dyadic::errc::no_data);
  ASSERT_TRUE(sums.try_observe(nothing, nothing));
  EXPECT_EQ(text_of(sums.try_figures()), "error: 0 pairs of finite numbers (1 others), expected at least 1");
  ASSERT_TRUE(sums.try_observe(two, two));
  for (const double step : {0.0, -1.0, infinity, static_cast<double>(nan_value)})
    EXPECT_EQ(sums.try_figures(step).error().code(), dyadic::errc::invalid_scale);
  EXPECT_THROW(sums.observe(two, three), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(sums.figures(0)), std::invalid_argument);
}

}  // namespace error_test
