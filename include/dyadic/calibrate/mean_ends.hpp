// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// mean_ends: what observers share that average a low and a high end over batches: two exact sums and a count.
//
// The sums are integers, so the state is a function of the multiset of the batches: any order, shard and merge tree
// gives the same bytes. What a batch is stays the caller's choice, and matters: the mean of two batches' ends is not
// the end of one batch of both.
#pragma once

#include <dyadic/calibrate/min_max.hpp>
#include <dyadic/fixed_point/exact_sum.hpp>

namespace dyadic::inline DYADIC_ABI::detail {

struct mean_ends {
  extent seen;                ///< of all numbers
  std::uint64_t batches = 0;  ///< that held a finite number
  exact_sum low, high;

  friend bool operator==(const mean_ends&, const mean_ends&) = default;

  /// A batch, and the ends it contributes unless it held no finite number.
  void include(const extent& batch, float lo, float hi) noexcept {
    seen.include(batch);
    if (batch.empty()) return;
    ++batches;
    low.add(lo);
    high.add(hi);
  }

  result<void> try_merge(const char* what, const mean_ends& other) noexcept {
    if (const auto ok = check_counts(what, seen, other.seen); !ok) return ok;
    seen.include(other.seen);
    batches += other.batches;  // at most as many as numbers
    low.merge(other.low);
    high.merge(other.high);
    return {};
  }

  /// The counts of all numbers, with the mean ends as min and max.
  extent mean() const noexcept {
    extent e = seen;
    if (batches > 0) e.min = low.mean(batches), e.max = high.mean(batches);
    return e;
  }

  template <class Out>
  void write(Out& out) const {
    put_extent(out, seen);
    out.put("batches", batches);
    out.put("sum_of_low_ends", low.units());
    out.put("sum_of_high_ends", high.units());
  }

  static result<mean_ends> read(const char* what, state_reader& in) noexcept {
    mean_ends made;
    if (const auto ok = in.get(made.seen); !ok) return ok.error();
    if (const auto ok = in.expect_left(8 + 2 * sizeof(exact_sum::integer)); !ok) return ok.error();
    made.batches = in.get64();
    for (exact_sum* sum : {&made.low, &made.high}) {
      exact_sum::integer units{};
      for (std::uint64_t& limb : units) limb = in.get64();
      *sum = exact_sum(units);
    }
    const bool none = made.seen.empty();
    if (none ? made.batches != 0 : made.batches == 0 || made.batches > made.seen.finite)
      return failure(errc::bad_format, "{}: {} batches of {} numbers together", what, made.batches, made.seen.finite);
    const extent mean = made.mean();
    const bool right =
        none ? made.low == exact_sum() && made.high == exact_sum()
             : !is_less(mean.min, made.seen.min) && !is_less(made.seen.max, mean.max) && !is_less(mean.max, mean.min);
    if (!right)
      return failure(errc::bad_format, "{}: mean ends [{}, {}] of batches in [{}, {}]", what,
                     static_cast<double>(mean.min), static_cast<double>(mean.max), static_cast<double>(made.seen.min),
                     static_cast<double>(made.seen.max));
    return made;
  }
};

}  // namespace dyadic::inline DYADIC_ABI::detail
