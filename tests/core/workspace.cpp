// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

#include <dyadic/core/workspace.hpp>

namespace workspace_test {

using dyadic::workspace;

TEST(Workspace, GrowsAndStays) {
  workspace memory;
  EXPECT_EQ(memory.size_bytes(), 0);
  std::uint8_t* first = memory.reserve(100);
  ASSERT_NE(first, nullptr);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(first) % 64, 0U);
  EXPECT_EQ(memory.size_bytes(), 100);
  std::memset(first, 1, 100);
  EXPECT_EQ(memory.reserve(50), first);
  EXPECT_EQ(memory.reserve(100), first);
  EXPECT_EQ(memory.size_bytes(), 100);
  std::uint8_t* second = memory.reserve(10'000);
  ASSERT_NE(second, nullptr);
  std::memset(second, 1, 10'000);
  EXPECT_EQ(memory.size_bytes(), 10'000);
}

TEST(Workspace, IsNullWhenMemoryIsOutAndWorksAgainAfterwards) {
  workspace memory;
  ASSERT_NE(memory.reserve(64), nullptr);
  EXPECT_EQ(memory.reserve(PTRDIFF_MAX), nullptr);
  EXPECT_EQ(memory.size_bytes(), 0);
  EXPECT_NE(memory.reserve(64), nullptr);
}

}  // namespace workspace_test
