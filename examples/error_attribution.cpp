// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Where the error of a quantized network comes from, in parts that sum to the whole, and what would help.
#include <cstdio>

#include <dyadic/trust/layer_error.hpp>
#include <dyadic/trust/remedy.hpp>

#include "support/demo_network.hpp"

namespace {

using method = dyadic::attribution_method;

/// Nats that quantization costs, by layer: each method beside the others, then the advice.
void print_sites(const classifier& net, const dyadic::plan& plan, const images& test) {
  const dyadic::kl_to_reference loss;
  std::vector<dyadic::error_attribution> owed;
  for (const method m : {method::only_this, method::all_but_this, method::telescoping, method::shapley})
    owed.push_back(dyadic::attribute_error(net, plan, test.batches(), loss, {.method = m}));
  const auto ranked = dyadic::rank_sites(plan, dyadic::measure_error(net, plan, test.batches()), owed.back());
  std::printf("%-8s %12s %12s %12s %12s %7s  %s\n", "site", "only this", "all but this", "telescoping", "Shapley",
              "share", "what would help");
  for (const dyadic::ranked_site& site : ranked) {
    std::size_t i = 0;
    while (owed.back().players[i].site != site.site) ++i;
    std::printf("%-8s", site.name.c_str());
    for (const auto& each : owed) std::printf(" %12.3g", each.values.parts[i]);
    std::printf(" %6.1f%%  %s", 100 * site.share, dyadic::to_string(site.what));
    if (site.what != dyadic::remedy::nothing) std::printf(", %.0f %% of the layer's error", 100 * site.removes);
    std::printf("\n");
  }
  std::printf("%-8s", "missing");
  for (const auto& each : owed) std::printf(" %12.1g", each.values.gap());
  std::printf("  of %.3g nats, %td images\n\n", owed.back().values.total(), owed.back().images);
}

/// Weights beside activations, and the five channels of a layer that cost most: squared error of the logits.
void print_parts(const classifier& net, const dyadic::plan& plan, const images& test) {
  const auto parts = dyadic::attribute_error(net, plan, test.batches(), dyadic::squared_difference{},
                                             {.players = dyadic::attribution_players::weights_and_activations,
                                              .sampling = {.orders = 4}});
  for (std::size_t i = 0; i < parts.players.size(); ++i) {
    const dyadic::player& p = parts.players[i];
    std::printf("%-8s %-12s %10.3g", plan.sites()[static_cast<std::size_t>(p.site)].name.c_str(),
                p.part == dyadic::site_mask::weights ? "weights" : "activations", parts.values.parts[i]);
    if (!parts.values.standard_errors.empty()) std::printf(" +- %.1g", parts.values.standard_errors[i]);
    std::printf("\n");
  }
  const images few = bundled_images("t10k", 20);
  auto channels = dyadic::attribute_error(
                      net, plan, few.batches(), dyadic::squared_difference{},
                      {.method = method::only_this, .players = dyadic::attribution_players::channels, .site = 1})
                      .values;
  std::printf("conv1's channels, each alone:");
  for (int n = 0; n < 5; ++n) {
    const auto most = std::max_element(channels.parts.begin(), channels.parts.end());
    std::printf("  %td: %.2g", most - channels.parts.begin(), *most);
    *most = 0;
  }
  std::printf("; all %zu together %.2g\n\n", channels.parts.size(), channels.total());
}

}  // namespace

int main() {
  const classifier net = load_classifier();
  const images sample = bundled_images("train"), test = bundled_images("t10k", 60);
  const auto int8 = dyadic::calibrate(net, sample.batches(), {.weights = dyadic::s8_narrow_per_tensor});
  std::printf("INT8, one scale for all weights of a layer: nats by layer\n");
  print_sites(net, int8, test);
  const auto int4 = dyadic::calibrate(net, sample.batches(), {.weights = dyadic::s4_per_row});
  std::printf("INT4 weights, one scale a row: nats by layer\n");
  print_sites(net, int4, test);
  std::printf("The same, squared error of the logits by weights and activations\n");
  print_parts(net, int4, test);
}
