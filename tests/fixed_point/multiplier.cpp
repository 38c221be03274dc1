// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <dyadic/fixed_point/multiplier.hpp>

#include "fixed_point/exact.hpp"

namespace multiplier_test {

using dyadic::apply;
using dyadic::errc;
using dyadic::multiplier;
using dyadic::rescale;
using dyadic::rounding;
using dyadic::detail::nearest_multiplier;

constexpr rescale twice = rescale::double_rounding, once = rescale::single_rounding;

// tensorflow/lite/kernels/internal/quantization_util_test.cc: QuantizeMultiplierSmallerThanOneExp, ...GreaterThanOne,
// ...Underflow and ...Array.
static_assert(nearest_multiplier(0.25) == multiplier{1073741824, -1});
static_assert(nearest_multiplier(0.50 - 5e-9) == multiplier{2147483627, -1});
static_assert(nearest_multiplier(0.50 - 1e-10) == multiplier{1073741824, 0});
static_assert(nearest_multiplier(0.50) == multiplier{1073741824, 0});
static_assert(nearest_multiplier(0.75) == multiplier{1610612736, 0});
static_assert(nearest_multiplier(1 - 1e-9) == multiplier{2147483646, 0});
static_assert(nearest_multiplier(1 + 1e-11) == multiplier{1073741824, 1});
static_assert(nearest_multiplier(1.25) == multiplier{1342177280, 1});
static_assert(nearest_multiplier(1.50) == multiplier{1610612736, 1});
static_assert(nearest_multiplier(1.75) == multiplier{1879048192, 1});
static_assert(nearest_multiplier(2 - 1e-9) == multiplier{2147483647, 1});
static_assert(nearest_multiplier(2 - 1e-11) == multiplier{1073741824, 2});
static_assert(nearest_multiplier(2) == multiplier{1073741824, 2});
static_assert(nearest_multiplier(0x1p-31) == multiplier{1073741824, -30});
static_assert(nearest_multiplier(0x1p-32) == multiplier{1073741824, -31});
static_assert(nearest_multiplier(double{0.99F} * 0x1p-32) == multiplier{0, 0});
static_assert(nearest_multiplier(0x1p-33) == multiplier{0, 0});
static_assert(nearest_multiplier(0) == multiplier{0, 0} && nearest_multiplier(-0.0) == multiplier{0, 0});
static_assert(nearest_multiplier(4) == multiplier{1073741824, 3} &&
              nearest_multiplier(0.125) == multiplier{1073741824, -2});
// A tie of the mantissa goes away from zero; just under 2^-32 the carry saves the number.
static_assert(nearest_multiplier(0x1.00000002p0) == multiplier{1073741825, 1});
static_assert(nearest_multiplier(0x1.fffffffffffffp-33) == multiplier{1073741824, -31});
static_assert(nearest_multiplier(0x1p-1074) == multiplier{0, 0});

// The same file, MultiplyByQuantizedMultiplierInt32; true of both roundings.
constexpr bool both(std::int32_t x, double real, std::int32_t want) {
  const multiplier m = nearest_multiplier(real);
  return apply<twice>(m, x) == want && apply<once>(m, x) == want && apply(twice, m, x) == want &&
         apply(once, m, x) == want;
}
static_assert(both(0, 0.1, 0) && both(1, 0, 0));
static_assert(both(10000, 0.00097656, 10) && both(-10000, 0.00097656, -10));
static_assert(both(INT32_MIN, 0.00001, -21475) && both(INT32_MAX, 0.00001, 21475));
static_assert(apply<twice>({INT32_MAX, -3}, INT32_MAX) == 268435456 &&
              apply<once>({INT32_MAX, -3}, INT32_MAX) == 268435456);

// ruy/apply_multiplier_test.cc, exponent 0. -562.5 goes up in both: it is the first rounding that meets it.
static_assert(both(1000, 1 - 0x1p-31, 1000) && both(-1000, 1 - 0x1p-31, -1000));
static_assert(both(1000, 0.5, 500) && both(1000, 0.75, 750) && both(-1000, 0.625, -625));
static_assert(both(1000, 0.5625, 563) && both(-1000, 0.5625, -562) && both(-1000, 0.53125, -531));
// 62.5: the second rounding is away from zero, the single one up.
static_assert(apply<twice>({INT32_MAX, -4}, 1000) == 63 && apply<twice>({INT32_MAX, -4}, -1000) == -63);
static_assert(both(1000, 0.0625, 63));
static_assert(apply<twice>(nearest_multiplier(0.0625), -1000) == -63 &&
              apply<once>(nearest_multiplier(0.0625), -1000) == -62);
// 62.4999999 is rounded to 62.5 and then to 63 by two roundings, to 62 by one.
static_assert(apply<once>({INT32_MAX, -4}, 1000) == 62);
static_assert(apply(once, {INT32_MAX, -4}, 1000) == 62 && apply(twice, {INT32_MAX, -4}, 1000) == 63);

// Multipliers of 1 and more where x << left leaves 32 bits: exact while the result fits, then saturated.
static_assert(both(INT32_MAX, 2, INT32_MAX) && both(INT32_MIN, 2, INT32_MIN) && both(1 << 20, 1 << 20, INT32_MAX));
static_assert(both(1, 1 << 29, 1 << 29) && both(-3, 1 << 29, -3 * (1 << 29)) && both(INT32_MIN, 1, INT32_MIN));
static_assert(both(INT32_MAX, 1, INT32_MAX) && both(1 << 30, 1.5, 3 << 29) && both(-INT32_MAX, 1, -INT32_MAX));
static_assert(both(INT32_MAX, 0.5, 1 << 30) && both(INT32_MIN, 1 - 0x1p-31, -INT32_MAX));
// The one product that does not fit, and ties of the primitives.
static_assert(dyadic::saturating_rounding_doubling_high_multiply(INT32_MIN, INT32_MIN) == INT32_MAX);
static_assert(dyadic::saturating_rounding_doubling_high_multiply(INT32_MIN, INT32_MAX) == -INT32_MAX);
static_assert(dyadic::saturating_rounding_doubling_high_multiply(1, 1 << 30) == 1);    // 0.5
static_assert(dyadic::saturating_rounding_doubling_high_multiply(-1, 1 << 30) == 0);   // -0.5
static_assert(dyadic::saturating_rounding_doubling_high_multiply(-3, 1 << 30) == -1);  // -1.5
static_assert(dyadic::rounding_divide_by_power_of_two(-1, 1) == -1 &&
              dyadic::rounding_divide_by_power_of_two(1, 1) == 1);
static_assert(dyadic::rounding_divide_by_power_of_two(-5, 1) == -3 &&
              dyadic::rounding_divide_by_power_of_two(-5, 2) == -1);
static_assert(dyadic::rounding_divide_by_power_of_two(INT32_MIN, 31) == -1);

static_assert(to_double(nearest_multiplier(0.75)) == 0.75 && to_double(multiplier{}) == 0);
static_assert(to_double(multiplier{1 << 30, -31}) == 0x1p-32 && to_double(multiplier{1 << 30, 30}) == 0x1p29);
static_assert(multiplier{}.valid() && multiplier{1 << 30, -31}.valid() && multiplier{INT32_MAX, 30}.valid());
static_assert(!multiplier{0, 1}.valid() && !multiplier{(1 << 30) - 1, 0}.valid() && !multiplier{-1, 0}.valid());
static_assert(!multiplier{1 << 30, -32}.valid() && !multiplier{1 << 30, 31}.valid());

/// QuantizeMultiplier as TensorFlow Lite words it.
multiplier worded(double real) {
  if (real == 0) return {0, 0};
  int shift = 0;
  const double q = std::frexp(real, &shift);
  auto fixed = static_cast<std::int64_t>(std::round(q * static_cast<double>(1LL << 31)));
  if (fixed == 1LL << 31) {
    fixed /= 2;
    ++shift;
  }
  if (shift < -31) return {0, 0};
  return {static_cast<std::int32_t>(fixed), shift};
}

/// SaturatingRoundingDoublingHighMul as gemmlowp words it.
std::int32_t worded_high_multiply(std::int32_t a, std::int32_t b) {
  if (a == b && a == INT32_MIN) return INT32_MAX;
  const std::int64_t product = std::int64_t{a} * std::int64_t{b};
  const std::int64_t nudge = product >= 0 ? 1LL << 30 : 1 - (1LL << 30);
  return static_cast<std::int32_t>((product + nudge) / (1LL << 31));
}

/// RoundingDivideByPOT likewise.
std::int32_t worded_divide(std::int32_t x, int n) {
  const auto mask = static_cast<std::int32_t>((1LL << n) - 1);
  const std::int32_t remainder = x & mask, threshold = (mask >> 1) + (x < 0 ? 1 : 0);
  return (x >> n) + (remainder > threshold ? 1 : 0);
}

TEST(Multiplier, FromRealAgreesWithTheWordingOfTensorFlowLite) {
  std::uint64_t random = 1;
  for (int i = 0; i < 1 << 20; ++i) {
    random = random * 6364136223846793005ULL + 1442695040888963407ULL;
    // An exponent from 2^-36 to 2^29, and a fraction of which a third are near a power of two or end in a tie.
    std::uint64_t fraction = random >> 12;
    if (i % 3 == 0) fraction = (fraction & ~((1ULL << 22) - 1)) | 1ULL << 21;
    if (i % 3 == 1) fraction |= ((1ULL << 28) - 1) << 24;
    const auto real = std::bit_cast<double>((987 + random % 66) << 52 | (fraction & ((1ULL << 52) - 1)));
    const multiplier m = nearest_multiplier(real);
    ASSERT_EQ(m.mantissa, worded(real).mantissa) << real;
    ASSERT_EQ(m.exponent, worded(real).exponent) << real;
    if (m.exponent > multiplier::max_exponent) continue;
    ASSERT_TRUE(m.valid()) << real;
    const auto checked = dyadic::try_multiplier_from(real);
    ASSERT_TRUE(checked) << real;
    ASSERT_EQ(*checked, m) << real;
    // The mantissa, at least 2^30, is off by at most one half.
    if (m.mantissa != 0) {
      ASSERT_LE(std::fabs(to_double(m) - real), real * 0x1p-31) << real;
    }
    ASSERT_EQ(nearest_multiplier(to_double(m)), m) << real;
  }
}

void expect_refused(double real, const char* message) {
  const auto m = dyadic::try_multiplier_from(real);
  ASSERT_FALSE(m);
  EXPECT_EQ(m.error().code(), errc::invalid_scale);
  EXPECT_STREQ(m.error().message(), message);
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(static_cast<void>(dyadic::multiplier_from(real)), std::invalid_argument);
#endif
}

TEST(Multiplier, RefusesWhatItCannotHold) {
  expect_refused(-0.5, "multiplier: -0.5 given, expected a finite number >= 0");
  expect_refused(HUGE_VAL, "multiplier: inf given, expected a finite number >= 0");
  expect_refused(-HUGE_VAL, "multiplier: -inf given, expected a finite number >= 0");
  EXPECT_FALSE(dyadic::try_multiplier_from(std::nan("")));
  expect_refused(0x1p30, "multiplier: 1.07374182e+09 given, expected less than 2^30 = 1073741824");
  expect_refused(1e300, "multiplier: 1e+300 given, expected less than 2^30 = 1073741824");
  // Rounds to 2^30 and so is refused; one unit of the mantissa less is the largest multiplier.
  EXPECT_FALSE(dyadic::try_multiplier_from(std::nextafter(0x1p30, 0)));
  const auto largest = dyadic::try_multiplier_from(0x1p30 - 0.5);
  ASSERT_TRUE(largest);
  EXPECT_EQ(*largest, (multiplier{INT32_MAX, 30}));
#if DYADIC_EXCEPTIONS
  EXPECT_EQ(dyadic::multiplier_from(0.75), (multiplier{1610612736, 0}));
#endif
}

TEST(Multiplier, HighMultiplyAndDivideAgreeWithTheWordingOfGemmlowp) {
  const auto numbers = exact::corners<std::int32_t>();
  for (const auto a : numbers) {
    for (const auto b : numbers) {
      const std::int32_t got = dyadic::saturating_rounding_doubling_high_multiply(a, b);
      ASSERT_EQ(got, worded_high_multiply(a, b)) << a << " * " << b;
      const exact::int128 whole =
          exact::divide(rounding::half_up, exact::int128{a} * exact::int128{b}, exact::int128{1} << 31);
      ASSERT_EQ(got, exact::limit(whole, INT32_MIN, INT32_MAX)) << a << " * " << b;
    }
    for (int n = 0; n < 32; ++n)
      ASSERT_EQ(dyadic::rounding_divide_by_power_of_two(a, n), worded_divide(a, n)) << a << " / 2^" << n;
  }
}

TEST(Multiplier, ApplyAgreesWithExactArithmeticOnAGrid) {
  constexpr exact::int128 one = 1;
  std::vector<std::int32_t> xs = exact::corners<std::int32_t>(),
                            mantissas{1 << 30, (1 << 30) + 1, INT32_MAX,  INT32_MAX - 1,
                                      3 << 29, 5 << 28,       1518500250, 1234567891};
  std::uint32_t random = 1;
  for (int i = 0; i < 400; ++i) {
    random = random * 1664525U + 1013904223U;
    xs.push_back(static_cast<std::int32_t>(random) >> (i % 24));
    if (i % 20 == 0) mantissas.push_back(static_cast<std::int32_t>(random >> 2 | 1U << 30));
  }
  std::uint64_t checked = 0, differ = 0;
  for (const std::int32_t mantissa : mantissas)
    for (int exponent = multiplier::min_exponent; exponent <= multiplier::max_exponent; ++exponent)
      for (const std::int32_t x : xs) {
        const multiplier m{mantissa, exponent};
        // One rounding of the exact product.
        const exact::int128 product = exact::int128{x} * mantissa;
        const std::int64_t single =
            exact::limit(exact::divide(rounding::half_up, product, one << (31 - exponent)), INT32_MIN, INT32_MAX);
        // Two: of the product with x already shifted, half up; then of the right shift, half away.
        const int left = exponent > 0 ? exponent : 0, right = exponent < 0 ? -exponent : 0;
        const exact::int128 shifted = exact::int128{x} * (one << left);
        const std::int64_t high =
            exact::limit(exact::divide(rounding::half_up, shifted * mantissa, one << 31), INT32_MIN, INT32_MAX);
        const auto twofold = static_cast<std::int64_t>(exact::divide(rounding::half_away, high, one << right));
        if (shifted >= INT32_MIN && shifted <= INT32_MAX) {  // where TensorFlow Lite is defined
          const std::int32_t words = worded_high_multiply(static_cast<std::int32_t>(shifted), mantissa);
          ASSERT_EQ(apply<twice>(m, x), worded_divide(words, right))
              << x << " * " << mantissa << " * 2^" << exponent - 31;
        }
        ASSERT_EQ(apply<once>(m, x), single) << x << " * " << mantissa << " * 2^" << exponent - 31;
        ASSERT_EQ(apply<twice>(m, x), twofold) << x << " * " << mantissa << " * 2^" << exponent - 31;
        differ += single != twofold;
        ++checked;
      }
  EXPECT_GE(checked, 1'000'000U);
  EXPECT_GT(differ, 0U) << "the grid does not tell the two roundings apart";
}

}  // namespace multiplier_test
