// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// for_each_isa: runs a check on every instruction set this machine supports, and says which those were.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <vector>

#include <dyadic/simd/dispatch.hpp>

namespace support {

/// Best first; "scalar" is always the last.
inline std::vector<std::string> isas() {
  const char* names[dyadic::simd::isas::size];
  const int n = dyadic::supported_isas(names, dyadic::simd::isas::size);
  return {names, names + n};
}

/// Prints the list, once a process: a machine that lacks an instruction set has not tested it.
inline void show_isas() {
  static const bool shown = [] {
    std::printf("instruction sets:");
    for (const std::string& name : isas()) std::printf(" %s", name.c_str());
    std::printf(" (of %d in this build)\n", dyadic::simd::isas::size);
    return true;
  }();
  static_cast<void>(shown);
}

/// Calls f(name) with each instruction set in force, until one has failed fatally; the automatic choice is back on
/// return.
template <class F>
void for_each_isa(F f) {
  show_isas();
  for (const std::string& name : isas()) {
    ASSERT_TRUE(dyadic::try_force_isa(name.c_str()));
    f(name);
    if (testing::Test::HasFatalFailure()) break;
  }
  ASSERT_TRUE(dyadic::try_force_isa(nullptr));
}

}  // namespace support
