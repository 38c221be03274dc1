// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// block_format: numbers in blocks of a fixed length, each block a plain struct whose bytes are the format.
//
//   auto blocks = quantize_blocks<q4_0>(row);                     // a new buffer<q4_0::block>
//   quantize_blocks<q4_0>(row, std::span(given));                 // into the caller's; says what was clipped
//   dequantize_blocks<q4_0>(blocks, std::span(numbers));
//   quantize_blocks<nvfp4>(row, std::span(given), tensor_scale);  // what a format wants to know comes last
//
// A format is a struct: block_length, block, largest, quantize and dequantize of one block. These two are the
// definition of the format and are read in the default floating-point environment; the functions below set it, check
// what they are given, and hold every number to what the format can say: NaN becomes 0, numbers beyond +-largest become
// +-largest, and both are counted. So no scale is ever NaN or infinite, whatever the data, and a block of zeros comes
// back as zeros.
#pragma once

#include <bit>
#include <concepts>
#include <span>

#include <dyadic/core/buffer.hpp>
#include <dyadic/core/float_environment.hpp>
#include <dyadic/fixed_point/saturate.hpp>
#include <dyadic/quantize/quantized.hpp>
#include <dyadic/scheme/opaque.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The numbers of one block, read or written.
template <index_t N>
using block_of_numbers = std::span<const float, static_cast<std::size_t>(N)>;
template <index_t N>
using block_of_reals = std::span<float, static_cast<std::size_t>(N)>;

/// A block format; Settings are what it wants to know besides the numbers.
template <class F, class... Settings>
concept block_format = std::is_trivially_copyable_v<typename F::block> &&
    requires(block_of_numbers<F::block_length> x, block_of_reals<F::block_length> y, const typename F::block& b,
             const Settings&... settings) {
  { F::largest } -> std::convertible_to<float>;
  { F::quantize(x, settings...) }
  noexcept->std::same_as<typename F::block>;
  { F::dequantize(b, y, settings...) }
  noexcept->std::same_as<void>;
};

/// A block format that can weigh its numbers: what ggml calls an importance matrix.
template <class F>
concept importance_block_format = block_format<F> && requires(block_of_numbers<F::block_length> x) {
  { F::quantize(x, x, 1.0f) }
  noexcept->std::same_as<typename F::block>;
};

/// Bits a number takes, scales included.
template <class F>
inline constexpr double bits_per_number = 8.0 * sizeof(typename F::block) / static_cast<double>(F::block_length);

namespace detail {

template <class T>
byte_range bytes_of_span(std::span<T> s) noexcept {
  return bytes_of(strided<const T>(s.data(), 1, static_cast<index_t>(s.size())));
}

/// Refuses lengths that do not fit together and memory that is shared.
template <class F>
result<void> check_blocks(const char* what, std::span<const float> x,
                          std::span<const typename F::block> blocks) noexcept {
  const auto n = static_cast<index_t>(x.size());
  if (n % F::block_length != 0)
    return failure(errc::invalid_group, "{}: {} numbers, expected a multiple of the block length {}", what, n,
                   F::block_length);
  if (const auto given = static_cast<index_t>(blocks.size()); given != n / F::block_length)
    return failure(errc::invalid_shape, "{}: {} blocks for {} numbers, expected {}", what, given, n,
                   n / F::block_length);
  if ((x.data() == nullptr || blocks.data() == nullptr) && n > 0)
    return failure(errc::invalid_shape, "{}: null data for {} numbers", what, n);
  if (bytes_of_span(x).overlaps(bytes_of_span(blocks)))
    return failure(errc::overlap, "{}: the numbers and the blocks share memory", what);
  return {};
}

template <class F, class... Settings>
result<void> check_settings(const Settings&... settings) noexcept {
  if constexpr (requires { F::check(settings...); }) return F::check(settings...);
  return {};
}

/// Whether the format can say all numbers of a block; not NaN.
template <class F>
bool holds_all(block_of_numbers<F::block_length> x) noexcept {
  constexpr auto most = std::bit_cast<std::uint32_t>(static_cast<float>(F::largest));
  bool all = true;
  for (const float v : x) all = all & ((std::bit_cast<std::uint32_t>(v) & 0x7FFFFFFFU) <= most);
  return all;
}

/// The numbers of block b as the format can say them.
template <class F>
void load_block(std::span<const float> x, index_t b, float* held, clip_count& clipped) noexcept {
  for (index_t t = 0; t < F::block_length; ++t) {
    const float v = x[static_cast<std::size_t>(b * F::block_length + t)];
    clipped.nan += v != v;
    clipped.low += v < -F::largest;
    clipped.high += v > F::largest;
    held[t] = v != v ? 0.0f : clamp(v, -F::largest, F::largest);
  }
}

}  // namespace detail

