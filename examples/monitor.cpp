// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Watching a plan in service: what a monitor costs, what it says about data that did not change and about images of
// more contrast, and how soon a chart with a set rate of false alarms notices.
#include <chrono>
#include <cmath>
#include <cstdio>

#include <dyadic/trust/cusum.hpp>
#include <dyadic/trust/monitored.hpp>

#include "support/demo_network.hpp"

namespace {

/// The images with their contrast multiplied. Above 1 the input quantizer clips.
images stretched(images all, float factor) {
  for (float& v : all.values) v *= factor;
  return all;
}

/// What a monitor that looks at every image says about them.
dyadic::monitor watched(const classifier& net, const dyadic::plan& plan, const images& all) {
  dyadic::monitor m(plan, {.every = 1, .histogram_every = 1});
  for (const dyadic::batch& x : all.batches()) dyadic::run_monitored(plan, net, x, m);
  return m;
}

/// Time with a monitor to time without, in turns; each turn is long enough for all that a monitor does now and then.
double overhead(const classifier& net, const dyadic::plan& plan, const images& all) {
  using clock = std::chrono::steady_clock;
  dyadic::monitor m(plan);
  dyadic::workspace memory;
  const dyadic::run_options options{.run = {}, .memory = &memory};
  const dyadic::batch x = all.batch(0);
  const auto turn = [&](bool with) {
    const auto start = clock::now();
    for (int i = 0; i < 64; ++i)
      if (with)
        dyadic::run_monitored(plan, net, x, m, options);
      else
        plan.run(net, x, options);
    return std::chrono::duration<double>(clock::now() - start).count();
  };
  std::vector<double> ratios;
  for (int i = 0; i < 15; ++i) {
    const double first = turn(i % 2 == 0), second = turn(i % 2 != 0);
    ratios.push_back(i % 2 == 0 ? first / second : second / first);
  }
  std::sort(ratios.begin(), ratios.end());
  return ratios[ratios.size() / 2];
}

void print_drift(const char* what, const dyadic::plan& plan, const std::vector<dyadic::drift_baseline>& before,
                 const dyadic::monitor& now) {
  const auto found = dyadic::drift_of(before, now.rows());
  std::printf("\n%s: statistics with the largest effect\n", what);
  std::vector<std::size_t> order;
  for (std::size_t c = 0; c < found.size(); ++c) order.push_back(c);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return found[a].effect() > found[b].effect(); });
  for (std::size_t i = 0; i < 4; ++i) {
    const auto c = static_cast<dyadic::index_t>(order[i]);
    const int site = now.site(c);
    const dyadic::drift& d = found[order[i]];
    std::printf("  %-8s %-12s  PSI %6.3f, %.3f by chance; p %8.1e  %s\n",
                site < 0 ? "result" : plan.sites()[static_cast<std::size_t>(site)].name.c_str(),
                to_string(now.statistic(c)), d.psi, d.psi_by_chance, d.p, d.alarm ? "ALARM" : "");
  }
}

}  // namespace

int main() {
  const classifier net = load_classifier();
  const images sample = bundled_images("train"), test = bundled_images("t10k");
  const auto plan = dyadic::calibrate(net, sample.batches(), {.percentile = 99.9});
  std::printf("a monitor that looks at 1 image in 64 takes %+.2f %% of the time of a run\n",
              100 * (overhead(net, plan, test) - 1));

  const dyadic::monitor calibration = watched(net, plan, sample);
  const auto baselines = dyadic::baselines_of(calibration.rows());
  const images wider = stretched(test, 1.2f), twice = stretched(test, 2);
  const dyadic::monitor same = watched(net, plan, test), as_wide = watched(net, plan, wider),
                        as_twice = watched(net, plan, twice);
  print_drift("500 images like those of calibration", plan, baselines, same);
  print_drift("contrast x1.2", plan, baselines, as_wide);
  print_drift("contrast x2", plan, baselines, as_twice);

  // One chart, on the mean code of the input, with one false alarm in 10,000 images on average.
  const auto design = dyadic::design_cusum(10'000, 0.5);
  std::printf("\na chart with one false alarm in %.0f images: slack %.2f, threshold %.2f\n", design.run_length(),
              design.slack, design.threshold);
  for (const double shift : {0.25, 0.5, 1.0})
    std::printf("  a shift of %.2f standard deviations is found after %6.1f images on average\n", shift,
                design.run_length(shift));
  const std::pair<const char*, const dyadic::monitor&> streams[] = {
      {"unchanged", same}, {"contrast x1.2", as_wide}, {"contrast x2", as_twice}};
  for (const auto& [name, seen] : streams) {
    // From each of 20 places in the stream on: when does the chart notice?
    double delay = 0, alarms = 0;
    const std::vector<float> mean = seen.column(0);
    for (std::size_t place = 0; place < 20; ++place) {
      dyadic::cusum chart(design);
      for (std::size_t i = place * mean.size() / 40; i < mean.size() && !chart.alarm(); ++i)
        chart.observe(dyadic::normal_score(baselines[0], mean[i]));
      alarms += chart.alarm() ? 1 : 0;
      delay += chart.alarm() ? static_cast<double>(chart.observed()) : 0;
    }
    if (alarms == 0)
      std::printf("  %-14s no alarm from any of 20 places on\n", name);
    else
      std::printf("  %-14s alarms from %.0f of 20 places on, after %.1f images on average\n", name, alarms,
                  delay / alarms);
  }
}
