// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// pack_codes and unpack_codes: codes of a byte each as 4 or 2 bits each, as ONNX stores int4, uint4, int2 and uint2, and
// back; the first code in the low bits. quantized<S> keeps 4-bit codes so, row by row, and 2-bit codes in a byte each.
#pragma once

#include <dyadic/quantize/run.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The bytes that n codes of 4 or 2 bits take.
constexpr index_t packed_bytes(int bits, index_t n) noexcept {
  const index_t in_a_byte = 8 / bits;
  return n / in_a_byte + (n % in_a_byte != 0 ? 1 : 0);
}

namespace detail {

inline result<void> check_packing(int bits, index_t codes, index_t bytes, const byte_range& from,
                                  const byte_range& to) noexcept {
  if (bits != 2 && bits != 4) return failure(errc::invalid_scheme, "pack_codes: {} bits, expected 2 or 4", bits);
  if (bytes != packed_bytes(bits, codes))
    return failure(errc::invalid_shape, "pack_codes: {} bytes for {} codes of {} bits, expected {}", bytes, codes, bits,
                   packed_bytes(bits, codes));
  if (from.overlaps(to)) return failure(errc::overlap, "pack_codes: the packed and the unpacked codes share memory");
  return {};
}
inline byte_range bytes_at(const void* first, index_t n) noexcept {
  if (n == 0) return {};
  const auto at = reinterpret_cast<std::uintptr_t>(first);
  return {at, at + static_cast<std::uintptr_t>(n)};
}

}  // namespace detail

/// Packs codes, signed or not; of each the low bits are kept, and bits without a code become 0.
/// \param bits  4 or 2.
/// \param to    packed_bytes(bits, codes.size()) bytes, apart from the codes.
inline result<void> try_pack_codes(int bits, std::span<const std::uint8_t> codes, std::span<std::uint8_t> to) noexcept {
  const auto n = static_cast<index_t>(codes.size()), bytes = static_cast<index_t>(to.size());
  const auto ok =
      detail::check_packing(bits, n, bytes, detail::bytes_at(codes.data(), n), detail::bytes_at(to.data(), bytes));
  if (!ok) return ok;
  // The last codes go through memory of their own: registers take sixteen at a time.
  const index_t whole = n / 16 * 16;
  dispatched<detail::pick_pack>()(codes.data(), whole, bits, to.data());
  std::uint8_t rest[16] = {};
  for (index_t i = whole; i < n; ++i) rest[i - whole] = codes[static_cast<std::size_t>(i)];
  if (whole < n) dispatched<detail::pick_pack>()(rest, n - whole, bits, to.data() + packed_bytes(bits, whole));
  return {};
}

/// Unpacks codes.
/// \param is_signed  extends the sign: int8 codes, as bytes.
/// \param codes      as many as wanted; from holds packed_bytes(bits, codes.size()) bytes, apart from them.
inline result<void> try_unpack_codes(int bits, std::span<const std::uint8_t> from, bool is_signed,
                                     std::span<std::uint8_t> codes) noexcept {
  const auto n = static_cast<index_t>(codes.size()), bytes = static_cast<index_t>(from.size());
  const auto ok =
      detail::check_packing(bits, n, bytes, detail::bytes_at(from.data(), bytes), detail::bytes_at(codes.data(), n));
  if (!ok) return ok;
  dispatched<detail::pick_unpack>()(from.data(), n, bits, codes.data());
  const int sign = is_signed ? 1 << (bits - 1) : 0;
  if (sign != 0)
    for (std::uint8_t& code : codes) code = static_cast<std::uint8_t>(((code ^ sign) - sign) & 0xFF);
  return {};
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where the functions above refuse.
inline void pack_codes(int bits, std::span<const std::uint8_t> codes, std::span<std::uint8_t> to) {
  try_pack_codes(bits, codes, to).value();
}
inline void unpack_codes(int bits, std::span<const std::uint8_t> from, bool is_signed, std::span<std::uint8_t> codes) {
  try_unpack_codes(bits, from, is_signed, codes).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
