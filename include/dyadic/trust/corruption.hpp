// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// corruptions: noise, blur, contrast and shift of images, by severity 1 to 5. What cameras do, not what attackers do.
//
//   severity            1      2      3      4      5
//   noise     sigma   0.04   0.08   0.12   0.18   0.26   of (high - low), added to every number
//   blur      sigma   0.71   1.00   1.22   1.41   1.58   pixels: [1 2 1] / 4 both ways, `severity` times; sqrt(s / 2)
//   contrast  factor  0.75   0.50   0.40   0.30   0.15   about the mean of the image
//   shift     pixels     1      2      3      4      5   up, down, left or right, drawn; the edge is repeated
//
// Severities are this library's own; figures of other benchmarks do not compare. No step needs a logarithm or a sine:
// the same image, number and seed give the same bits everywhere. Results are clipped to [low, high].
#pragma once

#include <cmath>

#include <dyadic/network/site.hpp>
#include <dyadic/trust/random.hpp>

namespace dyadic::inline DYADIC_ABI {

enum class corruption : unsigned char { noise, blur, contrast, shift };
inline constexpr corruption corruptions[] = {corruption::noise, corruption::blur, corruption::contrast,
                                             corruption::shift};
inline constexpr int severities = 5;

constexpr const char* to_string(corruption c) noexcept {
  constexpr const char* names[] = {"noise", "blur", "contrast", "shift"};
  return names[static_cast<int>(c)];
}

struct corruption_options {
  int severity = 1;  ///< 1 to 5
  float low = 0.0f, high = 1.0f;
  std::uint64_t seed = 1;
  index_t first = 0;  ///< the number of the first image of the batch: it names the image's random numbers
};

namespace detail {

/// One image, (height, width, channels), in place.
struct image_corruption {
  const corruption_options& how;
  image_shape shape;  ///< of one image
  random_stream random;
  float* x;
  float* scratch;  ///< as large

  std::size_t level() const noexcept { return static_cast<std::size_t>(how.severity - 1); }

  void noise() const noexcept {
    constexpr float sigma[] = {0.04f, 0.08f, 0.12f, 0.18f, 0.26f};
    const float size = sigma[level()] * (how.high - how.low);
    for (index_t j = 0; j < shape.features(); ++j)
      x[j] = std::fma(size, random.normal(static_cast<std::uint64_t>(j)), x[j]);
  }

  void contrast() const noexcept {
    constexpr float factor[] = {0.75f, 0.5f, 0.4f, 0.3f, 0.15f};
    double sum = 0;
    for (index_t j = 0; j < shape.features(); ++j) sum += static_cast<double>(x[j]);
    const auto mean = static_cast<float>(sum / static_cast<double>(shape.features()));
    for (index_t j = 0; j < shape.features(); ++j) x[j] = std::fma(factor[level()], x[j] - mean, mean);
  }

  /// scratch = f(pixel before, here, behind) along one axis, x again from it; the edge is repeated.
  void blur_along(index_t lines, index_t line_step, index_t length, index_t step) const noexcept {
    for (index_t l = 0; l < lines; ++l)
      for (index_t i = 0; i < length; ++i)
        for (index_t c = 0; c < shape.channels; ++c) {
          const float* line = x + l * line_step + c;
          const float before = line[(i > 0 ? i - 1 : 0) * step],
                      behind = line[(i + 1 < length ? i + 1 : length - 1) * step];
          scratch[l * line_step + i * step + c] = 0.25f * (before + behind + 2.0f * line[i * step]);
        }
    std::memcpy(x, scratch, static_cast<std::size_t>(shape.features()) * sizeof(float));
  }
  void blur() const noexcept {
    const index_t row = shape.width * shape.channels;
    for (int times = 0; times < how.severity; ++times) {
      blur_along(shape.height, row, shape.width, shape.channels);
      blur_along(shape.width, shape.channels, shape.height, row);
    }
  }

  void shift() const noexcept {
    constexpr int down[] = {1, -1, 0, 0}, right[] = {0, 0, 1, -1};
    const auto way = static_cast<std::size_t>(random.below(0, 4));
    const auto inside = [](index_t i, index_t n) { return i < 0 ? 0 : i >= n ? n - 1 : i; };
    std::memcpy(scratch, x, static_cast<std::size_t>(shape.features()) * sizeof(float));
    for (index_t h = 0; h < shape.height; ++h)
      for (index_t w = 0; w < shape.width; ++w) {
        const index_t from_h = inside(h - down[way] * how.severity, shape.height),
                      from_w = inside(w - right[way] * how.severity, shape.width);
        std::memcpy(x + (h * shape.width + w) * shape.channels,
                    scratch + (from_h * shape.width + from_w) * shape.channels,
                    static_cast<std::size_t>(shape.channels) * sizeof(float));
      }
  }
};

}  // namespace detail

/// Corrupted copies of the images of a batch.
/// \param y  (images, features), row-major without gaps; not the memory of x.
inline result<void> try_corrupt(corruption what, const batch& x, strided<float> y, const corruption_options& how = {}) {
  if (const auto ok = check_batch(x); !ok) return ok;
  if (how.severity < 1 || how.severity > severities)
    return failure(errc::invalid_range, "corrupt: severity {}, expected 1 to {}", how.severity, severities);
  if (!(how.low <= how.high) || !(how.high - how.low - (how.high - how.low) == 0.0f))
    return failure(errc::invalid_range, "corrupt: numbers in [{}, {}], expected a finite range",
                   static_cast<double>(how.low), static_cast<double>(how.high));
  if (const auto ok = check_view("corrupt: output", y); !ok) return ok;
  const index_t n = x.rows.rows(), features = x.rows.cols();
  if (y.rows() != n || y.cols() != features || (n > 1 && y.row_stride() != features) || y.col_stride() != 1)
    return failure(errc::invalid_shape, "corrupt: room for {} x {}, the images are {} x {}, without gaps", y.rows(),
                   y.cols(), n, features);
  if (bytes_of(strided<const float>(y)).overlaps(bytes_of(x.rows)))
    return failure(errc::overlap, "corrupt: the output shares memory with the images");
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < features; ++j)
      if (const float v = x.rows(i, j); !(v - v == 0.0f))
        return failure(errc::invalid_range, "corrupt: number {} of image {} is {}, expected a finite one", j, i,
                       static_cast<double>(v));
  auto scratch = buffer<float>::make(features);
  if (!scratch) return scratch.error();
  const default_float_environment environment;
  copy_rows(x, 0, n, y.data());
  image_shape shape = x.shape();
  shape.images = 1;
  for (index_t i = 0; i < n && features > 0; ++i) {
    const detail::image_corruption one{how, shape, random_stream(how.seed, what, how.first + i), y.row(i),
                                       scratch->data()};
    switch (what) {
      case corruption::noise: one.noise(); break;
      case corruption::blur: one.blur(); break;
      case corruption::contrast: one.contrast(); break;
      case corruption::shift: one.shift(); break;
    }
    for (index_t j = 0; j < features; ++j) {
      float& v = y(i, j);
      v = v < how.low ? how.low : v > how.high ? how.high : v;
    }
  }
  return {};
}
#if DYADIC_EXCEPTIONS
inline void corrupt(corruption what, const batch& x, strided<float> y, const corruption_options& how = {}) {
  try_corrupt(what, x, y, how).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
