// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <dyadic/network/twin_step.hpp>

#include <algorithm>
#include <cmath>

#include <gtest/gtest.h>

#include "support/networks.hpp"

namespace twin_step_test {

using dyadic::difference_line;
using dyadic::enclosure;
using dyadic::twin_step;
using support::integers;

constexpr double infinity = std::numeric_limits<double>::infinity();

struct case_of_step {
  twin_step step;
  enclosure f, d;

  explicit case_of_step(integers& random) {
    const auto real = [&](double size) { return size * static_cast<double>(random.in(-64, 64)) / 64.0; };
    step.low = random.in(0, 1) == 0 ? 0.0 : -std::abs(real(2.0));
    step.high = random.in(0, 4) == 0 ? infinity : std::abs(real(2.0));
    step.rectify = step.low == 0.0 && random.in(0, 1) == 0;
    f = enclosure::of(real(3.0), real(3.0));
    d = enclosure::of(real(1.0), real(1.0));
    if (random.in(0, 3) == 0) d = {0.015625 * d.low, 0.015625 * d.high};
  }
  /// f(what f, what d + e) over a grid that has both ends.
  template <class F>
  void for_points(F&& f_of) const {
    constexpr int n = 48;
    for (int i = 0; i <= n; ++i)
      for (int j = 0; j <= n; ++j) f_of(f.low + (f.high - f.low) * i / n, d.low + (d.high - d.low) * j / n);
  }
};

TEST(TwinStep, DifferencesHoldAGridAndNotMuchMore) {
  integers random(1);
  for (int repeat = 0; repeat < 2000; ++repeat) {
    const case_of_step c(random);
    const enclosure range = dyadic::differences(c.step, c.f, c.d);
    double low = infinity, high = -infinity;
    c.for_points([&](double f, double d) {
      const double made = std::clamp(f + d, c.step.low, c.step.high) - (c.step.rectify ? std::max(f, 0.0) : f);
      low = std::min(low, made), high = std::max(high, made);
    });
    ASSERT_LE(range.low, low);
    ASSERT_GE(range.high, high);
    // Slopes are at most 1 in f and in d: a point of the grid is within half a cell of each extreme.
    const double cell = (c.f.high - c.f.low + c.d.high - c.d.low) / 96 + 1e-9;
    ASSERT_GE(range.low, low - cell);
    ASSERT_LE(range.high, high + cell);
  }
}

TEST(TwinStep, LinesHoldAGrid) {
  integers random(2);
  int along = 0;
  for (int repeat = 0; repeat < 2000; ++repeat) {
    const case_of_step c(random);
    const enclosure range = dyadic::differences(c.step, c.f, c.d);
    const difference_line line = dyadic::line_of_difference(c.step, c.f, c.d, range, 0.0, 0.0);
    const dyadic::real_line relu = dyadic::line_of_relu(c.f);
    along += line.along_d != 0.0F || line.along_f != 0.0F ? 1 : 0;
    ASSERT_LE(line.rest, range.radius());
    c.for_points([&](double f, double d) {
      const double made = std::clamp(f + d, c.step.low, c.step.high) - (c.step.rectify ? std::max(f, 0.0) : f);
      const double on = static_cast<double>(line.along_d) * d + static_cast<double>(line.along_f) * f + line.centre;
      ASSERT_LE(std::abs(made - on), line.rest + 1e-12);
      const double bent = static_cast<double>(relu.slope) * f + relu.centre;
      ASSERT_LE(std::abs(std::max(f, 0.0) - bent), relu.rest + 1e-12);
    });
  }
  EXPECT_GT(along, 500);
}

// f in [1, 2] and q nowhere near an end: the line is the difference itself.
TEST(TwinStep, WithoutBendsTheLineIsExact) {
  const twin_step step{-4.0, 4.0, 0.0, false};
  const enclosure f{1.0, 2.0}, d{-0.25, 0.5};
  const difference_line line = dyadic::line_of_difference(step, f, d, dyadic::differences(step, f, d), 0.0, 0.0);
  EXPECT_EQ(line.along_d, 1.0F);
  EXPECT_EQ(line.along_f, 0.0F);
  EXPECT_LE(line.rest, 1e-12);
}

TEST(TwinStep, WhatIsUnknownStaysUnknown) {
  const twin_step step{-4.0, 4.0, 0.0, false};
  const enclosure all{-infinity, infinity};
  const enclosure range = dyadic::differences(step, all, {-0.25, 0.25});
  EXPECT_EQ(range.low, -infinity);
  EXPECT_EQ(range.high, infinity);
}

TEST(Enclosure, GoesOutwards) {
  EXPECT_EQ(dyadic::next_up(0.0), 0x1p-1074);
  EXPECT_EQ(dyadic::next_up(1.0), 1.0 + 0x1p-52);
  EXPECT_EQ(dyadic::next_up(-1.0), -1.0 + 0x1p-53);
  EXPECT_EQ(dyadic::next_down(1.0), 1.0 - 0x1p-53);
  EXPECT_EQ(dyadic::next_up(infinity), infinity);
  EXPECT_EQ(dyadic::next_up(-infinity), -std::numeric_limits<double>::max());
  integers random(3);
  for (int repeat = 0; repeat < 10000; ++repeat) {
    const auto real = [&] { return static_cast<double>(random.real(8.0F)) / 3.0; };
    const enclosure a = enclosure::of(real(), real()), b = enclosure::of(real(), real());
    const double factor = real(), x = a.low + (a.high - a.low) * 0.375, y = b.high;
    // Long doubles hold sums and products of these doubles to 2^-64 of themselves: nearer than the next double.
    const auto lx = static_cast<long double>(std::clamp(x, a.low, a.high)), ly = static_cast<long double>(y);
    const auto holds = [](const enclosure& e, long double v) {
      return static_cast<long double>(e.low) <= v && v <= static_cast<long double>(e.high);
    };
    ASSERT_TRUE(holds(a + b, lx + ly));
    ASSERT_TRUE(holds(a - b, lx - ly));
    ASSERT_TRUE(holds(factor * a, static_cast<long double>(factor) * lx));
    ASSERT_TRUE(holds(enclosure::around(a.centre(), a.radius()), static_cast<long double>(a.low)));
    ASSERT_TRUE(holds(enclosure::around(a.centre(), a.radius()), static_cast<long double>(a.high)));
    ASSERT_TRUE(holds(a.widened(1.0 / 3), lx + static_cast<long double>(1.0 / 3)));
  }
}

}  // namespace twin_step_test
