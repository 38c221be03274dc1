// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The network and the images the examples share: a trained classifier of 28 x 28 images, its weights in examples/data.
//
//   const classifier net = load_classifier();
//   const images sample = bundled_images("train"), test = bundled_images("t10k");
//   const auto plan = dyadic::calibrate(net, sample.batches());
#pragma once

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include <dyadic/dyadic.hpp>
#include <dyadic/interop/npy.hpp>

#include "support/mnist.hpp"

// [network]
// The network, written once. The type of the tensor decides what it means: floats, observed floats, codes.
struct classifier {
  dyadic::conv2d conv1, conv2;
  dyadic::linear fc1, fc2;

  template <class Tensor>
  Tensor operator()(Tensor x) const {
    x = max_pool(relu(conv1(x)), {2, 2});
    x = max_pool(relu(conv2(x)), {2, 2});
    return fc2(relu(fc1(flatten(x))));
  }
};
// [network]

/// A layer's weights from two .npy files; their shapes are checked against what the network needs.
struct weights {
  dyadic::npy_array<float> weight, bias;
  weights(const std::string& name, dyadic::index_t rows, dyadic::index_t cols)
      : weight(dyadic::read_npy<float>(file(name + "_weight"), {rows, cols})),
        bias(dyadic::read_npy<float>(file(name + "_bias"), {rows})) {}
  dyadic::strided<const float> matrix() const { return {weight.data.data(), weight.shape[0], weight.shape[1]}; }
  static std::string file(const std::string& stem) { return std::string(DYADIC_EXAMPLES_DATA) + "/" + stem + ".npy"; }
};

inline classifier load_classifier() {
  const weights conv1("conv1", 32, 9), conv2("conv2", 64, 288), fc1("fc1", 64, 3136), fc2("fc2", 10, 64);
  const dyadic::window taps{.size = {3, 3}, .padding = {1, 1}};
  return {dyadic::conv2d(conv1.matrix(), conv1.bias.data, taps, 1, "conv1"),
          dyadic::conv2d(conv2.matrix(), conv2.bias.data, taps, 1, "conv2"),
          dyadic::linear(fc1.matrix(), fc1.bias.data, "fc1"), dyadic::linear(fc2.matrix(), fc2.bias.data, "fc2")};
}

inline constexpr dyadic::index_t side = 28, pixels = side * side, batch_size = 20;

/// Images as the network was trained on them: floats in [0, 1], and the class of each.
struct images {
  std::vector<float> values;
  std::vector<std::uint8_t> labels;

  images(const dataset& data, std::size_t most) {
    const std::size_t n = std::min(most, data.size());
    values.reserve(n * data.pixels);
    for (std::size_t i = 0; i < n * data.pixels; ++i) values.push_back(static_cast<float>(data.images[i]) / 255.0f);
    labels.assign(data.labels.begin(), data.labels.begin() + static_cast<std::ptrdiff_t>(n));
  }
  dyadic::index_t count() const { return static_cast<dyadic::index_t>(labels.size()); }
  /// The batch that begins with image `first`.
  dyadic::batch batch(dyadic::index_t first) const {
    const dyadic::index_t n = std::min(batch_size, count() - first);
    return {{values.data() + first * pixels, n, pixels}, {side, side}, 1};
  }
  /// All of them, batch by batch.
  std::vector<dyadic::batch> batches() const {
    std::vector<dyadic::batch> all;
    for (dyadic::index_t i = 0; i < count(); i += batch_size) all.push_back(batch(i));
    return all;
  }
};

/// Where the images are: as asked, or Debian's dataset-fashion-mnist, or the bundled sample.
inline std::string data_folder(const std::string& asked) {
  const std::string debian = "/usr/share/datasets/fashion-mnist";
  return !asked.empty() ? asked : std::filesystem::is_directory(debian) ? debian : DYADIC_EXAMPLES_DATA;
}

/// The small sample in examples/data: `part` is "train" or "t10k".
inline images bundled_images(const std::string& part, std::size_t most = SIZE_MAX) {
  return images(load_mnist(DYADIC_EXAMPLES_DATA, part), most);
}

/// The place of the largest of n logits: the answer of the network.
inline int largest(const float* logits, dyadic::index_t n) {
  int best = 0;
  for (int i = 1; i < n; ++i)
    if (logits[i] > logits[best]) best = i;
  return best;
}
