// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// q4_1, ggml's 4-bit block with a minimum: 32 codes in [0, 15] and two halves. x = scale * code + minimum; 20 bytes, 5
// bits a number. The codes stand where those of q4_0 do.
#pragma once

#include <dyadic/quantize/blocks/q4_0.hpp>

namespace dyadic::inline DYADIC_ABI {

struct q4_1 {
  static constexpr index_t block_length = 32;
  static constexpr float largest = detail::largest_half * 8.0f;

  struct block {
    half scale, minimum;
    std::uint8_t codes[16];
  };
  static_assert(sizeof(block) == 20);

  /// \see ggml-quants.c, quantize_row_q4_1_ref. A minimum below -65504 is held there.
  static constexpr block quantize(block_of_numbers<32> x) noexcept {
    float low = x[0], high = x[0];
    for (const float v : x) low = v < low ? v : low, high = v > high ? v : high;
    const float scale = (high - low) / 15.0f;
    const float inverse = detail::reciprocal_or_zero(scale);
    block b{.scale = detail::finite_half(scale), .minimum = detail::finite_half(low), .codes = {}};
    int codes[32];
    for (std::size_t j = 0; j < 32; ++j)
      codes[j] = to_integer<int>(detail::opaque((x[j] - low) * inverse) + 0.5f, 0, 15, 0);
    detail::pack_halves(codes, b.codes);
    return b;
  }

  /// The same with scale and minimum searched for: the weight of an error is importance * sqrt(mean_square + x^2).
  /// \see ggml-quants.c, quantize_row_q4_1_impl.
  static block quantize(block_of_numbers<32> x, block_of_numbers<32> importance, float mean_square) noexcept {
    float weights[32];
    for (std::size_t j = 0; j < 32; ++j)
      weights[j] = importance[j] * std::sqrt(mean_square + detail::opaque(x[j] * x[j]));
    int codes[32];
    const detail::affine_fit fit = detail::fit_affine<32>(x, 15, weights, {-0.9f, 0.05f, 36}, codes);
    block b{.scale = detail::finite_half(fit.scale), .minimum = detail::finite_half(fit.minimum), .codes = {}};
    detail::pack_halves(codes, b.codes);
    return b;
  }

  /// The product of a half and a nibble is exact: one rounding, fused or not.
  static constexpr void dequantize(const block& b, block_of_reals<32> x) noexcept {
    const block own = b;  // see q4_0
    const float scale = to_float(own.scale), minimum = to_float(own.minimum);
    for (std::size_t j = 0; j < 16; ++j) {
      x[j] = scale * static_cast<float>(own.codes[j] & 15) + minimum;
      x[j + 16] = scale * static_cast<float>(own.codes[j] >> 4) + minimum;
    }
  }
};

}  // namespace dyadic::inline DYADIC_ABI
