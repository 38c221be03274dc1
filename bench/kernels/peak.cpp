// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The peaks themselves, so that a run shows what its fractions are fractions of.
#include "harness/problem.hpp"

namespace {

void peak(benchmark::State& state, const harness::instruction* one) {
  constexpr long rounds = 10000;
  harness::time(state, true, {12.0 * rounds * one->operations, 0, harness::peak_of(one->name)},
                [&] { one->loop(rounds); });
}

[[maybe_unused]] const bool registered = [] {
  for (int i = 0; i < harness::instruction_count; ++i)
    if (const auto& one = harness::instructions[i]; harness::supported(one))
      harness::add(std::string("peak/") + one.name, peak, &one);
  return true;
}();

}  // namespace
