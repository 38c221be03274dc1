// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// fake_quantize: what quantization would do to a matrix of reals, as reals; dequantize(quantize(x)) bit for bit,
// without codes.
#pragma once

#include <dyadic/quantize/dequantize.hpp>
#include <dyadic/quantize/quantize.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Writes dequantize_one(quantize_one<P>(x)) of every number, and says what saturated.
/// \param x    (rows, cols) float, any layout.
/// \param p    params_count(S, rows, cols) scales.
/// \param out  (rows, cols), any layout: x itself (same memory, same strides), or apart from x; errc::overlap
///             otherwise.
template <scheme S, profile P = onnx_profile, real_matrix M, writable_matrix Out>
result<clip_count> try_fake_quantize(const M& x, const params<S>& p, Out&& out) noexcept {
  const strided<const float> from(x);
  const strided<float> to(out);
  if (const auto ok = detail::check_source(from, p); !ok) return ok.error();
  if (const auto ok = check_view("fake_quantize: output", to); !ok) return ok.error();
  if (to.rows() != from.rows() || to.cols() != from.cols())
    return failure(errc::invalid_shape, "fake_quantize: output is {} x {}, expected {} x {}", to.rows(), to.cols(),
                   from.rows(), from.cols());
  const bool in_place =
      to.data() == from.data() && to.row_stride() == from.row_stride() && to.col_stride() == from.col_stride();
  if (!in_place && bytes_of(from).overlaps(bytes_of(to)))
    return failure(errc::overlap, "fake_quantize: the output overlaps the input without being the same matrix");
  const default_float_environment environment;
  clip_count clipped;
  clipped.total = from.rows() * from.cols();
  const detail::run_params<S> all(p, from.cols());
  const detail::reals_to_reals<S, P> real(all);
  detail::for_each_run_of(S, from, [&](index_t i, index_t j, index_t n, const float* numbers) {
    if (to.col_stride() == 1) return real(i, j, n, numbers, to.row(i) + j, clipped);
    for (index_t t = 0; t < n; t += detail::segment_length) {
      float some[detail::segment_length];
      const index_t here = simd::smaller(detail::segment_length, n - t);
      real(i, j + t, here, numbers + t, some, clipped);
      for (index_t u = 0; u < here; ++u) to(i, j + t + u) = some[u];
    }
  });
  return clipped;
}

/// With params measured from x itself, see try_measure.
template <scheme S, profile P = onnx_profile, real_matrix M, writable_matrix Out>
result<clip_count> try_fake_quantize(const M& x, Out&& out) {
  const result<params<S>> p = try_measure<S, P>(x);
  if (!p) return p.error();
  return try_fake_quantize<S, P>(x, *p, out);
}

/// The same for rows of numbers; out.size() == x.size().
template <scheme S, profile P = onnx_profile>
result<clip_count> try_fake_quantize(std::span<const float> x, const params<S>& p, std::span<float> out) noexcept {
  return try_fake_quantize<S, P>(strided<const float>(x.data(), 1, static_cast<index_t>(x.size())), p,
                                 strided<float>(out.data(), 1, static_cast<index_t>(out.size())));
}
template <scheme S, profile P = onnx_profile>
result<clip_count> try_fake_quantize(std::span<const float> x, std::span<float> out) {
  return try_fake_quantize<S, P>(strided<const float>(x.data(), 1, static_cast<index_t>(x.size())),
                                 strided<float>(out.data(), 1, static_cast<index_t>(out.size())));
}

#if DYADIC_EXCEPTIONS
/// The throwing face: std::invalid_argument.
template <scheme S, profile P = onnx_profile, real_matrix M, writable_matrix Out>
clip_count fake_quantize(const M& x, const params<S>& p, Out&& out) {
  return try_fake_quantize<S, P>(x, p, out).value();
}
template <scheme S, profile P = onnx_profile, real_matrix M, writable_matrix Out>
clip_count fake_quantize(const M& x, Out&& out) {
  return try_fake_quantize<S, P>(x, out).value();
}
template <scheme S, profile P = onnx_profile>
clip_count fake_quantize(std::span<const float> x, const params<S>& p, std::span<float> out) {
  return try_fake_quantize<S, P>(x, p, out).value();
}
template <scheme S, profile P = onnx_profile>
clip_count fake_quantize(std::span<const float> x, std::span<float> out) {
  return try_fake_quantize<S, P>(x, out).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
