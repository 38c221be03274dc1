// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rescaling and the functions of Q numbers against gemmlowp's own headers, bit exact; built where those are found.
//
// gemmlowp picks a vector file by macros of the compiler; its generic code on int32 is what is compared with.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <random>

#include <dyadic/fixed_point/qformat.hpp>

#if __has_include(<gemmlowp/fixedpoint/fixedpoint.h>)
#define DYADIC_TEST_GEMMLOWP 1
#include <gemmlowp/fixedpoint/fixedpoint.h>
#else
#define DYADIC_TEST_GEMMLOWP 0
#endif

namespace gemmlowp_test {

using namespace dyadic;

constexpr std::int32_t lowest = std::numeric_limits<std::int32_t>::min(),
                       most = std::numeric_limits<std::int32_t>::max();
constexpr int many = 1 << 24;

/// What a loop found: every case is tried, the first that differs is kept.
struct tally {
  const char* what;
  std::int64_t tried = 0, equal = 0;
  std::int64_t first = 0;

  void add(bool same, std::int64_t at) {
    if (!same && tried == equal) first = at;
    ++tried;
    equal += same ? 1 : 0;
  }
  ~tally() {
    std::printf("[vectors] %s gemmlowp: tried %lld, equal %lld\n", what, static_cast<long long>(tried),
                static_cast<long long>(equal));
    EXPECT_EQ(equal, tried) << what << ", first at " << first;
  }
};

#if DYADIC_TEST_GEMMLOWP

/// Any int32, and every length of it as likely as another half of the time.
std::int32_t any_number(std::mt19937_64& random) {
  const std::uint64_t bits = random();
  const auto x = static_cast<std::int32_t>(bits);
  return bits >> 63 ? x : x >> (bits >> 32 & 31);
}

/// The multiplier whose exponent is e, by gemmlowp's two roundings, as TensorFlow Lite calls them. Its shift left
/// saturates, as a 32-bit shift does not; both are the same number where neither is out of range.
std::int32_t apply_both(std::int32_t x, multiplier m) {
  const int left = m.exponent > 0 ? m.exponent : 0, right = m.exponent > 0 ? 0 : -m.exponent;
  return gemmlowp::RoundingDivideByPOT(
      gemmlowp::SaturatingRoundingDoublingHighMul(gemmlowp::ShiftLeft(x, left), m.mantissa), right);
}

TEST(Gemmlowp, RoundingShift) {
  tally t{"rounding_divide_by_power_of_two"};
  std::mt19937_64 random(1);
  for (int n = 0; n < many; ++n) {
    const std::int32_t x = any_number(random);
    const int by = static_cast<int>(random() % 32);
    t.add(rounding_divide_by_power_of_two(x, by) == gemmlowp::RoundingDivideByPOT(x, by), x);
  }
  for (int by = 0; by < 32; ++by)
    for (const std::int32_t x : {lowest, lowest + 1, -3, -2, -1, 0, 1, 2, 3, most - 1, most})
      t.add(rounding_divide_by_power_of_two(x, by) == gemmlowp::RoundingDivideByPOT(x, by), x);
}

TEST(Gemmlowp, DoublingHighMultiply) {
  tally t{"saturating_rounding_doubling_high_multiply"};
  std::mt19937_64 random(2);
  for (int n = 0; n < many; ++n) {
    const std::int32_t a = any_number(random), b = any_number(random);
    t.add(saturating_rounding_doubling_high_multiply(a, b) == gemmlowp::SaturatingRoundingDoublingHighMul(a, b), a);
  }
  for (const std::int32_t a : {lowest, lowest + 1, -1, 0, 1, 1 << 30, most})
    for (const std::int32_t b : {lowest, lowest + 1, -1, 0, 1, 1 << 30, most})
      t.add(saturating_rounding_doubling_high_multiply(a, b) == gemmlowp::SaturatingRoundingDoublingHighMul(a, b), a);
}

TEST(Gemmlowp, Multiplier) {
  tally t{"multiplier, double rounding"};
  std::mt19937_64 random(3);
  while (t.tried < many) {
    const multiplier m{static_cast<std::int32_t>(1U << 30 | random() >> 34), static_cast<int>(random() % 62) - 31};
    const std::int32_t x = any_number(random);
    // Beyond, gemmlowp's caller has overflowed.
    if (m.exponent > 0 && (x > most >> m.exponent || x < lowest >> m.exponent)) continue;
    t.add(apply<rescale::double_rounding>(m, x) == apply_both(x, m), x);
  }
}

template <int M>
using q = gemmlowp::FixedPoint<std::int32_t, M>;

template <int M>
void compare(tally& exp, tally& logistic, tally& tanh, int count) {
  std::mt19937_64 random(static_cast<unsigned>(M) + 10);
  const auto one = [&](std::int32_t x) {
    const std::int32_t below = x > 0 ? -x : x;
    exp.add(qformat::exp_of_negative<M>(below) == gemmlowp::exp_on_negative_values(q<M>::FromRaw(below)).raw(), below);
    if (x == lowest) return;  // gemmlowp negates it
    logistic.add(qformat::logistic<M>(x) == gemmlowp::logistic(q<M>::FromRaw(x)).raw(), x);
    tanh.add(qformat::tanh<M>(x) == gemmlowp::tanh(q<M>::FromRaw(x)).raw(), x);
  };
  for (int n = 0; n < count; ++n) one(any_number(random));
  constexpr std::int64_t quarter = std::int64_t{1} << (29 - M);
  for (const std::int64_t quarters : {-129, -128, -127, -8, -2, -1, 0, 1, 4, 1 << 30})
    for (std::int64_t d = -3; d <= 3; ++d) one(saturate<std::int32_t>(quarters * quarter + d));
}

TEST(Gemmlowp, FunctionsOfQNumbers) {
  tally exp{"qformat::exp_of_negative"}, logistic{"qformat::logistic"}, tanh{"qformat::tanh"};
  // TensorFlow Lite's formats: Q4.27 for LOGISTIC and TANH, Q5.26 for SOFTMAX, Q3.12 raised to Q3.28 in LSTM.
  compare<4>(exp, logistic, tanh, many / 4);
  compare<5>(exp, logistic, tanh, many / 4);
  compare<3>(exp, logistic, tanh, many / 8);
  compare<0>(exp, logistic, tanh, many / 16);
  compare<1>(exp, logistic, tanh, many / 16);
  compare<2>(exp, logistic, tanh, many / 16);
  compare<6>(exp, logistic, tanh, many / 16);
  compare<8>(exp, logistic, tanh, many / 16);
  compare<12>(exp, logistic, tanh, many / 32);
  compare<20>(exp, logistic, tanh, many / 32);
  compare<28>(exp, logistic, tanh, many / 32);
}

TEST(Gemmlowp, ExpOfTheLastQuarterAndReciprocals) {
  tally exp{"qformat::exp_of_last_quarter"}, reciprocal{"qformat::one_over_one_plus"},
      ratio{"qformat::one_minus_over_one_plus"};
  std::mt19937_64 random(4);
  for (int n = 0; n < many; ++n) {
    const std::int32_t x = -1 - static_cast<std::int32_t>(random() >> 35),
                       y = static_cast<std::int32_t>(random() >> 33);
    exp.add(qformat::exp_of_last_quarter(x) ==
                gemmlowp::exp_on_interval_between_negative_one_quarter_and_0_excl(q<0>::FromRaw(x)).raw(),
            x);
    reciprocal.add(qformat::one_over_one_plus(y) == gemmlowp::one_over_one_plus_x_for_x_in_0_1(q<0>::FromRaw(y)).raw(),
                   y);
    ratio.add(qformat::one_minus_over_one_plus(y) ==
                  gemmlowp::one_minus_x_over_one_plus_x_for_x_in_0_1(q<0>::FromRaw(y)).raw(),
              y);
  }
}

#else

TEST(Gemmlowp, IsNotInstalled) { GTEST_SKIP() << "no <gemmlowp/fixedpoint/fixedpoint.h>: install libgemmlowp-dev"; }

#endif

}  // namespace gemmlowp_test
