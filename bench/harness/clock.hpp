// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The two clocks of the benches, both in seconds from some start.
#pragma once

#include <chrono>
#include <ctime>

namespace harness {

/// Processor time this process has used: what other programs take on a shared machine does not count.
inline double processor_seconds() { return static_cast<double>(std::clock()) / static_cast<double>(CLOCKS_PER_SEC); }

/// Time as it passes, for what runs in several threads: there other programs do count.
inline double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace harness
