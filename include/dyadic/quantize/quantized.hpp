// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// quantized<S>: a matrix of codes with its params; quantized_view<S>: the same, owned by someone else.
//
// Codes are row-major. Up to 8 bits a code is one byte, 16-bit codes take two, and two 4-bit codes share a byte: the
// even column in the low nibble, every row starting on a byte of its own.
#pragma once

#include <dyadic/core/buffer.hpp>
#include <dyadic/core/strided.hpp>
#include <dyadic/fixed_point/int4.hpp>
#include <dyadic/scheme/params.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Bytes of a row of `cols` codes without padding.
constexpr index_t row_bytes(const scheme& s, index_t cols) noexcept {
  return s.two_per_byte() ? (cols + 1) / 2 : cols * (s.bits == 16 ? 2 : 1);
}

/// Reads code j of a row that starts at `row`.
template <scheme S>
int load_code(const std::uint8_t* row, index_t j) noexcept {
  if constexpr (S.two_per_byte()) {
    return S.is_signed ? load_s4(row, j) : load_u4(row, j);
  } else {
    code_of<S> code;
    std::memcpy(&code, row + j * static_cast<index_t>(sizeof code), sizeof code);
    return code;
  }
}

/// Writes code j of a row; the code is already in [qmin, qmax].
template <scheme S>
void store_code(std::uint8_t* row, index_t j, int code) noexcept {
  if constexpr (S.two_per_byte()) {
    store4(row, j, code);
  } else {
    const auto c = static_cast<code_of<S>>(code);
    std::memcpy(row + j * static_cast<index_t>(sizeof c), &c, sizeof c);
  }
}

/// What met the quantizer: how many reals were NaN (they became the zero point) or fell outside the range (they
/// saturated).
struct clip_count {
  std::int64_t total = 0, nan = 0, low = 0, high = 0;

  constexpr clip_count& operator+=(const clip_count& o) noexcept {
    total += o.total, nan += o.nan, low += o.low, high += o.high;
    return *this;
  }
  /// Share of all reals that saturated, in [0, 1]; 0 when there were none.
  constexpr double clipped_fraction() const noexcept {
    return total == 0 ? 0.0 : static_cast<double>(low + high) / static_cast<double>(total);
  }
};

/// Borrowed codes and params of a (rows, cols) matrix.
template <scheme S>
struct quantized_view {
  static constexpr scheme scheme_value = S;

  const std::uint8_t* bytes = nullptr;  ///< first code of row 0
  index_t rows = 0, cols = 0;
  index_t row_stride = 0;                     ///< bytes from one row to the next
  std::span<const float> scales;              ///< params_count(S, rows, cols) of them
  std::span<const std::int32_t> zero_points;  ///< as many, or none when symmetric

  const std::uint8_t* row(index_t i) const noexcept { return bytes + i * row_stride; }
  int code(index_t i, index_t j) const noexcept { return load_code<S>(row(i), j); }
  float scale(index_t i, index_t j) const noexcept {
    return scales[static_cast<std::size_t>(params_index(S, cols, i, j))];
  }
  std::int32_t zero_point(index_t i, index_t j) const noexcept {
    return S.asymmetric() ? zero_points[static_cast<std::size_t>(params_index(S, cols, i, j))] : S.middle();
  }
};

/// Rows [first, first + count) of a matrix of codes, with their params; they must exist.
template <scheme S>
quantized_view<S> rows_of(quantized_view<S> q, index_t first, index_t count) noexcept {
  if constexpr (S.per == granularity::per_row || S.per == granularity::per_group) {
    const index_t groups = groups_in_row(S, q.cols);
    const auto at = static_cast<std::size_t>(first * groups), length = static_cast<std::size_t>(count * groups);
    q.scales = q.scales.subspan(at, length);
    if (S.asymmetric()) q.zero_points = q.zero_points.subspan(at, length);
  }
  q.bytes = q.row(first);
  q.rows = count;
  return q;
}

/// The bytes a view reads, the gaps between its rows included.
template <scheme S>
byte_range bytes_of(const quantized_view<S>& q) noexcept {
  if (q.rows <= 0 || q.cols <= 0) return {};
  const auto first = reinterpret_cast<std::uintptr_t>(q.bytes);
  return {first, first + static_cast<std::uintptr_t>((q.rows - 1) * q.row_stride + row_bytes(S, q.cols))};
}

