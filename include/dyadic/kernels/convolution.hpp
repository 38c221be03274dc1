// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Convolution as a product: the rows of x are the patches of an NHWC image, gathered a block at a time.
//
//   x  (images, height, width, channels)
//   w  (out, kernel_h * kernel_w * channels / groups), columns in (kh, kw, c) order
//   y  (images * out_height * out_width, out)
// Taps outside the image hold the zero point of x (0 for floats), so they add nothing to the exact sum.
#pragma once

#include <vector>

#include <dyadic/kernels/gemm.hpp>
#include <dyadic/kernels/window.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace kernels {

/// The patches of one group of channels.
template <class T>
struct patch_rows {
  const T* x = nullptr;
  image_shape image;
  dyadic::window taps;
  index_t first_channel = 0, channels = 0;  ///< of the group
  const std::int32_t* pads = nullptr;       ///< zero point of each image, or of all when pads_a_image is 0
  index_t pads_a_image = 0;
  T pad = T{};

  T pad_of(index_t n) const noexcept { return pads == nullptr ? pad : static_cast<T>(pads[n * pads_a_image]); }

  static void fill(const void* self, index_t row, index_t count, void* out, index_t stride) {
    const patch_rows s = *static_cast<const patch_rows*>(self);  // a copy: bytes written through `out` cannot change it
    const index_t oh = s.taps.out_height(s.image.height), ow = s.taps.out_width(s.image.width);
    // Windows [inside_first, inside_last) of an output row have all their columns inside the image.
    const index_t span = (s.taps.size.width - 1) * s.taps.dilation.width, step = s.taps.stride.width;
    const index_t inside_first = blocks_of(s.taps.padding.width, step);
    const index_t inside_last = s.image.width > span ? (s.image.width - span - 1 + s.taps.padding.width) / step + 1 : 0;
    T* to = static_cast<T*>(out);
    while (count > 0) {
      const index_t n = row / (oh * ow), h = row / ow % oh, w = row % ow;
      index_t run = 1;
      if (w >= inside_first && w < inside_last) run = inside_last - w < count ? inside_last - w : count;
      s.patches(n, h, w, run, w >= inside_first && w < inside_last, to, stride);
      row += run, count -= run, to += run * stride;
    }
  }

  /// `run` windows side by side, the first one at (oh, ow) of image n; more than one only when all are inside in width.
  void patches(index_t n, index_t oh, index_t ow, index_t run, bool inside, T* to, index_t stride) const {
    const index_t top = oh * taps.stride.height - taps.padding.height,
                  left = ow * taps.stride.width - taps.padding.width;
    const index_t row = image.width * image.channels, a_row = taps.size.width * channels;
    const T pad_value = pad_of(n);
    const T* from = x + n * image.height * row + first_channel + top * row + left * image.channels;
    // A row of taps is one run of memory when nothing is left out between its pixels.
    const bool whole = inside && taps.dilation.width == 1 && channels == image.channels;
    const index_t step = taps.stride.width * image.channels;
    for (index_t kh = 0, h = top; kh < taps.size.height; ++kh, h += taps.dilation.height) {
      if (h < 0 || h >= image.height) {
        for (index_t i = 0; i < run; ++i) put(to + i * stride, pad_value, a_row);
      } else if (whole) {
        for (index_t i = 0; i < run; ++i) copy(to + i * stride, from + i * step, a_row);
      } else {
        for (index_t i = 0; i < run; ++i) {
          for (index_t kw = 0; kw < taps.size.width; ++kw) {
            const index_t w = left + i * taps.stride.width + kw * taps.dilation.width;
            T* at = to + i * stride + kw * channels;
            if (w < 0 || w >= image.width)
              put(at, pad_value, channels);
            else
              copy(at, from + i * step + kw * taps.dilation.width * image.channels, channels);
          }
        }
      }
      to += a_row;
      from += taps.dilation.height * row;
    }
  }
  static DYADIC_INLINE void put(T* to, T value, index_t n) noexcept {
    for (index_t i = 0; i < n; ++i) to[i] = value;
  }
  /// Short runs are common (three bytes in a first layer), and dearer to call memcpy for than to copy: two overlapping
  /// halves.
  static DYADIC_INLINE void copy(T* to, const T* from, index_t n) noexcept {
    const index_t bytes = n * static_cast<index_t>(sizeof(T));
    auto* t = reinterpret_cast<char*>(to);
    const auto* f = reinterpret_cast<const char*>(from);
    if (bytes > 16) {
      __builtin_memcpy(t, f, static_cast<std::size_t>(bytes));
    } else if (bytes >= 8) {
      halves<8>(t, f, bytes);
    } else if (bytes >= 4) {
      halves<4>(t, f, bytes);
    } else if (bytes >= 2) {
      halves<2>(t, f, bytes);
    } else if (bytes == 1) {
      *t = *f;
    }
  }
  template <std::size_t Half>
  static DYADIC_INLINE void halves(char* to, const char* from, index_t bytes) noexcept {
    char first[Half], last[Half];
    const index_t rest = bytes - static_cast<index_t>(Half);
    __builtin_memcpy(first, from, Half);
    __builtin_memcpy(last, from + rest, Half);
    __builtin_memcpy(to, first, Half);
    __builtin_memcpy(to + rest, last, Half);
  }
  /// Windows of one pixel, one beside the other: the image itself is the matrix.
  bool direct() const noexcept {
    return taps.size == extent2{1, 1} && taps.stride == extent2{1, 1} && taps.padding == extent2{0, 0};
  }
  simd::row_source source() const noexcept {
    return {&fill, this, direct() ? x + first_channel : nullptr, image.channels};
  }
};

