// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// operators<Isa>: the algorithms of this room for each instruction set of simd/list.hpp.
#pragma once

#include <dyadic/kernels/simd/scalar.hpp>
#include <dyadic/simd/dispatch.hpp>
#if defined(__x86_64__)
#include <dyadic/kernels/simd/avx2.hpp>
#include <dyadic/kernels/simd/avx512_vnni.hpp>
#include <dyadic/kernels/simd/avx_vnni.hpp>
#elif defined(__aarch64__)
#include <dyadic/kernels/simd/neon_dot.hpp>
#include <dyadic/kernels/simd/neon_i8mm.hpp>
#endif

namespace dyadic::inline DYADIC_ABI::simd {

template <class Isa>
struct operators;
template <>
struct operators<scalar::isa> : scalar::algorithms {};
#if defined(__x86_64__)
template <>
struct operators<avx512_vnni::isa> : avx512_vnni::algorithms {};
template <>
struct operators<avx_vnni::isa> : avx_vnni::algorithms {};
template <>
struct operators<avx2::isa> : avx2::algorithms {};
#elif defined(__aarch64__)
template <>
struct operators<neon_i8mm::isa> : neon_i8mm::algorithms {};
template <>
struct operators<neon_dot::isa> : neon_dot::algorithms {};
#endif

}  // namespace dyadic::inline DYADIC_ABI::simd
