// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// measure: the params of a matrix from its own smallest and largest numbers, as dynamic quantization and weights need
// them.
#pragma once

#include <dyadic/calibrate/extent.hpp>
#include <dyadic/quantize/run.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// Params of one run from what it holds; where nothing finite is, those of [0, 0]. Needs the default floating-point
/// environment, which choose would set each time.
template <scheme S, profile P>
void put_measured(const extent& e, index_t at, float* scales, std::int32_t* zero_points) noexcept {
  static_assert(takes(P, S), "profile: it has no zero points, so the scheme must be symmetric");
  using Real = std::conditional_t<P.arithmetic == range_arithmetic::in_float, float, double>;
  const chosen c =
      choose_in<Real>(S, codes_of(S), P, opaque(e.empty() ? 0.0f : e.min), opaque(e.empty() ? 0.0f : e.max));
  scales[at] = opaque(c.scale);
  if constexpr (S.asymmetric()) zero_points[at] = c.zero_point;
}

/// The params of rows [first, last) of x, whose columns are side by side, a scale a row or group.
template <scheme S, profile P>
void measure_rows(const strided<const float>& x, index_t first, index_t last, float* scales,
                  std::int32_t* zero_points) noexcept {
  const index_t run = S.per == granularity::per_group ? S.group : x.cols(), groups = groups_in_row(S, x.cols());
  for (index_t i = first; i < last; ++i)
    for (index_t g = 0; g < groups; ++g) {
      extent e;
      include_run(e, x.row(i) + g * run, run);
      put_measured<S, P>(e, i * groups + g, scales, zero_points);
    }
}

/// Whether params of x are measured row by row.
template <scheme S>
bool measured_by_rows(const strided<const float>& x) noexcept {
  return (S.per == granularity::per_row || S.per == granularity::per_group) && x.col_stride() == 1;
}

/// All params of x, checked already; needs the default floating-point environment.
template <scheme S, profile P>
void measure_into(const strided<const float>& x, float* scales, std::int32_t* zero_points) {
  const index_t count = params_count(S, x.rows(), x.cols());
  if constexpr (S.per == granularity::per_tensor) {
    put_measured<S, P>(extent_of(x), 0, scales, zero_points);
  } else if (measured_by_rows<S>(x)) {
    measure_rows<S, P>(x, 0, x.rows(), scales, zero_points);
  } else {
    std::vector<extent> extents(static_cast<std::size_t>(count));
    for_each_segment(S, x, [&](index_t i, index_t j, index_t n) {
      float numbers[segment_length];
      load_segment(numbers, x, i, j, n);
      if constexpr (S.per == granularity::per_column)
        for (index_t t = 0; t < n; ++t) include_one(extents[static_cast<std::size_t>(j + t)], numbers[t]);
      else
        include_run(extents[static_cast<std::size_t>(params_index(S, x.cols(), i, j))], numbers, n);
    });
    for (index_t at = 0; at < count; ++at)
      put_measured<S, P>(extents[static_cast<std::size_t>(at)], at, scales, zero_points);
  }
}

}  // namespace detail

/// One scale and zero point a tensor, row, group or column of x, as S says, each from the finite numbers there:
/// choose<S, P>([min, max]).
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
  detail::measure_into<S, P>(x, scales.data(), zero_points.data());
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
