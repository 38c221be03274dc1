// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What several folders test with: numbers to try, the schemes and profiles there are, and a look at an error's text.
#pragma once

#include <bit>
#include <random>
#include <string>
#include <vector>

#include <dyadic/scheme/profile.hpp>
#include <dyadic/scheme/scheme.hpp>

namespace support {

using dyadic::granularity;
using dyadic::profile;
using dyadic::scheme;
using dyadic::symmetry;

/// The message of a refusal, or what was wrong with there being none.
template <class Result>
std::string text_of(const Result& r) {
  return r ? std::string("no failure") : std::string(r.error().message());
}

/// n numbers of a normal distribution, multiplied by `size`. (std::normal_distribution differs between libraries.)
inline std::vector<float> normal_numbers(std::size_t n, unsigned seed, float size = 1.0F) {
  std::mt19937_64 random(seed);
  std::vector<float> all(n);
  for (float& x : all) {
    double sum = -6.0;
    for (int i = 0; i < 12; ++i) sum += static_cast<double>(random() >> 11) * 0x1p-53;
    x = static_cast<float>(sum) * size;
  }
  return all;
}

/// Any finite float, each exponent as likely as any other.
inline float any_finite(std::mt19937_64& random) {
  for (;;) {
    const auto x = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (x - x == 0.0F) return x;
  }
}

/// The numbers at which quantizers go wrong.
inline std::vector<float> corner_numbers() {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> all{infinity, -infinity, nan, -nan, std::bit_cast<float>(0x7F800001U)};
  for (const float x :
       {0.0F,       0x1p-149F, 0x1.fffffcp-127F, 0x1p-126F, 0.25F,   0x1.fffffep-2F, 0.5F,     0x1.000002p-1F, 1.0F,
        1.5F,       2.5F,      126.5F,           127.0F,    127.5F,  128.0F,         255.5F,   32767.5F,       65535.5F,
        8388607.5F, 0x1p23F,   0x1p24F,          0x1p31F,   0x1p32F, 0x1p63F,        0x1p126F, 0x1.fffffep127F}) {
    all.push_back(x);
    all.push_back(-x);
  }
  return all;
}

/// Nobody's arithmetic: the choices that no named profile makes.
inline constexpr profile reciprocal_before{.ties = dyadic::rounding::half_even,
                                           .units = dyadic::scaling::reciprocal,
                                           .zero_point = dyadic::zero_point_added::before_rounding};
inline constexpr profile divide_before_up{.ties = dyadic::rounding::half_up,
                                          .zero_point = dyadic::zero_point_added::before_rounding};
inline constexpr profile reciprocal_away{.ties = dyadic::rounding::half_away, .units = dyadic::scaling::reciprocal};

inline constexpr profile profiles[] = {dyadic::onnx_profile, dyadic::tflite_profile, dyadic::pytorch_profile,
                                       reciprocal_before,    divide_before_up,       reciprocal_away};

/// Per-tensor schemes of every width: signed symmetric, the same without the lowest code, signed asymmetric, unsigned
/// asymmetric, unsigned symmetric.
inline std::vector<scheme> every_width() {
  std::vector<scheme> all;
  for (const int bits : {2, 3, 4, 5, 6, 7, 8, 16}) {
    all.push_back({.bits = bits});
    all.push_back({.bits = bits, .narrow_range = true});
    all.push_back({.bits = bits, .sym = symmetry::asymmetric});
    all.push_back({.bits = bits, .is_signed = false, .sym = symmetry::asymmetric});
    all.push_back({.bits = bits, .is_signed = false});
  }
  return all;
}

}  // namespace support
