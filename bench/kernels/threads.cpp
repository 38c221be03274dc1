// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One and two threads, by the clock on the wall: other programs on the machine count here.
//
//   threads/<count>/gemm/u8s8u8/<m>/<n>/<k>   the best instruction set, dyadic::thread_pool
//   threads/<count>/peak                      all cores in the loop of its instruction at once: GOPS of them together
#include <dyadic/core/thread_pool.hpp>

#include "harness/threads.hpp"
#include "kernels/products.hpp"

namespace {

using harness::shape;

constexpr shape in_threads[] = {{128, 128, 128},    {256, 256, 256},    {512, 512, 512},
                                {1024, 1024, 1024}, {2048, 2048, 2048}, {128, 3072, 768},
                                {1, 4096, 4096},    {32, 4096, 4096},   {512, 4096, 4096}};

/// The peak beside it is that of as many cores as threads, by the same clock.
double peak_of_threads(int count) {
  static double known[3] = {};
  double& one = known[count];
  if (one == 0) one = harness::integer_peak_of_threads(dyadic::active_isa(), count);
  return one;
}

void multiply(benchmark::State& state, int count, const shape& s) {
  dyadic::thread_pool pool(count);
  const auto ready = kernels::find("u8s8u8")->prepare(s, pool);
  harness::time(state, ready, {s.operations(), 0, peak_of_threads(count)}, harness::wall_seconds);
}

void peak(benchmark::State& state, int count) {
  const double most = peak_of_threads(count);
  for (auto _ : state) benchmark::ClobberMemory();
  state.counters["GOPS"] = 1e-9 * most;
}

[[maybe_unused]] const bool registered = [] {
  for (const int count : {1, 2}) {
    const std::string threads = "threads/" + std::to_string(count) + "/";
    if (!harness::integer_instruction(dyadic::active_isa()).empty()) harness::add(threads + "peak", peak, count);
    for (const shape& s : in_threads) harness::add(threads + "gemm/u8s8u8/" + s.name(), multiply, count, s);
  }
  return true;
}();

}  // namespace
