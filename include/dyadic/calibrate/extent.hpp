// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// extent: the smallest and largest finite number of some data, and how much of the data was no finite number.
//
// It is a function of the multiset of the data: order and grouping do not matter, and -0 counts as 0. All of it is
// integer arithmetic on the bits, so no rounding mode or flush-to-zero of the host matters either.
#pragma once

#include <bit>
#include <limits>
#include <span>

#include <dyadic/calibrate/runs.hpp>
#include <dyadic/scheme/choose.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// Integers in the order of the floats: -infinity < ... < -0 < +0 < ... < +infinity. Comparing these, and not the
/// floats, keeps subnormals apart in a program that has set denormals-are-zero.
constexpr std::int32_t ordered_key(std::int32_t bits) noexcept { return bits ^ ((bits >> 31) & 0x7FFFFFFF); }
constexpr std::int32_t ordered_key(float x) noexcept { return ordered_key(std::bit_cast<std::int32_t>(x)); }
constexpr float float_of_key(std::int32_t key) noexcept { return std::bit_cast<float>(ordered_key(key)); }
constexpr bool is_less(float a, float b) noexcept { return ordered_key(a) < ordered_key(b); }

/// +0 for -0.
constexpr float positive_zero(float x) noexcept { return std::bit_cast<std::uint32_t>(x) == 0x80000000U ? 0.0f : x; }

}  // namespace detail

struct extent {
  float min = std::numeric_limits<float>::infinity();  ///< +infinity when nothing finite was seen
  float max = -std::numeric_limits<float>::infinity();
  std::uint64_t finite = 0, nan = 0, positive_infinity = 0, negative_infinity = 0;

  friend constexpr bool operator==(const extent& a, const extent& b) noexcept {
    return detail::ordered_key(a.min) == detail::ordered_key(b.min) &&
           detail::ordered_key(a.max) == detail::ordered_key(b.max) && a.finite == b.finite && a.nan == b.nan &&
           a.positive_infinity == b.positive_infinity && a.negative_infinity == b.negative_infinity;
  }

  constexpr bool empty() const noexcept { return finite == 0; }
  constexpr std::uint64_t total() const noexcept { return finite + nan + positive_infinity + negative_infinity; }

  /// Adds what another extent saw.
  constexpr void include(const extent& other) noexcept {
    if (detail::is_less(other.min, min)) min = other.min;
    if (detail::is_less(max, other.max)) max = other.max;
    finite += other.finite, nan += other.nan;
    positive_infinity += other.positive_infinity, negative_infinity += other.negative_infinity;
  }
};

namespace detail {

/// One number that may be anything.
constexpr void include_one(extent& e, float x) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) {
    ++e.nan;
  } else if ((bits & 0x7FFFFFFFU) == 0x7F800000U) {
    ++(bits >> 31 == 0 ? e.positive_infinity : e.negative_infinity);
  } else {
    const float v = positive_zero(x);
    if (is_less(v, e.min)) e.min = v;
    if (is_less(e.max, v)) e.max = v;
    ++e.finite;
  }
}

/// Includes as many whole blocks of x as there are and returns how many numbers that was.
///
/// A constant length in integer arithmetic is what every compiler turns into vectors; only a block that holds something
/// infinite or NaN is looked at number by number.
template <index_t Block>
inline index_t include_blocks(extent& e, const float* x, index_t n) noexcept {
  std::int32_t lo = ordered_key(extent{}.min), hi = ordered_key(extent{}.max);
  index_t i = 0;
  for (; i + Block <= n; i += Block) {
    std::int32_t low = lo, high = hi, size = 0;
    for (index_t t = 0; t < Block; ++t) {
      const auto bits = std::bit_cast<std::int32_t>(x[i + t]);
      const std::int32_t key = ordered_key(bits), magnitude = bits & 0x7FFFFFFF;
      low = key < low ? key : low;
      high = key > high ? key : high;
      size = magnitude > size ? magnitude : size;
    }
    if (size < 0x7F800000) {
      lo = low, hi = high;
      e.finite += Block;
    } else {
      for (index_t t = 0; t < Block; ++t) include_one(e, x[i + t]);
    }
  }
  if (lo <= hi) {
    const float min = positive_zero(float_of_key(lo)), max = positive_zero(float_of_key(hi));
    if (is_less(min, e.min)) e.min = min;
    if (is_less(e.max, max)) e.max = max;
  }
  return i;
}

inline void include_run(extent& e, const float* x, index_t n) noexcept {
  index_t i = include_blocks<256>(e, x, n);
  i += include_blocks<32>(e, x + i, n - i);
  for (const float *at = x + i, *end = x + n; at != end; ++at) include_one(e, *at);
}

}  // namespace detail

/// The extent of n floats.
inline extent extent_of(std::span<const float> x) noexcept {
  extent e;
  detail::include_run(e, x.data(), static_cast<index_t>(x.size()));
  return e;
}

/// The extent of a matrix of any layout; x is a view that check_view accepts.
template <real_matrix M>
extent extent_of(const M& x) noexcept {
  extent e;
  detail::for_each_run(strided<const float>(x), [&e](std::span<const float> run) {
    detail::include_run(e, run.data(), static_cast<index_t>(run.size()));
  });
  return e;
}

/// The range of an extent, or errc::no_data with what was seen instead.
inline result<range> range_of(const extent& e) noexcept {
  if (e.empty())
    return failure(errc::no_data, "range: no finite number among {} observed ({} NaN, {} +infinity, {} -infinity)",
                   e.total(), e.nan, e.positive_infinity, e.negative_infinity);
  return range{e.min, e.max};
}

}  // namespace dyadic::inline DYADIC_ABI
