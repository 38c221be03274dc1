// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Integrated gradients: closed forms, networks through the adjoint, the gap of a surrogate, and refusals.
#include <gtest/gtest.h>

#include <Eigen/Core>
#include <array>
#include <cmath>

#include <dyadic/network/adjoint.hpp>
#include <dyadic/trust/integrated_gradients.hpp>

#include "support/data.hpp"
#include "support/random_network.hpp"

namespace integrated_gradients_test {

using dyadic::batch;
using dyadic::index_t;
using dyadic::input_parts;
using dyadic::question;
using dyadic::strided;
using support::images;
using support::integers;
using support::text_of;
using numbers = std::vector<float>;

/// sum over j of x_j^power, its slope, and both wrapped as a model of one score.
struct powers {
  int power;
  Eigen::MatrixXf operator()(const batch& x) const {
    Eigen::MatrixXf y(x.rows.rows(), 1);
    for (index_t i = 0; i < x.rows.rows(); ++i) {
      float sum = 0;
      for (index_t j = 0; j < x.rows.cols(); ++j) sum += raised(x.rows(i, j), power);
      y(i, 0) = sum;
    }
    return y;
  }
  void operator()(const batch& x, strided<const float> weights, strided<float> gradient) const {
    for (index_t i = 0; i < x.rows.rows(); ++i)
      for (index_t j = 0; j < x.rows.cols(); ++j)
        gradient(i, j) = weights(i, 0) * static_cast<float>(power) * raised(x.rows(i, j), power - 1);
  }
  static float raised(float v, int n) {
    float made = 1;
    while (n-- > 0) made *= v;
    return made;
  }
};

TEST(IntegratedGradients, ClosedForms) {
  const numbers x{1.0F, 0.5F, -2.0F}, zero(3, 0.0F);
  const input_parts parts = dyadic::single_numbers(3);
  const question q{.x = {{x.data(), 1, 3}}, .baseline = zero, .parts = parts};
  const powers line{1}, square{2}, cube{3};
  const auto first = dyadic::try_explain_by_gradients(line, line, q, {.steps = 1});
  ASSERT_TRUE(first);
  EXPECT_EQ(first->values, (std::vector<double>{1, 0.5, -2}));
  EXPECT_EQ(first->gap(), 0.0);
  // The midpoint rule is exact for a slope that is linear: x^2. 64 midpoints are exact in floats here.
  const auto second = dyadic::try_explain_by_gradients(square, square, q);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->values, (std::vector<double>{1, 0.25, 4}));
  EXPECT_EQ(second->gap(), 0.0);
  EXPECT_EQ(second->evaluations, 66);
  // Of x^3 it misses the share 1 / (4 m^2): the mean of 3 t^2 over midpoints is 1 - 1 / (4 m^2).
  for (const index_t m : {1, 2, 4, 16}) {
    const auto third = dyadic::try_explain_by_gradients(cube, cube, q, {.steps = m});
    ASSERT_TRUE(third);
    const double share = 1 - 1 / (4.0 * static_cast<double>(m * m));
    for (std::size_t j = 0; j < 3; ++j)
      EXPECT_DOUBLE_EQ(third->values[j], share * std::pow(static_cast<double>(x[j]), 3));
    EXPECT_NEAR(third->relative_gap(), 1 - share, 1e-15);
    question few = q;
    few.batch_size = 3;
    EXPECT_EQ(dyadic::try_explain_by_gradients(cube, cube, few, {.steps = m})->values, third->values);
  }
}

TEST(IntegratedGradients, PartsAreSumsAndBatchesChangeNothing) {
  integers random(3);
  const images x = support::make_images(random, 1, 6, 6, 2);
  const auto net = support::network_maker(random, x.all().shape()).make(8);
  const auto real = [&](const batch& b) {
    dyadic::real run;
    const auto y = net(input(run, b));
    return Eigen::MatrixXf(Eigen::Map<const Eigen::Matrix<float, -1, -1, Eigen::RowMajor>>(y.data(), y.shape().images,
                                                                                           y.shape().features()));
  };
  const auto slope = [&](const batch& b, strided<const float> w, strided<float> g) {
    return dyadic::try_input_gradient(net, b, w, g);
  };
  const numbers zero(72, 0.0F);
  const input_parts alone = dyadic::single_numbers(72), patches = *dyadic::try_patches({1, 6, 6, 2}, {3, 2});
  question q{.x = x.all(), .baseline = zero, .parts = alone};
  const auto fine = dyadic::try_explain_by_gradients(real, slope, q, {.steps = 50});
  ASSERT_TRUE(fine) << text_of(fine);
  for (const index_t rows : {1, 7, 50}) {
    q.batch_size = rows;
    EXPECT_EQ(dyadic::try_explain_by_gradients(real, slope, q, {.steps = 50})->values, fine->values);
  }
  const auto coarse =
      dyadic::try_explain_by_gradients(real, slope, {.x = x.all(), .baseline = zero, .parts = patches}, {.steps = 50});
  ASSERT_TRUE(coarse);
  std::vector<double> sums(static_cast<std::size_t>(patches.count));
  for (std::size_t j = 0; j < 72; ++j) sums[static_cast<std::size_t>(patches.of[j])] += fine->values[j];
  // Each of 12 terms is rounded at most a dozen times in one order and once in the other.
  for (std::size_t p = 0; p < sums.size(); ++p) {
    double size = 0;
    for (std::size_t j = 0; j < 72; ++j)
      if (patches.of[j] == static_cast<std::int32_t>(p)) size += std::abs(fine->values[j]);
    EXPECT_NEAR(coarse->values[p], sums[p], 13 * 0x1p-53 * size);
  }
}

