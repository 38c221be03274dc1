// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// runs_of<Isa>: the runs of this room for each instruction set of simd/list.hpp.
#pragma once

#include <dyadic/quantize/simd/calls.hpp>

namespace dyadic::inline DYADIC_ABI::simd::scalar {
#include <dyadic/quantize/simd/algorithms.inl.hpp>
}  // namespace dyadic::inline DYADIC_ABI::simd::scalar

#if defined(__x86_64__)
DYADIC_REGION_BEGIN(DYADIC_AVX2)
namespace dyadic::inline DYADIC_ABI::simd::avx2 {
#include <dyadic/quantize/simd/algorithms.inl.hpp>
}  // namespace dyadic::inline DYADIC_ABI::simd::avx2
DYADIC_REGION_END

DYADIC_REGION_BEGIN(DYADIC_AVX512_VNNI)
namespace dyadic::inline DYADIC_ABI::simd::avx512_vnni {
#include <dyadic/quantize/simd/algorithms.inl.hpp>
}  // namespace dyadic::inline DYADIC_ABI::simd::avx512_vnni
DYADIC_REGION_END
#elif defined(__aarch64__)
DYADIC_REGION_BEGIN(DYADIC_NEON_DOT)
namespace dyadic::inline DYADIC_ABI::simd::neon_dot {
#include <dyadic/quantize/simd/algorithms.inl.hpp>
}  // namespace dyadic::inline DYADIC_ABI::simd::neon_dot
DYADIC_REGION_END
#endif

namespace dyadic::inline DYADIC_ABI::simd {

// What an instruction set adds for products changes nothing here: avx_vnni runs as avx2, neon_i8mm as neon_dot.
#if defined(__x86_64__)
namespace avx_vnni {
using avx2::runs;
}
#elif defined(__aarch64__)
namespace neon_i8mm {
using neon_dot::runs;
}
#endif

template <class Isa>
struct runs_of;
template <>
struct runs_of<scalar::isa> : scalar::runs {};
#if defined(__x86_64__)
template <>
struct runs_of<avx512_vnni::isa> : avx512_vnni::runs {};
template <>
struct runs_of<avx_vnni::isa> : avx_vnni::runs {};
template <>
struct runs_of<avx2::isa> : avx2::runs {};
#elif defined(__aarch64__)
template <>
struct runs_of<neon_i8mm::isa> : neon_i8mm::runs {};
template <>
struct runs_of<neon_dot::isa> : neon_dot::runs {};
#endif

}  // namespace dyadic::inline DYADIC_ABI::simd
