// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How often do float, INT8 and INT4 stay right under attack, and on noisy, blurred, pale and shifted images? The worst
// of all attacks on each image counts. A measurement on a few images, with intervals and warning signs; no claim.
#include <cstdio>

#include <dyadic/network/adjoint.hpp>
#include <dyadic/trust/robustness.hpp>

#include "support/demo_network.hpp"

int main() {
  const classifier net = load_classifier();
  const images sample = bundled_images("train"), test = bundled_images("t10k", 40);
  const auto in8 = dyadic::calibrate(net, sample.batches());
  const auto in4 = dyadic::calibrate(net, sample.batches(),
                                     {.weights = dyadic::u4_per_group<32>, .except = {{"conv1", dyadic::s8_per_row}}});

  const auto real = [&](const dyadic::batch& x) { return in8.try_run_real(net, x); };
  const auto int8 = [&](const dyadic::batch& x) { return in8.try_run(net, x); };
  const auto int4 = [&](const dyadic::batch& x) { return in4.try_run(net, x); };
  const auto slope = [&](const dyadic::batch& x, dyadic::strided<const float> weights,
                         dyadic::strided<float> gradient) {
    return dyadic::try_input_gradient(net, x, weights, gradient);
  };
  const dyadic::subject models[] = {{"float", real, slope}, {"int8", int8, slope}, {"int4 weights", int4, slope}};
  const dyadic::batch x{{test.values.data(), test.count(), pixels}, {side, side}, 1};
  const std::vector<std::int32_t> labels(test.labels.begin(), test.labels.end());
  const float radii[] = {1 / 255.0f, 4 / 255.0f, 16 / 255.0f};

  const auto r = dyadic::measure_robustness(
      models, x, labels, radii, {.spsa = {.steps = 8, .samples = 8}, .search = {.steps = 12, .samples = 8}});
  std::printf(
      "%td images; right, per cent. fgsm and pgd attack the float network; \"own\" attacks the scores of\nthe model "
      "itself, along the float network's gradient as its surrogate.\n\n",
      test.count());
  std::printf("%-14s %7s %6s %6s %6s %6s %6s %7s %6s   %s\n", "", "radius", "clean", "fgsm", "pgd", "own", "spsa",
              "search", "worst", "95 % interval");
  for (const dyadic::robustness_row& row : r.rows) {
    const auto share = [&](dyadic::attack a) { return 100 * row.by[static_cast<std::size_t>(a)].share(); };
    const auto interval = row.worst.interval();
    char own[16];
    std::snprintf(own, sizeof own, "%.1f", share(dyadic::attack::own_pgd));
    std::printf("%-14s %3.0f/255 %6.1f %6.1f %6.1f %6s %6.1f %7.1f %6.1f   %.1f to %.1f\n", models[row.model].name,
                255 * static_cast<double>(row.radius), 100 * r.clean[row.model].share(), share(dyadic::attack::fgsm),
                share(dyadic::attack::pgd), row.model == 0 ? "" : own, share(dyadic::attack::spsa),
                share(dyadic::attack::random_search), 100 * row.worst.share(), 100 * interval.low, 100 * interval.high);
  }
  std::printf("\n%-14s %14s %9s %9s %24s\n", "warning signs", "zero gradients", "unstable", "softmax",
              "broken by asking alone");
  for (std::size_t m = 0; m < std::size(models); ++m) {
    const dyadic::masking_signs& s = r.masking[m];
    std::printf("%-14s %14td %9td %9s %24td%s\n", models[m].name, s.zero_gradients, s.unstable,
                s.gives_probabilities() ? "yes" : "no", s.black_box_only,
                s.any() ? "  do not trust the counts above" : "");
  }

  const auto rows = dyadic::measure_corruptions(models, x, labels);
  std::printf("\n%-14s %-10s %6s %6s %6s %6s %6s\n", "right, per cent", "severity", "1", "2", "3", "4", "5");
  for (const dyadic::corruption_row& row : rows) {
    if (row.severity == 1) std::printf("%-14s %-10s", models[row.model].name, to_string(row.what));
    std::printf(" %6.1f%s", 100 * row.count.share(), row.severity == dyadic::severities ? "\n" : "");
  }
}
