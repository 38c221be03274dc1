// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// gemm and gemv: y = x * w^T on codes, exact in int32, finished by an epilogue; and the float product beside them.
//
//   x  (m, k) 8-bit codes, per tensor, row or group       w  (n, k) packed, 2 to 8 bits, per tensor, row or group
//   y  (m, n) int32, float or 8-bit codes, as the epilogue says, any strides
//
// Every instruction set, thread count and split gives the same bits: integer sums have no order, sums over groups are
// added in increasing order by fma, and the float product is one fma chain over increasing k.
#pragma once

#include <dyadic/core/strided.hpp>
#include <dyadic/kernels/epilogue.hpp>
#include <dyadic/kernels/run.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace kernels {

/// nullptr for no elements, whatever their address: a row of no columns has no groups and no params.
template <class T>
const T* data_or_null(std::span<const T> s) noexcept {
  return s.empty() ? nullptr : s.data();
}

/// What the zero points of x mean to a kernel, and that the proof of w covers them.
template <scheme S>
result<void> set_x(simd::epilogue_view& e, std::span<const std::int32_t> zero_points, index_t rows_a_param,
                   const packed_view& w) noexcept {
  e.x_zero_base = S.is_signed ? 128 : S.asymmetric() ? 0 : S.middle();
  e.x_zero_points = S.asymmetric() ? data_or_null(zero_points) : nullptr;
  e.rows_a_param = rows_a_param;
  if (w.proof.largest_x >= 255) return {};
  const index_t count = S.asymmetric() ? static_cast<index_t>(zero_points.size()) : 1;
  for (index_t i = 0; i < count; ++i) {
    const std::int32_t zero = S.asymmetric() ? zero_points[static_cast<std::size_t>(i)] : S.middle();
    const std::int32_t reach = S.qmax() - zero > zero - S.qmin() ? S.qmax() - zero : zero - S.qmin();
    if (reach > w.proof.largest_x)
      return failure(errc::overflow,
                     "gemm: zero point {} of x lets |x - zero point| reach {}, the weights were packed for {}", zero,
                     reach, w.proof.largest_x);
  }
  return {};
}

/// How many params a row of x brings: one, or one a group where x and w are grouped alike.
template <scheme S>
result<index_t> groups_of_x(index_t k, const packed_view& w) noexcept {
  if constexpr (S.per == granularity::per_group) {
    if (k <= S.group) return index_t{1};  // a row that is one group has one scale
    if (w.weights.group != S.group)
      return failure(errc::invalid_scheme, "gemm: x in groups of {}, w in groups of {}, expected the same", S.group,
                     w.weights.group);
    return w.weights.groups;
  } else {
    return index_t{1};
  }
}

/// Everything a call says of codes x and weights w, but for y. rows must outlive the call.
template <scheme S>
result<void> set_operands(simd::gemm_call& g, const quantized_view<S>& x, const matrix_rows<std::uint8_t>& rows,
                          const packed_view& w) noexcept {
  static_assert(S.bits <= 8 && !S.two_per_byte(), "gemm: x needs one byte a code");
  static_assert(S.per != granularity::per_column, "gemm: a scale a column of x cannot leave the sum over columns");
  const auto groups = groups_of_x<S>(x.cols, w);
  if (!groups) return groups.error();
  g.x = rows.source();
  g.m = x.rows;
  g.k = x.cols;
  g.x_signed = S.is_signed;
  g.x_groups = *groups;
  g.w = w.weights;
  g.out.x_scales = data_or_null(x.scales);
  return set_x<S>(g.out, x.zero_points, S.per != granularity::per_tensor ? 1 : x.rows > 0 ? x.rows : 1, w);
}

inline void set_operands(simd::gemm_call& g, const matrix_rows<float>& rows, const packed_reals& w) noexcept {
  g.x = rows.source();
  g.m = rows.x.rows();
  g.k = rows.x.cols();
  g.real_w = w.view();
}

