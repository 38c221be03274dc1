// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The JSON: a versioned object whose keys are the fields, numbers to the last bit, null where there is no number.
#include <dyadic/interop/report/json.hpp>

#include <gtest/gtest.h>

#include "interop/report/drawn.hpp"

namespace json_test {

using namespace dyadic;
using nlohmann::json;

TEST(ReportJson, SaysWhatItIsAndHoldsEverything) {
  const json j = json::parse(json_of(support::full_report("word")));
  EXPECT_EQ(j["format"], "dyadic report");
  EXPECT_EQ(j["version"], 1);
  EXPECT_EQ(j["library"], (json{DYADIC_VERSION_MAJOR, DYADIC_VERSION_MINOR, DYADIC_VERSION_PATCH}));
  for (const char* list : {"remarks", "forms", "sites", "histograms", "bounds", "classes", "groups", "robustness",
                           "saliencies", "drift", "recalibrations"})
    EXPECT_TRUE(j[list].is_array() && !j[list].empty()) << list;
  EXPECT_EQ(j["attribution"]["total"], 0.02);
  EXPECT_EQ(j["attribution"]["relative_gap"], 1e-16);
  EXPECT_EQ(j["attribution"]["parts"][1]["value"], -0.01);
  const json& bound = j["bounds"][0];
  for (const char* key : {"network", "bits", "radius", "form", "samples", "escapes", "tightness", "certified"})
    EXPECT_TRUE(bound.contains(key)) << key;
  EXPECT_EQ(bound["radius"], 1.0 / 255);
  EXPECT_EQ(bound["points"][0]["bound"], 0.4);
  EXPECT_EQ(j["monitor"]["overhead_ratio"], 1.004);
  EXPECT_EQ(j["replay"]["records"], 1000);
  EXPECT_EQ(j["replay"]["equal"], 1000);
  EXPECT_EQ(j["classes"][0]["broken"], 3);
  EXPECT_EQ(j["robustness"][0]["curves"][0]["accuracy"], (json{0.9, 0.5, 0.1}));
  EXPECT_EQ(j["saliencies"][0]["reference"].size(), 6U);
}

TEST(ReportJson, AnEmptyReportHasAllKeys) {
  const json empty = json::parse(json_of(report{})), full = json::parse(json_of(support::full_report("word")));
  for (const auto& [key, value] : full.items()) EXPECT_TRUE(empty.contains(key)) << key;
  EXPECT_TRUE(empty["attribution"]["total"].is_null());
  EXPECT_TRUE(empty["monitor"]["overhead_ratio"].is_null());
  EXPECT_TRUE(empty["bounds"].is_array() && empty["bounds"].empty());
}

TEST(ReportJson, NumbersToTheLastBitAndNullWithout) {
  report r;
  const double numbers[] = {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, -0.0, 123456789012345.6};
  for (const double x : numbers) r.forms.push_back({"f", x});
  r.forms.push_back({"f", std::numeric_limits<double>::infinity()});
  const json j = json::parse(json_of(r));
  for (std::size_t i = 0; i < std::size(numbers); ++i) EXPECT_EQ(j["forms"][i]["bytes"].get<double>(), numbers[i]);
  EXPECT_TRUE(j["forms"][6]["bytes"].is_null());
  EXPECT_TRUE(j["forms"][0]["kl"].is_null());
}

TEST(ReportJson, AnyText) {
  const std::string odd = "quote \" backslash \\ line\nbell \a tab\t";
  EXPECT_EQ(json::parse(json_of(support::full_report(odd)))["title"], odd);
  EXPECT_EQ(json::parse(json_of(support::full_report("größer ∞")))["title"], "größer ∞");
  const json cut = json::parse(json_of(support::full_report("a\xff\xc3")));
  EXPECT_EQ(cut["title"], "a\xEF\xBF\xBD\xEF\xBF\xBD") << "bytes that are no UTF-8 become U+FFFD";
}

}  // namespace json_test
