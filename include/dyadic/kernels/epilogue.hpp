// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Epilogues: what happens to an exact sum on its way out, as plain data that reads from left to right.
//
//   epilogue::sums{}                                                     int32, sum (x - zx)(w - zw)
//   epilogue::dequantize{} | epilogue::add_bias{b} | epilogue::relu{}     float
//   epilogue::requantize{r} | epilogue::relu{}                           codes; r is a requantization, made once
//
// The float stage is one formula for all (simd/vocabulary.hpp): fma(sum, multiplier, bias), then the clamp.
#pragma once

#include <limits>

#include <dyadic/core/float_environment.hpp>
#include <dyadic/fixed_point/saturate.hpp>
#include <dyadic/kernels/pack.hpp>
#include <dyadic/scheme/opaque.hpp>

namespace dyadic::inline DYADIC_ABI {

/// From exact sums of one product to codes of its output: multipliers, bias and clamp, checked and proven once.
///
/// code_j = saturate(round_half_even(sum_j * m_j) + zero_point), m_j = (x_scale * w_scale_j) / y_scale in float (ONNX
/// QLinearMatMul). The bias joins the sum as the integer round_half_even(b_j / (x_scale * w_scale_j)), and the proof of
/// the packed weights is extended to it. With grouped weights the sum is already a real over x_scale: code = ... of
/// fma(sum_j, x_scale / y_scale, b_j / y_scale).
///
/// Made without an x_scale it is for an x whose rows (tokens) have scales of their own, known when the product runs:
/// code_ij = ... of fma(sum_ij, (w_scale_j / y_scale) * x_scale_i, b_j / y_scale); grouped weights: w_scale_j = 1.
class requantization {
 public:
  requantization() = default;

  /// \param bias  n reals, or none.
  /// \returns     errc::overflow naming the row when sum and bias could leave int32; errc::invalid_scale when a
  ///              multiplier leaves [2^-126, 2^126].
  static result<requantization> try_make(float x_scale, const packed_weights& w, std::span<const float> bias,
                                         const scheme& y, float y_scale, std::int32_t y_zero_point) {
    if (const auto ok = check_scale(x_scale, 0); !ok) return ok.error();
    auto checked = begin(w, bias, y, y_scale, y_zero_point);
    if (!checked) return checked.error();
    const default_float_environment environment;
    x_scale = detail::opaque(x_scale), y_scale = detail::opaque(y_scale);
    requantization& made = *checked;
    made.x_scale_ = x_scale;
    const index_t n = w.rows(), biases = static_cast<index_t>(bias.size()), padded = w.view().padded_n();
    if (w.grouped()) {
      made.row_scale_ = x_scale / y_scale;
      if (const auto ok = check_scale(made.row_scale_, 0); !ok) return ok.error();
      if (const auto ok = made.divide_bias(bias, padded, y_scale); !ok) return ok.error();
      return checked;
    }
    auto multipliers = buffer<float>::make(padded);
    auto codes = buffer<std::int32_t>::make(biases == 0 ? 0 : padded);
    if (!multipliers) return multipliers.error();
    if (!codes) return codes.error();
    for (index_t j = 0; j < n; ++j) {
      const float unit = x_scale * w.scale(j);
      (*multipliers)[j] = unit / y_scale;
      if (const auto ok = check_scale((*multipliers)[j], j); !ok) return ok.error();
      if (biases == 0) continue;
      const double exact = static_cast<double>(bias[static_cast<std::size_t>(j)]) / static_cast<double>(unit);
      // Held far outside int32, so that a bias which does not fit is refused even where the row is all zero.
      const auto code = round_to_integer<rounding::half_even, std::int64_t>(exact, -(1LL << 60), 1LL << 60, 0);
      const std::int64_t reach = w.row_sum(j) * w.proof().largest_x + (code < 0 ? -code : code);
      if (reach > accumulator_proof::limit)
        return failure(errc::overflow, "requantize: row {} sums up to {} with its bias, expected at most {}", j, reach,
                       accumulator_proof::limit);
      (*codes)[j] = static_cast<std::int32_t>(code);
    }
    made.multipliers_ = std::move(*multipliers);
    made.bias_codes_ = std::move(*codes);
    return checked;
  }