/// Shapes of one convolution that fit together: returns rows of y.
inline result<index_t> check_convolution(const image_shape& x, const window& taps, index_t groups, index_t out,
                                         index_t depth) noexcept {
  if (const auto ok = check_image("conv2d: x", x); !ok) return ok.error();
  if (const auto ok = check_window("conv2d", taps); !ok) return ok.error();
  if (groups < 1 || x.channels % groups != 0 || out % groups != 0)
    return failure(errc::invalid_shape, "conv2d: {} groups do not divide {} input and {} output channels", groups,
                   x.channels, out);
  const auto expected = checked_multiply(taps.size.height, taps.size.width, x.channels / groups);
  if (!expected) return expected.error();
  if (depth != *expected)
    return failure(errc::invalid_shape, "conv2d: weights have {} columns, {} x {} taps of {} channels expect {}", depth,
                   taps.size.height, taps.size.width, x.channels / groups, *expected);
  return checked_multiply(x.images, taps.out_height(x.height), taps.out_width(x.width));
}

}  // namespace kernels

/// Weights of a convolution: one packed product a group of channels.
template <class Packed>
struct packed_groups {
  std::vector<Packed> parts;

  index_t rows() const noexcept { return parts.empty() ? 0 : static_cast<index_t>(parts.size()) * parts[0].rows(); }
  index_t cols() const noexcept { return parts.empty() ? 0 : parts[0].cols(); }
  index_t model_bytes() const noexcept {
    index_t sum = 0;
    for (const Packed& p : parts) sum += p.model_bytes();
    return sum;
  }
};

/// Packs the rows of w in `groups` equal parts.
template <scheme S>
result<packed_groups<packed_weights>> try_pack_groups(const quantized_view<S>& w, index_t groups,
                                                      std::int64_t largest_x = 255) {
  if (groups < 1 || w.rows % groups != 0)
    return failure(errc::invalid_shape, "pack: {} groups do not divide {} rows", groups, w.rows);
  if (const auto ok = check_quantized(w); !ok) return ok.error();
  packed_groups<packed_weights> made;
  for (index_t g = 0; g < groups; ++g) {
    auto part = packed_weights::try_make(rows_of(w, g * (w.rows / groups), w.rows / groups), largest_x);
    if (!part) return part.error();
    made.parts.push_back(std::move(*part));
  }
  return made;
}
inline result<packed_groups<packed_reals>> try_pack_groups(strided<const float> w, index_t groups) {
  if (groups < 1 || w.rows() % groups != 0)
    return failure(errc::invalid_shape, "pack: {} groups do not divide {} rows", groups, w.rows());
  if (const auto ok = check_view("pack", w); !ok) return ok.error();
  packed_groups<packed_reals> made;
  const index_t rows = w.rows() / groups;
  for (index_t g = 0; g < groups; ++g) {
    auto part = packed_reals::try_make({w.row(g * rows), rows, w.cols(), w.row_stride(), w.col_stride()});
    if (!part) return part.error();
    made.parts.push_back(std::move(*part));
  }
  return made;
}

