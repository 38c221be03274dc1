// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A report as one HTML page: nothing is loaded, nothing runs, every drawing is inside. It can be mailed and archived.
#pragma once

#include <dyadic/core/version.hpp>
#include <dyadic/interop/report/bars.hpp>
#include <dyadic/interop/report/histogram.hpp>
#include <dyadic/interop/report/maps.hpp>
#include <dyadic/interop/report/page.hpp>
#include <dyadic/interop/report/points.hpp>
#include <dyadic/interop/report/report.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace charts {

inline std::string with_interval(double x, double low, double high, double factor = 1) {
  const std::string number = readable(factor * x);
  if (!std::isfinite(low) || !std::isfinite(high)) return number;
  return number + " [" + readable(factor * low) + ", " + readable(factor * high) + "]";
}

inline std::string forms_section(const report& r) {
  if (r.forms.empty()) return {};
  point_chart frontier{.title = "Accuracy against size",
                       .x_unit = "model size, KB",
                       .y_unit = "accuracy, %",
                       .x_factor = 1e-3,
                       .y_factor = 100,
                       .x_from_zero = true};
  table t({{"form"}, {"KB"}, {"accuracy, %"}, {"95 % interval"}, {"same answer, %"}, {"KL, nats"}});
  for (const report::form& f : r.forms) {
    frontier.series.push_back({f.name, {{f.bytes, f.accuracy, f.low, f.high}}});
    t.row({f.name, readable(f.bytes / 1000, 4), readable(100 * f.accuracy, 4),
           std::isfinite(f.low) ? readable(100 * f.low, 4) + " to " + readable(100 * f.high, 4) : "–",
           readable(100 * f.agreement, 4),
           readable(f.kl) + (std::isfinite(f.kl_error) ? " ± " + readable(f.kl_error, 2) : "")});
  }
  return section("What was lost", "Each form of the network on the same data. Upper left is better.",
                 figures(figure(frontier.title,
                                "Lines are 95 % intervals of each accuracy by itself; the forms saw the "
                                "same data, so their difference is known better than that.",
                                draw(frontier)) +
                         t.finish()));
}

inline std::string sites_section(const report& r) {
  std::string drawn;
  if (!r.sites.empty()) {
    bar_chart sqnr{.title = "Signal to quantization noise", .unit = "dB", .series = {"own input", "accumulated"}};
    for (const report::site& s : r.sites) sqnr.rows.push_back({s.name, {{s.local_sqnr}, {s.accumulated_sqnr}}, {}});
    drawn += figure(sqnr.title,
                    "Longer is better; 6 dB are one bit. Own input: fed with float numbers. Accumulated: "
                    "with all quantizers before it.",
                    draw(sqnr));
  }
  for (const report::histogram& h : r.histograms)
    drawn += figure(h.name, "Numbers seen, and the range that its quantizer keeps (dashed).",
                    draw(histogram_chart{.title = "Histogram of " + h.name,
                                         .unit = "value",
                                         .low = h.low,
                                         .high = h.high,
                                         .counts = h.counts,
                                         .clip_low = h.clip_low,
                                         .clip_high = h.clip_high}));
  if (!r.sites.empty()) {
    table t({{"site"},
             {"weights", true},
             {"scale"},
             {"zero point"},
             {"clipped"},
             {"RMSE, steps"},
             {"cosine"},
             {"bias"},
             {"largest error"}});
    for (const report::site& s : r.sites)
      t.row({s.name, s.weights, readable(s.scale, 4), std::to_string(s.zero_point), percent(s.clipped, 2),
             readable(s.rmse_in_steps), readable(s.cosine, 6), readable(s.bias, 2), readable(s.largest)});
    drawn += t.finish();
  }
  return section(
      "Where the error arises",
      "A root mean square error of 0.289 steps is what rounding alone leaves; above 0.7 a site deserves a look.",
      figures(drawn));
}

inline std::string attribution_section(const report& r) {
  const report::attribution_result& a = r.attribution;
  if (a.parts.empty()) return {};
  bar_chart shares{.title = "Shares of the error", .unit = a.loss};
  table t({{"part"}, {"share"}, {"of the total"}, {"what to do", true}});
  for (const report::attribution_part& p : a.parts) {
    const bool spread = std::isfinite(p.error);
    shares.rows.push_back(
        {p.name, {{p.value, spread ? p.value - p.error : p.error, spread ? p.value + p.error : p.error}}, {}});
    t.row({p.name, readable(p.value) + (spread ? " ± " + readable(p.error, 2) : ""), percent(p.value / a.total),
           p.advice});
  }
  return section(
      "Whose error it is",
      "Parts by " + a.method + " that add up to " + readable(a.total, 4) + " (" + a.loss +
          "); what they leave of it is " + readable(a.relative_gap, 2) + " of the whole.",
      figures(figure(shares.title, "Longer costs more. Whiskers: one standard error.", draw(shares)) + t.finish()));
}

