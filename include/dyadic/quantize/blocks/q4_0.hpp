// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// q4_0, ggml's 4-bit block: 32 codes in [0, 15] and a half. x = scale * (code - 8); 18 bytes, 4.5 bits a number.
//
// Byte j holds element j in its low nibble and element j + 16 in its high one. The scale has the sign that makes the
// number of the largest magnitude -8 scales, so that the one code without a counterpart is used.
#pragma once

#include <cmath>

#include <dyadic/quantize/blocks/format.hpp>
#include <dyadic/quantize/blocks/search.hpp>

namespace dyadic::inline DYADIC_ABI {

struct q4_0 {
  static constexpr index_t block_length = 32;
  static constexpr float largest = detail::largest_half * 8.0f;

  struct block {
    half scale;
    std::uint8_t codes[16];
  };
  static_assert(sizeof(block) == 18);

  /// \see ggml-quants.c, quantize_row_q4_0_ref. Of scales below 2^-128, whose reciprocal is infinite, the codes are
  ///      extremes.
  static constexpr block quantize(block_of_numbers<32> x) noexcept {
    const float scale = detail::extreme_of(x) / -8.0f;
    const float inverse = detail::reciprocal_or_zero(scale);
    block b{.scale = detail::finite_half(scale), .codes = {}};
    int codes[32];
    for (std::size_t j = 0; j < 32; ++j) codes[j] = to_integer<int>(detail::opaque(x[j] * inverse) + 8.5f, 0, 15, 8);
    detail::pack_halves(codes, b.codes);
    return b;
  }

  /// The same with a scale that is searched for: the weight of an error is importance * sqrt(mean_square + x^2).
  /// \param mean_square  of the row that x is a part of.
  /// \see ggml-quants.c, quantize_row_q4_0_impl.
  static block quantize(block_of_numbers<32> x, block_of_numbers<32> importance, float mean_square) noexcept {
    float weights[32];
    for (std::size_t j = 0; j < 32; ++j)
      weights[j] = importance[j] * std::sqrt(mean_square + detail::opaque(x[j] * x[j]));
    int codes[32];
    const float scale = detail::fit_signed<32>(x, 8, weights, codes);
    block b{.scale = detail::finite_half(scale), .codes = {}};
    detail::pack_halves(codes, b.codes);
    return b;
  }

  static constexpr void dequantize(const block& b, block_of_reals<32> x) noexcept {
    const block own = b;  // which no number that is written can be a part of: compilers vectorise the loop
    const float scale = to_float(own.scale);
    for (std::size_t j = 0; j < 16; ++j) {
      x[j] = scale * static_cast<float>((own.codes[j] & 15) - 8);
      x[j + 16] = scale * static_cast<float>((own.codes[j] >> 4) - 8);
    }
  }

  /// Where element j is among the nibbles.
  static constexpr index_t place(index_t j) noexcept { return j % 16 * 2 + j / 16; }
};

}  // namespace dyadic::inline DYADIC_ABI
