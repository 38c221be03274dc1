// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// pack_into: weights packed and proven into memory of the caller's, for products of two activations.
#pragma once

#include <dyadic/kernels/packer.hpp>

namespace dyadic::inline DYADIC_ABI::kernels {

/// Weights that stand transposed: w(j, k) = codes(k, j).
template <scheme S>
struct transposed {
  quantized_view<S> codes;
};

/// Refuses codes that do not fit their params, and bounds that no 8-bit activation has.
template <scheme S>
result<void> check_packable(const quantized_view<S>& codes, std::int64_t largest_x) noexcept {
  static_assert(S.bits <= 8, "pack: the kernels take weights of at most 8 bits");
  static_assert(S.per != granularity::per_column, "pack: a scale a column cannot leave the sum over columns");
  if (largest_x < 1 || largest_x > 255)
    return failure(errc::invalid_range, "pack: largest |x - zero point| of {}, expected 1 to 255", largest_x);
  return check_quantized(codes);
}

/// What both forms of pack_into share, with codes that have been checked.
template <scheme S>
result<packed_view> pack_checked(const quantized_view<S>& codes, bool is_transposed, std::uint8_t* memory,
                                 std::int64_t largest_x) noexcept {
  const index_t n = is_transposed ? codes.cols : codes.rows, k = is_transposed ? codes.rows : codes.cols;
  const auto at = pack_layout::make(S, n, k);
  if (!at) return at.error();
  const auto address = reinterpret_cast<std::uintptr_t>(memory);
  if (memory == nullptr && at->bytes > 0)
    return failure(errc::invalid_shape, "pack: null memory for {} bytes", at->bytes);
  if (address % buffer<std::uint8_t>::alignment != 0)
    return failure(errc::invalid_shape, "pack: memory {} bytes past a multiple of 64, expected 0",
                   address % buffer<std::uint8_t>::alignment);
  if (bytes_of(codes).overlaps({address, address + static_cast<std::uintptr_t>(at->bytes)}))
    return failure(errc::overlap, "pack: the {} bytes of memory share some with the codes", at->bytes);
  return packer(codes, is_transposed, *at, memory, largest_x).run();
}

/// Bytes that pack_into writes for (n, k) weights.
inline result<index_t> pack_bytes(const scheme& s, index_t n, index_t k) noexcept {
  if (const auto ok = check_scheme(s); !ok) return ok.error();
  if (s.bits > 8) return failure(errc::invalid_scheme, "pack: codes of {} bits, expected at most 8", s.bits);
  const auto at = pack_layout::make(s, n, k);
  if (!at) return at.error();
  return at->bytes;
}

/// Packs (n, k) codes of at most 8 bits into memory of the caller's; allocates nothing.
/// \param memory     pack_bytes(S, n, k) bytes on a 64-byte boundary, apart from the codes; their contents are lost.
/// \param largest_x  as in try_pack.
/// \returns          a view into memory, or a refusal as of try_pack.
template <scheme S>
result<packed_view> pack_into(const quantized_view<S>& w, std::uint8_t* memory, std::int64_t largest_x) noexcept {
  if (const auto ok = check_packable(w, largest_x); !ok) return ok.error();
  return pack_checked(w, false, memory, largest_x);
}

/// The same of (k, n) codes, packed as w = their transpose.
template <scheme S>
result<packed_view> pack_into(const transposed<S>& w, std::uint8_t* memory, std::int64_t largest_x) noexcept {
  static_assert(!S.two_per_byte(), "pack: a transposed source needs one byte a code");
  static_assert(S.per == granularity::per_tensor, "pack: a transposed source has one scale");
  if (const auto ok = check_packable(w.codes, largest_x); !ok) return ok.error();
  return pack_checked(w.codes, true, memory, largest_x);
}

}  // namespace dyadic::inline DYADIC_ABI::kernels
