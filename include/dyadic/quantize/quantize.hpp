// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// quantize: from reals to codes, with params measured from the data (dynamic) or given (static).
//
//   const auto w = quantize<s8_per_row>(W);              // W: Eigen, strided<float>, anything with memory and strides
//   const auto x = quantize<u8_per_tensor>(X, p);        // p: params<u8_per_tensor> from a calibration
//   const auto n = quantize_into<u8_per_tensor>(X, p, std::span(bytes));   // into memory of the caller
//   const auto m = quantize_into<u8_per_row>(X, bytes, scales, zeros);   // the same, params measured on the way
//
// Each code is quantize_one<P> of its number, whatever the floating-point environment of the caller, the layout of x or
// the processor. Data are never an error: NaN becomes the zero point, infinities and far numbers saturate, all are
// counted.
#pragma once

#include <dyadic/quantize/measure.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// Codes of x into rows of codes row_stride bytes apart; everything is checked already. Adds to `clipped`.
template <scheme S, profile P>
void quantize_rows(strided<const float> x, const run_params<S>& p, std::uint8_t* bytes, index_t row_stride,
                   clip_count& clipped) {
  // A tensor without gaps is one run.
  const bool even = !S.two_per_byte() || x.cols() % 2 == 0;
  if (S.per == granularity::per_tensor && even && x.col_stride() == 1 && x.row_stride() == x.cols() &&
      row_stride == row_bytes(S, x.cols()))
    x = strided<const float>(x.data(), 1, x.rows() * x.cols());
  const reals_to_codes<S, P> code(p);
  for_each_run_of(S, x, [&](index_t i, index_t j, index_t n, const float* numbers) {
    code(i, j, n, numbers, bytes + i * row_stride, clipped);
  });
}
template <scheme S, profile P>
clip_count quantize_rows(const strided<const float>& x, const params<S>& p, std::uint8_t* bytes, index_t row_stride) {
  const default_float_environment environment;
  clip_count clipped;
  clipped.total = x.rows() * x.cols();
  quantize_rows<S, P>(x, run_params<S>(p, x.cols()), bytes, row_stride, clipped);
  return clipped;
}

/// Params measured from x, and its codes by them. Where rows are measured by themselves, each is quantized while it is
/// in the caches.
template <scheme S, profile P>
clip_count quantize_measured(const strided<const float>& x, float* scales, std::int32_t* zero_points,
                             std::uint8_t* bytes, index_t row_stride) {
  const default_float_environment environment;
  clip_count clipped;
  clipped.total = x.rows() * x.cols();
  const auto count = static_cast<std::size_t>(params_count(S, x.rows(), x.cols()));
  const run_params<S> p({scales, count}, {zero_points, S.asymmetric() ? count : 0}, x.cols());
  if (measured_by_rows<S>(x)) {
    const reals_to_codes<S, P> code(p);
    const index_t run = run_length(S, x.cols());
    for (index_t i = 0; i < x.rows(); ++i) {
      measure_rows<S, P>(x, i, i + 1, scales, zero_points);
      for (index_t j = 0; j < x.cols(); j += run) code(i, j, run, x.row(i) + j, bytes + i * row_stride, clipped);
    }
  } else {
    measure_into<S, P>(x, scales, zero_points);
    quantize_rows<S, P>(x, p, bytes, row_stride, clipped);
  }
  return clipped;
}

/// The same into codes of any layout, one an element.
template <scheme S, profile P>
clip_count quantize_scattered(strided<const float> x, const params<S>& p, strided<code_of<S>> to) {
  if (to.col_stride() == 1 && to.row_stride() >= 0)
    return quantize_rows<S, P>(x, p, reinterpret_cast<std::uint8_t*>(to.data()),
                               to.row_stride() * static_cast<index_t>(sizeof(code_of<S>)));
  const default_float_environment environment;
  clip_count clipped;
  clipped.total = x.rows() * x.cols();
  const run_params<S> all(p, x.cols());
  const reals_to_codes<S, P> code(all);
  for_each_segment(S, x, [&](index_t i, index_t j, index_t n) {
    float numbers[segment_length];
    code_of<S> codes[segment_length];
    load_segment(numbers, x, i, j, n);
    code.plain(i, j, n, numbers, reinterpret_cast<std::uint8_t*>(codes), clipped);
    for (index_t t = 0; t < n; ++t) to(i, j + t) = codes[t];
  });
  return clipped;
}

/// What quantize would clip of x.
template <scheme S, profile P>
clip_count count_clipped(const strided<const float>& x, const params<S>& p) {
  const default_float_environment environment;
  clip_count clipped;
  clipped.total = x.rows() * x.cols();
  const run_params<S> all(p, x.cols());
  const reals_to_reals<S, P> code(all);
  for_each_segment(S, x, [&](index_t i, index_t j, index_t n) {
    float numbers[segment_length];
    load_segment(numbers, x, i, j, n);
    code(i, j, n, numbers, numbers, clipped);
  });
  return clipped;
}

