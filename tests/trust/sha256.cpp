// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// SHA-256 against the published vectors, for any way of cutting the message into pieces, and in a constant expression.
#include <dyadic/trust/sha256.hpp>

#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace sha256_test {

using dyadic::digest;
using dyadic::sha256;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string hex(const digest& d) { return d.hex().c_str(); }

// FIPS 180-2 appendix B and NIST's example values for SHA-256; the empty message is from NIST's SHAVS test vectors.
TEST(Sha256, PublishedVectors) {
  EXPECT_EQ(hex(sha256::of({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256::of(bytes_of("abc"))), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha256::of(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"))),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(hex(sha256::of(bytes_of("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                                    "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"))),
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
}

TEST(Sha256, AMillionTimesA) {
  EXPECT_EQ(hex(sha256::of(bytes_of(std::string(1'000'000, 'a')))),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

// The padding takes 9 bytes at least: at 55 bytes one block is full, at 56 there is a second one.
TEST(Sha256, EveryLengthAroundABlockAndEveryCut) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += static_cast<char>(i * 37 + 11);
  std::vector<std::string> seen;
  for (std::size_t n = 0; n <= 130; ++n) {
    const auto message = bytes_of(text).first(n);
    const digest whole = sha256::of(message);
    for (std::size_t cut = 0; cut <= n; ++cut) {
      sha256 pieces;
      pieces.update(message.first(cut));
      sha256 copy = pieces;
      copy.update(message.subspan(cut));
      EXPECT_EQ(copy.finish(), whole) << n << " cut at " << cut;
    }
    for (const std::string& other : seen) EXPECT_NE(other, hex(whole)) << n;
    seen.push_back(hex(whole));
  }
}

TEST(Sha256, ConstantExpression) {
  constexpr std::byte message[] = {std::byte{'a'}, std::byte{'b'}, std::byte{'c'}};
  constexpr digest d = sha256::of(message);
  static_assert(d.bytes[0] == std::byte{0xBA} && d.bytes[31] == std::byte{0xAD});
  static_assert(std::string_view(d.hex().c_str()).substr(0, 8) == "ba7816bf");
}

// 4.2.2 and 5.3.3 print them; the library computes them from their definition.
TEST(Sha256, ConstantsOfTheStandard) {
  namespace constants = dyadic::detail::sha256_constants;
  static_assert(constants::start[0] == 0x6A09E667 && constants::start[7] == 0x5BE0CD19);
  static_assert(constants::round[0] == 0x428A2F98 && constants::round[63] == 0xC67178F2);
}

}  // namespace sha256_test
