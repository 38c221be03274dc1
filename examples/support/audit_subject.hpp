// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What an audit is about, and the parts of it that compare the quantized network with the float one: what was lost and
// for whom, whose error it is, why it decides as it does.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <dyadic/trust/explain.hpp>
#include <dyadic/trust/faithfulness.hpp>
#include <dyadic/trust/remedy.hpp>

#include "support/findings.hpp"

using dyadic::batch;
using dyadic::index_t;
using dyadic::report;

/// The network in three forms, and the images it is asked about.
struct audit {
  classifier net = load_classifier();
  images sample, test;
  dyadic::recording seen;
  dyadic::plan int8, int4;
  std::vector<std::int32_t> labels;

  explicit audit(const std::string& data)
      : sample(load_mnist(data, "train"), 512), test(load_mnist(data, "t10k"), SIZE_MAX) {
    for (const batch& x : sample.batches()) dyadic::try_record(net, x, seen).value();
    int8 = make_plan({});
    // Rows of conv1 hold 9 weights, too few for a group: they stay at 8 bits.
    int4 = make_plan({.weights = dyadic::u4_per_group<32>, .except = {{"conv1", dyadic::s8_per_row}}});
    labels.assign(test.labels.begin(), test.labels.end());
  }
  dyadic::plan make_plan(const dyadic::recipe& how) const { return dyadic::plan::try_make(seen, how).value(); }
  /// The first images, batch by batch.
  std::vector<batch> some(index_t count) const {
    std::vector<batch> all;
    for (index_t i = 0; i < std::min(count, test.count()); i += batch_size) all.push_back(test.batch(i));
    return all;
  }
  /// Images [first, first + count) as one batch.
  batch together(index_t first, index_t count) const {
    return {{test.values.data() + first * pixels, count, pixels}, {side, side}, 1};
  }
};

/// 1, 4: error and whom it hurts. Groups: images of little ink, and the others.
inline void look_at_errors(const audit& a, report& r) {
  const answers real = answers_of(a.test, [&](const batch& x) { return a.int8.run_real(a.net, x); });
  const answers in8 = answers_of(a.test, [&](const batch& x) { return a.int8.run(a.net, x); });
  const answers in4 = answers_of(a.test, [&](const batch& x) { return a.int4.run(a.net, x); });
  r.forms = {form_of("float", a.int8.real_bytes(), real, real, a.test),
             form_of("INT8", a.int8.model_bytes(), in8, real, a.test),
             form_of("INT4 weights", a.int4.model_bytes(), in4, real, a.test)};
  r.sites = sites_of(a.int8, dyadic::measure_error(a.net, a.int8, a.some(500)));
  for (const int s : quantizers_of(a.int8)) r.histograms.push_back(histogram_of(a.seen, a.int8, s));

  std::vector<std::int32_t> ink;
  for (index_t i = 0; i < a.test.count(); ++i) {
    const float* image = a.test.values.data() + i * pixels;
    ink.push_back(std::accumulate(image, image + pixels, 0.0f) < 0.15f * pixels ? 0 : 1);
  }
  const auto found =
      dyadic::agreement_of({.labels = a.labels, .before = real.classes, .after = in8.classes, .groups = ink});
  constexpr const char* inks[] = {"little ink", "more ink"};
  r.classes = groups_of(found.classes, class_names), r.groups = groups_of(found.groups, inks);
}

/// 2: whose error it is, in nats, and what would help.
inline void attribute(const audit& a, report& r) {
  const auto some = a.some(100);
  const auto owed = dyadic::attribute_error(a.net, a.int8, some, dyadic::kl_to_reference{},
                                            {.method = dyadic::attribution_method::shapley});
  const auto ranked = dyadic::rank_sites(a.int8, dyadic::measure_error(a.net, a.int8, some), owed);
  r.attribution.method = "Shapley values over all sets of sites";
  r.attribution.loss = "KL to float, nats";
  r.attribution.total = owed.values.total();
  r.attribution.relative_gap = std::fabs(owed.values.gap() / owed.values.total());
  for (const dyadic::ranked_site& site : ranked)
    r.attribution.parts.push_back({site.name.c_str(), site.part, report::unknown, dyadic::to_string(site.what)});
}

/// 3: why it decided so, in float and in INT8.
inline void explain(const audit& a, report& r) {
  const auto real = [&](const batch& x) { return a.int8.try_run_real(a.net, x); };
  const auto int8 = [&](const batch& x) { return a.int8.try_run(a.net, x); };
  const std::vector<float> black(pixels, 0.0f);
  const auto patches = dyadic::try_patches({1, side, side, 1}, {4, 4}).value();
  for (const index_t image : {3, 6, 9}) {
    const batch x = a.together(image, 1);
    const std::int32_t answer = dyadic::top_class(a.int8.run_real(a.net, x), 0);
    const dyadic::question why{.x = x, .baseline = black, .parts = patches, .target = answer};
    const dyadic::shapley_options orders{.orders = 16};
    const auto in_float = dyadic::explain_by_shapley(real, why, orders),
               in_int8 = dyadic::explain_by_shapley(int8, why, orders);
    const auto noise = dyadic::noise_floor_of(
        [&](const batch& moved) {
          dyadic::question same = why;
          same.x = moved;
          return dyadic::try_explain_by_shapley(real, same, orders);
        },
        x, {.repeats = 4});
    report::saliency s;
    s.name = "Image " + std::to_string(image) + ", answered " + class_names[answer];
    s.width = s.height = side / 4;
    s.reference = in_float.values, s.quantized = in_int8.values;
    s.image_width = s.image_height = side;
    s.image.assign(x.rows.data(), x.rows.data() + pixels);
    s.spearman = dyadic::compare_explanations(in_float.values, in_int8.values, 10).spearman;
    s.noise_floor = noise.mean.spearman;
    s.completeness_gap = in_int8.relative_gap();
    r.saliencies.push_back(s);
  }
}
