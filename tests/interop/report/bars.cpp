// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bars are as long as their numbers, and everything stays inside the drawing.
#include <dyadic/interop/report/bars.hpp>

#include <gtest/gtest.h>

#include "interop/report/drawn.hpp"

namespace bars_test {

using namespace dyadic::charts;

TEST(Bars, LengthsAreProportionalAndSidesFollowTheSign) {
  bar_chart chart{.title = "t", .unit = "u"};
  const double values[] = {0.01, 0.005, -0.002, 0.0075, 0};
  for (const double v : values) chart.rows.push_back({"row", {{v}}, {}});
  const std::string drawn = draw(chart);
  support::expect_inside(drawn, "bars");
  const auto bars = support::elements_of(drawn, "rect", "b0");
  ASSERT_EQ(bars.size(), 5U);
  const double a_unit = bars[0].number("width") / values[0], zero = bars[0].number("x");
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(bars[i].number("width"), std::fabs(values[i]) * a_unit, 0.15);
    EXPECT_NEAR(bars[i].number("x") + (values[i] < 0 ? bars[i].number("width") : 0), zero, 0.15);
  }
}

TEST(Bars, IntervalsStandAroundTheirBar) {
  bar_chart chart{.title = "t", .unit = "u", .factor = 100};
  chart.rows = {{"a", {{0.02, 0.01, 0.04}}, {}}, {"b", {{}}, "not enough data"}};
  const std::string drawn = draw(chart);
  support::expect_inside(drawn, "bars");
  const auto bar = support::elements_of(drawn, "rect", "b0");
  const auto whiskers = support::elements_of(drawn, "line", "whisker");
  ASSERT_EQ(bar.size(), 1U) << "a row without a number has no bar";
  ASSERT_EQ(whiskers.size(), 3U);
  const double a_unit = bar[0].number("width") / 0.02;
  EXPECT_NEAR(whiskers[0].number("x1"), bar[0].number("x") + 0.01 * a_unit, 0.2);
  EXPECT_NEAR(whiskers[0].number("x2"), bar[0].number("x") + 0.04 * a_unit, 0.2);
  EXPECT_NE(drawn.find(">2<"), std::string::npos) << "0.02 is written as 2 points";
  EXPECT_NE(drawn.find(">not enough data<"), std::string::npos);
}

TEST(Bars, TwoSeriesDifferByMoreThanColour) {
  bar_chart chart{.title = "t", .unit = "dB", .series = {"one", "two"}};
  chart.rows = {{"a", {{10}, {5}}, {}}};
  const std::string drawn = draw(chart);
  support::expect_inside(drawn, "bars");
  // One in the key, one in the row; b1 is the hatched pattern of the page.
  EXPECT_EQ(support::elements_of(drawn, "rect", "b0").size(), 2U);
  EXPECT_EQ(support::elements_of(drawn, "rect", "b1").size(), 2U);
}

TEST(Bars, AnyNumbersStayInside) {
  const double values[] = {0, 1, -1, 1e-300, 1e300, -1e300, 1e-9, 12345678, HUGE_VAL, -HUGE_VAL, std::nan("")};
  for (const double a : values)
    for (const double b : values) {
      bar_chart chart{.title = "t", .unit = "u"};
      chart.rows = {{"a name that is far too long for this place", {{a, b, a}}, {}}, {"b", {{b}, {a}}, {}}};
      const std::string drawn = draw(chart);
      support::expect_inside(drawn, std::to_string(a) + " and " + std::to_string(b));
      EXPECT_EQ(drawn.find("nan"), std::string::npos);
      EXPECT_EQ(drawn.find("inf"), std::string::npos);
    }
  support::expect_inside(draw(bar_chart{.title = "none", .unit = "u"}), "no rows");
}

}  // namespace bars_test