/// 8-bit codes of a batch of images with their params: one scale and zero point for all, or one an image.
struct image_codes {
  const std::uint8_t* codes = nullptr;        ///< the bytes of int8 codes when is_signed
  image_shape shape;
  std::span<const float> scales;              ///< 1 or shape.images
  std::span<const std::int32_t> zero_points;  ///< as many
  bool is_signed = false;
};

namespace kernels {

/// The epilogue of one group of a convolution, of `rows` output channels.
inline epilogue::bounded_reals group_of(const epilogue::bounded_reals& e, index_t group, index_t rows) noexcept {
  if (e.bias.empty()) return e;
  return {e.bias.subspan(static_cast<std::size_t>(group * rows), static_cast<std::size_t>(rows)), e.low, e.high};
}
inline epilogue::sums group_of(epilogue::sums e, index_t, index_t) noexcept { return e; }
inline epilogue::requantize group_of(const epilogue::requantize_groups& e, index_t group, index_t) noexcept {
  return epilogue::requantize(e.how[static_cast<std::size_t>(group)], e.rectified);
}
inline epilogue::unrounded group_of(const epilogue::unrounded_groups& e, index_t group, index_t) noexcept {
  return epilogue::unrounded(e.how[static_cast<std::size_t>(group)]);
}

/// Refuses an epilogue whose parts are not those of the weights.
inline result<void> check_parts(const epilogue::bounded_reals& e, index_t, index_t rows) noexcept {
  const auto biases = static_cast<index_t>(e.bias.size());
  if (biases != 0 && biases != rows)
    return failure(errc::invalid_shape, "conv2d: bias of {} for {} output channels, expected {} or none", biases, rows,
                   rows);
  return {};
}
inline result<void> check_parts(epilogue::sums, index_t, index_t) noexcept { return {}; }
template <class E>
  requires requires(const E& e) { e.how[0]; }
result<void> check_parts(const E& e, index_t groups, index_t) noexcept {
  if (static_cast<index_t>(e.how.size()) != groups)
    return failure(errc::invalid_shape, "conv2d: {} requantizations for {} groups", static_cast<index_t>(e.how.size()),
                   groups);
  return {};
}

template <>
inline constexpr bool makes<epilogue::requantize_groups, std::uint8_t> = true;
template <>
inline constexpr bool makes<epilogue::requantize_groups, std::int8_t> = true;

}  // namespace kernels

/// Convolution of 8-bit codes, unsigned or signed.
///
/// \param e  epilogue::sums{}, epilogue::dequantize{} with its stages, or one requantization a group.
/// \param y  (images * out_height * out_width, w.rows()); must not overlap x.
template <class E, class T>
  requires(kernels::makes<E, T>)
