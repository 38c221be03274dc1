// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// float8_e8m0, a power of two in a byte: the scale of the OCP MX formats; and how a scale is chosen for a block.
//
// Code e is 2^(e - 127), from 2^-127 to 2^127; 255 is NaN. There is no zero and no sign.
#pragma once

#include <bit>

#include <dyadic/fixed_point/small_float.hpp>

namespace dyadic::inline DYADIC_ABI {

struct float8_e8m0 {
  static constexpr std::uint8_t nan = 255, largest = 254;
  std::uint8_t bits = 0;
  friend constexpr bool operator==(float8_e8m0, float8_e8m0) = default;
};

/// The same number as a float; exact. 2^-127 is a subnormal float.
constexpr float to_float(float8_e8m0 e) noexcept {
  if (e.bits == 0) return std::bit_cast<float>(0x00400000U);
  if (e.bits == float8_e8m0::nan) return std::bit_cast<float>(0x7FC00000U);
  return std::bit_cast<float>(static_cast<std::uint32_t>(e.bits) << 23);
}

/// 1 / e as a float; exact. NaN stays NaN.
constexpr float reciprocal(float8_e8m0 e) noexcept {
  return e.bits == float8_e8m0::nan ? to_float(e) : to_float(float8_e8m0{static_cast<std::uint8_t>(254 - e.bits)});
}

/// Which of its two neighbours a number between powers of two becomes: the attribute `round_mode` of ONNX Cast.
enum class power_rounding : unsigned char {
  down,     ///< the power below
  up,       ///< the power above; the default of ONNX
  nearest,  ///< the nearer one; 1.5 * 2^k, the middle, goes up
};

/// The power of two of a number without its sign.
///
/// Saturating, what is outside [2^-127, 2^127] becomes the nearer end, zero and infinity too. Otherwise it is NaN, and
/// so is what rounds to 2^128. NaN is NaN.
/// \see ONNX Cast-25. Its reference helper rounds 2^-127 and the floats next to it, all subnormal, up to 2^-126; here
///      they follow the definition.
constexpr float8_e8m0 e8m0_from(float x, power_rounding how = power_rounding::up,
                                overflow rule = overflow::saturate) noexcept {
  const std::uint32_t size = std::bit_cast<std::uint32_t>(x) & 0x7FFFFFFFU;
  constexpr std::uint32_t infinity = 0x7F800000U, smallest = 0x00400000U;  // smallest: 2^-127
  if (size > infinity) return {float8_e8m0::nan};
  if (size == infinity || size < smallest)
    return {rule == overflow::special ? float8_e8m0::nan : size == infinity ? float8_e8m0::largest : std::uint8_t{0}};
  const std::uint32_t below = size >> 23;
  // The fraction of a float in [2^k, 2^(k+1)); below 2^-126 the leading bit of a subnormal is the hidden one.
  const std::uint32_t fraction = below != 0 ? size & 0x7FFFFFU : (size & 0x3FFFFFU) << 1;
  const bool up = how == power_rounding::up ? fraction != 0 : how == power_rounding::nearest && fraction >= 0x400000U;
  const std::uint32_t code = below + (up ? 1U : 0U);
  if (code == float8_e8m0::nan && rule == overflow::saturate) return {float8_e8m0::largest};
  return {static_cast<std::uint8_t>(code)};
}

/// How the scale of an MX block follows from its largest magnitude; the largest number of an element is m * 2^k, m < 2.
enum class mx_scale : unsigned char {
  floor,  ///< 2^(floor(log2 max) - k): OCP MX 1.0, section 6.3; the largest elements may saturate
  ceil,   ///< 2^(ceil(log2 max) - k): nothing saturates
  even,   ///< floor of max rounded to the fraction bits of the element, ties away from zero
  rceil,  ///< the smallest power >= max / (m * 2^k): nothing saturates; NVIDIA's cuBLAS
};

/// The scale of a block for elements of a format with `largest_exponent` k, `fraction_bits` and `largest()`.
///
/// A block of zeros has the scale 2^-127. A largest magnitude that is not finite gives NaN, and only that.
/// \param largest  of the magnitudes of the block, >= 0.
/// \see   torchao, mx_tensor.py to_mx, which names the four rules so and counts a subnormal maximum as 2^-127, as here.
///        Where EVEN rounds a maximum up to 2^128, torchao's scale is NaN.
template <class Format>
constexpr float8_e8m0 mx_scale_from(float largest, mx_scale rule) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(largest);
  if (bits >= 0x7F800000U) return {float8_e8m0::nan};
  if (rule == mx_scale::rceil) return e8m0_from(largest * (1.0f / Format::largest()), power_rounding::up);
  std::uint32_t rounded = bits;
  if (rule == mx_scale::even) rounded += 1U << (22 - Format::fraction_bits);
  if (rule == mx_scale::ceil && (bits & 0x7FFFFFU) != 0) rounded += 0x800000U;
  const int code = static_cast<int>(rounded >> 23) - Format::largest_exponent;
  return {static_cast<std::uint8_t>(code < 0 ? 0 : code > 254 ? 254 : code)};
}

}  // namespace dyadic::inline DYADIC_ABI
