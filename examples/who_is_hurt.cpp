// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whom quantization hurts: answers that flip between a float network and its quantized form, for every class and for
// groups of one's own (here: how bright an image is), which are more than chance, and the images that lost most.
#include <cstdio>

#include <dyadic/trust/agreement.hpp>

#include "support/demo_network.hpp"

namespace {

constexpr const char* classes[] = {"T-shirt", "trouser", "pullover", "dress", "coat",
                                   "sandal",  "shirt",   "sneaker",  "bag",   "boot"};
constexpr const char* brightness[] = {"darkest", "dark", "bright", "brightest"};

/// Logits of all images, one row each.
template <class Run>
std::vector<float> logits(const images& test, const Run& run) {
  std::vector<float> all;
  for (const dyadic::batch& x : test.batches()) {
    const dyadic::run_output y = run(x);
    all.insert(all.end(), y.values.data(), y.values.data() + y.shape.size());
  }
  return all;
}

/// The quarter of all images, by mean pixel, that each belongs to.
std::vector<std::int32_t> quarters(const images& test) {
  std::vector<double> mean;
  for (dyadic::index_t i = 0; i < test.count(); ++i) {
    double sum = 0;
    for (dyadic::index_t j = 0; j < pixels; ++j)
      sum += static_cast<double>(test.values[static_cast<std::size_t>(i * pixels + j)]);
    mean.push_back(sum);
  }
  std::vector<double> sorted = mean;
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::int32_t> quarter;
  for (const double m : mean)
    quarter.push_back(static_cast<std::int32_t>(
        4 * (std::lower_bound(sorted.begin(), sorted.end(), m) - sorted.begin()) / test.count()));
  return quarter;
}

void print_line(const char* name, const dyadic::flips& f, double p, const char* verdict) {
  const auto i = f.difference_interval();
  std::printf("%-10s %5td %6.1f%% %6td %6td %7.1f%%  [%+5.1f, %+5.1f]  %6.3f  %s\n", name, f.samples,
              100 * f.accuracy_before(), f.broken, f.fixed, 100 * f.difference(), 100 * i.low, 100 * i.high, p,
              verdict);
}
void print_groups(const char* title, const std::vector<dyadic::group_flips>& groups, const char* const* names) {
  std::printf("%-10s %5s %7s %6s %6s %8s  %-14s  %6s\n", title, "n", "float", "broken", "fixed", "change",
              "95 % interval", "p");
  for (const auto& g : groups)
    print_line(names[g.id], g.counts, g.p, !g.enough ? "not enough data" : g.harmed() ? "HARMED" : "no proof of harm");
}

}  // namespace

int main() {
  const classifier net = load_classifier();
  const images sample = bundled_images("train"), test = bundled_images("t10k");
  const auto plan = dyadic::calibrate(net, sample.batches(), {.weights = dyadic::s4_per_row});
  const auto before = logits(test, [&](const dyadic::batch&x) { return plan.run_real(net, x); }),
             after = logits(test, [&](const dyadic::batch&x) { return plan.run(net, x); });
  const dyadic::strided<const float> scores_before(before.data(), test.count(), 10),
      scores_after(after.data(), test.count(), 10);
  const std::vector<std::int32_t> labels(test.labels.begin(), test.labels.end()),
      groups = quarters(test), answers_before = dyadic::answers_of(scores_before),
      answers_after = dyadic::answers_of(scores_after);

  const dyadic::agreement found = dyadic::agreement_of({.labels = labels,
                                                        .before = answers_before,
                                                        .after = answers_after,
                                                        .groups = groups,
                                                        .scores_before = scores_before,
                                                        .scores_after = scores_after},
                                                       {.exemplars = 5});
  std::printf("%td images, float against INT4 weights with one scale a row\n\n", test.count());
  print_groups("class", found.classes, classes);
  print_groups("\nbrightness", found.groups, brightness);
  std::printf("\n");
  print_line("all", found.all, found.all.p(), "");
  std::printf("other answers, right or wrong: %td; standard error of the change: %.2f points\n", found.all.changed,
              100 * found.all.standard_error());

  std::printf("\nthe broken images that lost most margin\n");
  for (const dyadic::exemplar& e : found.exemplars)
    std::printf("  image %3td: %s, now taken for %s; margin %.2f, now %.2f\n", e.sample, classes[e.label],
                classes[e.after], e.margin_before, e.margin_after);

  // What these numbers could have shown: the chance to find a loss of 3 points, 4 % broken and 1 % fixed.
  std::printf("\na loss of 3 points among 4 groups would be found in");
  for (const dyadic::index_t n : {125, 500, 2000})
    std::printf(" %.0f %% of cases with %td images a group%s", 100 * dyadic::mcnemar_power(n, 0.04, 0.01, 0.05 / 4), n,
                n == 2000 ? ".\n" : ",");
}
