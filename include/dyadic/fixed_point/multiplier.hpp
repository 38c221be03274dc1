// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// multiplier: the dyadic rational mantissa * 2^(exponent - 31) by which integers are rescaled without floating point.
//
// A sum of products has the scale s_x * s_w, its output the scale s_y: the sum is multiplied by s_x * s_w / s_y. Two
// roundings of that product are in use, and they differ in the last bit now and then (rescale names them). Sources:
//   tflite/kernels/internal/quantization_util.cc  QuantizeMultiplier
//   tflite/kernels/internal/common.cc             MultiplyByQuantizedMultiplier, TFLITE_SINGLE_ROUNDING set or not
//   gemmlowp/fixedpoint/fixedpoint.h              SaturatingRoundingDoublingHighMul, RoundingDivideByPOT
#pragma once

#include <bit>

#include <dyadic/core/result.hpp>
#include <dyadic/fixed_point/saturate.hpp>

namespace dyadic::inline DYADIC_ABI {

/// value = mantissa * 2^(exponent - 31); the mantissa is in [2^30, 2^31 - 1], so exponent is the one frexp gives. Zero
/// is {0, 0}.
struct multiplier {
  std::int32_t mantissa = 0;
  int exponent = 0;

  static constexpr int min_exponent = -31, max_exponent = 30;

  friend constexpr bool operator==(const multiplier&, const multiplier&) = default;

  /// What apply() needs, and what every multiplier made by try_multiplier_from has.
  constexpr bool valid() const noexcept {
    if (mantissa == 0) return exponent == 0;
    return mantissa >= (1 << 30) && exponent >= min_exponent && exponent <= max_exponent;
  }
};

namespace detail {

/// The nearest multiplier of a finite real >= 0, whose exponent may then exceed max_exponent.
constexpr multiplier nearest_multiplier(double real) noexcept {
  const auto bits = std::bit_cast<std::uint64_t>(real);
  const int biased = static_cast<int>(bits >> 52) & 0x7FF;
  if (biased == 0) return {};  // zero, and subnormals, which are far below the smallest multiplier
  // real = significand * 2^(exponent - 53), significand in [2^52, 2^53): 22 bits more than the mantissa has.
  const auto significand = static_cast<std::int64_t>((bits & ((1ULL << 52) - 1)) | (1ULL << 52));
  int exponent = biased - 1022;
  std::int64_t mantissa = shift_right<rounding::half_away>(significand, 22);
  if (mantissa == 1LL << 31) {
    mantissa = 1LL << 30;
    ++exponent;
  }
  if (exponent < multiplier::min_exponent) return {};
  return {static_cast<std::int32_t>(mantissa), exponent};
}

}  // namespace detail

/// The multiplier nearest to a real number, ties away from zero; reals below 2^-32 become zero (QuantizeMultiplier).
/// \param real  finite, >= 0, and less than 2^30 after rounding to 31 bits; else errc::invalid_scale. TensorFlow Lite
///              lets larger ones pass, and its shifts then overflow.
inline result<multiplier> try_multiplier_from(double real) noexcept {
  if (!(real >= 0.0 && real <= (std::numeric_limits<double>::max)()))
    return failure(errc::invalid_scale, "multiplier: {} given, expected a finite number >= 0", real);
  const multiplier m = detail::nearest_multiplier(real);
  if (m.exponent > multiplier::max_exponent)
    return failure(errc::invalid_scale, "multiplier: {} given, expected less than 2^{} = {}", real,
                   multiplier::max_exponent, 1LL << multiplier::max_exponent);
  return m;
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where try_multiplier_from refuses.
inline multiplier multiplier_from(double real) { return try_multiplier_from(real).value(); }
#endif

/// The real number a valid multiplier stands for, exactly.
constexpr double to_double(multiplier m) noexcept {
  const auto power = std::bit_cast<double>(static_cast<std::uint64_t>(1023 + m.exponent - 31) << 52);
  return static_cast<double>(m.mantissa) * power;
}

/// a * b / 2^31 rounded half up, the instruction SQRDMULH; only INT32_MIN * INT32_MIN does not fit, and saturates.
/// gemmlowp writes it as a nudge and a truncating division, which is the same function.
constexpr std::int32_t saturating_rounding_doubling_high_multiply(std::int32_t a, std::int32_t b) noexcept {
  return saturate<std::int32_t>(shift_right<rounding::half_up>(std::int64_t{a} * std::int64_t{b}, 31));
}

/// x / 2^n rounded half away from zero; n in [0, 31].
constexpr std::int32_t rounding_divide_by_power_of_two(std::int32_t x, int n) noexcept {
  return shift_right<rounding::half_away>(x, n);
}

/// How often a rescaled integer is rounded.
enum class rescale : unsigned char {
  double_rounding,  ///< after the multiplication and again after the shift: TensorFlow Lite's default, CMSIS-NN
  single_rounding,  ///< once, half up: TFLITE_SINGLE_ROUNDING, XNNPACK's rndnu, ruy
};

/// x * m rounded to an int32, saturating. m is valid().
///
/// double_rounding: RoundingDivideByPOT(SaturatingRoundingDoublingHighMul(x << left, mantissa), right), where left is
/// the exponent or 0 and right is minus the exponent or 0. TensorFlow Lite shifts x in 32 bits and overflows there,
/// even for a multiplier of 1 and x = 2^30. Here the product is shifted less instead, which is the same number wherever
/// TensorFlow Lite has one, and the result saturates where it has none.
///
/// single_rounding: (x * mantissa + 2^(30 - exponent)) >> (31 - exponent). TensorFlow Lite asserts that the result fits
/// an int32; here it saturates. For exponents >= 0 the two are one function.
template <rescale R>
constexpr std::int32_t apply(multiplier m, std::int32_t x) noexcept {
  const std::int64_t product = std::int64_t{x} * std::int64_t{m.mantissa};  // less than 2^62 without sign
  const int right = R == rescale::double_rounding && m.exponent < 0 ? -m.exponent : 0;
  const std::int64_t high = shift_right<rounding::half_up>(product, 31 - m.exponent - right);  // by 1 to 62
  return rounding_divide_by_power_of_two(saturate<std::int32_t>(high), right);
}

/// The same with a rounding that is known at run time.
constexpr std::int32_t apply(rescale r, multiplier m, std::int32_t x) noexcept {
  return r == rescale::double_rounding ? apply<rescale::double_rounding>(m, x) : apply<rescale::single_rounding>(m, x);
}

}  // namespace dyadic::inline DYADIC_ABI
