// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <dyadic/fixed_point/float4.hpp>

#include "fixed_point/small_floats.hpp"

namespace float4_test {

using namespace dyadic;

constexpr int code(float x) { return small_float_from<float4_e2m1>(x).bits; }

static_assert(code(std::numeric_limits<float>::quiet_NaN()) == 8 &&
              code(-std::numeric_limits<float>::quiet_NaN()) == 8);
static_assert(code(std::numeric_limits<float>::infinity()) == 7 && code(-0.0F) == 8 && code(-1e30F) == 15);
static_assert(code(0.25F) == 0 && code(0.75F) == 2 && code(1.25F) == 2 && code(5.0F) == 6);  // ties to even

TEST(Float4, HasTheEightNumbersOfTheStandard) {
  const float numbers[] = {0.0F, 0.5F, 1.0F, 1.5F, 2.0F, 3.0F, 4.0F, 6.0F};
  for (std::uint8_t c = 0; c < 8; ++c) {
    EXPECT_EQ(to_float(float4_e2m1{c}), numbers[c]);
    EXPECT_EQ(to_float(float4_e2m1{static_cast<std::uint8_t>(c + 8)}), -numbers[c]);
  }
}

TEST(Float4, EveryCodeIsItsNumberAndComesBack) { small_floats::every_code<float4_e2m1>(); }
TEST(Float4, EveryMidpointGoesToEvenAndItsNeighboursToTheNearest) { small_floats::every_midpoint<float4_e2m1>(); }
TEST(Float4, FloatsOfEverySizeInEveryEnvironment) { small_floats::floats_of_every_size<float4_e2m1>(); }

}  // namespace float4_test
