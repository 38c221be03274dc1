// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every range search over a histogram of 2048 bins or less, in microseconds of processor time (counter `us`):
//
//   range/<search>/<data>    normal, laplace-like (a product of two normals) and relu data, 2^20 numbers
#include <dyadic/calibrate/range_choice.hpp>
#include <dyadic/calibrate/range_entropy_onnxruntime.hpp>
#include <dyadic/calibrate/range_entropy_tensorrt.hpp>
#include <dyadic/calibrate/range_mse.hpp>
#include <dyadic/calibrate/range_mse_pytorch.hpp>
#include <dyadic/calibrate/range_octav.hpp>
#include <dyadic/calibrate/range_percentile.hpp>

#include "harness/problem.hpp"

namespace {

using namespace dyadic;

constexpr scheme symmetric{.bits = 8}, asymmetric{.bits = 8, .sym = symmetry::asymmetric};

/// What is searched: one histogram in the layouts of each tool, 2048 bins each.
struct problem {
  histogram own{2048};
  std::vector<std::uint64_t> magnitudes = std::vector<std::uint64_t>(2048), around_zero = magnitudes,
                             between = magnitudes;
  float lo = 0, hi = 0;
  double size = 0;

  explicit problem(const std::vector<float>& x) {
    own.observe(x);
    lo = own.seen().min, hi = own.seen().max;
    size = static_cast<double>(-lo > hi ? -lo : hi);
    const auto count = [](std::vector<std::uint64_t>& all, double at) {
      ++all[(std::min)(std::size_t{2047}, static_cast<std::size_t>(at * 2048))];
    };
    for (const float v : x) {
      const auto y = static_cast<double>(v);
      count(magnitudes, std::fabs(y) / size);
      count(around_zero, (y / size + 1) / 2);
      count(between, (y - static_cast<double>(lo)) / (static_cast<double>(hi) - static_cast<double>(lo)));
    }
  }
  binned of_magnitudes() const { return {magnitudes, 0, size, {lo, hi}}; }
  binned of_numbers() const { return {around_zero, -size, size, {lo, hi}}; }
  binned of_range() const { return {between, static_cast<double>(lo), static_cast<double>(hi), {lo, hi}}; }
};

void search(benchmark::State& state, std::vector<float> x, const std::function<range(const problem&)>& choose) {
  const problem p(x);
  const range r = choose(p);
  const bool inside = r.lo <= r.hi && r.lo >= static_cast<float>(-p.size) && r.hi <= static_cast<float>(p.size);
  const double start = harness::processor_seconds();
  harness::time(state, inside, {}, [&] { benchmark::DoNotOptimize(choose(p)); });
  state.counters["us"] = 1e6 * (harness::processor_seconds() - start) / static_cast<double>(state.iterations());
}

[[maybe_unused]] const bool registered = [] {
  const std::vector<float> a = harness::numbers(1 << 20, 1), b = harness::numbers(1 << 20, 2);
  std::vector<float> product = a, relu = a;
  for (std::size_t i = 0; i < a.size(); ++i) product[i] *= b[i], relu[i] = a[i] > 0 ? a[i] : 0;
  const std::pair<const char*, std::function<range(const problem&)>> searches[] = {
      {"min_max", [](const problem& p) { return range_min_max(p.own); }},
      {"percentile", [](const problem& p) { return range_percentile(p.own, 99.99); }},
      {"percentile_symmetric", [](const problem& p) { return range_percentile_symmetric(p.own, 99.99); }},
      {"percentile_onnxruntime", [](const problem& p) { return range_percentile_onnxruntime(p.of_numbers(), 99.999); }},
      {"percentile_tensorrt", [](const problem& p) { return range_percentile_tensorrt(p.of_magnitudes(), 99.99); }},
      {"entropy_onnxruntime", [](const problem& p) { return range_entropy_onnxruntime(p.of_numbers()); }},
      {"entropy_tensorrt", [](const problem& p) { return range_entropy_tensorrt(p.of_magnitudes()); }},
      {"mse_symmetric", [](const problem& p) { return range_mse(p.own, symmetric); }},
      {"mse_asymmetric", [](const problem& p) { return range_mse(p.own, asymmetric); }},
      {"mse_pytorch", [](const problem& p) { return range_mse_pytorch(p.of_range()); }},
      {"octav", [](const problem& p) { return range_octav(p.own, 8); }}};
  for (const auto& [name, choose] : searches)
    for (const auto& [data, x] :
         {std::pair<const char*, const std::vector<float>*>{"normal", &a}, {"laplace", &product}, {"relu", &relu}})
      harness::add(std::string("range/") + name + "/" + data, search, *x, choose);
  return true;
}();

}  // namespace
