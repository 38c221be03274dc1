// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the peers read from the environment while they are loaded, set so that each is at its best on one thread.
//
// OpenBLAS 0.3.21 takes some processors for older ones than they are, and a machine's profile may name an older one too:
// without its AVX-512 kernels it is half as fast, or a fifth. So the core type is set whatever it was before.
#pragma once

#include <cstdlib>
#include <cstring>

#include <dyadic/simd/cpu.hpp>

#if defined(__linux__)
#include <unistd.h>
#endif

namespace peers {

/// Starts this program again with the variables set, if any was not. To be called first in main.
inline void set_environment([[maybe_unused]] char** arguments) {
#if defined(__linux__)
  bool changed = false;
  const auto set = [&changed](const char* name, const char* value) {
    const char* now = std::getenv(name);
    if (now == nullptr ? value == nullptr : value != nullptr && std::strcmp(now, value) == 0) return;
    changed = (value == nullptr ? unsetenv(name) : setenv(name, value, 1)) == 0 || changed;
  };
  set("OMP_NUM_THREADS", "1");
  set("OPENBLAS_NUM_THREADS", "1");
  set("ONEDNN_MAX_CPU_ISA", nullptr);
  set("DNNL_MAX_CPU_ISA", nullptr);
  set("OPENBLAS_L2_SIZE", nullptr);
  set("OPENBLAS_CORETYPE", dyadic::simd::detect_cpu().avx512_vnni ? "SkylakeX" : nullptr);
  if (changed) execv("/proc/self/exe", arguments);  // on failure it goes on as it is
#endif
}

}  // namespace peers
