// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// exact_sum: the sum of any floats as one wide integer, so that no order, split or merge of the additions can show.
//
// Every finite float is an integer times 2^-149, below 2^128 = 2^277 units. The sum is a two's complement integer of
// 384 bits in these units: 2^64 floats need 342 of them. Only asking for the sum, or for a mean, rounds, once.
//
// \see  Kulisch, "Computer Arithmetic and Validity" (2008): the complete register
#pragma once

#include <array>
#include <bit>
#include <limits>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

class exact_sum {
 public:
  static constexpr int limbs = 6;
  using integer = std::array<std::uint64_t, limbs>;  ///< least significant first, two's complement, in 2^-149

  constexpr exact_sum() = default;
  constexpr explicit exact_sum(const integer& units) noexcept : units_(units) {}

  /// Adds a finite float; at most 2^64 of them in all.
  constexpr void add(float x) noexcept {
    const auto bits = std::bit_cast<std::uint32_t>(x);
    const unsigned biased = bits >> 23 & 0xFF, shift = biased > 0 ? biased - 1 : 0;
    const std::uint64_t significand = (bits & 0x7FFFFF) | (biased > 0 ? 1U << 23 : 0U);
    const unsigned at = shift / 64, by = shift % 64;
    integer y{};
    y[at] = significand << by;
    y[at + 1] = by > 40 ? significand >> (64 - by) : 0;  // at is at most 3: shift is below 254
    include(bits >> 31 != 0 ? negated(y) : y);
  }

  /// Adds what another one summed.
  constexpr void merge(const exact_sum& other) noexcept { include(other.units_); }

  constexpr const integer& units() const noexcept { return units_; }
  constexpr bool negative() const noexcept { return units_[limbs - 1] >> 63 != 0; }

  /// sum / n rounded to the nearest float, half to even, once; an infinity beyond the largest float. 0 is +0.
  /// \param n  > 0
  constexpr float mean(std::uint64_t n) const noexcept {
    integer q = negative() ? negated(units_) : units_;
    const std::uint64_t rest = divide(q, n);
    int top = -1;  // of the leading bit
    for (int i = limbs - 1; i >= 0 && top < 0; --i)
      if (q[index(i)] != 0) top = 64 * i + 63 - std::countl_zero(q[index(i)]);
    const int cut = top > 23 ? top - 23 : 0;
    std::uint64_t significand = bits_from(q, cut);
    // What was cut off against one half: of the quotient's bits where there are some, else of the remainder alone.
    const bool half = cut > 0 ? (bits_from(q, cut - 1) & 1) != 0 : rest >= n - rest;
    const bool more = cut > 0 ? rest != 0 || any_below(q, cut - 1) : rest > n - rest;
    if (half && (more || (significand & 1) != 0)) ++significand;
    // A significand that became 2^24, and a subnormal that became normal, carry into the exponent as they should.
    const std::uint64_t bits = (static_cast<std::uint64_t>(cut) << 23) + significand;
    const float size = bits < 0x7F800000U ? std::bit_cast<float>(static_cast<std::uint32_t>(bits))
                                          : std::numeric_limits<float>::infinity();
    return negative() && bits != 0 ? -size : size;
  }

  /// The sum, rounded once.
  constexpr float value() const noexcept { return mean(1); }

  friend constexpr bool operator==(const exact_sum&, const exact_sum&) = default;

 private:
  static constexpr std::size_t index(int i) noexcept { return static_cast<std::size_t>(i); }

  constexpr void include(const integer& y) noexcept {
    std::uint64_t carry = 0;
    for (std::size_t i = 0; i < limbs; ++i) {
      const std::uint64_t with_carry = units_[i] + carry;
      carry = with_carry < carry ? 1 : 0;
      units_[i] = with_carry + y[i];
      if (units_[i] < y[i]) carry = 1;
    }
  }

  static constexpr integer negated(integer y) noexcept {
    bool carry = true;
    for (std::uint64_t& limb : y) {
      limb = ~limb + (carry ? 1 : 0);
      carry = carry && limb == 0;
    }
    return y;
  }

  /// y = y / n, and the remainder: schoolbook division, bit by bit within a limb so that nothing wider is needed.
  static constexpr std::uint64_t divide(integer& y, std::uint64_t n) noexcept {
    std::uint64_t rest = 0;
    if (n == 1) return rest;
    for (int bit = 64 * limbs - 1; bit >= 0; --bit) {
      std::uint64_t& limb = y[index(bit / 64)];
      const std::uint64_t mask = std::uint64_t{1} << (bit % 64);
      const bool over = rest >> 63 != 0;  // 2 * rest needs 65 bits, and is above n
      rest = rest << 1 | ((limb & mask) != 0 ? 1U : 0U);
      const bool fits = over || rest >= n;
      if (fits) rest -= n;
      limb = fits ? limb | mask : limb & ~mask;
    }
    return rest;
  }

  /// The 64 bits of y from position `at` on.
  static constexpr std::uint64_t bits_from(const integer& y, int at) noexcept {
    const int limb = at / 64, by = at % 64;
    const std::uint64_t low = y[index(limb)] >> by;
    return by == 0 || limb + 1 >= limbs ? low : low | y[index(limb + 1)] << (64 - by);
  }
  static constexpr bool any_below(const integer& y, int at) noexcept {
    for (int i = 0; i < at / 64; ++i)
      if (y[index(i)] != 0) return true;
    return (y[index(at / 64)] & ((std::uint64_t{1} << (at % 64)) - 1)) != 0;
  }

  integer units_{};
};

}  // namespace dyadic::inline DYADIC_ABI
