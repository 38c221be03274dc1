// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The products of this library that are timed: one line of a table each, for bench_kernels and for bench_report.
#pragma once

#include <dyadic/core/executor.hpp>

#include "harness/problem.hpp"

namespace kernels {

struct product {
  const char* types;           ///< of x, w and y: see gemm.cpp
  harness::index_t group = 1;  ///< k must be a multiple of it
  bool in_floats = false;      ///< whether its multiplications are of floats
  harness::prepared (*prepare)(const harness::shape&, dyadic::executor_ref);

  bool takes(const harness::shape& s) const { return s.k % group == 0; }
  /// The one whose peak it is measured against.
  std::string instruction(const std::string& isa) const {
    return in_floats ? harness::float_instruction(isa) : harness::integer_instruction(isa);
  }
};

std::span<const product> products();

/// The one of these types, or nullptr.
inline const product* find(const std::string& types) {
  for (const product& p : products())
    if (types == p.types) return &p;
  return nullptr;
}

}  // namespace kernels
