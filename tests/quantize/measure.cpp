// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include <dyadic/quantize/measure.hpp>

#include "support/data.hpp"

namespace measure_test {

using namespace dyadic;
using support::text_of;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

/// Params of every element range, found one number at a time.
template <scheme S, profile P>
void expect_measured(const strided<const float>& x) {
  const params<S> p = measure<S, P>(x);
  ASSERT_EQ(p.count(), params_count(S, x.rows(), x.cols()));
  for (index_t at = 0; at < p.count(); ++at) {
    range r{};
    for (index_t i = 0; i < x.rows(); ++i)
      for (index_t j = 0; j < x.cols(); ++j)
        if (params_index(S, x.cols(), i, j) == at && x(i, j) - x(i, j) == 0.0F) {
          r.lo = x(i, j) < r.lo ? x(i, j) : r.lo;
          r.hi = x(i, j) > r.hi ? x(i, j) : r.hi;
        }
    const chosen c = choose<S, P>(r);
    EXPECT_EQ(p.scale(at), c.scale) << at;
    EXPECT_EQ(p.zero_point(at), c.zero_point) << at;
  }
}

template <scheme S>
void expect_measured_in_any_layout(index_t rows, index_t cols) {
  std::vector<float> x = support::normal_numbers(static_cast<std::size_t>(rows * cols) * 2, 7);
  for (std::size_t i = 0; i < x.size(); i += 11) x[i] = i % 2 == 0 ? nan : infinity;
  expect_measured<S, onnx_profile>({x.data(), rows, cols});
  expect_measured<S, pytorch_profile>({x.data(), rows, cols, 1, rows});
  expect_measured<S, tflite_profile>({x.data(), rows, cols, 2 * cols, 2});
}

TEST(Measure, TakesTheFiniteEndsOfEachTensorRowAndGroup) {
  for (const index_t rows : {1, 2, 7})
    for (const index_t cols : {1, 31, 64, 130, 600}) {
      expect_measured_in_any_layout<u8_per_tensor>(rows, cols);
      expect_measured_in_any_layout<s8_per_row>(rows, cols);
      expect_measured_in_any_layout<u8_per_row>(rows, cols);
      expect_measured_in_any_layout<u8_per_row.with(granularity::per_column)>(rows, cols);
    }
  expect_measured_in_any_layout<s4_per_group<32>>(5, 96);
  expect_measured_in_any_layout<u4_per_group<128>>(3, 384);
  expect_measured_in_any_layout<u4_per_row.with(granularity::per_group, 5)>(3, 35);
}

TEST(Measure, AnswersARowWithoutAnyNumber) {
  const float x[] = {nan, nan, 1.0F, -3.0F, infinity, -infinity};
  const params<u8_per_row> p = measure<u8_per_row>(strided<const float>(x, 3, 2));
  EXPECT_EQ(p.scale(0), 1.0F);
  EXPECT_EQ(p.zero_point(0), 0);
  EXPECT_EQ(p.scale(1), 4.0F / 255.0F);
  EXPECT_EQ(p.scale(2), 1.0F);
  EXPECT_EQ((measure<u8_per_tensor, pytorch_profile>(std::span<const float>(x, 2)).scale()), 0x1p-23F);
}

TEST(Measure, AcceptsNothing) {
  EXPECT_EQ(measure<u8_per_tensor>(std::span<const float>()).scale(), 1.0F);
  EXPECT_EQ(measure<s8_per_row>(strided<const float>(nullptr, 3, 0)).count(), 3);
  EXPECT_EQ(measure<s8_per_row>(strided<const float>(nullptr, 0, 3)).count(), 0);
  EXPECT_EQ(measure<s4_per_group<32>>(strided<const float>(nullptr, 3, 0)).count(), 0);
}

TEST(Measure, RefusesWhatHasNoMemoryOrDoesNotDivide) {
  const float x[66] = {};
  EXPECT_EQ(text_of(try_measure<s4_per_group<32>>(strided<const float>(x, 2, 33))),
            "scheme: rows of 33 do not divide into groups of 32");
  EXPECT_EQ(text_of(try_measure<u8_per_tensor>(strided<const float>(nullptr, 2, 33))),
            "measure: x: null data for 2 x 33 elements");
  EXPECT_EQ(text_of(try_measure<u8_per_tensor>(strided<const float>(x, -2, 33))),
            "measure: x: shape -2 x 33, expected sizes >= 0");
  EXPECT_THROW(measure<s4_per_group<32>>(strided<const float>(x, 2, 33)), std::invalid_argument);
}

}  // namespace measure_test
