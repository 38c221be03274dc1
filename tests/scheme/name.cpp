// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <string>

#include <dyadic/scheme/name.hpp>

namespace name_test {

using namespace dyadic;

TEST(Name, SaysEveryPartOfAScheme) {
  EXPECT_STREQ(scheme_name(u8_per_tensor).c_str(), "u8 per tensor, asymmetric");
  EXPECT_STREQ(scheme_name(s8_per_tensor).c_str(), "s8 per tensor, symmetric");
  EXPECT_STREQ(scheme_name(s8_per_row).c_str(), "s8 per row, symmetric, narrow");
  EXPECT_STREQ(scheme_name(s4_per_group<32>).c_str(), "s4 per group of 32, symmetric");
  EXPECT_STREQ(scheme_name(u4_per_group<128>).c_str(), "u4 per group of 128, asymmetric");
  EXPECT_STREQ(scheme_name(u16_per_tensor).c_str(), "u16 per tensor, asymmetric");
}

TEST(Name, FitsWhateverTheScheme) {
  const scheme longest{.bits = INT32_MIN,
                       .is_signed = false,
                       .sym = symmetry::asymmetric,
                       .per = granularity::per_group,
                       .group = INT32_MIN,
                       .narrow_range = true};
  EXPECT_EQ(std::string(scheme_name(longest).c_str()), "u-2147483648 per group of -2147483648, asymmetric, narrow");
}

}  // namespace name_test
