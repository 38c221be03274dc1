// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <stdexcept>

#include <dyadic/quantize/lloyd_max.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"
#include "support/distributions.hpp"

namespace lloyd_max_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;
using Doubles = std::vector<double>;
constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

/// A symmetric density with its integrals in closed form, which the code under test does not have.
struct density {
  double (*mass_beyond)(double);    ///< from x >= 0 on
  double (*moment_beyond)(double);  ///< of the same, the first
  double variance;

  double mass(double from, double to) const { return mass_beyond(from) - mass_beyond(to); }
  double moment(double from, double to) const { return moment_beyond(from) - moment_beyond(to); }
};
const density normal{[](double x) { return std::erfc(x / std::sqrt(2.0)) / 2; },
                     [](double x) { return std::exp(-x * x / 2) / std::sqrt(2 * M_PI); }, 1.0};
const density laplace{[](double x) { return std::exp(-x) / 2; }, [](double x) { return (1 + x) * std::exp(-x) / 2; },
                      2.0};
constexpr double end = 300.0;  ///< beyond it there is nothing

/// The squared error of levels that are symmetric, of which `upper` are the positive ones, when the decision is exact.
double noise(const density& d, const Doubles& upper) {
  double kept = 0.0, from = 0.0;
  for (std::size_t i = 0; i < upper.size(); ++i) {
    const double to = i + 1 < upper.size() ? (upper[i] + upper[i + 1]) / 2 : end;
    const double mass = d.mass(from, to), moment = d.moment(from, to);
    kept += 2 * (2 * upper[i] * moment - upper[i] * upper[i] * mass);
    from = to;
  }
  return d.variance - kept;
}

/// Max's method of 1960: of the first positive level all others follow, one after the other; the first is right when
/// the last level is the mean of all that lies beyond. Found by bisection: no iteration over levels, nothing shared
/// with Lloyd's.
Doubles max_levels(const density& d, int n) {
  const auto build = [&](double first, Doubles& levels) {  // > 0 when `first` is too large
    levels.assign(1, first);
    double from = 0.0;
    for (int i = 0; i < n / 2; ++i) {
      // The border beyond which the mean of [from, border] would leave the level behind.
      double low = levels.back(), high = end;
      const auto mean = [&](double to) { return d.moment(from, to) / d.mass(from, to); };
      if (i + 1 == n / 2) return levels.back() - mean(end);
      if (!(mean(end) > levels.back())) return 1.0;
      for (int step = 0; step < 200; ++step) (mean((low + high) / 2) < levels.back() ? low : high) = (low + high) / 2;
      from = low;
      levels.push_back(2 * low - levels.back());
    }
    return 0.0;
  };
  double low = 0.0, high = 2.0;
  Doubles levels;
  for (int step = 0; step < 200; ++step) (build((low + high) / 2, levels) > 0 ? high : low) = (low + high) / 2;
  build(low, levels);
  return levels;
}

double db(double variance, double error) { return 10 * std::log10(variance / error); }

/// The density as the library takes it: points and weights, here the exact mass around each point.
template <std::size_t N>
codebook<N> fit_to(const density& d) {
  Floats points;
  Doubles weights;
  constexpr int steps = 1 << 15;
  const double width = 12.0 / steps * (d.variance > 1.5 ? 2.5 : 1.0);
  for (int k = -steps; k < steps; ++k) {
    const double from = std::fabs(k * width), to = std::fabs((k + 1) * width);
    points.push_back(static_cast<float>((k + 0.5) * width));
    weights.push_back(std::fabs(d.mass(from, to)));
  }
  return fit_codebook<N>(points, weights);
}

template <std::size_t N>
Doubles upper_half(const codebook<N>& book) {
  Doubles upper;
  for (std::size_t i = N / 2; i < N; ++i) upper.push_back(book.levels()[i]);
  return upper;
}

template <int Bits>
void expect_optimal(const density& d, double published) {
  constexpr std::size_t n = std::size_t{1} << Bits;
  const double reached = db(d.variance, noise(d, upper_half(fit_to<n>(d))));
  EXPECT_NEAR(reached, published, 0.01) << Bits << " bits";
  if (Bits <= 5) {  // with more levels the first no longer decides the last: it needs more than 53 bits
    const Doubles best = max_levels(d, 1 << Bits);
    EXPECT_NEAR(reached, db(d.variance, noise(d, best)), 1e-4) << Bits << " bits";
  }
}

// Max 1960, table I, as dB; in Paez and Glisson 1972 for Laplace's density.
TEST(LloydMax, ReachesMaxOnTheNormalDensity) {
  expect_optimal<1>(normal, 4.396);
  expect_optimal<2>(normal, 9.300);
  expect_optimal<3>(normal, 14.616);
  expect_optimal<4>(normal, 20.222);
  expect_optimal<5>(normal, 26.012);
  expect_optimal<6>(normal, 31.910);
  expect_optimal<7>(normal, 37.865);
  expect_optimal<8>(normal, 43.853);
}
TEST(LloydMax, ReachesTheOptimumOnLaplacesDensity) {
  expect_optimal<4>(laplace, 18.13);
  expect_optimal<8>(laplace, 41.67);
}

