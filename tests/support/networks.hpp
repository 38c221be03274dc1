// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tests of network/ share: numbers that are the same with every library, and layers, batches and outputs of
// them.
#pragma once

#include <bit>
#include <cstring>
#include <vector>

#include <dyadic/network/calibrate.hpp>

namespace support {

using dyadic::index_t;

/// SplitMix64: integers, so that nothing depends on a standard library.
class integers {
 public:
  explicit integers(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = state_ += 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }
  /// In [first, last].
  index_t in(index_t first, index_t last) noexcept {
    return first + static_cast<index_t>(next() % static_cast<std::uint64_t>(last - first + 1));
  }
  /// A multiple of size / 4096 in (-size, size), about as a normal distribution has it; exact when size is a power of
  /// 2.
  float real(float size) noexcept {
    index_t sum = 0;
    for (int i = 0; i < 4; ++i) sum += in(-1023, 1023);
    return static_cast<float>(sum) * (size * 0x1p-12F);
  }
  std::vector<float> reals(index_t n, float size) {
    std::vector<float> all(static_cast<std::size_t>(n));
    for (float& x : all) x = real(size);
    return all;
  }

 private:
  std::uint64_t state_;
};

/// Layers whose weights keep numbers at about the size they have.
inline dyadic::linear make_linear(integers& random, index_t features, index_t out, bool bias = true,
                                  const char* name = "") {
  float size = 4.0F;
  while (size * size * static_cast<float>(features) > 16.0F) size /= 2;
  const auto w = random.reals(out * features, size), b = random.reals(bias ? out : 0, 0.5F);
  return std::move(*dyadic::linear::try_make({w.data(), out, features}, b, name));
}
inline dyadic::conv2d make_conv2d(integers& random, index_t channels, index_t out, const dyadic::window& taps,
                                  index_t groups = 1, bool bias = true, const char* name = "") {
  const index_t depth = taps.size.height * taps.size.width * channels / groups;
  float size = 4.0F;
  while (size * size * static_cast<float>(depth) > 16.0F) size /= 2;
  const auto w = random.reals(out * depth, size), b = random.reals(bias ? out : 0, 0.5F);
  return std::move(*dyadic::conv2d::try_make({w.data(), out, depth}, b, taps, groups, name));
}

/// Images with their memory.
struct images {
  std::vector<float> numbers;
  index_t count = 0, height = 1, width = 1, channels = 1;

  index_t features() const { return height * width * channels; }
  /// Images [first, first + n).
  dyadic::batch some(index_t first, index_t n) const {
    return {{numbers.data() + first * features(), n, features()}, {height, width}, channels};
  }
  dyadic::batch all() const { return some(0, count); }
};
inline images make_images(integers& random, index_t count, index_t height, index_t width, index_t channels,
                          float size = 2.0F) {
  return {random.reals(count * height * width * channels, size), count, height, width, channels};
}

/// Bit for bit, NaN and -0 included.
inline bool same_bits(const float* a, const float* b, index_t n) {
  return n == 0 || std::memcmp(a, b, static_cast<std::size_t>(n) * sizeof(float)) == 0;
}
inline bool same_output(const dyadic::run_output& a, const dyadic::run_output& b) {
  return a.shape == b.shape && a.params == b.params && a.codes.size() == b.codes.size() &&
         (a.codes.empty() ||
          std::memcmp(a.codes.data(), b.codes.data(), static_cast<std::size_t>(a.codes.size())) == 0) &&
         same_bits(a.values.data(), b.values.data(), a.shape.size());
}

/// Every number of a plan: sites, params, and weights as the reals their codes stand for.
inline bool same_plan(const dyadic::plan& a, const dyadic::plan& b) {
  if (a.sites().size() != b.sites().size() || a.activations() != b.activations() ||
      a.result_site() != b.result_site() || a.model_bytes() != b.model_bytes() || a.real_bytes() != b.real_bytes())
    return false;
  for (int s = 0; s < static_cast<int>(a.sites().size()); ++s) {
    const dyadic::site &of_a = a.sites()[static_cast<std::size_t>(s)], &of_b = b.sites()[static_cast<std::size_t>(s)];
    if (of_a.kind != of_b.kind || !(of_a.name == of_b.name.c_str()) || of_a.size != of_b.size ||
        of_a.channels != of_b.channels || of_a.taps != of_b.taps || of_a.groups != of_b.groups ||
        of_a.inputs[0] != of_b.inputs[0] || of_a.inputs[1] != of_b.inputs[1] || of_a.consumers != of_b.consumers ||
        of_a.relu != of_b.relu || of_a.done_before != of_b.done_before || of_a.params_of != of_b.params_of ||
        !same_bits(&of_a.range.lo, &of_b.range.lo, 1) || !same_bits(&of_a.range.hi, &of_b.range.hi, 1) ||
        of_a.params != of_b.params || of_a.not_finite != of_b.not_finite)
      return false;
    const dyadic::site_weights *w = a.weights(s), *v = b.weights(s);
    if ((w == nullptr) != (v == nullptr)) return false;
    if (w == nullptr) continue;
    if (w->scheme != v->scheme || w->bias_count != v->bias_count || w->packed.parts.size() != v->packed.parts.size() ||
        w->packed.rows() != v->packed.rows() || w->packed.cols() != v->packed.cols())
      return false;
    for (std::size_t part = 0; part < w->packed.parts.size(); ++part)
      for (index_t i = 0; i < w->packed.parts[part].rows(); ++i)
        for (index_t k = 0; k < w->packed.cols(); ++k)
          if (w->packed.parts[part].value(i, k) != v->packed.parts[part].value(i, k)) return false;
  }
  return true;
}

}  // namespace support
