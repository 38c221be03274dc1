// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The products of neon_dot: sdot (Armv8.2 dot product).
//
//   dot4        sdot                s8 x s8, so activations are stored less 128 (x_offset) and the zero point follows
#pragma once

#include <dyadic/kernels/simd/vocabulary.hpp>
#include <dyadic/simd/neon_dot.hpp>

DYADIC_REGION_BEGIN(DYADIC_NEON_DOT)
namespace dyadic::inline DYADIC_ABI::simd::neon_dot {

#include <dyadic/kernels/simd/neon.inl.hpp>

struct dot : neon_codes {
  using x_code = std::int8_t;
  static constexpr int x_offset = 128;

  static DYADIC_INLINE void store_x(x_code* x, bytev v) { vst1q_s8(x, vreinterpretq_s8_u8(flip_sign(v).r)); }
  static DYADIC_INLINE i32v dot4(i32v sum, i32v x, i32v w) {
    return {vdotq_s32(sum.r, vreinterpretq_s8_s32(w.r), vreinterpretq_s8_s32(x.r))};
  }
};

#include <dyadic/kernels/simd/algorithms.inl.hpp>

}  // namespace dyadic::inline DYADIC_ABI::simd::neon_dot
DYADIC_REGION_END
