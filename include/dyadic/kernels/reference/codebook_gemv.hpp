// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// y = w * x for weights that are codes of a codebook and floats x: the definition.
#pragma once

#include <cmath>
#include <span>

#include <dyadic/quantize/codebook.hpp>

namespace dyadic::inline DYADIC_ABI::reference {

/// y(i) = sum over groups g of scale(i, g) * sum over k in g of level(i, k) * x(k).
///
/// Inside a group one fma chain over increasing k, from +0; over the groups one fma a group in increasing order, from
/// +0.
/// \param w  (n, k).
/// \param x  k floats.
/// \param y  n floats, not shared with x.
template <std::size_t N>
result<void> try_codebook_gemv(const codebook_matrix<N>& w, std::span<const float> x, std::span<float> y) noexcept {
  const auto columns = static_cast<index_t>(x.size()), rows = static_cast<index_t>(y.size());
  if (columns != w.cols())
    return failure(errc::invalid_shape, "codebook_gemv: x has {} elements, w expects {}", columns, w.cols());
  if (rows != w.rows())
    return failure(errc::invalid_shape, "codebook_gemv: y has {} elements, expected {}", rows, w.rows());
  if (bytes_of(strided<const float>(x.data(), 1, columns)).overlaps(bytes_of(strided<const float>(y.data(), 1, rows))))
    return failure(errc::overlap, "codebook_gemv: y would overwrite x");
  const default_float_environment environment;
  for (index_t i = 0; i < rows; ++i) {
    float total = 0.0f;
    for (index_t first = 0; first < columns; first += w.group()) {
      float sum = 0.0f;
      for (index_t k = first; k < first + w.group(); ++k)
        sum = std::fma(w.book().level(w.code(i, k)), x[static_cast<std::size_t>(k)], sum);
      total = std::fma(sum, w.scale(i, first), total);
    }
    y[static_cast<std::size_t>(i)] = total;
  }
  return {};
}

}  // namespace dyadic::inline DYADIC_ABI::reference
