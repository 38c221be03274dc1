// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bins stand over their numbers, and the clip lines where the quantizer's range ends.
#include <dyadic/interop/report/histogram.hpp>

#include <gtest/gtest.h>

#include "interop/report/drawn.hpp"

namespace histogram_test {

using namespace dyadic::charts;

TEST(HistogramChart, BinsAndClipLinesShareOneAxis) {
  const histogram_chart chart{.title = "t",
                              .unit = "value",
                              .low = -2,
                              .high = 6,
                              .counts = {1, 10, 100, 0.4, 1000},
                              .clip_low = -0.4,
                              .clip_high = 4.4};
  const std::string drawn = draw(chart);
  support::expect_inside(drawn, "histogram");
  const auto bins = support::elements_of(drawn, "rect", "b0");
  ASSERT_EQ(bins.size(), 4U) << "a bin without a number has no bar";
  const double left = bins[0].number("x"), width = bins[1].number("x") - left;  // of 1.6
  EXPECT_NEAR(bins[3].number("x"), left + 4 * width, 0.3);
  const auto clips = support::elements_of(drawn, "line", "limit");
  ASSERT_EQ(clips.size(), 2U);
  EXPECT_NEAR(clips[0].number("x1"), left + width * (-0.4 + 2) / 1.6, 0.3);
  EXPECT_NEAR(clips[1].number("x1"), left + width * (4.4 + 2) / 1.6, 0.3);
  // Decades are steps of one height, from the axis at 1.
  const double decade = bins[1].number("height");
  EXPECT_NEAR(bins[2].number("height"), 2 * decade, 0.3);
  EXPECT_NEAR(bins[3].number("height"), 3 * decade, 0.3);
  EXPECT_GT(bins[0].number("height"), 1);
}

TEST(HistogramChart, ClipLinesOutsideTheDataAreStillSeen) {
  const std::string drawn = draw(histogram_chart{
      .title = "t", .unit = "value", .low = 0, .high = 1, .counts = {3, 4}, .clip_low = -1, .clip_high = 5});
  support::expect_inside(drawn, "histogram");
  EXPECT_EQ(support::elements_of(drawn, "line", "limit").size(), 2U);
  EXPECT_NE(drawn.find("clip −1<"), std::string::npos);
  EXPECT_NE(drawn.find("clip 5<"), std::string::npos);
}

TEST(HistogramChart, NothingIsDrawnOfNothing) {
  support::expect_inside(draw(histogram_chart{.title = "t", .unit = "v", .low = 0, .high = 1, .counts = {0, 0}}),
                         "empty");
}

}  // namespace histogram_test
