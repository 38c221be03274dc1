// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The domain box: the codes every tensor of the quantized network can hold, for all inputs of an input_box at once.
//
// An element is an interval of codes. A sum of (x - zx)(w - zw) takes its ends from the sign of every w - zw, in exact
// integers; all that follows (bias, multiplier, rounding, clamp) never decreases, so the interval's ends go through the
// very steps of the domain code. Nothing is rounded that the deployed network does not round: a box of one point is the
// network, and the interval of an operation whose inputs are independent is the smallest there is.
#pragma once

#include <dyadic/network/code.hpp>
#include <dyadic/network/input_box.hpp>
#include <dyadic/network/weight_codes.hpp>
#include <dyadic/quantize/scalar.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The codes [low, high].
struct code_interval {
  std::uint8_t low = 0, high = 0;

  constexpr bool is_point() const noexcept { return low == high; }
  constexpr bool contains(int code) const noexcept { return low <= code && code <= high; }
  friend constexpr bool operator==(const code_interval&, const code_interval&) = default;
};

class box : public run_state {
 public:
  using element = code_interval;

  /// \param weights  of the same plan.
  box(const plan& p, const weight_codes& weights, const run_options& options = {}) noexcept
      : run_state(options, &p.sites()), plan_(p), weights_(weights) {
    if (p.activations() == activation_scales::dynamic)
      fail(failure(errc::invalid_scheme, "box: the plan has dynamic activations, expected static ones"));
  }
  const dyadic::plan& plan() const noexcept { return plan_; }
  const weight_codes& weights() const noexcept { return weights_; }
  static code_interval& codes(element& e) noexcept { return e; }

 private:
  const dyadic::plan& plan_;
  const weight_codes& weights_;
};

namespace boxes {

/// Codes of the numbers of an enclosure, of floats and of the reals between them.
inline code_interval quantized(const enclosure& x, const chosen& p) noexcept {
  // The float next to an end may lie inside; one float further out none does.
  auto low = static_cast<float>(x.low), high = static_cast<float>(x.high);
  if (static_cast<double>(low) > x.low) low = std::nextafter(low, -std::numeric_limits<float>::infinity());
  if (static_cast<double>(high) < x.high) high = std::nextafter(high, std::numeric_limits<float>::infinity());
  return {static_cast<std::uint8_t>(quantize_one(low, p.scale, p.zero_point, 0, 255)),
          static_cast<std::uint8_t>(quantize_one(high, p.scale, p.zero_point, 0, 255))};
}

/// The codes between `low` and `high` steps, floats of which a NaN means that nothing is known.
struct code_clamp {
  std::int32_t zero_point;
  int lowest;  ///< steps: of the lowest code, or 0 where a relu is done here

  code_clamp(const plan& p, int s) noexcept
      : zero_point(p.params(s).zero_point),
        lowest(p.sites()[static_cast<std::size_t>(s)].relu >= 0 ? 0 : -p.params(s).zero_point) {}
  int code(float steps, int when_nan) const noexcept {
    return zero_point + round_to_integer<rounding::half_even>(steps, lowest, 255 - zero_point, when_nan);
  }
  code_interval range(float low, float high) const noexcept {
    return {static_cast<std::uint8_t>(code(low, lowest)), static_cast<std::uint8_t>(code(high, 255 - zero_point))};
  }
};

/// The two ends of one sum.
struct ends {
  std::int64_t low, high;

  /// From a centre of low + high and a radius of high - low: whole numbers of the same parity.
  static ends of(double centre, double radius) noexcept {
    const auto c = static_cast<std::int64_t>(centre), r = static_cast<std::int64_t>(radius);
    return {(c - r) / 2, (c + r) / 2};
  }
};

/// The codes a layer makes of one row of x, for one group of channels.
class layer_row {
 public:
  layer_row(const plan& p, const weight_codes& weights, int s, index_t group) noexcept
      : packed_(p.weights(s)->packed.parts[static_cast<std::size_t>(group)]),
        panels_(weights.at(s, group)),
        view_(p.weights(s)->to_codes[static_cast<std::size_t>(group)].view()),
        clamp_(p, s) {}

