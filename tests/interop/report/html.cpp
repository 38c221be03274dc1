// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The page: well-formed, complete, by itself, and deaf to what stands in its texts.
#include <dyadic/interop/report/html.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "interop/report/drawn.hpp"

namespace html_test {

using namespace dyadic;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(Html, EveryPartIsOnThePage) {
  const std::string page = html_of(support::full_report("word"));
  for (const char* title : {"What was lost", "Where the error arises", "Whose error it is", "How bad it can get",
                            "Whom it hurts", "Under attack and corruption", "Why it decided so", "After deployment"})
    EXPECT_THAT(page, HasSubstr(std::string("<h2>") + title + "</h2>"));
  EXPECT_EQ(support::elements_of(page, "svg").size(), 10U) << "9 figures and the pattern";
  EXPECT_EQ(support::elements_of(page, "figure").size(), 9U);
  EXPECT_THAT(page, HasSubstr("vacuous"));
  EXPECT_THAT(page, HasSubstr("not enough data"));
}

TEST(Html, AnEmptyReportHasNoSections) {
  const std::string page = html_of(report{});
  EXPECT_TRUE(support::elements_of(page, "h2").empty());
  EXPECT_TRUE(support::elements_of(page, "figure").empty());
  EXPECT_TRUE(support::elements_of(page, "table").empty());
}

TEST(Html, LoadsNothingAndRunsNothing) {
  const std::string page = html_of(support::full_report("word"));
  for (const char* foreign : {"<script", "http:", "https:", "src=", "@import", "<link", "javascript", "<img"})
    EXPECT_THAT(page, Not(HasSubstr(foreign)));
  for (std::size_t at = page.find("url("); at != std::string::npos; at = page.find("url(", at + 1))
    EXPECT_EQ(page.compare(at, 11, "url(#hatch)"), 0);
}

TEST(Html, TextsStayTexts) {
  const std::string page = html_of(support::full_report("</title></svg><b onclick=\"x\">'&\x01"));
  for (const auto& e : support::elements_of(page)) {
    EXPECT_NE(e.name, "b onclick");
    EXPECT_FALSE(e.attributes.contains("onclick"));
  }
  EXPECT_EQ(page.find('\x01'), std::string::npos);
  // A word as long, so that as many ticks have room.
  EXPECT_EQ(support::elements_of(page).size(),
            support::elements_of(html_of(support::full_report("//title//svg/b onclick=/x//////"))).size());
}

TEST(Html, NoNumberIsADash) {
  report r = support::full_report("word");
  r.forms[1] = {"w"};
  r.sites[0] = {"w", {}};
  r.attribution.relative_gap = report::unknown;
  r.bounds[0].tightness = std::numeric_limits<double>::infinity();
  r.saliencies[0].spearman = report::unknown;
  const std::string page = html_of(r);
  EXPECT_THAT(page, Not(::testing::ContainsRegex("[^a-z]nan[^a-z]")));
  EXPECT_THAT(page, Not(::testing::ContainsRegex("[^a-z]inf[^a-z]")));
  EXPECT_THAT(page, HasSubstr("<td>–</td>"));
  EXPECT_THAT(page, HasSubstr("<td>∞</td>"));
}

TEST(Html, DrawingsStayInsideTheirBoxes) {
  const std::string page = html_of(support::full_report("a word of some length, larger than its place"));
  int seen = 0;
  for (std::size_t at = page.find("<svg viewBox"); at != std::string::npos; at = page.find("<svg viewBox", at + 1)) {
    support::expect_inside(page.substr(at, page.find("</svg>", at) + 6 - at), "drawing " + std::to_string(seen));
    ++seen;
  }
  EXPECT_EQ(seen, 9);
}

/// What the contrast of two colours is by WCAG 2.1: 1 to 21.
double contrast(const std::string& a, const std::string& b) {
  const auto luminance = [](const std::string& colour) {
    double sum = 0;
    const double weights[] = {0.2126, 0.7152, 0.0722};
    for (std::size_t i = 0; i < 3; ++i) {
      const double c = static_cast<double>(std::stoi(colour.substr(1 + 2 * i, 2), nullptr, 16)) / 255;
      sum += weights[i] * (c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4));
    }
    return sum;
  };
  const double x = luminance(a), y = luminance(b);
  return (std::fmax(x, y) + 0.05) / (std::fmin(x, y) + 0.05);
}

// WCAG 2.1 asks for 4.5 of words and 3 of shapes.
TEST(Html, LightAndDarkHaveContrast) {
  const std::string style = charts::style;
  const std::size_t dark = style.find("prefers-color-scheme: dark");
  ASSERT_NE(dark, std::string::npos);
  for (const std::size_t from : {std::size_t{0}, dark}) {
    const auto colour = [&](const std::string& name) {
      const std::size_t at = style.find("--" + name + ": #", from);
      EXPECT_NE(at, std::string::npos) << name;
      return style.substr(at + name.size() + 4, 7);
    };
    for (const char* ground : {"ground", "panel"}) {
      for (const char* words : {"ink", "soft", "wrong"})
        EXPECT_GE(contrast(colour(words), colour(ground)), 4.5) << words;
      for (const char* shape : {"c0", "c1", "c2", "c3", "c4", "c5"})
        EXPECT_GE(contrast(colour(shape), colour(ground)), 3.0) << shape;
    }
  }
  EXPECT_NEAR(contrast("#000000", "#ffffff"), 21, 1e-9);
}

}  // namespace html_test
