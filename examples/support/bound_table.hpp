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
        row.images = count;
        row.bound = sure->largest(), row.certified = sure->certified_fraction();
        row.vacuous = sure->sites[static_cast<std::size_t>(plan.result_site())].vacuous > 0;
        rows.push_back(row);
      }
    }
  }
}

/// \param samples  inputs tried a row; at a radius of 0 there is one an image.
inline std::vector<bound_row> bound_table(dyadic::index_t samples, dyadic::index_t demo_images,
                                          dyadic::index_t dense_images) {
  const images sample = bundled_images("train"), test = bundled_images("t10k");
  std::vector<bound_row> rows;
  // Rows of conv1 hold 9 weights, those of the first dense layer 784: no whole groups of 32.
  add_bound_rows("demo", load_classifier(),
                 {.weights = dyadic::u4_per_group<32>, .except = {{"conv1", dyadic::s8_per_row}}}, sample, test,
                 demo_images, samples, rows);
  add_bound_rows("dense", fit_dense_network(sample),
                 {.weights = dyadic::u4_per_group<32>, .except = {{"fc1", dyadic::u4_per_row}}}, sample, test,
                 dense_images, samples, rows);
  return rows;
}
