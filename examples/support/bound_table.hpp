// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of bounds: two networks, INT8 and INT4 weights, three radii, two forms, and what a search found beneath.
#pragma once

#include "support/dense_network.hpp"

struct bound_row {
  std::string network;
  int bits = 8;
  double radius = 0;
  std::string form;
  long long images = 0, samples = 0, escapes = 0;
  double bound = 0, found = 0, certified = 0;
  bool vacuous = false;  ///< at some output the bound is no less than the range of its codes
  struct layer {
    std::string name;
    double bound = 0, found = 0;
  };
  std::vector<layer> layers{};  ///< sites with codes of their own, the last is the output

  double tightness() const { return found > 0 ? bound / found : 0.0; }
};

/// Bounds the networks' error around the first images of `test` and searches beneath the bounds.
template <class Net>
void add_bound_rows(const std::string& name, const Net& net, const dyadic::recipe& int4, const images& sample,
                    const images& test, dyadic::index_t count, dyadic::index_t samples, std::vector<bound_row>& rows) {
  const dyadic::batch x{{test.values.data(), count, pixels}, {side, side}, 1};
  for (const int bits : {8, 4}) {
    const dyadic::plan plan = dyadic::calibrate(net, sample.batches(), bits == 8 ? dyadic::recipe{} : int4);
    for (const int step : {0, 1, 4}) {
      const double radius = step / 255.0;
      const auto plain = dyadic::bound_error(net, plan, x, {.form = dyadic::bound_form::intervals, .radius = radius}),
                 lines = dyadic::bound_error(net, plan, x, {.form = dyadic::bound_form::affine, .radius = radius});
      // The affine bounds lie inside the others: what does not escape them escapes none.
      const auto found =
          dyadic::search_difference(net, plan, x, lines, {.radius = radius, .samples = (samples + count - 1) / count});
      for (const auto* sure : {&plain, &lines}) {
        bound_row row{name, bits, radius, sure == &plain ? "intervals" : "affine"};
        for (const dyadic::searched& s : found) {
          row.samples += s.samples, row.escapes += s.escapes;
          row.found = std::max(row.found, s.worst());
        }
        for (std::size_t s = 0; s < plan.sites().size(); ++s) {
          if (plan.sites()[s].done_before) continue;
          bound_row::layer here{plan.sites()[s].name.c_str(), sure->sites[s].largest, 0.0};
          if (here.name.empty()) here.name = to_string(plan.sites()[s].kind);
          for (const dyadic::searched& f : found) here.found = std::max(here.found, f.sites[s].largest);
          row.layers.push_back(here);
        }
        row.images = count;
        row.bound = sure->largest(), row.certified = sure->certified_fraction();
        row.vacuous = sure->sites[static_cast<std::size_t>(plan.result_site())].vacuous > 0;
        rows.push_back(row);
      }
    }
  }
}

/// f(name, network, recipe of its INT4 form) for both networks.
template <class F>
void for_both_networks(const images& sample, F&& f) {
  // Rows of conv1 hold 9 weights, those of the first dense layer 784: no whole groups of 32.
  f("demo", load_classifier(),
    dyadic::recipe{.weights = dyadic::u4_per_group<32>, .except = {{"conv1", dyadic::s8_per_row}}});
  f("dense", fit_dense_network(sample),
    dyadic::recipe{.weights = dyadic::u4_per_group<32>, .except = {{"fc1", dyadic::u4_per_row}}});
}

/// \param samples  inputs tried a row; at a radius of 0 there is one an image.
inline std::vector<bound_row> bound_table(dyadic::index_t samples, dyadic::index_t demo_images,
                                          dyadic::index_t dense_images) {
  const images sample = bundled_images("train"), test = bundled_images("t10k");
  std::vector<bound_row> rows;
  for_both_networks(sample, [&](const std::string& name, const auto& net, const dyadic::recipe& int4) {
    add_bound_rows(name, net, int4, sample, test, name == "demo" ? demo_images : dense_images, samples, rows);
  });
  return rows;
}

/// How many of the first images of `test` are certified: both networks decide alike in the whole box.
template <class Net>
dyadic::index_t count_certified(const Net& net, const dyadic::plan& plan, const images& test, dyadic::index_t count,
                                const dyadic::bound_options& how) {
  dyadic::index_t held = 0;
  for (dyadic::index_t i = 0; i < count; ++i) {
    const dyadic::batch x{{test.values.data() + i * pixels, 1, pixels}, {side, side}, 1};
    held += dyadic::bound_error(net, plan, x, how).certificates[0].holds ? 1 : 0;
  }
  return held;
}
