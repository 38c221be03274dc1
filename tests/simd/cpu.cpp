// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Which processors may run what: any processor, as a table of CPUID words or of the words Linux has for Arm.
#include <dyadic/simd/cpu.hpp>

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>

#include "support/isas.hpp"

namespace cpu_test {

using namespace dyadic::simd;

constexpr std::uint32_t bit(int n) { return 1U << n; }
constexpr std::uint32_t fma = bit(12), osxsave = bit(27), avx = bit(28), f16c = bit(29);
constexpr std::uint32_t avx2 = bit(5), avx512f = bit(16), avx512dq = bit(17), avx512bw = bit(30), avx512vl = bit(31);
constexpr std::uint32_t avx512vnni = bit(11), avxvnni = bit(4);
constexpr std::uint64_t sse_state = 2, avx_state = 4, opmask = 0x20, zmm_low = 0x40, zmm_high = 0x80;

/// A processor that has it all, under a system that saves it all.
constexpr cpuid_words everything{.leaf1_ecx = fma | osxsave | avx | f16c,
                                 .leaf7_ebx = avx2 | avx512f | avx512dq | avx512bw | avx512vl,
                                 .leaf7_ecx = avx512vnni,
                                 .leaf7_1_eax = avxvnni,
                                 .xcr0 = sse_state | avx_state | opmask | zmm_low | zmm_high | 1};

struct expected {
  bool avx2, avx_vnni, avx512_vnni;
};
constexpr bool is(const cpuid_words& w, const expected& e) {
  const cpu_features c = features_from(w);
  return c.avx2 == e.avx2 && c.avx_vnni == e.avx_vnni && c.avx512_vnni == e.avx512_vnni && !c.dotprod && !c.i8mm;
}
/// Everything but some bits of one word.
template <class Word>
constexpr cpuid_words without(Word cpuid_words::*word, Word bits) {
  cpuid_words w = everything;
  w.*word &= ~bits;
  return w;
}

static_assert(is(everything, {true, true, true}));
static_assert(is(cpuid_words{}, {false, false, false}));

// The system: nothing wide without OSXSAVE (XCR0 is then never read), without YMM state; no ZMM without all three of
// its parts.
static_assert(is({.leaf1_ecx = everything.leaf1_ecx & ~osxsave,
                  .leaf7_ebx = everything.leaf7_ebx,
                  .leaf7_ecx = everything.leaf7_ecx,
                  .leaf7_1_eax = everything.leaf7_1_eax,
                  .xcr0 = 0},
                 {false, false, false}));
static_assert(is(without(&cpuid_words::leaf1_ecx, osxsave), {false, false, false}));
static_assert(is(without(&cpuid_words::xcr0, avx_state), {false, false, false}));
static_assert(is(without(&cpuid_words::xcr0, sse_state), {false, false, false}));
static_assert(is(without(&cpuid_words::xcr0, zmm_low), {true, true, false}));
static_assert(is(without(&cpuid_words::xcr0, zmm_high), {true, true, false}));
static_assert(is(without(&cpuid_words::xcr0, opmask), {true, true, false}));

// The processor: AVX2 without FMA or F16C (VIA made one) is not enough; the vector extensions one by one.
static_assert(is(without(&cpuid_words::leaf1_ecx, fma), {false, false, false}));
static_assert(is(without(&cpuid_words::leaf1_ecx, f16c), {false, false, false}));
static_assert(is(without(&cpuid_words::leaf1_ecx, avx), {false, false, false}));
static_assert(is(without(&cpuid_words::leaf7_ebx, avx2), {false, false, false}));
static_assert(is(without(&cpuid_words::leaf7_ebx, avx512f), {true, true, false}));
static_assert(is(without(&cpuid_words::leaf7_ebx, avx512dq), {true, true, false}));
static_assert(is(without(&cpuid_words::leaf7_ebx, avx512bw), {true, true, false}));
static_assert(is(without(&cpuid_words::leaf7_ebx, avx512vl), {true, true, false}));
static_assert(is(without(&cpuid_words::leaf7_ecx, avx512vnni), {true, true, false}));
static_assert(is(without(&cpuid_words::leaf7_1_eax, avxvnni), {true, false, true}));

// Some that were sold: Haswell, Skylake-X, Cascade Lake, Alder Lake, Zen 2, Zen 4 (no AVX-VNNI), Zen 5.
constexpr std::uint32_t all512 = avx512f | avx512dq | avx512bw | avx512vl;
constexpr cpuid_words sold(std::uint32_t ebx, std::uint32_t ecx, std::uint32_t eax, std::uint64_t xcr0) {
  return {.leaf1_ecx = fma | osxsave | avx | f16c,
          .leaf7_ebx = avx2 | ebx,
          .leaf7_ecx = ecx,
          .leaf7_1_eax = eax,
          .xcr0 = xcr0};
}
static_assert(is(sold(0, 0, 0, 0x7), {true, false, false}));
static_assert(is(sold(all512, 0, 0, 0xE7), {true, false, false}));
static_assert(is(sold(all512, avx512vnni, 0, 0xE7), {true, false, true}));
static_assert(is(sold(0, 0, avxvnni, 0x7), {true, true, false}));
static_assert(is(sold(0, 0, 0, 0x207), {true, false, false}));
static_assert(is(sold(all512, avx512vnni, 0, 0x2E7), {true, false, true}));
static_assert(is(sold(all512, avx512vnni, avxvnni, 0x2E7), {true, true, true}));

// Arm: one bit each, of two words. Cortex-A53, Neoverse N1 (dot product), Neoverse V1 (and int8 matrices).
struct expected_of_arm {
  bool dotprod, i8mm;
};
constexpr bool is(const hwcap_words& w, const expected_of_arm& e) {
  const cpu_features c = features_from(w);
  return c.dotprod == e.dotprod && c.i8mm == e.i8mm && !c.avx2 && !c.avx_vnni && !c.avx512_vnni;
}
static_assert(is(hwcap_words{}, {false, false}));
static_assert(is(hwcap_words{.hwcap = 0xFF}, {false, false}));
static_assert(is(hwcap_words{.hwcap = bit(20)}, {true, false}));
static_assert(is(hwcap_words{.hwcap2 = bit(13)}, {false, true}));
static_assert(is(hwcap_words{.hwcap = bit(20), .hwcap2 = bit(13)}, {true, true}));
static_assert(is(hwcap_words{.hwcap = ~std::uint64_t{bit(20)}, .hwcap2 = ~std::uint64_t{bit(13)}}, {false, false}));

TEST(Cpu, ScalarIsAlwaysSupportedAndLast) {
  const auto names = support::isas();
  ASSERT_FALSE(names.empty());
  EXPECT_EQ(names.back(), "scalar");
  support::show_isas();
}

#if defined(__x86_64__) && defined(__linux__)
/// The name the processor gives itself, to know when /proc/cpuinfo speaks of another one (an emulator's host).
std::string brand() {
  std::string s;
  for (unsigned leaf = 0x80000002U; leaf <= 0x80000004U; ++leaf) {
    unsigned words[4] = {};
    if (__get_cpuid(leaf, &words[0], &words[1], &words[2], &words[3]) == 0) return {};
    for (const unsigned word : words)
      for (int i = 0; i < 4; ++i)
        if (const char c = static_cast<char>(word >> (8 * i) & 0xFF); c != 0) s += c;
  }
  while (!s.empty() && s.back() == ' ') s.pop_back();
  return s;
}

/// The kernel reads the same words by itself, and leaves out of its flags what it does not save.
TEST(Cpu, AgreesWithTheKernel) {
  std::ifstream file("/proc/cpuinfo");
  std::string line, flags, model;
  while (std::getline(file, line) && (flags.empty() || model.empty())) {
    const auto value = line.find(": ");
    if (value == std::string::npos) continue;
    if (line.starts_with("flags")) flags = line.substr(value + 1) + " ";
    if (line.starts_with("model name")) model = line.substr(value + 2);
  }
  while (!model.empty() && model.back() == ' ') model.pop_back();
  if (flags.empty() || model != brand())
    GTEST_SKIP() << "/proc/cpuinfo is that of '" << model << "', not of '" << brand() << "'";
  const auto has = [&](const char* flag) { return flags.find(std::string(" ") + flag + " ") != std::string::npos; };
  const cpu_features c = detect_cpu();
  const bool wide = has("avx2") && has("fma") && has("f16c");
  EXPECT_EQ(c.avx2, wide);
  EXPECT_EQ(c.avx_vnni, wide && has("avx_vnni"));
  EXPECT_EQ(c.avx512_vnni,
            wide && has("avx512f") && has("avx512dq") && has("avx512bw") && has("avx512vl") && has("avx512_vnni"));
}
#elif defined(__aarch64__) && defined(__linux__)
/// The same kernel, in words. Under an emulator the file may be that of another processor, which has no such line.
TEST(Cpu, AgreesWithTheKernel) {
  std::ifstream file("/proc/cpuinfo");
  std::string line, features;
  while (std::getline(file, line) && features.empty())
    if (line.starts_with("Features")) features = line.substr(line.find(':') + 1) + " ";
  if (features.empty()) GTEST_SKIP() << "/proc/cpuinfo names no features";
  const auto has = [&](const char* name) { return features.find(std::string(" ") + name + " ") != std::string::npos; };
  const cpu_features c = detect_cpu();
  EXPECT_EQ(c.dotprod, has("asimddp"));
  EXPECT_EQ(c.i8mm, has("i8mm"));
}
#endif

}  // namespace cpu_test
