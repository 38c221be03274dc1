// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Gradients of fake quantization, as PyTorch defines them: rounding counts as the identity, clamping as itself.
//
//   fake_quantize          dx = dy where the code before clamping is a code, else 0
//   the same, learnable    d scale = dy * (y - x) / scale inside, dy * (qmin - z) or dy * (qmax - z) outside
//   (LSQ, Esser 2020)      d zero point = 0 inside, -dy * scale outside;  both times a factor, summed over the numbers
//                          that share the scale
//
// Sources: fake_quantize_tensor_cachemask_kernel, fake_quantize_learnable_tensor_grad_kernel_cpu and
// fake_quantize_learnable_channel_grad_kernel_cpu (aten/src/ATen/native/quantized/cpu), without fused multiply-adds.
// Differences: a masked gradient is +0 here whatever dy is (there dy * 0, hence -0 and NaN); numbers beyond 2^63 steps
// are outside here (there the cast to int64 overflows); sums are taken in double, in row-major order.
#pragma once

#include <cmath>

#include <dyadic/quantize/dequantize.hpp>
#include <dyadic/quantize/quantize.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Whether the gradient passes: the code of x is in [qmin, qmax] without clamping. Never for NaN.
template <profile P = pytorch_profile>
constexpr bool fake_quantize_passes(float x, float scale, int zero_point, int qmin, int qmax) noexcept {
  float units = P.units == scaling::divide ? x / scale : detail::opaque(x * (1.0f / scale));
  if (P.zero_point == zero_point_added::before_rounding) units += static_cast<float>(zero_point);
  const float code = round<P.ties>(units);
  const int shift = P.zero_point == zero_point_added::before_rounding ? 0 : zero_point;
  return code >= static_cast<float>(qmin - shift) && code <= static_cast<float>(qmax - shift);
}

/// What one number adds to the gradients of the loss.
struct learnable_gradient {
  float x = 0.0f, scale = 0.0f, zero_point = 0.0f;
};

/// dy times the derivatives at x.
///
/// The zero point is added before the rounding, other than on the way forward: where that decides a tie differently,
/// y is not the value the forward pass gave. So does PyTorch.
/// \param zero_point  a whole number, see learnable_zero_point.
constexpr learnable_gradient fake_quantize_learnable_one(float dy, float x, float scale, int zero_point, int qmin,
                                                         int qmax, float factor) noexcept {
  const float inverse = 1.0f / scale;
  const float code = round<rounding::half_even>(static_cast<float>(zero_point) + detail::opaque(x * inverse));
  if (code < static_cast<float>(qmin) || code > static_cast<float>(qmax)) {
    const int reach = (code < static_cast<float>(qmin) ? qmin : qmax) - zero_point;
    return {0.0f, dy * static_cast<float>(reach) * factor, -dy * scale * factor};
  }
  if (!(code == code)) return {};
  const float y = detail::opaque((code - static_cast<float>(zero_point)) * scale);
  return {dy, dy * (y - x) * inverse * factor, 0.0f};
}

/// The whole zero point that a learnable one stands for on the way back.
///
/// Per tensor PyTorch adds a half, clamps and cuts towards zero (_get_zero_point_from_tensor): a whole negative zero
/// point is one greater on the way back than forward. Per row it rounds half to even and clamps, both ways.
constexpr int learnable_zero_point(granularity per, float zero_point, int qmin, int qmax) noexcept {
  return per == granularity::per_tensor ? to_integer(zero_point + 0.5f, qmin, qmax, qmin)
                                        : round_to_integer<rounding::half_even>(zero_point, qmin, qmax, qmin);
}

/// LSQ's gradient factor: 1 / sqrt(numbers that share a scale * qmax).
inline float learnable_factor(index_t count, int qmax) noexcept {
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(count) * static_cast<double>(qmax)));
}

namespace detail {

/// dy and x of one shape, dx apart from both or the same matrix as one.
inline result<void> check_gradients(const strided<const float>& dy, const strided<const float>& x,
                                    const strided<float>& dx) noexcept {
  if (const auto ok = check_view("fake_quantize_backward: dy", dy); !ok) return ok.error();
  if (const auto ok = check_view("fake_quantize_backward: x", x); !ok) return ok.error();
  if (const auto ok = check_view("fake_quantize_backward: dx", dx); !ok) return ok.error();
  if (dy.rows() != x.rows() || dy.cols() != x.cols())
    return failure(errc::invalid_shape, "fake_quantize_backward: dy is {} x {}, expected {} x {}", dy.rows(), dy.cols(),
                   x.rows(), x.cols());
  if (dx.rows() != x.rows() || dx.cols() != x.cols())
    return failure(errc::invalid_shape, "fake_quantize_backward: dx is {} x {}, expected {} x {}", dx.rows(), dx.cols(),
                   x.rows(), x.cols());
  for (const strided<const float>& in : {dy, x}) {
    const bool same =
        dx.data() == in.data() && dx.row_stride() == in.row_stride() && dx.col_stride() == in.col_stride();
    if (!same && bytes_of(in).overlaps(bytes_of(dx)))
      return failure(errc::overlap, "fake_quantize_backward: dx overlaps an input without being the same matrix");
  }
  return {};
}

}  // namespace detail

