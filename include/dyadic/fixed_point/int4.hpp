// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Two 4-bit codes in a byte, the first in the low nibble, as ONNX, TensorFlow Lite and ONNX Runtime store them.
//
// s4 codes are two's complement in [-8, 7], u4 codes are in [0, 15]. Codes travel as int; of a code outside its range
// the low four bits are kept. Element i of a run of codes is in byte i / 2; an odd run leaves its last nibble unused.
#pragma once

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The codes of a byte.
constexpr int low_u4(std::uint8_t byte) noexcept { return byte & 0xF; }
constexpr int high_u4(std::uint8_t byte) noexcept { return byte >> 4; }
constexpr int low_s4(std::uint8_t byte) noexcept { return (low_u4(byte) ^ 8) - 8; }
constexpr int high_s4(std::uint8_t byte) noexcept { return (high_u4(byte) ^ 8) - 8; }

/// The byte of two codes.
constexpr std::uint8_t pack_u4(int low, int high) noexcept {
  return static_cast<std::uint8_t>((low & 0xF) | ((high & 0xF) << 4));
}
constexpr std::uint8_t pack_s4(int low, int high) noexcept { return pack_u4(low, high); }

/// The bytes that n codes take.
constexpr index_t bytes_of_4bit(index_t n) noexcept { return n / 2 + n % 2; }

/// Code i of a run; i >= 0.
constexpr int load_u4(const std::uint8_t* bytes, index_t i) noexcept {
  return i % 2 == 0 ? low_u4(bytes[i / 2]) : high_u4(bytes[i / 2]);
}
constexpr int load_s4(const std::uint8_t* bytes, index_t i) noexcept {
  return i % 2 == 0 ? low_s4(bytes[i / 2]) : high_s4(bytes[i / 2]);
}

/// Sets code i of a run, signed or not, and leaves the other code of its byte alone.
constexpr void store4(std::uint8_t* bytes, index_t i, int code) noexcept {
  std::uint8_t& byte = bytes[i / 2];
  byte = i % 2 == 0 ? pack_u4(code, high_u4(byte)) : pack_u4(low_u4(byte), code);
}

}  // namespace dyadic::inline DYADIC_ABI