inline std::string bounds_section(const report& r) {
  if (r.bounds.empty()) return {};
  point_chart scatter{.title = "Measured error against its bound",
                      .x_unit = "largest error found by search",
                      .y_unit = "certified bound",
                      .x_logarithmic = true,
                      .y_logarithmic = true,
                      .diagonal = true,
                      .above = "the bound holds",
                      .below = "an escape would stand here"};
  table t({{"network"},
           {"bits"},
           {"radius"},
           {"form"},
           {"samples"},
           {"escapes"},
           {"bound / found"},
           {"certified"},
           {"", true}});
  for (const report::bound& b : r.bounds) {
    const std::string name = b.network + ", " + std::to_string(b.bits) + " bits, " + b.form;
    point_series* series = nullptr;
    for (point_series& s : scatter.series)
      if (s.name == name) series = &s;
    if (series == nullptr && !b.points.empty()) {
      scatter.series.push_back({name});
      series = &scatter.series.back();
    }
    for (const report::bound_point& p : b.points) series->points.push_back({p.measured, p.bound});
    t.row({b.network, std::to_string(b.bits), readable(b.radius), b.form, counted(b.samples), counted(b.escapes),
           readable(b.tightness, 4), percent(b.certified), b.vacuous ? "vacuous" : ""});
  }
  std::string drawn;
  if (!scatter.series.empty())
    drawn = figure(scatter.title,
                   "One point a site and radius. Nearer to the dashed line is tighter; errors of "
                   "zero have no place on this axis.",
                   draw(scatter));
  return section("How bad it can get",
                 "Bounds of |quantized − float| that no input within the radius of an image exceeds. They hold for the "
                 "network, the data and the radius of their row, and for no other. Certified: the decision provably "
                 "equals the float model's.",
                 figures(drawn + t.finish()));
}

inline std::string group_figures(const std::vector<report::group>& groups, const std::string& title) {
  if (groups.empty()) return {};
  bar_chart deltas{.title = title, .unit = "change of accuracy, points", .factor = 100};
  for (const report::group& g : groups) {
    const std::string flips = g.broken + g.fixed == 0 ? "0"
                                                      : (g.broken > 0 ? "−" + counted(g.broken) + " " : "") +
                                                            (g.fixed > 0 ? "+" + counted(g.fixed) : "");
    if (g.enough)
      deltas.rows.push_back({g.name, {{g.difference, g.low, g.high}}, flips});
    else
      deltas.rows.push_back({g.name, {{}}, "not enough data"});
  }
  return figure(title, "Left is worse. At the end of a row: answers broken and fixed. Whiskers: 95 % interval.",
                draw(deltas));
}

inline std::string groups_section(const report& r) {
  const std::string drawn = group_figures(r.classes, "By class") + group_figures(r.groups, "By group");
  if (drawn.empty()) return {};
  table t({{"class or group"}, {"samples"}, {"broken"}, {"fixed"}, {"points"}, {"p, corrected"}});
  for (const auto* all : {&r.classes, &r.groups})
    for (const report::group& g : *all)
      t.row({g.name, counted(g.count), counted(g.broken), counted(g.fixed),
             g.enough ? with_interval(g.difference, g.low, g.high, 100) : "not enough data",
             g.enough ? readable(g.p) : "–"});
  return section("Whom it hurts", "Answers that changed between float and quantized, on the same samples.",
                 figures(drawn + t.finish()));
}

inline std::string robustness_section(const report& r) {
  std::string drawn, flags;
  for (const report::robustness_result& one : r.robustness) {
    point_chart chart{.title = one.attack, .x_unit = one.unit, .y_unit = "accuracy, %", .y_factor = 100};
    for (const report::curve& c : one.curves) {
      point_series s{c.name, {}, true};
      for (std::size_t i = 0; i < c.accuracy.size() && i < c.strength.size(); ++i)
        s.points.push_back({c.strength[i], c.accuracy[i], i < c.low.size() ? c.low[i] : report::unknown,
                            i < c.high.size() ? c.high[i] : report::unknown});
      chart.series.push_back(s);
    }
    drawn += figure(one.attack, "Accuracy on the same samples, float beside quantized.", draw(chart));
    for (const std::string& flag : one.flags) flags += "<li>" + escaped(one.attack + ": " + flag) + "</li>\n";
  }
  return section("Under attack and corruption",
                 "A measurement of these attacks on these samples, not a claim about others.",
                 figures(drawn) + (flags.empty() ? "" : "<ul>\n" + flags + "</ul>\n"));
}

