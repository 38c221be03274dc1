// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The 128-bit vocabulary that neon_i8mm and neon_dot share; included inside their regions.

inline constexpr int lanes = 4;
inline constexpr bool rounds_at_once = true;  // floats to integers, in one instruction

struct f32v {
  float32x4_t r;
};
struct i32v {
  int32x4_t r;
};
struct bytev {
  uint8x16_t r;
};

DYADIC_INLINE f32v load(const float* p) { return {vld1q_f32(p)}; }
DYADIC_INLINE void store(float* p, f32v v) { vst1q_f32(p, v.r); }
DYADIC_INLINE f32v set1(float x) { return {vdupq_n_f32(x)}; }
DYADIC_INLINE f32v add(f32v a, f32v b) { return {vaddq_f32(a.r, b.r)}; }
DYADIC_INLINE f32v sub(f32v a, f32v b) { return {vsubq_f32(a.r, b.r)}; }
DYADIC_INLINE f32v fma(f32v a, f32v b, f32v c) { return {vfmaq_f32(c.r, a.r, b.r)}; }
DYADIC_INLINE f32v mul(f32v a, f32v b) { return {vmulq_f32(a.r, b.r)}; }
DYADIC_INLINE f32v div(f32v a, f32v b) { return {vdivq_f32(a.r, b.r)}; }
// fmax would keep a NaN; a > b ? a : b is what every other instruction set does.
DYADIC_INLINE f32v max(f32v a, f32v b) { return {vbslq_f32(vcgtq_f32(a.r, b.r), a.r, b.r)}; }
DYADIC_INLINE f32v min(f32v a, f32v b) { return {vbslq_f32(vcltq_f32(a.r, b.r), a.r, b.r)}; }
DYADIC_INLINE f32v zero_where_not(uint32x4_t keep, f32v a) {
  return {vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(a.r), keep))};
}
DYADIC_INLINE f32v zero_unless_finite(f32v a) { return zero_where_not(vceqzq_f32(vsubq_f32(a.r, a.r)), a); }
DYADIC_INLINE f32v zero_if_nan(f32v a) { return zero_where_not(vceqq_f32(a.r, a.r), a); }

DYADIC_INLINE f32v magnitude(f32v a) { return {vabsq_f32(a.r)}; }
/// The least of all lanes, none of which is NaN.
DYADIC_INLINE float least_of(f32v a) { return vminvq_f32(a.r); }
/// The greatest of all lanes, none of which is NaN.
DYADIC_INLINE float greatest_of(f32v a) { return vmaxvq_f32(a.r); }
DYADIC_INLINE bool any_nan(f32v a) { return vminvq_u32(vceqq_f32(a.r, a.r)) == 0; }
/// A product that no compiler may fuse with what follows.
DYADIC_INLINE f32v apart(f32v v) {
  __asm__("" : "+w"(v.r));
  return v;
}
DYADIC_INLINE void stream(float* p, f32v v) { store(p, v); }
DYADIC_INLINE void stream_done() {}