/// Refuses a view whose shape, stride and params do not fit together; the codes themselves need no check.
template <scheme S>
result<void> check_quantized(const quantized_view<S>& q) noexcept {
  const strided<const std::uint8_t> codes(q.bytes, q.rows, q.cols);
  if (const auto ok = check_view("quantized", codes); !ok) return ok.error();
  if (q.rows > 1 && q.row_stride < row_bytes(S, q.cols))
    return failure(errc::invalid_shape, "quantized: rows {} bytes apart, expected at least {}", q.row_stride,
                   row_bytes(S, q.cols));
  if (const auto size = checked_multiply(q.rows, q.rows > 1 ? q.row_stride : 0); !size) return size.error();
  if (const auto ok = check_group(S, q.cols); !ok) return ok.error();
  const index_t expected = params_count(S, q.rows, q.cols);
  const auto scales = static_cast<index_t>(q.scales.size()), zeros = static_cast<index_t>(q.zero_points.size());
  if (scales != expected)
    return failure(errc::invalid_shape, "quantized: {} scales for a {} x {} matrix, expected {}", scales, q.rows,
                   q.cols, expected);
  if (zeros != (S.asymmetric() ? expected : 0))
    return failure(errc::invalid_shape, "quantized: {} zero points with {} scales, expected {}", zeros, scales,
                   S.asymmetric() ? expected : index_t{0});
  for (index_t i = 0; i < scales; ++i)
    if (const auto ok = check_scale(q.scales[static_cast<std::size_t>(i)], i); !ok) return ok.error();
  for (index_t i = 0; i < zeros; ++i)
    if (const auto ok = check_zero_point(S, q.zero_points[static_cast<std::size_t>(i)], i); !ok) return ok.error();
  return {};
}

/// Owned codes and params of a (rows, cols) matrix. Made by quantize, or by try_make for codes that come from
/// elsewhere.
template <scheme S>
class quantized {
 public:
  static constexpr scheme scheme_value = S;

  quantized() = default;

  /// All codes zero (bytes of zero), params checked against the shape.
  static result<quantized> try_make(index_t rows, index_t cols, params<S> p) {
    if (rows < 0 || cols < 0)
      return failure(errc::invalid_shape, "quantized: shape {} x {}, expected sizes >= 0", rows, cols);
    const auto count = checked_multiply(rows, cols, index_t{2});
    if (!count) return count.error();
    if (const auto ok = check_params(p, rows, cols); !ok) return ok.error();
    auto bytes = buffer<std::uint8_t>::make(rows * row_bytes(S, cols));
    if (!bytes) return bytes.error();
    quantized made;
    made.bytes_ = std::move(*bytes);
    made.rows_ = rows;
    made.cols_ = cols;
    made.params_ = std::move(p);
    return made;
  }

  index_t rows() const noexcept { return rows_; }
  index_t cols() const noexcept { return cols_; }
  const dyadic::params<S>& params() const noexcept { return params_; }
  std::uint8_t* bytes() noexcept { return bytes_.data(); }
  const std::uint8_t* bytes() const noexcept { return bytes_.data(); }
  /// Bytes of codes, params not counted.
  index_t size_bytes() const noexcept { return bytes_.size(); }
  std::uint8_t* row(index_t i) noexcept { return bytes_.data() + i * row_bytes(S, cols_); }
  const std::uint8_t* row(index_t i) const noexcept { return bytes_.data() + i * row_bytes(S, cols_); }
  int code(index_t i, index_t j) const noexcept { return load_code<S>(row(i), j); }

  /// What quantize met; all zero for codes that came from elsewhere.
  const clip_count& clipped() const noexcept { return clipped_; }
  void set_clipped(const clip_count& c) noexcept { clipped_ = c; }
  /// Params found while the codes were written; as many as before.
  void set_measured(dyadic::params<S>&& p, const clip_count& c) noexcept {
    params_ = std::move(p);
    clipped_ = c;
  }

  quantized_view<S> view() const noexcept {
    return {bytes_.data(), rows_, cols_, row_bytes(S, cols_), params_.scales(), params_.zero_points()};
  }
  operator quantized_view<S>() const noexcept { return view(); }

 private:
  buffer<std::uint8_t> bytes_;
  index_t rows_ = 0, cols_ = 0;
  dyadic::params<S> params_;
  clip_count clipped_;
};

}  // namespace dyadic::inline DYADIC_ABI
