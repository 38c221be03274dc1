// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Recalibration of a plan in service: images of twice the contrast arrive, some of them hostile; new ranges are
// proposed, checked and swapped in while readers go on, and rolled back.
#include <cstdio>

#include <dyadic/trust/recalibrate.hpp>

#include "support/demo_network.hpp"

namespace {

void log_entry(const dyadic::recalibration& r) {
  std::printf("  %s: version %d -> %d", to_string(r.what), static_cast<int>(r.version_before),
              static_cast<int>(r.version_after));
  if (r.check.images > 0)
    std::printf(
        "; proposed by %td images, %td without a say; of %td others %td better and %td worse, median gain %.1f dB, "
        "p %.1e; SQNR %.1f -> %.1f dB",
        r.proposed_by, r.left_out, r.check.images, r.check.better, r.check.worse, r.check.gain, r.check.p,
        r.check.sqnr_before, r.check.sqnr_after);
  std::printf("\n");
}

dyadic::batch all_of(const images& x) { return {{x.values.data(), x.count(), pixels}, {side, side}, 1}; }

/// Percent of the images for which the plan answers as the float network does: what quantization can be blamed for.
double agreement(const classifier& net, const dyadic::plan& plan, const images& test) {
  const auto reals = plan.run_real(net, all_of(test)), codes = plan.run(net, all_of(test));
  double same = 0;
  for (dyadic::index_t i = 0; i < test.count(); ++i)
    same += largest(codes.matrix().row(i), 10) == largest(reals.matrix().row(i), 10) ? 1 : 0;
  return 100 * same / static_cast<double>(test.count());
}

}  // namespace

int main() {
  const classifier net = load_classifier();
  images recent = bundled_images("train"), test = bundled_images("t10k", 200);
  dyadic::plan_switch serving(dyadic::calibrate(net, recent.batches()));

  std::printf("nothing changed\n");
  dyadic::recalibrate(serving, net, all_of(recent), {}, log_entry);

  for (images* all : {&recent, &test})
    for (float& v : all->values) v *= 2;
  for (std::size_t i : {std::size_t{40}, std::size_t{300}})  // two images that somebody made to spoil the ranges
    for (std::size_t j = 0; j < std::size_t{pixels}; ++j) recent.values[i * std::size_t{pixels} + j] *= 1000;
  std::printf("contrast x2: %.1f %% of the answers are those of the float network\n",
              agreement(net, *serving.read(), test));
  const auto before = serving.read();  // a reader in the middle of its work keeps its plan
  dyadic::recalibrate(serving, net, all_of(recent), {}, log_entry);
  std::printf("now %.1f %% are; the input range is [%.2f, %.2f], it was [%.2f, %.2f]\n",
              agreement(net, *serving.read(), test), static_cast<double>(serving.read()->sites()[0].range.lo),
              static_cast<double>(serving.read()->sites()[0].range.hi),
              static_cast<double>(before->sites()[0].range.lo), static_cast<double>(before->sites()[0].range.hi));

  dyadic::roll_back(serving, log_entry);
  std::printf("back at version %d: %s\n", static_cast<int>(serving.read().version()),
              serving.read()->params(0) == before->params(0) ? "the same params" : "other params");
}
