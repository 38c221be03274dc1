// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// naive and naive_codes: two domains made of kernels/reference, one element at a time, to compare the library's with.
// They are also what a user's own domain looks like: a class, input(), and an apply() for each operation.
//
// Nothing is fused here: a relu is a step of its own. Use them in the default floating-point environment.
#pragma once

#include <cmath>

#include <dyadic/kernels/reference/convolution.hpp>
#include <dyadic/kernels/reference/gemm.hpp>
#include <dyadic/kernels/reference/pooling.hpp>

#include "support/networks.hpp"

namespace support {

using dyadic::image_shape;
using dyadic::tensor;
namespace operations = dyadic::operations;
namespace reference = dyadic::reference;

/// Float32.
struct naive {
  using element = float;
  int sites = 0;
};
/// Codes of a plan with static activations, and what its quantizers lose.
struct naive_codes {
  using element = std::uint8_t;
  const dyadic::plan& plan;
  std::vector<dyadic::site_loss> loss = std::vector<dyadic::site_loss>(plan.sites().size());
  int sites = 0;
};

template <class D>
tensor<D> make_naive(D& run, const image_shape& shape) {
  return {run, shape, run.sites++,
          dyadic::memory_block::make(shape.size() * static_cast<index_t>(sizeof(typename D::element)) + 1)};
}

inline tensor<naive> input(naive& run, const dyadic::batch& x) {
  tensor<naive> y = make_naive(run, x.shape());
  for (index_t i = 0; i < x.rows.rows(); ++i)
    for (index_t j = 0; j < x.rows.cols(); ++j) y.matrix()(i, j) = x.rows(i, j);
  return y;
}
inline tensor<naive> apply(naive& run, const dyadic::linear& layer, const tensor<naive>& x) {
  const dyadic::layer_weights& w = layer.weights();
  tensor<naive> y = make_naive(run, {x.shape().images, 1, 1, w.rows()});
  reference::gemm(x.matrix(), w.weight(), reference::reals{w.bias()}, y.matrix());
  return y;
}
inline tensor<naive> apply(naive& run, const dyadic::conv2d& layer, const tensor<naive>& x) {
  const dyadic::layer_weights& w = layer.weights();
  tensor<naive> y = make_naive(run, reference::shape_of_windows(x.shape(), layer.taps(), w.rows()));
  reference::conv2d(x.data(), x.shape(), layer.taps(), w.weight(), layer.groups(), reference::reals{w.bias()},
                    y.pixels());
  return y;
}
inline tensor<naive> apply(naive& run, operations::relu, const tensor<naive>& x) {
  tensor<naive> y = make_naive(run, x.shape());
  for (index_t i = 0; i < x.shape().size(); ++i) y.data()[i] = reference::relu(x.data()[i]);
  return y;
}
inline tensor<naive> apply(naive& run, const operations::max_pool& pool, const tensor<naive>& x) {
  tensor<naive> y = make_naive(run, reference::shape_of_windows(x.shape(), pool.taps, x.shape().channels));
  reference::max_pool(x.data(), x.shape(), pool.taps, y.data());
  return y;
}
inline tensor<naive> apply(naive& run, const operations::average_pool& pool, const tensor<naive>& x) {
  tensor<naive> y = make_naive(run, reference::shape_of_windows(x.shape(), pool.taps, x.shape().channels));
  reference::average_pool(x.data(), x.shape(), pool.taps, y.data());
  return y;
}
inline tensor<naive> apply(naive& run, operations::add, const tensor<naive>& a, const tensor<naive>& b) {
  tensor<naive> y = make_naive(run, a.shape());
  for (index_t i = 0; i < a.shape().size(); ++i) y.data()[i] = a.data()[i] + b.data()[i];
  return y;
}

/// The code of a number of steps from the zero point of the site about to be made; counted in double.
inline std::uint8_t code_of_steps(naive_codes& run, float steps) {
  const dyadic::chosen& p = run.plan.params(run.sites);
  dyadic::site_loss& l = run.loss[static_cast<std::size_t>(run.sites)];
  // A relu that follows and nothing else: what is below zero is not lost, it is not wanted.
  if (run.plan.sites()[static_cast<std::size_t>(run.sites)].relu >= 0 && steps < 0.0F) steps = 0.0F;
  const int code = reference::requantize_one(steps, p.zero_point, 0, 255);
  ++l.clipped.total;
  if (std::isnan(steps)) ++l.clipped.nan;
  if (std::nearbyint(steps) < static_cast<float>(code - p.zero_point)) ++l.clipped.low;
  if (std::nearbyint(steps) > static_cast<float>(code - p.zero_point)) ++l.clipped.high;
  if (std::isfinite(steps)) {
    const double scale = static_cast<double>(p.scale), came = scale * static_cast<double>(steps);
    const double lost = scale * (static_cast<double>(steps) - (code - p.zero_point));
    l.signal += came * came;
    l.noise += lost * lost;
  }
  return static_cast<std::uint8_t>(code);
}

inline tensor<naive_codes> input(naive_codes& run, const dyadic::batch& x) {
  const float scale = run.plan.params(0).scale;
  std::vector<std::uint8_t> codes;
  for (index_t i = 0; i < x.rows.rows(); ++i)
    for (index_t j = 0; j < x.rows.cols(); ++j) codes.push_back(code_of_steps(run, x.rows(i, j) / scale));
  tensor<naive_codes> y = make_naive(run, x.shape());
  if (!codes.empty()) std::memcpy(y.data(), codes.data(), codes.size());
  return y;
}

/// The steps a layer makes of codes, by the scheme its weights have in the plan.
template <dyadic::weighted_layer Layer>
struct naive_steps {
  const naive_codes& run;
  const Layer& layer;
  const tensor<naive_codes>& x;
  int site;
  dyadic::strided<float> y;

