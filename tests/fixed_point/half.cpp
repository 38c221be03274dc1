// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <dyadic/fixed_point/half.hpp>

#include "fixed_point/exact.hpp"

namespace half_test {

using dyadic::bfloat16;
using dyadic::bfloat16_from;
using dyadic::half;
using dyadic::half_from;
using dyadic::to_float;

constexpr float infinity = std::numeric_limits<float>::infinity();

static_assert(half_from(1.0F).bits == 0x3C00 && half_from(-2.0F).bits == 0xC000 && half_from(65504.0F).bits == 0x7BFF);
static_assert(half_from(0.0F).bits == 0 && half_from(-0.0F).bits == 0x8000);
static_assert(half_from(0x1p-14F).bits == 0x0400 && half_from(0x1p-24F).bits == 0x0001);
static_assert(half_from(0x1p-25F).bits == 0 && half_from(0x1.000002p-25F).bits == 1 && half_from(0x1.8p-24F).bits == 2);
static_assert(half_from(-0x1p-26F).bits == 0x8000 && half_from(0x1p-149F).bits == 0);
static_assert(half_from(0x1.ffcp-15F).bits == 0x0400);  // rounds from the subnormals into the normals
static_assert(half_from(65519.996F).bits == 0x7BFF && half_from(65520.0F).bits == 0x7C00);
static_assert(half_from(infinity).bits == 0x7C00 && half_from(-0x1.fffffep127F).bits == 0xFC00);
static_assert(half_from(1.00048828125F).bits == 0x3C00 && half_from(1.00146484375F).bits == 0x3C02);  // ties to even
static_assert(to_float(half{0x3555}) == 0.333251953125F && to_float(half{0x0001}) == 0x1p-24F);
static_assert(to_float(half{0x7C00}) == infinity && to_float(half{0xFBFF}) == -65504.0F);
static_assert(to_float(half{0x7E00}) != to_float(half{0x7E00}));

static_assert(bfloat16_from(1.0F).bits == 0x3F80 && bfloat16_from(-0.0F).bits == 0x8000);
static_assert(bfloat16_from(1.00390625F).bits == 0x3F80 && bfloat16_from(1.01171875F).bits == 0x3F82);  // ties to even
static_assert(bfloat16_from(0x1.fep127F).bits == 0x7F7F && bfloat16_from(0x1.fffffep127F).bits == 0x7F80);
static_assert(bfloat16_from(0x1p-133F).bits == 1 && bfloat16_from(0x1p-134F).bits == 0);
static_assert(to_float(bfloat16{0x4049}) == 3.140625F && to_float(bfloat16{0xFF80}) == -infinity);

struct binary16 {
  using storage = half;
  static constexpr std::uint32_t infinity_bits = 0x7C00;
  static constexpr int fraction = 10, smallest = -24;  // smallest: exponent of the smallest subnormal
  static half from(float x) { return half_from(x); }
};
struct brain16 {
  using storage = bfloat16;
  static constexpr std::uint32_t infinity_bits = 0x7F80;
  static constexpr int fraction = 7, smallest = -133;
  static bfloat16 from(float x) { return bfloat16_from(x); }
};

/// The value of positive finite bits by the definition of the format; of infinity's, the power of two in its place.
template <class Format>
double value_of(std::uint32_t bits) {
  const std::uint32_t exponent = bits >> Format::fraction, fraction = bits & ((1U << Format::fraction) - 1);
  if (exponent == 0) return std::ldexp(fraction, Format::smallest);
  return std::ldexp(fraction + (1U << Format::fraction), Format::smallest + static_cast<int>(exponent) - 1);
}

template <class Format>
class Half : public testing::Test {
 protected:
  using storage = typename Format::storage;
  static storage of(std::uint32_t bits) { return storage{static_cast<std::uint16_t>(bits)}; }