  /// \param c, r   low + high and high - low of x - zero point, cols() of each.
  /// \param scratch  at least scratch_size() doubles.
  /// \param made     f(j, codes of row j of the weights).
  template <class F>
  void run(const double* c, const double* r, double* scratch, F&& made) const noexcept {
    double *centres = scratch, *radii = scratch + panels_.padded_rows();
    if (!packed_.grouped()) {
      panels_.product(c, r, centres, radii);
      for (index_t j = 0; j < packed_.rows(); ++j) {
        const ends sum = ends::of(centres[j], radii[j]);
        const std::int64_t bias = view_.bias_codes == nullptr ? 0 : view_.bias_codes[j];
        made(j, clamp_.range(steps(sum.low + bias, j), steps(sum.high + bias, j)));
      }
      return;
    }
    auto* totals = reinterpret_cast<float*>(radii + panels_.padded_rows());  // low and high of each row
    for (index_t j = 0; j < 2 * packed_.rows(); ++j) totals[j] = 0.0f;
    const index_t group = packed_.view().group;
    for (index_t k = 0; k < packed_.cols(); k += group) {
      panels_.product(k, group, c + k, r + k, centres, radii);
      for (index_t j = 0; j < packed_.rows(); ++j) {
        const ends sum = ends::of(centres[j], radii[j]);
        const float scale = packed_.scale(j, k);
        // Infinities of both signs may meet between the ends of a group that is infinite: NaN, from then on.
        totals[2 * j] = known(std::fma(static_cast<float>(sum.low), scale, totals[2 * j]));
        totals[2 * j + 1] = known(std::fma(static_cast<float>(sum.high), scale, totals[2 * j + 1]));
      }
    }
    for (index_t j = 0; j < packed_.rows(); ++j) {
      const float bias = view_.bias == nullptr ? 0.0f : view_.bias[j];
      made(j, clamp_.range(std::fma(totals[2 * j], *view_.x_scales, bias),
                           std::fma(totals[2 * j + 1], *view_.x_scales, bias)));
    }
  }
  index_t scratch_size() const noexcept { return 3 * panels_.padded_rows(); }
  index_t rows() const noexcept { return packed_.rows(); }

 private:
  float steps(std::int64_t sum, index_t j) const noexcept {
    return std::fma(static_cast<float>(sum), view_.multipliers[j], 0.0f);
  }
  static float known(float total) noexcept {
    return total - total == 0.0f ? total : std::numeric_limits<float>::quiet_NaN();
  }

