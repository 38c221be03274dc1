// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products of two activations: neither operand is packed in advance. Queries by keys, attention by values.
//
//   gemm(q, k, e, y)               y = q * k^T     k (n, depth), codes of up to 8 bits with one scale a tensor or a row
//   gemm(p, transposed(v), e, y)   y = p * v       v (depth, n), with one scale
// The second operand is packed inside the call, into scratch, with its sums and the proof that nothing overflows.
#pragma once

#include <dyadic/kernels/gemm.hpp>
#include <dyadic/kernels/window.hpp>

namespace dyadic::inline DYADIC_ABI {

/// v as the second operand of a product x * v: w(j, k) = v(k, j). Borrowed.
template <scheme S>
kernels::transposed<S> transposed(const quantized_view<S>& v) noexcept {
  return {v};
}
template <scheme S>
kernels::transposed<S> transposed(const quantized<S>& v) noexcept {
  return {v.view()};
}

namespace kernels {

/// n and k of a second operand.
template <scheme W>
constexpr extent2 extent_of(const quantized_view<W>& w) noexcept {
  return {w.rows, w.cols};
}
template <scheme W>
constexpr extent2 extent_of(const transposed<W>& w) noexcept {
  return {w.codes.cols, w.codes.rows};
}
template <scheme W>
const quantized_view<W>& codes_of(const quantized_view<W>& w) noexcept {
  return w;
}
template <scheme W>
const quantized_view<W>& codes_of(const transposed<W>& w) noexcept {
  return w.codes;
}

/// The largest |x - zero point| that codes of x can have.
template <scheme X>
std::int64_t largest_of(const quantized_view<X>& x) noexcept {
  std::int64_t largest = 1;
  const index_t count = X.asymmetric() ? static_cast<index_t>(x.zero_points.size()) : 1;
  for (index_t i = 0; i < count; ++i) {
    const std::int64_t zero = X.asymmetric() ? x.zero_points[static_cast<std::size_t>(i)] : X.middle();
    const std::int64_t reach = X.qmax() - zero > zero - X.qmin() ? X.qmax() - zero : zero - X.qmin();
    largest = reach > largest ? reach : largest;
  }
  return largest;
}

template <class W>
inline constexpr scheme scheme_of{};
template <scheme S>
inline constexpr scheme scheme_of<quantized_view<S>> = S;
template <scheme S>
inline constexpr scheme scheme_of<transposed<S>> = S;

template <class W>
inline constexpr bool is_second_operand = false;
template <scheme S>
inline constexpr bool is_second_operand<quantized_view<S>> =
    S.bits <= 8 && (S.per == granularity::per_tensor || S.per == granularity::per_row);
template <scheme S>
inline constexpr bool is_second_operand<transposed<S>> =
    S.bits <= 8 && !S.two_per_byte() && S.per == granularity::per_tensor;

/// Scratch of a product of two activations: the packed operand, then that of the product.
struct pair_scratch {
  index_t packed = 0, all = 0;

  template <scheme X, class W>
  static result<pair_scratch> make(const quantized_view<X>& x, const W& w, const run_options& options) noexcept {
    const extent2 size = extent_of(w);
    if (x.rows == 0 || size.height == 0) return pair_scratch{};
    const auto layout = pack_layout::make(scheme_of<W>, size.height, size.width);
    if (!layout) return layout.error();
    static constexpr std::int32_t some = 0;  // zero points of w, which make sums of x necessary
    packed_view shape{layout->shape, {0, 255}, nullptr};
    if (layout->zero_points_stored) shape.weights.zero_points = &some;
    const matrix_rows<std::uint8_t> rows{{x.bytes, x.rows, x.cols, x.row_stride, 1}};
    simd::gemm_call g;
    if (const auto ok = set_operands(g, x, rows, shape); !ok) return ok.error();
    const auto all = checked_add(layout->bytes, scratch_of<pick_gemm_codes>(g, size.height, options));
    if (!all) return all.error();
    return pair_scratch{layout->bytes, *all};
  }
};

}  // namespace kernels

/// y = epilogue(x * w^T), both operands codes.
///
/// \param x  (m, k) codes of at most 8 bits (not two a byte), per tensor or per row.
/// \param w  (n, k) codes of at most 8 bits, per tensor or per row; or transposed(v), v (k, n) codes of one scale.
/// \param e  epilogue::sums{}, or epilogue::dequantize{} with its stages.
/// \param y  (m, n) int32 or float; must not overlap x or w.
/// \returns  errc::overflow, naming the row of w, when a sum could leave int32.
template <scheme X, class W, class E, matrix_like Y>
  requires(kernels::is_second_operand<W> && kernels::makes<E, element_of<Y>> &&
           !std::is_same_v<E, epilogue::requantize> && !std::is_same_v<E, epilogue::unrounded>)
result<void> try_gemm(const quantized_view<X>& x, const W& w, const E& e, Y&& y,
                      const run_options& options = {}) noexcept {
  static_assert(X.per != granularity::per_group, "gemm: activations in groups need weights in groups");
  const strided<element_of<Y>> out(y);
  const extent2 size = kernels::extent_of(w);
  if (x.cols != size.width)
    return failure(errc::invalid_shape, "gemm: x has {} columns, w expects {}", x.cols, size.width);
  if (out.rows() != x.rows || out.cols() != size.height)
    return failure(errc::invalid_shape, "gemm: y is {} x {}, expected {} x {}", out.rows(), out.cols(), x.rows,
                   size.height);
  if (const auto ok = check_view("gemm: y", out); !ok) return ok;
  if (const auto ok = check_quantized(x); !ok) return ok;
  if (const auto ok = check_quantized(kernels::codes_of(w)); !ok) return ok;
  const kernels::matrix_rows<std::uint8_t> rows{{x.bytes, x.rows, x.cols, x.row_stride, 1}};
  if (bytes_of(out).overlaps(bytes_of(rows.x)) || bytes_of(out).overlaps(bytes_of(kernels::codes_of(w))))
    return failure(errc::overlap, "gemm: y of {} x {} shares memory with an operand", out.rows(), out.cols());
  if (x.rows == 0 || size.height == 0) return {};
  const auto bytes = kernels::pair_scratch::make(x, w, options);
  if (!bytes) return bytes.error();
  workspace own;
  std::uint8_t* const scratch = (options.memory != nullptr ? *options.memory : own).reserve(bytes->all);
  if (scratch == nullptr)
    return failure(errc::out_of_memory, "gemm: {} bytes of scratch are not to be had", bytes->all);
  const auto packed = kernels::pack_into(w, scratch, kernels::largest_of(x));
  if (!packed) return packed.error();
  simd::gemm_call g;
  if (const auto ok = kernels::set_operands(g, x, rows, *packed); !ok) return ok;
  if (const auto ok = kernels::set_y(g.out, e, *packed, x.scales); !ok) return ok;
  kernels::set_memory(g.out, out);
  kernels::run_gemm_in<kernels::pick_gemm_codes>(g, size.height, options.run, scratch + bytes->packed);
  return {};
}
template <scheme X, scheme W, class E, matrix_like Y>
result<void> try_gemm(const quantized<X>& x, const quantized<W>& w, const E& e, Y&& y,
                      const run_options& options = {}) noexcept {
  return try_gemm(x.view(), w.view(), e, y, options);
}
template <scheme X, scheme W, class E, matrix_like Y>
result<void> try_gemm(const quantized<X>& x, const kernels::transposed<W>& w, const E& e, Y&& y,
                      const run_options& options = {}) noexcept {
  return try_gemm(x.view(), w, e, y, options);
}

}  // namespace dyadic::inline DYADIC_ABI
