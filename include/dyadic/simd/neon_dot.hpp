// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The registers of neon_dot: 128 bits, Armv8.2 with dot products.
#pragma once

#include <arm_neon.h>

#include <dyadic/core/config.hpp>
#include <dyadic/simd/cpu.hpp>
#include <dyadic/simd/region.hpp>

DYADIC_REGION_BEGIN(DYADIC_NEON_DOT)
namespace dyadic::inline DYADIC_ABI::simd::neon_dot {

#include <dyadic/simd/neon.inl.hpp>

struct isa {
  static constexpr const char* name = "neon_dot";
  static bool supported(const cpu_features& cpu) noexcept { return cpu.dotprod; }
};

}  // namespace dyadic::inline DYADIC_ABI::simd::neon_dot
DYADIC_REGION_END
