// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A row of blocks by a row of floats: the definition, for every block format.
#pragma once

#include <cmath>

#include <dyadic/quantize/blocks/format.hpp>

namespace dyadic::inline DYADIC_ABI::reference {

/// The sum of w(k) * x(k), w(k) being the numbers that w dequantizes to: one fma chain over increasing k, from +0.
/// \param w         a row of blocks.
/// \param x         w.size() * F::block_length floats.
/// \param settings  what F wants to know, such as the tensor scale of nvfp4.
template <class F, class... Settings>
result<float> try_block_dot(std::span<const typename F::block> w, std::span<const float> x,
                            const Settings&... settings) noexcept {
  static_assert(block_format<F, Settings...>);
  if (const auto given = static_cast<index_t>(x.size()), blocks = static_cast<index_t>(w.size());
      given % F::block_length != 0 || given / F::block_length != blocks)
    return failure(errc::invalid_shape, "block_dot: {} numbers for {} blocks of {}", given, blocks, F::block_length);
  if (const auto ok = detail::check_settings<F>(settings...); !ok) return ok.error();
  const default_float_environment environment;
  float sum = 0.0f;
  for (std::size_t b = 0; b < w.size(); ++b) {
    float numbers[F::block_length];
    F::dequantize(w[b], numbers, settings...);
    for (std::size_t t = 0; t < std::size(numbers); ++t) sum = std::fma(numbers[t], x[b * std::size(numbers) + t], sum);
  }
  return sum;
}

}  // namespace dyadic::inline DYADIC_ABI::reference
