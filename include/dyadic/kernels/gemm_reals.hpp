// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products of floats by integer weights: weight-only, where x stays float, and dynamic, where the call quantizes it.
//
//   gemm(X, w, e, Y)                          weight_only: the accuracy of float activations
//   gemm(dynamic_rows<u8_per_row>(X), w, e, Y)     the speed of integers; ranges measured in the call
#pragma once

#include <dyadic/kernels/gemm.hpp>
#include <dyadic/scheme/choose.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Floats to be quantized inside a product, every row by its own range (per_row), or every group of a row (per_group,
/// in the groups of the weights). Borrowed.
///
/// gemm(dynamic_rows<S>(X), w, e, Y) gives the bits of gemm(quantize<S>(X), w, e, Y) and writes no codes to memory.
/// NaN becomes the zero point and does not count for a range; infinities saturate.
template <scheme S = u8_per_row>
struct dynamic_rows {
  static_assert(S.bits <= 8 && !S.two_per_byte(), "dynamic_rows: codes of one byte");
  static_assert(S.per == granularity::per_row || S.per == granularity::per_group,
                "dynamic_rows: one range a row or a group of a row");
  strided<const float> x;

  template <matrix_like M>
    requires std::is_same_v<element_of<M>, float>
  explicit dynamic_rows(const M& m) noexcept : x(m) {}
};

namespace kernels {

/// What all products of floats have in common: shapes, strides, overlap, and an epilogue that makes floats.
inline result<void> check_reals(const matrix_rows<float>& rows, const packed_weights& w,
                                const strided<float>& y) noexcept {
  if (rows.x.cols() != w.cols())
    return failure(errc::invalid_shape, "gemm: x has {} columns, w expects {}", rows.x.cols(), w.cols());
  if (y.rows() != rows.x.rows() || y.cols() != w.rows())
    return failure(errc::invalid_shape, "gemm: y is {} x {}, expected {} x {}", y.rows(), y.cols(), rows.x.rows(),
                   w.rows());
  if (const auto ok = check_view("gemm: x", rows.x); !ok) return ok;
  if (const auto ok = check_view("gemm: y", y); !ok) return ok;
  if (bytes_of(y).overlaps(bytes_of(rows.x)))
    return failure(errc::overlap, "gemm: y of {} x {} shares memory with x of {} x {}", y.rows(), y.cols(),
                   rows.x.rows(), rows.x.cols());
  return {};
}

inline void set_operands(simd::gemm_call& g, const matrix_rows<float>& rows, const packed_weights& w) noexcept {
  g.x = rows.source();
  g.m = rows.x.rows();
  g.k = rows.x.cols();
  g.w = w.view();
}

template <scheme S>
simd::dynamic_codes::params choose_params(float low, float high) noexcept {
  const chosen c = detail::choose_checked(S, onnx_profile, {low, high});
  return {c.scale, S.asymmetric() ? c.zero_point : 0};  // the middle is in x_zero_base
}

template <scheme S>
result<void> set_operands(simd::gemm_call& g, const dynamic_rows<S>&, const matrix_rows<float>& rows,
                          const packed_weights& w) noexcept {
  if (const auto ok = check_group(S, rows.x.cols()); !ok) return ok;
  const auto groups = groups_of_x<S>(rows.x.cols(), w);
  if (!groups) return groups.error();
  set_operands(g, rows, w);
  g.x_groups = *groups;
  constexpr int lift = S.is_signed ? 128 : 0;
  g.dynamic = {&choose_params<S>, S.qmin() + lift, S.qmax() + lift, !S.asymmetric()};
  g.out.x_zero_base = lift + (S.asymmetric() ? 0 : S.middle());
  g.out.rows_a_param = 1;
  // Any zero point may come up: the largest distance to a code is the whole range, or half of it when symmetric.
  constexpr std::int64_t reach = S.asymmetric() ? S.qmax() - S.qmin() : S.qmax() - S.middle() > S.middle() - S.qmin()
                                                                            ? S.qmax() - S.middle()
                                                                            : S.middle() - S.qmin();
  if (const std::int64_t covered = w.proof().largest_x; reach > covered)
    return failure(errc::overflow, "gemm: |x - zero point| can reach {}, the weights were packed for {}", reach,
                   covered);
  return {};
}

}  // namespace kernels

/// y = epilogue(x * w^T), x float, every weight scale * (code - zero point): weight-only.
///
/// For each group of w (or each row that has one scale), part = fma(x[k], code - zero point, part) over increasing k;
/// then total = fma(part, scale, total) over increasing groups; then bias and clamp. Codes are exact as floats, so
/// against the real product of the same weights the error is at most (group + groups + 1) * 2^-24 * sum |x w| to first
/// order.
/// \param x  (m, k) floats.      \param w  (n, k) packed.      \param y  (m, n) floats; must not overlap x.
template <matrix_like X, matrix_like Y>
  requires(std::is_same_v<element_of<X>, float> && std::is_same_v<element_of<Y>, float>)
result<void> try_gemm(const X& x, const packed_weights& w, const epilogue::bounded_reals& e, Y&& y,
                      const run_options& options = {}) noexcept {
  const kernels::matrix_rows<float> rows{strided<const float>(x)};
  const strided<float> out(y);
  if (const auto ok = kernels::check_reals(rows, w, out); !ok) return ok;
  simd::gemm_call g;
  kernels::set_operands(g, rows, w);
  if (const auto ok = kernels::set_y(g.out, e, w, {}); !ok) return ok;
  g.out.multipliers = nullptr;  // scales of w are in the totals
  g.out.rows_a_param = g.m;
  kernels::set_memory(g.out, out);
  return kernels::run_gemm<kernels::pick_gemm_weight_only>(g, w.rows(), options);
}

/// y = epilogue(quantize<S>(x) * w^T), quantized in the call.
/// \param x  (m, k) floats.      \param w  (n, k) packed.      \param y  (m, n) floats; must not overlap x.
template <scheme S, matrix_like Y>
  requires(std::is_same_v<element_of<Y>, float>)
result<void> try_gemm(const dynamic_rows<S>& x, const packed_weights& w, const epilogue::bounded_reals& e, Y&& y,
                      const run_options& options = {}) noexcept {
  const kernels::matrix_rows<float> rows{x.x};
  const strided<float> out(y);
  if (const auto ok = kernels::check_reals(rows, w, out); !ok) return ok;
  simd::gemm_call g;
  if (const auto ok = kernels::set_operands(g, x, rows, w); !ok) return ok;
  if (const auto ok = kernels::set_y(g.out, e, w, {}); !ok) return ok;
  kernels::set_memory(g.out, out);
  return kernels::run_gemm<kernels::pick_gemm_codes>(g, w.rows(), options);
}

/// y = epilogue(w * x) for k floats x, quantized in the call: gemv<u8_per_row>(w, x, e, y).
template <scheme S, class X, writable_vector Y>
result<void> try_gemv(const packed_weights& w, const X& x, const epilogue::bounded_reals& e, Y&& y,
                      const run_options& options = {}) noexcept {
  return try_gemm(dynamic_rows<S>(kernels::row_of(x)), w, e,
                  strided<float>(y.data(), 1, static_cast<index_t>(y.size())), options);
}
#if DYADIC_EXCEPTIONS
template <scheme S, class X, writable_vector Y>
void gemv(const packed_weights& w, const X& x, const epilogue::bounded_reals& e, Y&& y,
          const run_options& options = {}) {
  try_gemv<S>(w, x, e, y, options).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
