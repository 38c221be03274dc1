// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// extent: the smallest and largest finite number of some data, and how much of the data was no finite number.
//
// It is a function of the multiset of the data: order and grouping do not matter, and -0 counts as 0. Nothing rounds,
// and no flush-to-zero of the host matters.
#pragma once

#include <limits>
#include <span>

#include <dyadic/calibrate/runs.hpp>
#include <dyadic/calibrate/simd/operators.hpp>
#include <dyadic/scheme/choose.hpp>

namespace dyadic::inline DYADIC_ABI {

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

/// Numbers of any kind; needs the default floating-point environment. The instruction set takes what is finite, blocks
/// with something else are looked at number by number.
inline void include_run(extent& e, const float* x, index_t n) noexcept {
  constexpr index_t block = 1024;
  const auto run = dispatched<pick_extent>();
  for (index_t i = 0; i < n;) {
    extent seen;
    const index_t done = run(x + i, n - i, &seen.min, &seen.max);
    if (done > 0) {
      seen.min = positive_zero(seen.min), seen.max = positive_zero(seen.max);
      seen.finite = static_cast<std::uint64_t>(done);
      e.include(seen);
    }
    i += done;
    for (const index_t end = n - i < block ? n : i + block; i < end; ++i) include_one(e, x[i]);
  }
}

}  // namespace detail

/// The extent of n floats.
inline extent extent_of(std::span<const float> x) noexcept {
  const default_float_environment environment;
  extent e;
  detail::include_run(e, x.data(), static_cast<index_t>(x.size()));
  return e;
}

/// The extent of a matrix of any layout; x is a view that check_view accepts.
template <real_matrix M>
extent extent_of(const M& x) noexcept {
  const default_float_environment environment;
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
