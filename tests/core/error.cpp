// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cstring>
#include <limits>
#include <string>

#include <dyadic/core/error.hpp>

namespace error_test {

using dyadic::errc;
using dyadic::failure;

TEST(Error, SaysWhatWasGivenAndWhatWasExpected) {
  const failure e(errc::invalid_shape, "gemm: x has {} columns, {} expects {}", 3, "w", 4L);
  EXPECT_EQ(e.code(), errc::invalid_shape);
  EXPECT_STREQ(e.message(), "gemm: x has 3 columns, w expects 4");
}

TEST(Error, WritesEveryKindOfArgument) {
  EXPECT_STREQ(failure(errc::overflow, "{} {}", INT64_MIN, INT64_MAX).message(),
               "-9223372036854775808 9223372036854775807");
  EXPECT_STREQ(failure(errc::overflow, "{} {} {}", UINT64_MAX, 0, -1).message(), "18446744073709551615 0 -1");
  EXPECT_STREQ(failure(errc::overflow, "{} {}", std::int8_t{-128}, std::uint8_t{65}).message(), "-128 65");
  EXPECT_STREQ(failure(errc::overflow, "{} {} {}", true, false, 'c').message(), "true false c");
  EXPECT_STREQ(failure(errc::invalid_scale, "{} {} {}", 0.0, -0.5, 0.1F).message(), "0 -0.5 0.100000001");
  const double infinity = std::numeric_limits<double>::infinity();
  EXPECT_STREQ(failure(errc::invalid_scale, "{} {}", infinity, -infinity).message(), "inf -inf");
  EXPECT_NE(std::strstr(failure(errc::invalid_scale, "{}", std::numeric_limits<double>::quiet_NaN()).message(), "nan"),
            nullptr);
}

TEST(Error, TellsAnyTwoFloatsApart) {
  const float a = 0.1F, b = std::bit_cast<float>(std::bit_cast<std::uint32_t>(a) + 1);
  EXPECT_STRNE(failure(errc::invalid_scale, "{}", a).message(), failure(errc::invalid_scale, "{}", b).message());
}

TEST(Error, TakesTooFewAndTooManyArguments) {
  EXPECT_STREQ(failure(errc::io, "a {} b {} c", 1).message(), "a 1 b {} c");
  EXPECT_STREQ(failure(errc::io, "a {} b", 1, 2, "three").message(), "a 1 b");
  EXPECT_STREQ(failure(errc::io, "none", 1).message(), "none");
  EXPECT_STREQ(failure(errc::io, "").message(), "");
  EXPECT_STREQ(failure(errc::io, "{}{}", 1, 2).message(), "12");
  EXPECT_STREQ(failure(errc::io, "a { b } {}", 1).message(), "a { b } 1");
}

TEST(Error, CutsLongTextAndKeepsItTerminated) {
  const std::string exact(254, 'a'), longer(255, 'a'), huge(10'000, 'a');
  EXPECT_EQ(failure(errc::io, exact.c_str()).message(), exact);
  EXPECT_EQ(failure(errc::io, longer.c_str()).message(), exact);
  EXPECT_EQ(failure(errc::io, "{}", huge.c_str()).message(), exact);
  EXPECT_EQ(failure(errc::io, "{}{}", exact.c_str(), 12345).message(), exact);
  // A number that the end cuts in two.
  EXPECT_EQ(failure(errc::io, "{}{}", std::string(252, 'a').c_str(), 12345).message(), std::string(252, 'a') + "12");
}

TEST(Error, CopiesOwnTheirText) {
  failure copy;
  EXPECT_STREQ(copy.message(), "");
  {
    const std::string name = "weights.npy";
    const failure e(errc::bad_format, "{}: {} bytes", name.c_str(), 7);
    copy = e;
  }
  EXPECT_STREQ(copy.message(), "weights.npy: 7 bytes");
  EXPECT_EQ(copy.code(), errc::bad_format);
}

}  // namespace error_test
