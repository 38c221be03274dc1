// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// smaller: the smaller of two lengths, for kernels, which call nothing of std.
#pragma once

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI::simd {

constexpr index_t smaller(index_t a, index_t b) noexcept { return a < b ? a : b; }

}  // namespace dyadic::inline DYADIC_ABI::simd
