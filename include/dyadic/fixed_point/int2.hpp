// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Four 2-bit codes in a byte, the first in the lowest bits, as ONNX stores them.
//
// s2 codes are two's complement in [-2, 1], u2 codes are in [0, 3]. Codes travel as int; of a code outside its range
// the low two bits are kept. Element i of a run of codes is in byte i / 4; the unused codes of the last byte are its
// highest.
#pragma once

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The bytes that n codes take.
constexpr index_t bytes_of_2bit(index_t n) noexcept { return n / 4 + (n % 4 != 0 ? 1 : 0); }

/// Code i of a run; i >= 0.
constexpr int load_u2(const std::uint8_t* bytes, index_t i) noexcept { return bytes[i / 4] >> (i % 4 * 2) & 3; }
constexpr int load_s2(const std::uint8_t* bytes, index_t i) noexcept { return (load_u2(bytes, i) ^ 2) - 2; }

/// Sets code i of a run, signed or not, and leaves the other codes of its byte alone.
constexpr void store2(std::uint8_t* bytes, index_t i, int code) noexcept {
  const int shift = static_cast<int>(i % 4) * 2;
  std::uint8_t& byte = bytes[i / 4];
  byte = static_cast<std::uint8_t>((byte & ~(3 << shift)) | (code & 3) << shift);
}

}  // namespace dyadic::inline DYADIC_ABI
