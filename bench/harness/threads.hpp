// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The peak of several cores at once: what two threads can reach when both cores are free, by the clock on the wall.
#pragma once

#include <atomic>
#include <thread>
#include <vector>

#include "harness/peak.hpp"

namespace harness {

/// Operations a second of `count` threads that all run the loop of one instruction, from the moment all are there to
/// the moment the last is done: the best of ten windows of some milliseconds.
inline double measure_peak_of_threads(const instruction& one, int count) {
  constexpr long rounds = 2000000;
  double best = 0;
  for (int window = 0; window < 10; ++window) {
    std::atomic<int> there{0};
    const auto wait_for_all = [&] {
      ++there;
      while (there.load() < count) std::this_thread::yield();
    };
    std::vector<std::thread> others;
    for (int i = 1; i < count; ++i)
      others.emplace_back([&] {
        wait_for_all();
        one.loop(rounds);
      });
    wait_for_all();
    const double start = wall_seconds();
    one.loop(rounds);
    for (std::thread& other : others) other.join();
    const double rate = 12.0 * rounds * one.operations * count / (wall_seconds() - start);
    best = rate > best ? rate : best;
  }
  return best;
}

/// Of the instruction that the integer kernels of an instruction set are built on; 0 where it is not known.
inline double integer_peak_of_threads(const std::string& isa, int count) {
  for (int i = 0; i < instruction_count; ++i)
    if (integer_instruction(isa) == instructions[i].name && supported(instructions[i]))
      return measure_peak_of_threads(instructions[i], count);
  return 0;
}

}  // namespace harness
