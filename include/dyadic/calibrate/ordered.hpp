// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Floats compared as integers: exact for subnormals in any floating-point environment.
#pragma once

#include <bit>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// Integers in the order of the floats: -infinity < ... < -0 < +0 < ... < +infinity. Comparing these, and not the
/// floats, keeps subnormals apart in a program that has set denormals-are-zero.
constexpr std::int32_t ordered_key(std::int32_t bits) noexcept { return bits ^ ((bits >> 31) & 0x7FFFFFFF); }
constexpr std::int32_t ordered_key(float x) noexcept { return ordered_key(std::bit_cast<std::int32_t>(x)); }
constexpr float float_of_key(std::int32_t key) noexcept { return std::bit_cast<float>(ordered_key(key)); }
constexpr bool is_less(float a, float b) noexcept { return ordered_key(a) < ordered_key(b); }

constexpr bool is_finite(float x) noexcept { return (std::bit_cast<std::uint32_t>(x) & 0x7FFFFFFFU) < 0x7F800000U; }

/// +0 for -0.
constexpr float positive_zero(float x) noexcept { return std::bit_cast<std::uint32_t>(x) == 0x80000000U ? 0.0f : x; }

}  // namespace detail

}  // namespace dyadic::inline DYADIC_ABI
