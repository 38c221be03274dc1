// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// matmul_nbits, the weights of ONNX Runtime's MatMulNBits: codes of 4 or 8 bits in blocks along the rows of a (rows,
// cols) matrix, each block with a scale and, if asymmetric, a zero point. x = scale * (code - zero_point).
//
//   bytes        [rows][blocks][block_size * bits / 8]        B: the first of two nibbles is the low one
//   scales       [rows][blocks]
//   zero_points  [rows][ceil(blocks * bits / 8)]              packed like the codes; without them 8, or 128
//
// blocks = ceil(cols / block_size). Codes past the end of a row are the zero point of their block: they stand for 0.
#pragma once

#include <dyadic/calibrate/runs.hpp>
#include <dyadic/core/buffer.hpp>
#include <dyadic/core/float_environment.hpp>
#include <dyadic/fixed_point/int4.hpp>
#include <dyadic/fixed_point/saturate.hpp>
#include <dyadic/scheme/opaque.hpp>
#include <dyadic/scheme/scheme.hpp>

namespace dyadic::inline DYADIC_ABI {

template <int Bits>
  requires(Bits == 4 || Bits == 8)
class matmul_nbits {
 public:
  static constexpr int middle = 1 << (Bits - 1), highest = (1 << Bits) - 1;

  /// Codes of x.
  /// \param x           (rows, cols) float, any layout; rows are outputs, cols the depth. NaN counts as 0, magnitudes
  ///                    above 2^126 as 2^126: scales are finite.
  /// \param block_size  a power of two, >= 16.
  /// \param sym         symmetric: the number of the largest magnitude becomes code 0, and the scale has the sign for
  ///                    that; asymmetric: the range, with 0 in it, from code 0 to the highest.
  /// \see   MLAS, q4_dq.cpp, BlockwiseQuantizer: times the reciprocal of the scale, plus the zero point, then ties away
  ///        from 0.
  template <real_matrix M>
  static result<matmul_nbits> try_quantize(const M& x, index_t block_size, symmetry sym) noexcept {
    const strided<const float> view(x);
    if (const auto ok = check_view("matmul_nbits: x", view); !ok) return ok.error();
    auto made = try_make(view.rows(), view.cols(), block_size, sym);
    if (!made) return made;
    const default_float_environment environment;
    for (index_t i = 0; i < view.rows(); ++i)
      for (index_t b = 0; b < made->blocks_; ++b) made->quantize_block(view, i, b);
    return made;
  }

  index_t rows() const noexcept { return rows_; }
  index_t cols() const noexcept { return cols_; }
  index_t blocks() const noexcept { return blocks_; }
  index_t block_size() const noexcept { return block_size_; }
  const buffer<std::uint8_t>& bytes() const noexcept { return bytes_; }
  const buffer<float>& scales() const noexcept { return scales_; }
  const buffer<std::uint8_t>& zero_points() const noexcept { return zero_points_; }  ///< empty: symmetric

  int code(index_t i, index_t j) const noexcept {
    return load(bytes_.data() + (i * blocks_ + j / block_size_) * block_bytes(), j % block_size_);
  }
  float scale(index_t i, index_t j) const noexcept { return scales_[i * blocks_ + j / block_size_]; }
  int zero_point(index_t i, index_t j) const noexcept {
    return zero_points_.empty() ? middle : load(zero_points_.data() + i * bytes_of_codes(blocks_), j / block_size_);
  }
  float value(index_t i, index_t j) const noexcept {
    return scale(i, j) * static_cast<float>(code(i, j) - zero_point(i, j));
  }

 private:
  matmul_nbits(index_t rows, index_t cols, index_t block_size, buffer<std::uint8_t> bytes, buffer<float> scales,
               buffer<std::uint8_t> zero_points) noexcept
      : rows_(rows),
        cols_(cols),
        block_size_(block_size),
        blocks_(blocks_of(cols, block_size)),
        bytes_(std::move(bytes)),
        scales_(std::move(scales)),
        zero_points_(std::move(zero_points)) {}

