// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The products of neon_i8mm: usdot and usmmla (Armv8.6 int8 matrix products, optional from 8.2).
//
//   dot4        usdot               u8 x s8, sums of four products added to int32 without saturation
//   row_pairs   usmmla              2 rows of x by 2 columns of w, eight k each: twice the products an instruction
#pragma once

#include <dyadic/kernels/simd/vocabulary.hpp>
#include <dyadic/simd/neon_i8mm.hpp>

DYADIC_REGION_BEGIN(DYADIC_NEON_I8MM)
namespace dyadic::inline DYADIC_ABI::simd::neon_i8mm {

#include <dyadic/kernels/simd/neon.inl.hpp>

struct dot : neon_codes {
  using x_code = std::uint8_t;
  static constexpr int x_offset = 0;

  static DYADIC_INLINE void store_x(x_code* x, bytev v) { store_bytes(x, v); }
  static DYADIC_INLINE i32v dot4(i32v sum, i32v x, i32v w) {
    return {vusdotq_s32(sum.r, vreinterpretq_u8_s32(x.r), vreinterpretq_s8_s32(w.r))};
  }

  /// Two rows of four columns each become two columns of both rows, twice; and back, for it is its own inverse.
  template <std::size_t Rows, std::size_t Registers>
  static DYADIC_INLINE void regroup(i32v (&sum)[Rows][Registers]) {
    DYADIC_UNROLL
    for (std::size_t i = 0; i + 2 <= Rows; i += 2) {
      DYADIC_UNROLL
      for (std::size_t j = 0; j < Registers; ++j) {
        const int64x2_t a = vreinterpretq_s64_s32(sum[i][j].r), b = vreinterpretq_s64_s32(sum[i + 1][j].r);
        sum[i][j].r = vreinterpretq_s32_s64(vzip1q_s64(a, b));
        sum[i + 1][j].r = vreinterpretq_s32_s64(vzip2q_s64(a, b));
      }
    }
  }
  static DYADIC_INLINE int32x4_t two_by_two(int32x4_t sum, uint8x16_t x, int32x4_t w) {
    return vusmmlaq_s32(sum, x, vreinterpretq_s8_s32(w));
  }

  /// All steps that make two quads of k, with the rows in pairs; o is left at what remains. Four columns of one quad
  /// zipped with the same columns of the next are two columns of eight k each, twice. An odd row goes alone.
  template <class W, std::size_t Rows, std::size_t Registers, class Operands>
    requires(Rows > 1)
  static DYADIC_INLINE void row_pairs(i32v (&sum)[Rows][Registers], Operands& o) {
    constexpr int rows = static_cast<int>(Rows), registers = static_cast<int>(Registers);
    constexpr index_t steps = W::quads == 2 ? 1 : 2;
    regroup(sum);
    for (; o.steps >= steps; o.steps -= steps, o.x += 8, o.w += steps * o.step_stride) {
      uint8x16_t x[Rows / 2];
      DYADIC_UNROLL
      for (int i = 0; i + 2 <= rows; i += 2)
        x[i / 2] = vcombine_u8(vld1_u8(o.x + i * o.x_stride), vld1_u8(o.x + (i + 1) * o.x_stride));
      DYADIC_UNROLL
      for (int j = 0; j < registers; ++j) {
        const std::uint8_t* w = o.w + j / sums_a_panel * W::step_bytes;
        const i32v quads[] = {W::template get<0>(w, j % sums_a_panel),
                              W::template get<W::quads - 1>(w + (steps - 1) * o.step_stride, j % sums_a_panel)};
        const int32x4_t first = vzip1q_s32(quads[0].r, quads[1].r), last = vzip2q_s32(quads[0].r, quads[1].r);
        DYADIC_UNROLL
        for (int i = 0; i + 2 <= rows; i += 2) {
          sum[i][j].r = two_by_two(sum[i][j].r, x[i / 2], first);
          sum[i + 1][j].r = two_by_two(sum[i + 1][j].r, x[i / 2], last);
        }
        if constexpr (rows % 2 == 1) {
          const x_code* alone = o.x + (rows - 1) * o.x_stride;
          i32v& to = sum[rows - 1][j];
          to = dot4(dot4(to, broadcast_quad(alone), quads[0]), broadcast_quad(alone + quad), quads[1]);
        }
      }
    }
    regroup(sum);
  }
};

#include <dyadic/kernels/simd/algorithms.inl.hpp>

}  // namespace dyadic::inline DYADIC_ABI::simd::neon_i8mm
DYADIC_REGION_END
