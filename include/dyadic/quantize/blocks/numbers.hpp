// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What several block formats do with the numbers of a block: its extremes, and scales that are kept as halves.
#pragma once

#include <bit>
#include <span>

#include <dyadic/fixed_point/half.hpp>
#include <dyadic/fixed_point/saturate.hpp>
#include <dyadic/scheme/opaque.hpp>

namespace dyadic::inline DYADIC_ABI::detail {

constexpr float magnitude(float x) noexcept {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) & 0x7FFFFFFFU);
}

/// The largest magnitude; 0 of none. NaN is passed over. Compared as integers, which are in the order of the magnitudes.
constexpr float largest_magnitude(std::span<const float> x) noexcept {
  std::int32_t largest = 0;
  for (const float v : x) {
    const std::int32_t bits = std::bit_cast<std::int32_t>(v) & 0x7FFFFFFF, size = bits > 0x7F800000 ? 0 : bits;
    largest = size > largest ? size : largest;
  }
  return std::bit_cast<float>(largest);
}
/// The number of the largest magnitude, the first of several; 0 of none. NaN is passed over.
constexpr float extreme_of(std::span<const float> x) noexcept {
  const float largest = largest_magnitude(x);
  for (const float v : x)
    if (largest > 0.0f && magnitude(v) == largest) return v;
  return 0.0f;
}

/// Nibbles of codes in [0, 15]: byte j holds codes j and j + N / 2, the first low, as ggml has them.
template <std::size_t N>
constexpr void pack_halves(const int (&codes)[N], std::uint8_t* bytes) noexcept {
  for (std::size_t j = 0; j < N / 2; ++j) bytes[j] = static_cast<std::uint8_t>(codes[j] | codes[j + N / 2] << 4);
}
/// The same with codes 2 j and 2 j + 1 in byte j.
template <std::size_t N>
constexpr void pack_pairs(const int (&codes)[N], std::uint8_t* bytes) noexcept {
  for (std::size_t j = 0; j < N / 2; ++j) bytes[j] = static_cast<std::uint8_t>(codes[2 * j] | codes[2 * j + 1] << 4);
}

/// The nearest half that is finite.
inline constexpr float largest_half = 65504.0f;
constexpr half finite_half(float x) noexcept { return half_from(clamp(x, -largest_half, largest_half)); }

/// 1 / x, and 0 for 0.
constexpr float reciprocal_or_zero(float x) noexcept { return x != 0.0f ? 1.0f / x : 0.0f; }

}  // namespace dyadic::inline DYADIC_ABI::detail
