// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <stdexcept>

#include <dyadic/fixed_point/int2.hpp>
#include <dyadic/fixed_point/int4.hpp>
#include <dyadic/quantize/packing.hpp>

#include "support/data.hpp"
#include "support/guarded.hpp"
#include "support/isas.hpp"

namespace packing_test {

using namespace dyadic;
using support::text_of;
using Bytes = std::vector<std::uint8_t>;

int load(int bits, bool is_signed, const std::uint8_t* p, index_t i) {
  if (bits == 4) return is_signed ? load_s4(p, i) : load_u4(p, i);
  return is_signed ? load_s2(p, i) : load_u2(p, i);
}

/// All 256 bytes and every length, at both ends of memory.
TEST(Packing, UnpacksEveryByteAndPacksItAgain) {
  for (const int bits : {2, 4})
    for (const bool is_signed : {false, true})
      for (index_t n = 0; n <= 256 * 8 / bits; n += n < 70 ? 1 : 31) {
        const index_t size = packed_bytes(bits, n);
        Bytes all(static_cast<std::size_t>(size));
        for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::uint8_t>(255 - i);
        const int unused = static_cast<int>(size * 8 - n * bits);  // bits of the last byte that hold no code
        if (unused > 0) all.back() = static_cast<std::uint8_t>(all.back() & (0xFF >> unused));
        for (const auto where : {support::against::first_page, support::against::last_page}) {
          const support::guarded<std::uint8_t> packed(std::span<const std::uint8_t>(all), where);
          const support::guarded<std::uint8_t> codes(static_cast<std::size_t>(n), where), again(all.size(), where);
          const std::span<std::uint8_t> unpacked(codes.data(), static_cast<std::size_t>(n));
          support::for_each_isa([&](const std::string& isa) {
            unpack_codes(bits, {packed.data(), all.size()}, is_signed, unpacked);
            for (index_t i = 0; i < n; ++i) {
              const auto code = static_cast<std::int8_t>(codes.data()[i]);
              ASSERT_EQ(code, load(bits, is_signed, packed.data(), i)) << isa << ' ' << bits << ' ' << n << ' ' << i;
            }
            pack_codes(bits, unpacked, {again.data(), all.size()});
            for (std::size_t i = 0; i < all.size(); ++i)
              ASSERT_EQ(again.data()[i], packed.data()[i]) << isa << ' ' << bits << ' ' << n << ' ' << i;
          });
        }
      }
}

TEST(Packing, SaysWhatDoesNotFit) {
  Bytes codes(10), packed(5);
  EXPECT_EQ(text_of(try_pack_codes(3, codes, packed)), "pack_codes: 3 bits, expected 2 or 4");
  EXPECT_EQ(text_of(try_pack_codes(2, codes, packed)), "pack_codes: 5 bytes for 10 codes of 2 bits, expected 3");
  EXPECT_EQ(text_of(try_unpack_codes(4, std::span(packed).first(4), true, codes)),
            "pack_codes: 4 bytes for 10 codes of 4 bits, expected 5");
  EXPECT_EQ(text_of(try_pack_codes(4, codes, std::span(codes).first(5))),
            "pack_codes: the packed and the unpacked codes share memory");
  EXPECT_THROW(pack_codes(4, codes, std::span(packed).first(1)), std::invalid_argument);
}

}  // namespace packing_test
