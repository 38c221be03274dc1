// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// measure: the params of a matrix from its own smallest and largest numbers, as dynamic quantization and weights need
// them.
#pragma once

#include <dyadic/calibrate/extent.hpp>
#include <dyadic/quantize/run.hpp>

namespace dyadic::inline DYADIC_ABI {

/// One scale and zero point a tensor, row, group or column of x, as S says, each from the finite numbers there: choose<S,
/// P>([min, max]).
///
/// NaN and infinities do not widen a range; quantizing then maps them to the zero point and to the ends. Where nothing
/// finite is, the params are those of the range [0, 0], so that NaN dequantizes to 0.
/// \param x  (rows, cols), any layout.
/// \returns  errc::invalid_group if cols % S.group != 0, errc::invalid_shape for a view without memory.
template <scheme S, profile P = onnx_profile, real_matrix M>
result<params<S>> try_measure(const M& matrix) {
  const strided<const float> x(matrix);
  if (const auto ok = check_view("measure: x", x); !ok) return ok.error();
  if (const auto ok = check_group(S, x.cols()); !ok) return ok.error();
  const default_float_environment environment;
  const auto count = static_cast<std::size_t>(params_count(S, x.rows(), x.cols()));
  std::vector<float> scales(count);
  std::vector<std::int32_t> zero_points(S.asymmetric() ? count : 0);
  const auto put = [&](std::size_t at, const extent& e) {
    const chosen c = detail::choose_checked(S, P, e.empty() ? range{} : range{e.min, e.max});
    scales[at] = c.scale;
    if constexpr (S.asymmetric()) zero_points[at] = c.zero_point;
  };
  if constexpr (S.per == granularity::per_tensor) {
    put(0, extent_of(x));
  } else if (x.col_stride() == 1 && S.per != granularity::per_column) {
    const index_t run = S.per == granularity::per_group ? S.group : x.cols();
    for (std::size_t at = 0; at < count; ++at) {
      const index_t first = static_cast<index_t>(at) * run;  // in elements of the matrix, row by row
      extent e;
      if (run > 0) detail::include_run(e, x.row(first / x.cols()) + first % x.cols(), run);
      put(at, e);
    }
  } else {
    std::vector<extent> extents(count);
    detail::for_each_segment(S, x, [&](index_t i, index_t j, index_t n) {
      float numbers[detail::segment_length];
      detail::load_segment(numbers, x, i, j, n);
      if constexpr (S.per == granularity::per_column)
        for (index_t t = 0; t < n; ++t) detail::include_one(extents[static_cast<std::size_t>(j + t)], numbers[t]);
      else
        detail::include_run(extents[static_cast<std::size_t>(params_index(S, x.cols(), i, j))], numbers, n);
    });
    for (std::size_t at = 0; at < count; ++at) put(at, extents[at]);
  }
  return params<S>::try_make(scales, zero_points);
}

/// A row of numbers.
template <scheme S, profile P = onnx_profile>
result<params<S>> try_measure(std::span<const float> x) {
  return try_measure<S, P>(strided<const float>(x.data(), 1, static_cast<index_t>(x.size())));
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where try_measure refuses.
template <scheme S, profile P = onnx_profile, real_matrix M>
params<S> measure(const M& x) {
  return try_measure<S, P>(x).value();
}
template <scheme S, profile P = onnx_profile>
params<S> measure(std::span<const float> x) {
  return try_measure<S, P>(x).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
