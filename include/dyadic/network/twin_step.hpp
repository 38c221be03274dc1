// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// twin_step: what a quantizer, and the relu before it, make of a pair (f, q = f + d), as intervals and as lines.
//
// f is the real number of the float network, q the real number that the codes of the quantized one stand for. Both go
// through a relu, perhaps, and q through rounding and the clamp to the codes there are:
//   f' = max(f, 0) or f          q' = clamp(f + d + e, low, high), |e| <= slack          d' = q' - f'
// d' is piecewise linear in (f, d + e); its extremes over a rectangle stand on the corners of the pieces, so a handful
// of points gives the exact range of d', and of what is left of d' when a line is taken away (the shape of QEBVerif's
// case analysis; the lines are those of DeepZ and NeuroDiff).
#pragma once

#include <dyadic/network/box.hpp>

namespace dyadic::inline DYADIC_ABI {

/// One quantizer of reals: values in [low, high], low <= 0 <= high; `slack` is what rounding can add.
struct twin_step {
  double low = 0, high = 0;
  double slack = 0;
  bool rectify = false;

  double real_of(double f) const noexcept { return rectify && f < 0.0 ? 0.0 : f; }
  double difference_of(double f, double d) const noexcept {
    const double q = f + d;
    return (q < low ? low : q > high ? high : q) - real_of(f);
  }
};

/// The smallest and largest of some numbers; NaN, once met, stays.
class extremes {
 public:
  void add(double x) noexcept {
    if (!(x >= low_)) low_ = x;
    if (!(x <= high_)) high_ = x;
  }
  /// Widened by the rounding of numbers made of a few of `size`.
  enclosure range(double size) const noexcept {
    return enclosure::of(low_, high_).widened(0x1p-48 * size + std::numeric_limits<double>::min());
  }

 private:
  double low_ = std::numeric_limits<double>::infinity(), high_ = -std::numeric_limits<double>::infinity();
};

/// The range of d' for f and d + e anywhere in their intervals. |clamp(x)| <= |x|, so the sizes of f and d bound every
/// intermediate number, and with them its rounding.
inline enclosure differences(const twin_step& t, const enclosure& f, const enclosure& d) noexcept {
  extremes all;
  const auto inside = [&](double x) { return x < f.low ? f.low : x > f.high ? f.high : x; };
  for (const double end : {d.low, d.high})
    for (const double at : {f.low, f.high, inside(0.0), inside(t.low - end), inside(t.high - end)})
      all.add(t.difference_of(at, end));
  return all.range(f.size() + d.size());
}

/// y = slope * x + centre, give or take rest.
struct real_line {
  float slope = 1.0f;
  double centre = 0, rest = 0;
};
/// y = along_d * d + along_f * f + centre, give or take rest.
struct difference_line {
  float along_d = 1.0f, along_f = 0.0f;
  double centre = 0, rest = 0;
};

/// The line along max(f, 0) of the smallest rest.
inline real_line line_of_relu(const enclosure& f) noexcept {
  if (f.low >= 0.0) return {};
  if (f.high <= 0.0) return {0.0f, 0.0, 0.0};
  const auto slope = static_cast<float>(f.high / (f.high - f.low));
  if (!(slope >= 0.0f && slope <= 1.0f)) return {0.0f, 0.5 * f.high, next_up(0.5 * f.high)};
  extremes left;
  for (const double at : {f.low, 0.0, f.high}) left.add((at < 0.0 ? 0.0 : at) - static_cast<double>(slope) * at);
  const enclosure rest = left.range(f.size());
  return {slope, rest.centre(), rest.radius()};
}

/// What is left of d' when along_d * (d + e) + along_f * f is taken away.
inline enclosure left_of_line(const twin_step& t, const enclosure& f, const enclosure& d, double along_d,
                              double along_f) noexcept {
  extremes all;
  const auto point = [&](double at, double by) {
    at = at < f.low ? f.low : at > f.high ? f.high : at;
    by = by < d.low ? d.low : by > d.high ? d.high : by;
    all.add(t.difference_of(at, by) - along_d * by - along_f * at);
  };
  for (const double by : {d.low, d.high})
    for (const double at : {f.low, f.high, 0.0, t.low - by, t.high - by}) point(at, by);
  for (const double end : {t.low, t.high})
    for (const double at : {f.low, f.high, 0.0}) point(at, end - at);
  return all.range(2.0 * (f.size() + d.size()));
}

/// The line along d' that leaves the least to intervals.
/// \param f, d          ranges of f and of d + e.
/// \param made          a range of d' known otherwise: the line of slope zero.
/// \param rest_f, rest_d  what of f and d + e is interval already; a line carries its share along.
inline difference_line line_of_difference(const twin_step& t, const enclosure& f, const enclosure& d,
                                          const enclosure& made, double rest_f, double rest_d) noexcept {
  difference_line best{0.0f, 0.0f, made.centre(), made.radius()};
  constexpr float slopes[][2] = {{1.0f, 0.0f}, {0.5f, 0.0f}, {0.0f, -1.0f}};
  for (const auto& [along_d, along_f] : slopes) {
    const enclosure left = left_of_line(t, f, d, static_cast<double>(along_d), static_cast<double>(along_f));
    const double carried = static_cast<double>(along_d) * rest_d - static_cast<double>(along_f) * rest_f;
    const double rest = next_up(next_up(left.radius() + carried));
    if (rest < best.rest) best = {along_d, along_f, left.centre(), rest};
  }
  return best;
}

}  // namespace dyadic::inline DYADIC_ABI
