// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The float product beside Eigen's, one thread, weights packed beforehand. (Each alone: gemm/f32 and eigen/f32.)
//
//   against_eigen/f32/<m>/<n>/<k>            both in turns, in one loop: own and eigen in GOPS, ratio = own / eigen
//   against_eigen/f32/geometric_mean         of the ratios that this process has measured
//
// Eigen is compiled with -O3 -march=native and gets its weights in both layouts; this library is compiled for any
// processor.
#include <algorithm>
#include <cmath>
#include <map>

#include "kernels/products.hpp"
#include "peers/eigen.hpp"
#include "peers/list.hpp"

namespace {

using harness::processor_seconds, harness::shape;
using peers::eigen::weights;

/// Seconds of one of `calls` calls.
template <class Run>
double seconds_of(long calls, Run run) {
  const double start = processor_seconds();
  for (long i = 0; i < calls; ++i) run();
  return (processor_seconds() - start) / static_cast<double>(calls);
}

/// How many calls take about a millisecond.
template <class Run>
long calls_of(Run run) {
  long calls = 1;
  while (seconds_of(calls, run) * static_cast<double>(calls) < 1e-3 && calls < (1L << 24)) calls *= 2;
  return calls;
}

double median(std::vector<double> all) {
  std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2), all.end());
  return all[all.size() / 2];
}

std::map<std::string, double>& ratios() {
  static std::map<std::string, double> all;
  return all;
}

template <weights Layout>
constexpr peers::peer eigen_with{.name = "eigen", .types = "f32", .of_reals = [](const peers::reals_problem& p) {
                                   return peers::eigen::prepare(p, Layout);
                                 }};

/// One iteration: about a millisecond of each of the three, in turns. The ratio is the median over the iterations, GOPS
/// are those of the best.
void against_eigen(benchmark::State& state, const shape& s) {
  const auto problem = std::make_shared<peers::problem>(s);
  const auto prepared_own = kernels::find("f32")->prepare(s, {});
  const auto prepared_first = peers::prepare(eigen_with<weights::rows_of_n>, problem);
  const auto prepared_second = peers::prepare(eigen_with<weights::rows_of_k>, problem);
  for (const auto* one : {&prepared_own, &prepared_first, &prepared_second})
    if (!one->fault.empty()) return state.SkipWithError(one->fault.c_str());
  const auto own = [&] { prepared_own.run(1); };
  const auto first = [&] { prepared_first.run(1); };
  const auto second = [&] { prepared_second.run(1); };
  const long own_calls = calls_of(own), first_calls = calls_of(first), second_calls = calls_of(second);
  std::vector<double> own_seconds, first_seconds, second_seconds, to_first, to_second;
  for (auto _ : state) {
    own_seconds.push_back(seconds_of(own_calls, own));
    first_seconds.push_back(seconds_of(first_calls, first));
    second_seconds.push_back(seconds_of(second_calls, second));
    to_first.push_back(first_seconds.back() / own_seconds.back());
    to_second.push_back(second_seconds.back() / own_seconds.back());
  }
  const auto gops = [&](const std::vector<double>& seconds) {
    return 1e-9 * s.operations() / *std::min_element(seconds.begin(), seconds.end());
  };
  const double ratio = (std::min)(median(to_first), median(to_second));
  ratios()[s.name()] = ratio;
  state.counters["own"] = gops(own_seconds);
  state.counters["eigen"] = (std::max)(gops(first_seconds), gops(second_seconds));
  state.counters["ratio"] = ratio;
}

void geometric_mean(benchmark::State& state) {
  if (ratios().empty()) return state.SkipWithError("no shape of against_eigen ran before");
  double sum = 0, worst = 1e9;
  for (const auto& [name, ratio] : ratios()) {
    sum += std::log(ratio);
    worst = (std::min)(worst, ratio);
  }
  for (auto _ : state) benchmark::DoNotOptimize(sum);
  const auto count = static_cast<double>(ratios().size());
  state.counters["shapes"] = count;
  state.counters["worst"] = worst;
  state.counters["ratio"] = std::exp(sum / count);
}

[[maybe_unused]] const bool registered = [] {
  for (const shape& s : harness::all_shapes()) harness::add("against_eigen/f32/" + s.name(), against_eigen, s);
  harness::add("against_eigen/f32/geometric_mean", geometric_mean);
  return true;
}();

}  // namespace
