// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// compensated_sum: a sum of doubles that keeps what each addition rounds away.
//
// Two doubles, high and low. Knuth's two_sum gives the rounding error of high + x exactly; low collects these errors.
// Of n terms the result is off by at most 2^-53 of the sum and (n 2^-53)^2 of the sum of magnitudes (Ogita, Rump and
// Oishi 2005, proposition 4.5), so shards that are merged agree with one pass to the last bit or next to it.
#pragma once

#include <dyadic/scheme/opaque.hpp>

namespace dyadic::inline DYADIC_ABI {

class compensated_sum {
 public:
  /// Adds x, rounded to double before: a product is not fused into the sum. Infinities and NaN stay, as in a plain sum.
  void add(double x) noexcept {
    x = detail::opaque(x);
    const double sum = high_ + x, from_x = sum - high_;
    const double lost = (high_ - (sum - from_x)) + (x - from_x);
    high_ = sum;
    if (lost - lost == 0.0) low_ += lost;
  }
  void merge(const compensated_sum& other) noexcept {
    add(other.high_);
    add(other.low_);
  }
  double value() const noexcept { return high_ + low_; }

 private:
  double high_ = 0.0, low_ = 0.0;
};

}  // namespace dyadic::inline DYADIC_ABI
