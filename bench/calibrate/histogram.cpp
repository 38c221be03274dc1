// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The histogram observer, in GB/s of floats read:
//
//   histogram/observe/<bins>/<n>   one batch into an observer that has seen its range
//   histogram/first/<bins>/<n>     one batch into a new one: the bins pair up as the range grows
//   histogram/merge/<bins>         another observer of the same size
#include <dyadic/calibrate/histogram.hpp>

#include "harness/problem.hpp"

namespace {

using namespace dyadic;

double bytes_of_floats(index_t n) { return 4.0 * static_cast<double>(n); }

/// Counts that add up, bins that hold the numbers they should, and one batch the same as its two halves merged.
bool holds(const histogram& h, const std::vector<float>& x) {
  std::uint64_t total = 0;
  for (const std::uint64_t n : h.counts()) total += n;
  const bool inside = harness::everywhere(static_cast<index_t>(x.size()), [&](index_t at) {
    const auto v = static_cast<double>(x[static_cast<std::size_t>(at)]);
    for (std::size_t b = 0; b < h.counts().size(); ++b) {
      const index_t k = h.first_bin() + static_cast<index_t>(b);
      if (h.edge(k) <= v && v < h.edge(k + 1)) return h.counts()[b] > 0;
    }
    return false;
  });
  const std::span<const float> all(x);
  histogram first(h.max_bins()), second(h.max_bins());
  first.observe(all.first(x.size() / 2));
  second.observe(all.subspan(x.size() / 2));
  first.merge(second);
  return inside && total == x.size() && first == h;
}

void observe(benchmark::State& state, index_t bins, index_t n) {
  const std::vector<float> x = harness::numbers(n, 1);
  histogram h(bins);
  h.observe(x);
  harness::time(state, holds(h, x), {0, bytes_of_floats(n), 0}, [&] { h.observe(x); });
}

void observe_first(benchmark::State& state, index_t bins, index_t n) {
  const std::vector<float> x = harness::numbers(n, 1);
  histogram once(bins);
  once.observe(x);
  harness::time(state, holds(once, x), {0, bytes_of_floats(n), 0}, [&] {
    histogram h(bins);
    h.observe(x);
    benchmark::DoNotOptimize(h);
  });
}

void merge(benchmark::State& state, index_t bins) {
  const std::vector<float> x = harness::numbers(65536, 1);
  histogram h(bins), other(bins);
  h.observe(x);
  other.observe(x);
  harness::time(state, holds(other, x), {0, 8.0 * static_cast<double>(other.counts().size()), 0},
                [&] { h.merge(other); });
}

[[maybe_unused]] const bool registered = [] {
  for (const index_t bins : {256, 2048, 16384}) {
    const std::string b = std::to_string(bins);
    for (const index_t n : {index_t{1} << 10, index_t{1} << 16, index_t{1} << 22}) {
      harness::add("histogram/observe/" + b + "/" + std::to_string(n), observe, bins, n);
      harness::add("histogram/first/" + b + "/" + std::to_string(n), observe_first, bins, n);
    }
    harness::add("histogram/merge/" + b, merge, bins);
  }
  return true;
}();

}  // namespace