  /// For rows of x with scales of their own.
  static result<requantization> try_make(const packed_weights& w, std::span<const float> bias, const scheme& y,
                                         float y_scale, std::int32_t y_zero_point) {
    auto checked = begin(w, bias, y, y_scale, y_zero_point);
    if (!checked) return checked.error();
    const default_float_environment environment;
    y_scale = detail::opaque(y_scale);
    requantization& made = *checked;
    const index_t padded = w.view().padded_n();
    auto multipliers = buffer<float>::make(padded);
    if (!multipliers) return multipliers.error();
    for (index_t j = 0; j < w.rows(); ++j) {
      const float m = (w.grouped() ? 1.0f : detail::opaque(w.scale(j))) / y_scale;
      if (const auto ok = check_scale(m, j); !ok) return ok.error();
      (*multipliers)[j] = m;
      if (j == 0 || m < made.smallest_) made.smallest_ = m;
      if (j == 0 || m > made.largest_) made.largest_ = m;
    }
    made.multipliers_ = std::move(*multipliers);
    if (const auto ok = made.divide_bias(bias, padded, y_scale); !ok) return ok.error();
    return checked;
  }

  index_t size() const noexcept { return n_; }
  /// The scale of x it was made for; 0 for any scales of rows.
  float x_scale() const noexcept { return x_scale_; }
  /// Whether a row of x may have this scale: every multiplier stays in [2^-126, 2^126].
  bool takes_row_scale(float x_scale) const noexcept {
    return n_ == 0 || (smallest_ * x_scale >= 0x1p-126f && largest_ * x_scale <= 0x1p126f);
  }
  bool is_signed() const noexcept { return is_signed_; }
  /// Whether it was made for w, as far as the proof can tell.
  bool fits(const packed_weights& w) const noexcept {
    return n_ == w.rows() && grouped_ == w.grouped() && proof_ == w.proof();
  }
  std::int32_t zero_point() const noexcept { return zero_point_; }

  /// Points into this object.
  simd::epilogue_view view() const noexcept {
    simd::epilogue_view e;
    e.to = simd::output::codes;
    e.bias_codes = bias_codes_.empty() ? nullptr : bias_codes_.data();
    e.multipliers = multipliers_.empty() ? nullptr : multipliers_.data();
    e.x_scales = grouped_ && x_scale_ != 0.0f ? &row_scale_ : nullptr;
    e.bias = bias_.empty() ? nullptr : bias_.data();
    e.low = low_;
    e.high = high_;
    e.zero_point = zero_point_;
    e.is_signed = is_signed_;
    return e;
  }

 private:
  /// What does not depend on x: everything checked, nothing allocated.
  static result<requantization> begin(const packed_weights& w, std::span<const float> bias, const scheme& y,
                                      float y_scale, std::int32_t y_zero_point) {
    const index_t n = w.rows(), biases = static_cast<index_t>(bias.size());
    if (y.bits != 8 || y.per != granularity::per_tensor)
      return failure(errc::invalid_scheme, "requantize: outputs of {} bits, expected 8 bits and one scale", y.bits);
    if (biases != 0 && biases != n)
      return failure(errc::invalid_shape, "requantize: bias of {} for {} rows of weights, expected {} or none", biases,
                     n, n);
    if (const auto ok = check_scale(y_scale, 0); !ok) return ok.error();
    if (const auto ok = check_zero_point(y, y_zero_point, 0); !ok) return ok.error();
    for (index_t j = 0; j < biases; ++j)
      if (const float b = bias[static_cast<std::size_t>(j)]; !(b - b == 0.0f))
        return failure(errc::invalid_range, "requantize: bias {} is {}, expected a finite number", j,
                       static_cast<double>(b));
    requantization made;
    made.low_ = static_cast<float>(y.qmin() - y_zero_point);
    made.high_ = static_cast<float>(y.qmax() - y_zero_point);
    made.zero_point_ = y_zero_point;
    made.is_signed_ = y.is_signed;
    made.n_ = n;
    made.proof_ = w.proof();
    made.grouped_ = w.grouped();
    return made;
  }

