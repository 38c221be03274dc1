// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// random_network: a network known only at run time, drawn at random from everything network/ has.
#pragma once

#include <string>

#include "support/networks.hpp"

namespace support {

using dyadic::extent2;
using dyadic::image_shape;
using dyadic::window;

/// One operation on earlier tensors: 0 is the input, i + 1 what step i made.
struct step {
  enum class kind { conv2d, linear, relu, max_pool, average_pool, add, flatten } what;
  std::size_t a = 0, b = 0;  ///< b: of add
  std::size_t layer = 0;     ///< among those of its kind
  window taps{};             ///< of a pool
};

struct random_network {
  std::vector<dyadic::conv2d> convolutions;
  std::vector<dyadic::linear> linears;
  std::vector<step> steps;

  template <class Tensor>
  Tensor operator()(const Tensor& x) const {
    return tensors(x).back();
  }
  /// The input, and what each step makes.
  template <class Tensor>
  std::vector<Tensor> tensors(const Tensor& x) const {
    std::vector<Tensor> made{x};
    for (const step& s : steps) made.push_back(run(s, made));
    return made;
  }

  /// The layers whose rows the groups of a scheme do not divide, to be quantized otherwise.
  std::vector<dyadic::recipe::other_weights> exceptions(const dyadic::scheme& weights,
                                                        const dyadic::scheme& other) const {
    std::vector<dyadic::recipe::other_weights> all;
    const auto look = [&](const dyadic::layer_weights& w) {
      if (!dyadic::check_group(weights, w.cols())) all.push_back({w.name().c_str(), other});
    };
    for (const auto& layer : convolutions) look(layer.weights());
    for (const auto& layer : linears) look(layer.weights());
    return all;
  }

  /// The operations, to read in a failed test.
  std::string text() const {
    std::string all;
    for (const step& s : steps) {
      constexpr const char* names[] = {"conv2d", "linear", "relu", "max_pool", "average_pool", "add", "flatten"};
      all += std::string(names[static_cast<int>(s.what)]) + "(" + std::to_string(s.a);
      all += s.what == step::kind::add ? ", " + std::to_string(s.b) + ") " : ") ";
    }
    return all;
  }

 private:
  template <class Tensor>
  Tensor run(const step& s, const std::vector<Tensor>& made) const {
    const Tensor& x = made[s.a];
    switch (s.what) {
      case step::kind::conv2d: return convolutions[s.layer](x);
      case step::kind::linear: return linears[s.layer](x);
      case step::kind::relu: return relu(x);
      case step::kind::max_pool: return max_pool(x, s.taps);
      case step::kind::average_pool: return average_pool(x, s.taps);
      case step::kind::add: return add(x, made[s.b]);
      default: return flatten(x);
    }
  }
};

/// What the tests of whole networks quantize weights to; s8_per_row where groups do not divide.
inline constexpr dyadic::scheme weight_forms[] = {dyadic::s8_per_row,       dyadic::s4_per_group<32>,
                                                  dyadic::u4_per_row,       dyadic::s8_narrow_per_tensor,
                                                  dyadic::u4_per_group<32>, dyadic::s4_per_row};

/// Draws the steps of a network one by one.
class network_maker {
 public:
  network_maker(integers& random, const image_shape& input) : random_(random), shapes_{input} {}

  random_network make(int steps) {
    for (int i = 0; i < steps; ++i) {
      // Mostly from the last tensor, sometimes from an earlier one: those become residuals and second consumers.
      const std::size_t last = shapes_.size() - 1;
      const std::size_t a =
          random_.in(0, 3) > 0 ? last : static_cast<std::size_t>(random_.in(0, static_cast<index_t>(last)));
      switch (random_.in(0, 9)) {
        case 0:
        case 1:
        case 2: convolution(a); break;
        case 3: linear(a); break;
        case 4:
        case 5: put({.what = step::kind::relu, .a = a}, shapes_[a]); break;
        case 6: pool(step::kind::max_pool, a); break;
        case 7: pool(step::kind::average_pool, a); break;
        case 8: addition(); break;
        default: put({.what = step::kind::flatten, .a = a}, {shapes_[a].images, 1, 1, shapes_[a].features()});
      }
    }
    return std::move(made_);
  }

 private:
  void put(const step& s, const image_shape& shape) {
    made_.steps.push_back(s);
    shapes_.push_back(shape);
  }
  std::string next_name() { return "layer " + std::to_string(++layers_); }

  void convolution(std::size_t a) {
    const image_shape x = shapes_[a];
    if (x.channels > 64) return linear(a);
    const window taps{.size = {random_.in(1, 3), random_.in(1, 3)},
                      .stride = {random_.in(1, 2), random_.in(1, 2)},
                      .padding = {random_.in(0, 2), random_.in(0, 2)},
                      .dilation = {random_.in(1, 2), random_.in(1, 2)}};
    index_t groups = 1;
    for (const index_t g : {2, 3, 4})
      if (x.channels % g == 0 && random_.in(0, 2) == 0) groups = g;
    // 32 channels now and then, so that groups of 32 divide what follows.
    const index_t out = random_.in(0, 2) == 0 && 32 % groups == 0 ? 32 : groups * random_.in(1, 20 / groups);
    const image_shape y{x.images, taps.out_height(x.height), taps.out_width(x.width), out};
    if (y.size() == 0) return linear(a);
    made_.convolutions.push_back(
        make_conv2d(random_, x.channels, out, taps, groups, random_.in(0, 3) > 0, next_name().c_str()));
    put({.what = step::kind::conv2d, .a = a, .layer = made_.convolutions.size() - 1}, y);
  }
  void linear(std::size_t a) {
    const index_t out = random_.in(0, 2) == 0 ? 32 : random_.in(1, 37);
    made_.linears.push_back(
        make_linear(random_, shapes_[a].features(), out, random_.in(0, 3) > 0, next_name().c_str()));
    put({.what = step::kind::linear, .a = a, .layer = made_.linears.size() - 1}, {shapes_[a].images, 1, 1, out});
  }
  void pool(step::kind what, std::size_t a) {
    const image_shape x = shapes_[a];
    window taps{.size = {random_.in(1, 3), random_.in(1, 3)}, .stride = {random_.in(1, 2), random_.in(1, 2)}};
    taps.padding = {random_.in(0, taps.size.height - 1), random_.in(0, taps.size.width - 1)};
    const image_shape y{x.images, taps.out_height(x.height), taps.out_width(x.width), x.channels};
    if (y.size() == 0) taps = {};
    put({.what = what, .a = a, .taps = taps}, y.size() == 0 ? x : y);
  }
  void addition() {
    // The last tensor and the latest earlier one of its shape, which may be itself.
    const std::size_t last = shapes_.size() - 1;
    std::size_t b = last;
    for (std::size_t i = 0; i < last; ++i)
      if (shapes_[i] == shapes_[last]) b = i;
    if (random_.in(0, 1) == 0)
      put({.what = step::kind::add, .a = last, .b = b}, shapes_[last]);
    else
      put({.what = step::kind::add, .a = b, .b = last}, shapes_[last]);
  }

  integers& random_;
  std::vector<image_shape> shapes_;
  random_network made_;
  int layers_ = 0;
};

}  // namespace support
