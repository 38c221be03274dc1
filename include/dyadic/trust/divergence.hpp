// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// divergence: how far the answers of two classifiers are apart, from their logits alone.
//
//   const divergence d = dyadic::divergence_of(reference, result);    // two matrices of logits
//   divergence_rows all;                                              // or batch by batch, and shard by shard
//   for (...) all.observe(reference, result);
//
// KL(p || q) of p = softmax(reference row), q = softmax(result row), in nats, with its standard error over the rows,
// percentiles, and the share of rows whose largest logit is at the same place. What is kept is one number a row.
//
// Near 0 divergences stop ranking: do not choose between two forms of a network that are both almost lossless by them.
#pragma once

#include <cmath>
#include <limits>
#include <vector>

#include <dyadic/core/float_environment.hpp>
#include <dyadic/core/strided.hpp>
#include <dyadic/trust/order.hpp>
#include <dyadic/trust/summation.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Divergences of n rows, and what they come to.
struct divergence {
  std::vector<double> rows;  ///< of each row, in nats; >= 0
  double mean = 0;
  double standard_error = 0;  ///< of the mean: deviation / sqrt(n); NaN of one row
  double median = 0, percentile_90 = 0, percentile_99 = 0, largest = 0;  ///< the least that many percent do not exceed
  index_t same_top = 0;  ///< rows with the largest logit at the same place, the first of equals
  double same_top_rate() const noexcept { return static_cast<double>(same_top) / static_cast<double>(rows.size()); }
};

namespace detail {

/// p (e^d - 1 - d) = q - p - p d for p = e^log_p, q = e^log_q, d = log_q - log_p; >= 0. Near d = 0 by the series of
/// e^d - 1 - d, whose first term left out is under 2^-53 of the whole.
inline double divergence_term(double log_p, double log_q) noexcept {
  const double p = std::exp(log_p), d = log_q - log_p;
  if (d > 0.02 || d < -0.02) return std::fma(-p, d, std::exp(log_q) - p);
  double series = 0.0;
  for (const double factorial : {40320.0, 5040.0, 720.0, 120.0, 24.0, 6.0, 2.0})
    series = std::fma(series, d, 1.0 / factorial);
  return p * series * d * d;
}

/// log sum exp of a row, above its largest element.
inline double log_sum(const strided<const float>& logits, index_t row, double largest) noexcept {
  compensated_sum sum;
  for (index_t j = 0; j < logits.cols(); ++j) sum.add(std::exp(static_cast<double>(logits(row, j)) - largest));
  return std::log(sum.value());
}
inline index_t place_of_largest(const strided<const float>& logits, index_t row) noexcept {
  index_t best = 0;
  for (index_t j = 1; j < logits.cols(); ++j)
    if (logits(row, j) > logits(row, best)) best = j;
  return best;
}
/// \param first  the number of the first row, in messages.
inline result<void> check_logits(const char* what, const strided<const float>& logits, index_t first) noexcept {
  if (const auto ok = check_view(what, logits); !ok) return ok;
  for (index_t i = 0; i < logits.rows(); ++i)
    for (index_t j = 0; j < logits.cols(); ++j)
      if (const float x = logits(i, j); !(x - x == 0.0f))
        return failure(errc::invalid_range, "{}: logit {} of row {} is {}, expected a finite number", what, j,
                       first + i, static_cast<double>(x));
  return {};
}

/// KL of one row of finite logits: the sum of q - p - p d with d = log q - log p. It equals -sum p d, because p and q
/// sum to 1, but no term is negative and nothing cancels: small divergences keep their digits.
inline double divergence_of_row(const strided<const float>& reference, const strided<const float>& result,
                                index_t row) noexcept {
  const double top_r = static_cast<double>(reference(row, place_of_largest(reference, row))),
               top_q = static_cast<double>(result(row, place_of_largest(result, row)));
  const double sum_r = log_sum(reference, row, top_r), sum_q = log_sum(result, row, top_q);
  compensated_sum sum;
  for (index_t j = 0; j < reference.cols(); ++j) {
    const double log_p = static_cast<double>(reference(row, j)) - top_r - sum_r,
                 log_q = static_cast<double>(result(row, j)) - top_q - sum_q;
    sum.add(divergence_term(log_p, log_q));
  }
  return sum.value();
}

}  // namespace detail

class divergence_rows {
 public:
  /// \param reference, result  logits (rows, classes) of the same shape, finite, two classes or more; else an error
  ///                           that names the shape or the row, counted over all calls, and nothing is added.
  result<void> try_observe(const strided<const float>& reference, const strided<const float>& result) {
    if (reference.rows() != result.rows() || reference.cols() != result.cols())
      return failure(errc::invalid_shape, "divergence: logits of {} x {} and of {} x {}, expected the same shape",
                     reference.rows(), reference.cols(), result.rows(), result.cols());
    if (reference.cols() < 2)
      return failure(errc::no_data, "divergence: {} classes, expected at least 2", reference.cols());
    const auto seen = static_cast<index_t>(rows_.size());
    if (const auto ok = detail::check_logits("divergence: reference", reference, seen); !ok) return ok;
    if (const auto ok = detail::check_logits("divergence: result", result, seen); !ok) return ok;
    const default_float_environment environment;
    for (index_t i = 0; i < reference.rows(); ++i) {
      rows_.push_back(detail::divergence_of_row(reference, result, i));
      if (detail::place_of_largest(reference, i) == detail::place_of_largest(result, i)) ++same_top_;
    }
    return {};
  }
#if DYADIC_EXCEPTIONS
  void observe(const strided<const float>& reference, const strided<const float>& result) {
    try_observe(reference, result).value();
  }
#endif
  /// The rows of other come behind those seen here.
  void merge(const divergence_rows& other) {
    rows_.insert(rows_.end(), other.rows_.begin(), other.rows_.end());
    same_top_ += other.same_top_;
  }

  /// \returns errc::no_data when no row was seen.
  result<divergence> try_figures() const {
    if (rows_.empty()) return failure(errc::no_data, "divergence: 0 rows, expected at least 1");
    const default_float_environment environment;
    divergence made;
    made.rows = rows_, made.same_top = same_top_;
    compensated_sum sum, squares;
    for (const double d : rows_) sum.add(d);
    const double n = static_cast<double>(rows_.size());
    made.mean = sum.value() / n;
    for (const double d : rows_) squares.add((d - made.mean) * (d - made.mean));
    made.standard_error =
        rows_.size() == 1 ? std::numeric_limits<double>::quiet_NaN() : std::sqrt(squares.value() / (n - 1.0) / n);
    std::vector<double> sorted = rows_;
    sort_by(std::span<double>(sorted), [](double a, double b) { return a < b; });
    made.median = percentile_of(sorted, 50), made.percentile_90 = percentile_of(sorted, 90);
    made.percentile_99 = percentile_of(sorted, 99), made.largest = sorted.back();
    return made;
  }
#if DYADIC_EXCEPTIONS
  divergence figures() const { return try_figures().value(); }
#endif

 private:
  std::vector<double> rows_;
  index_t same_top_ = 0;
};

/// Of one pair of matrices; errors as above.
inline result<divergence> try_divergence(const strided<const float>& reference, const strided<const float>& result) {
  divergence_rows all;
  if (const auto ok = all.try_observe(reference, result); !ok) return ok.error();
  return all.try_figures();
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument for what does not fit.
inline divergence divergence_of(const strided<const float>& reference, const strided<const float>& result) {
  return try_divergence(reference, result).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
