// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Divergences against closed forms of two classes and against the textbook sum in long double.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <dyadic/trust/divergence.hpp>

#include "support/data.hpp"

namespace divergence_test {

using dyadic::index_t;
using support::text_of;

dyadic::result<dyadic::divergence> of(const std::vector<float>& r, const std::vector<float>& q, index_t classes) {
  return dyadic::try_divergence({r.data(), static_cast<index_t>(r.size()) / classes, classes},
                                {q.data(), static_cast<index_t>(q.size()) / classes, classes});
}
double one(const std::vector<float>& r, const std::vector<float>& q) {
  return of(r, q, static_cast<index_t>(r.size()))->mean;
}

// p = (1/2, 1/2) and logits (d, 0): KL = log cosh(d / 2), of small d (d^2 / 8) (1 - d^2 / 24 + d^4 / 360). Logarithms
// carry errors of some 2^-53, that is 2^-33 of d = 2^-20: so much of the result is right, and twice the error. It is
// 10^-13 there; -sum p log(q / p) would be all rounding.
TEST(Divergence, OfTwoClassesIsTheLogarithmOfACosine) {
  for (const float d : {0x1p-20F, 0x1p-12F, 0x1p-8F, 0x1p-6F}) {
    const double x = static_cast<double>(d);
    EXPECT_NEAR(one({0, 0}, {d, 0}) / (x * x / 8 * (1 - x * x / 24 + x * x * x * x / 360)), 1, 16 * 0x1p-53 / x) << d;
  }
  for (const float d : {0.03F, 0.5F, 3.0F, 20.0F, -7.0F})
    EXPECT_NEAR(one({0, 0}, {d, 0}), std::log(std::cosh(static_cast<double>(d) / 2)), 1e-14 * std::abs(d) + 1e-15);
  // Far apart: log cosh(500) = 500 - log 2; and p that is all in one class, which q holds to be e^-800.
  EXPECT_NEAR(one({0, 0}, {1000, 0}), 500 - std::log(2.0), 1e-12);
  EXPECT_NEAR(one({800, 0}, {0, 800}), 800, 1e-12);
  EXPECT_NEAR(one({800, 0, 0}, {0, 0, 0}), std::log(3.0), 1e-15) << "classes without any p count too";
}

long double textbook(const float* r, const float* q, index_t n) {
  const auto log_softmax = [n](const float* x) {
    long double sum = 0;
    for (index_t j = 0; j < n; ++j) sum += std::exp(static_cast<long double>(x[j]));
    std::vector<long double> all;
    for (index_t j = 0; j < n; ++j) all.push_back(static_cast<long double>(x[j]) - std::log(sum));
    return all;
  };
  const auto p = log_softmax(r), s = log_softmax(q);
  long double sum = 0;
  for (std::size_t j = 0; j < p.size(); ++j) sum += std::exp(p[j]) * (p[j] - s[j]);
  return sum;
}

TEST(Divergence, IsTheTextbookSumRowByRow) {
  constexpr index_t rows = 300, classes = 10;
  const auto r = support::normal_numbers(rows * classes, 1, 4.0F);
  auto q = support::normal_numbers(rows * classes, 2, 0.3F);
  for (std::size_t i = 0; i < q.size(); ++i) q[i] += r[i];
  const auto found = of(r, q, classes);
  ASSERT_TRUE(found) << text_of(found);
  long double sum = 0, squares = 0;
  std::vector<double> all;
  index_t same = 0;
  for (index_t i = 0; i < rows; ++i) {
    const float *a = r.data() + i * classes, *b = q.data() + i * classes;
    const long double d = textbook(a, b, classes);
    EXPECT_NEAR(found->rows[static_cast<std::size_t>(i)], static_cast<double>(d), 1e-14);
    EXPECT_GE(found->rows[static_cast<std::size_t>(i)], 0);
    sum += d, squares += d * d;
    all.push_back(found->rows[static_cast<std::size_t>(i)]);
    same += std::max_element(a, a + classes) - a == std::max_element(b, b + classes) - b;
  }
  const long double mean = sum / rows, variance = (squares - rows * mean * mean) / (rows - 1);
  EXPECT_NEAR(found->mean, static_cast<double>(mean), 1e-13);
  EXPECT_NEAR(found->standard_error, static_cast<double>(std::sqrt(variance / rows)), 1e-12);
  std::sort(all.begin(), all.end());
  EXPECT_EQ(found->median, all[149]);
  EXPECT_EQ(found->percentile_90, all[269]);
  EXPECT_EQ(found->percentile_99, all[296]);
  EXPECT_EQ(found->largest, all[299]);
  EXPECT_EQ(found->same_top, same);
  EXPECT_LT(same, rows);
  EXPECT_EQ(found->same_top_rate(), static_cast<double>(same) / rows);
}

TEST(Divergence, OfEqualLogitsIsZeroAndShiftsAreNothing) {
  const auto r = support::normal_numbers(50, 3, 5.0F);
  EXPECT_EQ(of(r, r, 10)->largest, 0);
  EXPECT_EQ(of(r, r, 10)->same_top_rate(), 1);
  EXPECT_EQ(of(r, r, 10)->standard_error, 0);
  EXPECT_EQ(one({1, 2, 4}, {33, 34, 36}), 0);
  EXPECT_TRUE(std::isnan(of(r, r, 50)->standard_error));
}

TEST(Divergence, RowsCanComeInBatchesAndShards) {
  const auto r = support::normal_numbers(600, 4, 4.0F), q = support::normal_numbers(600, 5, 4.0F);
  const auto whole = *of(r, q, 6);
  const auto part = [&](index_t first, index_t n) {
    return std::pair{dyadic::strided<const float>(r.data() + 6 * first, n, 6),
                     dyadic::strided<const float>(q.data() + 6 * first, n, 6)};
  };
  dyadic::divergence_rows front, back;
  for (const index_t i : {0, 20, 40}) front.observe(part(i, 20).first, part(i, 20).second);
  back.observe(part(60, 40).first, part(60, 40).second);
  front.merge(back);
  const dyadic::divergence parts = front.figures();
  EXPECT_EQ(parts.rows, whole.rows);
  EXPECT_EQ(parts.mean, whole.mean);
  EXPECT_EQ(parts.standard_error, whole.standard_error);
  EXPECT_EQ(parts.percentile_99, whole.percentile_99);
  EXPECT_EQ(parts.same_top, whole.same_top);

  // Rows are counted over all calls, and a refused call adds none.
  std::vector<float> bad(q.begin(), q.begin() + 12);
  bad[7] = std::numeric_limits<float>::infinity();
  EXPECT_EQ(text_of(front.try_observe({r.data(), 2, 6}, {bad.data(), 2, 6})),
            "divergence: result: logit 1 of row 101 is inf, expected a finite number");
  EXPECT_EQ(front.figures().rows.size(), 100U);
}

TEST(Divergence, WhatDoesNotFitIsRefused) {
  const auto nan = std::numeric_limits<float>::quiet_NaN(), inf = std::numeric_limits<float>::infinity();
  const std::vector<float> good{1, 2, 3, 4, 5, 6};
  std::vector<float> bad = good;
  bad[3] = nan;
  EXPECT_EQ(text_of(of(good, bad, 2)), "divergence: result: logit 1 of row 1 is nan, expected a finite number");
  EXPECT_EQ(text_of(of(bad, good, 3)), "divergence: reference: logit 0 of row 1 is nan, expected a finite number");
  bad[3] = -inf;
  EXPECT_EQ(text_of(of(good, bad, 2)), "divergence: result: logit 1 of row 1 is -inf, expected a finite number");
  EXPECT_EQ(text_of(dyadic::try_divergence({good.data(), 2, 3}, {good.data(), 3, 2})),
            "divergence: logits of 2 x 3 and of 3 x 2, expected the same shape");
  EXPECT_EQ(text_of(of({}, {}, 3)), "divergence: 0 rows, expected at least 1");
  EXPECT_EQ(text_of(of(good, good, 1)), "divergence: 1 classes, expected at least 2");
  EXPECT_EQ(of(good, good, 1).error().code(), dyadic::errc::no_data);
  EXPECT_THROW(static_cast<void>(dyadic::divergence_of({good.data(), 6, 1}, {good.data(), 6, 1})),
               std::invalid_argument);
}

}  // namespace divergence_test
