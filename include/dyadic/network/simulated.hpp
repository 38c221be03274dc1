// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The domain simulated: float values that are exactly those of codes, at the sites that are switched on.
//
// With everything on, it equals the code domain bit for bit: integer sums are the kernels' own, and everything after
// them is written here a second time, in plain scalar code. With a mask it tells what some sites, their weights or
// their activations, or some channels of a site would do alone: a layer whose input, weights and output are not all
// codes is a float product of the numbers they stand for. (So the rounding of a bias to an integer comes with the last
// of the three.) It also counts what every quantizer clipped and lost.
#pragma once

#include <dyadic/network/code.hpp>
#include <dyadic/quantize/scalar.hpp>

namespace dyadic::inline DYADIC_ABI {

class simulated : public run_state {
 public:
  using element = float;

  simulated(const plan& p, const site_mask& mask, std::span<site_loss> loss, const run_options& options) noexcept
      : run_state(options, &p.sites()), plan_(p), mask_(mask), loss_(loss) {
    const auto sites = static_cast<index_t>(p.sites().size()), given = static_cast<index_t>(loss.size());
    if (p.activations() == activation_scales::dynamic)
      fail(failure(errc::invalid_scheme, "simulate: the plan has dynamic activations, expected static ones"));
    check(mask.check(p.sites()));
    if (given != 0 && given != sites)
      fail(failure(errc::invalid_shape, "simulate: {} entries for {} sites", given, sites));
    bool all = true;
    for (const std::uint8_t channel : mask.channels()) all = all && channel != 0;
    if (all) mask_ = site_mask(mask.sites());
  }
  const dyadic::plan& plan() const noexcept { return plan_; }
  const site_mask& mask() const noexcept { return mask_; }
  const site& at(int s) const noexcept { return plan_.sites()[static_cast<std::size_t>(s)]; }

  /// Whether the tensor of site s holds codes throughout: those of its own quantizer, or those it took over.
  bool on(int s) const noexcept {
    const int owner = at(s).params_of;
    return mask_.activations_on(owner) && owner != mask_.narrowed();
  }
  /// f(i) for each element i of y that is to be a code.
  template <class F>
  void for_codes(const tensor<simulated>& y, F&& f) noexcept {
    const int owner = at(y.site()).params_of;
    if (!ok() || !mask_.activations_on(owner)) return;
    const default_float_environment environment;
    const index_t channels = at(owner).channels;
    for (index_t i = 0, c = 0; i < y.shape().size(); ++i, c = c + 1 == channels ? 0 : c + 1)
      if (mask_.channel_on(owner, c)) f(i);
  }

  /// The code nearest to `steps` steps from the zero point, as a real; counts what that cost. Where the relu that
  /// follows is done here, negative numbers become zero first, which is no loss.
  float quantized(int s, float steps) noexcept {
    const chosen& p = plan_.params(s);
    if (at(s).relu >= 0 && steps < 0.0f) steps = 0.0f;
    const int lowest = -p.zero_point, highest = 255 - p.zero_point;
    const int whole = round_to_integer<rounding::half_even>(steps, lowest, highest, 0);
    if (!loss_.empty()) count(loss_[static_cast<std::size_t>(s)], steps, whole, static_cast<double>(p.scale));
    return dequantize_one(whole, p.scale, 0);
  }

  /// Quantizes the reals of a tensor in place, where they are to be codes.
  void quantize(const tensor<simulated>& y) noexcept {
    const float scale = plan_.params(y.site()).scale;
    for_codes(y, [&](index_t i) { y.data()[i] = quantized(y.site(), y.data()[i] / scale); });
  }

 private:
  static void count(site_loss& l, float steps, int whole, double scale) noexcept {
    ++l.clipped.total;
    if (!(steps == steps)) {
      ++l.clipped.nan;
      return;
    }
    const float nearest = round<rounding::half_even>(steps);
    if (nearest > static_cast<float>(whole)) ++l.clipped.high;
    if (nearest < static_cast<float>(whole)) ++l.clipped.low;
    if (steps - steps != 0.0f) return;
    const double came = scale * static_cast<double>(steps), lost = scale * (static_cast<double>(steps) - whole);
    l.signal = std::fma(came, came, l.signal);
    l.noise = std::fma(lost, lost, l.noise);
  }

