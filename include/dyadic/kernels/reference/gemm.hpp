// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// gemm and gemv by definition: y = finish(x * w^T), one element at a time. The fast kernels equal it, bit for bit.
//
//   x  (m, k) codes or floats      w  (n, k) codes or floats, not packed      y  (m, n)
#pragma once

#include <dyadic/kernels/reference/dot.hpp>

namespace dyadic::inline DYADIC_ABI::reference {

/// \param e  sums{} (y int32), reals (y float), unrounded (float), codes or fixed_codes (y any integer
///           that holds the codes).
///           sums and fixed_codes are for weights with one scale a row.
template <scheme X, scheme W, class E, class T>
void gemm(const quantized_view<X>& x, const quantized_view<W>& w, const E& e, strided<T> y) {
  for (index_t i = 0; i < x.rows; ++i) {
    const auto centred = [&x, i](index_t k) { return x.code(i, k) - x.zero_point(i, k); };
    const float x_scale = x.scales[X.per == granularity::per_row ? static_cast<std::size_t>(i) : 0];
    for (index_t j = 0; j < w.rows; ++j) y(i, j) = static_cast<T>(finish(e, centred, x_scale, w, j));
  }
}

/// The float product: one fma chain over increasing k, then the bias, then the clamp.
inline void gemm(strided<const float> x, strided<const float> w, const reals& e, strided<float> y) {
  for (index_t i = 0; i < x.rows(); ++i)
    for (index_t j = 0; j < w.rows(); ++j) {
      float sum = 0.0f;
      for (index_t k = 0; k < x.cols(); ++k) sum = std::fma(x(i, k), w(j, k), sum);
      y(i, j) = clamp(sum + element_or_zero(e.bias, j), e.low, e.high);
    }
}

/// y = finish(w * x) for one vector: gemm with m = 1.
template <scheme X, scheme W, class E, class T>
void gemv(const quantized_view<W>& w, const quantized_view<X>& x, const E& e, std::span<T> y) {
  gemm(x, w, e, strided<T>(y.data(), 1, static_cast<index_t>(y.size())));
}
inline void gemv(strided<const float> w, std::span<const float> x, const reals& e, std::span<float> y) {
  gemm({x.data(), 1, static_cast<index_t>(x.size())}, w, e, {y.data(), 1, static_cast<index_t>(y.size())});
}

}  // namespace dyadic::inline DYADIC_ABI::reference
