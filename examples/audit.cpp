// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Everything the library can say about a quantized classifier, on one page: what was lost, where, through whom and for
// whom, how bad it can get, how it stands attacks, what happens after deployment, and a record that anyone can replay.
//
//   audit [--data DIR] [--html FILE] [--json FILE] [--samples N]
//
// N is how many inputs are tried beneath each bound. Below 100 all is small: the demo network, whose bounds take seconds
// an image, is left out of that part, and few images are attacked.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

#include <dyadic/network/adjoint.hpp>
#include <dyadic/trust/audited.hpp>
#include <dyadic/trust/cusum.hpp>
#include <dyadic/trust/drift.hpp>
#include <dyadic/trust/monitored.hpp>
#include <dyadic/trust/recalibrate.hpp>
#include <dyadic/trust/robustness.hpp>

#include "support/audit_subject.hpp"
#include "support/bound_table.hpp"

namespace {

/// 5: how bad it can get.
void bound(const audit& a, index_t samples, report& r) {
  std::vector<bound_row> rows;
  if (samples >= 100) {
    rows = bound_table(samples, 1, 8);
  } else {
    add_bound_rows("dense", fit_dense_network(a.sample, 1),
                   {.weights = dyadic::u4_per_group<32>, .except = {{"fc1", dyadic::u4_per_row}}}, a.sample, a.test, 1,
                   samples, rows);
  }
  for (const bound_row& row : rows) {
    report::bound b{row.network, row.bits,    row.radius,      row.form,
                    row.samples, row.escapes, row.tightness(), row.certified};
    b.vacuous = row.vacuous;
    for (const bound_row::layer& l : row.layers) b.points.push_back({l.name, l.found, l.bound});
    r.bounds.push_back(b);
  }
  double share = 0;
  for (const auto& c : dyadic::check_accumulators(a.int8)) share = std::max(share, c.share());
  r.remarks.push_back("No sum can overflow: the largest that any input can cause is " + dyadic::charts::percent(share) +
                      " of what 32 bits hold.");
}

/// 6: attacks and corruptions of the first images, float beside both quantized forms.
void attack(const audit& a, index_t count, report& r) {
  const auto real = [&](const batch& x) { return a.int8.try_run_real(a.net, x); };
  const auto int8 = [&](const batch& x) { return a.int8.try_run(a.net, x); };
  const auto int4 = [&](const batch& x) { return a.int4.try_run(a.net, x); };
  const auto slope = [&](const batch& x, dyadic::strided<const float> weights, dyadic::strided<float> gradient) {
    return dyadic::try_input_gradient(a.net, x, weights, gradient);
  };
  const dyadic::subject models[] = {{"float", real, slope}, {"INT8", int8}, {"INT4 weights", int4}};
  const float radii[] = {0.0f, 1 / 255.0f, 4 / 255.0f, 8 / 255.0f};
  const std::span<const std::int32_t> labels(a.labels);
  const auto attacked_labels = labels.first(static_cast<std::size_t>(count)),
             corrupted_labels = labels.first(static_cast<std::size_t>(5 * count));
  const auto put = [&](report::robustness_result& to, std::size_t model, double strength,
                       const dyadic::right_count& n) {
    if (to.curves.size() <= model) to.curves.push_back({models[model].name});
    const auto interval = n.interval();
    to.curves[model].strength.push_back(strength), to.curves[model].accuracy.push_back(n.share());
    to.curves[model].low.push_back(interval.low), to.curves[model].high.push_back(interval.high);
  };
  const auto attacked =
      dyadic::measure_robustness(models, a.together(0, count), attacked_labels, radii,
                                 {.spsa = {.steps = 8, .samples = 8}, .search = {.steps = 12, .samples = 8}});
  report::robustness_result worst{"The worst of four attacks", "radius, 1/255"};
  for (const dyadic::robustness_row& row : attacked.rows)
    put(worst, row.model, 255 * static_cast<double>(row.radius), row.worst);
  for (std::size_t m = 0; m < std::size(models); ++m) {
    const dyadic::masking_signs& s = attacked.masking[m];
    if (s.any())
      worst.flags.push_back(std::string(models[m].name) + ": " + std::to_string(s.zero_gradients) +
                            " zero gradients, " + std::to_string(s.unstable) + " unstable answers, " +
                            std::to_string(s.black_box_only) +
                            " images broken without a gradient only: do not trust the counts");
  }
  r.robustness.push_back(worst);
  for (const dyadic::corruption_row& row :
       dyadic::measure_corruptions(models, a.together(0, 5 * count), corrupted_labels)) {
    const std::string name = std::string("Corruption: ") + to_string(row.what);
    if (r.robustness.back().attack != name && row.severity == 1 && row.model == 0)
      r.robustness.push_back({name, "severity"});
    for (report::robustness_result& one : r.robustness)
      if (one.attack == name) put(one, row.model, row.severity, row.count);
  }
}

/// The first 500 images with other numbers: each multiplied by `factor`.
images scaled(const images& x, float factor) {
  images y = x;
  y.labels.resize(std::min<std::size_t>(y.labels.size(), 500));
  y.values.resize(y.labels.size() * pixels);
  for (float& v : y.values) v *= factor;
  return y;
}

/// 7: what a monitor costs, what it notices, and what a recalibration gains.
void deploy(const audit& a, report& r) {
  using clock = std::chrono::steady_clock;
  dyadic::workspace memory;
  const dyadic::run_options options{.run = {}, .memory = &memory};
  dyadic::monitor watching(a.int8);
  r.monitor.same_outputs = true;
  for (const batch& x : a.some(500)) {
    const auto y = a.int8.run(a.net, x), z = dyadic::run_monitored(a.int8, a.net, x, watching);
    r.monitor.same_outputs =
        r.monitor.same_outputs && std::equal(y.codes.begin(), y.codes.end(), z.codes.begin(), z.codes.end());
  }
  // Pairs of passes, whichever first in turn: what else the machine does hits both alike. One of 64 images is looked at,
  // so a pass of 320 holds five of those.
  const auto pass = [&](bool monitored) {
    const auto start = clock::now();
    for (const batch& x : a.some(320))
      monitored ? dyadic::run_monitored(a.int8, a.net, x, watching, options) : a.int8.run(a.net, x, options);
    return std::chrono::duration<double>(clock::now() - start).count();
  };
  std::vector<double> ratios(101);
  for (std::size_t i = 0; i < ratios.size(); ++i) {
    const double first = pass(i % 2 == 0), second = pass(i % 2 != 0);
    ratios[i] = i % 2 == 0 ? first / second : second / first;
  }
  std::sort(ratios.begin(), ratios.end());
  // Of 101, the 41st and the 61st: the median lies between with 95 % confidence (binomial).
  r.monitor.overhead_ratio = ratios[50], r.monitor.low = ratios[40], r.monitor.high = ratios[60];
  r.monitor.images = static_cast<std::int64_t>(watching.images());

  const auto rows_of = [&](const images& x) {
    dyadic::monitor m(a.int8, {.every = 1});
    for (const batch& b : x.batches()) dyadic::run_monitored(a.int8, a.net, b, m);
    return m;
  };
  const auto before = dyadic::baselines_of(rows_of(a.sample).rows());
  for (const float factor : {1.0f, 1.2f, 2.0f}) {
    const dyadic::monitor m = rows_of(scaled(a.test, factor));
    report::drift_case d{factor == 1.0f ? "test images"
                                        : "range x " + dyadic::charts::readable(static_cast<double>(factor))};
    d.psi = 0, d.p = 1;
    for (const dyadic::drift& column : dyadic::drift_of(before, m.rows())) {
      d.psi = std::max(d.psi, column.psi), d.p = std::min(d.p, column.p);
      d.alarm = d.alarm || column.alarm;
    }
    std::vector<dyadic::cusum> charts(static_cast<std::size_t>(m.columns()),
                                      dyadic::cusum(dyadic::design_cusum(10000, 1.0, m.columns())));
    for (index_t i = 0; i < m.rows().rows() && std::isnan(d.delay); ++i)
      for (index_t c = 0; c < m.columns(); ++c)
        if (charts[static_cast<std::size_t>(c)].observe(
                dyadic::normal_score(before[static_cast<std::size_t>(c)], m.rows()(i, c))))
          d.delay = static_cast<double>(i + 1);
    r.drift.push_back(d);
  }

  dyadic::plan_switch serving(a.make_plan({}));
  for (const float factor : {1.0f, 2.0f}) {
    const images x = scaled(a.test, factor);
    const auto done = dyadic::recalibrate(serving, a.net, {{x.values.data(), x.count(), pixels}, {side, side}, 1}, {},
                                          [](const dyadic::recalibration&) {});
    r.recalibrations.push_back({factor == 1.0f ? "test images" : "range x 2", dyadic::to_string(done.what),
                                done.check.sqnr_before, done.check.sqnr_after});
  }
}

/// 8: a thousand records, and their replay on every instruction set.
void record(const audit& a, report& r) {
  std::vector<std::byte> bytes;
  const auto sink = [&](std::span<const std::byte> more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
    return true;
  };
  const auto some = a.some(500);
  const dyadic::audited runs(a.net, a.int8);
  auto log = dyadic::audit_log<decltype(sink)>::start(sink, 10);
  for (const index_t time : {1, 2})
    for (const batch& x : some) runs.run(log, x, time);
  r.replay.log_intact = dyadic::verify_audit_log(bytes).intact;
  r.replay.records = r.replay.equal = log.size();
  r.replay.head = log.head().hex().c_str();
  const char* names[dyadic::simd::isas::size];
  const int known = dyadic::supported_isas(names, dyadic::simd::isas::size);
  for (int k = 0; k < known; ++k) {
    dyadic::force_isa(names[k]);
    dyadic::replay_count found;
    index_t at = 0;
    for (int twice = 0; twice < 2; ++twice)
      for (const batch& x : some) {
        found.merge(runs.replay(dyadic::audit_view::open(bytes), at, x));
        at += x.rows.rows();
      }
    r.replay.equal = std::min<std::int64_t>(r.replay.equal, found.equal);
    r.replay.instruction_sets.push_back(names[k]);
  }
  dyadic::force_isa(nullptr);
}

report examine(const std::string& data, index_t samples) {
  const audit a(data);
  report r;
  r.title = "Audit of a quantized classifier";
  r.network = network_text;
  r.data = std::to_string(a.test.count()) + " test images of " + data + "; calibrated on " +
           std::to_string(a.sample.count()) + " others";
  r.plan_digest = dyadic::digest_of(a.int8).hex().c_str();
  r.instruction_set = dyadic::active_isa();
  r.remarks = {"Where a part does not name its form, it is about INT8, whose digest stands above.",
               "Agreement on clean data cannot rule out a trigger that was put into the weights."};
  const auto step = [](const char* what) { std::printf("%s\n", what), std::fflush(stdout); };
  step("what was lost, and whom it hurts"), look_at_errors(a, r);
  step("whose error it is"), attribute(a, r);
  step("why it decided so"), explain(a, r);
  step("how bad it can get"), bound(a, samples, r);
  step("under attack"), attack(a, samples >= 100 ? 40 : 10, r);
  step("after deployment"), deploy(a, r);
  step("the record"), record(a, r);
  return r;
}

/// The few lines that say whether to read on.
bool print_summary(const report& r) {
  std::int64_t escapes = 0, tried = 0;
  for (const report::bound& b : r.bounds) escapes += b.escapes, tried += b.samples;
  std::printf("\n%-13s %10s %12s %10s\n", "", "accuracy", "same answer", "KB");
  for (const report::form& f : r.forms)
    std::printf("%-13s %9.2f%% %11.2f%% %10.1f\n", f.name.c_str(), 100 * f.accuracy, 100 * f.agreement, f.bytes / 1000);
  std::printf("\nparts of the error add up to it within  %.1g of the whole\n", r.attribution.relative_gap);
  std::printf("inputs beyond their bound               %lld of %lld\n", static_cast<long long>(escapes),
              static_cast<long long>(tried));
  std::printf("time with a monitor                     %.4f of that without, %s outputs\n", r.monitor.overhead_ratio,
              r.monitor.same_outputs ? "the same" : "OTHER");
  std::printf("records replayed bit for bit            %lld of %lld on %zu instruction sets\n",
              static_cast<long long>(r.replay.equal), static_cast<long long>(r.replay.records),
              r.replay.instruction_sets.size());
  return escapes == 0 && r.monitor.same_outputs && r.replay.equal == r.replay.records && r.replay.log_intact &&
         r.attribution.relative_gap <= 1e-12;
}

}  // namespace

int main(int argc, char** argv) {
  std::string data, html = "audit.html", json = "audit.json", samples = "1000";
  for (int i = 1; i < argc; ++i) {
    std::string* const value = std::strcmp(argv[i], "--data") == 0      ? &data
                               : std::strcmp(argv[i], "--html") == 0    ? &html
                               : std::strcmp(argv[i], "--json") == 0    ? &json
                               : std::strcmp(argv[i], "--samples") == 0 ? &samples
                                                                        : nullptr;
    if (value == nullptr || i + 1 == argc) {
      std::fprintf(stderr, "usage: audit [--data DIR] [--html FILE] [--json FILE] [--samples N]\n");
      return 2;
    }
    *value = argv[++i];
  }
  try {
    const report r = examine(data_folder(data), std::max<index_t>(1, std::atol(samples.c_str())));
    const bool good = print_summary(r);
    dyadic::write_report(r, html, json);
    std::printf("\nThe whole report is in %s and %s\n", html.c_str(), json.c_str());
    return good ? 0 : 1;
  } catch (const std::exception& e) {
    std::fprintf(stderr, "audit: %s\n", e.what());
    return 2;
  }
}
