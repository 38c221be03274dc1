// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Windows over images by definition: where each tap stands, and how many windows there are.
//
// Images are NHWC without gaps. Window o of an axis has its taps at o * stride - padding + t * dilation, t from 0 to
// size - 1; those below 0 or from the image's end on are padding.
#pragma once

#include <dyadic/kernels/window.hpp>

namespace dyadic::inline DYADIC_ABI::reference {

/// Windows of an axis: as long as the last tap stays inside the image and its padding.
constexpr index_t windows_along(index_t image, index_t size, index_t stride, index_t padding,
                                index_t dilation) noexcept {
  index_t n = 0;
  while (n * stride - padding + (size - 1) * dilation < image + padding) ++n;
  return n;
}

/// The shape of the output, with as many channels as the operation makes.
constexpr image_shape shape_of_windows(const image_shape& x, const window& w, index_t channels) noexcept {
  return {x.images, windows_along(x.height, w.size.height, w.stride.height, w.padding.height, w.dilation.height),
          windows_along(x.width, w.size.width, w.stride.width, w.padding.width, w.dilation.width), channels};
}

/// A pixel of an image; inside() is false where there is only padding.
struct pixel {
  index_t image = 0, row = 0, column = 0;
  constexpr bool inside(const image_shape& s) const noexcept {
    return row >= 0 && row < s.height && column >= 0 && column < s.width;
  }
  constexpr index_t at(const image_shape& s, index_t channel) const noexcept {
    return ((image * s.height + row) * s.width + column) * s.channels + channel;
  }
};

/// Tap (kh, kw) of the window whose output is the pixel `out`.
constexpr pixel tap_of(const window& w, const pixel& out, index_t kh, index_t kw) noexcept {
  return {out.image, out.row * w.stride.height - w.padding.height + kh * w.dilation.height,
          out.column * w.stride.width - w.padding.width + kw * w.dilation.width};
}

/// visit(pixel) for every pixel of a shape, in the order of memory.
template <class Visit>
constexpr void for_each_pixel(const image_shape& s, Visit&& visit) {
  for (index_t n = 0; n < s.images; ++n)
    for (index_t h = 0; h < s.height; ++h)
      for (index_t w = 0; w < s.width; ++w) visit(pixel{n, h, w});
}

/// visit(pixel) for the taps of a window that lie inside the image, in the order of memory.
template <class Visit>
constexpr void for_each_tap_inside(const image_shape& x, const window& w, const pixel& out, Visit&& visit) {
  for (index_t kh = 0; kh < w.size.height; ++kh)
    for (index_t kw = 0; kw < w.size.width; ++kw)
      if (const pixel tap = tap_of(w, out, kh, kw); tap.inside(x)) visit(tap);
}

}  // namespace dyadic::inline DYADIC_ABI::reference
