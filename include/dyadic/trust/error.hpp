// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error_sums: how far results are from their reference, from one pass over both. Any two spans of floats.
//
//   error_sums sums;
//   for (...) sums.try_observe(reference, result, unclipped_range(params));
//   const error_figures e = sums.figures(params.scale);   // e.mse, e.sqnr_db, e.rmse_steps, e.clipping...
//
// r is the reference, q the result, e = q - r. The sums are in double, of e itself: e^2 is never made from r^2, q^2 and
// r q, which would cancel. They are added one pair after the other, so how the pairs are dealt to calls does not change
// a bit; merge joins shards (to the last bit or next to it: summation.hpp). A NaN or an infinity, on either side, is
// counted and left out.
#pragma once

#include <cmath>
#include <limits>
#include <span>

#include <dyadic/core/float_environment.hpp>
#include <dyadic/core/result.hpp>
#include <dyadic/scheme/choose.hpp>
#include <dyadic/trust/summation.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The reals between which nothing is clipped: a reference outside [low, high] has no code within half a step.
struct unclipped_range {
  double low = -std::numeric_limits<double>::infinity(), high = std::numeric_limits<double>::infinity();

  constexpr unclipped_range() noexcept = default;
  /// Of 8-bit unsigned codes, half a step wider at both ends than what they stand for.
  constexpr explicit unclipped_range(const chosen& p) noexcept
      : low((-p.zero_point - 0.5) * static_cast<double>(p.scale)),
        high((255 - p.zero_point + 0.5) * static_cast<double>(p.scale)) {}
  constexpr bool holds(double r) const noexcept { return low <= r && r <= high; }
};

/// The figures of n pairs.
struct error_figures {
  index_t count = 0;       ///< pairs; all that follows is about these
  index_t not_finite = 0;  ///< pairs that were left out
  index_t clipped = 0;     ///< pairs whose reference lies outside the code range
  double mse = 0;          ///< mean of e^2
  double sqnr_db = 0;      ///< 10 log10(sum r^2 / sum e^2); +infinity where r == q, -infinity where r is 0 and q is not
  double cosine = 0;       ///< of r and q; 1 where both are 0, 0 where one is
  double bias = 0;         ///< mean of e
  double largest = 0;      ///< of |e|
  double rmse_steps = 0;   ///< sqrt(mse) in steps; 1/sqrt(12) = 0.289 is what rounding alone costs
  double rounding = 0, clipping = 0;  ///< parts of mse, by whether the reference lies in the code range; they sum to it
  double least_reference = 0, greatest_reference = 0;
};

class error_sums {
 public:
  /// \param reference, result  of the same length, else errc::invalid_shape.
  result<void> try_observe(std::span<const float> reference, std::span<const float> result,
                           const unclipped_range& range = {}) noexcept {
    if (reference.size() != result.size())
      return failure(errc::invalid_shape, "error: {} results for {} references, expected as many",
                     static_cast<index_t>(result.size()), static_cast<index_t>(reference.size()));
    const default_float_environment environment;
    for (std::size_t i = 0; i < reference.size(); ++i) add(reference[i], result[i], range);
    return {};
  }
#if DYADIC_EXCEPTIONS
  void observe(std::span<const float> reference, std::span<const float> result, const unclipped_range& range = {}) {
    try_observe(reference, result, range).value();
  }
#endif

  /// One pair, in the default floating-point environment.
  void add(float reference, float result, const unclipped_range& range) noexcept {
    const double r = static_cast<double>(reference), q = static_cast<double>(result), e = q - r;
    if (!(e - e == 0.0)) {
      ++not_finite_;
      return;
    }
    ++count_;
    e_.add(e);
    rr_.add(r * r);
    qq_.add(q * q);
    rq_.add(r * q);
    const double size = e < 0 ? -e : e;
    if (size > largest_) largest_ = size;
    if (r < least_) least_ = r;
    if (r > greatest_) greatest_ = r;
    if (range.holds(r)) return rounding_.add(e * e);
    ++clipped_;
    clipping_.add(e * e);
  }

  void merge(const error_sums& other) noexcept {
    const default_float_environment environment;
    count_ += other.count_, clipped_ += other.clipped_, not_finite_ += other.not_finite_;
    e_.merge(other.e_), rounding_.merge(other.rounding_), clipping_.merge(other.clipping_);
    rr_.merge(other.rr_), qq_.merge(other.qq_), rq_.merge(other.rq_);
    if (other.largest_ > largest_) largest_ = other.largest_;
    if (other.least_ < least_) least_ = other.least_;
    if (other.greatest_ > greatest_) greatest_ = other.greatest_;
  }

  index_t count() const noexcept { return count_; }

  /// \param step     of the codes, > 0, else errc::invalid_scale.
  /// \returns        errc::no_data when no pair of finite numbers was seen.
  dyadic::result<error_figures> try_figures(double step = 1.0) const noexcept {
    if (!(step > 0.0 && step - step == 0.0))
      return failure(errc::invalid_scale, "error: a step of {}, expected a positive number", step);
    if (count_ == 0)
      return failure(errc::no_data, "error: 0 pairs of finite numbers ({} others), expected at least 1", not_finite_);
    const default_float_environment environment;
    const double n = static_cast<double>(count_), ee = rounding_.value() + clipping_.value(), rr = rr_.value(),
                 qq = qq_.value();
    constexpr double infinity = std::numeric_limits<double>::infinity();
    error_figures f;
    f.count = count_, f.not_finite = not_finite_, f.clipped = clipped_;
    f.mse = ee / n;
    f.sqnr_db = ee == 0.0 ? infinity : rr == 0.0 ? -infinity : 10.0 * std::log10(rr / ee);
    f.cosine = rr == 0.0 || qq == 0.0 ? (rr == qq ? 1.0 : 0.0) : rq_.value() / (std::sqrt(rr) * std::sqrt(qq));
    f.bias = e_.value() / n;
    f.largest = largest_;
    f.rmse_steps = std::sqrt(f.mse) / step;
    f.rounding = rounding_.value() / n, f.clipping = clipping_.value() / n;
    f.least_reference = least_, f.greatest_reference = greatest_;
    return f;
  }
#if DYADIC_EXCEPTIONS
  error_figures figures(double step = 1.0) const { return try_figures(step).value(); }
#endif

 private:
  compensated_sum e_, rounding_, clipping_, rr_, qq_, rq_;
  index_t count_ = 0, clipped_ = 0, not_finite_ = 0;
  double largest_ = 0, least_ = std::numeric_limits<double>::infinity(),
         greatest_ = -std::numeric_limits<double>::infinity();
};

}  // namespace dyadic::inline DYADIC_ABI