  const packed_weights& packed_;
  const row_panels& panels_;
  simd::epilogue_view view_;
  code_clamp clamp_;
};

/// Where the taps of a window stand in an image without padding: f(offset of each).
template <class F>
void for_taps(const window& t, const image_shape& x, index_t oh, index_t ow, F&& f) noexcept {
  const index_t top = oh * t.stride.height - t.padding.height, left = ow * t.stride.width - t.padding.width;
  for (index_t h = top < 0 ? 0 : top; h < top + t.size.height && h < x.height; ++h)
    for (index_t w = left < 0 ? 0 : left; w < left + t.size.width && w < x.width; ++w)
      f((h * x.width + w) * x.channels);
}
/// f(offset in y, offset in x of the taps' first channel as a callable) for all windows of all images.
template <class F>
void for_windows(const window& t, const image_shape& x, const image_shape& y, F&& f) noexcept {
  for (index_t n = 0; n < y.images; ++n)
    for (index_t oh = 0; oh < y.height; ++oh)
      for (index_t ow = 0; ow < y.width; ++ow)
        f(((n * y.height + oh) * y.width + ow) * y.channels, [&, n, oh, ow](auto&& each) {
          for_taps(t, x, oh, ow, [&](index_t offset) { each(n * x.features() + offset); });
        });
}

inline code_interval largest(const code_interval& a, const code_interval& b) noexcept {
  return {a.low > b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
}
/// The mean of codes: rounded in integers, as the code domain does.
inline code_interval mean(std::int64_t low, std::int64_t high, std::int64_t count, std::int32_t zero) noexcept {
  const auto code = [&](std::int64_t sum) {
    return static_cast<std::uint8_t>(zero + divide<rounding::half_even>(sum - count * zero, count));
  };
  return {code(low), code(high)};
}
inline code_interval sum(const simd::add_call& c, const code_clamp& clamp, const code_interval& a,
                      const code_interval& b) noexcept {
  const auto steps = [&](int from_a, int from_b) {
    const float b_steps = detail::opaque(static_cast<float>(from_b - c.b_zero) * c.b_multiplier);
    return std::fma(static_cast<float>(from_a - c.a_zero), c.a_multiplier, b_steps);
  };
  return clamp.range(steps(a.low, b.low), steps(a.high, b.high));
}

/// What the domains that carry boxes write of them at a site: codes(x[i]) of every element.
template <class D, class Layer>
result<void> of_layer(D& run, const Layer& layer, const tensor<D>& x, const tensor<D>& y) {
  const default_float_environment environment;
  const index_t size = x.shape().size();
  auto planes = buffer<double>::make(2 * size);
  if (!planes) return planes.error();
  const std::int32_t zero = run.plan().params(x.site()).zero_point;
  for (index_t i = 0; i < size; ++i) {
    const code_interval c = D::codes(x.data()[i]);
    (*planes)[i] = c.low + c.high - 2 * zero;
    (*planes)[size + i] = c.high - c.low;
  }
  auto rows = plane_rows<2>::try_make(layer, x.shape(), planes->data());
  if (!rows) return rows.error();
  const auto groups = static_cast<index_t>(run.plan().weights(y.site())->packed.parts.size());
  const index_t columns = layer.weights().cols();
  for (index_t g = 0; g < groups; ++g) {
    const layer_row part(run.plan(), run.weights(), y.site(), g);
    auto scratch = buffer<double>::make(part.scratch_size());
    if (!scratch) return scratch.error();
    for (index_t row = 0; row < rows->rows(); ++row) {
      const double* c = rows->row(row, g);
      auto* to = y.data() + row * groups * part.rows() + g * part.rows();
      part.run(c, c + columns, scratch->data(), [&](index_t j, const code_interval& made) { D::codes(to[j]) = made; });
    }
  }
  return {};
}
template <class D>
void of_relu(D& run, const tensor<D>& x, const tensor<D>& y) noexcept {
  const auto zero = static_cast<std::uint8_t>(run.plan().params(y.site()).zero_point);
  for (index_t i = 0; i < x.shape().size(); ++i) D::codes(y.data()[i]) = largest(D::codes(x.data()[i]), {zero, zero});
}
template <class D, pooling_operation Pool>
void of_pool(D& run, const Pool& pool, const tensor<D>& x, const tensor<D>& y) noexcept {
  const std::int32_t zero = run.plan().params(y.site()).zero_point;
  for_windows(pool.taps, x.shape(), y.shape(), [&](index_t to, auto&& taps) {
    for (index_t c = 0; c < y.shape().channels; ++c) {
      code_interval most{0, 0};
      std::int64_t low = 0, high = 0, count = 0;
      taps([&](index_t from) {
        const code_interval here = D::codes(x.data()[from + c]);
        most = largest(most, here);
        low += here.low, high += here.high, ++count;
      });
      D::codes(y.data()[to + c]) = std::same_as<Pool, operations::max_pool> ? most : mean(low, high, count, zero);
    }
  });
}
template <class D>
void of_add(D& run, const tensor<D>& a, const tensor<D>& b, const tensor<D>& y) noexcept {
  const default_float_environment environment;
  const simd::add_call call = add_of(run.plan(), y.site(), a.site(), b.site());
  const code_clamp clamp(run.plan(), y.site());
  for (index_t i = 0; i < y.shape().size(); ++i)
    D::codes(y.data()[i]) = sum(call, clamp, D::codes(a.data()[i]), D::codes(b.data()[i]));
}

}  // namespace boxes

/// The codes of all inputs of a box.
inline tensor<box> input(box& run, const input_box& x) {
  run.check(check_input_box(x));
  const image_shape shape = x.centres.shape();
  const tensor<box> made = make_tensor(run, shape, run.next(site_kind::input, shape, -1));
  if (!run.ok()) return made;
  const default_float_environment environment;
  for (index_t i = 0; i < shape.images; ++i)
    for (index_t j = 0; j < shape.features(); ++j)
      made.matrix()(i, j) = boxes::quantized(x.at(i, j), run.plan().params(made.site()));
  return made;
}

template <weighted_layer Layer>
tensor<box> apply(box& run, const Layer& layer, const tensor<box>& x) {
  const image_shape shape = shape_after(run, layer, x);
  const int s = run.next(kind_of(layer), shape, x.site());
  const tensor<box> y = make_tensor(run, shape, s);
  if (run.ok()) run.check_at(s, boxes::of_layer(run, layer, x, y));
  return y;
}

inline tensor<box> apply(box& run, operations::relu, const tensor<box>& x) {
  const int s = run.next(site_kind::relu, x.shape(), x.site());
  if (s >= 0 && run.plan().sites()[static_cast<std::size_t>(s)].done_before) return x.at_site(s);
  const tensor<box> y = make_tensor(run, x.shape(), s);
  if (run.ok()) boxes::of_relu(run, x, y);
  return y;
}

template <pooling_operation Pool>
tensor<box> apply(box& run, const Pool& pool, const tensor<box>& x) {
  const image_shape shape = shape_after(run, pool.taps, x);
  const tensor<box> y = make_tensor(run, shape, run.next(kind_of(pool), shape, x.site()));
  if (run.ok()) boxes::of_pool(run, pool, x, y);
  return y;
}

inline tensor<box> apply(box& run, operations::add, const tensor<box>& a, const tensor<box>& b) {
  const image_shape shape = shape_after(run, a, b);
  const tensor<box> y = make_tensor(run, shape, run.next(site_kind::add, shape, a.site(), b.site()));
  if (run.ok()) boxes::of_add(run, a, b, y);
  return y;
}

}  // namespace dyadic::inline DYADIC_ABI
