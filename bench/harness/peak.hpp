// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// peak: how many operations a second one instruction can do on this processor, measured in this process.
//
// Twelve independent accumulators are more than any of these instructions has in flight (cycles it takes, times how
// many start a cycle). The whole loop is one piece of assembly: the count is exact, the operands never leave their
// registers, and only the loop's counter stands beside them.
#pragma once

#include <string>

#include <dyadic/simd/cpu.hpp>

#include "harness/clock.hpp"

namespace harness {

#if defined(__x86_64__)
#define HARNESS_TWELVE(one) one(0) one(1) one(2) one(3) one(4) one(5) one(6) one(7) one(8) one(9) one(10) one(11)
#define HARNESS_CLEAR(i) "vpxor %%xmm" #i ", %%xmm" #i ", %%xmm" #i "\n\t"
#define HARNESS_REGISTERS                                                                                             \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", \
      "xmm14", "xmm15"
#define HARNESS_LOOP(name, one)                                                                           \
  inline void name(long rounds) {                                                                         \
    __asm__ volatile(HARNESS_TWELVE(HARNESS_CLEAR) HARNESS_CLEAR(14)                                      \
                         HARNESS_CLEAR(15) "1:\n\t" HARNESS_TWELVE(one) "decq %0\n\tjnz 1b\n\tvzeroupper" \
                     : "+r"(rounds)                                                                       \
                     :                                                                                    \
                     : "cc", HARNESS_REGISTERS);                                                          \
  }
#define HARNESS_ONE(i) "vpdpbusd %%zmm14, %%zmm15, %%zmm" #i "\n\t"
HARNESS_LOOP(loop_vpdpbusd_zmm, HARNESS_ONE)
#undef HARNESS_ONE
#define HARNESS_ONE(i) "%{vex%} vpdpbusd %%ymm14, %%ymm15, %%ymm" #i "\n\t"
HARNESS_LOOP(loop_vpdpbusd_ymm, HARNESS_ONE)
#undef HARNESS_ONE
#define HARNESS_ONE(i) "vpmaddwd %%ymm14, %%ymm15, %%ymm13\n\tvpaddd %%ymm13, %%ymm" #i ", %%ymm" #i "\n\t"
HARNESS_LOOP(loop_vpmaddwd_ymm, HARNESS_ONE)
#undef HARNESS_ONE
#define HARNESS_ONE(i) "vfmadd231ps %%zmm14, %%zmm15, %%zmm" #i "\n\t"
HARNESS_LOOP(loop_fma_f32_zmm, HARNESS_ONE)
#undef HARNESS_ONE
#define HARNESS_ONE(i) "vfmadd231ps %%ymm14, %%ymm15, %%ymm" #i "\n\t"
HARNESS_LOOP(loop_fma_f32_ymm, HARNESS_ONE)
#undef HARNESS_ONE
#undef HARNESS_LOOP
#undef HARNESS_REGISTERS
#undef HARNESS_CLEAR
#undef HARNESS_TWELVE
#endif

/// One instruction: who has it, what it does (a multiplication and an addition are two operations), and a loop of it.
struct instruction {
  const char* name;
  bool dyadic::simd::cpu_features::*needs;
  double operations;
  void (*loop)(long rounds);  ///< twelve of them a round
};

#if defined(__x86_64__)
inline constexpr instruction instructions[] = {
    {"vpdpbusd_zmm", &dyadic::simd::cpu_features::avx512_vnni, 128, &loop_vpdpbusd_zmm},
    {"vpdpbusd_ymm", &dyadic::simd::cpu_features::avx_vnni, 64, &loop_vpdpbusd_ymm},
    {"vpmaddwd_ymm", &dyadic::simd::cpu_features::avx2, 32, &loop_vpmaddwd_ymm},  // with the vpaddd that must follow
    {"fma_f32_zmm", &dyadic::simd::cpu_features::avx512_vnni, 32, &loop_fma_f32_zmm},
    {"fma_f32_ymm", &dyadic::simd::cpu_features::avx2, 16, &loop_fma_f32_ymm}};
inline constexpr int instruction_count = 5;
#else
inline constexpr instruction instructions[] = {{"none", nullptr, 0, nullptr}};
inline constexpr int instruction_count = 0;
#endif

inline bool supported(const instruction& one) { return dyadic::simd::detect_cpu().*one.needs; }

/// Operations a second: the best of twenty windows of about a millisecond.
inline double measure_peak(const instruction& one) {
  constexpr long rounds = 400000;
  double best = 0;
  for (int window = 0; window < 20; ++window) {
    const double start = processor_seconds();
    one.loop(rounds);
    const double seconds = processor_seconds() - start;
    const double rate = seconds > 0 ? 12.0 * static_cast<double>(rounds) * one.operations / seconds : 0;
    best = rate > best ? rate : best;
  }
  return best;
}

/// What this process knows of its peaks so far.
inline double (&known_peaks())[instruction_count + 1] {
  static double known[instruction_count + 1] = {};
  return known;
}

/// The same by name, measured once a process; 0 where the processor has no such instruction.
inline double peak_of(const std::string& name) {
  for (int i = 0; i < instruction_count; ++i) {
    if (name != instructions[i].name || !supported(instructions[i])) continue;
    double& known = known_peaks()[i];
    if (known == 0) known = measure_peak(instructions[i]);
    return known;
  }
  return 0;
}

/// Looks again, and keeps the better: the first look may have met a slow moment of the machine.
inline void measure_peaks_again() {
  for (int i = 0; i < instruction_count; ++i) {
    if (!supported(instructions[i])) continue;
    double& known = known_peaks()[i];
    const double seen = measure_peak(instructions[i]);
    known = seen > known ? seen : known;
  }
}

/// The instruction that the kernels of an instruction set are built on; empty where none is known.
inline std::string integer_instruction(const std::string& isa) {
  if (isa == "avx512_vnni") return "vpdpbusd_zmm";
  if (isa == "avx_vnni") return "vpdpbusd_ymm";
  return isa == "avx2" ? "vpmaddwd_ymm" : "";
}
inline std::string float_instruction(const std::string& isa) {
  if (isa == "avx512_vnni") return "fma_f32_zmm";
  return isa == "avx_vnni" || isa == "avx2" ? "fma_f32_ymm" : "";
}
inline double integer_peak(const std::string& isa) { return peak_of(integer_instruction(isa)); }
inline double float_peak(const std::string& isa) { return peak_of(float_instruction(isa)); }

}  // namespace harness
