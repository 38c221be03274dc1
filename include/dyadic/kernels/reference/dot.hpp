// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One dot product of codes and what becomes of it: the definition that gemm and convolution share.
//
// Legend: x(k) is code - zero point of the k-th activation; row j of w holds the weights it meets. Everything below is
// read in the default floating-point environment.
//
//   sum   = sum over k of x(k) * (w(j, k) - zero point of w)                              exact, in 64 bits
//   total = fma(float(sum of group g), scale of w(j, group g), total), g = 0, 1, ...      when a row has several groups
// Where x comes in the same groups, the scale of a group is that of w times that of x, rounded to float.
#pragma once

#include <dyadic/kernels/reference/elementwise.hpp>
#include <dyadic/quantize/quantized.hpp>

namespace dyadic::inline DYADIC_ABI::reference {

/// To reals: clamp(sum * scales + bias) with one rounding of the product of the scales and one of the whole.
struct reals {
  std::span<const float> bias{};  ///< n, or none
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();
};

/// To codes of y: one scale, codes in [qmin, qmax]; a ReLU raises the lowest code to the zero point.
struct codes {
  float scale = 1.0f;
  std::int32_t zero_point = 0;
  int qmin = 0, qmax = 255;
  std::span<const float> bias{};  ///< n, or none
  bool relu = false;

  constexpr int code(float units) const noexcept {
    return requantize_one(units, zero_point, relu && zero_point > qmin ? zero_point : qmin, qmax);
  }
};

/// The codes of y before they are rounded and clamped: floats.
struct unrounded {
  codes how;
};

/// To codes of y from rows of x with scales of their own: the bias stays real.
struct row_codes {
  codes how;
};

/// By a dyadic multiplier a row of w, without floating point: what TensorFlow Lite, CMSIS-NN and gemmlowp do.
struct fixed_codes {
  std::span<const multiplier> multipliers{};  ///< n of them, valid
  std::span<const std::int32_t> bias{};       ///< n, or none; in units of x_scale * w_scale
  rescale how = rescale::double_rounding;
  std::int32_t zero_point = 0;
  int low = 0, high = 255;  ///< TensorFlow Lite's output_activation_min and _max
};

constexpr float element_or_zero(std::span<const float> bias, index_t j) noexcept {
  return bias.empty() ? 0.0f : bias[static_cast<std::size_t>(j)];
}

/// The exact sum over k in [first, last).
template <scheme W, class Activations>
constexpr std::int64_t sum_of(const Activations& x, const quantized_view<W>& w, index_t j, index_t first,
                              index_t last) {
  std::int64_t sum = 0;
  for (index_t k = first; k < last; ++k) sum += std::int64_t{x(k)} * (w.code(j, k) - w.zero_point(j, k));
  return sum;
}
template <scheme W, class Activations>
constexpr std::int64_t sum_of(const Activations& x, const quantized_view<W>& w, index_t j) {
  return sum_of(x, w, j, 0, w.cols);
}

/// A row that is one group is a row with one scale: its sum stays an integer.
template <scheme W>
constexpr bool grouped(const quantized_view<W>& w) noexcept {
  return groups_in_row(W, w.cols) > 1;
}

/// Activations that may have a scale a group: scale(k) is that of the k-th one.
template <class Activations>
concept scaled_in_groups = requires(const Activations& x) { x.scale(index_t{}); };

/// The groups of a row, each exact, added in increasing order: one fma a group.
template <scheme W, class Activations>
float total_of(const Activations& x, const quantized_view<W>& w, index_t j) {
  float total = 0.0f;
  for (index_t k = 0; k < w.cols; k += W.group) {
    float scale = w.scale(j, k);
    if constexpr (scaled_in_groups<Activations>) scale *= x.scale(k);
    total = std::fma(static_cast<float>(sum_of(x, w, j, k, k + W.group)), scale, total);
  }
  return total;
}

/// The scale of a row that has one. Groups of a row without columns have none: 1.
template <scheme W>
float scale_of_row(const quantized_view<W>& w, index_t j) noexcept {
  return w.scales.empty() ? 1.0f : w.scale(j, 0);
}

template <scheme W, class Activations>
float finish(const reals& e, const Activations& x, float x_scale, const quantized_view<W>& w, index_t j) {
  const float bias = element_or_zero(e.bias, j);
  const float f = grouped(w) ? std::fma(total_of(x, w, j), x_scale, bias)
                             : std::fma(static_cast<float>(sum_of(x, w, j)), scale_of_row(w, j) * x_scale, bias);
  return clamp(f, e.low, e.high);
}

/// What the codes are rounded from: reals in steps of the output's scale.
///
/// The bias of an integer sum is an integer: b / (x_scale * w_scale), the product rounded to float, the quotient to
/// double.
template <scheme W, class Activations>
float units_of(const codes& e, const Activations& x, float x_scale, const quantized_view<W>& w, index_t j) {
  const float bias = element_or_zero(e.bias, j);
  if (grouped(w)) return std::fma(total_of(x, w, j), x_scale / e.scale, bias / e.scale);
  const float unit = x_scale * scale_of_row(w, j);
  const double units = static_cast<double>(bias) / static_cast<double>(unit);
  const auto bias_code = round_to_integer<rounding::half_even, std::int64_t>(units, INT32_MIN, INT32_MAX, 0);
  return std::fma(static_cast<float>(sum_of(x, w, j) + bias_code), unit / e.scale, 0.0f);  // fma: a zero is +0
}
template <scheme W, class Activations>
int finish(const codes& e, const Activations& x, float x_scale, const quantized_view<W>& w, index_t j) {
  return e.code(units_of(e, x, x_scale, w, j));
}
template <scheme W, class Activations>
int finish(const row_codes& e, const Activations& x, float x_scale, const quantized_view<W>& w, index_t j) {
  const float bias = element_or_zero(e.how.bias, j) / e.how.scale;
  if (grouped(w)) return e.how.code(std::fma(total_of(x, w, j), (1.0f / e.how.scale) * x_scale, bias));
  return e.how.code(
      std::fma(static_cast<float>(sum_of(x, w, j)), (scale_of_row(w, j) / e.how.scale) * x_scale, bias));
}
template <scheme W, class Activations>
float finish(const unrounded& e, const Activations& x, float x_scale, const quantized_view<W>& w, index_t j) {
  return units_of(e.how, x, x_scale, w, j);
}

/// The sum and its bias fit an int32: pack proves it for the sum.
template <scheme W, class Activations>
int finish(const fixed_codes& e, const Activations& x, float, const quantized_view<W>& w, index_t j) {
  const auto at = static_cast<std::size_t>(j);
  const std::int64_t sum = sum_of(x, w, j) + (e.bias.empty() ? 0 : e.bias[at]);
  return requantize_fixed(static_cast<std::int32_t>(sum), e.multipliers[at], e.how, e.zero_point, e.low, e.high);
}

/// The exact sums themselves, as int32: pack proves that they fit.
struct sums {};
template <scheme W, class Activations>
std::int32_t finish(sums, const Activations& x, float, const quantized_view<W>& w, index_t j) {
  return static_cast<std::int32_t>(sum_of(x, w, j));
}

}  // namespace dyadic::inline DYADIC_ABI::reference
