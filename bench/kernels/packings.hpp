// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The packings of this library that are timed: one line of a table each, for bench_kernels and for bench_report.
#pragma once

#include "harness/problem.hpp"

namespace kernels {

struct packing {
  const char* scheme;
  harness::index_t group = 1;  ///< k must be a multiple of it
  /// weight_bytes are those of the source, codes alone.
  harness::prepared (*prepare)(harness::index_t n, harness::index_t k);
};

std::span<const packing> packings();

/// The one of this scheme, or nullptr.
inline const packing* find_packing(const std::string& scheme) {
  for (const packing& p : packings())
    if (scheme == p.scheme) return &p;
  return nullptr;
}

}  // namespace kernels
