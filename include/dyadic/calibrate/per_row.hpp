// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// per_row: one observer a row, for params per channel or per token position; merged, saved and loaded as one.
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

  /// Row by row, of the same settings. One that has not observed yet takes the other's rows. On an error nothing is
  /// added.
  result<void> try_merge(const per_row& other) requires mergeable_observer<Observer> {
    if (const auto same = Observer(each_).try_merge(other.each_); !same) return same;
    if (other.rows_.empty()) return {};
    std::vector<Observer> merged = rows_.empty() ? std::vector<Observer>(other.rows_.size(), each_) : rows_;
    if (other.rows_.size() != merged.size())
      return failure(errc::invalid_shape, "per_row: merging {} rows into {}, expected the same", other.rows(), rows());
    for (std::size_t i = 0; i < merged.size(); ++i)
      if (const auto ok = merged[i].try_merge(other.rows_[i]); !ok) return ok;
    rows_ = std::move(merged);
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

  /// The settings and every row; try_load gives the same observers again, on any machine.
  std::vector<std::byte> save() const requires saved_observer<Observer> { return detail::save_state(*this); }
  /// errc::bad_format for bytes that save of the same kind of observer did not write.
  static result<per_row> try_load(std::span<const std::byte> bytes) requires saved_observer<Observer> {
    return detail::load_state<per_row>(bytes);
  }

  static constexpr const char* state_name = "per_row";
  static constexpr std::uint32_t state_tag = 0x52505944;  // "DYPR"
  template <class Out>
  void write(Out& out) const {
    out.put("observer", Observer::state_tag);
    out.put("rows", static_cast<std::uint64_t>(rows_.size()));
    each_.write(out);
    for (const Observer& row : rows_) row.write(out);
  }
  static result<per_row> read(detail::state_reader& in) {
    if (const auto ok = in.expect_left(12); !ok) return ok.error();
    if (const std::uint32_t tag = in.get32(); tag != Observer::state_tag)
      return failure(errc::bad_format, "per_row: rows of tag {}, expected {}", tag, Observer::state_tag);
    const std::uint64_t rows = in.get64();
    if (rows > in.left())  // a row takes many bytes, so nothing larger is ever reserved
      return failure(errc::bad_format, "per_row: {} rows in {} bytes", rows, in.left());
    result<Observer> each = Observer::read(in);
    if (!each) return each.error();
    per_row made;
    made.each_ = std::move(*each);
    for (std::uint64_t i = 0; i < rows; ++i) {
      result<Observer> row = Observer::read(in);
      if (!row) return row.error();
      if (const auto ok = check_settings(made.each_, *row); !ok)
        return failure(errc::bad_format, "per_row: row {} has other settings: {}", i, ok.error().message());
      made.rows_.push_back(std::move(*row));
    }
    return made;
  }

  friend bool operator==(const per_row&, const per_row&) = default;

 private:
  /// What merges refuses other settings by itself.
  static result<void> check_settings(const Observer& each, const Observer& row) {
    if constexpr (mergeable_observer<Observer>) {
      const auto ok = Observer(each).try_merge(row);
      return ok || ok.error().code() == errc::overflow ? result<void>() : ok;
    } else {
      return each.check_settings(row);
    }
  }

  Observer each_{};
  std::vector<Observer> rows_;
};

}  // namespace dyadic::inline DYADIC_ABI
