// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A report as JSON: one object, its format and version first. Keys are the names of the fields of report.
//
// Needs nlohmann_json 3.10 or newer: the CMake component `report`.
#pragma once

#include <nlohmann/json.hpp>

#include <dyadic/core/version.hpp>
#include <dyadic/interop/report/report.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

using json = nlohmann::ordered_json;

template <class T, class F>
json list_of(const std::vector<T>& all, F&& object) {
  json list = json::array();
  for (const T& one : all) list.push_back(object(one));
  return list;
}

inline json json_of(const report::form& f) {
  return {{"name", f.name},           {"bytes", f.bytes}, {"accuracy", f.accuracy}, {"low", f.low}, {"high", f.high},
          {"agreement", f.agreement}, {"kl", f.kl},       {"kl_error", f.kl_error}};
}
inline json json_of(const report::site& s) {
  return {{"name", s.name},
          {"weights", s.weights},
          {"scale", s.scale},
          {"zero_point", s.zero_point},
          {"local_sqnr", s.local_sqnr},
          {"accumulated_sqnr", s.accumulated_sqnr},
          {"cosine", s.cosine},
          {"bias", s.bias},
          {"largest", s.largest},
          {"rmse_in_steps", s.rmse_in_steps},
          {"clipped", s.clipped}};
}
inline json json_of(const report::histogram& h) {
  return {{"name", h.name},     {"low", h.low},           {"high", h.high},
          {"counts", h.counts}, {"clip_low", h.clip_low}, {"clip_high", h.clip_high}};
}
inline json json_of(const report::attribution_result& a) {
  return {{"method", a.method},
          {"loss", a.loss},
          {"total", a.total},
          {"relative_gap", a.relative_gap},
          {"parts", list_of(a.parts, [](const report::attribution_part& p) {
             return json{{"name", p.name}, {"value", p.value}, {"error", p.error}, {"advice", p.advice}};
           })}};
}
inline json json_of(const report::bound& b) {
  return {{"network", b.network},
          {"bits", b.bits},
          {"radius", b.radius},
          {"form", b.form},
          {"samples", b.samples},
          {"escapes", b.escapes},
          {"tightness", b.tightness},
          {"certified", b.certified},
          {"vacuous", b.vacuous},
          {"points", list_of(b.points, [](const report::bound_point& p) {
             return json{{"site", p.site}, {"measured", p.measured}, {"bound", p.bound}};
           })}};
}
inline json json_of(const report::group& g) {
  return {{"name", g.name}, {"count", g.count}, {"broken", g.broken}, {"fixed", g.fixed},  {"difference", g.difference},
          {"low", g.low},   {"high", g.high},   {"p", g.p},           {"enough", g.enough}};
}
inline json json_of(const report::robustness_result& r) {
  return {{"attack", r.attack},
          {"unit", r.unit},
          {"curves", list_of(r.curves,
                             [](const report::curve& c) {
                               return json{{"name", c.name},
                                           {"strength", c.strength},
                                           {"accuracy", c.accuracy},
                                           {"low", c.low},
                                           {"high", c.high}};
                             })},
          {"flags", r.flags}};
}
inline json json_of(const report::saliency& s) {
  return {{"name", s.name},
          {"width", s.width},
          {"height", s.height},
          {"reference", s.reference},
          {"quantized", s.quantized},
          {"spearman", s.spearman},
          {"noise_floor", s.noise_floor},
          {"completeness_gap", s.completeness_gap}};
}
inline json json_of(const report::drift_case& d) {
  return {{"name", d.name}, {"psi", d.psi}, {"p", d.p}, {"delay", d.delay}, {"alarm", d.alarm}};
}
inline json json_of(const report::recalibration_case& c) {
  return {{"name", c.name}, {"outcome", c.outcome}, {"sqnr_before", c.sqnr_before}, {"sqnr_after", c.sqnr_after}};
}
inline json json_of(const report& r) {
  const auto each = [](const auto& all) { return list_of(all, [](const auto& one) { return json_of(one); }); };
  const auto& [ratio, low, high, images, same] = r.monitor;
  return {{"format", "dyadic report"},
          {"version", report::format_version},
          {"library", {DYADIC_VERSION_MAJOR, DYADIC_VERSION_MINOR, DYADIC_VERSION_PATCH}},
          {"title", r.title},
          {"network", r.network},
          {"data", r.data},
          {"plan_digest", r.plan_digest},
          {"instruction_set", r.instruction_set},
          {"remarks", r.remarks},
          {"forms", each(r.forms)},
          {"sites", each(r.sites)},
          {"histograms", each(r.histograms)},
          {"attribution", json_of(r.attribution)},
          {"bounds", each(r.bounds)},
          {"classes", each(r.classes)},
          {"groups", each(r.groups)},
          {"robustness", each(r.robustness)},
          {"saliencies", each(r.saliencies)},
          {"monitor",
           {{"overhead_ratio", ratio}, {"low", low}, {"high", high}, {"images", images}, {"same_outputs", same}}},
          {"drift", each(r.drift)},
          {"recalibrations", each(r.recalibrations)},
          {"replay",
           {{"records", r.replay.records},
            {"equal", r.replay.equal},
            {"instruction_sets", r.replay.instruction_sets},
            {"head", r.replay.head},
            {"log_intact", r.replay.log_intact}}}};
}

}  // namespace detail

/// The whole report. Text that is not UTF-8 has its wrong bytes replaced; numbers that are not finite are null.
inline std::string json_of(const report& r) {
  return detail::json_of(r).dump(2, ' ', false, detail::json::error_handler_t::replace) + "\n";
}

}  // namespace dyadic::inline DYADIC_ABI
