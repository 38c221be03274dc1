// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Extents and bins in plain C++, of loops that every compiler turns into vectors.
#pragma once

#include <dyadic/calibrate/ordered.hpp>
#include <dyadic/fixed_point/saturate.hpp>

namespace dyadic::inline DYADIC_ABI::simd {

/// Bins of equal size: `count` of them, at most 2^20, over [lo, hi], of length `size`.
struct equal_bins {
  float lo = 0.0f, hi = 0.0f, size = 0.0f;
  std::int32_t count = 1;
  bool divided_first = false;  ///< (x - lo) / size * count; else (x - lo) * count / size
};

/// The bin of any number: the definition. In a range of one number that is the last bin; outside, and of NaN, s.count.
inline std::int32_t bin_among(const equal_bins& s, float x) noexcept {
  if (!(x >= s.lo && x <= s.hi)) return s.count;
  const auto count = static_cast<float>(s.count);
  if (!(s.size > 0.0f)) return s.count - 1;
  const float at = s.divided_first ? (x - s.lo) / s.size * count : (x - s.lo) * count / s.size;
  return to_integer<std::int32_t>(at, 0, s.count - 1, s.count - 1);
}

namespace scalar {

struct statistics {
  /// See extent_run of runs.inl.hpp.
  static index_t extent(const float* x, index_t n, float* least, float* greatest) {
    const index_t i = blocks<256>(x, n, least, greatest);
    return i + 256 <= n ? i : i + blocks<32>(x + i, n - i, least, greatest);
  }

  /// See bins_run of runs.inl.hpp. x * per_width is exact in double.
  static bool bins(const float* x, index_t n, float, float per_width, std::int32_t first, std::int32_t* bins) {
    constexpr std::int32_t most = 1 << 30;  // of what is infinite; bins are fewer
    const auto up = static_cast<double>(per_width);
    bool finite = true;
    for (index_t i = 0; i < n; ++i) {
      const double y = static_cast<double>(x[i]) * up;
      const auto cut = to_integer<std::int32_t>(y, -most, most, 0);
      finite = finite && y - y == 0.0;
      bins[i] = cut - (y < static_cast<double>(cut) ? 1 : 0) - first;
    }
    return finite;
  }

  /// See equal_bins_run of runs.inl.hpp.
  static bool equal(const float* x, index_t n, const equal_bins& s, std::int32_t* bins) {
    bool finite = true;
    for (index_t i = 0; i < n; ++i) {
      finite = finite && x[i] - x[i] == 0.0f;
      bins[i] = bin_among(s, x[i]);
    }
    return finite;
  }

 private:
  /// Whole blocks up to the first that holds an infinity or a NaN; how many numbers that was.
  template <index_t Block>
  static index_t blocks(const float* x, index_t n, float* least, float* greatest) {
    std::int32_t lo = dyadic::detail::ordered_key(*least), hi = dyadic::detail::ordered_key(*greatest);
    index_t i = 0;
    for (; i + Block <= n; i += Block) {
      std::int32_t low = lo, high = hi, size = 0;
      for (index_t t = 0; t < Block; ++t) {
        const auto bits = std::bit_cast<std::int32_t>(x[i + t]);
        const std::int32_t key = dyadic::detail::ordered_key(bits), magnitude = bits & 0x7FFFFFFF;
        low = key < low ? key : low;
        high = key > high ? key : high;
        size = magnitude > size ? magnitude : size;
      }
      if (size >= 0x7F800000) break;
      lo = low, hi = high;
    }
    *least = dyadic::detail::float_of_key(lo), *greatest = dyadic::detail::float_of_key(hi);
    return i;
  }
};

}  // namespace scalar

}  // namespace dyadic::inline DYADIC_ABI::simd
