// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The three roundings of a tie, by name: of floating-point numbers, of shifted and of divided integers.
//
//              -2.5  -1.5  -0.5   0.5   1.5   2.5
//   half_even   -2    -2     0     0     2     2     ONNX, PyTorch, TensorRT; the default everywhere here
//   half_away   -3    -2    -1     1     2     3     std::round, TensorFlow Lite's float quantization, ggml
//   half_up     -2    -1     0     1     2     3     floor(x + 1/2) with an exact sum: single-rounding requantization
//
// Nothing here reads the processor's rounding mode or its flush-to-zero bits, and everything is usable in a constant
// expression: each step is exact, so there is nothing to round. (std::rint follows the mode.)
#pragma once

#include <concepts>
#include <limits>
#include <type_traits>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Where a number exactly between two integers goes. Any other number goes to the nearest integer.
enum class rounding : unsigned char {
  half_even,  ///< to the even one
  half_away,  ///< to the one farther from zero
  half_up,    ///< to the greater one
};

namespace detail {

/// Whether a number that was cut towards zero goes one step back out.
/// \param over      sign of (what was cut off - one half), both taken without sign.
/// \param odd       the number that is left is odd.
/// \param negative  what was cut off was negative.
template <rounding R>
constexpr bool steps_out(int over, bool odd, bool negative) noexcept {
  if (over != 0) return over > 0;
  switch (R) {
    case rounding::half_away: return true;
    case rounding::half_up: return !negative;
    default: return odd;
  }
}

template <rounding R, class Float, class Int>
constexpr Float round_float(Float x) noexcept {
  // From 2^23 (2^52) on every float (double) is an integer. NaN fails the test too and is returned.
  constexpr Float limit = static_cast<Float>(Int{1} << (std::numeric_limits<Float>::digits - 1));
  if (!(x > -limit && x < limit)) return x;
  const Int whole = static_cast<Int>(x);
  // Exact: both have the same sign and the difference needs no more bits than x has.
  const Float cut = x - static_cast<Float>(whole);
  // No branch: whether a number is past a tie is as good as random.
  constexpr Float half = Float{0.5};
  const bool odd = whole % 2 != 0, ties_up = R != rounding::half_even || odd,
             ties_down = R == rounding::half_even ? odd : R == rounding::half_away;
  const int up = static_cast<int>(cut > half) | (static_cast<int>(cut == half) & static_cast<int>(ties_up));
  const int down = static_cast<int>(cut < -half) | (static_cast<int>(cut == -half) & static_cast<int>(ties_down));
  const Int out = up - down;
  const Float rounded = static_cast<Float>(whole + out);
  if constexpr (std::is_same_v<Float, float>)
    return __builtin_copysignf(rounded, x);
  else
    return __builtin_copysign(rounded, x);
}

}  // namespace detail

/// x rounded to an integral value. Exact for every x: infinities and numbers too large to have a fraction are returned
/// as they are, NaN stays NaN, and a zero result keeps the sign of x.
template <rounding R>
constexpr float round(float x) noexcept {
  return detail::round_float<R, float, std::int32_t>(x);
}
template <rounding R>
constexpr double round(double x) noexcept {
  return detail::round_float<R, double, std::int64_t>(x);
}

/// The same with a rounding that is known at run time.
template <std::floating_point Float>
constexpr Float round(rounding r, Float x) noexcept {
  switch (r) {
    case rounding::half_away: return round<rounding::half_away>(x);
    case rounding::half_up: return round<rounding::half_up>(x);
    default: return round<rounding::half_even>(x);
  }
}

/// x / 2^n rounded; exact for every x, the extremes included (no bias is added that could overflow).
/// \param x  int32 or int64.
/// \param n  0 to the number of bits of x less 1.
template <rounding R, class Int>
constexpr Int shift_right(Int x, int n) noexcept {
  static_assert(std::is_same_v<Int, std::int32_t> || std::is_same_v<Int, std::int64_t>, "shift_right: int32 or int64");
  using Bits = std::make_unsigned_t<Int>;
  if (n == 0) return x;
  const Int floor = x >> n;
  const Bits half = Bits{1} << (n - 1);
  const Bits above_floor = static_cast<Bits>(x) & (half + (half - 1));
  // When a tie goes down: half_even, if the floor is even; half_away, if x < 0, where down is out; half_up, never.
  const bool tie_stays = R == rounding::half_even ? (floor & 1) == 0 : R == rounding::half_away ? x < 0 : false;
  return static_cast<Int>(floor + (above_floor >= half + (tie_stays ? 1U : 0U) ? 1 : 0));
}

/// numerator / denominator rounded, in integers: the mean of an average pool.
/// \param denominator  > 0.
template <rounding R>
constexpr std::int64_t divide(std::int64_t numerator, std::int64_t denominator) noexcept {
  const std::int64_t whole = numerator / denominator;
  const std::int64_t cut = numerator % denominator;
  const std::int64_t size = cut < 0 ? -cut : cut;
  const std::int64_t rest = denominator - size;  // size > rest is 2 * size > denominator, without the overflow
  const int over = size > rest ? 1 : size == rest ? 0 : -1;
  return whole + (detail::steps_out<R>(over, whole % 2 != 0, cut < 0) ? (cut < 0 ? -1 : 1) : 0);
}

}  // namespace dyadic::inline DYADIC_ABI
