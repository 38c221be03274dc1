// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <string>

#include <dyadic/core/checked.hpp>

namespace checked_test {

using dyadic::checked_add;
using dyadic::checked_multiply;
using dyadic::errc;
using dyadic::index_t;

constexpr index_t most = PTRDIFF_MAX;

static_assert(dyadic::round_up(0, 64) == 0 && dyadic::round_up(1, 64) == 64 && dyadic::round_up(64, 64) == 64);
static_assert(dyadic::round_up(65, 64) == 128 && dyadic::round_up(7, 1) == 7);
static_assert(dyadic::blocks_of(0, 32) == 0 && dyadic::blocks_of(1, 32) == 1 && dyadic::blocks_of(32, 32) == 1);
static_assert(dyadic::blocks_of(33, 32) == 2);

void expect(const dyadic::result<index_t>& r, index_t want) {
  ASSERT_TRUE(r) << r.error().message();
  EXPECT_EQ(*r, want);
}

void expect_refused(const dyadic::result<index_t>& r, errc code, const std::string& message) {
  ASSERT_FALSE(r);
  EXPECT_EQ(r.error().code(), code);
  EXPECT_EQ(r.error().message(), message);
}

TEST(Checked, AddsUpToTheLimit) {
  expect(checked_add(0, 0), 0);
  expect(checked_add(most, 0), most);
  expect(checked_add(most - 1, 1), most);
  expect(checked_add(most / 2, most / 2 + 1), most);
  const std::string limit = std::to_string(most);
  expect_refused(checked_add(most, 1), errc::overflow, "size: " + limit + " + 1 exceeds " + limit);
  expect_refused(checked_add(most, most), errc::overflow, "size: " + limit + " + " + limit + " exceeds " + limit);
}

TEST(Checked, MultipliesUpToTheLimit) {
  expect(checked_multiply(0, most), 0);
  expect(checked_multiply(most, 1), most);
  expect(checked_multiply(most / 2, 2), most - 1);
  expect(checked_multiply(index_t{1} << 31, (index_t{1} << 32) - 1), most - (index_t{1} << 31) + 1);
  const std::string limit = std::to_string(most);
  expect_refused(checked_multiply(most / 2 + 1, 2), errc::overflow,
                 "size: " + std::to_string(most / 2 + 1) + " x 2 exceeds " + limit);
  expect_refused(checked_multiply(index_t{1} << 32, index_t{1} << 32), errc::overflow,
                 "size: 4294967296 x 4294967296 exceeds " + limit);
}

TEST(Checked, RefusesNegativeSizes) {
  expect_refused(checked_add(-1, 5), errc::invalid_shape, "size: -1 + 5 has a negative term, expected both >= 0");
  expect_refused(checked_add(5, -1), errc::invalid_shape, "size: 5 + -1 has a negative term, expected both >= 0");
  expect_refused(checked_multiply(-2, -3), errc::invalid_shape,
                 "size: -2 x -3 has a negative factor, expected both >= 0");
  expect_refused(checked_multiply(0, -1), errc::invalid_shape,
                 "size: 0 x -1 has a negative factor, expected both >= 0");
}

TEST(Checked, MultipliesManyFactors) {
  expect(checked_multiply(2, 3, 5, 7), 210);
  expect(checked_multiply(2, 3, index_t{5}), 30);
  expect(checked_multiply(1 << 20, 1 << 20, 1 << 20), index_t{1} << 60);
  EXPECT_EQ(checked_multiply(1 << 20, 1 << 20, 1 << 20, 8).error().code(), errc::overflow);
  EXPECT_EQ(checked_multiply(2, 3, -1).error().code(), errc::invalid_shape);
}

}  // namespace checked_test
