// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The trellis of q4: which level a nibble names in which state. The step of the Viterbi algorithm through it is
// carry_steps of quantize/simd/search.inl.hpp.
//
// \see Marcellin and Fischer, Trellis coded quantization of memoryless and Gauss-Markov sources, 1990; the 8-state code
//      is Ungerboeck's of 1982. Levels: Lloyd's algorithm over this encoder on N(0, 1), rounded.
#pragma once

#include <cstdint>

#include <dyadic/scheme/opaque.hpp>

namespace dyadic::inline DYADIC_ABI::detail::q4_trellis {

inline constexpr int states = 8;

/// Level 4 i + j is member i of subset j: the members of a subset are four levels apart.
inline constexpr int levels[32] = {-127, -114, -101, -91, -83, -76, -68, -61, -54, -47, -39, -32, -25, -18, -11, -3,
                                   3,    11,   18,   25,  32,  39,  47,  54,  61,  68,  76,  83,  91,  101, 114, 127};

/// The step of a nibble.
constexpr int step_of(int nibble) noexcept { return nibble == 0 ? 0 : nibble + 1; }

/// What the largest step and level make of a scale, and x in level units of a scale and a step of one.
inline constexpr float reach = 16.0f * 127.0f * 0x1p-11f, level_units = 0x1p11f;

/// The subset that the highest bit of a nibble names in a state; a state holds the highest bits of the three nibbles
/// before, the latest lowest. The two subsets of a state are 0 and 2 or 1 and 3, and so are the two that lead into one.
constexpr int subset(int state, int bit) noexcept {
  const int b0 = bit, b1 = state & 1, b2 = state >> 1 & 1, b3 = state >> 2 & 1;
  return 2 * (b0 ^ b1 ^ b3) + b2;
}
constexpr int next(int state, int bit) noexcept { return (state << 1 | bit) & (states - 1); }

/// The level of a nibble in a state.
constexpr int level(int state, int nibble) noexcept { return levels[4 * (nibble & 7) + subset(state, nibble >> 3)]; }

/// Member i of a subset and the subset's middles between members, as floats.
struct subset_levels {
  float level[8], middle[8];  ///< middle[7] is beyond every number
};
constexpr subset_levels make_subset(int j) noexcept {
  subset_levels made{};
  for (int i = 0; i < 8; ++i) {
    made.level[i] = static_cast<float>(levels[4 * i + j]);
    made.middle[i] = i < 7 ? static_cast<float>(levels[4 * i + j] + levels[4 * i + 4 + j]) * 0.5f : 0x1p127f;
  }
  return made;
}
inline constexpr subset_levels subsets[4] = {make_subset(0), make_subset(1), make_subset(2), make_subset(3)};

/// The member nearest to x, in level units; the lower one of a tie.
constexpr int nearest_member(const subset_levels& s, float x) noexcept {
  int i = 0;
  for (const float middle : s.middle) i += x > middle ? 1 : 0;
  return i;
}

inline constexpr int sub_blocks = 16, sub_length = 16;

/// What is needed to go back through a sub-block: the nibble of the step of each last state, and which of its two
/// predecessors each state chose at each number, a bit a state.
struct trace {
  std::uint8_t step[states];
  std::uint8_t from[sub_length][16];
};

/// x, in units of the scale, in level units of a step > 0.
inline float units_of(float x, int step) noexcept { return opaque(x * (level_units / static_cast<float>(step))); }

}  // namespace dyadic::inline DYADIC_ABI::detail::q4_trellis
