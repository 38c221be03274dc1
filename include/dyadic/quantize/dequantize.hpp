// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// dequantize: from codes back to reals, scale * (code - zero_point), into any matrix of floats.
//
//   dequantize(q, X);                                     // into a matrix of the same shape
//   const auto X = dequantize<Eigen::MatrixXf>(q);        // into a new one: any type with resize(rows, cols)
#pragma once

#include <dyadic/core/float_environment.hpp>
#include <dyadic/quantize/segment.hpp>

namespace dyadic::inline DYADIC_ABI {

/// quantized<S> or quantized_view<S>.
template <class Q>
concept quantized_matrix = requires {
  { Q::scheme_value } -> std::convertible_to<scheme>;
}
&&std::convertible_to<const Q&, quantized_view<Q::scheme_value>>;

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
  detail::for_each_segment(s, to, [&](index_t i, index_t j, index_t n) {
    std::int32_t codes[detail::segment_length] = {};
    float numbers[detail::segment_length];
    detail::load_codes<s>(from.row(i), j, codes, n);
    detail::dequantize_segment(codes, from.scale(i, j), from.zero_point(i, j), numbers);
    for (index_t t = 0; t < n; ++t) to(i, j + t) = numbers[t];
  });
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
  requires writable_matrix<Matrix&> result<Matrix> try_dequantize(const Q& q) {
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
  requires writable_matrix<Matrix&> Matrix dequantize(const Q& q) { return try_dequantize<Matrix>(q).value(); }
#endif

}  // namespace dyadic::inline DYADIC_ABI
