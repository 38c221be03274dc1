// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The registers of avx2: 256 bits, AVX2, FMA and F16C.
#pragma once

#include <immintrin.h>

#include <dyadic/core/config.hpp>
#include <dyadic/simd/cpu.hpp>
#include <dyadic/simd/region.hpp>

DYADIC_REGION_BEGIN(DYADIC_AVX2)
namespace dyadic::inline DYADIC_ABI::simd::avx2 {

#include <dyadic/simd/ymm.inl.hpp>

struct isa {
  static constexpr const char* name = "avx2";
  static bool supported(const cpu_features& cpu) noexcept { return cpu.avx2; }
};

}  // namespace dyadic::inline DYADIC_ABI::simd::avx2
DYADIC_REGION_END
