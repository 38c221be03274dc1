// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolution by definition: NHWC; stride, padding, dilation and groups of channels; codes and floats.
//
//   x  (images, height, width, channels)
//   w  (out, kernel_h * kernel_w * channels / groups), columns in (kh, kw, c) order
//   y  (images, out_height, out_width, out), as a matrix of one row a pixel
// Output channel o sees the input channels of its group, o / (out / groups). Padding is real zero: the zero point of x.
#pragma once

#include <dyadic/kernels/reference/dot.hpp>
#include <dyadic/kernels/reference/image.hpp>

namespace dyadic::inline DYADIC_ABI::reference {

/// Where column k of the weights finds its activation.
struct column_place {
  index_t kh = 0, kw = 0, channel = 0;
};
constexpr column_place place_of(index_t k, const window& taps, index_t channels_a_group) noexcept {
  return {k / channels_a_group / taps.size.width, k / channels_a_group % taps.size.width, k % channels_a_group};
}

/// \param x            codes of a whole batch, u8 or s8 as Code says.
/// \param scales       one, or one an image; zero_points as many.
/// \param e            sums{}, reals, codes or fixed_codes; its arrays have w.rows elements.
template <class Code, scheme W, class E, class T>
void conv2d(const Code* x, const image_shape& shape, std::span<const float> scales,
            std::span<const std::int32_t> zero_points, const window& taps, const quantized_view<W>& w, index_t groups,
            const E& e, strided<T> y) {
  const index_t channels = shape.channels / groups;
  index_t row = 0;
  for_each_pixel(shape_of_windows(shape, taps, w.rows), [&](const pixel& out) {
    const std::size_t p = scales.size() == 1 ? 0 : static_cast<std::size_t>(out.image);
    for (index_t o = 0; o < w.rows; ++o) {
      const index_t first = o / (w.rows / groups) * channels;
      const auto centred = [&](index_t k) {
        const column_place c = place_of(k, taps, channels);
        const pixel tap = tap_of(taps, out, c.kh, c.kw);
        return tap.inside(shape) ? x[tap.at(shape, first + c.channel)] - zero_points[p] : 0;
      };
      y(row, o) = static_cast<T>(finish(e, centred, scales[p], w, o));
    }
    ++row;
  });
}

/// The float convolution: one fma chain over increasing column of w, then the bias, then the clamp. Padding takes part
/// in the chain as 0, so that an infinite or NaN weight shows.
inline void conv2d(const float* x, const image_shape& shape, const window& taps, strided<const float> w, index_t groups,
                   const reals& e, strided<float> y) {
  const index_t channels = shape.channels / groups;
  index_t row = 0;
  for_each_pixel(shape_of_windows(shape, taps, w.rows()), [&](const pixel& out) {
    for (index_t o = 0; o < w.rows(); ++o) {
      const index_t first = o / (w.rows() / groups) * channels;
      float sum = 0.0f;
      for (index_t k = 0; k < w.cols(); ++k) {
        const column_place c = place_of(k, taps, channels);
        const pixel tap = tap_of(taps, out, c.kh, c.kw);
        sum = std::fma(tap.inside(shape) ? x[tap.at(shape, first + c.channel)] : 0.0f, w(o, k), sum);
      }
      y(row, o) = clamp(sum + element_or_zero(e.bias, o), e.low, e.high);
    }
    ++row;
  });
}

}  // namespace dyadic::inline DYADIC_ABI::reference
