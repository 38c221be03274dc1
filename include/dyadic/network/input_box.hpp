// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// input_box: all the inputs near those of a batch, about which box and twin make their statements.
#pragma once

#include <dyadic/network/enclosure.hpp>
#include <dyadic/network/site.hpp>

namespace dyadic::inline DYADIC_ABI {

/// For each image of a batch the images whose every number is within `radius` of its, and in [low, high].
struct input_box {
  batch centres;
  double radius = 0;
  double low = 0, high = 1;

  bool is_point() const noexcept { return radius == 0; }
  /// The numbers that may stand at (image, column).
  enclosure at(index_t image, index_t column) const noexcept {
    const auto x = static_cast<double>(centres.rows(image, column));
    if (is_point()) return {x, x};
    return both({next_down(x - radius), next_up(x + radius)}, {low, high});
  }
};

/// Refuses a radius that is negative or no number, and centres that are not finite or outside [low, high].
inline result<void> check_input_box(const input_box& x) noexcept {
  if (const auto ok = check_batch(x.centres); !ok) return ok.error();
  if (!(x.radius >= 0.0 && x.radius - x.radius == 0.0))
    return failure(errc::invalid_range, "input_box: radius {}, expected a finite number >= 0", x.radius);
  if (!(x.low <= x.high))
    return failure(errc::invalid_range, "input_box: inputs in [{}, {}], expected ends in order", x.low, x.high);
  for (index_t i = 0; i < x.centres.rows.rows(); ++i)
    for (index_t j = 0; j < x.centres.rows.cols(); ++j) {
      const auto v = static_cast<double>(x.centres.rows(i, j));
      if (!(v - v == 0.0 && v >= x.low && v <= x.high))
        return failure(errc::invalid_range, "input_box: number {} of image {} is {}, expected one in [{}, {}]", j, i, v,
                       x.low, x.high);
    }
  return {};
}

}  // namespace dyadic::inline DYADIC_ABI
