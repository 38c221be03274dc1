// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Numbers of the distributions that weight formats are judged on, the same with every standard library; and the
// judgement.
#pragma once

#include <cmath>
#include <limits>
#include <random>
#include <span>
#include <vector>

namespace support {

/// Uniform in (0, 1), 53 bits.
inline double uniform_number(std::mt19937_64& random) { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; }
/// Box and Muller.
inline double gauss_number(std::mt19937_64& random) {
  const double radius = std::sqrt(-2.0 * std::log(uniform_number(random)));
  return radius * std::cos(6.283185307179586 * uniform_number(random));
}

inline std::vector<float> gauss_numbers(std::size_t n, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<float> all(n);
  for (float& x : all) x = static_cast<float>(gauss_number(random));
  return all;
}
inline std::vector<float> laplace_numbers(std::size_t n, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<float> all(n);
  for (float& x : all) {
    const double u = uniform_number(random) - 0.5;
    x = static_cast<float>(u < 0 ? std::log(1 + 2 * u) : -std::log(1 - 2 * u));
  }
  return all;
}
/// Student's t with five degrees of freedom.
inline std::vector<float> student5_numbers(std::size_t n, unsigned seed) {
  std::mt19937_64 random(seed);
  std::vector<float> all(n);
  for (float& x : all) {
    double chi = 0.0;
    for (int i = 0; i < 5; ++i) chi += std::pow(gauss_number(random), 2);
    x = static_cast<float>(gauss_number(random) / std::sqrt(chi / 5.0));
  }
  return all;
}

/// Power of x over power of y - x, in dB.
inline double sqnr_db(std::span<const float> x, std::span<const float> y) {
  double signal = 0.0, noise = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    signal += std::pow(static_cast<double>(x[i]), 2);
    noise += std::pow(static_cast<double>(x[i]) - static_cast<double>(y[i]), 2);
  }
  return noise > 0.0 ? 10.0 * std::log10(signal / noise) : std::numeric_limits<double>::infinity();
}

/// How far above Shannon's least noise 2^(-2 bits) a quantizer of N(0, 1) is, in dB.
inline double gap_db(double bits, double sqnr) { return 20.0 * std::log10(2.0) * bits - sqnr; }

}  // namespace support
