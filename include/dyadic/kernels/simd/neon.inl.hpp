// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How neon_i8mm and neon_dot read packed weights; included inside their regions.

inline constexpr int real_registers = 24;  // that hold sums of floats in a tile
inline constexpr int columns_at_once = 4;  // registers of columns that an epilogue finishes together

#include <dyadic/kernels/simd/sums.inl.hpp>
#include <dyadic/kernels/simd/parts.inl.hpp>

/// How packed weights become bytes of registers, whatever multiplies them: what both `dot` inherit.
struct neon_codes : plain_sums {
  static constexpr int latency = 8;
  static constexpr int accumulators = 24;     // of 32 registers; 4 hold weights, 1 an activation
  static constexpr int group_registers = 12;  // for sums, and as many for totals
  static constexpr bool unpacks = true;

  template <class Code>
  static DYADIC_INLINE i32v broadcast_quad(const Code* x) {
    std::int32_t quad;
    __builtin_memcpy(&quad, x, sizeof quad);
    return {vdupq_n_s32(quad)};
  }
  static DYADIC_INLINE i32v load_w8(const std::uint8_t* w, int part) {
    return {vreinterpretq_s32_u8(vld1q_u8(w + 16 * part))};
  }
  static DYADIC_INLINE i32v load_w4_low(const std::uint8_t* w, int part) {
    return {vreinterpretq_s32_s8(vshrq_n_s8(vreinterpretq_s8_u8(vshlq_n_u8(vld1q_u8(w + 16 * part), 4)), 4))};
  }
  static DYADIC_INLINE i32v load_w4_high(const std::uint8_t* w, int part) {
    return {vreinterpretq_s32_s8(vshrq_n_s8(vreinterpretq_s8_u8(vld1q_u8(w + 16 * part)), 4))};
  }
};
