// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// sha256: the hash of FIPS 180-4, and the digest it makes.
//
//   const digest d = sha256::of(bytes);          or update() piece by piece, then finish()
//   std::printf("%s\n", d.hex().c_str());
//
// Portable integer arithmetic, usable in a constant expression, the same on every machine. About 200 MB/s: a digest of
// a model is made once, and one of an image costs about as much as a small network takes to run on it.
//
// \see FIPS 180-4: 4.1.2 (functions), 4.2.2 (constants), 5.1.1 (padding), 5.3.3 (initial value), 6.2.2 (the loop)
#pragma once

#include <array>
#include <bit>
#include <span>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

/// 32 bytes that stand for many.
struct digest {
  struct text {
    char characters[65] = {};
    constexpr const char* c_str() const noexcept { return characters; }
  };

  std::array<std::byte, 32> bytes{};

  friend constexpr bool operator==(const digest&, const digest&) noexcept = default;

  /// The first `digits` of 64 hexadecimal digits, as sha256sum writes them.
  constexpr text hex(std::size_t digits = 64) const noexcept {
    text t;
    for (std::size_t i = 0; i < digits && i < 64; ++i)
      t.characters[i] = "0123456789abcdef"[std::to_integer<unsigned>(bytes[i / 2]) >> (i % 2 == 0 ? 4 : 0) & 15];
    return t;
  }
};

namespace detail::sha256_constants {

__extension__ typedef unsigned __int128 wide;

/// The first 32 bits of the fraction of the square (K = 2) or cube (K = 3) root of a prime: the lowest 32 bits of the
/// largest x whose K-th power is at most p * 2^(32 K). The primes are below 2^9, so x < 2^37 and x^K < 2^111.
template <int K>
constexpr std::uint32_t fraction_of_root(std::uint32_t p) noexcept {
  const wide limit = static_cast<wide>(p) << (32 * K);
  wide x = 0;
  for (wide bit = static_cast<wide>(1) << 36; bit != 0; bit >>= 1) {
    const wide up = x | bit;
    if ((K == 2 ? up * up : up * up * up) <= limit) x = up;
  }
  return static_cast<std::uint32_t>(x);
}

/// Those of the first Count primes: the standard defines its constants so.
template <int K, std::size_t Count>
constexpr std::array<std::uint32_t, Count> fractions() noexcept {
  std::array<std::uint32_t, Count> all{};
  std::size_t found = 0;
  for (std::uint32_t n = 2; found < Count; ++n) {
    bool prime = true;
    for (std::uint32_t d = 2; d * d <= n && prime; ++d) prime = n % d != 0;
    if (prime) all[found++] = fraction_of_root<K>(n);
  }
  return all;
}

inline constexpr std::array<std::uint32_t, 8> start = fractions<2, 8>();
inline constexpr std::array<std::uint32_t, 64> round = fractions<3, 64>();

}  // namespace detail::sha256_constants

/// A hash in the making. Copies: the copy goes on from where the original stood.
class sha256 {
 public:
  constexpr void update(std::span<const std::byte> bytes) noexcept {
    for (const std::byte b : bytes) {
      block_[length_++ % 64] = b;
      if (length_ % 64 == 0) mix();
    }
  }

  /// The digest of everything so far; the object is spent.
  constexpr digest finish() noexcept {
    const std::uint64_t bits = 8 * length_;
    std::byte one{0x80};
    do {
      update({&one, 1});
      one = std::byte{0};
    } while (length_ % 64 != 56);
    for (int shift = 56; shift >= 0; shift -= 8) {
      const auto b = static_cast<std::byte>(bits >> shift & 0xFF);
      update({&b, 1});
    }
    digest d;
    for (std::size_t i = 0; i < 32; ++i) d.bytes[i] = static_cast<std::byte>(state_[i / 4] >> (24 - i % 4 * 8) & 0xFF);
    return d;
  }

  static constexpr digest of(std::span<const std::byte> bytes) noexcept {
    sha256 hash;
    hash.update(bytes);
    return hash.finish();
  }

 private:
  constexpr void mix() noexcept {
    std::uint32_t w[64]{};
    for (std::size_t t = 0; t < 16; ++t)
      for (std::size_t i = 0; i < 4; ++i) w[t] = w[t] << 8 | std::to_integer<std::uint32_t>(block_[4 * t + i]);
    for (std::size_t t = 16; t < 64; ++t) {
      const std::uint32_t x = w[t - 15], y = w[t - 2];
      w[t] = w[t - 16] + (std::rotr(x, 7) ^ std::rotr(x, 18) ^ x >> 3) + w[t - 7] +
             (std::rotr(y, 17) ^ std::rotr(y, 19) ^ y >> 10);
    }
    auto [a, b, c, d, e, f, g, h] = state_;
    for (std::size_t t = 0; t < 64; ++t) {
      const std::uint32_t choice = (e & f) ^ (~e & g), majority = (a & b) ^ (a & c) ^ (b & c);
      const std::uint32_t first = h + (std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25)) + choice +
                                  detail::sha256_constants::round[t] + w[t];
      const std::uint32_t second = (std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22)) + majority;
      h = g, g = f, f = e, e = d + first, d = c, c = b, b = a, a = first + second;
    }
    const std::array<std::uint32_t, 8> mixed{a, b, c, d, e, f, g, h};
    for (std::size_t i = 0; i < 8; ++i) state_[i] += mixed[i];
  }

  std::array<std::uint32_t, 8> state_ = detail::sha256_constants::start;
  std::uint64_t length_ = 0;  ///< bytes
  std::array<std::byte, 64> block_{};
};

}  // namespace dyadic::inline DYADIC_ABI
