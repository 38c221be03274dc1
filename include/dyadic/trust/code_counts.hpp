// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Counting codes: how many stand at either end of their range, what they sum to, and how many there are of each.
//
// The codes are the bins already: nothing is chosen, and counts of any parts add up exactly.
#pragma once

#include <array>
#include <cstring>
#include <span>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Of unsigned 8-bit codes. A code at an end was clipped there, or is the last one inside: counts at the ends are an
/// upper bound of what was clipped, and grow exactly with it.
struct code_ends {
  std::uint64_t codes = 0, low = 0, high = 0;  ///< all, those that are 0, those that are 255
  std::uint64_t sum = 0;

  code_ends& operator+=(const code_ends& o) noexcept {
    codes += o.codes, low += o.low, high += o.high, sum += o.sum;
    return *this;
  }
  friend bool operator==(const code_ends&, const code_ends&) = default;

  double low_share() const noexcept { return share(low); }
  double high_share() const noexcept { return share(high); }
  double mean() const noexcept { return share(sum); }

 private:
  double share(std::uint64_t n) const noexcept {
    return codes == 0 ? 0 : static_cast<double>(n) / static_cast<double>(codes);
  }
};

/// Eight codes at a time in one 64-bit word, which needs no instruction set and is a tenth of the cost of a histogram.
inline code_ends count_ends(std::span<const std::uint8_t> codes) noexcept {
  constexpr std::uint64_t low_bits = 0x7F7F7F7F7F7F7F7F, ones = 0x0101010101010101, even = 0x00FF00FF00FF00FF;
  // 1 in each byte that is not 0: the sum of its seven low bits and 127 carries into the eighth, which x may have set.
  const auto not_zero = [](std::uint64_t x) { return (((x & low_bits) + low_bits) | x) >> 7 & ones; };
  const auto sum_of_pairs = [](std::uint64_t x) {  // of four 16-bit lanes
    return (x & 0xFFFF) + (x >> 16 & 0xFFFF) + (x >> 32 & 0xFFFF) + (x >> 48);
  };
  code_ends all;
  all.codes = codes.size();
  const std::uint8_t* p = codes.data();
  std::size_t left = codes.size();
  while (left >= 8) {
    // 128 words: no byte of a count exceeds 128, no 16-bit lane of the sum 2 * 128 * 255 = 65,280.
    const std::size_t words = left / 8 < 128 ? left / 8 : 128;
    std::uint64_t above = 0, below = 0, sum = 0;
    for (std::size_t i = 0; i < words; ++i, p += 8) {
      std::uint64_t x = 0;
      std::memcpy(&x, p, 8);
      above += not_zero(x);
      below += not_zero(~x);
      sum += (x & even) + (x >> 8 & even);
    }
    all.low += words * 8 - sum_of_pairs((above & even) + (above >> 8 & even));
    all.high += words * 8 - sum_of_pairs((below & even) + (below >> 8 & even));
    all.sum += sum_of_pairs(sum);
    left -= words * 8;
  }
  for (; left > 0; --left, ++p) {
    all.low += *p == 0 ? 1 : 0;
    all.high += *p == 255 ? 1 : 0;
    all.sum += *p;
  }
  return all;
}

/// The largest code less the next one, equal ones included; 0 for fewer than two. Sixteen columns at a time, which
/// compilers turn into one comparison.
inline int margin_of_codes(std::span<const std::uint8_t> codes) noexcept {
  constexpr std::size_t lanes = 16;
  if (codes.size() < 2) return 0;
  std::uint8_t best[lanes] = {}, next[lanes] = {};
  const auto larger = [](std::uint8_t a, std::uint8_t b) { return a > b ? a : b; };
  const auto smaller = [](std::uint8_t a, std::uint8_t b) { return a < b ? a : b; };
  std::size_t i = 0;
  for (; i + lanes <= codes.size(); i += lanes)
    for (std::size_t j = 0; j < lanes; ++j) {
      const std::uint8_t c = codes[i + j];
      next[j] = larger(next[j], smaller(best[j], c));
      best[j] = larger(best[j], c);
    }
  std::uint8_t first = 0, second = 0;
  const auto take = [&](std::uint8_t c) {
    second = larger(second, smaller(first, c));
    first = larger(first, c);
  };
  for (std::size_t j = 0; j < lanes; ++j) take(best[j]), take(next[j]);
  for (; i < codes.size(); ++i) take(codes[i]);
  return first - second;
}

/// How many there are of each code.
using code_histogram = std::array<std::uint64_t, 256>;

/// Adds codes to a histogram. Four counters a code, so that equal neighbours need not wait for each other.
inline void count_codes(std::span<const std::uint8_t> codes, code_histogram& counts) noexcept {
  constexpr std::size_t most = std::size_t{1} << 31;  // codes that the 32-bit counters hold for certain
  for (std::size_t first = 0; first < codes.size(); first += most) {
    const std::size_t n = codes.size() - first < most ? codes.size() - first : most;
    const std::uint8_t* p = codes.data() + first;
    std::uint32_t part[4][256] = {};
    std::size_t i = 0;
    for (; i + 4 <= n; i += 4) ++part[0][p[i]], ++part[1][p[i + 1]], ++part[2][p[i + 2]], ++part[3][p[i + 3]];
    for (; i < n; ++i) ++part[0][p[i]];
    for (std::size_t c = 0; c < counts.size(); ++c)
      counts[c] += std::uint64_t{part[0][c]} + part[1][c] + part[2][c] + part[3][c];
  }
}

}  // namespace dyadic::inline DYADIC_ABI
