// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The float product, alone and beside Eigen's, one thread, weights packed beforehand.
//
//   gemm/f32/<instruction set>/<m>/<n>/<k>   this library, compiled for any processor
//   eigen/f32/<m>/<n>/<k>                    Eigen, compiled with -O3 -march=native, by the faster of its layouts of w
//   against_eigen/f32/<m>/<n>/<k>            both in turns, in one loop: own and eigen in GOPS, ratio = own / eigen
//   against_eigen/f32/geometric_mean         of the ratios that this process has measured
#include <dyadic/kernels/gemm.hpp>
#include <dyadic/kernels/reference/gemm.hpp>

#include <algorithm>
#include <cmath>
#include <map>

#include "harness/problem.hpp"
#include "kernels/float_gemm_eigen.hpp"

namespace {

using namespace dyadic;
using float_gemm::eigen_product;
using harness::processor_seconds, harness::shape;

struct problem {
  shape s;
  std::vector<float> x, w, w_transposed, y, eigen_y;
  packed_reals packed;
  workspace memory;

  explicit problem(const shape& given)
      : s(given),
        x(harness::numbers(s.m * s.k, 1)),
        w(harness::numbers(s.n * s.k, 2)),
        w_transposed(w.size()),
        y(static_cast<std::size_t>(s.m * s.n)),
        eigen_y(y.size()),
        packed(pack(strided<const float>(w.data(), s.n, s.k))) {
    const strided<float> across(w_transposed.data(), s.n, s.k, 1, s.n);
    for (index_t j = 0; j < s.n; ++j)
      for (index_t k = 0; k < s.k; ++k) across(j, k) = w[static_cast<std::size_t>(j * s.k + k)];
  }

  void own() {
    gemm(strided<const float>(x.data(), s.m, s.k), packed, epilogue::dequantize{}, strided<float>(y.data(), s.m, s.n),
         run_options{{}, &memory});
  }
  void eigen(float_gemm::weights layout) {
    const bool as_given = layout == float_gemm::weights::rows_of_n;
    eigen_product(x.data(), as_given ? w.data() : w_transposed.data(), layout, eigen_y.data(), s.m, s.n, s.k);
  }

  const float* row_of_x(index_t at) const { return x.data() + at / s.n * s.k; }
  const float* row_of_w(index_t at) const { return w.data() + at % s.n * s.k; }

  /// Bit for bit what the reference says.
  bool own_is_right() {
    own();
    return harness::everywhere(s.m * s.n, [&](index_t at) {
      float expected = 0;
      reference::gemm({row_of_x(at), 1, s.k}, {row_of_w(at), 1, s.k}, reference::reals{}, {&expected, 1, 1});
      return harness::same_bits(y[static_cast<std::size_t>(at)], expected);
    });
  }
  /// A sum of k rounded or fused products in any order is within gamma(k) * sum |x w| of the exact one (Higham,
  /// Accuracy and Stability, section 3.1), gamma(k) = k u / (1 - k u), u = 2^-24. Products are exact in double, and
  /// their sum there errs by less than k 2^-53 sum |x w|, for which k + 0.5 in the place of k has room up to k = 2^28.
  bool eigen_is_right(float_gemm::weights layout) {
    eigen(layout);
    return harness::everywhere(s.m * s.n, [&](index_t at) {
      double sum = 0, size = 0;
      for (index_t k = 0; k < s.k; ++k) {
        const double product = static_cast<double>(row_of_x(at)[k]) * static_cast<double>(row_of_w(at)[k]);
        sum += product;
        size += std::fabs(product);
      }
      const double ku = (static_cast<double>(s.k) + 0.5) * 0x1p-24;
      return std::fabs(static_cast<double>(eigen_y[static_cast<std::size_t>(at)]) - sum) <= ku / (1 - ku) * size;
    });
  }
};

constexpr auto rows_of_n = float_gemm::weights::rows_of_n, rows_of_k = float_gemm::weights::rows_of_k;

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

void own_product(benchmark::State& state, const std::string& isa, const shape& s) {
  const harness::forced_isa forced(isa);
  problem p(s);
  harness::time(state, p.own_is_right(), {s.operations(), 0, harness::float_peak(isa)}, [&] { p.own(); });
}

void eigen_alone(benchmark::State& state, const shape& s) {
  problem p(s);
  const bool right = p.eigen_is_right(rows_of_n) && p.eigen_is_right(rows_of_k);
  const long calls = calls_of([&] { p.eigen(rows_of_n); });
  double best[2] = {1e9, 1e9};
  for (int turn = 0; turn < 5; ++turn)
    for (const auto layout : {rows_of_n, rows_of_k}) {
      double& least = best[layout == rows_of_n ? 0 : 1];
      least = (std::min)(least, seconds_of(calls, [&] { p.eigen(layout); }));
    }
  const auto layout = best[0] <= best[1] ? rows_of_n : rows_of_k;
  harness::time(state, right, {s.operations(), 0, harness::float_peak(active_isa())}, [&] { p.eigen(layout); });
}

std::map<std::string, double>& ratios() {
  static std::map<std::string, double> all;
  return all;
}

/// One iteration: about a millisecond of each of the three, in turns. The ratio is the median over the iterations, GOPS
/// are those of the best.
void against_eigen(benchmark::State& state, const shape& s) {
  problem p(s);
  if (!p.own_is_right() || !p.eigen_is_right(rows_of_n) || !p.eigen_is_right(rows_of_k))
    return state.SkipWithError("the result is wrong");
  const auto own = [&] { p.own(); };
  const auto first = [&] { p.eigen(rows_of_n); };
  const auto second = [&] { p.eigen(rows_of_k); };
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
  for (const std::string& isa : harness::isas())
    for (const shape& s : harness::shapes) harness::add("gemm/f32/" + isa + "/" + s.name(), own_product, isa, s);
  for (const shape& s : harness::shapes) harness::add("eigen/f32/" + s.name(), eigen_alone, s);
  for (const shape& s : harness::shapes) harness::add("against_eigen/f32/" + s.name(), against_eigen, s);
  harness::add("against_eigen/f32/geometric_mean", geometric_mean);
  return true;
}();

}  // namespace
