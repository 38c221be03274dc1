// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// gemm and gemv by definition: y = finish(x * w^T), one element at a time. The fast kernels equal it, bit for bit.
//
//   x  (m, k) codes or floats      w  (n, k) codes or floats, not packed      y  (m, n)
#pragma once

#include <dyadic/kernels/reference/dot.hpp>

namespace dyadic::inline DYADIC_ABI::reference {

/// Row i of x. A row of several groups has its scales in the totals and 1 for the whole; a row that is one group is a
/// row with one scale.
template <scheme X>
struct row_of {
  const quantized_view<X>& x;
  index_t i;

  bool in_groups() const noexcept { return groups_in_row(X, x.cols) > 1; }
  int operator()(index_t k) const noexcept { return x.code(i, k) - x.zero_point(i, k); }
  float scale(index_t k) const noexcept { return in_groups() ? x.scale(i, k) : 1.0f; }
  float scale_of_row() const noexcept { return in_groups() || x.scales.empty() ? 1.0f : x.scale(i, 0); }
};

/// \param x  per tensor, per row, or in the groups of w.
/// \param e  sums{} (y int32), reals (y float), unrounded (float), codes or fixed_codes (y any integer
///           that holds the codes).
///           sums and fixed_codes are for weights with one scale a row.
template <scheme X, scheme W, class E, class T>
void gemm(const quantized_view<X>& x, const quantized_view<W>& w, const E& e, strided<T> y) {
  for (index_t i = 0; i < x.rows; ++i) {
    const row_of<X> row{x, i};
    for (index_t j = 0; j < w.rows; ++j) y(i, j) = static_cast<T>(finish(e, row, row.scale_of_row(), w, j));
  }
}

/// Weight-only, x float: for each group of w, or each row that has one scale,
///   part  = fma(x(k), float(code - zero point), part) over increasing k of the group, from 0
///   total = fma(part, scale, total)                   over increasing groups, from 0
/// then the bias, then the clamp. The difference of codes is exact as a float.
template <scheme W>
void gemm(strided<const float> x, const quantized_view<W>& w, const reals& e, strided<float> y) {
  const index_t group = W.per == granularity::per_group ? W.group : w.cols;
  for (index_t i = 0; i < x.rows(); ++i)
    for (index_t j = 0; j < w.rows; ++j) {
      float total = 0.0f;
      for (index_t first = 0; first < w.cols; first += group) {
        float part = 0.0f;
        for (index_t k = first; k < first + group; ++k)
          part = std::fma(x(i, k), static_cast<float>(w.code(j, k) - w.zero_point(j, k)), part);
        total = std::fma(part, w.scale(j, first), total);
      }
      y(i, j) = clamp(total + element_or_zero(e.bias, j), e.low, e.high);
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
