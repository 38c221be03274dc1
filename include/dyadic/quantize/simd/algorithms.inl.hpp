// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The runs of one instruction set; included in its region and namespace.

#include <dyadic/quantize/simd/codes.inl.hpp>
#include <dyadic/quantize/simd/runs.inl.hpp>

#include <dyadic/quantize/simd/requantize.inl.hpp>

#include <dyadic/quantize/simd/search.inl.hpp>

/// What dispatch chooses between. All work on contiguous numbers in the default floating-point environment; codes begin
/// with a byte. Bits: 16, 4 (two a byte), or 8 for what has a byte of its own.
struct runs {
  template <int Bits, bool Signed>
  using kind = std::conditional_t<Bits == 16, std::conditional_t<Signed, signed_words, unsigned_words>,
                                  std::conditional_t<Signed, signed_bytes, unsigned_bytes>>;

  /// Codes of reals that share a scale.
  template <profile P, int Bits>
  static void codes(const float* x, index_t n, const step& s, std::uint8_t* y, clip_count& clipped) {
    if constexpr (Bits == 16)
      word_codes_run<P>(x, n, s, y, clipped);
    else if constexpr (Bits == 4)
      nibble_codes_run<P>(x, n, s, y, clipped);
    else
      byte_codes_run<P>(x, n, s, y, clipped);
  }
  /// Reals of codes that share a scale. Many reals are streamed once y stands on a cache line.
  template <int Bits, bool Signed>
  static void reals(const std::uint8_t* x, index_t n, const step& s, float* y) {
    if constexpr (Bits == 4) return nibble_reals_run<Signed>(x, n, s, y);
    using codes = kind<Bits, Signed>;
    if (n < streamed_bytes / 4) return reals_run<codes, false>(x, n, s, y);
    const auto past = static_cast<index_t>(reinterpret_cast<std::uintptr_t>(y) % 64);
    const index_t first = (64 - past) % 64 / 4;
    reals_run<codes, false>(x, first, s, y);
    if (past % 4 == 0)
      reals_run<codes, true>(x + first * codes::size, n - first, s, y + first);
    else
      reals_run<codes, false>(x + first * codes::size, n - first, s, y + first);
  }
  /// Reals of the codes of reals; y may be x.
  template <profile P, bool Wide>
  static void fake(const float* x, index_t n, const step& s, float* y, clip_count& clipped) {
    fake_run<P, Wide>(x, n, s, y, clipped);
  }

  /// The same for groups of numbers one after the other that have a scale each; the last may be a part of one. Of 4 bits
  /// every group but the last has an even number of codes.
  template <profile P, int Bits>
  static void group_codes(const float* x, index_t n, index_t group, const steps& s, std::uint8_t* y,
                          clip_count& clipped) {
    if constexpr (Bits == 4) {
      nibble_group_codes_run<P>(x, n, group, s, y, clipped);
    } else {
      for (index_t i = 0, g = 0; i < n; i += group, ++g)
        codes<P, Bits>(x + i, smaller(group, n - i), step_of(s, g), y + i * Bits / 8, clipped);
    }
  }
  template <int Bits, bool Signed>
  static void group_reals(const std::uint8_t* x, index_t n, index_t group, const steps& s, float* y) {
    if constexpr (Bits == 4) {
      nibble_group_reals_run<Signed>(x, n, group, s, y);
    } else {
      for (index_t i = 0, g = 0; i < n; i += group, ++g)
        reals<Bits, Signed>(x + i * Bits / 8, smaller(group, n - i), step_of(s, g), y + i);
    }
  }
  template <profile P, bool Wide>
  static void group_fake(const float* x, index_t n, index_t group, const steps& s, float* y, clip_count& clipped) {
    for (index_t i = 0, g = 0; i < n; i += group, ++g)
      fake<P, Wide>(x + i, smaller(group, n - i), step_of(s, g), y + i, clipped);
  }

  /// The same for numbers that have a scale each; codes of 4 bits, too, take a byte here.
  template <profile P, int Bits>
  static void each_codes(const float* x, index_t n, const steps& s, std::uint8_t* y, clip_count& clipped) {
    each_codes_run<P, Bits == 16>(x, n, s, y, clipped);
  }
  template <int Bits, bool Signed>
  static void each_reals(const std::uint8_t* x, index_t n, const steps& s, float* y) {
    each_reals_run<kind<Bits, Signed>>(x, n, s, y);
  }

  /// Codes of up to 8 bits of int32 sums: by one multiplier, s.scale; by one each; by fixed-point multipliers.
  template <profile P>
  static void sums(const std::int32_t* x, index_t n, const step& s, std::uint8_t* y, clip_count& clipped) {
    byte_codes_run<P>(x, n, s, y, clipped);
  }
  template <profile P>
  static void each_sums(const std::int32_t* x, index_t n, const steps& s, std::uint8_t* y, clip_count& clipped) {
    each_sums_run<P>(x, n, s, y, clipped);
  }
  template <rescale R>
  static void fixed_sums(const std::int32_t* x, index_t n, const fixed_steps& s, std::uint8_t* y, clip_count& clipped) {
    fixed_sums_run<R>(x, n, s, y, clipped);
  }

  /// What quantize/blocks/search.hpp says, of parts of so many numbers.
  template <std::size_t Length>
  static void fit_signed(const float* x, const float* weights, std::size_t parts, int most, float* scales,
                         std::int32_t* codes) {
    fit_signed_parts<Length>(x, weights, parts, most, scales, codes);
  }
  template <std::size_t Length>
  static void fit_affine(const float* x, const float* weights, std::size_t parts, int most, const affine_search& search,
                         float* scales, float* minima, std::int32_t* codes) {
    fit_affine_parts<Length>(x, weights, parts, most, search, scales, minima, codes);
  }

  /// See carry_steps.
  static void carry(const float* x, const float* weights, const float* cost, float* carried, std::uint8_t* from) {
    carry_steps(x, weights, cost, carried, from);
  }

  /// Codes of 4 or 2 bits and of a byte each.
  static void pack(const std::uint8_t* codes, index_t n, int bits, std::uint8_t* y) { pack_codes(codes, n, bits, y); }
  static void unpack(const std::uint8_t* x, index_t n, int bits, std::uint8_t* codes) {
    unpack_codes(x, n, bits, codes);
  }
};
