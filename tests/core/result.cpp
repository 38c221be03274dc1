// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include <dyadic/core/result.hpp>

namespace result_test {

using dyadic::errc;
using dyadic::failure;
using dyadic::result;

static_assert(!std::is_copy_constructible_v<result<int>> && std::is_nothrow_move_constructible_v<result<int>>);
static_assert(!std::is_convertible_v<result<int>, bool> && !std::is_default_constructible_v<result<int>>);

result<int> half_of(int x) {
  if (x % 2 != 0) return failure(errc::invalid_group, "half_of: {} given, expected an even number", x);
  return x / 2;
}

TEST(Result, HoldsAValueOrAnError) {
  const auto good = half_of(8);
  ASSERT_TRUE(good);
  EXPECT_TRUE(good.has_value());
  EXPECT_EQ(*good, 4);

  const auto bad = half_of(7);
  ASSERT_FALSE(bad);
  EXPECT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().code(), errc::invalid_group);
  EXPECT_STREQ(bad.error().message(), "half_of: 7 given, expected an even number");
}

TEST(Result, MovesAValueThatCannotBeCopied) {
  result<std::unique_ptr<int>> made = std::make_unique<int>(5);
  EXPECT_EQ(**made, 5);
  result<std::unique_ptr<int>> moved = std::move(made);
  ASSERT_TRUE(moved);
  EXPECT_EQ(**moved, 5);
  EXPECT_EQ(*made, nullptr);
  const std::unique_ptr<int> out = *std::move(moved);
  EXPECT_EQ(*out, 5);
}

TEST(Result, MovesAnError) {
  result<std::string> bad = failure(errc::io, "no file {}", "a");
  const result<std::string> moved = std::move(bad);
  ASSERT_FALSE(moved);
  EXPECT_STREQ(moved.error().message(), "no file a");
}

TEST(Result, ReachesMembersAndChanges) {
  result<std::string> text = std::string("abc");
  EXPECT_EQ(text->size(), 3U);
  *text += "d";
  EXPECT_EQ(*text, "abcd");
}

/// Counts how many of it are alive.
struct counted {
  explicit counted(int& alive) : alive_(&alive) { ++*alive_; }
  counted(counted&& other) noexcept : alive_(other.alive_) { ++*alive_; }
  counted(const counted&) = delete;
  ~counted() { --*alive_; }
  int* alive_;
};

TEST(Result, DestroysWhatItHoldsOnce) {
  int alive = 0;
  {
    result<counted> made = counted(alive);
    EXPECT_EQ(alive, 1);
    const result<counted> moved = std::move(made);
    EXPECT_EQ(alive, 2);
    const result<counted> bad = failure(errc::io, "none");
    EXPECT_EQ(alive, 2);
  }
  EXPECT_EQ(alive, 0);
}

TEST(Result, VoidIsSuccessOrAnError) {
  const result<void> good;
  EXPECT_TRUE(good);
  EXPECT_TRUE(good.has_value());
  const result<void> bad = failure(errc::overlap, "{} overlaps {}", "y", "x");
  EXPECT_FALSE(bad);
  EXPECT_STREQ(bad.error().message(), "y overlaps x");
}

#if DYADIC_EXCEPTIONS
/// The name of what value() throws, with its text.
template <class T>
std::string thrown_for(errc code) {
  result<T> bad = failure(code, "{} given, expected {}", 3, 4);
  try {
    static_cast<void>(std::move(bad).value());
  } catch (const std::length_error& e) {
    return std::string("length_error: ") + e.what();
  } catch (const std::invalid_argument& e) {
    return std::string("invalid_argument: ") + e.what();
  } catch (const dyadic::format_error& e) {
    return std::string("format_error: ") + e.what();
  } catch (const std::bad_alloc&) {
    return "bad_alloc";
  }
  return "nothing";
}

template <class T>
void expect_thrown() {
  const std::string text = " 3 given, expected 4";
  EXPECT_EQ(thrown_for<T>(errc::overflow), "length_error:" + text);
  EXPECT_EQ(thrown_for<T>(errc::bad_format), "format_error:" + text);
  EXPECT_EQ(thrown_for<T>(errc::io), "format_error:" + text);
  EXPECT_EQ(thrown_for<T>(errc::out_of_memory), "bad_alloc");
  for (const errc code :
       {errc::invalid_shape, errc::invalid_scale, errc::invalid_zero_point, errc::invalid_scheme, errc::invalid_group,
        errc::invalid_range, errc::no_data, errc::overlap, errc::wrong_site, errc::unknown_name})
    EXPECT_EQ(thrown_for<T>(code), "invalid_argument:" + text);
}

TEST(Result, TheThrowingFaceGivesEachCodeItsException) {
  expect_thrown<int>();
  expect_thrown<std::string>();
  expect_thrown<void>();
}

TEST(Result, TheThrowingFaceGivesTheValue) {
  EXPECT_EQ(half_of(6).value(), 3);
  EXPECT_NO_THROW(result<void>().value());
  EXPECT_EQ(*result<std::unique_ptr<int>>(std::make_unique<int>(2)).value(), 2);
}
#endif

}  // namespace result_test
