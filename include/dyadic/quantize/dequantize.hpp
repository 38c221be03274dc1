// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// dequantize: from codes back to reals, scale * (code - zero_point), into any matrix of floats.
//
//   dequantize(q, X);                                     // into a matrix of the same shape
//   const auto X = dequantize<Eigen::MatrixXf>(q);        // into a new one: any type with resize(rows, cols)
#pragma once

#include <dyadic/quantize/run.hpp>

namespace dyadic::inline DYADIC_ABI {

/// quantized<S> or quantized_view<S>.
template <class Q>
concept quantized_matrix = requires {
  { Q::scheme_value } -> std::convertible_to<scheme>;
  requires std::convertible_to<const Q&, quantized_view<Q::scheme_value>>;
};

/// A matrix of floats that can be written.
template <class M>
concept writable_matrix = matrix_like<std::remove_reference_t<M>> && std::is_convertible_v<M&, strided<float>>;

/// Writes the real of every code.
/// \param q    (rows, cols); a view is checked: shape, stride, the number of scales and zero points, and their values.
/// \param out  (rows, cols), any layout, sharing no memory with q.
template <quantized_matrix Q, writable_matrix M>
result<void> try_dequantize(const Q& q, M&& out) noexcept {
  constexpr scheme s = Q::scheme_value;
  const quantized_view<s> from = q;
  const strided<float> to(out);
  if (const auto ok = check_quantized(from); !ok) return ok.error();
  if (const auto ok = check_view("dequantize: output", to); !ok) return ok.error();
  if (to.rows() != from.rows || to.cols() != from.cols)
    return failure(errc::invalid_shape, "dequantize: output is {} x {}, expected {} x {}", to.rows(), to.cols(),
                   from.rows, from.cols);
  if (bytes_of(to).overlaps(bytes_of(from)))
    return failure(errc::overlap, "dequantize: the output would overwrite the codes it is made from");
  const default_float_environment environment;
  // A tensor without gaps is one run.
  const bool one = s.per == granularity::per_tensor && !s.two_per_byte() && to.col_stride() == 1 &&
                   to.row_stride() == to.cols() && from.row_stride == row_bytes(s, from.cols);
  const index_t rows = one && from.rows > 0 ? 1 : from.rows, cols = rows == 1 ? from.rows * from.cols : from.cols;
  const detail::run_params<s> all(from);
  const detail::codes_to_reals<s> real(all);
  if (to.col_stride() == 1) {
    const index_t run = detail::run_length(s, cols);
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < cols; j += run) real(i, j, run, from.row(i), to.row(i) + j);
  } else {
    detail::for_each_segment(s, to, [&](index_t i, index_t j, index_t n) {
      float numbers[detail::segment_length];
      real(i, j, n, from.row(i), numbers);
      for (index_t t = 0; t < n; ++t) to(i, j + t) = numbers[t];
    });
  }
  return {};
}

/// Into rows that follow one another; out.size() == rows * cols.
template <quantized_matrix Q>
result<void> try_dequantize(const Q& q, std::span<float> out) noexcept {
  const quantized_view<Q::scheme_value> from = q;
  const auto count = checked_multiply(from.rows, from.cols);
  if (!count) return count.error();
  if (const auto given = static_cast<index_t>(out.size()); given != *count)
    return failure(errc::invalid_shape, "dequantize: output has {} elements, expected {} x {} = {}", given, from.rows,
                   from.cols, *count);
  return try_dequantize(q, strided<float>(out.data(), from.rows, from.cols));
}

/// A new matrix: Matrix{} then resize(rows, cols), as Eigen's have it.
template <class Matrix, quantized_matrix Q>
  requires(writable_matrix<Matrix&>)
result<Matrix> try_dequantize(const Q& q) {
  const quantized_view<Q::scheme_value> from = q;
  if (const auto ok = check_quantized(from); !ok) return ok.error();
  Matrix out;
  out.resize(from.rows, from.cols);
  if (const auto ok = try_dequantize(from, out); !ok) return ok.error();
  return out;
}

#if DYADIC_EXCEPTIONS
/// The throwing face: std::invalid_argument, std::length_error.
template <quantized_matrix Q, writable_matrix M>
void dequantize(const Q& q, M&& out) {
  try_dequantize(q, out).value();
}
template <quantized_matrix Q>
void dequantize(const Q& q, std::span<float> out) {
  try_dequantize(q, out).value();
}
template <class Matrix, quantized_matrix Q>
  requires(writable_matrix<Matrix&>)
Matrix dequantize(const Q& q) { return try_dequantize<Matrix>(q).value(); }
#endif

}  // namespace dyadic::inline DYADIC_ABI
