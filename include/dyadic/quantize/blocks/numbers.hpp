// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What several block formats do with the numbers of a block: its extremes, and scales that are kept as halves.
#pragma once

#include <span>

#include <dyadic/fixed_point/half.hpp>
#include <dyadic/fixed_point/saturate.hpp>
#include <dyadic/scheme/opaque.hpp>

namespace dyadic::inline DYADIC_ABI::detail {

constexpr float magnitude(float x) noexcept { return x < 0.0f ? -x : x; }

/// The number of the largest magnitude, the first of several; 0 of none. NaN is passed over.
constexpr float extreme_of(std::span<const float> x) noexcept {
  float extreme = 0.0f;
  for (const float v : x)
    if (magnitude(v) > magnitude(extreme)) extreme = v;
  return extreme;
}
constexpr float largest_magnitude(std::span<const float> x) noexcept { return magnitude(extreme_of(x)); }

/// The nearest half that is finite.
inline constexpr float largest_half = 65504.0f;
constexpr half finite_half(float x) noexcept { return half_from(clamp(x, -largest_half, largest_half)); }

/// 1 / x, and 0 for 0.
constexpr float reciprocal_or_zero(float x) noexcept { return x != 0.0f ? 1.0f / x : 0.0f; }

}  // namespace dyadic::inline DYADIC_ABI::detail
