// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Words, numbers and axes of drawings.
#include <dyadic/interop/report/svg.hpp>

#include <gtest/gtest.h>

#include "interop/report/drawn.hpp"

namespace svg_test {

using namespace dyadic::charts;

TEST(Svg, EscapesEverythingAPageUnderstands) {
  EXPECT_EQ(escaped("<a href=\"x\" b='y'> & \x01\x7f é\n"),
            "&lt;a href=&quot;x&quot; b=&#39;y&#39;&gt; &amp;  \x7f é\n");
}

TEST(Svg, NumbersForReaders) {
  const std::pair<double, const char*> cases[] = {{0, "0"},           {-0.0, "0"},
                                                  {1, "1"},           {-1, "−1"},
                                                  {0.5, "0.5"},       {93.16, "93.2"},
                                                  {1234.5, "1234"},   {999999, "999999"},
                                                  {0.001, "0.001"},   {0.00123456, "0.00123"},
                                                  {1e-4, "1.0·10⁻⁴"}, {-2.5e-12, "−2.5·10⁻¹²"},
                                                  {3e7, "3.0·10⁷"}};
  for (const auto& [x, text] : cases) EXPECT_EQ(readable(x), text) << x;
  EXPECT_EQ(readable(std::nan("")), "–");
  EXPECT_EQ(readable(HUGE_VAL), "∞");
  EXPECT_EQ(readable(-HUGE_VAL), "−∞");
  EXPECT_EQ(readable(93.165, 4), "93.17");
  EXPECT_EQ(percent(0.9954), "99.5 %");
  EXPECT_EQ(percent(std::nan("")), "–");
  EXPECT_EQ(counted(0), "0");
  EXPECT_EQ(counted(999), "999");
  EXPECT_EQ(counted(1000), "1,000");
  EXPECT_EQ(counted(-1234567), "-1,234,567");
  EXPECT_EQ(counted(-123), "-123");
}

TEST(Svg, ShortensByLettersNotBytes) {
  EXPECT_EQ(letters("größer"), 6);
  EXPECT_EQ(shortened("größer", 6), "größer");
  EXPECT_EQ(shortened("größer", 5), "größ…");
  EXPECT_EQ(shortened("größer", 4), "grö…");
}

TEST(Svg, AxesReachAroundTheirNumbers) {
  const double values[] = {1e-300, 1e-9, 3e-4, 0.02, 0.7, 1, 9.99, 10, 123456, 1e9, 1e300};
  for (const double a : values)
    for (const double b : values)
      for (const double sign : {-1.0, 1.0}) {
        scale x = scale::empty(false);
        x.include(sign * a), x.include(b);
        const double low = std::fmin(sign * a, b), high = std::fmax(sign * a, b);
        x.round_outwards();
        EXPECT_LE(x.low, low + 1e-9 * std::fabs(high - low));
        EXPECT_GE(x.high, high - 1e-9 * std::fabs(high - low));
        const auto ticks = x.ticks();
        EXPECT_GE(ticks.size(), 3U) << sign * a << " " << b;
        EXPECT_LE(ticks.size(), 13U) << sign * a << " " << b;
        scale y = scale::empty(true);
        y.include(a), y.include(b);
        y.round_outwards();
        EXPECT_LE(y.low, std::fmin(a, b) * (1 + 1e-6));
        EXPECT_GE(y.high, std::fmax(a, b) * (1 - 1e-6));
        EXPECT_GE(y.ticks().size(), 2U);
        EXPECT_LE(y.ticks().size(), 8U) << a << " " << b;
      }
}

TEST(Svg, EmptyAndForeignNumbersMakeAnAxisAllTheSame) {
  for (const bool logarithmic : {false, true}) {
    scale x = scale::empty(logarithmic);
    x.include(std::nan("")), x.include(HUGE_VAL);
    if (logarithmic) x.include(0), x.include(-1);
    x.round_outwards();
    EXPECT_LT(x.low, x.high);
    EXPECT_FALSE(x.ticks().empty());
  }
}

TEST(Svg, PlacesAreLinearOrLogarithmic) {
  scale x{10, 1000, 100, 300, true};
  EXPECT_DOUBLE_EQ(x.at(100), 200);
  EXPECT_DOUBLE_EQ(x.at(1000), 300);
  x.logarithmic = false;
  EXPECT_DOUBLE_EQ(x.at(505), 200);
}

// Nine words of 60 pixels on 200 pixels: not all can be there, those that are do not touch, and 0 is one of them.
TEST(Svg, TickWordsDoNotTouch) {
  for (const double to : {90.0, 200.0, 350.0}) {
    drawing d(100, "");
    scale x{-0.004, 0.012, 50, to};
    draw_x_axis(d, x, 10, 60, "unit");
    double last = -100;
    bool zero = false;
    for (const auto& e : support::elements_of(d.finish(), "text")) {
      if (e.inside == "unit") continue;
      const double half = width_of(e.inside) / 2;
      EXPECT_GT(e.number("x") - half, last) << e.inside;
      last = e.number("x") + half;
      zero = zero || e.inside == "0";
    }
    EXPECT_TRUE(zero) << to;
  }
}

}  // namespace svg_test