/// dx = dy where fake_quantize<S, P>(x, p) did not clamp, else 0.
/// \param dy, x  (rows, cols) float, any layout.
/// \param p      params_count(S, rows, cols) scales.
/// \param dx     (rows, cols): dy or x themselves, or apart from them; errc::overlap otherwise.
template <scheme S, profile P = pytorch_profile, real_matrix G, real_matrix M, writable_matrix Out>
result<void> try_fake_quantize_backward(const G& dy, const M& x, const params<S>& p, Out&& dx) noexcept {
  const strided<const float> gradient(dy), from(x);
  const strided<float> to(dx);
  if (const auto ok = detail::check_gradients(gradient, from, to); !ok) return ok.error();
  if (const auto ok = check_params(p, from.rows(), from.cols()); !ok) return ok.error();
  const default_float_environment environment;
  for (index_t i = 0; i < from.rows(); ++i)
    for (index_t j = 0; j < from.cols(); ++j) {
      const index_t at = params_index(S, from.cols(), i, j);
      const bool passes = fake_quantize_passes<P>(detail::opaque(from(i, j)), detail::opaque(p.scale(at)),
                                                  p.zero_point(at), S.qmin(), S.qmax());
      to(i, j) = passes ? gradient(i, j) : 0.0f;
    }
  return {};
}

/// Scales and real zero points that are learned, one a tensor or row; factor multiplies their gradients.
struct learnable_params {
  std::span<const float> scales, zero_points;
  float factor = 1.0f;
};

/// Gradients of all three: dx as large as x, d_scale and d_zero_point as long as the params.
/// \param S  per tensor or per row.
/// \param p  scales in [2^-126, 2^126], finite zero points, one of each a tensor or row; finite factor.
template <scheme S, real_matrix G, real_matrix M, writable_matrix Out>
result<void> try_fake_quantize_learnable_backward(const G& dy, const M& x, const learnable_params& p, Out&& dx,
                                                  std::span<float> d_scale, std::span<float> d_zero_point) noexcept {
  static_assert(S.per == granularity::per_tensor || S.per == granularity::per_row,
                "fake_quantize_learnable_backward: per tensor or per row");
  const strided<const float> gradient(dy), from(x);
  const strided<float> to(dx);
  if (const auto ok = detail::check_gradients(gradient, from, to); !ok) return ok.error();
  const index_t expected = params_count(S, from.rows(), from.cols());
  const auto needed = static_cast<std::size_t>(expected);
  if (p.scales.size() != needed || p.zero_points.size() != needed || d_scale.size() != needed ||
      d_zero_point.size() != needed)
    return failure(
        errc::invalid_shape,
        "fake_quantize_backward: {} scales, {} zero points, {} and {} gradients of them, expected {} of each",
        static_cast<index_t>(p.scales.size()), static_cast<index_t>(p.zero_points.size()),
        static_cast<index_t>(d_scale.size()), static_cast<index_t>(d_zero_point.size()), expected);
  for (std::size_t i = 0; i < needed; ++i) {
    if (const auto ok = check_scale(p.scales[i], static_cast<index_t>(i)); !ok) return ok.error();
    if (const float z = p.zero_points[i]; !(z - z == 0.0f))
      return failure(errc::invalid_zero_point, "fake_quantize_backward: zero point {} is {}, expected a finite number",
                     static_cast<index_t>(i), static_cast<double>(z));
  }
  if (!(p.factor - p.factor == 0.0f))
    return failure(errc::invalid_scale, "fake_quantize_backward: gradient factor {}, expected a finite number",
                   static_cast<double>(p.factor));
  const default_float_environment environment;
  const index_t runs = S.per == granularity::per_row ? from.rows() : 1;
  const index_t rows = S.per == granularity::per_row ? 1 : from.rows();
  for (index_t run = 0; run < runs; ++run) {
    const auto at = static_cast<std::size_t>(run);
    const float scale = detail::opaque(p.scales[at]);
    const int zero = learnable_zero_point(S.per, detail::opaque(p.zero_points[at]), S.qmin(), S.qmax());
    double sum_scale = 0.0, sum_zero = 0.0;
    for (index_t i = run; i < run + rows; ++i)
      for (index_t j = 0; j < from.cols(); ++j) {
        const learnable_gradient g =
            fake_quantize_learnable_one(detail::opaque(gradient(i, j)), detail::opaque(from(i, j)), scale, zero,
                                        S.qmin(), S.qmax(), detail::opaque(p.factor));
        sum_scale += static_cast<double>(detail::opaque(g.scale));
        sum_zero += static_cast<double>(detail::opaque(g.zero_point));
        to(i, j) = g.x;
      }
    d_scale[at] = static_cast<float>(detail::opaque(sum_scale));
    d_zero_point[at] = static_cast<float>(detail::opaque(sum_zero));
  }
  return {};
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where the functions above refuse.
template <scheme S, profile P = pytorch_profile, real_matrix G, real_matrix M, writable_matrix Out>
void fake_quantize_backward(const G& dy, const M& x, const params<S>& p, Out&& dx) {
  try_fake_quantize_backward<S, P>(dy, x, p, dx).value();
}
template <scheme S, real_matrix G, real_matrix M, writable_matrix Out>
void fake_quantize_learnable_backward(const G& dy, const M& x, const learnable_params& p, Out&& dx,
                                      std::span<float> d_scale, std::span<float> d_zero_point) {
  try_fake_quantize_learnable_backward<S>(dy, x, p, dx, d_scale, d_zero_point).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
