// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Compensated sums where a plain one would lose everything.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <dyadic/trust/summation.hpp>

namespace summation_test {

TEST(Summation, KeepsWhatAPlainSumLoses) {
  dyadic::compensated_sum sum;
  sum.add(1.0);
  for (int i = 0; i < 1 << 20; ++i) sum.add(0x1p-60);
  sum.add(-1.0);
  EXPECT_EQ(sum.value(), 0x1p-40);

  dyadic::compensated_sum larger;  // the larger number comes second
  larger.add(1.0), larger.add(0x1p80), larger.add(1.0), larger.add(-0x1p80);
  EXPECT_EQ(larger.value(), 2.0);
}

TEST(Summation, MergesWhatBothKeep) {
  dyadic::compensated_sum a, b;
  a.add(1.0), a.add(0x1p-60);
  b.add(-1.0), b.add(0x1p-60);
  a.merge(b);
  EXPECT_EQ(a.value(), 0x1p-59);
}

TEST(Summation, InfinityAndNaNStay) {
  dyadic::compensated_sum sum;
  sum.add(std::numeric_limits<double>::infinity());
  sum.add(1.0);
  EXPECT_EQ(sum.value(), std::numeric_limits<double>::infinity());
  sum.add(std::nan(""));
  EXPECT_TRUE(std::isnan(sum.value()));
}

}  // namespace summation_test
