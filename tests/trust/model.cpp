// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What may stand as a model or a gradient, and what a model's answer must be.
#include <gtest/gtest.h>

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <limits>

#include <dyadic/trust/model.hpp>

#include "support/data.hpp"
#include "support/networks.hpp"

namespace model_test {

using dyadic::batch;
using dyadic::gradient_ref;
using dyadic::index_t;
using dyadic::model_ref;
using dyadic::result;
using dyadic::run_output;
using dyadic::strided;
using support::text_of;

const std::vector<float> numbers{1, 2, 3, 4, 5, 6};
const batch x{{numbers.data(), 3, 2}};

/// Scores 10 x0 + x1 and x0 - x1, as some kind of matrix.
template <class Matrix>
Matrix scored(const batch& b) {
  Matrix y(b.rows.rows(), 2);
  for (index_t i = 0; i < b.rows.rows(); ++i)
    y(i, 0) = 10 * b.rows(i, 0) + b.rows(i, 1), y(i, 1) = b.rows(i, 0) - b.rows(i, 1);
  return y;
}

void expect_scores(model_ref model) {
  const auto y = model(x);
  ASSERT_TRUE(y) << text_of(y);
  EXPECT_EQ(y->shape, (dyadic::image_shape{3, 1, 1, 2}));
  EXPECT_EQ(std::vector<float>(y->values.begin(), y->values.end()), (std::vector<float>{12, -1, 34, -1, 56, -1}));
  EXPECT_TRUE(y->codes.empty());
}

TEST(Model, AnyMatrixIsAnAnswer) {
  using row_major = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  auto columns = scored<Eigen::MatrixXf>;
  const auto rows = [](const batch& b) { return scored<row_major>(b); };
  row_major memory;
  auto borrowed = [&](const batch& b) {
    memory = scored<row_major>(b);
    return strided<const float>(memory);
  };
  expect_scores(columns);
  expect_scores(rows);
  expect_scores(borrowed);
}

TEST(Model, ThePlanAndItsResults) {
  support::integers random(1);
  const auto fc = support::make_linear(random, 2, 3);
  const auto net = [&](const auto& t) { return fc(t); };
  const auto plan = dyadic::try_calibrate(net, std::array{x});
  ASSERT_TRUE(plan) << text_of(plan);
  const auto codes = [&](const batch& b) { return plan->try_run(net, b); };
  const auto y = model_ref(codes)(x);
  ASSERT_TRUE(y);
  EXPECT_TRUE(support::same_output(*y, *plan->try_run(net, x)));
  EXPECT_EQ(y->codes.size(), 9);
#if DYADIC_EXCEPTIONS
  const auto thrower = [&](const batch& b) { return plan->run(net, b); };
  EXPECT_TRUE(support::same_output(*model_ref(thrower)(x), *y));
#endif
  const batch wide{{numbers.data(), 2, 3}};
  EXPECT_EQ(text_of(model_ref(codes)(wide)), text_of(plan->try_run(net, wide)));
}

TEST(Model, ATemporaryIsNotBorrowed) {
  const auto model = [](const batch& b) { return scored<Eigen::MatrixXf>(b); };
  const auto slope = [](const batch&, strided<const float>, strided<float>) {};
  static_assert(std::is_convertible_v<decltype((model)), model_ref>);
  static_assert(!std::is_convertible_v<std::remove_const_t<decltype(model)>, model_ref>);
  static_assert(std::is_convertible_v<decltype((slope)), gradient_ref>);
  static_assert(!std::is_convertible_v<std::remove_const_t<decltype(slope)>, gradient_ref>);
  static_assert(!std::is_convertible_v<decltype((slope)), model_ref>);
}

TEST(Model, AGradientReturnsNothingOrAResult) {
  float seen = 0;
  const auto silent = [&](const batch&, strided<const float> w, strided<float> g) { g(0, 0) = 2 * w(0, 0); };
  const auto speaks = [&](const batch&, strided<const float> w, strided<float>) -> result<void> {
    seen = w(0, 0);
    return dyadic::failure(dyadic::errc::no_data, "no slope today");
  };
  float weight = 4, slope = 0;
  EXPECT_TRUE(gradient_ref(silent)(x, {&weight, 1, 1}, {&slope, 1, 1}));
  EXPECT_EQ(slope, 8);
  EXPECT_EQ(text_of(gradient_ref(speaks)(x, {&weight, 1, 1}, {&slope, 1, 1})), "no slope today");
  EXPECT_EQ(seen, 4);
  EXPECT_FALSE(gradient_ref());
  EXPECT_TRUE(gradient_ref(silent));
}

TEST(Model, TheFirstOfTheLargestAnswers) {
  const auto ties = [](const batch&) {
    Eigen::MatrixXf y(3, 3);
    y << 1, 2, 2, 5, 5, 5, -3, -2, -1;
    return y;
  };
  const auto y = model_ref(ties)(x);
  ASSERT_TRUE(y);
  EXPECT_EQ(dyadic::top_class(*y, 0), 1);
  EXPECT_EQ(dyadic::top_class(*y, 1), 0);
  EXPECT_EQ(dyadic::top_class(*y, 2), 2);
}

TEST(ModelErrors, SayWhatWasGiven) {
  const auto of = [](index_t rows, index_t cols, float value) {
    return [=](const batch&) { return Eigen::MatrixXf(Eigen::MatrixXf::Constant(rows, cols, value)); };
  };
  const auto few = of(2, 4, 0), none = of(3, 0, 0), nan = of(3, 2, std::nanf("")),
             infinite = of(3, 2, std::numeric_limits<float>::infinity());
  EXPECT_EQ(text_of(model_ref(few)(x)), "model: scores of 2 x 4 for 3 images, expected one row an image");
  EXPECT_EQ(text_of(model_ref(none)(x)), "model: scores of 3 x 0 for 3 images, expected one row an image");
  EXPECT_EQ(text_of(model_ref(nan)(x)), "model: score 0 of image 0 is NaN, expected a number");
  EXPECT_TRUE(model_ref(infinite)(x)) << "infinities have an order";
  const auto half = [](const batch&) {
    run_output y;
    y.shape = {3, 1, 1, 2};
    return y;
  };
  EXPECT_FALSE(model_ref(half)(x)) << "a shape without numbers";
}

}  // namespace model_test
