// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// half and bfloat16: 16-bit floating-point storage, converted to and from float in integer arithmetic.
//
//              sign  exponent  fraction   largest finite   smallest > 0
//   half         1       5        10          65504           2^-24       IEEE 754 binary16
//   bfloat16     1       8         7        3.3895e38         2^-133      the upper half of a float
//
// Narrowing rounds to nearest even, subnormals included; what is too large becomes an infinity and NaN becomes a quiet
// NaN with the upper bits of its payload. On every number these are the bits of the F16C and NEON conversion
// instructions in their default environment; here the environment does not matter.
#pragma once

#include <bit>

#include <dyadic/fixed_point/rounding.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Equality is that of the bits: a NaN equals itself, and the two zeros differ.
struct half {
  std::uint16_t bits = 0;
  friend constexpr bool operator==(half, half) = default;
};
struct bfloat16 {
  std::uint16_t bits = 0;
  friend constexpr bool operator==(bfloat16, bfloat16) = default;
};

/// The same number as a float; exact. A signaling NaN becomes quiet.
constexpr float to_float(half h) noexcept {
  const std::uint32_t sign = (h.bits & 0x8000U) << 16;
  const std::uint32_t rest = h.bits & 0x7FFFU;
  const std::uint32_t fraction = rest & 0x3FFU;
  if (rest >= 0x7C00U)
    return std::bit_cast<float>(sign | 0x7F800000U | (fraction != 0 ? 0x400000U : 0U) | fraction << 13);
  if (rest >= 0x400U) return std::bit_cast<float>(sign | (rest + (112U << 10)) << 13);  // exponent bias 15 -> 127
  if (rest == 0) return std::bit_cast<float>(sign);
  // fraction * 2^-24, moved left until its leading bit, 31 - zeros, is the hidden bit 23; 134 = 127 - 24 + 31.
  const auto zeros = static_cast<std::uint32_t>(std::countl_zero(fraction));
  return std::bit_cast<float>(sign | (134U - zeros) << 23 | ((fraction << (zeros - 8)) & 0x7FFFFFU));
}
constexpr float to_float(bfloat16 b) noexcept {
  const std::uint32_t bits = static_cast<std::uint32_t>(b.bits) << 16;
  return std::bit_cast<float>((bits & 0x7FFFFFFFU) > 0x7F800000U ? bits | 0x400000U : bits);
}

namespace detail {

/// The bits of the nearest half, of the bits of a float; both without sign.
constexpr std::uint32_t half_bits_from(std::uint32_t bits) noexcept {
  if (bits > 0x7F800000U) return 0x7E00U | (bits >> 13 & 0x3FFU);
  if (bits >= 0x477FF000U) return 0x7C00U;
  if (bits >= 0x38800000U)  // normal, from 2^-14 on: exponent bias 127 -> 15, and a carry out of the fraction moves it
    return static_cast<std::uint32_t>(
        shift_right<rounding::half_even>(static_cast<std::int32_t>(bits - (112U << 23)), 13));
  // Subnormal, in units of 2^-24. x is significand * 2^(exponent - 150); a shift by 31 makes any significand zero.
  const auto significand = static_cast<std::int32_t>((bits & 0x7FFFFFU) | 0x800000U);
  const int shift = 126 - static_cast<int>(bits >> 23);
  return static_cast<std::uint32_t>(shift_right<rounding::half_even>(significand, shift < 31 ? shift : 31));
}

/// The bits of the nearest bfloat16, likewise: a carry moves the exponent, up to infinity.
constexpr std::uint32_t bfloat16_bits_from(std::uint32_t bits) noexcept {
  if (bits > 0x7F800000U) return bits >> 16 | 0x40U;
  return static_cast<std::uint32_t>(shift_right<rounding::half_even>(static_cast<std::int32_t>(bits), 16));
}

}  // namespace detail

/// The nearest half; from 65520, halfway between the largest half and 2^16, an infinity.
constexpr half half_from(float x) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return {static_cast<std::uint16_t>((bits & 0x80000000U) >> 16 | detail::half_bits_from(bits & 0x7FFFFFFFU))};
}

/// The nearest bfloat16.
constexpr bfloat16 bfloat16_from(float x) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  return {static_cast<std::uint16_t>((bits & 0x80000000U) >> 16 | detail::bfloat16_bits_from(bits & 0x7FFFFFFFU))};
}

}  // namespace dyadic::inline DYADIC_ABI
