// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Operations without a product: pooling, relu, add.

DYADIC_INLINE i32v bytes_part(const std::uint8_t* p, index_t n) {
  std::uint8_t all[lanes] = {};
  for (index_t i = 0; i < n; ++i) all[i] = p[i];
  return bytes_to_int(all);
}

inline void relu_f32(const float* x, index_t n, float* y) {
  const f32v zero = set1(0.0f);
  index_t i = 0;
  for (; i + lanes <= n; i += lanes) store(y + i, max(zero, load(x + i)));  // in this order a NaN stays NaN
  if (i < n) store_part(y + i, max(zero, load_part(x + i, n - i)), n - i);
}

/// The taps of one window that lie inside the image.
struct taps {
  index_t first_h, last_h, first_w, last_w;
  index_t count() const { return (last_h - first_h) * (last_w - first_w); }
};
inline taps taps_of(const window_call& c, index_t oh, index_t ow) {
  const index_t h = oh * c.stride_h - c.pad_h, w = ow * c.stride_w - c.pad_w;
  return {h < 0 ? 0 : h, smaller(h + c.window_h, c.height), w < 0 ? 0 : w, smaller(w + c.window_w, c.width)};
}

/// The largest of each of 16 channels over rows x cols taps, row_step and col_step bytes apart.
DYADIC_INLINE bytev max_of_taps(const std::uint8_t* first, index_t rows, index_t cols, index_t row_step,
                                index_t col_step) {
  bytev best = load_bytes(first);
  for (index_t h = 0; h < rows; ++h, first += row_step) {
    const std::uint8_t* tap = first;
    for (index_t w = 0; w < cols; ++w, tap += col_step) best = max_u8(load_bytes(tap), best);
  }
  return best;
}

inline void max_pool_u8(const window_call& call) {
  const window_call c = call;  // a copy: bytes written to y cannot change it
  const auto* x = static_cast<const std::uint8_t*>(c.x);
  auto* y = static_cast<std::uint8_t*>(c.y);
  for (index_t image = 0; image < c.images; ++image, x += c.height * c.width * c.channels) {
    for (index_t oh = 0; oh < c.out_height; ++oh) {
      for (index_t ow = 0; ow < c.out_width; ++ow, y += c.channels) {
        const taps t = taps_of(c, oh, ow);
        const index_t rows = t.last_h - t.first_h, cols = t.last_w - t.first_w;
        const std::uint8_t* first = x + (t.first_h * c.width + t.first_w) * c.channels;
        index_t ch = 0;
        for (; ch + 16 <= c.channels; ch += 16)
          store_bytes(y + ch, max_of_taps(first + ch, rows, cols, c.width * c.channels, c.channels));
        for (; ch < c.channels; ++ch) {
          std::uint8_t best = 0;
          for (index_t h = 0; h < rows; ++h)
            for (index_t w = 0; w < cols; ++w) {
              const std::uint8_t v = first[(h * c.width + w) * c.channels + ch];
              best = v > best ? v : best;
            }
          y[ch] = best;
        }
      }
    }
  }
}

inline void max_pool_f32(const window_call& call) {
  const window_call c = call;  // a copy: bytes written to y cannot change it
  const auto* x = static_cast<const float*>(c.x);
  auto* y = static_cast<float*>(c.y);
  for (index_t image = 0; image < c.images; ++image, x += c.height * c.width * c.channels) {
    for (index_t oh = 0; oh < c.out_height; ++oh) {
      for (index_t ow = 0; ow < c.out_width; ++ow, y += c.channels) {
        const taps t = taps_of(c, oh, ow);
        for (index_t ch = 0; ch < c.channels; ch += lanes) {
          const int n = static_cast<int>(smaller(lanes, c.channels - ch));
          const float* from = x + ch;
          f32v best = set1(-__builtin_inff());
          for (index_t h = t.first_h; h < t.last_h; ++h)
            for (index_t w = t.first_w; w < t.last_w; ++w) {
              const float* at = from + (h * c.width + w) * c.channels;
              best = max(n == lanes ? load(at) : load_part(at, n), best);
            }
          if (n == lanes)
            store(y + ch, best);
          else
            store_part(y + ch, best, n);
        }
      }
    }
  }
}

/// code = zero_point + round_half_even(sum(code - zero_point) / taps). The float quotient has at most 12 bits before
/// and keeps more than 11 behind the point: for windows up to 2^11 taps it is a tie exactly when the rational is.
inline void average_pool_u8(const window_call& call) {
  const window_call c = call;  // a copy: bytes written to y cannot change it
  const auto* x = static_cast<const std::uint8_t*>(c.x);
  auto* y = static_cast<std::uint8_t*>(c.y);
  const i32v zero = set1(c.zero_point);
  for (index_t image = 0; image < c.images; ++image, x += c.height * c.width * c.channels) {
    for (index_t oh = 0; oh < c.out_height; ++oh) {
      for (index_t ow = 0; ow < c.out_width; ++ow, y += c.channels) {
        const taps t = taps_of(c, oh, ow);
        const f32v count = set1(static_cast<float>(t.count()));
        for (index_t ch = 0; ch < c.channels; ch += lanes) {
          const int n = static_cast<int>(smaller(lanes, c.channels - ch));
          i32v sum = set1(std::int32_t{0});
          for (index_t h = t.first_h; h < t.last_h; ++h)
            for (index_t w = t.first_w; w < t.last_w; ++w) {
              const std::uint8_t* at = x + (h * c.width + w) * c.channels + ch;
              sum = add(sum, sub(n == lanes ? bytes_to_int(at) : bytes_part(at, n), zero));
            }
          store_low_part(y + ch, add(round_int(div(to_float(sum), count)), zero), n);
        }
      }
    }
  }
}

inline void add_u8(const add_call& c) {
  const i32v a_zero = set1(c.a_zero), b_zero = set1(c.b_zero), y_zero = set1(c.y_zero);
  const f32v a_scale = set1(c.a_multiplier), b_scale = set1(c.b_multiplier);
  const f32v low = set1(static_cast<float>(c.low - c.y_zero)), high = set1(static_cast<float>(255 - c.y_zero));
  for (index_t i = 0; i < c.n; i += lanes) {
    const index_t n = smaller(lanes, c.n - i);
    const f32v a = to_float(sub(n == lanes ? bytes_to_int(c.a + i) : bytes_part(c.a + i, n), a_zero));
    const f32v b = to_float(sub(n == lanes ? bytes_to_int(c.b + i) : bytes_part(c.b + i, n), b_zero));
    const f32v sum = fma(a, a_scale, mul(b, b_scale));
    const i32v code = add(round_int(min(max(sum, low), high)), y_zero);
    if (n == lanes)
      store_low_bytes(c.y + i, code);
    else
      store_low_part(c.y + i, code, n);
  }
}
