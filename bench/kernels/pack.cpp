// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Packing weights: pack/<scheme>/<n>/<k>, in GB/s of the codes read, and in milliseconds.
#include "kernels/packings.hpp"

namespace {

using harness::index_t;

constexpr std::pair<index_t, index_t> matrices[] = {{768, 768}, {4096, 4096}, {11008, 4096}};

void pack_weights(benchmark::State& state, const kernels::packing* p, index_t n, index_t k) {
  const auto& ready = harness::kept(p->scheme + harness::shape{1, n, k}.name(), [&] { return p->prepare(n, k); });
  harness::time(state, ready, {0, ready.weight_bytes, 0});
  if (const auto rate = state.counters.find("GB/s"); rate != state.counters.end())
    state.counters["ms"] = 1e-6 * ready.weight_bytes / rate->second.value;
}

[[maybe_unused]] const bool registered = [] {
  for (const kernels::packing& p : kernels::packings())
    for (const auto& [n, k] : matrices)
      harness::add(std::string("pack/") + p.scheme + "/" + std::to_string(n) + "/" + std::to_string(k), pack_weights,
                   &p, n, k);
  return true;
}();

}  // namespace
