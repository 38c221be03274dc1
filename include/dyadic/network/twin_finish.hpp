// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// twin_finish: the end of every operation of a twin. Rounds, clamps and rectifies all elements of a site, their
// intervals and their lines, and gives new symbols.
#pragma once

#include <dyadic/network/twin_symbols.hpp>

namespace dyadic::inline DYADIC_ABI::twins {

/// Ends of real and difference that hold both what they were and what the lines say.
inline void meet(twin_element& e) noexcept {
  e.real = both(e.real, enclosure::around(e.real_centre, next_up(e.real_reach + e.real_rest)));
  e.difference =
      both(e.difference, enclosure::around(e.difference_centre, next_up(e.difference_reach + e.difference_rest)));
}

/// Replaces the line of f by a line along it.
inline void follow(twin_element& e, const real_line& line) noexcept {
  const double slope = static_cast<double>(line.slope), centre = scaled(slope, e.real_centre);
  e.real_reach = scaled(slope, e.real_reach);
  const double rounded = slope == 0.0 || slope == 1.0 ? 0.0 : 0x1p-22 * e.real_reach;  // a float a coefficient
  const double lost = 0x1p-50 * (size_of(centre) + size_of(line.centre)) + rounded + 0x1p-100;
  e.real_rest = next_up(next_up(scaled(slope, e.real_rest) + line.rest) + lost);
  e.real_centre = centre + line.centre;
  e.real_reach = next_up(e.real_reach + rounded);
}
/// Replaces the line of the difference by one along it and along f; its rest is complete but for rounding.
inline void follow(twin_element& e, const difference_line& line) noexcept {
  const double along_d = static_cast<double>(line.along_d), along_f = static_cast<double>(line.along_f);
  const double d = scaled(along_d, e.difference_centre), f = scaled(along_f, e.real_centre);
  const double reach = scaled(along_d, e.difference_reach) + scaled(size_of(along_f), e.real_reach);
  const double rounded = along_f == 0.0 ? 0.0 : 0x1p-22 * reach;  // halves are exact, sums are not
  const double lost = 0x1p-50 * (size_of(d) + size_of(f) + size_of(line.centre)) + rounded + 0x1p-100;
  e.difference_rest = next_up(line.rest + lost);
  e.difference_centre = d + f + line.centre;
  e.difference_reach = next_up(reach + rounded);
}

/// Lets one element through a step: its intervals and, when `by` is given, its lines.
inline void finish_one(const twin& run, int s, const twin_step& t, twin_element& e, factors* by) noexcept {
  if (by != nullptr) meet(e);
  const enclosure f = e.real, d = e.difference.widened(t.slack), q = run.values(s, e.codes);
  e.real = t.rectify ? f.rectified() : f;
  e.difference = both(differences(t, f, d), q - e.real);
  if (by == nullptr) return;
  const real_line real = t.rectify ? line_of_relu(f) : real_line{};
  difference_line line = line_of_difference(t, f, d, e.difference, e.real_rest, next_up(e.difference_rest + t.slack));
  if (e.codes.is_point()) {  // q is one number: the difference is that less f
    const double rest = next_up(real.rest + scaled(static_cast<double>(real.slope), e.real_rest));
    if (rest < line.rest) line = {0.0f, -real.slope, q.low - real.centre, rest};
  }
  *by = {real.slope, line.along_d, line.along_f};
  follow(e, line);
  follow(e, real);
}

/// Lets all elements of y through their steps: step(i) is that of element i of an image.
template <class F>
result<void> finish(twin& run, const tensor<twin>& y, F&& step) {
  const index_t size = y.shape().size(), features = y.shape().features();
  if (!run.affine()) {
    for (index_t i = 0; i < size; ++i) finish_one(run, y.site(), step(i % features), y.data()[i], nullptr);
    return {};
  }
  std::vector<factors> by(static_cast<std::size_t>(features));
  for (index_t i = 0; i < features; ++i)
    finish_one(run, y.site(), step(i), y.data()[i], &by[static_cast<std::size_t>(i)]);
  scale_rows(symbols_of(y), by.data());
  give_symbols(run, y);
  return {};
}

}  // namespace dyadic::inline DYADIC_ABI::twins
