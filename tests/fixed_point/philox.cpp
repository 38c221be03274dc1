// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <dyadic/fixed_point/philox.hpp>

namespace philox_test {

using namespace dyadic;

using Block = std::array<std::uint32_t, 4>;

// The known answers of Random123 1.14 (tests/kat_vectors): counter, key, answer.
static_assert(philox4x32({0, 0, 0, 0}, {0, 0}) == Block{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(philox4x32({0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, {0xffffffff, 0xffffffff}) ==
              Block{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              Block{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

TEST(Philox, NumbersTheWordsOfASeed) {
  constexpr std::uint64_t seed = 0x299f31d0a4093822;
  philox_words words(seed);
  for (const std::uint64_t at : {0ULL, 1ULL, 5ULL, 4ULL, 3ULL, 0x243f6a8885a308d3ULL, 0xFFFFFFFFFFFFFFFFULL, 2ULL}) {
    const std::uint64_t block = at / 4;
    const Block expected = philox4x32(
        {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(block >> 32), 0, 0}, {0xa4093822, 0x299f31d0});
    EXPECT_EQ(words(at), expected[at % 4]) << at;
  }
  EXPECT_EQ(philox_words(0)(2), 0xbc57ac4cU);
}

TEST(Philox, LooksRandomInEveryBit) {
  philox_words words(12345);
  constexpr int count = 1 << 18;
  std::array<int, 32> ones{};
  for (std::uint64_t i = 0; i < count; ++i)
    for (int bit = 0; bit < 32; ++bit) ones[static_cast<std::size_t>(bit)] += static_cast<int>(words(i) >> bit & 1);
  for (const int n : ones) EXPECT_NEAR(n, count / 2, 5 * 256);  // 5 sigma: sqrt(2^18) / 2 = 256
}

}  // namespace philox_test
