// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Counts the allocations of a test program that is linked with allocations.cpp.
#pragma once

#include <cstdint>

namespace support {

/// How often operator new, in any of its forms, was called so far, in all threads.
std::int64_t allocations();

/// How many allocations f made, in all threads.
template <class F>
std::int64_t allocations_of(const F& f) {
  const std::int64_t before = allocations();
  f();
  return allocations() - before;
}

}  // namespace support
