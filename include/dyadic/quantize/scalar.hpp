// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// quantize_one and dequantize_one: the normative definitions. Every other quantizer of the library gives these bits.
#pragma once

#include <dyadic/fixed_point/saturate.hpp>
#include <dyadic/scheme/opaque.hpp>
#include <dyadic/scheme/profile.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The code of a real: saturate(round(x / scale) + zero_point), or what profile P says in its place.
///
/// The quotient, the product with the reciprocal, and a zero point added before rounding are each rounded to float in
/// the default floating-point environment; nothing else rounds, and nothing overflows.
/// \param x           NaN -> zero_point; infinities and whatever is out of range -> the nearer of qmin and qmax.
/// \param scale       in [2^-126, 2^126], as params<S> guarantees.
/// \param zero_point  in [qmin, qmax], which lie in [-32768, 65535].
/// \see   ONNX QuantizeLinear-25; Jacob et al. 2018, eq. 1.
template <profile P = onnx_profile>
constexpr int quantize_one(float x, float scale, int zero_point, int qmin, int qmax) noexcept {
  const float units = P.units == scaling::divide ? x / scale : detail::opaque(x * (1.0f / scale));
  if constexpr (P.zero_point == zero_point_added::after_rounding)
    return zero_point + round_to_integer<P.ties>(units, qmin - zero_point, qmax - zero_point, 0);
  else
    return round_to_integer<P.ties>(units + static_cast<float>(zero_point), qmin, qmax, zero_point);
}

/// The code of an integer sum: saturate(round(sum * multiplier) + zero_point), or with the zero point added before
/// rounding, as P says. The sum and the product are each rounded to float; P.units means nothing here.
/// \param multiplier  x_scale * w_scale / y_scale, finite and > 0.
/// \see   ONNX QLinearMatMul-21 adds the zero point before rounding, FBGEMM's requantize after.
template <profile P = onnx_profile>
constexpr int requantize_one(std::int32_t sum, float multiplier, int zero_point, int qmin, int qmax) noexcept {
  const float units = detail::opaque(static_cast<float>(sum) * multiplier);
  if constexpr (P.zero_point == zero_point_added::after_rounding)
    return zero_point + round_to_integer<P.ties>(units, qmin - zero_point, qmax - zero_point, 0);
  else
    return round_to_integer<P.ties>(units + static_cast<float>(zero_point), qmin, qmax, zero_point);
}

/// The real of a code: scale * (code - zero_point), rounded to float once.
///
/// Infinite only when the real number is beyond the floats, which the scales of choose exclude.
constexpr float dequantize_one(int code, float scale, int zero_point) noexcept {
  return scale * static_cast<float>(code - zero_point);
}

}  // namespace dyadic::inline DYADIC_ABI
