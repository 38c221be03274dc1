// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The observers beside what a program would write instead, in GB/s of floats read, in the same run:
//
//   min_max/<n>                 the observer; std_minmax/<n> is std::minmax_element, eigen_minmax/<n> minCoeff and
//                               maxCoeff, which promise nothing about NaN
//   histogram_scalar/<n>        a plain loop over equal bins of a known range; histogram.cpp has histogram/observe
//   uniform_histogram/<rule>/<n>, mean_min_max/<n>, mean_quantile/<n>, moving_average/<n>
//
// Rates stand beside the read bandwidth of the level of memory that holds the data, as of_bandwidth.
#include <algorithm>

#include <Eigen/Core>

#include <dyadic/calibrate/mean_min_max.hpp>
#include <dyadic/calibrate/mean_quantile.hpp>
#include <dyadic/calibrate/moving_average_min_max.hpp>
#include <dyadic/calibrate/uniform_histogram.hpp>

#include "harness/problem.hpp"

namespace {

using namespace dyadic;

harness::work work_of(index_t n) {
  const double bytes = 4.0 * static_cast<double>(n);
  return {0, bytes, 0, harness::bandwidth_for(bytes)};
}

bool holds(const std::vector<float>& x, float lo, float hi) {
  const auto [least, most] = std::minmax_element(x.begin(), x.end());
  return *least == lo && *most == hi;
}

template <class Observer>
void observe(benchmark::State& state, Observer o, index_t n) {
  const std::vector<float> x = harness::numbers(n, 1);
  Observer once = o;
  once.observe(x);
  const bool right = once.seen().finite == static_cast<std::uint64_t>(n) && once.seen().min <= once.seen().max;
  harness::time(state, right, work_of(n), [&] {
    o.observe(std::span<const float>(x));
    benchmark::DoNotOptimize(o);
  });
}

void min_max_of(benchmark::State& state, index_t n) {
  const std::vector<float> x = harness::numbers(n, 1);
  min_max o;
  o.observe(x);
  harness::time(state, holds(x, o.seen().min, o.seen().max), work_of(n), [&] {
    o.observe(x);
    benchmark::DoNotOptimize(o);
  });
}

void std_minmax(benchmark::State& state, index_t n) {
  const std::vector<float> x = harness::numbers(n, 1);
  harness::time(state, true, work_of(n), [&] {
    const auto ends = std::minmax_element(x.begin(), x.end());
    benchmark::DoNotOptimize(*ends.first + *ends.second);
  });
}

void eigen_minmax(benchmark::State& state, index_t n) {
  const std::vector<float> x = harness::numbers(n, 1);
  const Eigen::Map<const Eigen::VectorXf> v(x.data(), n);
  harness::time(state, holds(x, v.minCoeff(), v.maxCoeff()), work_of(n), [&] {
    benchmark::DoNotOptimize(v.minCoeff());
    benchmark::DoNotOptimize(v.maxCoeff());
  });
}

void histogram_scalar(benchmark::State& state, index_t n) {
  const std::vector<float> x = harness::numbers(n, 1);
  std::vector<std::uint64_t> counts(2048);
  const float lo = -8.0f, per_bin = 128.0f;
  const auto count = [&] {
    for (const float v : x) ++counts[static_cast<std::size_t>((v - lo) * per_bin)];
  };
  count();
  std::uint64_t total = 0;
  for (const std::uint64_t k : counts) total += k;
  harness::time(state, total == x.size(), work_of(n), count);
}

[[maybe_unused]] const bool registered = [] {
  for (const index_t n : {index_t{1} << 10, index_t{1} << 12, index_t{1} << 16, index_t{1} << 20, index_t{1} << 24}) {
    const std::string s = std::string("/").append(std::to_string(n));
    harness::add("min_max" + s, min_max_of, n);
    harness::add("std_minmax" + s, std_minmax, n);
    harness::add("eigen_minmax" + s, eigen_minmax, n);
    harness::add("histogram_scalar" + s, histogram_scalar, n);
    harness::add("moving_average" + s, observe<moving_average_min_max>, moving_average_min_max(), n);
    harness::add("mean_min_max" + s, observe<mean_min_max>, mean_min_max(), n);
    harness::add("mean_quantile" + s, observe<mean_quantile>, mean_quantile(), n);
    const range r{-8.0f, 8.0f};
    harness::add("uniform_histogram/numpy" + s, observe<uniform_histogram>, uniform_histogram(r, 2048, binning::numpy),
                 n);
    harness::add("uniform_histogram/torch" + s, observe<uniform_histogram>, uniform_histogram(r, 2048, binning::torch),
                 n);
  }
  return true;
}();

}  // namespace
