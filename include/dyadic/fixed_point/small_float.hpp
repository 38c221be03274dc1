// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// small_float: what the floating-point formats of at most eight bits have in common, with the formats as parameters.
//
// Narrowing rounds to nearest even, subnormals included, in integer arithmetic: the environment does not matter. What
// is too large after rounding follows a rule that the caller names, because the ecosystems differ.
#pragma once

#include <bit>

#include <dyadic/fixed_point/rounding.hpp>

namespace dyadic::inline DYADIC_ABI {

/// What becomes of a number beyond the largest finite one: the attribute `saturate` of ONNX Cast, 1 or 0.
enum class overflow : unsigned char {
  saturate,  ///< the largest finite number, for infinities too
  special,   ///< infinity where the format has one, else NaN
};

namespace detail {

/// Which codes are not numbers.
enum class specials : unsigned char {
  infinity_and_nan,  ///< the largest exponent, as in IEEE 754
  nan,               ///< all ones: one code a sign ("FN": finite and NaN)
  unsigned_nan,      ///< the place of the negative zero, which does not exist ("FNUZ")
  none,              ///< every code is a number
};

/// A format: 1 sign bit, Exponent bits with a bias, Fraction bits. Codes are bytes, the sign their highest used bit.
template <int Exponent, int Fraction, int Bias, specials Special>
struct small_float {
  static constexpr int fraction_bits = Fraction, exponent_bias = Bias;
  static constexpr std::uint32_t sign_bit = 1U << (Exponent + Fraction);
  static constexpr std::uint32_t all_ones = sign_bit - 1;
  static constexpr std::uint32_t infinity_code = all_ones >> Fraction << Fraction;
  static constexpr std::uint32_t largest_code = Special == specials::infinity_and_nan ? infinity_code - 1
                                                : Special == specials::nan            ? all_ones - 1
                                                                                      : all_ones;

  /// The exponent of the largest number, and that number: codes of positive numbers are in the order of the numbers.
  static constexpr int largest_exponent = static_cast<int>(largest_code >> Fraction) - Bias;
  static constexpr float largest() noexcept { return to_float(largest_code); }

  static constexpr bool is_nan(std::uint32_t code) noexcept {
    switch (Special) {
      case specials::infinity_and_nan: return (code & all_ones) > infinity_code;
      case specials::nan: return (code & all_ones) == all_ones;
      case specials::unsigned_nan: return code == sign_bit;
      default: return false;
    }
  }

  /// The same number as a float; exact. NaN has its sign and is quiet.
  static constexpr float to_float(std::uint32_t code) noexcept {
    const std::uint32_t sign = (code & sign_bit) != 0 ? 0x80000000U : 0U;
    if (is_nan(code)) return std::bit_cast<float>(sign | 0x7FC00000U);
    const std::uint32_t rest = code & all_ones;
    if (Special == specials::infinity_and_nan && rest == infinity_code) return std::bit_cast<float>(sign | 0x7F800000U);
    if (rest >> Fraction != 0)
      return std::bit_cast<float>(sign | (rest + (static_cast<std::uint32_t>(127 - Bias) << Fraction))
                                             << (23 - Fraction));
    // A subnormal: rest units. Both factors are exact, and so is the product.
    constexpr float unit = std::bit_cast<float>(static_cast<std::uint32_t>(127 + 1 - Bias - Fraction) << 23);
    const float size = static_cast<float>(rest) * unit;
    return sign != 0 ? -size : size;
  }

  /// The code of the nearest number; a tie goes to the even code.
  static constexpr std::uint32_t from_float(float x, overflow rule) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const std::uint32_t sign = bits >> 31 != 0 ? sign_bit : 0U, size = bits & 0x7FFFFFFFU;
    if (size > 0x7F800000U) return nan_code(sign);
    const std::uint32_t code = nearest(size);
    if (code > largest_code) return rule == overflow::saturate ? sign | largest_code : too_large(sign);
    return Special == specials::unsigned_nan && code == 0 ? 0U : sign | code;
  }

 private:
  static constexpr std::uint32_t nan_code(std::uint32_t sign) noexcept {
    switch (Special) {
      case specials::infinity_and_nan: return sign | infinity_code | 1U << (Fraction - 1);
      case specials::nan: return sign | all_ones;
      case specials::unsigned_nan: return sign_bit;
      default: return sign_bit;  // the negative zero: what the node tests of ONNX expect of float4
    }
  }
  static constexpr std::uint32_t too_large(std::uint32_t sign) noexcept {
    switch (Special) {
      case specials::infinity_and_nan: return sign | infinity_code;
      case specials::none: return sign | largest_code;
      default: return nan_code(sign);
    }
  }

  /// The code nearest to a float without sign, as if exponents had no end above.
  static constexpr std::uint32_t nearest(std::uint32_t size) noexcept {
    constexpr std::uint32_t smallest_normal = static_cast<std::uint32_t>(127 + 1 - Bias) << 23;
    if (size >= smallest_normal)  // a carry out of the fraction moves the exponent
      return static_cast<std::uint32_t>(shift_right<rounding::half_even>(
          static_cast<std::int32_t>(size - (static_cast<std::uint32_t>(127 - Bias) << 23)), 23 - Fraction));
    // In units of 2^(1 - Bias - Fraction). x is significand * 2^(exponent - 150); a shift by 31 makes it zero.
    const auto significand = static_cast<std::int32_t>((size & 0x7FFFFFU) | 0x800000U);
    const int shift = 151 - Bias - Fraction - static_cast<int>(size >> 23);
    return static_cast<std::uint32_t>(shift_right<rounding::half_even>(significand, shift < 31 ? shift : 31));
  }
};

}  // namespace detail

}  // namespace dyadic::inline DYADIC_ABI
