// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Points stand where their numbers say, above or below the diagonal, on linear and logarithmic axes.
#include <dyadic/interop/report/points.hpp>

#include <gtest/gtest.h>

#include "interop/report/drawn.hpp"

namespace points_test {

using namespace dyadic::charts;

TEST(Points, OnLinearAxesDistancesAreProportional) {
  point_chart chart{.title = "t", .x_unit = "x", .y_unit = "y"};
  chart.series = {{"s", {{0, 0}, {1, 10}, {4, 40}}}};
  const std::string drawn = draw(chart);
  support::expect_inside(drawn, "points");
  const auto at = support::markers_of(drawn);
  ASSERT_EQ(at.size(), 3U) << "one series needs no key";
  EXPECT_NEAR((at[2].x - at[0].x) / (at[1].x - at[0].x), 4, 0.02);
  EXPECT_NEAR((at[2].y - at[0].y) / (at[1].y - at[0].y), 4, 0.02);
  EXPECT_LT(at[1].y, at[0].y) << "up is more";
}

TEST(Points, TheDiagonalTellsABoundFromAnEscape) {
  point_chart chart{.title = "t",
                    .x_unit = "found",
                    .y_unit = "bound",
                    .x_logarithmic = true,
                    .y_logarithmic = true,
                    .diagonal = true};
  chart.series = {{"s", {{0.01, 0.08}, {0.3, 0.31}, {0.02, 0.02}, {0.5, 0.05}, {0, 1}, {1, 0}}}};
  const std::string drawn = draw(chart);
  support::expect_inside(drawn, "points");
  const auto at = support::markers_of(drawn);
  ASSERT_EQ(at.size(), 4U) << "zero has no place on a logarithmic axis";
  const auto line = support::elements_of(drawn, "line", "limit");
  ASSERT_EQ(line.size(), 1U);
  const double x1 = line[0].number("x1"), y1 = line[0].number("y1"), x2 = line[0].number("x2"),
               y2 = line[0].number("y2");
  const auto above = [&](const support::place& p) { return y1 + (y2 - y1) * (p.x - x1) / (x2 - x1) - p.y; };
  EXPECT_GT(above(at[0]), 20);
  EXPECT_GT(above(at[1]), 0);
  EXPECT_NEAR(above(at[2]), 0, 0.2);
  EXPECT_LT(above(at[3]), -20);
}

TEST(Points, SeriesHaveShapesAndDashesOfTheirOwn) {
  point_chart chart{.title = "t", .x_unit = "x", .y_unit = "y"};
  for (int i = 0; i < 6; ++i) chart.series.push_back({"s" + std::to_string(i), {{0, 1.0 * i}, {1, 1.0 * i}}, true});
  const std::string drawn = draw(chart);
  support::expect_inside(drawn, "points");
  std::map<std::string, int> shapes, curves;
  for (const auto& e : support::elements_of(drawn, "path", "mark")) ++shapes[e.attributes.at("d")];
  for (const auto& e : support::elements_of(drawn, "path", "curve")) ++curves[e.attributes.at("class")];
  EXPECT_EQ(shapes.size(), 6U);
  EXPECT_EQ(curves.size(), 6U);
  for (const auto& [shape, count] : shapes) EXPECT_EQ(count, 3) << "two points and one in the key";
}

TEST(Points, AnyNumbersStayInside) {
  const double values[] = {0, 1, -1, 1e-300, 1e300, 1e-9, 12345678, HUGE_VAL, std::nan("")};
  for (const double a : values)
    for (const double b : values)
      for (const bool logarithmic : {false, true}) {
        point_chart chart{.title = "t",
                          .x_unit = "x",
                          .y_unit = "y",
                          .x_logarithmic = logarithmic,
                          .y_logarithmic = logarithmic,
                          .diagonal = logarithmic};
        chart.series = {{"s", {{a, b, b, a}, {b, a}}, true}, {"empty", {}}};
        const std::string drawn = draw(chart);
        support::expect_inside(drawn, std::to_string(a) + " and " + std::to_string(b));
        EXPECT_EQ(drawn.find("nan"), std::string::npos);
        EXPECT_EQ(drawn.find("inf"), std::string::npos);
      }
}

}  // namespace points_test