template <scheme S>
result<void> check_source(const strided<const float>& x, const params<S>& p) noexcept {
  if (const auto ok = check_view("quantize: x", x); !ok) return ok.error();
  return check_params(p, x.rows(), x.cols());
}

inline result<void> check_apart(const byte_range& x, const byte_range& out) noexcept {
  if (x.overlaps(out))
    return failure(errc::overlap, "quantize: the codes would overwrite the numbers they are made from");
  return {};
}

}  // namespace detail

/// Codes of x with given params (static quantization).
/// \param x  (rows, cols) float, any layout.
/// \param p  params_count(S, rows, cols) scales; errc::invalid_shape or invalid_group if they do not fit x.
template <scheme S, profile P = onnx_profile, real_matrix M>
result<quantized<S>> try_quantize(const M& x, params<S> p) {
  const strided<const float> view(x);
  if (const auto ok = detail::check_source(view, p); !ok) return ok.error();
  result<quantized<S>> made = quantized<S>::try_make(view.rows(), view.cols(), std::move(p));
  if (made)
    made->set_clipped(detail::quantize_rows<S, P>(view, made->params(), made->bytes(), row_bytes(S, view.cols())));
  return made;
}

/// Codes of x with params measured from x itself (weights; dynamic quantization of activations), see try_measure.
template <scheme S, profile P = onnx_profile, real_matrix M>
result<quantized<S>> try_quantize(const M& x) {
  const strided<const float> view(x);
  if (const auto ok = check_view("measure: x", view); !ok) return ok.error();
  if (const auto ok = check_group(S, view.cols()); !ok) return ok.error();
  const auto count = static_cast<std::size_t>(params_count(S, view.rows(), view.cols()));
  std::vector<float> scales(count, 1.0f);
  std::vector<std::int32_t> zero_points(S.asymmetric() ? count : 0, S.qmin());
  auto made = quantized<S>::try_make(view.rows(), view.cols(), *params<S>::try_make(scales, zero_points));
  if (!made) return made.error();
  const clip_count clipped = detail::quantize_measured<S, P>(view, scales.data(), zero_points.data(), made->bytes(),
                                                             row_bytes(S, view.cols()));
  made->set_measured(*params<S>::try_make(scales, zero_points), clipped);
  return made;
}

/// The same for a row of numbers.
template <scheme S, profile P = onnx_profile>
result<quantized<S>> try_quantize(std::span<const float> x, params<S> p) {
  return try_quantize<S, P>(strided<const float>(x.data(), 1, static_cast<index_t>(x.size())), std::move(p));
}
template <scheme S, profile P = onnx_profile>
result<quantized<S>> try_quantize(std::span<const float> x) {
  return try_quantize<S, P>(strided<const float>(x.data(), 1, static_cast<index_t>(x.size())));
}

/// Codes of x into memory of the caller, in the layout of quantized.hpp.
/// \param bytes       at least (rows - 1) * row_stride + row_bytes(S, cols), not shared with x.
/// \param row_stride  bytes from a row to the next, >= row_bytes(S, cols).
template <scheme S, profile P = onnx_profile, real_matrix M>
result<clip_count> try_quantize_into(const M& x, const params<S>& p, std::span<std::uint8_t> bytes,
                                     index_t row_stride) {
  const strided<const float> view(x);
  if (const auto ok = detail::check_source(view, p); !ok) return ok.error();
  const auto given = static_cast<index_t>(bytes.size());
  if (view.rows() > 0 && view.cols() > 0) {
    const index_t row = row_bytes(S, view.cols());
    if (row_stride < row && view.rows() > 1)
      return failure(errc::invalid_shape, "quantize: rows {} bytes apart, expected at least {}", row_stride, row);
    const auto gaps = checked_multiply(view.rows() - 1, view.rows() > 1 ? row_stride : 0);
    if (!gaps) return gaps.error();
    const auto needed = checked_add(*gaps, row);
    if (!needed) return needed.error();
    if (given < *needed)
      return failure(errc::invalid_shape, "quantize: {} bytes for the codes of {} x {} numbers, expected at least {}",
                     given, view.rows(), view.cols(), *needed);
  }
  const strided<const std::uint8_t> out(bytes.data(), 1, given);
  if (const auto ok = detail::check_apart(bytes_of(view), bytes_of(out)); !ok) return ok.error();
  return detail::quantize_rows<S, P>(view, p, bytes.data(), row_stride);
}

/// The same with rows that follow one another.
template <scheme S, profile P = onnx_profile, real_matrix M>
result<clip_count> try_quantize_into(const M& x, const params<S>& p, std::span<std::uint8_t> bytes) {
  return try_quantize_into<S, P>(x, p, bytes, row_bytes(S, strided<const float>(x).cols()));
}

