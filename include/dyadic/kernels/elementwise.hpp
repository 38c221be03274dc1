// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operations without a product, on unsigned 8-bit codes and on floats: quantize, dequantize, ranges, pooling, relu,
// add.
//
// They take plain arrays whose shapes a caller has checked; every one gives the bits of kernels/reference on every
// instruction set. Each call sets the default floating-point environment for its length.
#pragma once

#include <span>

#include <dyadic/calibrate/extent.hpp>
#include <dyadic/kernels/simd/operators.hpp>
#include <dyadic/kernels/window.hpp>
#include <dyadic/quantize/run.hpp>

namespace dyadic::inline DYADIC_ABI::kernels {

#define DYADIC_PICK(name)                 \
  struct pick_##name {                    \
    template <class Isa>                  \
    static auto of() noexcept {           \
      return &simd::operators<Isa>::name;                  \
    }                                     \
  }
DYADIC_PICK(max_codes);
DYADIC_PICK(max_reals);
DYADIC_PICK(average_codes);
DYADIC_PICK(relu_reals);
DYADIC_PICK(add_codes);
#undef DYADIC_PICK

/// code = saturate(round_half_even(x / scale) + zero_point) in 0..255, a true division; NaN becomes the zero point.
inline void quantize_u8(std::span<const float> x, float scale, std::int32_t zero_point, std::uint8_t* codes) noexcept {
  const default_float_environment environment;
  clip_count clipped;
  dispatched<detail::pick_codes<onnx_profile, 8>>()(x.data(), static_cast<index_t>(x.size()),
                                                    {scale, zero_point, 0, 255}, codes, clipped);
}

/// x = scale * (code - zero_point).
inline void dequantize_u8(std::span<const std::uint8_t> codes, float scale, std::int32_t zero_point,
                          float* x) noexcept {
  const default_float_environment environment;
  dispatched<detail::pick_reals<8, false>>()(codes.data(), static_cast<index_t>(codes.size()),
                                             {scale, zero_point, 0, 255}, x);
}

/// What a dynamic quantization measured.
struct measured {
  chosen params;
  bool all_finite = true;  ///< false: a NaN (now the zero point) or an infinity (now an end) was among the numbers
};

/// Measures the range of the finite numbers, chooses a scale as ONNX DynamicQuantizeLinear does, and quantizes.
inline measured quantize_dynamic_u8(std::span<const float> x, std::uint8_t* codes) noexcept {
  measured m;
  const extent e = extent_of(x);
  m.all_finite = e.finite == e.total();
  m.params = *try_choose<u8_per_tensor>(e.empty() ? range{} : range{e.min, e.max});  // ordered ends: never refused
  quantize_u8(x, m.params.scale, m.params.zero_point, codes);
  return m;
}

/// max(x, 0); NaN stays NaN. In place if y == x.
inline void relu(std::span<const float> x, float* y) noexcept {
  const default_float_environment environment;  // under denormals-are-zero a maximum drops subnormals
  dispatched<pick_relu_reals>()(x.data(), static_cast<index_t>(x.size()), y);
}

/// The window must have taps inside the image wherever it stands: padding smaller than its size. Dilation is not
/// pooled.
inline result<simd::window_call> pooling(const char* what, const image_shape& x, const window& w) noexcept {
  if (const auto ok = check_image(what, x); !ok) return ok.error();
  if (const auto ok = check_window(what, w); !ok) return ok.error();
  if (w.dilation != extent2{1, 1})
    return failure(errc::invalid_shape, "{}: dilation {} x {}, expected 1 x 1", what, w.dilation.height,
                   w.dilation.width);
  if (w.padding.height >= w.size.height || w.padding.width >= w.size.width)
    return failure(errc::invalid_shape, "{}: padding {} x {} around a window of {} x {}, expected less", what,
                   w.padding.height, w.padding.width, w.size.height, w.size.width);
  if (x.height == 0 || x.width == 0)
    return failure(errc::invalid_shape, "{}: images of {} x {} pixels, expected at least 1 x 1", what, x.height,
                   x.width);
  simd::window_call c;
  c.images = x.images, c.height = x.height, c.width = x.width, c.channels = x.channels;
  c.out_height = w.out_height(x.height), c.out_width = w.out_width(x.width);
  c.window_h = w.size.height, c.window_w = w.size.width;
  c.stride_h = w.stride.height, c.stride_w = w.stride.width;
  c.pad_h = w.padding.height, c.pad_w = w.padding.width;
  return c;
}

/// y (images, out_height, out_width, channels) = the largest code of each window; padding never counts.
inline result<void> max_pool(const std::uint8_t* x, const image_shape& shape, const window& w,
                             std::uint8_t* y) noexcept {
  auto c = pooling("max_pool", shape, w);
  if (!c) return c.error();
  c->x = x, c->y = y;
  dispatched<pick_max_codes>()(*c);
  return {};
}
inline result<void> max_pool(const float* x, const image_shape& shape, const window& w, float* y) noexcept {
  auto c = pooling("max_pool", shape, w);
  if (!c) return c.error();
  c->x = x, c->y = y;
  const default_float_environment environment;
  dispatched<pick_max_reals>()(*c);
  return {};
}

/// code = zero_point + round_half_even(mean of (code - zero_point)) over the taps inside the image; same params in and
/// out.
inline result<void> average_pool(const std::uint8_t* x, const image_shape& shape, const window& w,
                                 std::int32_t zero_point, std::uint8_t* y) noexcept {
  auto c = pooling("average_pool", shape, w);
  if (!c) return c.error();
  constexpr index_t most = 2048;  // see average_pool_u8: the float quotient decides ties exactly up to here
  if (w.size.height * w.size.width > most)
    return failure(errc::invalid_shape, "average_pool: a window of {} x {} taps, expected at most {}", w.size.height,
                   w.size.width, most);
  if (const auto ok = check_zero_point(u8_per_tensor, zero_point, 0); !ok) return ok.error();
  c->x = x, c->y = y, c->zero_point = zero_point;
  const default_float_environment environment;
  dispatched<pick_average_codes>()(*c);
  return {};
}
/// The mean of the taps inside the image: summed in the order of memory, then divided.
inline result<void> average_pool(const float* x, const image_shape& shape, const window& w, float* y) noexcept {
  const auto c = pooling("average_pool", shape, w);
  if (!c) return c.error();
  const default_float_environment environment;
  for (index_t n = 0; n < c->images; ++n) {
    for (index_t oh = 0; oh < c->out_height; ++oh) {
      for (index_t ow = 0; ow < c->out_width; ++ow) {
        const simd::scalar::taps t = simd::scalar::taps_of(*c, oh, ow);
        for (index_t ch = 0; ch < c->channels; ++ch) {
          float sum = 0;
          for (index_t h = t.first_h; h < t.last_h; ++h)
            for (index_t v = t.first_w; v < t.last_w; ++v)
              sum += x[((n * c->height + h) * c->width + v) * c->channels + ch];
          *y++ = sum / static_cast<float>(t.count());
        }
      }
    }
  }
  return {};
}

/// See simd::add_call.
inline void add(const simd::add_call& c) noexcept {
  const default_float_environment environment;
  dispatched<pick_add_codes>()(c);
}

}  // namespace dyadic::inline DYADIC_ABI::kernels
