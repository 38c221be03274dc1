// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The registers of avx_vnni: 256 bits, those of avx2 on processors that have vpdpbusd but no AVX-512.
#pragma once

#include <immintrin.h>

#include <dyadic/core/config.hpp>
#include <dyadic/simd/cpu.hpp>
#include <dyadic/simd/region.hpp>

DYADIC_REGION_BEGIN(DYADIC_AVX_VNNI)
namespace dyadic::inline DYADIC_ABI::simd::avx_vnni {

#include <dyadic/simd/ymm.inl.hpp>

struct isa {
  static constexpr const char* name = "avx_vnni";
  static bool supported(const cpu_features& cpu) noexcept { return cpu.avx_vnni; }
};

}  // namespace dyadic::inline DYADIC_ABI::simd::avx_vnni
DYADIC_REGION_END
