// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// strided<T>: a matrix that someone else owns, with any row and column stride; the door for Eigen without including it.
//
// A type enters when it has memory of its own and says how it is laid out. Eigen::Matrix, Array, Map, Ref, Block and
// Transpose do; an expression such as A + B does not, and does not compile here (write .eval()).
#pragma once

#include <span>
#include <concepts>
#include <type_traits>

#include <dyadic/core/checked.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Eigen's way of describing direct access: pointer, sizes, inner and outer strides, storage order.
template <class M>
concept eigen_matrix = requires(M& m) {
  *m.data();
  { m.rows() } -> std::convertible_to<index_t>;
  { m.cols() } -> std::convertible_to<index_t>;
  { m.innerStride() } -> std::convertible_to<index_t>;
  { m.outerStride() } -> std::convertible_to<index_t>;
  { std::remove_cvref_t<M>::IsRowMajor } -> std::convertible_to<bool>;
  // DirectAccessBit: the transpose of an expression declares data() too, and has none.
  requires(static_cast<unsigned>(std::remove_cvref_t<M>::Flags) & 0x40U) != 0;
};

/// Any other matrix that has data(), rows(), cols(), row_stride() and col_stride() (strides in elements).
template <class M>
concept strided_matrix = requires(M& m) {
  *m.data();
  { m.rows() } -> std::convertible_to<index_t>;
  { m.cols() } -> std::convertible_to<index_t>;
  { m.row_stride() } -> std::convertible_to<index_t>;
  { m.col_stride() } -> std::convertible_to<index_t>;
};

/// What a matrix argument may be.
template <class M>
concept matrix_like = eigen_matrix<M> || strided_matrix<M>;

/// A view of rows() x cols() elements; element (i, j) stands at data()[i * row_stride() + j * col_stride()].
template <class T>
class strided {
 public:
  using value_type = std::remove_const_t<T>;

  constexpr strided() noexcept = default;

  /// Row-major without gaps: the usual raw memory.
  constexpr strided(T* data, index_t rows, index_t cols) noexcept : strided(data, rows, cols, cols, 1) {}

  /// Any layout. Strides in elements; they may be zero or negative for reading.
  constexpr strided(T* data, index_t rows, index_t cols, index_t row_stride, index_t col_stride) noexcept
      : data_(data), rows_(rows), cols_(cols), row_stride_(row_stride), col_stride_(col_stride) {}

  /// A matrix of another library, or a strided<T> where strided<const T> is wanted.
  template <matrix_like M>
    requires(!std::is_same_v<std::remove_cvref_t<M>, strided> &&
             std::is_convertible_v<decltype(std::declval<M&>().data()), T*>)
  constexpr strided(M&& m) noexcept  // NOLINT: implicit by design
      : data_(m.data()), rows_(m.rows()), cols_(m.cols()) {
    if constexpr (strided_matrix<M>) {
      row_stride_ = m.row_stride();
      col_stride_ = m.col_stride();
    } else {
      row_stride_ = std::remove_cvref_t<M>::IsRowMajor ? m.outerStride() : m.innerStride();
      col_stride_ = std::remove_cvref_t<M>::IsRowMajor ? m.innerStride() : m.outerStride();
    }
  }

  constexpr T* data() const noexcept { return data_; }
  constexpr index_t rows() const noexcept { return rows_; }
  constexpr index_t cols() const noexcept { return cols_; }
  constexpr index_t row_stride() const noexcept { return row_stride_; }
  constexpr index_t col_stride() const noexcept { return col_stride_; }
  constexpr T& operator()(index_t i, index_t j) const noexcept { return data_[i * row_stride_ + j * col_stride_]; }
  constexpr T* row(index_t i) const noexcept { return data_ + i * row_stride_; }

 private:
  T* data_ = nullptr;
  index_t rows_ = 0, cols_ = 0, row_stride_ = 0, col_stride_ = 1;
};

template <matrix_like M>
strided(M&&) -> strided<std::remove_pointer_t<decltype(std::declval<M&>().data())>>;

/// The element type of a matrix argument, without const.
template <matrix_like M>
using element_of = std::remove_cv_t<std::remove_pointer_t<decltype(std::declval<M&>().data())>>;

/// Refuses a view that no memory can back: negative sizes, a null pointer with elements, rows that overlap when
/// written.
template <class T>
result<void> check_view(const char* what, const strided<T>& v) noexcept {
  if (v.rows() < 0 || v.cols() < 0)
    return failure(errc::invalid_shape, "{}: shape {} x {}, expected sizes >= 0", what, v.rows(), v.cols());
  const result<index_t> count = checked_multiply(v.rows(), v.cols());
  if (!count) return count.error();
  if (v.data() == nullptr && *count > 0)
    return failure(errc::invalid_shape, "{}: null data for {} x {} elements", what, v.rows(), v.cols());
  index_t far_row = 0, far_col = 0, reach = 0;
  if (*count > 0 &&
      (__builtin_mul_overflow(v.rows() - 1, v.row_stride(), &far_row) ||
       __builtin_mul_overflow(v.cols() - 1, v.col_stride(), &far_col) ||
       __builtin_add_overflow(far_row < 0 ? far_row : -far_row, far_col < 0 ? far_col : -far_col, &reach) ||
       __builtin_mul_overflow(reach, static_cast<index_t>(sizeof(T)) + 1, &reach)))
    return failure(errc::overflow, "{}: {} x {} elements with strides {} and {} reach farther than {} bytes", what,
                   v.rows(), v.cols(), v.row_stride(), v.col_stride(), PTRDIFF_MAX);
  if constexpr (!std::is_const_v<T>) {
    const index_t rs = v.row_stride() < 0 ? -v.row_stride() : v.row_stride();
    const index_t cs = v.col_stride() < 0 ? -v.col_stride() : v.col_stride();
    const bool nested = cs > rs * (v.rows() - 1) || rs > cs * (v.cols() - 1);
    const bool rows_apart = v.rows() < 2 || (rs > 0 && (v.cols() < 2 || nested));
    const bool cols_apart = v.cols() < 2 || cs > 0;
    if (*count > 0 && !(rows_apart && cols_apart))
      return failure(errc::overlap, "{}: strides {} and {} make elements of a {} x {} output share memory", what,
                   v.row_stride(), v.col_stride(), v.rows(), v.cols());
  }
  return {};
}

/// The first and one-past-last byte a view touches; an empty view touches nothing.
struct byte_range {
  std::uintptr_t first = 0, last = 0;
  constexpr bool overlaps(const byte_range& o) const noexcept { return first < o.last && o.first < last; }
};

template <class T>
byte_range bytes_of(const strided<T>& v) noexcept {
  if (v.rows() <= 0 || v.cols() <= 0) return {};
  const index_t far_row = (v.rows() - 1) * v.row_stride(), far_col = (v.cols() - 1) * v.col_stride();
  const index_t low = (far_row < 0 ? far_row : 0) + (far_col < 0 ? far_col : 0);
  const index_t high = (far_row > 0 ? far_row : 0) + (far_col > 0 ? far_col : 0);
  const auto base = reinterpret_cast<std::uintptr_t>(v.data());
  const auto size = static_cast<index_t>(sizeof(T));
  return {base + static_cast<std::uintptr_t>(low * size), base + static_cast<std::uintptr_t>((high + 1) * size)};
}

}  // namespace dyadic::inline DYADIC_ABI
