// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The registers of neon_i8mm: 128 bits, Armv8.2 with int8 matrix products.
#pragma once

#include <arm_neon.h>

#include <dyadic/core/config.hpp>
#include <dyadic/simd/cpu.hpp>
#include <dyadic/simd/region.hpp>

DYADIC_REGION_BEGIN(DYADIC_NEON_I8MM)
namespace dyadic::inline DYADIC_ABI::simd::neon_i8mm {

#include <dyadic/simd/neon.inl.hpp>

struct isa {
  static constexpr const char* name = "neon_i8mm";
  static bool supported(const cpu_features& cpu) noexcept { return cpu.i8mm; }
};

}  // namespace dyadic::inline DYADIC_ABI::simd::neon_i8mm
DYADIC_REGION_END
