// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// enclosure: two doubles between which a real number lies for certain, whatever was rounded on the way.
//
// Every end that arithmetic could have moved inwards goes one double outwards: in the default floating-point
// environment a sum or product of doubles lies within one double of the exact one, so the next double is beyond it.
// An end that is NaN (infinities that met) stands for "unknown" and becomes an infinity.
#pragma once

#include <bit>
#include <limits>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The next double above x; infinity and NaN stay.
constexpr double next_up(double x) noexcept {
  const auto bits = std::bit_cast<std::int64_t>(x);
  if (!(x < std::numeric_limits<double>::infinity())) return x;
  if (x == 0.0) return std::numeric_limits<double>::denorm_min();
  return std::bit_cast<double>(x > 0.0 ? bits + 1 : bits - 1);
}
constexpr double next_down(double x) noexcept { return -next_up(-x); }

constexpr double size_of(double x) noexcept { return x < 0.0 ? -x : x; }

/// [low, high], low <= high; the ends belong to it.
struct enclosure {
  double low = 0, high = 0;

  /// [low, high] with NaN read as unknown and crossed ends put in order.
  static constexpr enclosure of(double low, double high) noexcept {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    if (low != low) low = -infinity;
    if (high != high) high = infinity;
    return low <= high ? enclosure{low, high} : enclosure{high, low};
  }
  /// What lies within `radius` of `centre`.
  static constexpr enclosure around(double centre, double radius) noexcept {
    return of(next_down(centre - radius), next_up(centre + radius));
  }

  constexpr double centre() const noexcept { return 0.5 * low + 0.5 * high; }
  /// How far an end may be from centre() as it was rounded.
  constexpr double radius() const noexcept {
    const double c = centre(), up = next_up(high - c), down = next_up(c - low);
    return up > down ? up : down;
  }
  /// The largest |x|.
  constexpr double size() const noexcept { return size_of(low) > size_of(high) ? size_of(low) : size_of(high); }
  constexpr double width() const noexcept { return next_up(high - low); }
  constexpr bool contains(double x) const noexcept { return low <= x && x <= high; }

  constexpr enclosure widened(double by) const noexcept { return of(next_down(low - by), next_up(high + by)); }
  /// max(x, 0).
  constexpr enclosure rectified() const noexcept { return {low < 0.0 ? 0.0 : low, high < 0.0 ? 0.0 : high}; }

  friend constexpr bool operator==(const enclosure&, const enclosure&) = default;
  friend constexpr enclosure operator+(const enclosure& a, const enclosure& b) noexcept {
    return of(next_down(a.low + b.low), next_up(a.high + b.high));
  }
  friend constexpr enclosure operator-(const enclosure& a, const enclosure& b) noexcept {
    return of(next_down(a.low - b.high), next_up(a.high - b.low));
  }
  /// factor * x.
  friend constexpr enclosure operator*(double factor, const enclosure& x) noexcept {
    return factor >= 0.0 ? of(next_down(factor * x.low), next_up(factor * x.high))
                         : of(next_down(factor * x.high), next_up(factor * x.low));
  }
};

/// What lies in a or in b.
constexpr enclosure hull(const enclosure& a, const enclosure& b) noexcept {
  return {a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
}
/// What lies in both: two statements about one number.
constexpr enclosure both(const enclosure& a, const enclosure& b) noexcept {
  return enclosure::of(a.low > b.low ? a.low : b.low, a.high < b.high ? a.high : b.high);
}

}  // namespace dyadic::inline DYADIC_ABI
