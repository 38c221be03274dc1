// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Windows over images: the geometry that convolution and pooling share, checked once.
//
// Images are NHWC, without gaps: element (n, h, w, c) stands at ((n * height + h) * width + w) * channels + c.
#pragma once

#include <dyadic/core/checked.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The shape of a batch of images, or of any tensor with up to four axes; a (rows, features) tensor is (rows, 1, 1,
/// features).
struct image_shape {
  index_t images = 0, height = 1, width = 1, channels = 1;

  constexpr index_t pixels() const noexcept { return images * height * width; }
  constexpr index_t features() const noexcept { return height * width * channels; }
  constexpr index_t size() const noexcept { return images * features(); }
  friend constexpr bool operator==(const image_shape&, const image_shape&) = default;
};

struct extent2 {
  index_t height = 1, width = 1;
  friend constexpr bool operator==(const extent2&, const extent2&) = default;
};

/// A window of `size` taps, `dilation` apart, moved by `stride` over an image with `padding` on all four sides.
struct window {
  extent2 size{1, 1};
  extent2 stride{1, 1};
  extent2 padding{0, 0};
  extent2 dilation{1, 1};

  /// How many windows fit along one axis; 0 when none does.
  static constexpr index_t count(index_t image, index_t size, index_t stride, index_t padding,
                                 index_t dilation) noexcept {
    const index_t span = dilation * (size - 1) + 1, room = image + 2 * padding;
    return room < span ? 0 : (room - span) / stride + 1;
  }
  constexpr index_t out_height(index_t h) const noexcept {
    return count(h, size.height, stride.height, padding.height, dilation.height);
  }
  constexpr index_t out_width(index_t w) const noexcept {
    return count(w, size.width, stride.width, padding.width, dilation.width);
  }
  friend constexpr bool operator==(const window&, const window&) = default;
};

/// Refuses sizes that cannot be: all are bounded by 2^20, so that no position inside a window can overflow.
inline result<void> check_window(const char* what, const window& w) noexcept {
  constexpr index_t most = index_t{1} << 20;
  const index_t positive[] = {w.size.height,  w.size.width,      w.stride.height,
                              w.stride.width, w.dilation.height, w.dilation.width};
  for (const index_t v : positive)
    if (v < 1 || v > most)
      return failure(errc::invalid_shape, "{}: size, stride or dilation of {}, expected 1 to {}", what, v, most);
  for (const index_t v : {w.padding.height, w.padding.width})
    if (v < 0 || v > most) return failure(errc::invalid_shape, "{}: padding of {}, expected 0 to {}", what, v, most);
  return {};
}

inline result<void> check_image(const char* what, const image_shape& s) noexcept {
  if (s.images < 0 || s.height < 0 || s.width < 0 || s.channels < 0)
    return failure(errc::invalid_shape, "{}: image of {} x {} x {} x {}, expected sizes >= 0", what, s.images, s.height,
                   s.width, s.channels);
  const auto size = checked_multiply(s.images, s.height, s.width, s.channels);
  if (!size) return size.error();
  return {};
}

}  // namespace dyadic::inline DYADIC_ABI
