// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// statistics_of<Isa>: extents and bins for each instruction set of simd/list.hpp.
#pragma once

#include <dyadic/calibrate/simd/portable.hpp>
#include <dyadic/simd/dispatch.hpp>
#include <dyadic/simd/smaller.hpp>

#if defined(__x86_64__)
DYADIC_REGION_BEGIN(DYADIC_AVX2)
namespace dyadic::inline DYADIC_ABI::simd::avx2 {
#include <dyadic/calibrate/simd/runs.inl.hpp>
}  // namespace dyadic::inline DYADIC_ABI::simd::avx2
DYADIC_REGION_END

DYADIC_REGION_BEGIN(DYADIC_AVX512_VNNI)
namespace dyadic::inline DYADIC_ABI::simd::avx512_vnni {
#include <dyadic/calibrate/simd/runs.inl.hpp>
}  // namespace dyadic::inline DYADIC_ABI::simd::avx512_vnni
DYADIC_REGION_END
#elif defined(__aarch64__)
DYADIC_REGION_BEGIN(DYADIC_NEON_DOT)
namespace dyadic::inline DYADIC_ABI::simd::neon_dot {
#include <dyadic/calibrate/simd/runs.inl.hpp>
}  // namespace dyadic::inline DYADIC_ABI::simd::neon_dot
DYADIC_REGION_END
#endif

namespace dyadic::inline DYADIC_ABI::simd {

// What an instruction set adds for products changes nothing here: avx_vnni runs as avx2, neon_i8mm as neon_dot.
#if defined(__x86_64__)
namespace avx_vnni {
using avx2::statistics;
}
#elif defined(__aarch64__)
namespace neon_i8mm {
using neon_dot::statistics;
}
#endif

template <class Isa>
struct statistics_of;
template <>
struct statistics_of<scalar::isa> : scalar::statistics {};
#if defined(__x86_64__)
template <>
struct statistics_of<avx512_vnni::isa> : avx512_vnni::statistics {};
template <>
struct statistics_of<avx_vnni::isa> : avx_vnni::statistics {};
template <>
struct statistics_of<avx2::isa> : avx2::statistics {};
#elif defined(__aarch64__)
template <>
struct statistics_of<neon_i8mm::isa> : neon_i8mm::statistics {};
template <>
struct statistics_of<neon_dot::isa> : neon_dot::statistics {};
#endif

}  // namespace dyadic::inline DYADIC_ABI::simd

namespace dyadic::inline DYADIC_ABI::detail {

struct pick_extent {
  template <class Isa>
  static auto of() noexcept {
    return &simd::statistics_of<Isa>::extent;
  }
};
struct pick_bins {
  template <class Isa>
  static auto of() noexcept {
    return &simd::statistics_of<Isa>::bins;
  }
};
struct pick_equal_bins {
  template <class Isa>
  static auto of() noexcept {
    return &simd::statistics_of<Isa>::equal;
  }
};

}  // namespace dyadic::inline DYADIC_ABI::detail
