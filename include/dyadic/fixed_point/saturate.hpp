// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Narrowing that stops at the ends instead of wrapping, and the one conversion from floating point to integers.
//
// A cast from float to int is undefined when the value does not fit, and what it then does differs between processors.
// Here the cast stands behind a comparison with a power of two: powers of two are exact in every format, while an end
// such as INT32_MAX is not a float.
#pragma once

#include <concepts>
#include <limits>
#include <type_traits>
#include <utility>

#include <dyadic/fixed_point/rounding.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The nearest integer of type To.
template <std::integral To, std::integral From>
constexpr To saturate(From x) noexcept {
  if (std::cmp_less(x, (std::numeric_limits<To>::min)())) return (std::numeric_limits<To>::min)();
  if (std::cmp_greater(x, (std::numeric_limits<To>::max)())) return (std::numeric_limits<To>::max)();
  return static_cast<To>(x);
}

/// x held inside [lo, hi], lo <= hi. A NaN stays NaN.
template <class T>
constexpr T clamp(T x, std::type_identity_t<T> lo, std::type_identity_t<T> hi) noexcept {
  return x < lo ? lo : hi < x ? hi : x;
}

/// x cut towards zero and held inside [lo, hi], exactly, for every x.
///
/// \param x         float or double; infinities give the ends.
/// \param lo, hi    lo <= hi, anywhere in Int, whether floating point can represent them or not.
/// \param when_nan  the answer for NaN.
template <std::integral Int, std::floating_point Float>
constexpr Int to_integer(Float x, Int lo, std::type_identity_t<Int> hi, std::type_identity_t<Int> when_nan) noexcept {
  // Int holds [-2^digits, 2^digits) when signed and [0, 2^digits) when not; so x outside gives an end.
  constexpr Float above = static_cast<Float>(1ULL << (std::numeric_limits<Int>::digits - 1)) * Float{2};
  constexpr Float lowest = std::is_signed_v<Int> ? -above : Float{0};
  if (x != x) return when_nan;
  if (x >= above) return hi;
  if (x < lowest) return lo;
  return clamp(static_cast<Int>(x), lo, hi);
}

/// x rounded and held inside [lo, hi], exactly, for every x; the other arguments are those of to_integer.
template <rounding R, std::integral Int, std::floating_point Float>
constexpr Int round_to_integer(Float x, Int lo, std::type_identity_t<Int> hi,
                               std::type_identity_t<Int> when_nan) noexcept {
  return to_integer<Int>(round<R>(x), lo, hi, when_nan);
}

/// The same with a rounding that is known at run time.
template <std::integral Int, std::floating_point Float>
constexpr Int round_to_integer(rounding r, Float x, Int lo, std::type_identity_t<Int> hi,
                               std::type_identity_t<Int> when_nan) noexcept {
  return to_integer<Int>(round(r, x), lo, hi, when_nan);
}

}  // namespace dyadic::inline DYADIC_ABI
