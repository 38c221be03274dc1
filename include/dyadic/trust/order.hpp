// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// sort_by and percentile_of: the little order that reports need, without <algorithm>.
#pragma once

#include <span>
#include <utility>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Sorts in place, n log n (heapsort). Equal elements come in an order that depends on the input alone; where that is
/// not enough, let `before` tell them apart.
template <class T, class Before>
void sort_by(std::span<T> x, const Before& before) {
  const auto sink = [&](std::size_t at, std::size_t n) {
    for (std::size_t child; (child = 2 * at + 1) < n; at = child) {
      if (child + 1 < n && before(x[child], x[child + 1])) ++child;
      if (!before(x[at], x[child])) return;
      std::swap(x[at], x[child]);
    }
  };
  for (std::size_t i = x.size() / 2; i-- > 0;) sink(i, x.size());
  for (std::size_t n = x.size(); n-- > 1;) {
    std::swap(x[0], x[n]);
    sink(0, n);
  }
}

/// Of sorted numbers, at least one: the least that at least `percent` percent of them do not exceed (nearest rank).
inline double percentile_of(std::span<const double> sorted, index_t percent) noexcept {
  const auto n = static_cast<index_t>(sorted.size());
  const index_t rank = (n * percent + 99) / 100;
  return sorted[static_cast<std::size_t>(rank < 1 ? 0 : rank - 1)];
}

}  // namespace dyadic::inline DYADIC_ABI
