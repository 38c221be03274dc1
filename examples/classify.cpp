// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The main job end to end: a trained classifier is calibrated, quantized to INT8 and to INT4 weights, run in integer
// arithmetic on 10,000 real images, and compared with its float reference.
//
//   classify [--data DIR] [--json FILE]
//
// DIR holds MNIST-format files, plain or gzipped. Without one, Debian's dataset-fashion-mnist is used, else a bundled
// sample.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <exception>
#include <functional>
#include <string>
#include <vector>

#include "support/demo_network.hpp"
#include "support/progress.hpp"

namespace {

constexpr std::size_t calibration_images = 512;

/// One form of the network: how to run it, what it answered, how long it took.
struct form {
  std::string name;
  dyadic::index_t bytes = 0;
  std::function<dyadic::run_output(const dyadic::batch&)> run;
  std::vector<int> answers{};
  std::chrono::duration<double> spent{};

  double images_per_second() const { return static_cast<double>(answers.size()) / spent.count(); }
};

/// Runs all images through all forms on one thread, batch by batch in turn, so that what else the machine does hits
/// them alike.
void classify(const images& test, std::vector<form>& forms) {
  progress bar("classify", static_cast<std::size_t>(test.count()));
  for (dyadic::index_t i = 0; i < test.count(); i += batch_size) {
    const dyadic::batch x = test.batch(i);
    for (form& f : forms) {
      const auto start = std::chrono::steady_clock::now();
      const dyadic::run_output y = f.run(x);
      f.spent += std::chrono::steady_clock::now() - start;
      for (dyadic::index_t j = 0; j < x.rows.rows(); ++j)
        f.answers.push_back(largest(y.matrix().row(j), y.shape.features()));
    }
    bar.step(static_cast<std::size_t>(x.rows.rows()));
  }
}

/// A form beside the float one.
struct comparison {
  double accuracy = 0, difference = 0, standard_error = 0, agreement = 0;

  comparison(const form& f, const form& reference, const std::vector<std::uint8_t>& labels) {
    const auto n = static_cast<double>(labels.size());
    double right = 0, broken = 0, fixed = 0, same = 0;
    for (std::size_t i = 0; i < labels.size(); ++i) {
      const bool now = f.answers[i] == labels[i], before = reference.answers[i] == labels[i];
      right += now;
      broken += before && !now;
      fixed += now && !before;
      same += f.answers[i] == reference.answers[i];
    }
    accuracy = right / n;
    difference = (fixed - broken) / n;
    // Of a difference of paired answers.
    standard_error = std::sqrt(broken + fixed - (broken - fixed) * (broken - fixed) / n) / n;
    agreement = same / n;
  }
};

std::string grouped(dyadic::index_t n) {
  const std::string digits = std::to_string(n);
  std::string s;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) s += ',';
    s += digits[i];
  }
  return s;
}

void print_forms(const std::vector<form>& forms, const std::vector<std::uint8_t>& labels) {
  std::printf("%-14s %9s  %-16s %9s %11s %10s  %s\n", "", "accuracy", "difference", "agreement", "model bytes",
              "images/s", "instruction set");
  for (const form& f : forms) {
    const comparison c(f, forms[0], labels);
    char difference[32] = "";
    if (&f != &forms[0])
      std::snprintf(difference, sizeof difference, "%+.2f +- %.2f", 100 * c.difference, 100 * c.standard_error);
    std::printf("%-14s %8.2f%%  %-16s %8.2f%% %11s %10s  %s\n", f.name.c_str(), 100 * c.accuracy, difference,
                100 * c.agreement, grouped(f.bytes).c_str(),
                grouped(static_cast<dyadic::index_t>(f.images_per_second())).c_str(), dyadic::active_isa());
  }
}

double decibels(const dyadic::site_loss& l) { return 10 * std::log10(l.signal / l.noise); }

/// Sites that have a quantizer of their own: the others pass codes on.
bool quantizes(const dyadic::plan& plan, std::size_t s) { return plan.sites()[s].params_of == static_cast<int>(s); }

void print_sites(const dyadic::plan& plan, const std::vector<dyadic::site_loss>& loss) {
  std::printf("%-8s %-26s %-30s %11s %10s %9s %8s\n", "site", "codes", "weights", "scale", "zero point", "clipped",
              "SQNR/dB");
  for (std::size_t s = 0; s < loss.size(); ++s) {
    if (!quantizes(plan, s)) continue;
    const dyadic::site& site = plan.sites()[s];
    const dyadic::site_weights* w = plan.weights(static_cast<int>(s));
    std::printf("%-8s %-26s %-30s %11.5g %10d %8.4f%% %8.1f\n", site.name.c_str(),
                dyadic::scheme_name(dyadic::u8_per_tensor).c_str(),
                w != nullptr ? dyadic::scheme_name(w->scheme).c_str() : "", static_cast<double>(site.params.scale),
                site.params.zero_point, 100 * loss[s].clipped.clipped_fraction(), decibels(loss[s]));
  }
}

