// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A second network for the examples: dense, 784-128-64-10, fitted to a few images in a second, the same way every time.
#pragma once

#include <cmath>

#include <dyadic/trust/bound_search.hpp>
#include <dyadic/trust/overflow.hpp>

#include "support/demo_network.hpp"

struct dense_network {
  dyadic::linear fc1, fc2, fc3;

  template <class Tensor>
  Tensor operator()(const Tensor& x) const {
    return fc3(relu(fc2(relu(fc1(x)))));
  }
};

/// One dense layer while it learns: y = relu(w x + b), or without relu; w is (out, in).
struct learning_layer {
  std::size_t in, out;
  bool rectifies;
  std::vector<float> w, b, y, dy;

  learning_layer(std::size_t inputs, std::size_t outputs, bool relu)
      : in(inputs), out(outputs), rectifies(relu), w(inputs * outputs), b(outputs), y(outputs), dy(outputs) {
    const float size = std::sqrt(6.0F / static_cast<float>(inputs));
    const dyadic::random_stream random(inputs, outputs);
    for (std::size_t i = 0; i < w.size(); ++i) w[i] = size * (2.0F * random.uniform(i) - 1.0F);
  }
  void forward(const float* x) {
    for (std::size_t j = 0; j < out; ++j) {
      float sum = b[j];
      for (std::size_t k = 0; k < in; ++k) sum += w[j * in + k] * x[k];
      y[j] = rectifies && sum < 0.0F ? 0.0F : sum;
    }
  }
  /// One step of stochastic gradient descent; dx, unless null, is the gradient in x.
  void backward(const float* x, float rate, float* dx) {
    for (std::size_t k = 0; dx != nullptr && k < in; ++k) dx[k] = 0.0F;
    for (std::size_t j = 0; j < out; ++j) {
      if (rectifies && y[j] <= 0.0F) continue;
      for (std::size_t k = 0; dx != nullptr && k < in; ++k) dx[k] += dy[j] * w[j * in + k];
      for (std::size_t k = 0; k < in; ++k) w[j * in + k] -= rate * dy[j] * x[k];
      b[j] -= rate * dy[j];
    }
  }
  dyadic::linear layer(const char* name) const {
    return dyadic::linear({w.data(), static_cast<dyadic::index_t>(out), static_cast<dyadic::index_t>(in)}, b, name);
  }
};

/// Fits the network to `sample` by cross-entropy, image after image.
inline dense_network fit_dense_network(const images& sample, int epochs = 6, float rate = 0.01F) {
  learning_layer a(784, 128, true), b(128, 64, true), c(64, 10, false);
  for (int epoch = 0; epoch < epochs; ++epoch)
    for (std::size_t i = 0; i < sample.labels.size(); ++i) {
      const float* x = sample.values.data() + i * 784;
      a.forward(x), b.forward(a.y.data()), c.forward(b.y.data());
      float sum = 0;
      for (std::size_t j = 0; j < 10; ++j)
        sum += c.dy[j] = std::exp(c.y[j] - *std::max_element(c.y.begin(), c.y.end()));
      for (std::size_t j = 0; j < 10; ++j) c.dy[j] = c.dy[j] / sum - (j == sample.labels[i] ? 1.0F : 0.0F);
      c.backward(b.y.data(), rate, b.dy.data());
      b.backward(a.y.data(), rate, a.dy.data());
      a.backward(x, rate, nullptr);
    }
  return {a.layer("fc1"), b.layer("fc2"), c.layer("fc3")};
}
