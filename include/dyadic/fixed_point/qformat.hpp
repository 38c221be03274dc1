// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// qformat: exp, 1 / (1 + x), logistic and tanh of 32-bit fixed-point numbers, in integers only.
//
// A number of format Qm is an int32 that stands for raw * 2^(m - 31): m integer bits, 31 - m fractional ones, values in
// [-2^m, 2^m). Results are Q0, where 1 is not a number and INT32_MAX stands for it. Every bit is that of
// gemmlowp/fixedpoint/fixedpoint.h, from which TensorFlow Lite's integer LOGISTIC, TANH and SOFTMAX are built; a
// product of Qa and Qb is Q(a + b) there, rounded by saturating_rounding_doubling_high_multiply.
//
//                           domain      largest error   method
//   exp_of_last_quarter     [-1/4, 0)   2.3e-7          Taylor series of degree 4 around -1/8
//   exp_of_negative         <= 0        2.3e-7          the same for x mod 1/4, times an exp(-2^k) a bit of the rest
//   one_over_one_plus       [0, 1)      3.2e-9          Newton's iteration for 1 / ((1 + x) / 2), three times
//   one_minus_over_one_plus [0, 1)      6.3e-9          the same
//   logistic, tanh          all         7.1e-8, 1.5e-7  both of the above
//
// The errors are against the real functions, as the tests find them for m of 0 to 8.
#pragma once

#include <dyadic/fixed_point/multiplier.hpp>

namespace dyadic::inline DYADIC_ABI::qformat {

/// 1 in format Qm, or the number below it when that does not fit.
template <int M>
inline constexpr std::int32_t one = M == 0 ? (std::numeric_limits<std::int32_t>::max)() : 1 << ((31 - M) % 31);

namespace detail {

constexpr std::int32_t multiply(std::int32_t a, std::int32_t b) noexcept {
  return saturating_rounding_doubling_high_multiply(a, b);
}

/// x * 2^n, saturating.
constexpr std::int32_t shift_left(std::int32_t x, int n) noexcept {
  return saturate<std::int32_t>(std::int64_t{x} * (std::int64_t{1} << n));
}

/// 1 / ((1 + x) / 2) in Q2 for x in [0, 1] in Q0: Newton's iteration y += y * (1 - d * y) on d in [1/2, 1], from the
/// line 48/17 - 32/17 d, whose relative error there is at most 1/17: after three steps 17^-8, less than 2^-32.
constexpr std::int32_t two_over_one_plus(std::int32_t x) noexcept {
  constexpr std::int32_t line_constant = 1515870810, line_slope = -1010580540;  // 48/17 and -32/17 in Q2
  const auto d = static_cast<std::int32_t>(divide<rounding::half_away>(std::int64_t{x} + one<0>, 2));
  std::int32_t y = line_constant + multiply(d, line_slope);
  for (int i = 0; i < 3; ++i) {
    const std::int32_t rest = one<2> - multiply(d, y);
    y += shift_left(multiply(y, rest), 2);  // Q4 to Q2
  }
  return y;
}

/// exp(-2^k) in Q0 for k = -2 .. 4.
inline constexpr std::int32_t exp_of_power[7] = {1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242};

}  // namespace detail

/// exp(x) in Q0 for x in [-1/4, 0) in Q0.
constexpr std::int32_t exp_of_last_quarter(std::int32_t x) noexcept {
  using detail::multiply;
  constexpr std::int32_t eighth = 1 << 28, third = 715827883, exp_of_minus_eighth = 1895147668;
  const std::int32_t t = x + eighth;  // in [-1/8, 1/8)
  const std::int32_t t2 = multiply(t, t), t3 = multiply(t2, t), t4 = multiply(t2, t2);
  // t^2 / 2 + t^3 / 6 + t^4 / 24 = ((t^4 / 4 + t^3) / 3 + t^2) / 2
  const std::int32_t higher =
      rounding_divide_by_power_of_two(multiply(rounding_divide_by_power_of_two(t4, 2) + t3, third) + t2, 1);
  return exp_of_minus_eighth + multiply(exp_of_minus_eighth, t + higher);
}

/// exp(x) in Q0 for x <= 0 in QM; INT32_MAX for 0.
///
/// Below -32, which only M > 5 can hold, the answer is 0.
template <int M>
constexpr std::int32_t exp_of_negative(std::int32_t x) noexcept {
  static_assert(M >= 0 && M <= 29, "qformat: 0 to 29 integer bits, so that a quarter is a number");
  constexpr int fraction = 31 - M;
  constexpr std::int32_t quarter = 1 << (fraction - 2);
  if (x == 0) return one<0>;
  if constexpr (M > 5) {
    if (x < -(1 << (36 - M))) return 0;
  }
  const std::int32_t last = (x & (quarter - 1)) - quarter;  // in [-1/4, 0), and x = last - a multiple of 1/4
  const std::int32_t quarters = last - x;
  std::int32_t y = exp_of_last_quarter(last * (1 << M));
  for (int k = -2; k <= 4 && k < M; ++k)
    if ((quarters >> (fraction + k) & 1) != 0) y = detail::multiply(y, detail::exp_of_power[k + 2]);
  return y;
}

/// 1 / (1 + x) in Q0 for x in [0, 1) in Q0.
constexpr std::int32_t one_over_one_plus(std::int32_t x) noexcept {
  return detail::shift_left(detail::two_over_one_plus(x), 1);  // half of a Q2 number is the same bits in Q1
}

/// (1 - x) / (1 + x) in Q0 for x in [0, 1) in Q0.
constexpr std::int32_t one_minus_over_one_plus(std::int32_t x) noexcept {
  return detail::shift_left(detail::two_over_one_plus(x) - one<2>, 2);
}

/// 1 / (1 + exp(-x)) in Q0 for any x in QM.
template <int M>
constexpr std::int32_t logistic(std::int32_t x) noexcept {
  if (x == 0) return 1 << 30;
  const std::int32_t y = one_over_one_plus(exp_of_negative<M>(x > 0 ? -x : x));
  return x > 0 ? y : one<0> - y;
}

/// tanh(x) in Q0 for any x in QM.
template <int M>
constexpr std::int32_t tanh(std::int32_t x) noexcept {
  static_assert(M <= 28, "qformat: 2 x needs one more integer bit");
  if (x == 0) return 0;
  const std::int32_t y = one_minus_over_one_plus(exp_of_negative<M + 1>(x > 0 ? -x : x));  // exp(-2 |x|)
  return x > 0 ? y : -y;
}

}  // namespace dyadic::inline DYADIC_ABI::qformat
