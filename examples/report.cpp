// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What quantization did to a classifier, as one page to look at and one file to compute with.
//
//   report [--data DIR] [--html FILE] [--json FILE]
#include <cstdio>
#include <cstring>
#include <exception>
#include <string>

#include <dyadic/trust/digest.hpp>

#include "support/findings.hpp"

namespace {

dyadic::report examine(const std::string& data) {
  const classifier net = load_classifier();
  const images sample(load_mnist(data, "train"), 512), test(load_mnist(data, "t10k"), SIZE_MAX);
  dyadic::recording seen;
  for (const dyadic::batch& x : sample.batches()) dyadic::try_record(net, x, seen).value();
  const auto int8 = dyadic::plan::try_make(seen, {}).value();
  // Rows of conv1 hold 9 weights, too few for a group: they stay at 8 bits.
  const auto int4 =
      dyadic::plan::try_make(seen, {.weights = dyadic::u4_per_group<32>, .except = {{"conv1", dyadic::s8_per_row}}})
          .value();

  const answers real = answers_of(test, [&](const dyadic::batch& x) { return int8.run_real(net, x); });
  const answers in8 = answers_of(test, [&](const dyadic::batch& x) { return int8.run(net, x); });
  const answers in4 = answers_of(test, [&](const dyadic::batch& x) { return int4.run(net, x); });

  dyadic::report r;
  r.title = "A quantized classifier";
  r.network = network_text;
  r.data = std::to_string(test.count()) + " test images of " + data + "; calibrated on " +
           std::to_string(sample.count()) + " others";
  r.plan_digest = dyadic::digest_of(int8).hex().c_str();
  r.instruction_set = dyadic::active_isa();
  r.remarks = {"Sites, histograms and classes are those of the INT8 form, whose digest stands above."};
  r.forms = {form_of("float", int8.real_bytes(), real, real, test),
             form_of("INT8", int8.model_bytes(), in8, real, test),
             form_of("INT4 weights", int4.model_bytes(), in4, real, test)};
  auto some = test.batches();
  some.resize(std::min<std::size_t>(some.size(), 50));
  r.sites = sites_of(int8, dyadic::measure_error(net, int8, some));
  for (const int s : quantizers_of(int8)) r.histograms.push_back(histogram_of(seen, int8, s));
  const std::vector<std::int32_t> labels(test.labels.begin(), test.labels.end());
  const auto flipped = dyadic::agreement_of({.labels = labels, .before = real.classes, .after = in8.classes});
  r.classes = groups_of(flipped.classes, class_names);
  return r;
}

}  // namespace

int main(int argc, char** argv) {
  std::string data, html = "report.html", json = "report.json";
  for (int i = 1; i < argc; ++i) {
    std::string* const value = std::strcmp(argv[i], "--data") == 0   ? &data
                               : std::strcmp(argv[i], "--html") == 0 ? &html
                               : std::strcmp(argv[i], "--json") == 0 ? &json
                                                                     : nullptr;
    if (value == nullptr || i + 1 == argc) {
      std::fprintf(stderr, "usage: report [--data DIR] [--html FILE] [--json FILE]\n");
      return 2;
    }
    *value = argv[++i];
  }
  try {
    const dyadic::report r = examine(data_folder(data));
    dyadic::write_report(r, html, json);
    for (const dyadic::report::form& f : r.forms)
      std::printf("%-13s %6.2f %%, %6.2f %% the same answer, %7.1f KB\n", f.name.c_str(), 100 * f.accuracy,
                  100 * f.agreement, f.bytes / 1000);
    std::printf("The whole report is in %s and %s\n", html.c_str(), json.c_str());
    return 0;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "report: %s\n", e.what());
    return 2;
  }
}
