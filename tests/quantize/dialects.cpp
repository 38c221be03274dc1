// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whole ways from numbers to codes as frameworks write them, against measure and quantize with their profiles.
#include <gtest/gtest.h>

#include <cmath>

#include <dyadic/quantize/fake_quantize.hpp>

#include "support/data.hpp"

namespace dialects_test {

using namespace dyadic;

using Floats = std::vector<float>;
using Ints = std::vector<std::int32_t>;

constexpr scheme s8_narrow = s8_narrow_per_tensor, u4_symmetric{.bits = 4, .is_signed = false};

template <class Q>
Ints codes_of_row(const Q& q) {
  Ints all;
  for (index_t j = 0; j < q.cols(); ++j) all.push_back(q.code(0, j));
  return all;
}

/// Numbers of many sizes, and such whose quotients are ties.
std::vector<Floats> inputs() {
  std::vector<Floats> all;
  for (unsigned seed = 0; seed < 40; ++seed) {
    Floats x = support::normal_numbers(500, seed, std::ldexp(1.0F, static_cast<int>(seed) - 20));
    if (seed % 4 == 1)
      for (float& v : x) v = std::abs(v);
    if (seed % 4 == 2)
      for (float& v : x) v = -std::abs(v);
    if (seed % 4 == 3)  // integers and a half over 127.5 or 255
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = (static_cast<float>(i) - 250.0F) * 0.5F;
    all.push_back(x);
  }
  all.push_back(Floats(5, 0.0F));
  for (const float extreme : {-127.0F, -8.0F}) {  // a scale of 1: ties and their neighbours
    Floats ties{extreme};
    for (int k = -31; k < 32; ++k) ties.push_back(static_cast<float>(k) * 0.25F);
    for (const float near : {0.5F, -0.5F, 3.5F, -3.5F}) {
      ties.push_back(std::nextafter(near, 9.0F));
      ties.push_back(std::nextafter(near, -9.0F));
    }
    all.push_back(ties);
  }
  return all;
}

/// Each float operation is one of long double rounded to float, which is the same number since 64 >= 2 * 24 + 2 bits.
/// Not inlined: compilers would see the float operations, and fuse two of them.
[[gnu::noinline]] float f(long double x) { return static_cast<float>(x); }

TEST(Dialects, TfliteDynamicAsymmetric) {  // PortableAsymmetricQuantizeFloats
  int total = 0;
  for (const Floats& x : inputs()) {
    const auto ends = std::minmax_element(x.begin(), x.end());
    const double lo = std::fmin(0.0F, *ends.first), hi = std::fmax(0.0F, *ends.second);
    double scale = 1.0, zero = 0.0;
    if (lo != hi) {
      scale = (hi - lo) / 255.0;
      const double from_min = -128.0 - lo / scale, from_max = 127.0 - hi / scale;
      const bool near_min = 128.0 + std::abs(lo / scale) < 127.0 + std::abs(hi / scale);
      const double exact = near_min ? from_min : from_max;
      zero = exact <= -128.0 ? -128.0 : exact >= 127.0 ? 127.0 : std::round(exact);
    }
    const auto stored = static_cast<float>(scale);
    const auto inverse = static_cast<float>(1.0 / static_cast<double>(stored));
    Ints expected;
    for (const float v : x) {
      const float sum =
          f(static_cast<long double>(f(static_cast<long double>(v) * inverse)) + static_cast<float>(zero));
      expected.push_back(std::min(127, std::max(-128, static_cast<int>(std::round(sum)))));
    }
    const auto q = quantize<s8_asymmetric_per_tensor, tflite_dynamic_profile>(x);
    EXPECT_EQ(q.params().scale(), stored);
    EXPECT_EQ(q.params().zero_point(), static_cast<int>(zero));
    EXPECT_EQ(codes_of_row(q), expected);
    total += static_cast<int>(x.size());
  }
  EXPECT_GT(total, 10'000);
}

/// PortableSymmetricQuantizeFloats and ModelOpt's simulation multiply by 127 / absmax, which a scale cannot say: the
/// same scale, and the same codes but where the quotient is a tie to within 2^-22 of itself.
template <profile P, class Round>
void expect_codes_but_for_ties(Round round_tie) {
  int different = 0;
  for (const Floats& x : inputs()) {
    float absmax = 0.0F;
    for (const float v : x) absmax = std::max(absmax, std::abs(v));
    const auto q = quantize<s8_narrow, P>(x);
    const bool nothing = absmax == 0.0F;
    EXPECT_EQ(q.params().scale(), nothing ? 1.0F : f(static_cast<long double>(absmax) / 127));
    const float factor = nothing ? 0.0F : f(127.0L / absmax);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float units = f(static_cast<long double>(x[i]) * factor);
      const int code = std::min(127, std::max(-127, static_cast<int>(round_tie(units))));
      if (q.code(0, static_cast<index_t>(i)) == code) continue;
      ++different;
      EXPECT_NEAR(std::abs(units - std::trunc(units)), 0.5F, std::abs(units) * 0x1p-22F) << x[i];
    }
  }
  EXPECT_LT(different, 300);
}

TEST(Dialects, TfliteDynamicSymmetric) {
  expect_codes_but_for_ties<tflite_profile>([](float u) { return std::round(u); });
}
TEST(Dialects, ModelOptSymmetric) {
  expect_codes_but_for_ties<tensorrt_profile>([](float u) { return std::nearbyint(u); });
}

TEST(Dialects, GgmlEightBits) {  // quantize_row_q8_0_ref on a block, its d before it becomes a half
  for (const Floats& x : inputs()) {
    float absmax = 0.0F;
    for (const float v : x) absmax = std::max(absmax, std::abs(v));
    const float d = f(static_cast<long double>(absmax) / 127), inverse = d == 0.0F ? 0.0F : f(1.0L / d);
    Ints expected;
    for (const float v : x) expected.push_back(static_cast<int>(std::round(f(static_cast<long double>(v) * inverse))));
    EXPECT_EQ(codes_of_row(quantize<s8_per_tensor, ggml_profile>(x)), expected);
  }
}

TEST(Dialects, GgmlFourBits) {  // quantize_row_q4_0_ref on numbers whose extreme is negative
  for (Floats x : inputs()) {
    float extreme = 0.0F;
    for (const float v : x) extreme = std::abs(extreme) < std::abs(v) ? v : extreme;
    if (extreme > 0.0F)
      for (float& v : x) v = -v;
    const float d = -std::abs(extreme) / -8, inverse = d == 0.0F ? 0.0F : f(1.0L / d);
    Ints expected;
    for (const float v : x) {
      const float sum = f(static_cast<long double>(f(static_cast<long double>(v) * inverse)) + 8.5F);
      expected.push_back(std::min(15, static_cast<int>(sum)));
    }
    EXPECT_EQ(codes_of_row(quantize<u4_symmetric, ggml_q4_0_profile>(x)), expected);
  }
}

/// Matrices equal quantize_one for every profile, whichever loop treats them.
template <scheme S, profile P>
void expect_definition() {
  Floats x = support::corner_numbers();
  for (int k = -600; k <= 600; ++k) x.push_back(static_cast<float>(k) * 0.5F * 0.37F);
  const float scale = 0.37F;
  const int zero = S.asymmetric() ? 3 : S.middle();
  const params<S> p = [&] {
    if constexpr (S.asymmetric())
      return params<S>(scale, zero);
    else
      return params<S>(scale);
  }();
  const auto q = quantize<S, P>(std::span<const float>(x), p);
  for (std::size_t i = 0; i < x.size(); ++i)
    ASSERT_EQ(q.code(0, static_cast<index_t>(i)), quantize_one<P>(x[i], scale, zero, S.qmin(), S.qmax())) << x[i];
}

TEST(Dialects, MatricesFollowTheDefinition) {
  expect_definition<u8_per_tensor, onnxruntime_profile>();
  expect_definition<u8_per_tensor, tflite_dynamic_profile>();
  expect_definition<s8_asymmetric_per_tensor, tflite_dynamic_profile>();
  expect_definition<s8_per_tensor, tensorrt_profile>();
  expect_definition<u8_per_tensor, openvino_profile>();
  expect_definition<u16_per_tensor, openvino_profile>();
  expect_definition<s8_per_tensor, ggml_profile>();
  expect_definition<s4_per_tensor, ggml_q4_0_profile>();
  expect_definition<u4_symmetric, ggml_q4_0_profile>();
}

}  // namespace dialects_test