  /// The bias in steps of the output, real.
  result<void> divide_bias(std::span<const float> bias, index_t padded, float y_scale) {
    if (bias.empty()) return {};
    auto reals = buffer<float>::make(padded);
    if (!reals) return reals.error();
    for (index_t j = 0; j < n_; ++j) (*reals)[j] = bias[static_cast<std::size_t>(j)] / y_scale;
    bias_ = std::move(*reals);
    return {};
  }

  buffer<float> multipliers_, bias_;
  buffer<std::int32_t> bias_codes_;
  float row_scale_ = 1.0f, low_ = 0, high_ = 0, x_scale_ = 0.0f;
  float smallest_ = 1.0f, largest_ = 1.0f;  ///< multipliers, where x_scale_ is 0
  std::int32_t zero_point_ = 0;
  accumulator_proof proof_;
  bool is_signed_ = false, grouped_ = false;
  index_t n_ = 0;
};

namespace epilogue {

inline constexpr float infinity = std::numeric_limits<float>::infinity();

/// The exact sums themselves, as int32.
struct sums {};

/// n reals added to every row of y. Borrowed: the array must live until the product is done.
struct add_bias {
  std::span<const float> values;
  template <class V>
    requires requires(const V& v) { std::span<const float>(v.data(), static_cast<std::size_t>(v.size())); }
  explicit add_bias(const V& v) noexcept : values(v.data(), static_cast<std::size_t>(v.size())) {}
  /// A vector that owns its numbers and is gone at the end of the statement cannot be borrowed from.
  template <class V>
    requires(!std::is_trivially_copyable_v<V>)
  explicit add_bias(const V&&) = delete;
};

/// max(y, 0).
struct relu {};

/// y held inside [low, high], low <= high, in reals.
struct clamp {
  float low = -infinity, high = infinity;
};

/// Reals: value = scale of x * scale of w * sum. One bias may follow, then clamps; any other order does not compile.
struct bounded_reals {
  std::span<const float> bias{};
  float low = -infinity, high = infinity;
};
struct biased_reals {
  std::span<const float> bias{};
  operator bounded_reals() const noexcept { return {bias}; }
};
struct dequantize {
  operator bounded_reals() const noexcept { return {}; }
};
inline biased_reals operator|(dequantize, add_bias b) noexcept { return {b.values}; }
inline bounded_reals operator|(bounded_reals r, clamp c) noexcept {
  return {r.bias, r.low > c.low ? r.low : c.low, r.high < c.high ? r.high : c.high};
}
inline bounded_reals operator|(bounded_reals r, relu) noexcept { return r | clamp{0.0f, infinity}; }

/// Codes, as a requantization says. Borrowed, as above.
struct requantize {
  const requantization& how;
  bool rectified = false;
  explicit requantize(const requantization& r, bool with_relu = false) noexcept : how(r), rectified(with_relu) {}
};
inline requantize operator|(requantize r, relu) noexcept { return requantize(r.how, true); }

/// What requantize rounds and clamps, before it does: reals in steps of the output.
struct unrounded {
  const requantization& how;
  explicit unrounded(const requantization& r) noexcept : how(r) {}
};

/// The same for a convolution: one requantization a group of channels.
struct requantize_groups {
  std::span<const requantization> how;
  bool rectified = false;
};
struct unrounded_groups {
  std::span<const requantization> how;
};

}  // namespace epilogue

}  // namespace dyadic::inline DYADIC_ABI
