// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// q4, this library's own 4-bit format: 256 numbers in 138 bytes, 4.3125 bits a number, by trellis-coded quantization.
//
//   x = scale * step(s) * level(t) / 2^11        number t, in sub-block s = t / 16
//
// * scale is a bfloat16, so that small weights keep their bits and large ones do not overflow. Its own rounding costs
//   nothing: everything else is chosen after it.
// * step(s) is a nibble: 0 is 0 and c is c + 1, up to 16. A step below 2 would hardly ever be used.
// * level(t) is one of 32 integers in [-127, 127], twice as many as a nibble can name. Which sixteen a nibble may name
//   depends on a state of three bits, the highest bits of the three nibbles before it. So neighbouring numbers help
//   each other: the decoder looks up one table, and the encoder finds the best path through all states with the Viterbi
//   algorithm, together with the best step of every sub-block.
//
// On N(0, 1) its error is 2.2 dB above Shannon's bound for its bits, q4_k's 4.2 dB. Decoding is exact in float, and
// integer until the scale: that has 8 bits, a step 5 and a level 7.
#pragma once

#include <dyadic/fixed_point/int4.hpp>
#include <dyadic/quantize/blocks/format.hpp>
#include <dyadic/quantize/blocks/numbers.hpp>
#include <dyadic/quantize/blocks/q4_trellis.hpp>
#include <dyadic/quantize/run.hpp>

namespace dyadic::inline DYADIC_ABI {

struct q4 {
  static constexpr index_t block_length = 256, sub_block_length = 16;
  static constexpr float largest = 0x1p127f;

  struct block {
    bfloat16 scale;
    std::uint8_t steps[8];
    std::uint8_t codes[128];
  };
  static_assert(sizeof(block) == 138);

  static block quantize(block_of_numbers<256> x) noexcept { return made(x, nullptr); }
  /// The same with squared errors weighted by importance; the mean square of the row plays no part.
  static block quantize(block_of_numbers<256> x, block_of_numbers<256> importance, float) noexcept {
    return made(x, importance.data());
  }

  /// Exact: every product has at most 20 bits.
  static constexpr void dequantize(const block& b, block_of_reals<256> x) noexcept {
    namespace trellis = detail::q4_trellis;
    const float scale = to_float(b.scale) / trellis::level_units;
    int state = 0;
    for (index_t t = 0; t < 256; ++t) {
      const int nibble = load_u4(b.codes, t), step = trellis::step_of(load_u4(b.steps, t / sub_block_length));
      x[static_cast<std::size_t>(t)] = scale * static_cast<float>(step * trellis::level(state, nibble));
      state = trellis::next(state, nibble >> 3);
    }
  }

 private:
  struct pick_carry {
    template <class Isa>
    static auto of() noexcept {
      return &simd::runs_of<Isa>::carry;
    }
  };

  /// Through each sub-block the costs are carried once for every step; at its end each state keeps the step that got
  /// there cheapest. Going back from the cheapest last state gives the codes. In units of the scale nothing overflows.
  static block made(block_of_numbers<256> numbers, const float* importance) noexcept {
    namespace trellis = detail::q4_trellis;
    constexpr float out_of_reach = 0x1p100f;
    block b{};
    b.scale = bfloat16_from(detail::largest_magnitude(numbers) / trellis::reach);
    const float scale = to_float(b.scale);
    if (scale == 0.0f) return b;

    float x[256], cost[trellis::states];
    for (std::size_t t = 0; t < 256; ++t) x[t] = numbers[t] / scale;
    float weights[256], heaviest = 0.0f;  // at most 1: the costs of a block stay far below out_of_reach
    for (std::size_t t = 0; importance != nullptr && t < 256; ++t)
      heaviest = importance[t] > heaviest ? importance[t] : heaviest;
    for (std::size_t t = 0; t < 256; ++t) weights[t] = heaviest > 0.0f ? importance[t] / heaviest : 1.0f;
    for (int s = 0; s < trellis::states; ++s) cost[s] = s == 0 ? 0.0f : out_of_reach;

    const auto carry = dispatched<pick_carry>();
    trellis::trace traces[trellis::sub_blocks];
    for (int k = 0; k < trellis::sub_blocks; ++k) {
      const int first = k * trellis::sub_length;
      float best[trellis::states], carried[trellis::states][16];
      carry(x + first, weights + first, cost, carried[0], traces[k].from[0]);
      for (int s = 0; s < trellis::states; ++s)
        for (int nibble = 0; nibble < 16; ++nibble)
          if (nibble == 0 || carried[s][nibble] < best[s])
            best[s] = carried[s][nibble], traces[k].step[s] = static_cast<std::uint8_t>(nibble);
      for (int s = 0; s < trellis::states; ++s) cost[s] = best[s];
    }

    int state = 0;
    for (int s = 1; s < trellis::states; ++s) state = cost[s] < cost[state] ? s : state;
    for (int k = trellis::sub_blocks - 1; k >= 0; --k) {
      const int nibble = traces[k].step[state], step = trellis::step_of(nibble);
      store4(b.steps, k, nibble);
      for (int t = trellis::sub_length - 1; t >= 0; --t) {
        const int bit = state % 2,
                  before = state / 2 + (traces[k].from[t][nibble] >> state & 1) * (trellis::states / 2);
        const auto& members = trellis::subsets[trellis::subset(before, bit)];
        const index_t at = k * trellis::sub_length + t;
        const int member = step > 0 ? trellis::nearest_member(members, trellis::units_of(x[at], step)) : 0;
        store4(b.codes, at, bit << 3 | member);
        state = before;
      }
    }
    return b;
  }
};

}  // namespace dyadic::inline DYADIC_ABI
