// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Size arithmetic that says when a count does not fit instead of wrapping.
#pragma once

#include <dyadic/core/result.hpp>

namespace dyadic::inline DYADIC_ABI {

/// a + b, unless one is negative or the sum leaves index_t.
inline result<index_t> checked_add(index_t a, index_t b) noexcept {
  index_t sum = 0;
  if (a < 0 || b < 0)
    return failure(errc::invalid_shape, "size: {} + {} has a negative term, expected both >= 0", a, b);
  if (__builtin_add_overflow(a, b, &sum)) return failure(errc::overflow, "size: {} + {} exceeds {}", a, b, PTRDIFF_MAX);
  return sum;
}

/// a * b, unless one is negative or the product leaves index_t.
inline result<index_t> checked_multiply(index_t a, index_t b) noexcept {
  index_t product = 0;
  if (a < 0 || b < 0)
    return failure(errc::invalid_shape, "size: {} x {} has a negative factor, expected both >= 0", a, b);
  if (__builtin_mul_overflow(a, b, &product))
    return failure(errc::overflow, "size: {} x {} exceeds {}", a, b, PTRDIFF_MAX);
  return product;
}

/// The product of any number of factors, by the same rules.
template <class... Rest>
result<index_t> checked_multiply(index_t a, index_t b, Rest... rest) noexcept {
  result<index_t> first = checked_multiply(a, b);
  if (!first) return first.error();
  return checked_multiply(*first, static_cast<index_t>(rest)...);
}

/// a rounded up to a multiple of step > 0; a + step must fit.
constexpr index_t round_up(index_t a, index_t step) noexcept { return (a + step - 1) / step * step; }

/// The number of blocks of `step` > 0 that cover a.
constexpr index_t blocks_of(index_t a, index_t step) noexcept { return (a + step - 1) / step; }

}  // namespace dyadic::inline DYADIC_ABI
