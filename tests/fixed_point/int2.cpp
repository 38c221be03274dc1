// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <dyadic/fixed_point/int2.hpp>

namespace int2_test {

using namespace dyadic;

static_assert(bytes_of_2bit(0) == 0 && bytes_of_2bit(1) == 1 && bytes_of_2bit(4) == 1 && bytes_of_2bit(5) == 2);

TEST(Int2, EveryByteHoldsFourCodesTheFirstInTheLowestBits) {
  for (int byte = 0; byte < 256; ++byte) {
    const auto stored = static_cast<std::uint8_t>(byte);
    int rebuilt = 0;
    for (index_t i = 0; i < 4; ++i) {
      const int u = load_u2(&stored, i), s = load_s2(&stored, i);
      EXPECT_EQ(s, u < 2 ? u : u - 4);
      rebuilt += u << (2 * i);
    }
    EXPECT_EQ(rebuilt, byte);
  }
}

TEST(Int2, StoresOneCodeAndLeavesTheOthersAlone) {
  for (int byte = 0; byte < 256; ++byte)
    for (index_t i = 0; i < 4; ++i)
      for (int code = -5; code <= 5; ++code) {
        std::uint8_t bytes[] = {0xA5, static_cast<std::uint8_t>(byte), 0x5A};
        store2(bytes, 4 + i, code);
        for (index_t j = 0; j < 4; ++j) {
          const int expected = j == i ? code & 3 : byte >> (2 * j) & 3;
          EXPECT_EQ(load_u2(bytes, 4 + j), expected);
        }
        EXPECT_EQ(bytes[0], 0xA5);
        EXPECT_EQ(bytes[2], 0x5A);
      }
}

}  // namespace int2_test
