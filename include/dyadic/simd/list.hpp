// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The instruction sets of this build, best first: the one line to edit when one is added.
#pragma once

#include <dyadic/simd/scalar.hpp>
#if defined(__x86_64__)
#include <dyadic/simd/avx2.hpp>
#include <dyadic/simd/avx512_vnni.hpp>
#include <dyadic/simd/avx_vnni.hpp>
#elif defined(__aarch64__)
#include <dyadic/simd/neon_dot.hpp>
#include <dyadic/simd/neon_i8mm.hpp>
#endif

namespace dyadic::inline DYADIC_ABI::simd {

template <class... Isa>
struct list {
  static constexpr int size = sizeof...(Isa);
};

#if defined(__x86_64__)
using isas = list<avx512_vnni::isa, avx_vnni::isa, avx2::isa, scalar::isa>;
#elif defined(__aarch64__)
using isas = list<neon_i8mm::isa, neon_dot::isa, scalar::isa>;
#else
using isas = list<scalar::isa>;
#endif

}  // namespace dyadic::inline DYADIC_ABI::simd