DYADIC_INLINE i32v load(const std::int32_t* p) { return {vld1q_s32(p)}; }
DYADIC_INLINE void store(std::int32_t* p, i32v v) { vst1q_s32(p, v.r); }
DYADIC_INLINE i32v set1(std::int32_t x) { return {vdupq_n_s32(x)}; }
DYADIC_INLINE i32v apart(i32v v) {
  __asm__("" : "+w"(v.r));
  return v;
}
DYADIC_INLINE i32v add(i32v a, i32v b) { return {vaddq_s32(a.r, b.r)}; }
DYADIC_INLINE i32v sub(i32v a, i32v b) { return {vsubq_s32(a.r, b.r)}; }
DYADIC_INLINE i32v mul(i32v a, i32v b) { return {vmulq_s32(a.r, b.r)}; }
template <int Bits>
DYADIC_INLINE i32v shift_left(i32v a) {
  return {vshlq_s32(a.r, vdupq_n_s32(Bits))};
}
template <int Bits>
DYADIC_INLINE i32v shift_right(i32v a) {
  return {vshlq_s32(a.r, vdupq_n_s32(-Bits))};
}
/// (x * m + 2^(s - 1)) >> s with s in [31, 62] and m in [0, 2^31): below 2^31 in magnitude.
DYADIC_INLINE i32v multiply_shift(i32v x, i32v m, i32v s) {
  const int32x4_t left = vnegq_s32(s.r);
  const int64x2_t low = vmull_s32(vget_low_s32(x.r), vget_low_s32(m.r)), high = vmull_high_s32(x.r, m.r);
  return {vcombine_s32(vmovn_s64(vrshlq_s64(low, vmovl_s32(vget_low_s32(left)))),
                       vmovn_s64(vrshlq_s64(high, vmovl_high_s32(left))))};
}
/// a >> n, n in [0, 31].
DYADIC_INLINE i32v shift_right(i32v a, i32v n) { return {vshlq_s32(a.r, vnegq_s32(n.r))}; }
/// a where n is 0, b elsewhere.
DYADIC_INLINE i32v where_zero(i32v n, i32v a, i32v b) { return {vbslq_s32(vceqzq_s32(n.r), a.r, b.r)}; }
DYADIC_INLINE f32v where_zero(i32v n, f32v a, f32v b) { return {vbslq_f32(vceqzq_s32(n.r), a.r, b.r)}; }
DYADIC_INLINE i32v bits_of(f32v a) { return {vreinterpretq_s32_f32(a.r)}; }
DYADIC_INLINE i32v max_u32(i32v a, i32v b) {
  return {vreinterpretq_s32_u32(vmaxq_u32(vreinterpretq_u32_s32(a.r), vreinterpretq_u32_s32(b.r)))};
}
DYADIC_INLINE bool any_above_u32(i32v a, i32v limit) {
  return vmaxvq_u32(vcgtq_u32(vreinterpretq_u32_s32(a.r), vreinterpretq_u32_s32(limit.r))) != 0;
}
DYADIC_INLINE f32v to_float(i32v a) { return {vcvtq_f32_s32(a.r)}; }
DYADIC_INLINE i32v round_int(f32v a) { return {vcvtnq_s32_f32(a.r)}; }
/// The same for any float: beyond 2^22 a number beyond 2^22 on the same side, and NaN a negative one.
DYADIC_INLINE i32v round_any(f32v a) {
  return {vbslq_s32(vceqq_f32(a.r, a.r), vcvtnq_s32_f32(a.r), vdupq_n_s32(-0x7FFFFFFF - 1))};
}
/// Towards zero, inside int32.
DYADIC_INLINE i32v truncate(f32v a) { return {vcvtq_s32_f32(a.r)}; }
/// 1 where a < b, 0 elsewhere.
DYADIC_INLINE i32v less(f32v a, f32v b) {
  return {vreinterpretq_s32_u32(vshrq_n_u32(vcltq_f32(a.r, b.r), 31))};
}
DYADIC_INLINE i32v bytes_to_int(const std::uint8_t* p) {
  std::uint32_t four;
  __builtin_memcpy(&four, p, sizeof four);
  const uint8x8_t bytes = vreinterpret_u8_u32(vdup_n_u32(four));
  return {vreinterpretq_s32_u32(vmovl_u16(vget_low_u16(vmovl_u8(bytes))))};
}
DYADIC_INLINE i32v signed_bytes_to_int(const std::uint8_t* p) {
  std::uint32_t four;
  __builtin_memcpy(&four, p, sizeof four);
  return {vmovl_s16(vget_low_s16(vmovl_s8(vreinterpret_s8_u32(vdup_n_u32(four)))))};
}
DYADIC_INLINE i32v words_to_int(const std::uint8_t* p) {
  return {vreinterpretq_s32_u32(vmovl_u16(vreinterpret_u16_u8(vld1_u8(p))))};
}
DYADIC_INLINE i32v signed_words_to_int(const std::uint8_t* p) { return {vmovl_s16(vreinterpret_s16_u8(vld1_u8(p)))}; }
DYADIC_INLINE void store_low_words(std::uint8_t* p, i32v v) { vst1_u8(p, vreinterpret_u8_s16(vmovn_s32(v.r))); }
/// Four registers of numbers in [0, 255] as bytes, `offset` added to each modulo 256.
DYADIC_INLINE void store_four_bytes(std::uint8_t* p, const i32v (&v)[4], int offset) {
  const int16x8_t first = vcombine_s16(vmovn_s32(v[0].r), vmovn_s32(v[1].r));
  const int16x8_t last = vcombine_s16(vmovn_s32(v[2].r), vmovn_s32(v[3].r));
  const int8x16_t bytes = vcombine_s8(vmovn_s16(first), vmovn_s16(last));
  vst1q_s8(reinterpret_cast<std::int8_t*>(p), vaddq_s8(bytes, vdupq_n_s8(static_cast<std::int8_t>(offset))));
}
DYADIC_INLINE void store_low_bytes(std::uint8_t* p, i32v v) {
  const int16x4_t half = vmovn_s32(v.r);
  const std::uint32_t four = vget_lane_u32(vreinterpret_u32_s8(vmovn_s16(vcombine_s16(half, half))), 0);
  __builtin_memcpy(p, &four, sizeof four);
}

DYADIC_INLINE bytev load_bytes(const std::uint8_t* p) { return {vld1q_u8(p)}; }
DYADIC_INLINE void store_bytes(std::uint8_t* p, bytev v) { vst1q_u8(p, v.r); }
DYADIC_INLINE bytev max_u8(bytev a, bytev b) { return {vmaxq_u8(a.r, b.r)}; }
DYADIC_INLINE bytev flip(bytev a, int bits) { return {veorq_u8(a.r, vdupq_n_u8(static_cast<std::uint8_t>(bits)))}; }
DYADIC_INLINE bytev flip_sign(bytev a) { return flip(a, 128); }

DYADIC_INLINE void store_quad_sums(std::int32_t* p, bytev v) {
  vst1q_s32(p, vreinterpretq_s32_u32(vpaddlq_u16(vpaddlq_u8(v.r))));
}

/// The low four bits of 16 bytes in 8, the first of two in the low half; and back, above them zeros.
DYADIC_INLINE void store_nibbles(std::uint8_t* p, bytev v) {
  const uint8x8_t first = vget_low_u8(vuzp1q_u8(v.r, v.r)), second = vget_low_u8(vuzp2q_u8(v.r, v.r));
  vst1_u8(p, vsli_n_u8(vand_u8(first, vdup_n_u8(15)), second, 4));
}
DYADIC_INLINE bytev load_nibbles(const std::uint8_t* p) {
  const uint8x8_t both = vld1_u8(p);
  const uint8x8x2_t codes = vzip_u8(vand_u8(both, vdup_n_u8(15)), vshr_n_u8(both, 4));
  return {vcombine_u8(codes.val[0], codes.val[1])};
}

#include <dyadic/simd/parts.inl.hpp>
