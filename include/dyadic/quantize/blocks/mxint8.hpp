// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// mxint8, the OCP MX block of 32 8-bit integers under one power of two: x = 2^scale * element / 64. 33 bytes, 8.25 bits
// a number. Elements are in [-127, 127]: the standard allows to leave -128 unused, so that every number has its
// negative.
#pragma once

#include <dyadic/fixed_point/e8m0.hpp>
#include <dyadic/quantize/blocks/format.hpp>
#include <dyadic/quantize/blocks/numbers.hpp>

namespace dyadic::inline DYADIC_ABI {

/// \see OCP Microscaling Formats 1.0, sections 5.3.4 and 6.3.
template <mx_scale Rule = mx_scale::floor>
struct mxint8 {
  static constexpr index_t block_length = 32;
  static constexpr float largest = 0x1p127f;

  /// What the rules of the scale need to know of the elements: they reach 127 / 64 = 1.984375 * 2^0, in steps of 2^-6.
  struct format {
    static constexpr int largest_exponent = 0, fraction_bits = 6;
    static constexpr float largest() noexcept { return 127.0f / 64.0f; }
  };

  struct block {
    float8_e8m0 scale;
    std::int8_t elements[32];
  };
  static_assert(sizeof(block) == 33);

  static constexpr block quantize(block_of_numbers<32> x) noexcept {
    block b{.scale = mx_scale_from<format>(detail::largest_magnitude(x), Rule), .elements = {}};
    const float inverse = reciprocal(b.scale);
    for (std::size_t j = 0; j < 32; ++j)
      b.elements[j] = static_cast<std::int8_t>(
          round_to_integer<rounding::half_even, int>(detail::opaque(x[j] * inverse * 64.0f), -127, 127, 0));
    return b;
  }

  static constexpr void dequantize(const block& b, block_of_reals<32> x) noexcept {
    const float scale = to_float(b.scale);
    for (std::size_t j = 0; j < 32; ++j) x[j] = static_cast<float>(b.elements[j]) * 0x1p-6f * scale;
  }
};

}  // namespace dyadic::inline DYADIC_ABI
