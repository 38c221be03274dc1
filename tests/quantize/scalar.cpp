// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cmath>

#include <dyadic/quantize/scalar.hpp>

#include "support/data.hpp"

namespace scalar_test {

using namespace dyadic;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
constexpr auto onnx_s8 = [](float x, float scale = 1.0F, int zero = 0) {
  return quantize_one(x, scale, zero, -128, 127);
};
constexpr auto onnx_u8 = [](float x, float scale = 1.0F, int zero = 0) { return quantize_one(x, scale, zero, 0, 255); };
constexpr auto tflite_s8 = [](float x) { return quantize_one<tflite_profile>(x, 1.0F, 0, -128, 127); };
constexpr auto pytorch_s8 = [](float x) { return quantize_one<pytorch_profile>(x, 1.0F, 0, -128, 127); };

// Ties.
static_assert(onnx_s8(0.5F) == 0 && onnx_s8(1.5F) == 2 && onnx_s8(2.5F) == 2 && onnx_s8(-0.5F) == 0);
static_assert(onnx_s8(-1.5F) == -2 && onnx_s8(-2.5F) == -2 && onnx_s8(126.5F) == 126 && onnx_s8(-127.5F) == -128);
static_assert(tflite_s8(0.5F) == 1 && tflite_s8(2.5F) == 3 && tflite_s8(-0.5F) == -1 && tflite_s8(-2.5F) == -3);
static_assert(pytorch_s8(0.5F) == 0 && pytorch_s8(2.5F) == 2 && pytorch_s8(-1.5F) == -2);
static_assert(onnx_s8(0x1.fffffep-2F) == 0 && tflite_s8(0x1.fffffep-2F) == 0 && tflite_s8(-0x1.fffffep-2F) == 0);

// An odd zero point added before rounding flips the ties; added after, it does not.
static_assert(onnx_u8(2.5F, 1.0F, 1) == 3 && onnx_u8(2.5F, 1.0F, 0) == 2);
static_assert(quantize_one<support::reciprocal_before>(2.5F, 1.0F, 1, 0, 255) == 4);
static_assert(quantize_one<support::reciprocal_before>(2.5F, 1.0F, 0, 0, 255) == 2);
static_assert(quantize_one<support::divide_before_up>(-2.5F, 1.0F, 5, 0, 255) == 3);

// FBGEMM's example: 127.499992 when divided, 127.5 when multiplied by the reciprocal.
static_assert(quantize_one<onnx_profile>(0.273939937F, 0.00214854861F, 0, 0, 255) == 127);
static_assert(quantize_one<tflite_profile>(0.273939937F, 0.00214854861F, 0, 0, 255) == 127);
static_assert(quantize_one<pytorch_profile>(0.273939937F, 0.00214854861F, 0, 0, 255) == 128);

// What is no code: infinities, and numbers beyond every integer.
static_assert(onnx_u8(infinity, 1.0F, 7) == 255 && onnx_u8(-infinity, 1.0F, 7) == 0 && onnx_s8(-infinity) == -128);
static_assert(onnx_s8(1e30F) == 127 && onnx_s8(-1e30F) == -128 && onnx_u8(3e9F, 1.0F, 255) == 255);
static_assert(quantize_one(65535.0F, 1.0F, 65535, 0, 65535) == 65535);
static_assert(quantize_one(-70000.0F, 1.0F, 65535, 0, 65535) == 0);
static_assert(onnx_s8(0x1p-149F) == 0 && onnx_s8(-0x1p-149F, 0x1p126F) == 0 && onnx_s8(0x1p-149F, 0x1p-126F) == 0);

static_assert(dequantize_one(5, 0.5F, 3) == 1.0F && dequantize_one(0, 0.25F, 255) == -63.75F);
static_assert(std::bit_cast<std::uint32_t>(dequantize_one(7, 0.5F, 7)) == 0U, "the zero point is +0");
static_assert(dequantize_one(65535, 0x1p-126F, 0) == 0x1.fffep-111F);

/// The definition once more. A quotient or product of two floats, rounded from long double to float, is the float
/// operation: 64 bits are at least 2 * 24 + 2. Sums with a zero point below 2^17 likewise.
template <profile P>
int defined(float x, float scale, int zero_point, int qmin, int qmax) {
  if (std::isnan(x)) return zero_point;
  const long double factor = static_cast<float>(1.0L / static_cast<long double>(scale));
  const bool divide = P.units == scaling::divide;
  double units = static_cast<float>(divide ? static_cast<long double>(x) / static_cast<long double>(scale)
                                           : static_cast<long double>(x) * factor);
  const bool before = P.zero_point == zero_point_added::before_rounding;
  if (before) units = static_cast<float>(static_cast<long double>(units) + zero_point);
  const double rounded = P.ties == rounding::half_even   ? std::nearbyint(units)
                         : P.ties == rounding::half_away ? std::round(units)
                                                         : std::floor(units + 0.5);
  const double code = before ? rounded : rounded + zero_point;
  return code < qmin ? qmin : code > qmax ? qmax : static_cast<int>(code);
}

/// The library's answer, compiled by itself: beside the definition the compiler would compute their common product
/// once, and then not fuse it with an addition as it may elsewhere.
template <profile P>
[[gnu::noinline]] int ours(float x, float scale, int zero_point, int qmin, int qmax) {
  return quantize_one<P>(x, scale, zero_point, qmin, qmax);
}

template <profile P>
void compare_on_bit_patterns(std::uint32_t step) {
  struct setting {
    float scale;
    int zero_point, qmin, qmax;
  };
  for (const setting s :
       {setting{0.00214854861F, 0, -128, 127}, setting{0.7F, 131, 0, 255}, setting{3.1e-5F, 0, -32768, 32767}}) {
    std::uint32_t different = 0;
    std::uint32_t bits = 0;
    do {
      const auto x = std::bit_cast<float>(bits);
      different +=
          ours<P>(x, s.scale, s.zero_point, s.qmin, s.qmax) != defined<P>(x, s.scale, s.zero_point, s.qmin, s.qmax);
      bits += step;
    } while (bits >= step);
    EXPECT_EQ(different, 0U) << s.scale;
  }
}

// 257 is odd and close to 2^8: 2^24 patterns over all exponents, both signs and every class.
TEST(Scalar, IsTheDefinitionOnEveryKindOfNumberOnnx) { compare_on_bit_patterns<onnx_profile>(257); }
TEST(Scalar, IsTheDefinitionOnEveryKindOfNumberTflite) { compare_on_bit_patterns<tflite_profile>(257); }
TEST(Scalar, IsTheDefinitionOnEveryKindOfNumberPytorch) { compare_on_bit_patterns<pytorch_profile>(257); }
TEST(Scalar, IsTheDefinitionOfEveryOtherProfile) {
  compare_on_bit_patterns<support::reciprocal_before>(4099);
  compare_on_bit_patterns<support::divide_before_up>(4099);
  compare_on_bit_patterns<support::reciprocal_away>(4099);
}

/// Sums that cancel, of ties and negative zero points, are where a fused multiply-add would show.
template <profile P>
void compare_on_ties() {
  for (const float scale : {1.0F, 0.5F, 0.00214854861F, 0.1F, 0x1p-126F, 3.0F})
    for (int k = -520; k <= 520; ++k) {
      float x = (static_cast<float>(k) * 0.5F) * scale;
      for (int step = 0; step < 3; ++step) x = std::nextafter(x, -infinity);
      for (int step = -3; step <= 3; ++step, x = std::nextafter(x, infinity))
        for (const int zero : {-128, -101, -1, 0, 1, 127})
          ASSERT_EQ(ours<P>(x, scale, zero, -128, 127), defined<P>(x, scale, zero, -128, 127))
              << x << ' ' << scale << ' ' << zero;
    }
}

TEST(Scalar, IsTheDefinitionOnTiesAndTheirNeighbours) {
  compare_on_ties<onnx_profile>();
  compare_on_ties<tflite_profile>();
  compare_on_ties<pytorch_profile>();
  compare_on_ties<support::reciprocal_before>();
  compare_on_ties<support::divide_before_up>();
  compare_on_ties<support::reciprocal_away>();
}

TEST(Scalar, TakesNanToTheZeroPoint) {
  EXPECT_EQ(onnx_u8(nan, 1.0F, 7), 7);
  EXPECT_EQ(onnx_s8(nan), 0);
  EXPECT_EQ(onnx_s8(-nan, 0.1F, -128), -128);
  EXPECT_EQ(quantize_one<pytorch_profile>(nan, 0.3F, 9, 0, 255), 9);
  EXPECT_EQ(quantize_one<support::reciprocal_before>(nan, 1.0F, 7, 0, 255), 7);
}

TEST(Scalar, SaturatesWhenTheQuotientIsInfinite) {
  EXPECT_EQ(onnx_s8(0x1.fffffep127F, 0x1p-126F), 127);
  EXPECT_EQ(onnx_u8(-0x1.fffffep127F, 0x1p-126F, 255), 0);
  EXPECT_EQ(quantize_one<pytorch_profile>(0x1.fffffep127F, 0x1p-126F, 7, 0, 255), 255);
}

TEST(Scalar, DividesAndMultipliesDifferently) {
  int different = 0;
  for (int k = -255; k <= 255; k += 2)
    for (int n = 1; n <= 200; ++n) {
      const float scale = static_cast<float>(n) * 0.001F, x = static_cast<float>(k) * 0.5F * scale;
      different +=
          quantize_one<onnx_profile>(x, scale, 0, -128, 127) != quantize_one<pytorch_profile>(x, scale, 0, -128, 127);
    }
  EXPECT_GT(different, 100);
}

}  // namespace scalar_test
