// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// philox: random words that are a function of a seed and an index, so that any thread may compute any of them.
//
// Philox4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011): ten rounds
// of two 32 x 32 bit products over a counter of four words under a key of two. It passes the test batteries its authors
// tried, has no state, and its known answers are published with the Random123 library.
#pragma once

#include <array>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The four random words of a counter under a key.
constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                  std::array<std::uint32_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t even = std::uint64_t{0xD2511F53} * counter[0], odd = std::uint64_t{0xCD9E8D57} * counter[2];
    counter = {static_cast<std::uint32_t>(odd >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(odd),
               static_cast<std::uint32_t>(even >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(even)};
    key[0] += 0x9E3779B9U;  // the golden ratio and the square root of 3 less 1, as 32-bit fractions
    key[1] += 0xBB67AE85U;
  }
  return counter;
}

/// Words of the sequence that a seed numbers 0, 1, 2, ...: word i is lane i mod 4 of counter i / 4.
class philox_words {
 public:
  constexpr explicit philox_words(std::uint64_t seed) noexcept
      : key_{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}, words_(block_of(0)) {}

  /// Word i. Neighbouring indices share a block of four, which is kept: going up costs a quarter of a block a word.
  constexpr std::uint32_t operator()(std::uint64_t i) noexcept {
    if (i / 4 != at_) words_ = block_of(at_ = i / 4);
    return words_[static_cast<std::size_t>(i % 4)];
  }

 private:
  constexpr std::array<std::uint32_t, 4> block_of(std::uint64_t at) const noexcept {
    return philox4x32({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at >> 32), 0, 0}, key_);
  }

  std::array<std::uint32_t, 2> key_;
  std::uint64_t at_ = 0;
  std::array<std::uint32_t, 4> words_;
};

}  // namespace dyadic::inline DYADIC_ABI