  /// Both signs of x must become both signs of want.
  static void expect_becomes(float x, std::uint32_t want) {
    ASSERT_EQ(Format::from(x).bits, want) << x;
    ASSERT_EQ(Format::from(-x).bits, want | 0x8000U) << -x;
  }
};
using formats = testing::Types<binary16, brain16>;
TYPED_TEST_SUITE(Half, formats);

TYPED_TEST(Half, EveryOneOf65536IsItsValueAndComesBack) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float x = to_float(this->of(bits));
    const std::uint32_t rest = bits & 0x7FFF;
    ASSERT_EQ(std::signbit(x), bits >= 0x8000) << bits;
    if (rest > TypeParam::infinity_bits) {
      ASSERT_TRUE(std::isnan(x)) << bits;
      // Back again it is the same NaN, now quiet.
      ASSERT_EQ(TypeParam::from(x).bits, bits | 1U << (TypeParam::fraction - 1)) << bits;
      ASSERT_NE(std::bit_cast<std::uint32_t>(x) & 0x400000U, 0U) << bits;
    } else if (rest == TypeParam::infinity_bits) {
      ASSERT_TRUE(std::isinf(x)) << bits;
      ASSERT_EQ(TypeParam::from(x), this->of(bits));
    } else {
      ASSERT_EQ(std::fabs(double{x}), value_of<TypeParam>(rest)) << bits;
      ASSERT_EQ(TypeParam::from(x), this->of(bits));
    }
  }
}

TYPED_TEST(Half, EveryMidpointGoesToEvenAndItsNeighboursToTheNearest) {
  for (std::uint32_t bits = 0; bits < TypeParam::infinity_bits; ++bits) {
    const double low = value_of<TypeParam>(bits), high = value_of<TypeParam>(bits + 1), middle = low + (high - low) / 2;
    const auto tie = static_cast<float>(middle);
    ASSERT_EQ(tie, middle);
    this->expect_becomes(tie, bits % 2 == 0 ? bits : bits + 1);
    this->expect_becomes(std::nextafter(tie, 0.0F), bits);
    this->expect_becomes(std::nextafter(tie, infinity), bits + 1);
    this->expect_becomes(std::nextafter(static_cast<float>(low), infinity), bits);
    if (bits > 0) this->expect_becomes(std::nextafter(static_cast<float>(low), 0.0F), bits);
    if (this->HasFatalFailure()) return;
  }
}

TYPED_TEST(Half, FloatsOfEverySizeInEveryEnvironment) {
  // The reference finds the nearest of all values of the format, from the unit in the last place of x, in integers.
  const auto nearest = [](std::uint32_t x) {
    const int exponent = static_cast<int>(x >> 23 == 0 ? 1 : x >> 23) - 150;  // x = significand * 2^exponent
    const exact::int128 significand = x >> 23 == 0 ? x : (x & 0x7FFFFFU) | 0x800000U;
    // The unit of the result: that of the smallest subnormal, or the one that leaves fraction + 1 bits.
    const int usual = exponent + 23 - TypeParam::fraction;
    const int unit = x >> 23 == 0 || usual < TypeParam::smallest ? TypeParam::smallest : usual;
    if (unit - exponent > 60) return 0U;
    const auto count = static_cast<std::uint32_t>(
        exact::divide(dyadic::rounding::half_even, significand, exact::int128{1} << (unit - exponent)));
    // One unit up at a time: the bits of a format count its values.
    const std::uint32_t bits = count + (static_cast<std::uint32_t>(unit - TypeParam::smallest) << TypeParam::fraction);
    return bits < TypeParam::infinity_bits ? bits : TypeParam::infinity_bits;
  };
  std::uint64_t wrong = 0, nans = 0;
  exact::in_every_environment([&] {
    for (std::uint64_t i = 0; i < 1ULL << 31; i += 1021) {
      const auto bits = static_cast<std::uint32_t>(i);
      for (const std::uint32_t sign : {0U, 0x80000000U}) {
        const std::uint32_t got = TypeParam::from(std::bit_cast<float>(bits | sign)).bits;
        if (bits > 0x7F800000U) {
          const std::uint32_t quiet = TypeParam::infinity_bits | 1U << (TypeParam::fraction - 1);
          wrong += (got & quiet) != quiet || got >> 15 != sign >> 31;
          ++nans;
        } else {
          wrong += got != (nearest(bits) | sign >> 16);
        }
      }
    }
  });
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(nans, 0U);
}

TYPED_TEST(Half, TheFirstNanAndTheLastAreNan) {
  for (const std::uint32_t bits : {0x7F800001U, 0xFF800001U, 0x7FC00000U, 0x7FFFFFFFU, 0xFFFFFFFFU})
    EXPECT_TRUE(std::isnan(to_float(TypeParam::from(std::bit_cast<float>(bits))))) << std::hex << bits;
}

}  // namespace half_test