/// Codes of x with params measured from x itself, all into memory of the caller: dynamic quantization without an
/// allocation when a scale is a tensor's, a row's or a group's and columns are side by side.
/// \param bytes        rows * row_bytes(S, cols) at least, rows following one another.
/// \param scales       params_count(S, rows, cols).
/// \param zero_points  as many, or none when symmetric. None of these share memory with x or with each other.
template <scheme S, profile P = onnx_profile, real_matrix M>
result<clip_count> try_quantize_into(const M& x, std::span<std::uint8_t> bytes, std::span<float> scales,
                                     std::span<std::int32_t> zero_points = {}) {
  const strided<const float> view(x);
  if (const auto ok = check_view("quantize: x", view); !ok) return ok.error();
  if (const auto ok = check_group(S, view.cols()); !ok) return ok.error();
  const index_t count = params_count(S, view.rows(), view.cols()), row = row_bytes(S, view.cols());
  const auto needed = checked_multiply(view.rows(), row);
  if (!needed) return needed.error();
  if (static_cast<index_t>(bytes.size()) < *needed)
    return failure(errc::invalid_shape, "quantize: {} bytes for the codes of {} x {} numbers, expected at least {}",
                   bytes.size(), view.rows(), view.cols(), *needed);
  const auto scale_count = static_cast<index_t>(scales.size()), zeros = static_cast<index_t>(zero_points.size());
  if (scale_count != count || zeros != (S.asymmetric() ? count : 0))
    return failure(errc::invalid_shape, "quantize: room for {} scales and {} zero points, expected {} and {}",
                   scale_count, zeros, count, S.asymmetric() ? count : index_t{0});
  const byte_range parts[] = {bytes_of(view), bytes_of(strided<std::uint8_t>(bytes.data(), 1, *needed)),
                              bytes_of(strided<float>(scales.data(), 1, count)),
                              bytes_of(strided<std::int32_t>(zero_points.data(), 1, zeros))};
  for (int a = 0; a < 4; ++a)
    for (int b = a + 1; b < 4; ++b)
      if (parts[a].overlaps(parts[b]))
        return failure(errc::overlap, "quantize: the numbers, codes, scales and zero points share memory");
  return detail::quantize_measured<S, P>(view, scales.data(), zero_points.data(), bytes.data(), row);
}

/// Codes of x into a matrix of codes of any layout, one code an element.
/// \param out  (rows, cols), not shared with x; its element is int8, uint8, int16 or uint16 as code_of<S> says.
template <scheme S, profile P = onnx_profile, real_matrix M, matrix_like Out>
  requires(!S.two_per_byte() && std::is_convertible_v<Out&, strided<code_of<S>>>)
result<clip_count> try_quantize_into(const M& x, const params<S>& p, Out&& out) {
  const strided<const float> view(x);
  const strided<code_of<S>> to(out);
  if (const auto ok = detail::check_source(view, p); !ok) return ok.error();
  if (const auto ok = check_view("quantize: codes", to); !ok) return ok.error();
  if (to.rows() != view.rows() || to.cols() != view.cols())
    return failure(errc::invalid_shape, "quantize: {} x {} codes for {} x {} numbers", to.rows(), to.cols(),
                   view.rows(), view.cols());
  if (const auto ok = detail::check_apart(bytes_of(view), bytes_of(to)); !ok) return ok.error();
  return detail::quantize_scattered<S, P>(view, p, to);
}

#if DYADIC_EXCEPTIONS
/// The throwing face: std::invalid_argument for what does not fit, std::length_error, std::bad_alloc.
template <scheme S, profile P = onnx_profile, real_matrix M>
quantized<S> quantize(const M& x) {
  return try_quantize<S, P>(x).value();
}
template <scheme S, profile P = onnx_profile, real_matrix M>
quantized<S> quantize(const M& x, params<S> p) {
  return try_quantize<S, P>(x, std::move(p)).value();
}
template <scheme S, profile P = onnx_profile>
quantized<S> quantize(std::span<const float> x) {
  return try_quantize<S, P>(x).value();
}
template <scheme S, profile P = onnx_profile>
quantized<S> quantize(std::span<const float> x, params<S> p) {
  return try_quantize<S, P>(x, std::move(p)).value();
}
template <scheme S, profile P = onnx_profile, real_matrix M, class... Out>
clip_count quantize_into(const M& x, const params<S>& p, Out&&... out) {
  return try_quantize_into<S, P>(x, p, std::forward<Out>(out)...).value();
}
template <scheme S, profile P = onnx_profile, real_matrix M>
clip_count quantize_into(const M& x, std::span<std::uint8_t> bytes, std::span<float> scales,
                         std::span<std::int32_t> zero_points = {}) {
  return try_quantize_into<S, P>(x, bytes, scales, zero_points).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
