// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// OCTAV: the symmetric clipping threshold of least modelled squared error, by Newton's method.
//
//   s' = sum of |x| > s  /  (4^-bits / 3 * number of |x| <= s  +  number of |x| > s)
//
// models the rounding error as s^2 4^-bits / 3 inside (a step 2 s / 2^bits, squared, over 12) and takes the clipping
// error as it is. Few steps, no scan: the cheapest of the searches, and near range_mse where the levels are many.
//
// \see  Sakr et al., "Optimal Clipping and Magnitude-aware Differentiation for Improved Quantization-aware Training"
//       (ICML 2022), equation 6; here zeros count as inside, as in the AI Edge Quantizer's implementation
#pragma once

#include <dyadic/calibrate/expected_error.hpp>

namespace dyadic::inline DYADIC_ABI {

/// [-s, s] at the fixed point of the recursion, started at the mean magnitude, to the float (at most 100 steps).
/// \param bits  in [2, 16].
inline result<range> try_range_octav(const histogram& h, int bits) {
  const auto magnitudes = try_magnitude_bins(h);
  if (!magnitudes) return magnitudes.error();
  const binned& view = magnitudes->view();
  if (const auto ok = check_binned("range_octav", view); !ok) return ok.error();
  if (bits < 2 || bits > 16) return failure(errc::invalid_range, "range_octav: {} bits, expected 2 to 16", bits);
  const default_float_environment environment;
  const expected_error e(view);
  const double inside = 1.0 / (3.0 * static_cast<double>(std::uint64_t{1} << (2 * bits))), total = e.total();
  const auto top = static_cast<double>(view.bins());
  // The sum of x above s is that of N over [s, top], by parts: top total - s N(s) - (I(top) - I(s)).
  double s = 0.0;
  for (int step = 0; step < 101; ++step) {
    const double below = e.below(s), above = total - below;
    const double sum = (detail::opaque(top * total) - detail::opaque(s * below)) - (e.integral(top) - e.integral(s));
    const double next = sum / (detail::opaque(inside * below) + above);
    const bool settled = static_cast<float>(next) == static_cast<float>(s);
    s = next;
    if (settled) break;
  }
  const float most = detail::largest_magnitude(view.seen), found = detail::nearest_float(s * e.width());
  const float t = detail::is_less(found, most) ? found : most;
  return range{-t, t};
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where try_range_octav refuses.
inline range range_octav(const histogram& h, int bits) { return try_range_octav(h, bits).value(); }
#endif

}  // namespace dyadic::inline DYADIC_ABI
