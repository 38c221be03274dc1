// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Random numbers that are a function of where they are used: integers only, so every machine draws the same ones.
//
// A stream is named by numbers (a seed, an image, a step...), and its element i does not depend on who asked for others
// before. So nothing that is drawn changes with threads or with how images are dealt to batches.
#pragma once

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

/// SplitMix64's finaliser (Steele, Lea, Flood 2014): a bijection of 64 bits in which every bit moves every other.
constexpr std::uint64_t mixed(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

class random_stream {
 public:
  /// \param names  whole numbers, not negative.
  template <class... Names>
  constexpr explicit random_stream(Names... names) noexcept {
    ((key_ = mixed((key_ ^ static_cast<std::uint64_t>(names)) + step)), ...);
  }

  /// 64 bits, the i-th of the stream.
  constexpr std::uint64_t bits(std::uint64_t i) const noexcept { return mixed(key_ + (i + 1) * step); }
  /// In [0, n), n > 0; the share of each differs by less than n / 2^64.
  constexpr std::uint64_t below(std::uint64_t i, std::uint64_t n) const noexcept {
    __extension__ using wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<wide>(bits(i)) * n) >> 64);
  }
  /// In [0, 1), a multiple of 2^-24.
  constexpr float uniform(std::uint64_t i) const noexcept { return static_cast<float>(bits(i) >> 40) * 0x1p-24f; }
  /// +1 or -1.
  constexpr float sign(std::uint64_t i) const noexcept { return (bits(i) >> 63) != 0 ? 1.0f : -1.0f; }
  /// Mean 0, deviation 1, in [-6, 6]: twelve uniform numbers of 16 bits less their mean. No logarithm or cosine, whose
  /// last bit differs between libraries; the fourth moment is 2.9 where a normal distribution has 3.
  constexpr float normal(std::uint64_t i) const noexcept {
    std::int64_t sum = 0;
    for (std::uint64_t part = 0; part < 3; ++part)
      for (std::uint64_t four = bits(3 * i + part); four != 0; four >>= 16)
        sum += static_cast<std::int64_t>(four & 0xFFFF);
    return static_cast<float>(2 * sum - 12 * 0xFFFF) * 0x1p-17f;
  }

 private:
  static constexpr std::uint64_t step = 0x9E3779B97F4A7C15U;  // odd: 2^64 / the golden ratio
  std::uint64_t key_ = 0;
};

}  // namespace dyadic::inline DYADIC_ABI