inline std::string saliency_section(const report& r) {
  std::string drawn;
  for (const report::saliency& s : r.saliencies) {
    const map_pair pair{.title = s.name,
                        .width = s.width,
                        .height = s.height,
                        .first = s.reference,
                        .second = s.quantized,
                        .first_name = "float",
                        .second_name = "quantized",
                        .image_width = s.image_width,
                        .image_height = s.image_height,
                        .image = s.image};
    drawn += figure(s.name,
                    "Rank correlation " + readable(s.spearman) +
                        "; of float with itself under a small change of the input " + readable(s.noise_floor) + ".",
                    draw(pair));
  }
  return section("Why it decided so",
                 "What each part of the input adds to the score of the answer. Full squares speak for it, hollow ones "
                 "against; the area is the amount, on one scale for both maps.",
                 figures(drawn));
}

inline std::string operation_section(const report& r) {
  std::string inside;
  if (r.monitor.images > 0 || std::isfinite(r.monitor.overhead_ratio)) {
    table t({{"monitor"}, {"time with / without"}, {"images"}, {"outputs", true}});
    t.row({"", with_interval(r.monitor.overhead_ratio, r.monitor.low, r.monitor.high), counted(r.monitor.images),
           r.monitor.same_outputs ? "identical with and without" : "differ"});
    inside += t.finish();
  }
  if (!r.drift.empty()) {
    table t({{"stream"}, {"PSI"}, {"p"}, {"inferences until the alarm"}, {"", true}});
    for (const report::drift_case& d : r.drift)
      t.row({d.name, readable(d.psi), readable(d.p), readable(d.delay, 4), d.alarm ? "alarm" : "no alarm"});
    inside += t.finish();
  }
  if (!r.recalibrations.empty()) {
    table t({{"recalibration"}, {"outcome"}, {"SQNR before, dB"}, {"after, dB"}});
    for (const report::recalibration_case& c : r.recalibrations)
      t.row({c.name, c.outcome, readable(c.sqnr_before), readable(c.sqnr_after)});
    inside += t.finish();
  }
  if (r.replay.records > 0) {
    table t({{"audit log"}, {"records"}, {"replayed equal"}, {"on", true}});
    std::string on;
    for (const std::string& isa : r.replay.instruction_sets) on += (on.empty() ? "" : ", ") + isa;
    t.row({r.replay.log_intact ? "intact" : "damaged", counted(r.replay.records), counted(r.replay.equal), on});
    inside += t.finish();
    if (!r.replay.head.empty()) inside += "<p>Head of the log: <code>" + escaped(r.replay.head) + "</code></p>\n";
  }
  return section("After deployment", "", inside);
}

}  // namespace charts

/// The whole page, UTF-8.
inline std::string html_of(const report& r) {
  using namespace charts;
  std::string page =
      "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" +
      escaped(r.title) + "</title>\n<style>" + style + "</style>\n</head>\n<body>\n" + patterns + "<main>\n<h1>" +
      escaped(r.title) + "</h1>\n";
  if (!r.network.empty()) page += "<p>" + escaped(r.network) + "</p>\n";
  if (!r.data.empty()) page += "<p>" + escaped(r.data) + "</p>\n";
  if (!r.plan_digest.empty()) page += "<p class=\"soft\">Plan <code>" + escaped(r.plan_digest) + "</code></p>\n";
  char version[64];
  std::snprintf(version, sizeof version, "dyadic %d.%d.%d, report format %d", DYADIC_VERSION_MAJOR,
                DYADIC_VERSION_MINOR, DYADIC_VERSION_PATCH, report::format_version);
  page += "<p class=\"soft\">" + std::string(version) +
          (r.instruction_set.empty() ? "" : ", run on " + escaped(r.instruction_set)) + "</p>\n";
  if (!r.remarks.empty()) {
    page += "<ul>\n";
    for (const std::string& remark : r.remarks) page += "<li>" + escaped(remark) + "</li>\n";
    page += "</ul>\n";
  }
  page += forms_section(r) + sites_section(r) + attribution_section(r) + bounds_section(r) + groups_section(r) +
          robustness_section(r) + saliency_section(r) + operation_section(r);
  return page + "</main>\n</body>\n</html>\n";
}

}  // namespace dyadic::inline DYADIC_ABI
