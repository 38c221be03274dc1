// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The clipping thresholds of least modelled squared error for normal and Laplace data: a constant times the width.
//
// With t the threshold and a step of 2 t / 2^bits, rounding costs t^2 / (3 * 4^bits) and clipping the expected squared
// distance beyond t. The sum is least where
//
//   normal    t erfc(t / sqrt 2) - sqrt(2 / pi) exp(-t^2 / 2) + t / (3 * 4^bits) = 0     (in units of sigma)
//   Laplace   t = W(3 * 4^bits), with Lambert's W                                      (in units of b)
//
// The roots are tabulated, computed with 40 digits, so that no library's erfc or exp decides a last bit.
//
// \see  Banner, Nahshan, Hoffer and Soudry, "Post-training 4-bit quantization of convolution networks for
//       rapid-deployment" (NeurIPS 2019), ACIQ
#pragma once

#include <array>

#include <dyadic/core/float_environment.hpp>
#include <dyadic/scheme/choose.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// For 2 to 16 bits.
inline constexpr std::array<double, 15> clip_of_normal = {
    1.7106351681140437, 2.1515927447403465, 2.5591364619753368, 2.9362006121084446, 3.2869142152137568,
    3.6151142152627809, 3.9240354898807822, 4.216329825704023,  4.4941605293005352, 4.7592997562190095,
    5.0132104657013014, 5.2571112107898838, 5.4920262759184839, 5.7188242953508222, 5.9382480846120725};
inline constexpr std::array<double, 15> clip_of_laplace = {
    2.8306829893702338, 3.8972294649451027, 5.0286401362362131, 6.2047663340133211, 7.4131262138435704,
    8.6456199840344237, 9.8967597700175277, 11.162685017743998, 12.440591282905361, 13.728384695912994,
    15.024464765264185, 16.327583091398939, 17.636748628849057, 18.951162433673051, 20.2701716385439};

inline result<float> try_clip(const char* what, const std::array<double, 15>& roots, int bits, float width) noexcept {
  if (bits < 2 || bits > 16) return failure(errc::invalid_range, "{}: {} bits, expected 2 to 16", what, bits);
  if (!(width >= 0.0f && width <= 0x1p124f))
    return failure(errc::invalid_range, "{}: width {}, expected a number in [0, 2^124]", what,
                   static_cast<double>(width));
  const default_float_environment environment;
  const double t = roots[static_cast<std::size_t>(bits - 2)] * static_cast<double>(opaque(width));
  return opaque(static_cast<float>(opaque(t)));
}

}  // namespace detail

/// The threshold t of [mean - t, mean + t] for normal data.
/// \param bits   in [2, 16].
/// \param sigma  the standard deviation, in [0, 2^124].
inline result<float> try_clip_gaussian(int bits, float sigma) noexcept {
  return detail::try_clip("clip_gaussian", detail::clip_of_normal, bits, sigma);
}

/// The threshold t of [mean - t, mean + t] for Laplace data of density exp(-|x - mean| / b) / (2 b).
/// \param b  the mean absolute deviation, in [0, 2^124].
inline result<float> try_clip_laplace(int bits, float b) noexcept {
  return detail::try_clip("clip_laplace", detail::clip_of_laplace, bits, b);
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where the try_ functions refuse.
inline float clip_gaussian(int bits, float sigma) { return try_clip_gaussian(bits, sigma).value(); }
inline float clip_laplace(int bits, float b) { return try_clip_laplace(bits, b).value(); }
#endif

}  // namespace dyadic::inline DYADIC_ABI
