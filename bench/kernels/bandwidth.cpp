// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The read bandwidths themselves: bandwidth/l1, l2, l3 and dram, in GB/s.
#include "harness/problem.hpp"

namespace {

void bandwidth(benchmark::State& state, harness::memory_level level) {
  const harness::readable_memory memory(harness::bytes_to_read(level));
  if (memory.size() == 0) return state.SkipWithError("no memory");
  const std::size_t passes = 1 + (std::size_t{1} << 22) / memory.size();  // a call takes longer than to make it
  const auto bytes = static_cast<double>(passes * memory.size());
  harness::time(state, true, {0, bytes, 0, harness::bandwidth_of(level)}, [&] {
    for (std::size_t i = 0; i < passes; ++i) harness::read_once(memory.data(), memory.size());
  });
}

[[maybe_unused]] const bool registered = [] {
  if (!harness::can_read()) return false;
  for (const auto level : harness::memory_levels)
    harness::add(std::string("bandwidth/") + harness::name_of(level), bandwidth, level);
  return true;
}();

}  // namespace
