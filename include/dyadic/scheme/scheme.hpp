// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// scheme: what a code looks like. A structural type, so that it is a template argument and a run-time value alike.
//
//   value = scale * (code - zero_point)
//
// A scheme says how many bits a code has, whether it is signed, whether there is a zero point, and how many numbers
// share one scale. The scales and zero points themselves are params<S>.
#pragma once

#include <type_traits>

#include <dyadic/core/result.hpp>

namespace dyadic::inline DYADIC_ABI {

/// symmetric: no zero point is stored; code 0 (or the middle code of an unsigned scheme) is the real zero.
enum class symmetry : unsigned char { symmetric, asymmetric };

/// How many numbers share one scale: a tensor, a row (a channel of weights, a token of activations), a run of a row, or
/// a column (the last axis, as depthwise weights and ONNX's axis = 1 have it; products take no such operand).
enum class granularity : unsigned char { per_tensor, per_row, per_group, per_column };

struct scheme {
  int bits = 8;  ///< 2 to 8, or 16
  bool is_signed = true;
  symmetry sym = symmetry::symmetric;
  granularity per = granularity::per_tensor;
  int group = 0;              ///< numbers a group, > 0 exactly when per == per_group
  bool narrow_range = false;  ///< drops the lowest code: [-127, 127] rather than [-128, 127]

  friend constexpr bool operator==(const scheme&, const scheme&) = default;

  constexpr int qmin() const noexcept { return (is_signed ? -(1 << (bits - 1)) : 0) + (narrow_range ? 1 : 0); }
  constexpr int qmax() const noexcept { return is_signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1; }
  constexpr int levels() const noexcept { return qmax() - qmin() + 1; }
  constexpr bool asymmetric() const noexcept { return sym == symmetry::asymmetric; }

  /// The zero point of a symmetric scheme: 0, or the middle code when codes are unsigned.
  constexpr int middle() const noexcept { return is_signed ? 0 : 1 << (bits - 1); }

  /// Two codes share a byte.
  constexpr bool two_per_byte() const noexcept { return bits == 4; }

  constexpr bool valid() const noexcept {
    return ((bits >= 2 && bits <= 8) || bits == 16) && (per == granularity::per_group ? group > 0 : group == 0);
  }

  constexpr scheme with(granularity g, int group_size = 0) const noexcept {
    scheme s = *this;
    s.per = g;
    s.group = group_size;
    return s;
  }
};

/// Refuses a scheme that cannot exist.
inline result<void> check_scheme(const scheme& s) noexcept {
  if (!((s.bits >= 2 && s.bits <= 8) || s.bits == 16))
    return failure(errc::invalid_scheme, "scheme: {} bits, expected 2 to 8 or 16", s.bits);
  if (s.per == granularity::per_group && s.group <= 0)
    return failure(errc::invalid_group, "scheme: group of {} in a per-group scheme, expected > 0", s.group);
  if (s.per != granularity::per_group && s.group != 0)
    return failure(errc::invalid_group, "scheme: group of {} in a scheme that is not per-group, expected 0", s.group);
  return {};
}

// Activations.
inline constexpr scheme u8_per_tensor{.bits = 8, .is_signed = false, .sym = symmetry::asymmetric};
inline constexpr scheme s8_per_tensor{.bits = 8, .is_signed = true, .sym = symmetry::symmetric};
inline constexpr scheme s8_asymmetric_per_tensor{.bits = 8, .is_signed = true, .sym = symmetry::asymmetric};
inline constexpr scheme u8_per_row = u8_per_tensor.with(granularity::per_row);
inline constexpr scheme s8_asymmetric_per_row = s8_asymmetric_per_tensor.with(granularity::per_row);
inline constexpr scheme s16_per_tensor{.bits = 16, .is_signed = true, .sym = symmetry::symmetric};
inline constexpr scheme u16_per_tensor{.bits = 16, .is_signed = false, .sym = symmetry::asymmetric};

// Weights. The 8-bit ones leave out -128, so that negation stays inside the codes (TensorFlow Lite, ONNX Runtime).
inline constexpr scheme s8_per_row{.per = granularity::per_row, .narrow_range = true};
inline constexpr scheme s8_narrow_per_tensor{.narrow_range = true};
template <int Group>
inline constexpr scheme s8_per_group{.per = granularity::per_group, .group = Group, .narrow_range = true};

inline constexpr scheme s4_per_tensor{.bits = 4};
inline constexpr scheme s4_per_row = s4_per_tensor.with(granularity::per_row);
inline constexpr scheme u4_per_row{
    .bits = 4, .is_signed = false, .sym = symmetry::asymmetric, .per = granularity::per_row};
template <int Group>
inline constexpr scheme s4_per_group = s4_per_tensor.with(granularity::per_group, Group);
template <int Group>
inline constexpr scheme u4_per_group = u4_per_row.with(granularity::per_group, Group);

/// The stored integer of a scheme: one byte up to 8 bits (4-bit codes share one), two bytes for 16.
template <scheme S>
using code_of = std::conditional_t<S.bits == 16, std::conditional_t<S.is_signed, std::int16_t, std::uint16_t>,
                                   std::conditional_t<S.is_signed, std::int8_t, std::uint8_t>>;

/// How many scales a (rows, cols) matrix has, and how many columns share one.
constexpr index_t groups_in_row(const scheme& s, index_t cols) noexcept {
  return s.per == granularity::per_group ? cols / s.group : 1;
}
constexpr index_t params_count(const scheme& s, index_t rows, index_t cols) noexcept {
  return s.per == granularity::per_tensor ? 1 : s.per == granularity::per_column ? cols : rows * groups_in_row(s, cols);
}

/// Where element (i, j) of a matrix with `cols` columns finds its scale and zero point.
constexpr index_t params_index(const scheme& s, index_t cols, index_t i, index_t j) noexcept {
  switch (s.per) {
    case granularity::per_row: return i;
    case granularity::per_group: return i * (cols / s.group) + j / s.group;
    case granularity::per_column: return j;
    default: return 0;
  }
}

/// Refuses a matrix whose rows the groups do not divide.
inline result<void> check_group(const scheme& s, index_t cols) noexcept {
  if (s.per == granularity::per_group && cols % s.group != 0)
    return failure(errc::invalid_group, "scheme: rows of {} do not divide into groups of {}", cols, s.group);
  return {};
}

}  // namespace dyadic::inline DYADIC_ABI
