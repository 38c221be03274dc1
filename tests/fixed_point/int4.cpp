// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <array>

#include <dyadic/fixed_point/int4.hpp>

namespace int4_test {

using namespace dyadic;

static_assert(pack_s4(-8, 7) == 0x78 && pack_s4(-1, 0) == 0x0F && pack_s4(1, -1) == 0xF1);
static_assert(pack_u4(0, 15) == 0xF0 && pack_u4(3, 12) == 0xC3);
static_assert(low_s4(0x78) == -8 && high_s4(0x78) == 7 && low_u4(0x78) == 8 && high_u4(0x78) == 7);
static_assert(bytes_of_4bit(0) == 0 && bytes_of_4bit(1) == 1 && bytes_of_4bit(2) == 1 && bytes_of_4bit(3) == 2);
static_assert(bytes_of_4bit(PTRDIFF_MAX) == PTRDIFF_MAX / 2 + 1);

// ONNX's rule, onnx.proto: the first element in the low half of the byte.
static_assert([] {
  std::array<std::uint8_t, 2> bytes{};
  store4(bytes.data(), 0, 1);
  store4(bytes.data(), 1, -2);
  store4(bytes.data(), 2, 7);
  return bytes[0] == 0xE1 && bytes[1] == 0x07 && load_s4(bytes.data(), 1) == -2 && load_u4(bytes.data(), 1) == 14;
}());

TEST(Int4, EveryByteIsItsTwoCodes) {
  for (int b = 0; b < 256; ++b) {
    const auto byte = static_cast<std::uint8_t>(b);
    const int low = b % 16, high = b / 16;
    EXPECT_EQ(low_u4(byte), low);
    EXPECT_EQ(high_u4(byte), high);
    EXPECT_EQ(low_s4(byte), low < 8 ? low : low - 16);
    EXPECT_EQ(high_s4(byte), high < 8 ? high : high - 16);
    EXPECT_EQ(pack_u4(low, high), byte);
    EXPECT_EQ(pack_s4(low_s4(byte), high_s4(byte)), byte);
    EXPECT_EQ(load_u4(&byte, 0), low);
    EXPECT_EQ(load_u4(&byte, 1), high);
    EXPECT_EQ(load_s4(&byte, 0), low_s4(byte));
    EXPECT_EQ(load_s4(&byte, 1), high_s4(byte));
  }
}

TEST(Int4, StoreChangesOneCodeAndNoOther) {
  for (int before = 0; before < 256; ++before)
    for (index_t at = 0; at < 2; ++at)
      for (int code = -8; code < 16; ++code) {
        std::array<std::uint8_t, 3> bytes{0xA5, static_cast<std::uint8_t>(before), 0x5A};
        store4(bytes.data(), 2 + at, code);
        const int kept = at == 0 ? before / 16 : before % 16;
        EXPECT_EQ(load_u4(bytes.data(), 2 + at), (code + 16) % 16);
        EXPECT_EQ(load_u4(bytes.data(), 3 - at), kept);
        EXPECT_EQ(load_s4(bytes.data(), 2 + at), code < 8 ? code : code - 16);
        EXPECT_EQ(bytes[0], 0xA5);
        EXPECT_EQ(bytes[2], 0x5A);
      }
}

}  // namespace int4_test
