// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cmath>

#include <dyadic/fixed_point/qformat.hpp>

namespace qformat_test {

using namespace dyadic;

constexpr std::int32_t lowest = std::numeric_limits<std::int32_t>::min(),
                       most = std::numeric_limits<std::int32_t>::max();

static_assert(qformat::one<0> == most && qformat::one<1> == 1 << 30 && qformat::one<4> == 1 << 27);
static_assert(qformat::exp_of_negative<4>(0) == most && qformat::exp_of_negative<0>(0) == most);
static_assert(qformat::exp_of_negative<6>(lowest) == 0 && qformat::exp_of_negative<6>(-(1 << 30) - 1) == 0);
static_assert(qformat::logistic<4>(0) == 1 << 30 && qformat::tanh<4>(0) == 0);
static_assert(qformat::one_over_one_plus(0) == most && qformat::one_minus_over_one_plus(0) == most);

/// Of Qm, in reals.
double real(std::int32_t x, int m) { return std::ldexp(x, m - 31); }

/// The largest distance of f from the real function over evenly spaced arguments from first to last.
template <class F, class Real>
double largest_error(std::int64_t first, std::int64_t last, int m, F f, Real exact) {
  constexpr std::int64_t steps = 200'003;
  double largest = 0;
  for (std::int64_t n = 0; n <= steps; ++n) {
    const auto x = static_cast<std::int32_t>(first + (last - first) / steps * n);
    largest = std::max(largest, std::abs(real(f(x), 0) - exact(real(x, m))));
  }
  return largest;
}

template <int M>
void expect_close() {
  SCOPED_TRACE(M);
  const double exp = largest_error(lowest, -1, M, qformat::exp_of_negative<M>, [](double x) { return std::exp(x); });
  const double logistic =
      largest_error(lowest, most, M, qformat::logistic<M>, [](double x) { return 1 / (1 + std::exp(-x)); });
  const double tanh = largest_error(lowest, most, M, qformat::tanh<M>, [](double x) { return std::tanh(x); });
  EXPECT_LT(exp, 2.3e-7);
  EXPECT_LT(logistic, 7.1e-8);
  EXPECT_LT(tanh, 1.5e-7);
}

TEST(Qformat, IsCloseToTheRealFunctions) {
  expect_close<0>();
  expect_close<1>();
  expect_close<2>();
  expect_close<3>();
  expect_close<4>();
  expect_close<5>();
  expect_close<8>();
  const auto exp = [](double x) { return std::exp(x); };
  const auto reciprocal = [](double x) { return 1 / (1 + x); };
  const auto ratio = [](double x) { return (1 - x) / (1 + x); };
  EXPECT_LT(largest_error(-(1 << 29), -1, 0, qformat::exp_of_last_quarter, exp), 2.3e-7);
  EXPECT_LT(largest_error(0, most, 0, qformat::one_over_one_plus, reciprocal), 3.2e-9);
  EXPECT_LT(largest_error(0, most, 0, qformat::one_minus_over_one_plus, ratio), 6.3e-9);
}

TEST(Qformat, IsSymmetricAndDefinedEverywhere) {
  for (const std::int32_t x : {1, 2, 1000, 1 << 20, (1 << 27) + 12345, 1 << 30, most - 1, most}) {
    EXPECT_EQ(qformat::tanh<4>(-x), -qformat::tanh<4>(x));
    EXPECT_EQ(qformat::logistic<4>(-x), most - qformat::logistic<4>(x));
  }
  // The number without a negative.
  EXPECT_EQ(qformat::tanh<4>(lowest), -qformat::tanh<4>(most));
  EXPECT_EQ(qformat::logistic<4>(lowest), qformat::logistic<4>(lowest + 1));
  EXPECT_EQ(qformat::exp_of_negative<29>(lowest), 0);
  EXPECT_NEAR(real(qformat::exp_of_negative<29>(-4), 0), std::exp(-1.0), 3e-7);
}

}  // namespace qformat_test
