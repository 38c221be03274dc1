// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Tail probabilities and quantiles of the normal, chi-square and binomial distributions, in double.
//
// Relative accuracy 1e-12 for counts up to 10^5 and 1e-11 up to 10^9, in tails down to 1e-290 too (where 1 - p is
// exact). Differences of log gammas, whose sheer size drowns a small result at large counts, do not occur: everything
// rests on two small quantities of C. Loader (2000), "Fast and accurate computation of binomial probabilities", the
// error of Stirling's formula and the deviance.
#pragma once

#include <cmath>
#include <limits>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

inline constexpr double pi = 3.14159265358979323846;

/// log(gamma(x + 1)) - ((x + 1/2) log x - x + log(2 pi) / 2), x > 0: below 1/(12 x).
inline double stirling_error(double x) noexcept {
  double shifted = 0;
  // From x + 1 to x: what one more factor x + 1 changes.
  for (; x < 16; x += 1) shifted += (x + 0.5) * std::log1p(1 / x) - 1;
  const double y = 1 / (x * x);  // DLMF 5.11.1; the first term left out is below 2e-16
  return shifted + (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y / 1188)))) / x;
}

/// x log(x / m) + m - x >= 0, x and m > 0; without cancellation where x is near m.
inline double deviance(double x, double m) noexcept {
  const double t = (x - m) / (x + m);
  if (!(t > -0.1 && t < 0.1)) return x * std::log(x / m) + m - x;
  double sum = 0, power = t * t * t;  // x log(x / m) = 2x (t + t^3/3 + t^5/5 + ...)
  for (int n = 3; n < 21; n += 2, power *= t * t) sum += power / n;
  return (x - m) * t + 2 * x * sum;
}

/// The value of b0 + a1/(b1 + a2/(b2 + ...)) by Lentz's method; terms(n, a, b) sets the n-th pair.
template <class Terms>
double continued_fraction(double b0, const Terms& terms) noexcept {
  constexpr double tiny = 1e-300;
  double value = b0 == 0 ? tiny : b0, c = value, d = 0;
  for (int n = 1; n < 2'000'000; ++n) {
    double a = 0, b = 0;
    terms(n, a, b);
    d = b + a * d;
    c = b + a / c;
    d = 1 / (d == 0 ? tiny : d);
    c = c == 0 ? tiny : c;
    value *= c * d;
    if (std::fabs(c * d - 1) < 3e-16) break;
  }
  return value;
}

/// x^a (1 - x)^b / B(a, b), a and b > 0, with y = 1 - x given apart.
inline double beta_density(double x, double y, double a, double b) noexcept {
  const double n = a + b;
  const double log_term =
      stirling_error(n) - stirling_error(a) - stirling_error(b) - deviance(a, n * x) - deviance(b, n * y);
  return std::exp(log_term) * std::sqrt(a * (b / n) / (2 * pi));
}

/// The regularized incomplete beta function I_x(a, b), x < (a + 1)/(a + b + 2). DLMF 8.17.22.
inline double beta_fraction(double x, double y, double a, double b) noexcept {
  const double value = continued_fraction(1.0, [=](int n, double& numerator, double& denominator) {
    const int m = n / 2;
    numerator = n % 2 == 0 ? m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
                           : -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
    denominator = 1;
  });
  return beta_density(x, y, a, b) / (a * value);
}

}  // namespace detail

/// P(Z > x) of a standard normal Z.
inline double normal_upper(double x) noexcept { return 0.5 * std::erfc(x * 0.70710678118654752440); }

/// The x with P(Z <= x) = p; -infinity for 0, infinity for 1, NaN outside [0, 1].
///
/// Newton's method on log P(Z > x), which is concave: from a start beyond the root it comes down without overshooting.
inline double normal_quantile(double p) noexcept {
  if (!(p >= 0 && p <= 1)) return std::numeric_limits<double>::quiet_NaN();
  const double tail = p < 0.5 ? p : 1 - p, sign = p < 0.5 ? -1 : 1;
  if (tail == 0) return sign * std::numeric_limits<double>::infinity();
  double x = std::sqrt(-2 * std::log(2 * tail));  // P(Z > x) <= exp(-x^2 / 2) / 2
  for (int i = 0; i < 40; ++i) {
    const double q = normal_upper(x), density = std::exp(-0.5 * x * x) / std::sqrt(2 * detail::pi);
    const double step = std::log(q / tail) * q / density;
    x += step;
    if (std::fabs(step) <= 1e-15 * std::fabs(x)) break;
  }
  return sign * x;
}

/// Q(a, x) = gamma(a, x) / gamma(a), the upper regularized incomplete gamma function; a > 0, x >= 0, else NaN.
/// DLMF 8.11.4 (series) and 8.9.2 (fraction).
inline double gamma_upper(double a, double x) noexcept {
  if (!(a > 0 && x >= 0)) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0) return 1;
  if (x > (std::numeric_limits<double>::max)()) return 0;
  // x^a exp(-x) / gamma(a + 1)
  const double term = std::exp(-detail::deviance(a, x) - detail::stirling_error(a)) / std::sqrt(2 * detail::pi * a);
  if (x < a + 1) {
    double sum = 1, product = 1;
    for (double n = 1; product > 1e-17 * sum; n += 1) sum += product *= x / (a + n);
    return 1 - term * sum;
  }
  const double fraction = detail::continued_fraction(x + 1 - a, [=](int n, double& numerator, double& denominator) {
    numerator = n * (a - n);
    denominator = x + 1 - a + 2.0 * n;
  });
  return term * a / fraction;
}

/// P(X >= x) of a chi-square distribution.
inline double chi_square_upper(double x, double degrees_of_freedom) noexcept {
  return gamma_upper(0.5 * degrees_of_freedom, 0.5 * x);
}

/// I_x(a, b), the regularized incomplete beta function; a and b > 0, x in [0, 1], else NaN. DLMF 8.17.
inline double beta_lower(double x, double a, double b) noexcept {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) return std::numeric_limits<double>::quiet_NaN();
  if (x == 0 || x == 1) return x;
  return x * (a + b + 2) < a + 1 ? detail::beta_fraction(x, 1 - x, a, b) : 1 - detail::beta_fraction(1 - x, x, b, a);
}

namespace detail {
/// P(X <= k), X binomial of n trials of chance p, with q = 1 - p given apart: I_q(n - k, k + 1).
inline double binomial_lower(index_t k, index_t n, double p, double q) noexcept {
  if (!(p >= 0 && q >= 0)) return std::numeric_limits<double>::quiet_NaN();
  if (k < 0) return 0;
  if (k >= n || p == 0) return 1;
  if (q == 0) return 0;
  const auto a = static_cast<double>(n - k), b = static_cast<double>(k + 1);
  return q * (a + b + 2) < a + 1 ? beta_fraction(q, p, a, b) : 1 - beta_fraction(p, q, b, a);
}
}  // namespace detail

/// P(X <= k) of n >= 0 trials of chance p; NaN when p is no chance.
inline double binomial_lower(index_t k, index_t n, double p) noexcept { return detail::binomial_lower(k, n, p, 1 - p); }
/// P(X >= k).
inline double binomial_upper(index_t k, index_t n, double p) noexcept {
  return detail::binomial_lower(n - k, n, 1 - p, p);
}

}  // namespace dyadic::inline DYADIC_ABI