/// Blocks of x.
/// \param x         a multiple of F::block_length numbers; NaN -> 0, beyond +-F::largest -> +-F::largest.
/// \param out       x.size() / F::block_length blocks, not shared with x.
/// \param settings  what F wants to know, such as the tensor scale of nvfp4.
/// \returns         how many numbers were NaN or beyond what the format can say.
template <class F, class... Settings>
result<clip_count> try_quantize_blocks(std::span<const float> x, std::span<typename F::block> out,
                                       const Settings&... settings) noexcept {
  static_assert(block_format<F, Settings...>);
  if (const auto ok = detail::check_blocks<F>("quantize_blocks", x, out); !ok) return ok.error();
  if (const auto ok = detail::check_settings<F>(settings...); !ok) return ok.error();
  const default_float_environment environment;
  clip_count clipped{.total = static_cast<std::int64_t>(x.size())};
  constexpr auto length = static_cast<std::size_t>(F::block_length);
  for (std::size_t b = 0; b < out.size(); ++b) {
    const auto numbers = x.subspan(b * length).template first<length>();
    if (detail::holds_all<F>(numbers)) {
      out[b] = F::quantize(numbers, settings...);
    } else {
      float held[F::block_length];
      detail::load_block<F>(x, static_cast<index_t>(b), held, clipped);
      out[b] = F::quantize(held, settings...);
    }
  }
  return clipped;
}

/// The same into new memory.
template <block_format F>
result<buffer<typename F::block>> try_quantize_blocks(std::span<const float> x) noexcept {
  const auto n = static_cast<index_t>(x.size());
  if (n % F::block_length != 0)
    return failure(errc::invalid_group, "quantize_blocks: {} numbers, expected a multiple of the block length {}", n,
                   F::block_length);
  auto made = buffer<typename F::block>::make(n / F::block_length);
  if (!made) return made.error();
  const std::span<typename F::block> out(made->data(), static_cast<std::size_t>(made->size()));
  if (const auto ok = try_quantize_blocks<F>(x, out); !ok) return ok.error();
  return made;
}

/// Blocks of one row of weights whose errors do not all count the same.
/// \param importance  x.size() numbers in [0, 2^40], where no sum overflows: what the square of each error counts;
///                    typically the mean square of the activation the weight meets.
template <importance_block_format F>
result<clip_count> try_quantize_blocks_by_importance(std::span<const float> x, std::span<const float> importance,
                                                     std::span<typename F::block> out) noexcept {
  if (const auto ok = detail::check_blocks<F>("quantize_blocks", x, out); !ok) return ok.error();
  if (importance.size() != x.size())
    return failure(errc::invalid_shape, "quantize_blocks: {} importances for {} numbers", importance.size(), x.size());
  for (const float w : importance)
    if (!(w >= 0.0f && w <= 0x1p40f))
      return failure(errc::invalid_range, "quantize_blocks: an importance of {}, expected one in [0, 2^40]",
                     static_cast<double>(w));
  const default_float_environment environment;
  clip_count clipped{.total = static_cast<std::int64_t>(x.size())}, again;
  float squares = 0.0f;  // one by one: the bits depend on the order
  float held[F::block_length];
  for (std::size_t b = 0; b < out.size(); ++b) {
    detail::load_block<F>(x, static_cast<index_t>(b), held, clipped);
    for (const float v : held) squares += detail::opaque(v * v);
  }
  const float mean_square = x.empty() ? 0.0f : squares / static_cast<float>(x.size());
  for (std::size_t b = 0; b < out.size(); ++b) {
    constexpr auto length = static_cast<std::size_t>(F::block_length);
    detail::load_block<F>(x, static_cast<index_t>(b), held, again);
    out[b] = F::quantize(held, importance.subspan(b * length).template first<length>(), mean_square);
  }
  return clipped;
}

/// The numbers of blocks.
/// \param out  blocks.size() * F::block_length numbers, not shared with the blocks.
template <class F, class... Settings>
result<void> try_dequantize_blocks(std::span<const typename F::block> blocks, std::span<float> out,
                                   const Settings&... settings) noexcept {
  static_assert(block_format<F, Settings...>);
  if (const auto ok = detail::check_blocks<F>("dequantize_blocks", out, blocks); !ok) return ok.error();
  if (const auto ok = detail::check_settings<F>(settings...); !ok) return ok.error();
  const default_float_environment environment;
  constexpr auto length = static_cast<std::size_t>(F::block_length);
  for (std::size_t b = 0; b < blocks.size(); ++b)
    F::dequantize(blocks[b], out.subspan(b * length).template first<length>(), settings...);
  return {};
}

#if DYADIC_EXCEPTIONS
/// The throwing face: std::invalid_argument for what does not fit, std::bad_alloc.
template <class F, class... Settings>
clip_count quantize_blocks(std::span<const float> x, std::span<typename F::block> out, const Settings&... settings) {
  return try_quantize_blocks<F>(x, out, settings...).value();
}
template <class F>
buffer<typename F::block> quantize_blocks(std::span<const float> x) {
  return try_quantize_blocks<F>(x).value();
}
template <class F>
clip_count quantize_blocks_by_importance(std::span<const float> x, std::span<const float> importance,
                                         std::span<typename F::block> out) {
  return try_quantize_blocks_by_importance<F>(x, importance, out).value();
}
template <class F, class... Settings>
void dequantize_blocks(std::span<const typename F::block> blocks, std::span<float> out, const Settings&... settings) {
  try_dequantize_blocks<F>(blocks, out, settings...).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
