// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// q4_k, ggml's 4-bit super-block: 8 sub-blocks of 32 codes, each with a 6-bit scale and a 6-bit minimum. 144 bytes for
// 256 numbers, 4.5 bits a number.
//
//   x = scale * scale_code(s) * code - minimum * minimum_code(s)        in sub-block s
//
// Bytes 32p to 32p + 31 of the codes hold sub-block 2p in their low nibbles and 2p + 1 in the high ones.
#pragma once

#include <cmath>

#include <dyadic/quantize/blocks/format.hpp>
#include <dyadic/quantize/blocks/search.hpp>

namespace dyadic::inline DYADIC_ABI {

struct q4_k {
  static constexpr index_t block_length = 256;
  static constexpr float largest = detail::largest_half * 63.0f;

  struct block {
    half scale, minimum;
    std::uint8_t sub_codes[12];  ///< eight pairs of 6 bits, see pair_of
    std::uint8_t codes[128];
  };
  static_assert(sizeof(block) == 144);

  /// The scale code and the minimum code of sub-block s.
  struct pair {
    int scale, minimum;
  };
  /// Of sub-blocks 0 to 3 they are the low six bits of bytes s and s + 4; of 4 to 7, the low and the high nibble of
  /// byte s + 4 and, above them, the two highest bits of bytes s - 4 and s.
  static constexpr pair pair_of(const block& b, int s) noexcept {
    const std::uint8_t* at = b.sub_codes + s;
    if (s < 4) return {at[0] & 63, at[4] & 63};
    return {(at[4] & 15) | at[-4] >> 6 << 4, at[4] >> 4 | at[0] >> 6 << 4};
  }

  /// \see ggml-quants.c, quantize_row_q4_K_ref: sub-blocks are fitted by themselves, their errors weighted with
  ///      rms + |x|; then scales and minima are rounded to 63rds of the largest, and the codes follow from those.
  static block quantize(block_of_numbers<256> x) noexcept {
    float scales[8], minima[8], weights[256];
    int codes[256];
    for (std::size_t s = 0; s < 8; ++s) {
      const auto part = sub_block(x, s);
      float squares = 0.0f;
      for (const float v : part) squares += detail::times(v, v);
      const float rms = std::sqrt(squares / 32.0f);
      for (std::size_t i = 0; i < 32; ++i) weights[32 * s + i] = rms + detail::magnitude(part[i]);
    }
    detail::fit_affine_parts<32>(x.data(), weights, 8, 15, {-1.0f, 0.1f, 20}, scales, minima, codes);
    for (float& minimum : minima) minimum = -minimum;
    block b{};
    int scale_codes[8], minimum_codes[8];
    b.scale = detail::finite_half(detail::largest_magnitude(scales) / 63.0f);
    b.minimum = detail::finite_half(detail::largest_magnitude(minima) / 63.0f);
    share(scales, scale_codes), share(minima, minimum_codes);
    finish(b, x, scale_codes, minimum_codes, codes);
    return b;
  }

  /// The same with weighted errors, and with scales and minima that are fitted to each other.
  /// \see ggml-quants.c, quantize_row_q4_K_impl: the mean square is that of the super-block, not of the row.
  static block quantize(block_of_numbers<256> x, block_of_numbers<256> importance, float) noexcept {
    float squares = 0.0f;
    for (const float v : x) squares += detail::times(v, v);
    const float twice_mean = 2.0f * squares / 256.0f;
    float scales[8], minima[8], weights[256], weight_sums[8] = {};
    int codes[256];
    for (std::size_t i = 0; i < 256; ++i) {
      weights[i] = detail::times(importance[i], std::sqrt(twice_mean + detail::times(x[i], x[i])));
      weight_sums[i / 32] += weights[i];
    }
    detail::fit_affine_parts<32>(x.data(), weights, 8, 15, {-0.9f, 0.05f, 36}, scales, minima, codes);
    for (float& minimum : minima) minimum = -minimum;
    block b{};
    int scale_codes[8], minimum_codes[8];
    b.scale = detail::finite_half(detail::fit_positive<8>(scales, 63, weight_sums, scale_codes));
    b.minimum = detail::finite_half(detail::fit_positive<8>(minima, 63, weight_sums, minimum_codes));
    finish(b, x, scale_codes, minimum_codes, codes);
    return b;
  }

  /// Every product of a half, six bits and a nibble is exact: one rounding a number, fused or not.
  static constexpr void dequantize(const block& b, block_of_reals<256> x) noexcept {
    const block own = b;  // which no number that is written can be a part of: compilers vectorise the loop
    const float scale = to_float(own.scale), minimum = to_float(own.minimum);
    for (int s = 0; s < 8; ++s) {
      const pair p = pair_of(own, s);
      const float step = scale * static_cast<float>(p.scale), low = minimum * static_cast<float>(p.minimum);
      const int shift = s % 2 * 4;
      for (std::size_t i = 0; i < 32; ++i) {
        const int code = own.codes[static_cast<std::size_t>(s / 2 * 32) + i] >> shift & 15;
        x[static_cast<std::size_t>(32 * s) + i] = step * static_cast<float>(code) - low;
      }
    }
  }

 private:
  static constexpr block_of_numbers<32> sub_block(block_of_numbers<256> x, std::size_t s) noexcept {
    return x.subspan(32 * s).template first<32>();
  }
  static constexpr index_t place(int s, int i) noexcept { return (s / 2 * 32 + i) * 2 + s % 2; }

  /// Codes of numbers >= 0 in 63rds of the largest.
  static void share(const float (&numbers)[8], int (&codes)[8]) noexcept {
    const float largest_one = detail::largest_magnitude(numbers);
    const float inverse = largest_one > 0.0f ? 63.0f / largest_one : 0.0f;
    for (int s = 0; s < 8; ++s) codes[s] = detail::nearest(detail::times(inverse, numbers[s]), 0, 63);
  }

  /// Packs the pairs, and the codes that are best for the scales and minima as they are stored. A sub-block without a
  /// scale keeps its codes: they mean nothing.
  static void finish(block& b, block_of_numbers<256> x, const int (&scale_codes)[8], const int (&minimum_codes)[8],
                     int* codes) noexcept {
    const auto byte = [](int bits) { return static_cast<std::uint8_t>(bits); };
    for (int s = 0; s < 4; ++s) {
      b.sub_codes[s] = byte(scale_codes[s] | scale_codes[s + 4] >> 4 << 6);
      b.sub_codes[s + 4] = byte(minimum_codes[s] | minimum_codes[s + 4] >> 4 << 6);
      b.sub_codes[s + 8] = byte((scale_codes[s + 4] & 15) | (minimum_codes[s + 4] & 15) << 4);
    }
    for (int s = 0; s < 8; ++s) {
      const float step = to_float(b.scale) * static_cast<float>(scale_codes[s]);
      const float low = to_float(b.minimum) * static_cast<float>(minimum_codes[s]);
      for (int i = 0; i < 32; ++i) {
        int& code = codes[32 * s + i];
        if (step != 0.0f) code = detail::nearest((x[static_cast<std::size_t>(32 * s + i)] + low) / step, 0, 15);
        store4(b.codes, place(s, i), code);
      }
    }
  }
};

}  // namespace dyadic::inline DYADIC_ABI
