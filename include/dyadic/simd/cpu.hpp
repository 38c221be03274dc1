// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// cpu_features: what the processor can do *and* the operating system preserves.
//
// CPUID alone is not enough: a system that does not save the wide registers across a context switch makes their use a
// fault or, worse, silent corruption. XGETBV says which it saves.
#pragma once

#include <dyadic/core/config.hpp>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace dyadic::inline DYADIC_ABI::simd {

struct cpu_features {
  bool avx2 = false;         ///< AVX2, FMA and F16C, with YMM state saved
  bool avx_vnni = false;     ///< the above and the VEX form of vpdpbusd
  bool avx512_vnni = false;  ///< AVX-512 F, BW, DQ, VL and VNNI, with ZMM and mask state saved
  bool dotprod = false;      ///< Arm sdot and udot
  bool i8mm = false;         ///< Arm usdot and usmmla
};

/// The words of CPUID and XCR0 that decide; a plain value, so that a test can present any processor.
struct cpuid_words {
  std::uint32_t leaf1_ecx = 0;
  std::uint32_t leaf7_ebx = 0, leaf7_ecx = 0;
  std::uint32_t leaf7_1_eax = 0;
  std::uint64_t xcr0 = 0;  ///< 0 when OSXSAVE is not set
};

constexpr cpu_features features_from(const cpuid_words& w) noexcept {
  constexpr std::uint32_t fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
  constexpr std::uint32_t avx2 = 1u << 5, f = 1u << 16, dq = 1u << 17, bw = 1u << 30, vl = 1u << 31;
  constexpr std::uint32_t vnni = 1u << 11, avx_vnni = 1u << 4;
  constexpr std::uint64_t ymm_state = 0x06, zmm_state = 0xE6;
  constexpr std::uint32_t one = fma | osxsave | avx | f16c, seven = f | dq | bw | vl;
  cpu_features c;
  c.avx2 = (w.leaf1_ecx & one) == one && (w.leaf7_ebx & avx2) != 0 && (w.xcr0 & ymm_state) == ymm_state;
  c.avx_vnni = c.avx2 && (w.leaf7_1_eax & avx_vnni) != 0;
  c.avx512_vnni = c.avx2 && (w.leaf7_ebx & seven) == seven && (w.leaf7_ecx & vnni) != 0 &&
                  (w.xcr0 & zmm_state) == zmm_state;
  return c;
}

/// The words by which Linux tells an Arm program what there is; it saves every register of them.
struct hwcap_words {
  std::uint64_t hwcap = 0, hwcap2 = 0;
};

constexpr cpu_features features_from(const hwcap_words& w) noexcept {
  constexpr std::uint64_t asimddp = 1u << 20, i8mm = 1u << 13;
  cpu_features c;
  c.dotprod = (w.hwcap & asimddp) != 0;
  c.i8mm = (w.hwcap2 & i8mm) != 0;
  return c;
}

inline cpu_features detect_cpu() noexcept {
#if defined(__x86_64__)
  cpuid_words w;
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return {};
  w.leaf1_ecx = c;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0) {
    w.leaf7_ebx = b;
    w.leaf7_ecx = c;
    if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) w.leaf7_1_eax = a;
  }
  if ((w.leaf1_ecx & (1u << 27)) != 0) {
    std::uint32_t low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    w.xcr0 = (static_cast<std::uint64_t>(high) << 32) | low;
  }
  return features_from(w);
#elif defined(__aarch64__) && defined(__linux__)
  return features_from(hwcap_words{getauxval(AT_HWCAP), getauxval(AT_HWCAP2)});
#else
  return {};
#endif
}

}  // namespace dyadic::inline DYADIC_ABI::simd
