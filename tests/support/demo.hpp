// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The network of the examples, with its trained weights, and its images, for tests of what only real data can show.
#pragma once

#include <fstream>
#include <stdexcept>
#include <string>

#include <dyadic/interop/npy.hpp>

#include "support/networks.hpp"

namespace support {

struct demo_network {
  dyadic::conv2d conv1, conv2;
  dyadic::linear fc1, fc2;

  template <class Tensor>
  Tensor operator()(Tensor x) const {
    x = max_pool(relu(conv1(x)), {2, 2});
    x = max_pool(relu(conv2(x)), {2, 2});
    return fc2(relu(fc1(flatten(x))));
  }
};

inline std::string demo_file(const std::string& name) {
  return std::string(DYADIC_SOURCE_DIR) + "/examples/data/" + name;
}

inline demo_network load_demo_network() {
  const auto read = [](const char* name) { return dyadic::read_npy<float>(demo_file(std::string(name) + ".npy")); };
  const dyadic::window taps{.size = {3, 3}, .padding = {1, 1}};
  const auto weight = [&](const dyadic::npy_array<float>& w) {
    return dyadic::strided<const float>(w.data.data(), w.shape[0], w.shape[1]);
  };
  const auto w1 = read("conv1_weight"), w2 = read("conv2_weight"), w3 = read("fc1_weight"), w4 = read("fc2_weight");
  const auto b1 = read("conv1_bias"), b2 = read("conv2_bias"), b3 = read("fc1_bias"), b4 = read("fc2_bias");
  return {dyadic::conv2d(weight(w1), b1.data, taps, 1, "conv1"), dyadic::conv2d(weight(w2), b2.data, taps, 1, "conv2"),
          dyadic::linear(weight(w3), b3.data, "fc1"), dyadic::linear(weight(w4), b4.data, "fc2")};
}

/// The first `count` images of "train" (512 there) or "t10k" (500): pixels / 255, behind a header of 16 bytes.
inline images demo_images(const std::string& part, index_t count) {
  std::ifstream file(demo_file(part + "-images-idx3-ubyte"), std::ios::binary);
  std::vector<char> bytes(static_cast<std::size_t>(16 + count * 784));
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
    throw std::runtime_error("too few images in " + part);
  images made{{}, count, 28, 28, 1};
  for (std::size_t i = 16; i < bytes.size(); ++i)
    made.numbers.push_back(static_cast<float>(static_cast<unsigned char>(bytes[i])) / 255.0F);
  return made;
}

}  // namespace support
