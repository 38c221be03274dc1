// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// q6_k, ggml's 6-bit super-block: 16 sub-blocks of 16 codes in [0, 63], each with an 8-bit scale. 210 bytes for 256
// numbers, 6.5625 bits a number.
//
//   x = scale * sub_scale(s) * (code - 32)        in sub-block s
//
// In each half of 128 numbers, element j = 32 q + l, q = 0 .. 3, has its low nibble in byte l + 32 (q % 2) of `low`,
// the upper nibble of it for q >= 2, and its two high bits in byte l of `high`, at bit 2 q.
#pragma once

#include <dyadic/quantize/blocks/format.hpp>
#include <dyadic/quantize/blocks/search.hpp>

namespace dyadic::inline DYADIC_ABI {

struct q6_k {
  static constexpr index_t block_length = 256;
  static constexpr float largest = detail::largest_half * 127.0f;

  struct block {
    std::uint8_t low[128], high[64];
    std::int8_t sub_scales[16];
    half scale;
  };
  static_assert(sizeof(block) == 210);

  /// \see ggml-quants.c, quantize_row_q6_K_ref.
  static block quantize(block_of_numbers<256> x) noexcept { return made(x, nullptr); }
  /// With weighted errors. \see ggml-quants.c, quantize_row_q6_K_impl.
  static block quantize(block_of_numbers<256> x, block_of_numbers<256> importance, float) noexcept {
    return made(x, importance.data());
  }

  static constexpr void dequantize(const block& b, block_of_reals<256> x) noexcept {
    const block own = b;  // which no number that is written can be a part of: compilers vectorise the loop
    const float scale = to_float(own.scale);
    for (std::size_t half = 0; half < 2; ++half)
      for (std::size_t q = 0; q < 4; ++q) {
        const std::uint8_t *low = own.low + 64 * half + 32 * (q % 2), *high = own.high + 32 * half;
        const auto low_shift = static_cast<int>(q / 2 * 4), high_shift = static_cast<int>(2 * q);
        const std::size_t first = 128 * half + 32 * q;
        const float steps[2] = {scale * static_cast<float>(own.sub_scales[first / 16]),
                                scale * static_cast<float>(own.sub_scales[first / 16 + 1])};
        for (std::size_t l = 0; l < 32; ++l) {
          const int code = (low[l] >> low_shift & 15) | (high[l] >> high_shift & 3) << 4;
          x[first + l] = steps[l / 16] * static_cast<float>(code - 32);
        }
      }
  }

 private:
  struct place {
    constexpr explicit place(int j) noexcept
        : low(j / 128 * 64 + j % 64),
          low_shift(j % 128 / 64 * 4),
          high(j / 128 * 32 + j % 32),
          high_shift(j % 128 / 32 * 2) {}
    int low, low_shift, high, high_shift;
  };

  static block made(block_of_numbers<256> x, const float* importance) noexcept {
    float scales[16];
    int codes[256];
    detail::fit_signed_parts<16>(x.data(), importance, 16, 32, scales, codes);
    block b{};
    const float extreme = detail::extreme_of(scales);
    if (detail::magnitude(extreme) < detail::zero_block) return b;

    // The scale of the largest magnitude is stored as -128.
    const float inverse = -128.0f / extreme;
    b.scale = detail::finite_half(1.0f / inverse);
    for (int s = 0; s < 16; ++s)
      b.sub_scales[s] = static_cast<std::int8_t>(detail::nearest(detail::times(inverse, scales[s]), -128, 127));
    for (int j = 0; j < 256; ++j) {
      const float step = to_float(b.scale) * static_cast<float>(b.sub_scales[j / 16]);
      if (step != 0.0f) codes[j] = 32 + detail::nearest(x[static_cast<std::size_t>(j)] / step, -32, 31);
      const place at(j);
      b.low[at.low] = static_cast<std::uint8_t>(b.low[at.low] | (codes[j] & 15) << at.low_shift);
      b.high[at.high] = static_cast<std::uint8_t>(b.high[at.high] | codes[j] >> 4 << at.high_shift);
    }
    return b;
  }
};

}  // namespace dyadic::inline DYADIC_ABI
