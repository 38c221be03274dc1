// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// nf4, the 4-bit block of bitsandbytes: 64 codes of the NF4 levels and the largest magnitude as a float. x = scale *
// level; 36 bytes, 4.5 bits a number.
//
// The high nibble of a byte is the first of its two elements, unlike everywhere else here. bitsandbytes keeps the
// scales of a tensor apart from its codes: block b of the codes is bytes 32 b to 32 b + 31.
#pragma once

#include <dyadic/quantize/blocks/format.hpp>
#include <dyadic/quantize/blocks/numbers.hpp>
#include <dyadic/quantize/codebook.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// The decision tree of bitsandbytes: a number greater than thresholds 0 to c - 1 has code c. They are the middles of
/// nf4_levels read from decimals, which in four places is a float next to the middle itself.
inline constexpr float nf4_thresholds[15] = {
    -0.8480964004993439f,  -0.6106329262256622f,   -0.4599952697753906f, -0.33967943489551544f, -0.23460740596055984f,
    -0.13791173323988914f, -0.045525018125772476f, 0.03979014977812767f, 0.1202552504837513f,   0.2035212516784668f,
    0.2920137718319893f,   0.3893125355243683f,    0.5016634166240692f,  0.6427869200706482f,   0.8614784181118011f};

constexpr int nf4_code(float x) noexcept {
  if (x != x) return 7;
  int code = 0;
  for (const float threshold : nf4_thresholds) code += x > threshold ? 1 : 0;
  return code;
}

}  // namespace detail

/// \see bitsandbytes, kQuantizeBlockwise and dQuantizeNF4: times the reciprocal of the scale, a tie to the lower level.
///      There a block of zeros gets code 0, -1 times a scale of zero; here code 7, which is zero.
struct nf4 {
  static constexpr index_t block_length = 64;
  static constexpr float largest = 0x1.fffffep127f;

  struct block {
    float scale;
    std::uint8_t codes[32];
  };
  static_assert(sizeof(block) == 36);

  static constexpr block quantize(block_of_numbers<64> x) noexcept {
    block b{.scale = detail::largest_magnitude(x), .codes = {}};
    const float inverse = detail::reciprocal_or_zero(b.scale);
    int codes[64];
    for (std::size_t j = 0; j < 64; ++j) {
      // Of a scale below 2^-126 the reciprocal may be infinite.
      const float units = b.scale < 0x1p-126f && b.scale > 0.0f ? x[j] / b.scale : detail::opaque(x[j] * inverse);
      codes[j ^ 1] = detail::nf4_code(units);
    }
    detail::pack_pairs(codes, b.codes);
    return b;
  }

  static constexpr void dequantize(const block& b, block_of_reals<64> x) noexcept {
    const block own = b;  // see q4_0
    for (std::size_t j = 0; j < 32; ++j) {
      x[2 * j] = own.scale * nf4_levels.level(own.codes[j] >> 4);
      x[2 * j + 1] = own.scale * nf4_levels.level(own.codes[j] & 15);
    }
  }
};

}  // namespace dyadic::inline DYADIC_ABI