// A network of a linear layer: its gradient is its weights, and the values are w (x - x') whatever is asked. Compared
// with the integer network, the gap is exactly the difference between the two networks' changes.
TEST(IntegratedGradients, OfASurrogateTheGapIsTheDifference) {
  integers random(4);
  const images seen = support::make_images(random, 8, 1, 1, 12);
  const auto fc = support::make_linear(random, 12, 3);
  const auto net = [&](const auto& x) { return fc(x); };
  const auto plan = dyadic::try_calibrate(net, std::array{seen.all()}, {.weights = dyadic::u4_per_row});
  ASSERT_TRUE(plan);
  const auto int4 = [&](const batch& b) { return plan->try_run(net, b); };
  const auto real = [&](const batch& b) { return plan->try_run_real(net, b); };
  const auto slope = [&](const batch& b, strided<const float> w, strided<float> g) {
    return dyadic::try_input_gradient(net, b, w, g);
  };
  const numbers zero(12, 0.0F);
  const input_parts parts = dyadic::single_numbers(12);
  const question q{.x = seen.some(0, 1), .baseline = zero, .parts = parts, .target = 2};
  const auto of_real = dyadic::try_explain_by_gradients(real, slope, q),
             of_codes = dyadic::try_explain_by_gradients(int4, slope, q);
  ASSERT_TRUE(of_real && of_codes);
  EXPECT_EQ(of_codes->values, of_real->values);
  for (std::size_t j = 0; j < 12; ++j)
    EXPECT_DOUBLE_EQ(of_real->values[j], static_cast<double>(fc.weights().weight()(2, static_cast<index_t>(j))) *
                                             static_cast<double>(seen.numbers[j]));
  // 14 roundings of floats of a sum whose terms are these.
  double size = 1;
  for (const double v : of_real->values) size += std::abs(v);
  EXPECT_LE(of_real->gap(), 14 * 0x1p-24 * size);
  EXPECT_NEAR(of_codes->gap(), std::abs(of_real->change() - of_codes->change()), 14 * 0x1p-24 * size);
  EXPECT_GT(of_codes->gap(), of_real->gap());
  EXPECT_GT(of_codes->relative_gap(), 0);
}

TEST(IntegratedGradients, NothingChangedButSomethingAttributed) {
  const numbers x{1, -1}, zero(2, 0.0F);
  const input_parts parts = dyadic::single_numbers(2);
  const auto flat = [](const batch& b) { return Eigen::MatrixXf(Eigen::MatrixXf::Zero(b.rows.rows(), 1)); };
  const auto slope = [](const batch& b, strided<const float>, strided<float> g) {
    for (index_t i = 0; i < b.rows.rows(); ++i) g(i, 0) = 1, g(i, 1) = 0;
  };
  const auto e =
      dyadic::try_explain_by_gradients(flat, slope, {.x = {{x.data(), 1, 2}}, .baseline = zero, .parts = parts});
  ASSERT_TRUE(e);
  EXPECT_TRUE(std::isinf(e->relative_gap()));
}

TEST(IntegratedGradientsErrors, SayWhatWasGiven) {
  const numbers x{1, 2}, zero(2, 0.0F);
  const input_parts parts = dyadic::single_numbers(2);
  const question q{.x = {{x.data(), 1, 2}}, .baseline = zero, .parts = parts};
  const powers square{2};
  EXPECT_EQ(text_of(dyadic::try_explain_by_gradients(square, square, q, {.steps = 0})),
            "integrated gradients: 0 steps, expected at least 1");
  EXPECT_EQ(text_of(dyadic::try_explain_by_gradients(square, {}, q)), "integrated gradients: no gradient is given");
  const auto nan = [](const batch& b, strided<const float>, strided<float> g) {
    for (index_t i = 0; i < b.rows.rows(); ++i) g(i, 0) = 0, g(i, 1) = i == 3 ? std::nanf("") : 0;
  };
  EXPECT_EQ(text_of(dyadic::try_explain_by_gradients(square, nan, q)),
            "integrated gradients: gradient 1 at step 3 is nan, expected a number");
  const auto refuses = [](const batch&, strided<const float>, strided<float>) -> dyadic::result<void> {
    return dyadic::failure(dyadic::errc::no_data, "uphill");
  };
  EXPECT_EQ(text_of(dyadic::try_explain_by_gradients(square, refuses, q)), "uphill");
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(dyadic::explain_by_gradients(square, {}, q), std::invalid_argument);
#endif
}

}  // namespace integrated_gradients_test