TEST(LloydMax, GivesMaxsLevels) {
  // Max 1960, table I, N = 2, 4, 8, 16: the positive levels, four digits.
  const Doubles tables[] = {{0.7980},
                            {0.4528, 1.510},
                            {0.2451, 0.7560, 1.344, 2.152},
                            {0.1284, 0.3881, 0.6568, 0.9424, 1.256, 1.618, 2.069, 2.733}};
  const auto compare = [](const Doubles& ours, const Doubles& table) {
    ASSERT_EQ(ours.size(), table.size());
    for (std::size_t i = 0; i < table.size(); ++i) EXPECT_NEAR(ours[i], table[i], 6e-4) << table.size() << ' ' << i;
  };
  compare(upper_half(fit_to<2>(normal)), tables[0]);
  compare(upper_half(fit_to<4>(normal)), tables[1]);
  compare(upper_half(fit_to<8>(normal)), tables[2]);
  compare(upper_half(fit_to<16>(normal)), tables[3]);
}

TEST(LloydMax, FitsDataAsItsDensity) {
  const Floats x = support::gauss_numbers(1 << 18, 3);
  const codebook<16> book = fit_codebook<16>(x);
  Floats y(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) y[i] = book.nearest(x[i]);
  EXPECT_NEAR(support::sqnr_db(x, y), 20.222, 0.03);
  // On its own data nothing is better: not the levels of the density.
  const codebook<16> of_density = fit_to<16>(normal);
  Floats z(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) z[i] = of_density.nearest(x[i]);
  EXPECT_GE(support::sqnr_db(x, y), support::sqnr_db(x, z));
}

TEST(LloydMax, DoesNotDependOnOrderOrEnvironment) {
  Floats x = support::laplace_numbers(10000, 4);
  const codebook<16> expected = fit_codebook<16>(x);
  std::reverse(x.begin(), x.end());
  EXPECT_EQ(fit_codebook<16>(x).levels(), expected.levels());
  exact::in_every_environment([&] { EXPECT_EQ(fit_codebook<16>(x).levels(), expected.levels()); });
}

TEST(LloydMax, FindsFewDifferentNumbersExactly) {
  Floats x;
  for (int i = 0; i < 1000; ++i) x.push_back(static_cast<float>(i % 4 * i % 4 - 1));
  const codebook<16> book = fit_codebook<16>(x);
  for (const float v : x) EXPECT_EQ(book.nearest(v), v);
  const codebook<4> one = fit_codebook<4>(Floats(10, 0.3F));
  EXPECT_EQ(one.nearest(5.0F), 0.3F);
}

TEST(LloydMax, FindsClustersFarApart) {
  Floats x;
  for (const float center : {-100.0F, -1.0F, 0.0F, 50.0F})
    for (int i = -50; i <= 50; ++i) x.push_back(center + static_cast<float>(i) * 1e-3F);
  const codebook<4> book = fit_codebook<4>(x);
  const float centers[] = {-100.0F, -1.0F, 0.0F, 50.0F};
  for (int c = 0; c < 4; ++c) EXPECT_NEAR(book.level(c), centers[c], 1e-4F);
}

TEST(LloydMax, SpendsOneLevelOnANumberFarAway) {
  for (const float far : {1e6F, -1e6F}) {
    Floats x = support::gauss_numbers(20000, 5);
    x[77] = far;
    const codebook<17> book = fit_codebook<17>(x);
    EXPECT_EQ(book.nearest(far), far);
    x[77] = 0.0F;
    Floats y(x.size());
    for (std::size_t i = 0; i < x.size(); ++i) y[i] = book.nearest(x[i]);
    EXPECT_GT(support::sqnr_db(x, y), 20.15);
  }
}

TEST(LloydMax, PassesOverWhatIsNotFiniteAndRefusesNothingElse) {
  Floats x{1.0F, nan, 2.0F, infinity, -infinity, 3.0F, 4.0F};
  const codebook<4> book = fit_codebook<4>(x);
  for (const float v : {1.0F, 2.0F, 3.0F, 4.0F}) EXPECT_EQ(book.nearest(v), v);
  EXPECT_EQ(text_of(try_fit_codebook<4>(Floats{nan, infinity})),
            "fit_codebook: 2 numbers of which none is finite, expected at least one");
  EXPECT_FALSE(try_fit_codebook<4>(Floats{}));
  EXPECT_TRUE(try_fit_codebook<4>(Floats{-0x1.fffffep127F, 0x1.fffffep127F, 0x1p-149F}));
  EXPECT_THROW(fit_codebook<4>(Floats{}), std::invalid_argument);
}

TEST(LloydMax, RefusesDensitiesThatAreNone) {
  using Weights = Doubles;
  EXPECT_EQ(text_of(try_fit_codebook<4>(Floats{1, 2}, Weights{1})), "fit_codebook: 1 weights for 2 points");
  EXPECT_EQ(text_of(try_fit_codebook<4>(Floats{1, 1}, Weights{1, 1})),
            "fit_codebook: point 1 is 1, expected finite and increasing points");
  EXPECT_EQ(text_of(try_fit_codebook<4>(Floats{1, 2}, Weights{1, -1})), "fit_codebook: weight 1 is -1, expected >= 0");
  EXPECT_EQ(text_of(try_fit_codebook<4>(Floats{1, 2}, Weights{0, 0})),
            "fit_codebook: the weights add up to 0, expected finite and > 0");
  EXPECT_FALSE(try_fit_codebook<4>(Floats{1, 2}, Weights{1, NAN}));
  EXPECT_FALSE(try_fit_codebook<4>(Floats{}, Weights{}));
}

TEST(LloydMax, CubeRootIsThatOfTheMathematicalLibrary) {
  for (double x = 1e-30; x < 1e30; x *= 1.37) EXPECT_NEAR(detail::cube_root(x) / std::cbrt(x), 1.0, 4e-15) << x;
  EXPECT_EQ(detail::cube_root(0.0), 0.0);
}

}  // namespace lloyd_max_test
