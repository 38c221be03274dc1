// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How bad it can get: for every input within a radius of an image, how far can the quantized network be from the float
// one, and can it decide otherwise? Bounds that hold for certain, beside the worst that a search could find.
//
//   bounds [--samples N] [--images N]
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "support/bound_table.hpp"

namespace {

void print(const bound_row& row) {
  std::printf("%-6s INT%d  %d/255  %-9s  %10.5f %10.5f %10.3f  %8.1f %%  %8lld inputs, %lld escapes%s\n",
              row.network.c_str(), row.bits, static_cast<int>(std::lround(row.radius * 255)), row.form.c_str(),
              row.bound, row.found, row.tightness(), 100 * row.certified, row.samples, row.escapes,
              row.vacuous ? "  vacuous" : "");
}

}  // namespace

int main(int argc, char** argv) {
  dyadic::index_t samples = 128, count = 1;
  for (int i = 1; i < argc; i += 2) {
    const dyadic::index_t value = i + 1 < argc ? static_cast<dyadic::index_t>(std::atoll(argv[i + 1])) : 0;
    if (std::strcmp(argv[i], "--samples") == 0 && value > 0) {
      samples = value;
    } else if (std::strcmp(argv[i], "--images") == 0 && value > 0 && value <= 500) {
      count = value;
    } else {
      std::fprintf(stderr, "usage: bounds [--samples N] [--images N], N up to 500 images\n");
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
    return escapes == 0 ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bounds: %s\n", e.what());
    return 2;
  }
}
