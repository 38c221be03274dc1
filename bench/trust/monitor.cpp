// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a monitor costs: monitor/<network>/every_<n>, with and without one in turns.
//
//   demo     the convolutional classifier of the examples, batches of 20 images
//   linear   one layer of 768 x 768, one row at a time
//
// An iteration is one pair. Each half of it is as many images as give a monitor 40 stretches and five histograms, so
// that no half goes without the work; who comes first alternates. Counters: `ratio`, the median over pairs of the time
// with to the time without; `ratio_low` and `ratio_high`, its 95 % interval by ranks; images a second without.
#include <dyadic/trust/monitored.hpp>

#include <array>

#include "harness/problem.hpp"
#include "support/networks.hpp"

namespace {

using namespace dyadic;

struct demo_network {
  conv2d conv1, conv2;
  linear fc1, fc2;
  template <class Tensor>
  Tensor operator()(Tensor x) const {
    x = max_pool(relu(conv1(x)), {2, 2});
    x = max_pool(relu(conv2(x)), {2, 2});
    return fc2(relu(fc1(flatten(x))));
  }
};
struct one_layer {
  linear layer;
  template <class Tensor>
  Tensor operator()(const Tensor& x) const {
    return layer(x);
  }
};

double median(std::vector<double> x) {
  std::sort(x.begin(), x.end());
  return x[x.size() / 2];
}

template <class Net>
void measure(benchmark::State& state, const Net& net, const support::images& x, const monitor_options& how) {
  const batch all = x.all();
  const plan p = calibrate(net, std::array{all});
  monitor m(p, how);
  workspace memory;
  const run_options options{{}, &memory};
  if (!support::same_output(p.run(net, all, options), run_monitored(p, net, all, m, options)))
    return state.SkipWithError("the outputs differ");

  const index_t runs = 5 * how.histogram_every * how.every / x.count + 1;
  const auto seconds_of = [&](bool with) {
    const double start = harness::processor_seconds();
    for (index_t i = 0; i < runs; ++i) {
      run_output y = with ? run_monitored(p, net, all, m, options) : p.run(net, all, options);
      benchmark::DoNotOptimize(y);
    }
    return harness::processor_seconds() - start;
  };
  std::vector<double> ratios, without;
  for (auto _ : state) {
    const bool first = ratios.size() % 2 == 0;
    const double a = seconds_of(first), b = seconds_of(!first);
    ratios.push_back(first ? a / b : b / a);
    without.push_back(first ? b : a);
    m.clear_rows();
  }
  state.counters["ratio"] = median(ratios);
  state.counters["images/s"] = static_cast<double>(runs * x.count) / median(without);
  // Ranks n/2 -+ 0.98 sqrt(n) of the sorted ratios: 1.96 standard deviations of a fair binomial count.
  std::sort(ratios.begin(), ratios.end());
  const auto n = static_cast<double>(ratios.size()), half = 0.98 * std::sqrt(n);
  const auto at = [&](double rank) {
    return ratios[static_cast<std::size_t>((std::min)((std::max)(rank, 0.0), n - 1))];
  };
  state.counters["ratio_low"] = at(n / 2 - half);
  state.counters["ratio_high"] = at(n / 2 + half);
}

void demo(benchmark::State& state, index_t every) {
  support::integers random(1);
  const window taps{.size = {3, 3}, .padding = {1, 1}};
  const demo_network net{support::make_conv2d(random, 1, 32, taps), support::make_conv2d(random, 32, 64, taps),
                         support::make_linear(random, 3136, 64), support::make_linear(random, 64, 10)};
  measure(state, net, support::make_images(random, 20, 28, 28, 1), {.every = every});
}
void layer(benchmark::State& state, index_t every) {
  support::integers random(2);
  const one_layer net{support::make_linear(random, 768, 768)};
  measure(state, net, support::make_images(random, 1, 1, 1, 768), {.every = every});
}

[[maybe_unused]] const bool registered = [] {
  for (const index_t every : {64, 256}) {
    const std::string name = "/every_" + std::to_string(every);
    benchmark::RegisterBenchmark(("monitor/demo" + name).c_str(), demo, every)->Iterations(41);
    benchmark::RegisterBenchmark(("monitor/linear" + name).c_str(), layer, every)->Iterations(101);
  }
  return true;
}();

}  // namespace
