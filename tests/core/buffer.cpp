// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include <dyadic/core/buffer.hpp>

// The address sanitizer ends the program when asked for more memory than there can be, unless told to return null.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define DYADIC_TEST_ASAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(DYADIC_TEST_ASAN)
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }  // NOLINT: its fixed name
#endif

namespace buffer_test {

using dyadic::buffer;
using dyadic::errc;
using dyadic::index_t;

static_assert(!std::is_copy_constructible_v<buffer<int>> && !std::is_copy_assignable_v<buffer<int>>);
static_assert(std::is_nothrow_move_constructible_v<buffer<int>> && std::is_nothrow_move_assignable_v<buffer<int>>);

template <class T>
void expect_aligned_and_zero() {
  for (index_t n = 1; n < 200; ++n) {
    auto made = buffer<T>::make(n);
    ASSERT_TRUE(made);
    ASSERT_EQ(made->size(), n);
    ASSERT_FALSE(made->empty());
    ASSERT_EQ(reinterpret_cast<std::uintptr_t>(made->data()) % 64, 0U);
    ASSERT_TRUE(std::all_of(made->begin(), made->end(), [](T x) { return x == T{}; }));
    // The next buffer is likely to get this memory again, so zeros are not luck.
    std::fill(made->begin(), made->end(), T{77});
  }
}

TEST(Buffer, IsAlignedTo64BytesAndZero) {
  expect_aligned_and_zero<std::uint8_t>();
  expect_aligned_and_zero<std::int32_t>();
  expect_aligned_and_zero<double>();
}

TEST(Buffer, OfNothingIsEmpty) {
  const buffer<float> none;
  EXPECT_TRUE(none.empty());
  EXPECT_EQ(none.begin(), none.end());
  const auto made = buffer<float>::make(0);
  ASSERT_TRUE(made);
  EXPECT_EQ(made->size(), 0);
  EXPECT_EQ(made->data(), nullptr);
  const auto copy = none.clone();
  ASSERT_TRUE(copy);
  EXPECT_TRUE(copy->empty());
}

TEST(Buffer, RefusesASizeThatCannotBe) {
  const auto negative = buffer<float>::make(-1);
  ASSERT_FALSE(negative);
  EXPECT_EQ(negative.error().code(), errc::invalid_shape);
  EXPECT_STREQ(negative.error().message(), "size: -1 x 4 has a negative factor, expected both >= 0");

  const auto overflowing = buffer<double>::make(PTRDIFF_MAX / 8 + 1);
  ASSERT_FALSE(overflowing);
  EXPECT_EQ(overflowing.error().code(), errc::overflow);
  EXPECT_STREQ(overflowing.error().message(), "size: 1152921504606846976 x 8 exceeds 9223372036854775807");
}

TEST(Buffer, SaysSoWhenMemoryIsNotToBeHad) {
  for (const index_t bytes : {PTRDIFF_MAX, PTRDIFF_MAX - 63, PTRDIFF_MAX / 2}) {
    const auto made = buffer<std::uint8_t>::make(bytes);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code(), errc::out_of_memory);
    EXPECT_EQ(made.error().message(), "buffer: " + std::to_string(bytes) + " bytes are not to be had");
  }
}

TEST(Buffer, MovesItsMemory) {
  auto first = *buffer<int>::make(3);
  first[0] = 1, first[1] = 2, first[2] = 3;
  const int* memory = first.data();
  buffer<int> second = std::move(first);
  EXPECT_EQ(second.data(), memory);
  EXPECT_EQ(second[2], 3);
  EXPECT_TRUE(first.empty());
  EXPECT_EQ(first.data(), nullptr);

  auto third = *buffer<int>::make(5);
  third = std::move(second);
  EXPECT_EQ(third.data(), memory);
  EXPECT_EQ(third.size(), 3);
  EXPECT_TRUE(second.empty());

  buffer<int>& itself = third;
  third = std::move(itself);
  EXPECT_EQ(third.data(), memory);
  EXPECT_EQ(third.size(), 3);
}

TEST(Buffer, CloneIsIndependent) {
  auto first = *buffer<float>::make(100);
  for (index_t i = 0; i < 100; ++i) first[i] = static_cast<float>(i);
  auto copy = *first.clone();
  EXPECT_NE(copy.data(), first.data());
  EXPECT_TRUE(std::equal(copy.begin(), copy.end(), first.begin(), first.end()));
  copy[7] = -1;
  EXPECT_EQ(first[7], 7);
}

TEST(Buffer, IsASpan) {
  auto made = *buffer<int>::make(4);
  const std::span<int> all = made;
  all[3] = 9;
  const auto& constant = made;
  const std::span<const int> seen = constant;
  EXPECT_EQ(seen.size(), 4U);
  EXPECT_EQ(seen[3], 9);
  EXPECT_EQ(constant[3], 9);
}

}  // namespace buffer_test