/// Refuses a clamp whose ends are reversed or NaN.
inline result<void> check_clamp(const epilogue::bounded_reals& r) noexcept {
  if (!(r.low <= r.high))
    return failure(errc::invalid_range, "gemm: clamp to [{}, {}], expected low <= high", static_cast<double>(r.low),
                   static_cast<double>(r.high));
  return {};
}

/// Completes the view of an epilogue: y's element type must be the one it makes.
inline result<void> set_y(simd::epilogue_view& e, epilogue::sums, const packed_view& w,
                          std::span<const float>) noexcept {
  if (w.grouped())
    return failure(errc::invalid_scheme, "gemm: weights in {} groups a row have no int32 sums, expected one group",
                   w.weights.groups);
  e.to = simd::output::sums;
  return {};
}
inline result<void> set_y(simd::epilogue_view& e, const epilogue::bounded_reals& r, const packed_view& w,
                          std::span<const float> x_scales) noexcept {
  const auto biases = static_cast<index_t>(r.bias.size());
  if (biases != 0 && biases != w.weights.n)
    return failure(errc::invalid_shape, "gemm: bias of {} for {} rows of weights, expected {} or none", biases,
                   w.weights.n, w.weights.n);
  if (const auto ok = check_clamp(r); !ok) return ok.error();
  e.to = simd::output::reals;
  e.multipliers = w.grouped() ? nullptr : w.weights.scales;
  e.x_scales = data_or_null(x_scales);
  e.bias = biases == 0 ? nullptr : r.bias.data();
  e.low = r.low;
  e.high = r.high;
  return {};
}
inline result<void> set_y(simd::epilogue_view& e, const epilogue::unrounded& r, const packed_weights& w,
                          std::span<const float> x_scales) noexcept {
  if (r.how.size() != w.rows())
    return failure(errc::invalid_shape, "gemm: requantization of {} rows for {} rows of weights", r.how.size(),
                   w.rows());
  if (!r.how.fits(w))
    return failure(errc::invalid_scale,
                   "gemm: the requantization was made for other weights than these, whose rows sum up to {}",
                   w.proof().largest_row_sum);
  const bool by_row = r.how.x_scale() == 0.0f;
  for (const float scale : x_scales)
    if (by_row && !r.how.takes_row_scale(scale))
      return failure(errc::invalid_scale,
                     "gemm: scale {} of a row of x times the multipliers of the requantization leaves [2^-126, 2^126]",
                     static_cast<double>(scale));
  if (!by_row && (x_scales.size() != 1 || x_scales[0] != r.how.x_scale()))
    return failure(errc::invalid_scale,
                   "gemm: x has {} scales, the first {}, the requantization was made for one of {}",
                   static_cast<index_t>(x_scales.size()), x_scales.empty() ? 0.0 : static_cast<double>(x_scales[0]),
                   static_cast<double>(r.how.x_scale()));
  const simd::epilogue_view made = r.how.view();
  e.to = simd::output::reals;
  e.bias_codes = made.bias_codes;
  e.multipliers = made.multipliers;
  e.x_scales = by_row ? data_or_null(x_scales) : made.x_scales;
  e.bias = made.bias;
  e.low = -epilogue::infinity;
  e.high = epilogue::infinity;
  return {};
}
inline result<void> set_y(simd::epilogue_view& e, const epilogue::requantize& r, const packed_weights& w,
                          std::span<const float> x_scales) noexcept {
  if (const auto ok = set_y(e, epilogue::unrounded(r.how), w, x_scales); !ok) return ok;
  const simd::epilogue_view made = r.how.view();
  e.to = made.to;
  e.low = r.rectified && made.low < 0 ? 0.0f : made.low;
  e.high = made.high;
  e.zero_point = made.zero_point;
  e.is_signed = made.is_signed;
  return {};
}

