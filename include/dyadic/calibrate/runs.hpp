// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// real_matrix, a matrix of floats of any library, and for_each_run, its elements as contiguous runs in any order.
#pragma once

#include <concepts>
#include <span>

#include <dyadic/core/strided.hpp>

namespace dyadic::inline DYADIC_ABI {

/// A matrix argument that is read: floats, with memory of its own.
template <class M>
concept real_matrix = matrix_like<const M> && requires(element_of<const M> number) {
  { &number } -> std::same_as<float*>;
};

namespace detail {

/// Calls visit(std::span<const float>) until every element of x was seen once, in memory order where there is one.
template <class Visit>
void for_each_run(strided<const float> x, Visit&& visit) {
  const auto size = [](index_t stride) { return stride < 0 ? -stride : stride; };
  if (size(x.row_stride()) < size(x.col_stride()))
    x = strided<const float>(x.data(), x.cols(), x.rows(), x.col_stride(), x.row_stride());
  const index_t rows = x.rows(), cols = x.cols();
  if (rows <= 0 || cols <= 0) return;
  if (x.col_stride() == 1 && (x.row_stride() == cols || rows == 1)) {
    visit(std::span<const float>(x.data(), static_cast<std::size_t>(rows * cols)));
    return;
  }
  constexpr index_t most = 256;
  float gathered[most];
  for (index_t i = 0; i < rows; ++i) {
    if (x.col_stride() == 1) {
      visit(std::span<const float>(x.row(i), static_cast<std::size_t>(cols)));
      continue;
    }
    for (index_t j = 0; j < cols; j += most) {
      const index_t n = cols - j < most ? cols - j : most;
      for (index_t t = 0; t < n; ++t) gathered[t] = x(i, j + t);
      visit(std::span<const float>(gathered, static_cast<std::size_t>(n)));
    }
  }
}

}  // namespace detail

}  // namespace dyadic::inline DYADIC_ABI
