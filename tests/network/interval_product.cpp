// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <dyadic/network/interval_product.hpp>

#include <cmath>

#include <gtest/gtest.h>

#include "support/networks.hpp"

namespace interval_product_test {

using dyadic::index_t;
using dyadic::row_panels;
using support::integers;

// Whole numbers: every sum is exact, so the two loops agree in every bit.
TEST(IntervalProduct, IsCentreAndRadius) {
  integers random(1);
  for (const index_t n : {1, 7, 8, 9, 16, 33})
    for (const index_t k : {0, 1, 2, 17, 64}) {
      std::vector<double> w(static_cast<std::size_t>(n * k)), c(static_cast<std::size_t>(k)), r(c);
      for (double& x : w) x = static_cast<double>(random.in(-255, 255));
      for (double& x : c) x = static_cast<double>(random.in(-510, 510));
      for (double& x : r) x = static_cast<double>(random.in(0, 255));
      const auto at = [&](index_t i, index_t j) { return w[static_cast<std::size_t>(i * k + j)]; };
      const auto panels = row_panels::try_make(n, k, at);
      ASSERT_TRUE(panels);
      ASSERT_EQ(panels->rows(), n);
      std::vector<double> centres(static_cast<std::size_t>(panels->padded_rows())), radii(centres);
      for (const index_t first : {index_t{0}, k / 3}) {
        const index_t count = k - first;
        panels->product(first, count, c.data() + first, r.data() + first, centres.data(), radii.data());
        for (index_t i = 0; i < n; ++i) {
          double centre = 0, radius = 0;
          for (index_t j = first; j < k; ++j) {
            ASSERT_EQ((*panels)(i, j), at(i, j));
            centre += at(i, j) * c[static_cast<std::size_t>(j)];
            radius += std::abs(at(i, j)) * r[static_cast<std::size_t>(j)];
          }
          EXPECT_EQ(centres[static_cast<std::size_t>(i)], centre);
          EXPECT_EQ(radii[static_cast<std::size_t>(i)], radius);
        }
      }
    }
}

}  // namespace interval_product_test
