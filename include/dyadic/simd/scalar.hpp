// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The registers of scalar: plain C++ for any processor, four lanes a "register" so that compilers may vectorise it.
#pragma once

#include <bit>
#include <cmath>

#include <dyadic/fixed_point/saturate.hpp>
#include <dyadic/scheme/opaque.hpp>
#include <dyadic/simd/cpu.hpp>
#include <dyadic/simd/region.hpp>

namespace dyadic::inline DYADIC_ABI::simd::scalar {

inline constexpr int lanes = 4;
inline constexpr bool rounds_at_once = false;  // floats to integers, in one instruction

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
inline f32v add(f32v a, f32v b) {
  return each<f32v>([=](int i) { return a.r[i] + b.r[i]; });
}
inline f32v sub(f32v a, f32v b) {
  return each<f32v>([=](int i) { return a.r[i] - b.r[i]; });
}
inline f32v mul(f32v a, f32v b) {
  return each<f32v>([=](int i) { return a.r[i] * b.r[i]; });
}
/// By zero, too, as registers do.
__attribute__((no_sanitize("float-divide-by-zero"))) inline f32v div(f32v a, f32v b) {
  for (int i = 0; i < lanes; ++i) a.r[i] /= b.r[i];
  return a;
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

inline f32v magnitude(f32v a) {
  return each<f32v>([=](int i) { return __builtin_fabsf(a.r[i]); });
}
inline bool any_nan(f32v a) {
  bool any = false;
  for (int i = 0; i < lanes; ++i) any = any || a.r[i] != a.r[i];
  return any;
}
/// A product that no compiler may fuse with what follows.
inline f32v apart(f32v v) {
  for (int i = 0; i < lanes; ++i) v.r[i] = dyadic::detail::opaque(v.r[i]);
  return v;
}
inline void stream(float* p, f32v v) { store(p, v); }
inline void stream_done() {}

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
/// (x * m + 2^(s - 1)) >> s with s in [31, 62] and m in [0, 2^31): below 2^31 in magnitude.
inline i32v multiply_shift(i32v x, i32v m, i32v s) {
  return each<i32v>([=](int i) {
    const std::int64_t product = std::int64_t{x.r[i]} * m.r[i];
    return static_cast<std::int32_t>((product + (std::int64_t{1} << (s.r[i] - 1))) >> s.r[i]);
  });
}
/// a >> n, n in [0, 31].
inline i32v shift_right(i32v a, i32v n) {
  return each<i32v>([=](int i) { return a.r[i] >> n.r[i]; });
}
/// a where n is 0, b elsewhere.
inline i32v where_zero(i32v n, i32v a, i32v b) {
  return each<i32v>([=](int i) { return n.r[i] == 0 ? a.r[i] : b.r[i]; });
}
inline f32v where_zero(i32v n, f32v a, f32v b) {
  return each<f32v>([=](int i) { return n.r[i] == 0 ? a.r[i] : b.r[i]; });
}
inline i32v bits_of(f32v a) {
  return each<i32v>([=](int i) { return std::bit_cast<std::int32_t>(a.r[i]); });
}
inline i32v max_u32(i32v a, i32v b) {
  return each<i32v>([=](int i) { return bits(a.r[i]) > bits(b.r[i]) ? a.r[i] : b.r[i]; });
}
inline bool any_above_u32(i32v a, i32v limit) {
  bool any = false;
  for (int i = 0; i < lanes; ++i) any = any || bits(a.r[i]) > bits(limit.r[i]);
  return any;
}
inline f32v to_float(i32v a) {
  return each<f32v>([=](int i) { return static_cast<float>(a.r[i]); });
}
inline i32v round_int(f32v a) {
  return each<i32v>([=](int i) { return static_cast<std::int32_t>(round<rounding::half_even>(a.r[i])); });
}
/// The same for any float: beyond 2^22 a number beyond 2^22 on the same side, and NaN a negative one.
///
/// Adding 1.5 * 2^23 rounds a float of magnitude up to 2^22 and leaves the integer in the low bits.
inline i32v round_any(f32v a) {
  constexpr float most = 0x1p22f, magic = 0x1.8p23f;
  return each<i32v>([=](int i) {
    float x = a.r[i] > -most ? a.r[i] : -most;
    x = x < most ? x : most;
    return std::bit_cast<std::int32_t>(x + magic) - std::bit_cast<std::int32_t>(magic);
  });
}
/// Towards zero, inside int32.
inline i32v truncate(f32v a) {
  return each<i32v>([=](int i) { return static_cast<std::int32_t>(a.r[i]); });
}
/// 1 where a < b, 0 elsewhere.
inline i32v less(f32v a, f32v b) {
  return each<i32v>([=](int i) { return a.r[i] < b.r[i] ? 1 : 0; });
}
inline i32v bytes_to_int(const std::uint8_t* p) {
  return each<i32v>([=](int i) { return static_cast<std::int32_t>(p[i]); });
}
inline i32v signed_bytes_to_int(const std::uint8_t* p) {
  return each<i32v>([=](int i) { return static_cast<std::int32_t>(static_cast<std::int8_t>(p[i])); });
}
inline i32v words_to_int(const std::uint8_t* p) {
  return each<i32v>([=](int i) {
    std::uint16_t word;
    __builtin_memcpy(&word, p + 2 * i, sizeof word);
    return static_cast<std::int32_t>(word);
  });
}
inline i32v signed_words_to_int(const std::uint8_t* p) {
  return each<i32v>([=](int i) {
    std::int16_t word;
    __builtin_memcpy(&word, p + 2 * i, sizeof word);
    return static_cast<std::int32_t>(word);
  });
}
inline void store_low_words(std::uint8_t* p, i32v v) {
  for (int i = 0; i < lanes; ++i) {
    const auto word = static_cast<std::uint16_t>(v.r[i] & 0xFFFF);
    __builtin_memcpy(p + 2 * i, &word, sizeof word);
  }
}
/// Four registers of numbers in [0, 255] as bytes, `offset` added to each modulo 256.
inline void store_four_bytes(std::uint8_t* p, const i32v (&v)[4], int offset) {
  for (int i = 0; i < 4 * lanes; ++i)
    p[i] = static_cast<std::uint8_t>((v[i / lanes].r[i % lanes] + offset) & 255);
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
inline bytev flip(bytev a, int bits) {
  for (int i = 0; i < 16; ++i) a.r[i] = static_cast<std::uint8_t>(a.r[i] ^ bits);
  return a;
}
inline bytev flip_sign(bytev a) { return flip(a, 128); }
inline void store_quad_sums(std::int32_t* p, bytev v) {
  for (int i = 0; i < 4; ++i) p[i] = v.r[4 * i] + v.r[4 * i + 1] + v.r[4 * i + 2] + v.r[4 * i + 3];
}

/// The low four bits of 16 bytes in 8, the first of two in the low half; and back, above them zeros.
inline void store_nibbles(std::uint8_t* p, bytev v) {
  for (int i = 0; i < 8; ++i) p[i] = static_cast<std::uint8_t>((v.r[2 * i] & 15) | (v.r[2 * i + 1] & 15) << 4);
}
inline bytev load_nibbles(const std::uint8_t* p) {
  bytev v;
  for (int i = 0; i < 16; ++i) v.r[i] = static_cast<std::uint8_t>(p[i / 2] >> (4 * (i % 2)) & 15);
  return v;
}

#include <dyadic/simd/parts.inl.hpp>

struct isa {
  static constexpr const char* name = "scalar";
  static constexpr bool supported(const cpu_features&) noexcept { return true; }
};

}  // namespace dyadic::inline DYADIC_ABI::simd::scalar
