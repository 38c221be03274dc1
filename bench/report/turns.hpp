// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Measuring several things in turns, so that a slow moment of the machine meets all of them.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "harness/problem.hpp"

namespace report {

/// One of those that take turns.
struct contender {
  std::string name;
  harness::prepared ready;
  std::vector<double> seconds{};  ///< a call takes, one a round, sorted when the turns are over
  long calls = 1;

  double best() const { return seconds.front(); }
  /// (median - best) / best.
  double spread() const { return (seconds[seconds.size() / 2] - best()) / best(); }
};

using clock_function = double (*)();

inline double seconds_of(const contender& one, long calls, clock_function clock) {
  const double start = clock();
  one.ready.run(calls);
  return (clock() - start) / static_cast<double>(calls);
}

/// Every contender in every round, each time for 10 milliseconds or one call. Who is twenty times slower than the best
/// is left out after the second round. Those with a fault must not come here.
inline void take_turns(std::vector<contender>& all, int rounds, clock_function clock = harness::processor_seconds) {
  constexpr double at_least = 0.01;
  for (contender& one : all) {
    double seconds = seconds_of(one, 1, clock);
    while (seconds * static_cast<double>(one.calls) < at_least / 8) {
      one.calls *= 4;
      seconds = seconds_of(one, one.calls, clock);
    }
    one.calls = (std::max)(1L, static_cast<long>(at_least / seconds));
  }
  double best = 1e9;
  for (int round = 0; round < rounds; ++round)
    for (contender& one : all) {
      if (round >= 2 && *std::min_element(one.seconds.begin(), one.seconds.end()) > 20 * best) continue;
      if (one.calls > 1) one.ready.run(1);  // the others have used the caches
      one.seconds.push_back(seconds_of(one, one.calls, clock));
      best = (std::min)(best, one.seconds.back());
    }
  for (contender& one : all) std::sort(one.seconds.begin(), one.seconds.end());
}

}  // namespace report
