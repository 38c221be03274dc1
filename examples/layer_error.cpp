// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What quantization does at every layer of a network: the error of each layer alone, and what has piled up there; then
// how far the answers are apart. Three ways of quantizing, one pass over 200 images each.
#include <cstdio>

#include <dyadic/trust/layer_error.hpp>
#include <dyadic/trust/network_divergence.hpp>

#include "support/demo_network.hpp"

namespace {

void print_layers(const dyadic::plan& plan, const dyadic::error_record& errors) {
  std::printf("%-12s %31s  %43s\n", "", "the layer alone", "piled up here");
  std::printf("%-12s %9s %9s %11s  %9s %9s %9s %13s\n", "site", "SQNR/dB", "clipping", "RMSE/step", "SQNR/dB", "cosine",
              "bias", "largest error");
  for (int s = 0; s < static_cast<int>(plan.sites().size()); ++s) {
    const auto local = errors.try_figures(dyadic::error_of::local, s);
    const auto here = errors.try_figures(dyadic::error_of::accumulated, s);
    if (!here) continue;  // a relu that its producer does
    std::printf("%-12s ", plan.sites()[static_cast<std::size_t>(s)].name.c_str());
    if (local)
      std::printf("%9.1f %8.1f%% %11.3f", local->sqnr_db, local->mse > 0 ? 100 * local->clipping / local->mse : 0.0,
                  local->rmse_steps);
    else
      std::printf("%31s", "passes codes on");
    std::printf("  %9.1f %9.6f %9.1e %13.2g\n", here->sqnr_db, here->cosine, here->bias, here->largest);
  }
}

void print_divergence(const dyadic::divergence& d) {
  std::printf("KL(float || quantized) = %.2g +- %.1g nats; median %.1g, 99 %% below %.1g; same answer for %.1f %%\n\n",
              d.mean, d.standard_error, d.median, d.percentile_99, 100 * d.same_top_rate());
}

}  // namespace

int main() {
  const classifier net = load_classifier();
  const images sample = bundled_images("train"), test = bundled_images("t10k", 200);
  const std::pair<const char*, dyadic::recipe> recipes[] = {
      {"INT8, min-max ranges", {}},
      {"INT8, ranges that keep 99 % of the numbers", {.percentile = 99}},
      {"INT4 weights, one scale a row", {.weights = dyadic::s4_per_row}}};
  for (const auto& [name, recipe] : recipes) {
    const auto plan = dyadic::calibrate(net, sample.batches(), recipe);
    std::printf("%s\n", name);
    print_layers(plan, dyadic::measure_error(net, plan, test.batches()));
    print_divergence(dyadic::measure_divergence(net, plan, test.batches()));
  }
  std::printf(
      "Rounding alone costs 1/sqrt(12) = 0.289 steps, less where a relu leaves zeros; far more is clipping, or "
      "weights.\n");
}
