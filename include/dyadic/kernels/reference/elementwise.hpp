// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operations on one element, by definition: requantize, relu, add. (quantize_one and dequantize_one are in
// quantize/scalar.hpp.)
#pragma once

#include <cmath>

#include <dyadic/fixed_point/multiplier.hpp>

namespace dyadic::inline DYADIC_ABI::reference {

/// The code of a real that is counted in units of the output's scale: saturate(round_half_even(units) + zero_point),
/// held inside [low, high]; NaN becomes the zero point.
/// \param low  qmin, or the zero point when a ReLU follows.
constexpr int requantize_one(float units, std::int32_t zero_point, int low, int high) noexcept {
  return zero_point + round_to_integer<rounding::half_even>(units, low - zero_point, high - zero_point, 0);
}

/// zero_point + apply(m, sum), held inside [low, high]: the same without floating point, as TensorFlow Lite, CMSIS-NN
/// and gemmlowp do it. low and high are TensorFlow Lite's output_activation_min and _max.
constexpr int requantize_fixed(std::int32_t sum, multiplier m, rescale how, std::int32_t zero_point, int low,
                               int high) noexcept {
  return static_cast<int>(clamp(std::int64_t{apply(how, m, sum)} + zero_point, low, high));
}

/// max(x, 0). NaN stays NaN and -0 stays -0: the same function as a clamp to [0, infinity].
constexpr float relu(float x) noexcept { return x < 0.0f ? 0.0f : x; }

/// The code of max(value, 0): codes grow with values, and the zero point is the code of 0.
constexpr int relu_code(int code, std::int32_t zero_point) noexcept { return code < zero_point ? zero_point : code; }

/// The code of a sum of two quantized numbers, in the scale of y:
/// saturate(round_half_even(fma(a - a_zero, a_multiplier, (b - b_zero) * b_multiplier)) + y_zero), inside [low, high].
/// \param a_multiplier, b_multiplier  a_scale / y_scale and b_scale / y_scale, each rounded to float; finite.
/// \param low                         qmin, or y_zero when a ReLU follows.
inline int add_code(int a, std::int32_t a_zero, float a_multiplier, int b, std::int32_t b_zero, float b_multiplier,
                    std::int32_t y_zero, int low, int high) noexcept {
  const float other = static_cast<float>(b - b_zero) * b_multiplier;
  return requantize_one(std::fma(static_cast<float>(a - a_zero), a_multiplier, other), y_zero, low, high);
}

}  // namespace dyadic::inline DYADIC_ABI::reference
