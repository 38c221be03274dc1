// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// q8_0, ggml's 8-bit block: 32 codes in [-127, 127] and a half. x = scale * code; 34 bytes, 8.5 bits a number.
#pragma once

#include <dyadic/quantize/blocks/format.hpp>
#include <dyadic/quantize/blocks/numbers.hpp>
#include <dyadic/quantize/run.hpp>

namespace dyadic::inline DYADIC_ABI {

/// \see ggml-quants.c, quantize_row_q8_0_ref: the codes come from the scale before it became a half, ties go away from
///      zero.
struct q8_0 {
  static constexpr index_t block_length = 32;
  static constexpr float largest = detail::largest_half * 127.0f;

  struct block {
    half scale;
    std::int8_t codes[32];
  };
  static_assert(sizeof(block) == 34);

  static constexpr block quantize(block_of_numbers<32> x) noexcept {
    const float scale = detail::largest_magnitude(x) / 127.0f;
    block b{.scale = detail::finite_half(scale), .codes = {}};
    if (!std::is_constant_evaluated() && scale >= 0x1p-126f) {
      clip_count none;
      dispatched<detail::pick_codes<ggml_profile, 8>>()(x.data(), 32, {scale, 0, -127, 127},
                                                        reinterpret_cast<std::uint8_t*>(b.codes), none);
      return b;
    }
    const float inverse = detail::reciprocal_or_zero(scale);
    for (std::size_t j = 0; j < 32; ++j)
      b.codes[j] = static_cast<std::int8_t>(
          round_to_integer<rounding::half_away, int>(detail::opaque(x[j] * inverse), -127, 127, 0));
    return b;
  }

  static constexpr void dequantize(const block& b, block_of_reals<32> x) noexcept {
    const float scale = to_float(b.scale);
    for (std::size_t j = 0; j < 32; ++j) x[j] = scale * static_cast<float>(b.codes[j]);
  }
};

}  // namespace dyadic::inline DYADIC_ABI
