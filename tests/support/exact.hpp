// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// exact: a domain of long doubles, one element at a time. Its numbers are the real network's within 2^-64 of the sizes
// summed, a thousand times nearer than any bound in doubles comes.
#pragma once

#include "support/naive.hpp"

namespace support {

struct exact {
  using element = long double;
  int sites = 0;
};

inline tensor<exact> input(exact& run, const dyadic::batch& x) {
  tensor<exact> y = make_naive(run, x.shape());
  for (index_t i = 0; i < x.rows.rows(); ++i)
    for (index_t j = 0; j < x.rows.cols(); ++j) y.matrix()(i, j) = static_cast<long double>(x.rows(i, j));
  return y;
}
inline tensor<exact> apply(exact& run, const dyadic::linear& layer, const tensor<exact>& x) {
  const dyadic::layer_weights& w = layer.weights();
  tensor<exact> y = make_naive(run, {x.shape().images, 1, 1, w.rows()});
  for (index_t n = 0; n < x.shape().images; ++n)
    for (index_t i = 0; i < w.rows(); ++i) {
      long double sum = w.bias().empty() ? 0.0L : static_cast<long double>(w.bias()[static_cast<std::size_t>(i)]);
      for (index_t k = 0; k < w.cols(); ++k) sum += static_cast<long double>(w.weight()(i, k)) * x.matrix()(n, k);
      y.matrix()(n, i) = sum;
    }
  return y;
}

/// f(y offset of the window's first channel, offsets of x inside the image and the number of the tap)
template <class F>
void for_exact_windows(const dyadic::window& t, const image_shape& x, const image_shape& y, F&& f) {
  for (index_t n = 0; n < y.images; ++n)
    for (index_t oh = 0; oh < y.height; ++oh)
      for (index_t ow = 0; ow < y.width; ++ow) {
        std::vector<std::pair<index_t, index_t>> taps;
        for (index_t kh = 0; kh < t.size.height; ++kh)
          for (index_t kw = 0; kw < t.size.width; ++kw) {
            const index_t h = oh * t.stride.height - t.padding.height + kh * t.dilation.height,
                          w = ow * t.stride.width - t.padding.width + kw * t.dilation.width;
            if (h >= 0 && h < x.height && w >= 0 && w < x.width)
              taps.emplace_back(((n * x.height + h) * x.width + w) * x.channels, kh * t.size.width + kw);
          }
        f(((n * y.height + oh) * y.width + ow) * y.channels, taps);
      }
}
inline tensor<exact> apply(exact& run, const dyadic::conv2d& layer, const tensor<exact>& x) {
  const dyadic::layer_weights& w = layer.weights();
  tensor<exact> y = make_naive(run, reference::shape_of_windows(x.shape(), layer.taps(), w.rows()));
  const index_t outs = w.rows() / layer.groups(), ins = x.shape().channels / layer.groups();
  for_exact_windows(layer.taps(), x.shape(), y.shape(), [&](index_t to, const auto& taps) {
    for (index_t o = 0; o < w.rows(); ++o) {
      long double sum = w.bias().empty() ? 0.0L : static_cast<long double>(w.bias()[static_cast<std::size_t>(o)]);
      for (const auto& [from, tap] : taps)
        for (index_t c = 0; c < ins; ++c)
          sum += static_cast<long double>(w.weight()(o, tap * ins + c)) * x.data()[from + o / outs * ins + c];
      y.data()[to + o] = sum;
    }
  });
  return y;
}
inline tensor<exact> apply(exact& run, operations::relu, const tensor<exact>& x) {
  tensor<exact> y = make_naive(run, x.shape());
  for (index_t i = 0; i < x.shape().size(); ++i) y.data()[i] = x.data()[i] > 0.0L ? x.data()[i] : 0.0L;
  return y;
}
inline tensor<exact> apply(exact& run, const operations::max_pool& pool, const tensor<exact>& x) {
  tensor<exact> y = make_naive(run, reference::shape_of_windows(x.shape(), pool.taps, x.shape().channels));
  for_exact_windows(pool.taps, x.shape(), y.shape(), [&](index_t to, const auto& taps) {
    for (index_t c = 0; c < x.shape().channels; ++c) {
      long double most = x.data()[taps.front().first + c];
      for (const auto& tap : taps) most = std::max(most, x.data()[tap.first + c]);
      y.data()[to + c] = most;
    }
  });
  return y;
}
inline tensor<exact> apply(exact& run, const operations::average_pool& pool, const tensor<exact>& x) {
  tensor<exact> y = make_naive(run, reference::shape_of_windows(x.shape(), pool.taps, x.shape().channels));
  for_exact_windows(pool.taps, x.shape(), y.shape(), [&](index_t to, const auto& taps) {
    for (index_t c = 0; c < x.shape().channels; ++c) {
      long double sum = 0;
      for (const auto& tap : taps) sum += x.data()[tap.first + c];
      y.data()[to + c] = sum / static_cast<long double>(taps.size());
    }
  });
  return y;
}
inline tensor<exact> apply(exact& run, operations::add, const tensor<exact>& a, const tensor<exact>& b) {
  tensor<exact> y = make_naive(run, a.shape());
  for (index_t i = 0; i < a.shape().size(); ++i) y.data()[i] = a.data()[i] + b.data()[i];
  return y;
}

}  // namespace support