result<void> try_conv2d(const image_codes& x, const window& taps, const packed_groups<packed_weights>& w, const E& e,
                        strided<T> y, const run_options& options = {}) noexcept {
  const auto groups = static_cast<index_t>(w.parts.size());
  const auto rows = kernels::check_convolution(x.shape, taps, groups, w.rows(), w.cols());
  if (!rows) return rows.error();
  if (const auto ok = kernels::check_parts(e, groups, w.rows()); !ok) return ok;
  if (y.rows() != *rows || y.cols() != w.rows())
    return failure(errc::invalid_shape, "conv2d: y is {} x {}, expected {} x {}", y.rows(), y.cols(), *rows, w.rows());
  if (const auto ok = check_view("conv2d: y", y); !ok) return ok.error();
  const auto count = static_cast<index_t>(x.scales.size());
  const bool per_image = count != 1;
  if ((per_image && count != x.shape.images) || x.zero_points.size() != x.scales.size())
    return failure(errc::invalid_shape, "conv2d: {} scales and {} zero points for {} images, expected 1 or {} of each",
                   count, static_cast<index_t>(x.zero_points.size()), x.shape.images, x.shape.images);
  for (index_t i = 0; i < count; ++i) {
    if (const auto ok = check_scale(x.scales[static_cast<std::size_t>(i)], i); !ok) return ok;
    if (const auto ok = check_zero_point(x.is_signed ? s8_asymmetric_per_row : u8_per_row,
                                         x.zero_points[static_cast<std::size_t>(i)], i);
        !ok)
      return ok;
  }
  if constexpr (std::is_same_v<E, epilogue::requantize_groups>) {
    for (const requantization& r : e.how)
      if (r.is_signed() != std::is_signed_v<T>)
        return failure(errc::invalid_scheme, "conv2d: y is {}, the requantization makes {} codes",
                       std::is_signed_v<T> ? "signed" : "unsigned", r.is_signed() ? "signed" : "unsigned");
  }
  const strided<const std::uint8_t> codes(x.codes, 1, x.shape.size());
  if (const auto ok = check_view("conv2d: x", codes); !ok) return ok;
  if (bytes_of(y).overlaps(bytes_of(codes)))
    return failure(errc::overlap, "conv2d: y of {} x {} shares memory with x", y.rows(), y.cols());
  const index_t channels = x.shape.channels / groups, columns = w.rows() / groups;
  for (index_t group = 0; group < groups; ++group) {
    const packed_weights& part = w.parts[static_cast<std::size_t>(group)];
    const kernels::patch_rows<std::uint8_t> patches{x.codes, x.shape, taps, group * channels, channels,
                                                    x.zero_points.data(), per_image ? 1 : 0, 0};
    simd::gemm_call g;
    g.x = patches.source();
    g.m = *rows;
    g.k = part.cols();
    g.x_signed = x.is_signed;
    g.w = part.view();
    const index_t all = per_image && x.shape.images > 0 ? *rows / x.shape.images : *rows;
    const index_t rows_a_param = all > 0 ? all : 1;
    const auto bound = x.is_signed ? kernels::set_x<s8_asymmetric_per_row>(g.out, x.zero_points, rows_a_param, part)
                                   : kernels::set_x<u8_per_row>(g.out, x.zero_points, rows_a_param, part);
    if (!bound) return bound;
    if (const auto ok = kernels::set_y(g.out, kernels::group_of(e, group, columns), part, x.scales); !ok) return ok;
    kernels::set_memory(g.out, y, group * columns);
    if (const auto ok = kernels::run_gemm<kernels::pick_gemm_codes>(g, g.w.n, options); !ok) return ok;
  }
  return {};
}

/// Convolution in float: the same patches, the float product.
template <std::same_as<float> T>
result<void> try_conv2d(const T* x, const image_shape& shape, const window& taps,
                               const packed_groups<packed_reals>& w, const epilogue::bounded_reals& e, strided<float> y,
                               const run_options& options = {}) noexcept {
  const auto groups = static_cast<index_t>(w.parts.size());
  const auto rows = kernels::check_convolution(shape, taps, groups, w.rows(), w.cols());
  if (!rows) return rows.error();
  if (y.rows() != *rows || y.cols() != w.rows())
    return failure(errc::invalid_shape, "conv2d: y is {} x {}, expected {} x {}", y.rows(), y.cols(), *rows, w.rows());
  if (const auto ok = check_view("conv2d: y", y); !ok) return ok.error();
  if (const auto ok = kernels::check_parts(e, groups, w.rows()); !ok) return ok;
  if (const auto ok = kernels::check_clamp(e); !ok) return ok.error();
  const strided<const float> numbers(x, 1, shape.size());
  if (const auto ok = check_view("conv2d: x", numbers); !ok) return ok.error();
  if (bytes_of(y).overlaps(bytes_of(numbers)))
    return failure(errc::overlap, "conv2d: y of {} x {} shares memory with x", y.rows(), y.cols());
  for (index_t group = 0; group < groups; ++group) {
    const packed_reals& part = w.parts[static_cast<std::size_t>(group)];
    const index_t channels = shape.channels / groups;
    const kernels::patch_rows<float> patches{x, shape, taps, group * channels, channels, nullptr, 0, 0.0f};
    simd::gemm_call g;
    g.x = patches.source();
    g.m = *rows;
    g.k = part.cols();
    g.real_w = part.view();
    g.out.to = simd::output::reals;
    g.out.bias = e.bias.empty() ? nullptr : e.bias.data() + group * part.rows();
    g.out.low = e.low;
    g.out.high = e.high;
    kernels::set_memory(g.out, y, group * part.rows());
    if (const auto ok = kernels::run_gemm<kernels::pick_gemm_reals>(g, part.rows(), options); !ok) return ok.error();
  }
  return {};
}

}  // namespace dyadic::inline DYADIC_ABI
