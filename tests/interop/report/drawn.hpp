// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tests of reports share: a report with something everywhere, and drawings read back as elements.
#pragma once

#include <cmath>
#include <cstdlib>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <dyadic/interop/report/report.hpp>

namespace support {

/// A tag of a page or drawing, with its attributes.
struct element {
  std::string name;
  std::map<std::string, std::string> attributes;
  std::string inside;  ///< the text behind it

  double number(const std::string& key) const {
    const auto found = attributes.find(key);
    return found == attributes.end() ? 0 : std::strtod(found->second.c_str(), nullptr);
  }
  bool is(const std::string& kind) const {
    const auto found = attributes.find("class");
    return found != attributes.end() && (" " + found->second + " ").find(" " + kind + " ") != std::string::npos;
  }
};

/// Every element in order; reports what is no well-formed mark-up: a tag left open, an attribute without quotes.
inline std::vector<element> elements_of(const std::string& text) {
  static const std::regex attribute("\\s+([a-zA-Z][a-zA-Z0-9-]*)=\"([^\"<>]*)\"");
  std::vector<element> all;
  std::vector<std::string> open;
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at)) {
    const std::size_t end = text.find('>', at);
    if (end == std::string::npos) {
      ADD_FAILURE() << "a tag without an end: " << text.substr(at, 60);
      break;
    }
    std::string tag = text.substr(at + 1, end - at - 1);
    at = end + 1;
    if (tag.starts_with("!")) continue;
    if (tag.starts_with("/")) {
      EXPECT_FALSE(open.empty()) << tag;
      if (open.empty()) break;
      EXPECT_EQ(open.back(), tag.substr(1));
      open.pop_back();
      continue;
    }
    const bool closed = tag.ends_with("/");
    if (closed) tag.pop_back();
    element e;
    e.name = tag.substr(0, tag.find_first_of(" \n"));
    const std::string rest = tag.substr(e.name.size());
    for (std::sregex_iterator m(rest.begin(), rest.end(), attribute), none; m != none; ++m)
      e.attributes[(*m)[1]] = (*m)[2];
    EXPECT_EQ(std::regex_replace(rest, attribute, ""), "") << "not only attributes: <" << tag << ">";
    e.inside = text.substr(at, text.find('<', at) - at);
    if (e.name == "style") e.inside.clear();
    if (!closed && e.name != "meta") open.push_back(e.name);
    all.push_back(e);
  }
  EXPECT_TRUE(open.empty()) << (open.empty() ? "" : open.back());
  return all;
}

inline std::vector<element> elements_of(const std::string& text, const std::string& name,
                                        const std::string& kind = "") {
  std::vector<element> chosen;
  for (const element& e : elements_of(text))
    if (e.name == name && (kind.empty() || e.is(kind))) chosen.push_back(e);
  return chosen;
}

/// Where a marker stands.
struct place {
  double x = 0, y = 0;
};
inline std::vector<place> markers_of(const std::string& drawing) {
  std::vector<place> all;
  for (const element& e : elements_of(drawing, "path", "mark")) {
    place p;
    EXPECT_EQ(std::sscanf(e.attributes.at("transform").c_str(), "translate(%lf,%lf)", &p.x, &p.y), 2);
    all.push_back(p);
  }
  return all;
}

/// Everything that has a place lies in the drawing's box; words by the width that charts::width_of gives them.
inline void expect_inside(const std::string& drawing, const std::string& what) {
  const auto all = elements_of(drawing);
  ASSERT_FALSE(all.empty());
  double width = 0, height = 0;
  ASSERT_EQ(std::sscanf(all[0].attributes.at("viewBox").c_str(), "0 0 %lf %lf", &width, &height), 2);
  const auto inside = [&](double x, double y, const std::string& name) {
    EXPECT_TRUE(x >= -0.5 && x <= width + 0.5 && y >= -0.5 && y <= height + 0.5)
        << what << ": " << name << " at " << x << ", " << y << " in " << width << " x " << height;
  };
  for (const element& e : all) {
    if (e.name == "line")
      inside(e.number("x1"), e.number("y1"), "line"), inside(e.number("x2"), e.number("y2"), "line");
    if (e.name == "rect") {
      inside(e.number("x"), e.number("y"), "rectangle");
      inside(e.number("x") + e.number("width"), e.number("y") + e.number("height"), "rectangle");
    }
    if (e.name == "text") inside(e.number("x"), e.number("y"), "text '" + e.inside + "'");
  }
  for (const place& p : markers_of(drawing)) inside(p.x, p.y, "marker");
}

/// A report with something in every part; `word` stands in every text.
inline dyadic::report full_report(const std::string& word) {
  dyadic::report r;
  r.title = r.network = r.data = r.plan_digest = r.instruction_set = word;
  r.remarks = {word, word};
  r.forms = {{word, 880936, 0.9316, 0.925, 0.938, 1.0}, {word, 221449, 0.932, 0.926, 0.939, 0.995, 1e-4, 2e-5}};
  dyadic::report::site s;
  s.name = s.weights = word;
  s.local_sqnr = 40, s.accumulated_sqnr = 35;
  r.sites = {s, s};
  r.histograms = {{word, -1, 3, {5, 0, 1000000, 3, 0.5}, -0.5, 2.5}};
  r.attribution = {word, word, 0.02, 1e-16, {{word, 0.03, 0.001, word}, {word, -0.01, 0.002, word}}};
  dyadic::report::bound b;
  b.network = b.form = word;
  b.bits = 8, b.radius = 1.0 / 255, b.samples = 1000, b.tightness = 4, b.certified = 0.5, b.vacuous = true;
  b.points = {{word, 0.1, 0.4}, {word, 0, 0.1}};
  r.bounds = {b, b};
  r.classes = {{word, 100, 3, 1, -0.02, -0.05, 0.01, 0.6, true}, {word, 10, 1, 0, 0, 0, 0, 1, false}};
  r.groups = {{word, 100, 0, 0, 0, -0.01, 0.01, 1, true}};
  r.robustness = {{word,
                   word,
                   {{word, {0, 1, 2}, {0.9, 0.5, 0.1}, {0.8, 0.4, 0}, {1, 0.6, 0.2}}, {word, {0, 1}, {0.9, 0.8}}},
                   {word}}};
  dyadic::report::saliency map;
  map.name = word;
  map.width = 2, map.height = 3;
  map.reference = {1, -1, 0, 0.5, 0.25, 0}, map.quantized = {1, -0.5, 0, 0.5, 0.25, 0.1};
  map.image_width = 3, map.image_height = 2, map.image = {0, 0.5, 1, 1, 1, 0.2};
  map.spearman = 0.9, map.noise_floor = 0.8;
  r.saliencies = {map};
  r.monitor = {1.004, 0.99, 1.02, 1000, true};
  r.drift = {{word, 0.1, 0.5, dyadic::report::unknown, false}, {word, 3, 1e-9, 12, true}};
  r.recalibrations = {{word, word, 18, 37}};
  r.replay = {1000, 1000, {word, word}, word, true};
  return r;
}

}  // namespace support
