// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <dyadic/scheme/scheme.hpp>

#include "support/data.hpp"

namespace scheme_test {

using namespace dyadic;
using support::text_of;

constexpr scheme s(int bits) { return {.bits = bits}; }
constexpr scheme narrow(int bits) { return {.bits = bits, .narrow_range = true}; }
constexpr scheme u(int bits) { return {.bits = bits, .is_signed = false, .sym = symmetry::asymmetric}; }

// Codes of every width.
static_assert(s(2).qmin() == -2 && s(2).qmax() == 1 && s(2).levels() == 4);
static_assert(s(3).qmin() == -4 && s(3).qmax() == 3 && s(3).levels() == 8);
static_assert(s(4).qmin() == -8 && s(4).qmax() == 7 && s(4).levels() == 16);
static_assert(s(5).qmin() == -16 && s(5).qmax() == 15 && s(5).levels() == 32);
static_assert(s(6).qmin() == -32 && s(6).qmax() == 31 && s(6).levels() == 64);
static_assert(s(7).qmin() == -64 && s(7).qmax() == 63 && s(7).levels() == 128);
static_assert(s(8).qmin() == -128 && s(8).qmax() == 127 && s(8).levels() == 256);
static_assert(s(16).qmin() == -32768 && s(16).qmax() == 32767 && s(16).levels() == 65536);
static_assert(narrow(2).qmin() == -1 && narrow(2).qmax() == 1 && narrow(2).levels() == 3);
static_assert(narrow(3).qmin() == -3 && narrow(3).levels() == 7 && narrow(4).qmin() == -7 && narrow(4).levels() == 15);
static_assert(narrow(5).qmin() == -15 && narrow(6).qmin() == -31 && narrow(7).qmin() == -63);
static_assert(narrow(8).qmin() == -127 && narrow(8).qmax() == 127 && narrow(8).levels() == 255);
static_assert(narrow(16).qmin() == -32767 && narrow(16).qmax() == 32767 && narrow(16).levels() == 65535);
static_assert(u(2).qmin() == 0 && u(2).qmax() == 3 && u(2).levels() == 4);
static_assert(u(3).qmax() == 7 && u(4).qmax() == 15 && u(5).qmax() == 31 && u(6).qmax() == 63 && u(7).qmax() == 127);
static_assert(u(8).qmin() == 0 && u(8).qmax() == 255 && u(8).levels() == 256);
static_assert(u(16).qmin() == 0 && u(16).qmax() == 65535 && u(16).levels() == 65536);

// The middle, which is the zero point of a symmetric scheme.
static_assert(s(2).middle() == 0 && s(8).middle() == 0 && narrow(8).middle() == 0 && s(16).middle() == 0);
static_assert(u(2).middle() == 2 && u(4).middle() == 8 && u(8).middle() == 128 && u(16).middle() == 32768);

// What can exist.
static_assert(s(2).valid() && s(8).valid() && s(16).valid() && !s(1).valid() && !s(0).valid() && !s(-8).valid());
static_assert(!s(9).valid() && !s(15).valid() && !s(17).valid() && !s(32).valid());
static_assert(s(4).with(granularity::per_group, 1).valid() && !s(4).with(granularity::per_group).valid());
static_assert(!s(4).with(granularity::per_group, -32).valid() && !s(4).with(granularity::per_row, 32).valid());
static_assert(!s(4).with(granularity::per_tensor, 32).valid());

// The named constants, in full.
static_assert(u8_per_tensor == scheme{8, false, symmetry::asymmetric, granularity::per_tensor, 0, false});
static_assert(s8_per_tensor == scheme{8, true, symmetry::symmetric, granularity::per_tensor, 0, false});
static_assert(s8_asymmetric_per_tensor == scheme{8, true, symmetry::asymmetric, granularity::per_tensor, 0, false});
static_assert(u8_per_row == scheme{8, false, symmetry::asymmetric, granularity::per_row, 0, false});
static_assert(s8_asymmetric_per_row == scheme{8, true, symmetry::asymmetric, granularity::per_row, 0, false});
static_assert(s16_per_tensor == scheme{16, true, symmetry::symmetric, granularity::per_tensor, 0, false});
static_assert(u16_per_tensor == scheme{16, false, symmetry::asymmetric, granularity::per_tensor, 0, false});
static_assert(s8_per_row == scheme{8, true, symmetry::symmetric, granularity::per_row, 0, true});
static_assert(s8_narrow_per_tensor == scheme{8, true, symmetry::symmetric, granularity::per_tensor, 0, true});
static_assert(s8_per_group<64> == scheme{8, true, symmetry::symmetric, granularity::per_group, 64, true});
static_assert(s4_per_tensor == scheme{4, true, symmetry::symmetric, granularity::per_tensor, 0, false});
static_assert(s4_per_row == scheme{4, true, symmetry::symmetric, granularity::per_row, 0, false});
static_assert(u4_per_row == scheme{4, false, symmetry::asymmetric, granularity::per_row, 0, false});
static_assert(s4_per_group<32> == scheme{4, true, symmetry::symmetric, granularity::per_group, 32, false});
static_assert(u4_per_group<128> == scheme{4, false, symmetry::asymmetric, granularity::per_group, 128, false});
static_assert(u8_per_tensor != s8_per_tensor && s4_per_group<32> != s4_per_group<64>);
static_assert(u8_per_tensor.asymmetric() && !s8_per_tensor.asymmetric());
static_assert(s4_per_row.two_per_byte() && u4_per_row.two_per_byte() && !s8_per_row.two_per_byte());
static_assert(!s(3).two_per_byte() && !s(5).two_per_byte());

// What holds a code.
static_assert(std::is_same_v<code_of<s(2)>, std::int8_t> && std::is_same_v<code_of<u(2)>, std::uint8_t>);
static_assert(std::is_same_v<code_of<s8_per_row>, std::int8_t> && std::is_same_v<code_of<u8_per_tensor>, std::uint8_t>);
static_assert(std::is_same_v<code_of<s(16)>, std::int16_t> && std::is_same_v<code_of<u(16)>, std::uint16_t>);

// Where a scale is found, in a matrix of 3 x 64.
static_assert(params_count(u8_per_tensor, 3, 64) == 1 && params_count(s8_per_row, 3, 64) == 3);
static_assert(params_count(s4_per_group<32>, 3, 64) == 6 && groups_in_row(s4_per_group<32>, 64) == 2);
static_assert(params_index(u8_per_tensor, 64, 2, 63) == 0 && params_index(s8_per_row, 64, 2, 63) == 2);
static_assert(params_index(s4_per_group<32>, 64, 0, 31) == 0 && params_index(s4_per_group<32>, 64, 0, 32) == 1);
static_assert(params_index(s4_per_group<32>, 64, 2, 0) == 4 && params_index(s4_per_group<32>, 64, 2, 63) == 5);
static_assert(params_count(u8_per_tensor, 0, 0) == 1 && params_count(s8_per_row, 0, 5) == 0);
static_assert(params_count(s4_per_group<32>, 5, 0) == 0);

TEST(Scheme, SaysWhyOneCannotExist) {
  EXPECT_EQ(text_of(check_scheme(s(9))), "scheme: 9 bits, expected 2 to 8 or 16");
  EXPECT_EQ(text_of(check_scheme(s(1))), "scheme: 1 bits, expected 2 to 8 or 16");
  EXPECT_EQ(check_scheme(s(9)).error().code(), errc::invalid_scheme);
  EXPECT_EQ(text_of(check_scheme(s(4).with(granularity::per_group, -3))),
            "scheme: group of -3 in a per-group scheme, expected > 0");
  EXPECT_EQ(text_of(check_scheme(s(4).with(granularity::per_row, 32))),
            "scheme: group of 32 in a scheme that is not per-group, expected 0");
  EXPECT_EQ(check_scheme(s(4).with(granularity::per_row, 32)).error().code(), errc::invalid_group);
}

TEST(Scheme, ChecksAsItSaysValid) {
  for (int bits = -1; bits <= 33; ++bits)
    for (const granularity g : {granularity::per_tensor, granularity::per_row, granularity::per_group})
      for (const int group : {-1, 0, 1, 32}) {
        const scheme any{.bits = bits, .per = g, .group = group};
        EXPECT_EQ(static_cast<bool>(check_scheme(any)), any.valid()) << bits << ' ' << group;
      }
}

TEST(Scheme, RefusesAGroupThatDoesNotDivide) {
  EXPECT_EQ(text_of(check_group(s4_per_group<32>, 33)), "scheme: rows of 33 do not divide into groups of 32");
  EXPECT_EQ(check_group(s4_per_group<32>, 33).error().code(), errc::invalid_group);
  EXPECT_TRUE(check_group(s4_per_group<32>, 64));
  EXPECT_TRUE(check_group(s4_per_group<32>, 0));
  EXPECT_TRUE(check_group(s4_per_row, 33));
}

}  // namespace scheme_test