/// Whether epilogue E makes elements of type T.
template <class E, class T>
inline constexpr bool makes =
    std::is_same_v<E, epilogue::requantize>        ? std::is_same_v<T, std::uint8_t> || std::is_same_v<T, std::int8_t>
    : std::is_same_v<E, epilogue::sums>            ? std::is_same_v<T, std::int32_t>
    : std::is_same_v<E, epilogue::unrounded> || std::is_same_v<E, epilogue::unrounded_groups> ||
              std::is_convertible_v<E, epilogue::bounded_reals>
          ? std::is_same_v<T, float>
          : false;

/// Columns of y from first_column on.
template <class T>
void set_memory(simd::epilogue_view& e, const strided<T>& y, index_t first_column = 0) noexcept {
  e.y = y.data() + first_column * y.col_stride();
  e.y_row_stride = y.row_stride();
  e.y_col_stride = y.col_stride();
}

}  // namespace kernels

/// y = epilogue(x * w^T).
///
/// \param x  (m, k) codes of at most 8 bits (not two a byte), per tensor, per row, or in the groups of w: then
///           total = fma(float(sum of the group), scale of w * scale of x, total), and dequantize is the epilogue.
/// \param w  (n, k) packed.
/// \param e  epilogue::sums{}, epilogue::dequantize{} with its stages, or epilogue::requantize{r}, r made for the scale
///           of x, or, where rows of x have scales of their own, without one.
/// \param y  (m, n) of int32, float, or uint8 / int8; must not overlap x.
template <scheme X, class E, matrix_like Y>
  requires(kernels::makes<E, element_of<Y>>)
result<void> try_gemm(const quantized_view<X>& x, const packed_weights& w, const E& e, Y&& y,
                      const run_options& options = {}) noexcept {
  const strided<element_of<Y>> out(y);
  if (x.cols != w.cols())
    return failure(errc::invalid_shape, "gemm: x has {} columns, w expects {}", x.cols, w.cols());
  if (out.rows() != x.rows || out.cols() != w.rows())
    return failure(errc::invalid_shape, "gemm: y is {} x {}, expected {} x {}", out.rows(), out.cols(), x.rows,
                   w.rows());
  if (const auto ok = check_view("gemm: y", out); !ok) return ok.error();
  if (const auto ok = check_quantized(x); !ok) return ok.error();
  const kernels::matrix_rows<std::uint8_t> rows{{x.bytes, x.rows, x.cols, x.row_stride, 1}};
  if (bytes_of(out).overlaps(bytes_of(rows.x)))
    return failure(errc::overlap, "gemm: y of {} x {} shares memory with x of {} x {}", out.rows(), out.cols(), x.rows,
                   x.cols);
  if constexpr (std::is_same_v<E, epilogue::requantize>) {
    if (std::is_signed_v<element_of<Y>> != e.how.is_signed())
      return failure(errc::invalid_scheme, "gemm: y is {}, the requantization makes {} codes",
                     std::is_signed_v<element_of<Y>> ? "signed" : "unsigned",
                     e.how.is_signed() ? "signed" : "unsigned");
  }
  simd::gemm_call g;
  if (const auto ok = kernels::set_operands(g, x, rows, w); !ok) return ok;
  if (const auto ok = kernels::set_y(g.out, e, w, x.scales); !ok) return ok;
  kernels::set_memory(g.out, out);
  return kernels::run_gemm<kernels::pick_gemm_codes>(g, w.rows(), options);
}
template <scheme X, class E, matrix_like Y>
  requires(kernels::makes<E, element_of<Y>>)
result<void> try_gemm(const quantized<X>& x, const packed_weights& w, const E& e, Y&& y,
                      const run_options& options = {}) noexcept {
  return try_gemm(x.view(), w, e, y, options);
}

/// y = x * w^T in float: an fma chain over increasing k for each element, then the stages of the epilogue.
/// Against a sum in any other order it differs by at most k * 2^-23 * sum |x w| (to first order).
template <matrix_like X, matrix_like Y>
  requires(std::is_same_v<element_of<X>, float> && std::is_same_v<element_of<Y>, float>)
