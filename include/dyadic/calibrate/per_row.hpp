// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// per_row: one observer a row, for params per channel or per token position.
#pragma once

#include <dyadic/calibrate/min_max.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The number of rows is set by the first matrix, or by the constructor; a matrix of another number is refused.
/// To observe columns, pass the transpose: strided(x.data(), cols, rows, col_stride, row_stride), or Eigen's
/// x.transpose().
template <observer Observer>
class per_row {
 public:
  per_row() = default;
  /// rows copies of `each`, so that its settings (bins, averaging constant) hold for all.
  explicit per_row(index_t rows, const Observer& each = {})
      : each_(each), rows_(static_cast<std::size_t>(rows > 0 ? rows : 0), each) {}

  /// Row i of x, (rows, cols), goes to observer i.
  template <real_matrix M>
  result<void> try_observe(const M& matrix) {
    const strided<const float> x(matrix);
    if (const auto ok = check_view("per_row: x", x); !ok) return ok;
    if (rows_.empty()) rows_.assign(static_cast<std::size_t>(x.rows()), each_);
    if (x.rows() != rows())
      return failure(errc::invalid_shape, "per_row: {} rows observed, expected {}", x.rows(), rows());
    for (index_t i = 0; i < x.rows(); ++i) {
      const strided<const float> row(x.row(i), 1, x.cols(), x.row_stride(), x.col_stride());
      if (const auto ok = rows_[static_cast<std::size_t>(i)].try_observe(row); !ok) return ok;
    }
    return {};
  }

  /// Row by row. One that has not observed yet takes the other's rows. On an error in row i, rows before i are merged
  /// already.
  result<void> try_merge(const per_row& other) requires mergeable_observer<Observer> {
    if (other.rows_.empty()) return {};
    if (rows_.empty()) rows_.assign(other.rows_.size(), each_);
    if (other.rows() != rows())
      return failure(errc::invalid_shape, "per_row: merging {} rows into {}, expected the same", other.rows(), rows());
    for (std::size_t i = 0; i < rows_.size(); ++i)
      if (const auto ok = rows_[i].try_merge(other.rows_[i]); !ok) return ok;
    return {};
  }

#if DYADIC_EXCEPTIONS
  template <real_matrix M>
  void observe(const M& x) {
    try_observe(x).value();
  }
  void merge(const per_row& other) requires mergeable_observer<Observer> { try_merge(other).value(); }
#endif

  index_t rows() const noexcept { return static_cast<index_t>(rows_.size()); }
  const Observer& operator[](index_t i) const noexcept { return rows_[static_cast<std::size_t>(i)]; }
  std::span<const Observer> observers() const noexcept { return rows_; }

  friend bool operator==(const per_row&, const per_row&) = default;

 private:
  Observer each_{};
  std::vector<Observer> rows_;
};

}  // namespace dyadic::inline DYADIC_ABI
