// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How bad it can get: for every input within a radius of an image, how far can the quantized network be from the float
// one, and can it decide otherwise? Bounds that hold for certain, beside the worst that a search could find.
//
//   bounds [--samples N] [--images N] [--certify N] [--data DIR]
//
// Samples are inputs tried beneath each bound, all images together. With --certify, the first N test images are asked
// for a certificate; the affine form of the demo network, which takes half a second an image, every fiftieth of that.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "support/bound_table.hpp"

namespace {

void print(const bound_row& row) {
  std::printf("%-6s INT%d  %d/255  %-9s  %10.5f %10.5f %10.3f  %8.1f %%  %8lld inputs, %lld escapes%s\n",
              row.network.c_str(), row.bits, static_cast<int>(std::lround(row.radius * 255)), row.form.c_str(),
              row.bound, row.found, row.tightness(), 100 * row.certified, row.samples, row.escapes,
              row.vacuous ? "  vacuous" : "");
  std::printf("         bound / found by layer:");
  for (const bound_row::layer& l : row.layers)
    std::printf("  %s %.*f", l.name.c_str(), l.bound < 10 * l.found ? 3 : 1, l.found > 0 ? l.bound / l.found : 0.0);
  std::printf("\n");
}

/// Shares of the test images whose decision is certain.
void print_certified(const std::string& data, dyadic::index_t count) {
  const images sample = bundled_images("train"), test(load_mnist(data, "t10k"), static_cast<std::size_t>(count));
  std::printf("\ncertified of the first test images of %s\n", data.c_str());
  for_both_networks(sample, [&](const std::string& name, const auto& net, const dyadic::recipe& int4) {
    for (const int bits : {8, 4}) {
      const dyadic::plan plan = dyadic::calibrate(net, sample.batches(), bits == 8 ? dyadic::recipe{} : int4);
      for (const int step : {0, 1, 4})
        for (const bool lines : {false, true}) {
          if (step == 0 && lines) continue;  // a point has none
          const dyadic::index_t all = test.count(), asked = lines && name == "demo" ? (all + 49) / 50 : all;
          const auto form = lines ? dyadic::bound_form::affine : dyadic::bound_form::intervals;
          const dyadic::index_t held = count_certified(net, plan, test, asked, {.form = form, .radius = step / 255.0});
          std::printf("%-6s INT%d  %d/255  %-9s  %td of %td, %.2f %%\n", name.c_str(), bits, step,
                      step == 0 ? "point"
                      : lines   ? "affine"
                                : "intervals",
                      held, asked, 100 * static_cast<double>(held) / static_cast<double>(asked));
          std::fflush(stdout);
        }
    }
  });
}

}  // namespace

int main(int argc, char** argv) {
  dyadic::index_t samples = 128, count = 1, certify = 0;
  std::string data;
  for (int i = 1; i < argc; i += 2) {
    const dyadic::index_t value = i + 1 < argc ? static_cast<dyadic::index_t>(std::atoll(argv[i + 1])) : 0;
    if (std::strcmp(argv[i], "--samples") == 0 && value > 0) {
      samples = value;
    } else if (std::strcmp(argv[i], "--images") == 0 && value > 0 && value <= 500) {
      count = value;
    } else if (std::strcmp(argv[i], "--certify") == 0 && value > 0) {
      certify = value;
    } else if (std::strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
      data = argv[i + 1];
    } else {
      std::fprintf(stderr,
                   "bounds: %s %s, expected --samples N, --images N (up to 500), --certify N or --data DIR, N >= 1\n",
                   argv[i], i + 1 < argc ? argv[i + 1] : "without a value");
      return 2;
    }
  }
  try {
    std::printf("%-6s %-4s  %-5s  %-9s  %10s %10s %10s  %10s\n", "", "", "radius", "form", "bound", "found",
                "tightness", "certified");
    long long escapes = 0;
    for (const bound_row& row : bound_table(samples, count, 8 * count < 500 ? 8 * count : 500)) {
      print(row);
      escapes += row.escapes;
    }
    std::printf(
        "\nbound: of |quantized - float| at the outputs. certified: images for which both networks decide alike,\n"
        "whatever the input within the radius. vacuous: the bound is no less than the range of the codes.\n");
    for (const auto& c :
         dyadic::check_accumulators(dyadic::calibrate(load_classifier(), bundled_images("train").batches())))
      std::printf("site %d of the demo network: sums reach at most %lld, %.2f %% of int32\n", c.site,
                  static_cast<long long>(c.reach), 100 * c.share());
    if (certify > 0) print_certified(data_folder(data), certify);
    return escapes == 0 ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bounds: %s\n", e.what());
    return 2;
  }
}
