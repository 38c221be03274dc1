// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Other libraries on the same shapes and data: <peer>/<types>/<m>/<n>/<k>, one thread, weights packed beforehand where
// the peer can, and <peer>/pack/<scheme>/<n>/<k>: s8_without_sums serves only codes whose zero point is 0.
//
//   types   x, w, y: u8s8u8 requantized with zero points, a scale a row and bias; ...f32 dequantized, with bias;
//           u8s8s32 exact sums, with the zero point of x; u8u8u8 as the first, in fixed point; f32 floats
#include "peers/environment.hpp"
#include "peers/list.hpp"

namespace {

using harness::index_t, harness::shape;

/// The peak beside it is that of the best instruction of this machine, whatever the peer is built on.
void multiply(benchmark::State& state, const peers::peer* one, const shape& s) {
  const auto& ready = harness::kept(std::string(one->name) + one->types + s.name(),
                                    [&] { return peers::prepare(*one, std::make_shared<peers::problem>(s)); });
  const std::string isa = dyadic::active_isa();
  const double peak = one->of_reals != nullptr ? harness::float_peak(isa) : harness::integer_peak(isa);
  harness::time(state, ready, harness::work_of(s, ready, peak));
}

void pack(benchmark::State& state, const peers::packer* one, index_t n, index_t k) {
  const auto& ready = harness::kept(std::string(one->name) + one->scheme + shape{1, n, k}.name(),
                                    [&] { return peers::prepare(*one, n, k); });
  harness::time(state, ready, {0, ready.weight_bytes});
}

void add_all() {
  for (const peers::peer& one : peers::all())
    for (const shape& s : harness::all_shapes())
      harness::add(std::string(one.name) + "/" + one.types + "/" + s.name(), multiply, &one, s);
  for (const peers::packer& one : peers::packers())
    for (const auto& [n, k] : {std::pair<index_t, index_t>{768, 768}, {4096, 4096}, {11008, 4096}})
      harness::add(std::string(one.name) + "/pack/" + one.scheme + "/" + std::to_string(n) + "/" + std::to_string(k),
                   pack, &one, n, k);
}

}  // namespace

int main(int count, char** arguments) {
  peers::set_environment(arguments);
  add_all();
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
