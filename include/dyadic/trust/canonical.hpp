// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// canonical_writer: numbers as bytes that are the same on every machine, for digests and records.
//
//   whole     8 bytes, little-endian, two's complement, whatever the type was
//   real      4 bytes, the bits of the float, little-endian: NaN and -0 keep theirs
//   list      its length as a whole, then the elements; a text is a list of characters
//
// Every list says its length first, so that two different contents never make the same bytes.
#pragma once

#include <bit>
#include <cstring>
#include <span>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Little-endian bytes of the lowest Count bytes of x.
template <std::size_t Count>
struct little_endian {
  std::byte bytes[Count];
  constexpr explicit little_endian(std::uint64_t x) noexcept : bytes{} {
    for (std::size_t i = 0; i < Count; ++i) bytes[i] = static_cast<std::byte>(x >> (8 * i) & 0xFF);
  }
};

/// The number that Count little-endian bytes stand for.
template <std::size_t Count>
constexpr std::uint64_t from_little_endian(const std::byte* bytes) noexcept {
  std::uint64_t x = 0;
  for (std::size_t i = 0; i < Count; ++i) x |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  return x;
}

/// Sink: anything with update(std::span<const std::byte>), such as sha256.
template <class Sink>
class canonical_writer {
 public:
  explicit constexpr canonical_writer(Sink& to) noexcept : to_(to) {}

  constexpr void whole(std::int64_t x) noexcept { to_.update(little_endian<8>(static_cast<std::uint64_t>(x)).bytes); }
  constexpr void real(float x) noexcept { to_.update(little_endian<4>(std::bit_cast<std::uint32_t>(x)).bytes); }
  constexpr void byte(std::uint8_t x) noexcept { to_.update(little_endian<1>(x).bytes); }
  void text(const char* s) noexcept {
    const std::span<const char> letters(s, std::strlen(s));
    whole(static_cast<std::int64_t>(letters.size()));
    to_.update(std::as_bytes(letters));
  }
  constexpr void reals(std::span<const float> all) noexcept {
    whole(static_cast<std::int64_t>(all.size()));
    for (const float x : all) real(x);
  }
  constexpr void wholes(std::span<const std::int32_t> all) noexcept {
    whole(static_cast<std::int64_t>(all.size()));
    for (const std::int32_t x : all) whole(x);
  }

 private:
  Sink& to_;
};

}  // namespace dyadic::inline DYADIC_ABI
