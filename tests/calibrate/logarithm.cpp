// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include <dyadic/calibrate/logarithm.hpp>

#include "fixed_point/exact.hpp"

namespace logarithm_test {

using dyadic::detail::logarithm;

double error_at(double x) {
  const long double exact = std::log(static_cast<long double>(x));
  return static_cast<double>(std::fabs(static_cast<long double>(logarithm(x)) - exact) /
                             std::max(1.0L, std::fabs(exact)));
}

TEST(Logarithm, IsNearTheLogarithm) {
  std::mt19937_64 random(1);
  double worst = 0;
  for (int n = 0; n < 1'000'000; ++n)
    worst = std::max(worst, error_at(std::ldexp(1.0 + static_cast<double>(random() >> 12) * 0x1p-52,
                                                static_cast<int>(random() % 2046) - 1022)));
  for (int piece = 0; piece <= 128; ++piece)
    for (const double near : {-0x1p-52, 0.0, 0x1p-52}) worst = std::max(worst, error_at(1 + piece / 128.0 + near));
  EXPECT_LT(worst, 0x1p-51);
  EXPECT_EQ(logarithm(1.0), 0.0);
  for (const double x : {2.0, 3.0, 10.0, 1e300, 1e-300})
    EXPECT_NEAR(logarithm(x), std::log(x), 1e-15 * std::fabs(std::log(x)));
}

/// The bits themselves: they decide which threshold is chosen, on every machine the same.
TEST(Logarithm, HasTheseBits) {
  std::mt19937_64 random(2);
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (int n = 0; n < 10'000; ++n) {
    const double significand = 1.0 + static_cast<double>(random() >> 12) * 0x1p-52;
    const double x = std::ldexp(significand, static_cast<int>(random() % 100) - 50);
    hash = (hash ^ std::bit_cast<std::uint64_t>(logarithm(x))) * 0x100000001B3ULL;
  }
  EXPECT_EQ(hash, 12179956645239331320U);
}

}  // namespace logarithm_test