  const dyadic::plan& plan_;
  site_mask mask_;
  std::span<site_loss> loss_;
};

inline tensor<simulated> input(simulated& run, const batch& x) {
  run.check(check_batch(x));
  tensor<simulated> made = make_tensor(run, x.shape(), run.next(site_kind::input, x.shape(), -1));
  if (run.ok()) copy_rows(x, 0, x.rows.rows(), made.data());
  if (run.ok()) run.quantize(made);
  return made;
}

namespace detail {

/// The weights of the layer at site s, packed for the float product: dequantized in the rows that are on.
template <weighted_layer Layer>
result<packed_groups<packed_reals>> real_weights_of(const site_mask& mask, int s, const Layer& layer,
                                                    const site_weights& w) {
  auto values = buffer<float>::make(w.packed.rows() * w.packed.cols());
  if (!values) return values.error();
  const strided<const float> given = layer.weights().weight();
  float* to = values->data();
  index_t row = 0;
  for (const packed_weights& part : w.packed.parts)
    for (index_t i = 0; i < part.rows(); ++i, ++row) {
      const bool on = mask.channel_on(s, row);
      for (index_t k = 0; k < part.cols(); ++k) *to++ = on ? part.value(i, k) : given(row, k);
    }
  return try_pack_groups(strided<const float>(values->data(), w.packed.rows(), w.packed.cols()),
                         static_cast<index_t>(w.packed.parts.size()));
}

/// Sums of codes, as the code domain has them, brought to steps of the output: what its epilogue rounds.
template <weighted_layer Layer>
result<void> steps_of(simulated& run, const Layer& layer, const site_weights& w, const tensor<simulated>& x,
                      const tensor<simulated>& y) {
  const chosen& px = run.plan().params(x.site());
  const memory_block memory = run.memory().take(x.shape().size() + 1);
  if (memory.empty()) return failure(errc::out_of_memory, "simulate: no memory for {} codes", x.shape().size());
  // Exact: x holds scale * (code - zero point), and the quotient is nearer to its integer than half a step.
  kernels::quantize_u8(x.elements(), px.scale, px.zero_point, memory.data());
  const site_codes codes{px.scale, px.zero_point};
  if constexpr (std::same_as<Layer, conv2d>) {
    return try_conv2d(codes.view(memory.data(), x.shape()), layer.taps(), w.packed,
                      epilogue::unrounded_groups{w.to_codes}, y.pixels(), run.options());
  } else {
    const index_t features = x.shape().features();
    const quantized_view<u8_per_tensor> rows{memory.data(), x.shape().images,   features,
                                             features,       {&codes.scale, 1}, {&codes.zero_point, 1}};
    return try_gemm(rows, w.packed.parts[0], epilogue::unrounded(w.to_codes[0]), y.matrix(), run.options());
  }
}

/// The mean of the codes of each window, rounded in integers.
inline void average_of_codes(simulated& run, const operations::average_pool& pool, const tensor<simulated>& x,
                             const tensor<simulated>& y) noexcept {
  const chosen& p = run.plan().params(x.site());
  const image_shape &from = x.shape(), &to = y.shape();
  const window& t = pool.taps;
  const auto before = [](index_t at, index_t stride, index_t padding) { return at * stride - padding; };
  run.for_codes(y, [&](index_t i) {
    const index_t c = i % to.channels, pixel = i / to.channels, ow = pixel % to.width,
                  oh = pixel / to.width % to.height;
    const index_t n = pixel / to.width / to.height;
    const index_t top = before(oh, t.stride.height, t.padding.height),
                  left = before(ow, t.stride.width, t.padding.width);
    std::int64_t sum = 0, count = 0;
    for (index_t h = top < 0 ? 0 : top; h < top + t.size.height && h < from.height; ++h)
      for (index_t w = left < 0 ? 0 : left; w < left + t.size.width && w < from.width; ++w, ++count)
        sum += round_to_integer<rounding::half_even, std::int64_t>(
            x.data()[((n * from.height + h) * from.width + w) * from.channels + c] / p.scale, -255, 255, 0);
    const auto code = static_cast<int>(divide<rounding::half_even>(sum, count)) + p.zero_point;
    y.data()[i] = dequantize_one(code, p.scale, p.zero_point);
  });
}

}  // namespace detail

template <weighted_layer Layer>
tensor<simulated> apply(simulated& run, const Layer& layer, const tensor<simulated>& x) {
  const image_shape shape = shape_after(run, layer, x);
  const int s = run.next(kind_of(layer), shape, x.site());
  tensor<simulated> y = make_tensor(run, shape, s);
  if (!run.ok()) return y;
  const site_weights& w = *run.plan().weights(s);
  const bool rectify = run.at(s).relu >= 0, weights = run.mask().weights_on(s);
  if (weights && run.on(s) && run.on(x.site())) {
    if (!run.check_at(s, detail::steps_of(run, layer, w, x, y))) return y;
    run.for_codes(y, [&](index_t i) { y.data()[i] = run.quantized(s, y.data()[i]); });
    return y;
  }
  if (weights) {
    const auto packed = detail::real_weights_of(run.mask(), s, layer, w);
    if (run.check(packed)) run.check_at(s, product(run, layer, *packed, layer.weights().bias(), rectify, x, y));
  } else {
    run.check_at(s, product(run, layer, layer.weights().packed(), layer.weights().bias(), rectify, x, y));
  }
  run.quantize(y);
  return y;
}

inline tensor<simulated> apply(simulated& run, operations::relu, const tensor<simulated>& x) {
  const int s = run.next(site_kind::relu, x.shape(), x.site());
  if (s >= 0 && run.at(s).done_before) return x.at_site(s);
  tensor<simulated> y = make_tensor(run, x.shape(), s);
  if (run.ok()) rectify_images(run, x, y);
  return y;
}

template <pooling_operation Pool>
tensor<simulated> apply(simulated& run, const Pool& pool, const tensor<simulated>& x) {
  const image_shape shape = shape_after(run, pool.taps, x);
  const int s = run.next(kind_of(pool), shape, x.site());
  tensor<simulated> y = make_tensor(run, shape, s);
  if (!run.ok()) return y;
  pool_reals(run, pool, x, y);
  // The largest of codes is a code; their mean is rounded to one.
  if constexpr (std::same_as<Pool, operations::average_pool>) detail::average_of_codes(run, pool, x, y);
  return y;
}

inline tensor<simulated> apply(simulated& run, operations::add, const tensor<simulated>& a,
                               const tensor<simulated>& b) {
  const image_shape shape = shape_after(run, a, b);
  const int s = run.next(site_kind::add, shape, a.site(), b.site());
  tensor<simulated> y = make_tensor(run, shape, s);
  if (!run.ok()) return y;
  if (!run.on(s) || !run.on(a.site()) || !run.on(b.site())) {
    add_reals(a, b, run.at(s).relu >= 0, y);
    run.quantize(y);
    return y;
  }
  const default_float_environment environment;
  const simd::add_call c = add_of(run.plan(), s, a.site(), b.site());
  const float a_scale = run.plan().params(a.site()).scale, b_scale = run.plan().params(b.site()).scale;
  for (index_t i = 0; i < shape.size(); ++i) {
    const float from_a = round<rounding::half_even>(a.data()[i] / a_scale),
                from_b = round<rounding::half_even>(b.data()[i] / b_scale);
    const float b_steps = detail::opaque(from_b * c.b_multiplier);
    y.data()[i] = run.quantized(s, std::fma(from_a, c.a_multiplier, b_steps));
  }
  return y;
}

}  // namespace dyadic::inline DYADIC_ABI
