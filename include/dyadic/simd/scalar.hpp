// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The registers of scalar: plain C++ for any processor, four lanes a "register" so that compilers may vectorise it.
#pragma once

#include <cmath>

#include <dyadic/fixed_point/rounding.hpp>
#include <dyadic/simd/cpu.hpp>
#include <dyadic/simd/region.hpp>

namespace dyadic::inline DYADIC_ABI::simd::scalar {

inline constexpr int lanes = 4;

struct f32v {
  float r[lanes];
};
struct i32v {
  std::int32_t r[lanes];
};
struct bytev {
  std::uint8_t r[16];
};

// One loop over the lanes, written once; unsigned where a sum may wrap.
template <class V, class F>
DYADIC_INLINE V each(F f) {
  V v;
  for (int i = 0; i < lanes; ++i) v.r[i] = f(i);
  return v;
}

inline f32v load(const float* p) {
  return each<f32v>([=](int i) { return p[i]; });
}
inline void store(float* p, f32v v) {
  for (int i = 0; i < lanes; ++i) p[i] = v.r[i];
}
inline f32v set1(float x) {
  return each<f32v>([=](int) { return x; });
}
inline f32v fma(f32v a, f32v b, f32v c) {
  return each<f32v>([=](int i) { return std::fma(a.r[i], b.r[i], c.r[i]); });
}
inline f32v sub(f32v a, f32v b) {
  return each<f32v>([=](int i) { return a.r[i] - b.r[i]; });
}
inline f32v mul(f32v a, f32v b) {
  return each<f32v>([=](int i) { return a.r[i] * b.r[i]; });
}
inline f32v div(f32v a, f32v b) {
  return each<f32v>([=](int i) { return a.r[i] / b.r[i]; });
}
inline f32v max(f32v a, f32v b) {
  return each<f32v>([=](int i) { return a.r[i] > b.r[i] ? a.r[i] : b.r[i]; });
}
inline f32v min(f32v a, f32v b) {
  return each<f32v>([=](int i) { return a.r[i] < b.r[i] ? a.r[i] : b.r[i]; });
}
inline f32v zero_unless_finite(f32v a) {
  return each<f32v>([=](int i) { return a.r[i] - a.r[i] == 0.0f ? a.r[i] : 0.0f; });
}
inline f32v zero_if_nan(f32v a) {
  return each<f32v>([=](int i) { return a.r[i] == a.r[i] ? a.r[i] : 0.0f; });
}

inline i32v load(const std::int32_t* p) {
  return each<i32v>([=](int i) { return p[i]; });
}
inline void store(std::int32_t* p, i32v v) {
  for (int i = 0; i < lanes; ++i) p[i] = v.r[i];
}
inline i32v set1(std::int32_t x) {
  return each<i32v>([=](int) { return x; });
}
constexpr std::int32_t wrap(std::uint32_t x) { return static_cast<std::int32_t>(x); }
constexpr std::uint32_t bits(std::int32_t x) { return static_cast<std::uint32_t>(x); }
inline i32v add(i32v a, i32v b) {
  return each<i32v>([=](int i) { return wrap(bits(a.r[i]) + bits(b.r[i])); });
}
inline i32v sub(i32v a, i32v b) {
  return each<i32v>([=](int i) { return wrap(bits(a.r[i]) - bits(b.r[i])); });
}
inline i32v mul(i32v a, i32v b) {
  return each<i32v>([=](int i) { return wrap(bits(a.r[i]) * bits(b.r[i])); });
}
template <int Bits>
i32v shift_left(i32v a) {
  return each<i32v>([=](int i) { return wrap(bits(a.r[i]) << Bits); });
}
template <int Bits>
i32v shift_right(i32v a) {
  return each<i32v>([=](int i) { return a.r[i] >> Bits; });
}
inline f32v to_float(i32v a) {
  return each<f32v>([=](int i) { return static_cast<float>(a.r[i]); });
}
inline i32v round_int(f32v a) {
  return each<i32v>([=](int i) { return static_cast<std::int32_t>(round<rounding::half_even>(a.r[i])); });
}
inline i32v bytes_to_int(const std::uint8_t* p) {
  return each<i32v>([=](int i) { return static_cast<std::int32_t>(p[i]); });
}
inline void store_low_bytes(std::uint8_t* p, i32v v) {
  for (int i = 0; i < lanes; ++i) p[i] = static_cast<std::uint8_t>(v.r[i] & 255);
}

inline bytev load_bytes(const std::uint8_t* p) {
  bytev v;
  for (int i = 0; i < 16; ++i) v.r[i] = p[i];
  return v;
}
inline void store_bytes(std::uint8_t* p, bytev v) {
  for (int i = 0; i < 16; ++i) p[i] = v.r[i];
}
inline bytev max_u8(bytev a, bytev b) {
  for (int i = 0; i < 16; ++i) a.r[i] = a.r[i] > b.r[i] ? a.r[i] : b.r[i];
  return a;
}
inline bytev flip_sign(bytev a) {
  for (int i = 0; i < 16; ++i) a.r[i] = static_cast<std::uint8_t>(a.r[i] ^ 128);
  return a;
}
inline void store_quad_sums(std::int32_t* p, bytev v) {
  for (int i = 0; i < 4; ++i) p[i] = v.r[4 * i] + v.r[4 * i + 1] + v.r[4 * i + 2] + v.r[4 * i + 3];
}

#include <dyadic/simd/parts.inl.hpp>

struct isa {
  static constexpr const char* name = "scalar";
  static constexpr bool supported(const cpu_features&) noexcept { return true; }
};

}  // namespace dyadic::inline DYADIC_ABI::simd::scalar