bool write_json(const std::string& path, const std::vector<form>& forms, const std::vector<std::uint8_t>& labels,
                const dyadic::plan& plan, const std::vector<dyadic::site_loss>& loss) {
  std::FILE* out = std::fopen(path.c_str(), "w");
  if (out == nullptr) return false;
  std::fprintf(out, "{\n  \"images\": %zu,\n  \"isa\": \"%s\",\n  \"rows\": [", labels.size(), dyadic::active_isa());
  for (const form& f : forms) {
    const comparison c(f, forms[0], labels);
    std::fprintf(out,
                 "%s\n    {\"name\": \"%s\", \"accuracy\": %.6f, \"agreement\": %.6f, \"bytes\": %td, "
                 "\"images_per_second\": %.1f}",
                 &f == &forms[0] ? "" : ",", f.name.c_str(), c.accuracy, c.agreement, f.bytes, f.images_per_second());
  }
  std::fprintf(out, "\n  ],\n  \"sites\": [");
  bool first = true;
  for (std::size_t s = 0; s < loss.size(); ++s) {
    if (!quantizes(plan, s)) continue;
    const dyadic::site& site = plan.sites()[s];
    std::fprintf(out,
                 "%s\n    {\"name\": \"%s\", \"scheme\": \"%s\", \"scale\": %.9g, \"zero_point\": %d, "
                 "\"clipped_fraction\": %.9g, \"sqnr_db\": %.3f}",
                 first ? "" : ",", site.name.c_str(), dyadic::scheme_name(dyadic::u8_per_tensor).c_str(),
                 static_cast<double>(site.params.scale), site.params.zero_point, loss[s].clipped.clipped_fraction(),
                 decibels(loss[s]));
    first = false;
  }
  std::fprintf(out, "\n  ]\n}\n");
  const bool written = std::ferror(out) == 0;
  return std::fclose(out) == 0 && written;
}

/// One pass over the calibration images, then a plan for each way of quantizing.
dyadic::recording calibrate(const classifier& net, const images& sample) {
  dyadic::recording seen;
  progress bar("calibrate", static_cast<std::size_t>(sample.count()));
  for (dyadic::index_t i = 0; i < sample.count(); i += batch_size) {
    const dyadic::batch x = sample.batch(i);
    dyadic::try_record(net, x, seen).value();
    bar.step(static_cast<std::size_t>(x.rows.rows()));
  }
  return seen;
}

int run(const std::string& data, const std::string& json) {
  const images sample(load_mnist(data, "train"), calibration_images), test(load_mnist(data, "t10k"), SIZE_MAX);
  const classifier net = load_classifier();
  dyadic::workspace memory;
  const dyadic::run_options options{.run = {}, .memory = &memory};

  const dyadic::recording seen = calibrate(net, sample);
  const auto int8 = dyadic::plan::try_make(seen, dyadic::recipe{}).value();
  const auto dynamic =
      dyadic::plan::try_make(seen, dyadic::recipe{.activations = dyadic::activation_scales::dynamic}).value();
  // Rows of conv1 hold 9 weights, too few for a group: they stay at 8 bits.
  const auto int4 = dyadic::plan::try_make(seen, dyadic::recipe{.weights = dyadic::u4_per_group<32>,
                                                                .except = {{"conv1", dyadic::s8_per_row}}})
                        .value();

  using dyadic::batch;
  std::vector<form> forms{
      {"float", int8.real_bytes(), [&](const batch& x) { return int8.run_real(net, x, options); }},
      {"int8_static", int8.model_bytes(), [&](const batch& x) { return int8.run(net, x, options); }},
      {"int8_dynamic", dynamic.model_bytes(), [&](const batch& x) { return dynamic.run(net, x, options); }},
      {"int4_weight", int4.model_bytes(), [&](const batch& x) { return int4.run(net, x, options); }}};
  classify(test, forms);

  std::vector<dyadic::site_loss> loss(int8.sites().size());
  const dyadic::index_t looked_at = std::min<dyadic::index_t>(test.count(), 1000);
  for (dyadic::index_t i = 0; i < looked_at; i += batch_size) int8.simulate(net, test.batch(i), {}, loss, options);

  std::printf("\n%td test images of %s, one thread\n", test.count(), data.c_str());
  print_forms(forms, test.labels);
  std::printf("\nint8_static, site by site, on %td test images\n", looked_at);
  print_sites(int8, loss);
  if (!write_json(json, forms, test.labels, int8, loss)) {
    std::fprintf(stderr, "classify: cannot write %s\n", json.c_str());
    return 1;
  }
  std::printf("\nThe same figures are in %s\n", json.c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const char* usage = "usage: classify [--data DIR] [--json FILE]\n";
  std::string data, json = "classify.json";
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--help") == 0) return std::fputs(usage, stdout) < 0;
    if (std::strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
      data = argv[++i];
    } else if (std::strcmp(argv[i], "--json") == 0 && i + 1 < argc) {
      json = argv[++i];
    } else {
      std::fprintf(stderr, "classify: '%s' is no option, or lacks its value\n%s", argv[i], usage);
      return 2;
    }
  }
  if (data.empty()) {
    data = "/usr/share/datasets/fashion-mnist";
    if (!std::filesystem::is_directory(data)) {
      data = DYADIC_EXAMPLES_DATA;
      std::printf("Debian's dataset-fashion-mnist is not installed: using the bundled sample of 500 test images.\n");
    }
  }
  try {
    return run(data, json);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "classify: %s\n", e.what());
    return 2;
  }
}
