// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>
#include <Eigen/Core>

#include <stdexcept>

#include <dyadic/calibrate/moving_average_min_max.hpp>
#include <dyadic/calibrate/per_row.hpp>
#include <dyadic/calibrate/range_choice.hpp>

#include "support/data.hpp"

namespace per_row_test {

using namespace dyadic;
using support::text_of;

template <class Observer>
concept merges = requires(per_row<Observer>& a, const per_row<Observer>& b) {
  a.try_merge(b);
};
static_assert(merges<min_max> && merges<histogram> && !merges<moving_average_min_max>);

TEST(PerRow, GivesEachRowItsObserver) {
  const Eigen::MatrixXf x = Eigen::MatrixXf::Random(5, 40), y = Eigen::MatrixXf::Random(5, 7);
  per_row<min_max> rows;
  per_row<histogram> histograms(5, histogram(16));
  rows.observe(x);
  rows.observe(y);
  histograms.observe(x);
  histograms.observe(y);
  ASSERT_EQ(rows.rows(), 5);
  for (index_t i = 0; i < 5; ++i) {
    EXPECT_EQ(range_min_max(rows[i]).lo, std::min(x.row(i).minCoeff(), y.row(i).minCoeff()));
    EXPECT_EQ(range_min_max(rows[i]).hi, std::max(x.row(i).maxCoeff(), y.row(i).maxCoeff()));
    histogram one(16);
    one.observe(x.row(i));
    one.observe(y.row(i));
    EXPECT_EQ(histograms[i], one);
    EXPECT_EQ(histograms[i].max_bins(), 16);
  }
  per_row<min_max> columns;
  columns.observe(x.transpose());
  EXPECT_EQ(columns.rows(), 40);
  EXPECT_EQ(columns.observers().size(), 40U);
}

TEST(PerRow, MergesShards) {
  const Eigen::MatrixXf x = Eigen::MatrixXf::Random(5, 40);
  per_row<histogram> all, left, right, empty;
  all.observe(x);
  left.observe(x.leftCols(13));
  right.observe(x.rightCols(27));
  left.merge(right);
  left.merge(empty);
  empty.merge(left);
  EXPECT_EQ(left, all);
  EXPECT_EQ(empty, all);
}

TEST(PerRow, MergesOnlyTheSameSettings) {
  per_row<histogram> rows(2, histogram(16)), finer(0, histogram(32)), full(2, histogram(16));
  const Eigen::MatrixXf x = Eigen::MatrixXf::Random(2, 4);
  rows.observe(x);
  full.observe(x);
  EXPECT_EQ(text_of(rows.try_merge(finer)), "histogram: merging one of 32 bins into one of 16, expected the same");
  EXPECT_EQ(text_of(per_row<histogram>().try_merge(rows)),
            "histogram: merging one of 16 bins into one of 2048, expected the same");
  EXPECT_EQ(rows, full);
  for (int doubling = 0; doubling < 61; ++doubling) rows.merge(rows);
  const per_row<histogram> before = rows;  // 2^63 numbers a row
  EXPECT_EQ(rows.try_merge(before).error().code(), errc::overflow);
  EXPECT_EQ(rows, before);
  EXPECT_EQ(*per_row<histogram>::try_load(rows.save()), rows);
}

TEST(PerRow, RefusesAnotherNumberOfRows) {
  const Eigen::MatrixXf x = Eigen::MatrixXf::Zero(3, 2), y = Eigen::MatrixXf::Zero(4, 2);
  per_row<min_max> rows, other;
  rows.observe(x);
  other.observe(y);
  EXPECT_EQ(text_of(rows.try_observe(y)), "per_row: 4 rows observed, expected 3");
  EXPECT_EQ(text_of(rows.try_merge(other)), "per_row: merging 4 rows into 3, expected the same");
  EXPECT_EQ(rows[0].seen().finite, 2U);
  EXPECT_EQ(text_of(rows.try_observe(strided<const float>(nullptr, 3, 2))), "per_row: x: null data for 3 x 2 elements");
  EXPECT_THROW(rows.observe(y), std::invalid_argument);
}

}  // namespace per_row_test
