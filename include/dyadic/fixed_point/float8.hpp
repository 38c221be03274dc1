// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The four 8-bit floating-point formats of ONNX, converted to and from float in integer arithmetic.
//
//                    sign exponent fraction  bias   largest   smallest > 0   not numbers
//   float8_e4m3fn      1      4        3       7      448        2^-9        NaN 0x7F, 0xFF; no infinity
//   float8_e5m2        1      5        2      15    57344        2^-16       infinity 0x7C, 0xFC; NaN above them
//   float8_e4m3fnuz    1      4        3       8      240        2^-10       NaN 0x80; no infinity, no -0
//   float8_e5m2fnuz    1      5        2      16    57344        2^-17       NaN 0x80; no infinity, no -0
//
// The first two are those of the OCP 8-bit floating point specification. A tie goes to the even code.
#pragma once

#include <dyadic/fixed_point/small_float.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Equality is that of the bits: a NaN equals itself, and the two zeros differ.
struct float8_e4m3fn {
  using format = detail::small_float<4, 3, 7, detail::specials::nan>;
  std::uint8_t bits = 0;
  friend constexpr bool operator==(float8_e4m3fn, float8_e4m3fn) = default;
};
struct float8_e5m2 {
  using format = detail::small_float<5, 2, 15, detail::specials::infinity_and_nan>;
  std::uint8_t bits = 0;
  friend constexpr bool operator==(float8_e5m2, float8_e5m2) = default;
};
struct float8_e4m3fnuz {
  using format = detail::small_float<4, 3, 8, detail::specials::unsigned_nan>;
  std::uint8_t bits = 0;
  friend constexpr bool operator==(float8_e4m3fnuz, float8_e4m3fnuz) = default;
};
struct float8_e5m2fnuz {
  using format = detail::small_float<5, 2, 16, detail::specials::unsigned_nan>;
  std::uint8_t bits = 0;
  friend constexpr bool operator==(float8_e5m2fnuz, float8_e5m2fnuz) = default;
};

/// The same number as a float; exact. NaN becomes a quiet NaN of the same sign.
template <class Small>
  requires requires { typename Small::format; }
constexpr float to_float(Small x) noexcept { return Small::format::to_float(x.bits); }

/// The nearest number of a format: small_float_from<float8_e4m3fn>(x).
/// \param rule  what becomes of infinities and of numbers that round to more than the largest one.
/// \see   ONNX Cast-25, whose tables and node tests this follows; NaN keeps its sign where the format has two.
template <class Small>
constexpr Small small_float_from(float x, overflow rule = overflow::saturate) noexcept {
  return {static_cast<std::uint8_t>(Small::format::from_float(x, rule))};
}

}  // namespace dyadic::inline DYADIC_ABI
