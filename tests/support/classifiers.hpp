// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the tests of attacks share: a linear classifier whose robust accuracy has a closed form, and what wraps models.
#pragma once

#include <Eigen/Core>
#include <cmath>

#include <dyadic/trust/model.hpp>

#include "support/networks.hpp"

namespace support {

using scores_matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// scores = W x + b, its own gradient, multiples of 1/64: every float below is exact on inputs that are multiples of
/// 1/256.
struct linear_classifier {
  scores_matrix w;
  Eigen::VectorXf b;

  linear_classifier(integers& random, index_t classes, index_t features) : w(classes, features), b(classes) {
    for (index_t i = 0; i < classes; ++i) {
      b(i) = static_cast<float>(random.in(-64, 64)) / 64.0F;
      for (index_t j = 0; j < features; ++j) w(i, j) = static_cast<float>(random.in(-64, 64)) / 64.0F;
    }
  }
  scores_matrix operator()(const dyadic::batch& x) const {
    scores_matrix y(x.rows.rows(), w.rows());
    for (index_t i = 0; i < y.rows(); ++i)
      for (index_t c = 0; c < y.cols(); ++c) {
        float sum = b(c);
        for (index_t j = 0; j < w.cols(); ++j) sum += w(c, j) * x.rows(i, j);
        y(i, c) = sum;
      }
    return y;
  }
  void operator()(const dyadic::batch& x, dyadic::strided<const float> weights, dyadic::strided<float> gradient) const {
    for (index_t i = 0; i < x.rows.rows(); ++i)
      for (index_t j = 0; j < w.cols(); ++j) {
        float sum = 0;
        for (index_t c = 0; c < w.rows(); ++c) sum += weights(i, c) * w(c, j);
        gradient(i, j) = sum;
      }
  }
};

/// n rows of multiples of 1/256 in [0.25, 0.75].
inline std::vector<float> inner_inputs(integers& random, index_t n) {
  std::vector<float> x(static_cast<std::size_t>(n));
  for (float& v : x) v = static_cast<float>(random.in(64, 192)) / 256.0F;
  return x;
}

/// The place of the largest score of each row, the first of equals.
template <class Scores>
std::vector<std::int32_t> answers(const Scores& y, index_t rows, index_t classes) {
  std::vector<std::int32_t> all;
  for (index_t i = 0; i < rows; ++i) {
    index_t best = 0;
    for (index_t c = 1; c < classes; ++c)
      if (y(i, c) > y(i, best)) best = c;
    all.push_back(static_cast<std::int32_t>(best));
  }
  return all;
}

}  // namespace support
