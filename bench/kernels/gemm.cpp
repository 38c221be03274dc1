// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The products of products.cpp: gemm/<types>/<instruction set>/<m>/<n>/<k>, weights packed beforehand, one thread.
//
//   types   x, w, y: u8s8s32 exact sums; ...f32 dequantized, with bias and ReLU; u8s8u8 requantized, with bias
//           s4 weights have one scale a row, s4g32 one a group of 32; f32 alone: all three are floats
#include "kernels/products.hpp"

namespace {

using harness::shape;

void multiply(benchmark::State& state, const kernels::product* p, const std::string& isa, const shape& s) {
  const harness::forced_isa forced(isa);
  const auto& ready = harness::kept(p->types + isa + s.name(), [&] { return p->prepare(s, {}); });
  harness::time(state, ready, harness::work_of(s, ready, harness::peak_of(p->instruction(isa))));
}

/// Without vector instructions the large shapes take minutes and tell nothing more.
bool worth_timing(const std::string& isa, const shape& s) { return isa != "scalar" || s.operations() < 1e9; }

[[maybe_unused]] const bool registered = [] {
  for (const kernels::product& p : kernels::products())
    for (const std::string& isa : harness::isas())
      for (const shape& s : harness::all_shapes())
        if (p.takes(s) && worth_timing(isa, s))
          harness::add(std::string("gemm/") + p.types + "/" + isa + "/" + s.name(), multiply, &p, isa, s);
  return true;
}();

}  // namespace
