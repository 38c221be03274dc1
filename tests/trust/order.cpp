// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// sort_by against std::sort, and percentiles by counting.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include <dyadic/trust/order.hpp>

#include "support/networks.hpp"

namespace order_test {

TEST(Order, SortsEveryLength) {
  support::integers random(1);
  for (std::size_t n = 0; n < 200; ++n) {
    std::vector<dyadic::index_t> x(n);
    for (auto& v : x) v = random.in(-20, 20);
    auto expected = x;
    std::sort(expected.begin(), expected.end());
    dyadic::sort_by(std::span(x), [](dyadic::index_t a, dyadic::index_t b) { return a < b; });
    ASSERT_EQ(x, expected);
  }
}

// The least number that at least that many percent do not exceed, by trying all.
TEST(Order, APercentileIsTheLeastThatEnoughDoNotExceed) {
  for (std::size_t n = 1; n <= 130; ++n) {
    std::vector<double> x(n);
    for (std::size_t i = 0; i < n; ++i) x[i] = static_cast<double>(i * i);
    for (const int percent : {0, 1, 50, 90, 99, 100}) {
      std::size_t least = 0;
      while ((least + 1) * 100 < static_cast<std::size_t>(percent) * n) ++least;
      EXPECT_EQ(dyadic::percentile_of(x, percent), x[least]) << n << " " << percent;
    }
  }
}

}  // namespace order_test
