// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Max and average pooling by definition, on codes and on floats. Padding never counts.
#pragma once

#include <limits>
#include <type_traits>

#include <dyadic/fixed_point/rounding.hpp>
#include <dyadic/kernels/reference/image.hpp>

namespace dyadic::inline DYADIC_ABI::reference {

/// The largest tap of each window. NaN is never the largest; a window of nothing else gives -infinity.
/// \param y  (images, out_height, out_width, channels).
template <class T>
constexpr void max_pool(const T* x, const image_shape& shape, const window& w, T* y) {
  constexpr T lowest =
      std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity() : std::numeric_limits<T>::lowest();
  for_each_pixel(shape_of_windows(shape, w, shape.channels), [&](const pixel& out) {
    for (index_t c = 0; c < shape.channels; ++c) {
      T best = lowest;
      for_each_tap_inside(shape, w, out, [&](const pixel& tap) {
        if (const T v = x[tap.at(shape, c)]; v > best) best = v;
      });
      *y++ = best;
    }
  });
}

/// zero_point + round_half_even(sum of (code - zero_point) / taps), the quotient exact; the same params in and out.
template <class Code>
  requires std::is_integral_v<Code>
constexpr void average_pool(const Code* x, const image_shape& shape, const window& w, std::int32_t zero_point,
                            Code* y) {
  for_each_pixel(shape_of_windows(shape, w, shape.channels), [&](const pixel& out) {
    for (index_t c = 0; c < shape.channels; ++c) {
      std::int64_t sum = 0, count = 0;
      for_each_tap_inside(shape, w, out, [&](const pixel& tap) {
        sum += x[tap.at(shape, c)] - zero_point;
        ++count;
      });
      *y++ = static_cast<Code>(zero_point + divide<rounding::half_even>(sum, count));
    }
  });
}

/// The mean of the taps: added in the order of memory from 0, then divided.
constexpr void average_pool(const float* x, const image_shape& shape, const window& w, float* y) {
  for_each_pixel(shape_of_windows(shape, w, shape.channels), [&](const pixel& out) {
    for (index_t c = 0; c < shape.channels; ++c) {
      float sum = 0.0f;
      index_t count = 0;
      for_each_tap_inside(shape, w, out, [&](const pixel& tap) {
        sum += x[tap.at(shape, c)];
        ++count;
      });
      *y++ = sum / static_cast<float>(count);
    }
  });
}

}  // namespace dyadic::inline DYADIC_ABI::reference