  static result<matmul_nbits> try_make(index_t rows, index_t cols, index_t block_size, symmetry sym) noexcept {
    if (block_size < 16 || (block_size & (block_size - 1)) != 0)
      return failure(errc::invalid_group, "matmul_nbits: blocks of {}, expected a power of two >= 16", block_size);
    if (const auto padded = checked_add(cols, block_size); !padded) return padded.error();
    const index_t blocks = blocks_of(cols, block_size);
    const auto count = checked_multiply(rows, blocks);
    if (!count) return count.error();
    const auto size = checked_multiply(*count, bytes_of_codes(block_size));
    if (!size) return size.error();
    auto bytes = buffer<std::uint8_t>::make(*size);
    auto scales = buffer<float>::make(*count);
    auto zeros = buffer<std::uint8_t>::make(sym == symmetry::asymmetric ? rows * bytes_of_codes(blocks) : 0);
    if (!bytes) return bytes.error();
    if (!scales) return scales.error();
    if (!zeros) return zeros.error();
    return matmul_nbits(rows, cols, block_size, *std::move(bytes), *std::move(scales), *std::move(zeros));
  }

  static index_t bytes_of_codes(index_t n) noexcept { return Bits == 4 ? bytes_of_4bit(n) : n; }
  index_t block_bytes() const noexcept { return bytes_of_codes(block_size_); }
  static int load(const std::uint8_t* at, index_t j) noexcept { return Bits == 4 ? load_u4(at, j) : at[j]; }
  static void store(std::uint8_t* at, index_t j, int code) noexcept {
    if constexpr (Bits == 4)
      store4(at, j, code);
    else
      at[j] = static_cast<std::uint8_t>(code);
  }

  void quantize_block(const strided<const float>& x, index_t i, index_t b) noexcept {
    const index_t first = b * block_size_, end = first + block_size_ < cols_ ? first + block_size_ : cols_;
    const auto held = [&x, i](index_t j) {
      const float v = x(i, j);
      return v == v ? clamp(v, -0x1p126f, 0x1p126f) : 0.0f;
    };
    float low = held(first), high = low;
    for (index_t j = first; j < end; ++j) {
      const float v = held(j);
      low = v < low ? v : low;
      high = v > high ? v : high;
    }
    float scale = 0.0f;
    int zero = middle;
    if (zero_points_.empty()) {
      scale = -(high > -low ? high : low) / static_cast<float>(middle);
    } else {
      low = low < 0.0f ? low : 0.0f;
      high = high > 0.0f ? high : 0.0f;
      scale = (high - low) / static_cast<float>(highest);
      zero = scale != 0.0f ? round_to_integer<rounding::half_away, int>(0.0f - low / scale, 0, highest, 0) : 0;
      store(zero_points_.data() + i * bytes_of_codes(blocks_), b, zero);
    }
    scales_[i * blocks_ + b] = scale;
    const float inverse = scale != 0.0f ? 1.0f / scale : 0.0f;
    std::uint8_t* at = bytes_.data() + (i * blocks_ + b) * block_bytes();
    for (index_t j = first; j < first + block_size_; ++j) {
      const float units =
          j < end ? detail::opaque(held(j) * inverse) + static_cast<float>(zero) : static_cast<float>(zero);
      store(at, j - first, round_to_integer<rounding::half_away, int>(units, 0, highest, zero));
    }
  }

  index_t rows_, cols_, block_size_, blocks_;
  buffer<std::uint8_t> bytes_;
  buffer<float> scales_;
  buffer<std::uint8_t> zero_points_;
};

#if DYADIC_EXCEPTIONS
/// The throwing face: std::invalid_argument, std::length_error, std::bad_alloc.
template <int Bits, real_matrix M>
matmul_nbits<Bits> quantize_matmul_nbits(const M& x, index_t block_size, symmetry sym) {
  return matmul_nbits<Bits>::try_quantize(x, block_size, sym).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
