// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <dyadic/fixed_point/float8.hpp>

#include "fixed_point/small_floats.hpp"

namespace float8_test {

using namespace dyadic;

constexpr float infinity = std::numeric_limits<float>::infinity();
constexpr float nan = std::numeric_limits<float>::quiet_NaN();

template <class Small>
constexpr int code(float x, overflow rule = overflow::saturate) {
  return small_float_from<Small>(x, rule).bits;
}

// The tables of ONNX Cast, in each format: zeros, NaN, infinities, too large numbers, with and without saturation.
static_assert(code<float8_e4m3fn>(-0.0F) == 0x80 && code<float8_e4m3fn>(nan) == 0x7F &&
              code<float8_e4m3fn>(-nan) == 0xFF);
static_assert(code<float8_e4m3fn>(infinity) == 0x7E && code<float8_e4m3fn>(-infinity) == 0xFE);
static_assert(code<float8_e4m3fn>(infinity, overflow::special) == 0x7F);
static_assert(code<float8_e4m3fn>(-1e6F, overflow::special) == 0xFF && code<float8_e4m3fn>(-1e6F) == 0xFE);
static_assert(code<float8_e5m2>(-0.0F) == 0x80 && code<float8_e5m2>(nan) == 0x7E && code<float8_e5m2>(-nan) == 0xFE);
static_assert(code<float8_e5m2>(infinity) == 0x7B && code<float8_e5m2>(-infinity, overflow::special) == 0xFC);
static_assert(code<float8_e5m2>(1e6F, overflow::special) == 0x7C && code<float8_e5m2>(1e6F) == 0x7B);
static_assert(code<float8_e4m3fnuz>(-0.0F) == 0 && code<float8_e4m3fnuz>(-nan) == 0x80);
static_assert(code<float8_e4m3fnuz>(infinity) == 0x7F && code<float8_e4m3fnuz>(-1e6F, overflow::special) == 0x80);
static_assert(code<float8_e5m2fnuz>(-0x1p-20F) == 0 && code<float8_e5m2fnuz>(nan) == 0x80);
static_assert(code<float8_e5m2fnuz>(-infinity) == 0xFF && code<float8_e5m2fnuz>(infinity, overflow::special) == 0x80);

// The largest numbers, the smallest, and what lies half a step beyond.
static_assert(to_float(float8_e4m3fn{0x7E}) == 448.0F && to_float(float8_e4m3fn{0x81}) == -0x1p-9F);
static_assert(to_float(float8_e5m2{0x7B}) == 57344.0F && to_float(float8_e5m2{0x01}) == 0x1p-16F);
static_assert(to_float(float8_e4m3fnuz{0x7F}) == 240.0F && to_float(float8_e4m3fnuz{0x01}) == 0x1p-10F);
static_assert(to_float(float8_e5m2fnuz{0x7F}) == 57344.0F && to_float(float8_e5m2fnuz{0x01}) == 0x1p-17F);
static_assert(code<float8_e4m3fn>(464.0F, overflow::special) == 0x7E);  // a tie between 448 and 480, whose code is odd
static_assert(code<float8_e4m3fn>(464.00003F, overflow::special) == 0x7F);
static_assert(code<float8_e5m2>(61440.0F, overflow::special) == 0x7C);  // a tie with 65536, which would be even
static_assert(code<float8_e5m2>(61439.996F, overflow::special) == 0x7B);

template <class Small>
class Float8 : public testing::Test {};
using formats = testing::Types<float8_e4m3fn, float8_e5m2, float8_e4m3fnuz, float8_e5m2fnuz>;
TYPED_TEST_SUITE(Float8, formats);

TYPED_TEST(Float8, EveryOneOf256IsItsNumberAndComesBack) { small_floats::every_code<TypeParam>(); }
TYPED_TEST(Float8, EveryMidpointGoesToEvenAndItsNeighboursToTheNearest) { small_floats::every_midpoint<TypeParam>(); }
TYPED_TEST(Float8, FloatsOfEverySizeInEveryEnvironment) { small_floats::floats_of_every_size<TypeParam>(); }

}  // namespace float8_test