result<void> try_gemm(const X& x, const packed_reals& w, const epilogue::bounded_reals& e, Y&& y,
                      const run_options& options = {}) noexcept {
  const kernels::matrix_rows<float> rows{strided<const float>(x)};
  const strided<float> out(y);
  if (rows.x.cols() != w.cols())
    return failure(errc::invalid_shape, "gemm: x has {} columns, w expects {}", rows.x.cols(), w.cols());
  if (out.rows() != rows.x.rows() || out.cols() != w.rows())
    return failure(errc::invalid_shape, "gemm: y is {} x {}, expected {} x {}", out.rows(), out.cols(), rows.x.rows(),
                   w.rows());
  if (const auto ok = check_view("gemm: x", rows.x); !ok) return ok.error();
  if (const auto ok = check_view("gemm: y", out); !ok) return ok.error();
  if (bytes_of(out).overlaps(bytes_of(rows.x)))
    return failure(errc::overlap, "gemm: y of {} x {} shares memory with x of {} x {}", out.rows(), out.cols(),
                   rows.x.rows(), rows.x.cols());
  if (!e.bias.empty() && static_cast<index_t>(e.bias.size()) != w.rows())
    return failure(errc::invalid_shape, "gemm: bias of {} for {} rows of weights, expected {} or none",
                   static_cast<index_t>(e.bias.size()), w.rows(), w.rows());
  if (const auto ok = kernels::check_clamp(e); !ok) return ok.error();
  simd::gemm_call g;
  kernels::set_operands(g, rows, w);
  g.out.to = simd::output::reals;
  g.out.rows_a_param = 1;
  g.out.bias = e.bias.empty() ? nullptr : e.bias.data();
  g.out.low = e.low;
  g.out.high = e.high;
  kernels::set_memory(g.out, out);
  return kernels::run_gemm<kernels::pick_gemm_reals>(g, w.rows(), options);
}

/// A vector to write: std::span, std::vector, Eigen::VectorXf, dyadic::buffer...
template <class V>
concept writable_vector = requires(V& v) {
  { *v.data() } -> std::same_as<std::remove_cvref_t<decltype(*v.data())>&>;
  v.size();
};

namespace kernels {

/// One row of x: codes as they come; floats from a vector, or from a matrix of one row or one column.
template <class X>
const X& row_of(const X& x) noexcept {
  return x;
}
template <matrix_like X>
  requires std::is_same_v<element_of<X>, float>
strided<const float> row_of(const X& x) noexcept {
  const strided<const float> m(x);
  return m.cols() == 1 ? strided<const float>(m.data(), 1, m.rows(), m.col_stride(), m.row_stride()) : m;
}
template <class X>
  requires(!matrix_like<X> && std::is_convertible_v<decltype(std::declval<const X&>().data()), const float*>)
strided<const float> row_of(const X& x) noexcept {
  return {x.data(), 1, static_cast<index_t>(x.size())};
}

}  // namespace kernels

/// y = epilogue(w * x) for one vector: gemm with m = 1. x is one row of codes or k floats, y n elements.
template <class W, class X, class E, writable_vector Y>
result<void> try_gemv(const W& w, const X& x, const E& e, Y&& y, const run_options& options = {}) noexcept {
  return try_gemm(kernels::row_of(x), w, e, strided(y.data(), 1, static_cast<index_t>(y.size())), options);
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument for shapes, scales or strides that do not fit, std::length_error where the proof
///         fails.
template <class X, class W, class E, class Y>
void gemm(const X& x, const W& w, const E& e, Y&& y, const run_options& options = {}) {
  try_gemm(x, w, e, y, options).value();
}
template <class W, class X, class E, writable_vector Y>
void gemv(const W& w, const X& x, const E& e, Y&& y, const run_options& options = {}) {
  try_gemv(w, x, e, y, options).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