  template <dyadic::scheme S>
  void operator()() const {
    const auto w = dyadic::try_quantize<S>(layer.weights().weight());
    const dyadic::chosen &px = run.plan.params(x.site()), &py = run.plan.params(site);
    const reference::unrounded e{{.scale = py.scale, .zero_point = py.zero_point, .bias = layer.weights().bias()}};
    const std::span<const float> scale(&px.scale, 1);
    const std::span<const std::int32_t> zero_point(&px.zero_point, 1);
    if constexpr (std::same_as<Layer, dyadic::conv2d>) {
      reference::conv2d(x.data(), x.shape(), scale, zero_point, layer.taps(), w->view(), layer.groups(), e, y);
    } else {
      const index_t k = x.shape().features();
      reference::gemm(
          dyadic::quantized_view<dyadic::u8_per_tensor>{x.data(), x.shape().images, k, k, scale, zero_point}, w->view(),
          e, y);
    }
  }
};
using naive_schemes = dyadic::scheme_list<dyadic::s8_per_row, dyadic::s8_narrow_per_tensor, dyadic::s4_per_row,
                                          dyadic::u4_per_row, dyadic::s4_per_group<32>, dyadic::u4_per_group<32>>;

template <dyadic::weighted_layer Layer>
tensor<naive_codes> layer_of_codes(naive_codes& run, const Layer& layer, const tensor<naive_codes>& x,
                                   const image_shape& shape) {
  std::vector<float> steps(static_cast<std::size_t>(shape.size()));
  const dyadic::strided<float> rows(steps.data(), shape.pixels(), shape.channels);
  const auto done = dyadic::visit<naive_schemes>(run.plan.weights(run.sites)->scheme,
                                                 naive_steps<Layer>{run, layer, x, run.sites, rows});
  if (!done) std::abort();
  std::vector<std::uint8_t> codes;
  for (const float s : steps) codes.push_back(code_of_steps(run, s));
  tensor<naive_codes> y = make_naive(run, shape);
  if (!codes.empty()) std::memcpy(y.data(), codes.data(), codes.size());
  return y;
}
inline tensor<naive_codes> apply(naive_codes& run, const dyadic::linear& layer, const tensor<naive_codes>& x) {
  return layer_of_codes(run, layer, x, {x.shape().images, 1, 1, layer.weights().rows()});
}
inline tensor<naive_codes> apply(naive_codes& run, const dyadic::conv2d& layer, const tensor<naive_codes>& x) {
  return layer_of_codes(run, layer, x, reference::shape_of_windows(x.shape(), layer.taps(), layer.weights().rows()));
}
inline tensor<naive_codes> apply(naive_codes& run, operations::relu, const tensor<naive_codes>& x) {
  const std::int32_t zero = run.plan.params(x.site()).zero_point;
  tensor<naive_codes> y = make_naive(run, x.shape());
  for (index_t i = 0; i < x.shape().size(); ++i)
    y.data()[i] = static_cast<std::uint8_t>(reference::relu_code(x.data()[i], zero));
  return y;
}
inline tensor<naive_codes> apply(naive_codes& run, const operations::max_pool& pool, const tensor<naive_codes>& x) {
  tensor<naive_codes> y = make_naive(run, reference::shape_of_windows(x.shape(), pool.taps, x.shape().channels));
  reference::max_pool(x.data(), x.shape(), pool.taps, y.data());
  return y;
}
inline tensor<naive_codes> apply(naive_codes& run, const operations::average_pool& pool, const tensor<naive_codes>& x) {
  const std::int32_t zero = run.plan.params(x.site()).zero_point;
  tensor<naive_codes> y = make_naive(run, reference::shape_of_windows(x.shape(), pool.taps, x.shape().channels));
  reference::average_pool(x.data(), x.shape(), pool.taps, zero, y.data());
  return y;
}
inline tensor<naive_codes> apply(naive_codes& run, operations::add, const tensor<naive_codes>& a,
                                 const tensor<naive_codes>& b) {
  const dyadic::chosen &pa = run.plan.params(a.site()), &pb = run.plan.params(b.site()),
                       &py = run.plan.params(run.sites);
  const float a_multiplier = pa.scale / py.scale, b_multiplier = pb.scale / py.scale;
  std::vector<std::uint8_t> codes;
  for (index_t i = 0; i < a.shape().size(); ++i) {
    const float other = static_cast<float>(b.data()[i] - pb.zero_point) * b_multiplier;
    codes.push_back(code_of_steps(run, std::fma(static_cast<float>(a.data()[i] - pa.zero_point), a_multiplier, other)));
  }
  tensor<naive_codes> y = make_naive(run, a.shape());
  if (!codes.empty()) std::memcpy(y.data(), codes.data(), codes.size());
  return y;
}

}  // namespace support
