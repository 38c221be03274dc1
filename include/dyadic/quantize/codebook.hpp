// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// codebook<N>: N levels in increasing order, the nearest of which is the code of a number; and rows of such codes.
//
//   const auto levels = try_fit_codebook<16>(weights);            // lloyd_max.hpp
//   const auto w = try_quantize_codebook(*levels, W, 64);         // a scale for every 64 numbers of a row
//   w->value(i, j)                                                // scale * level
//
// A tie goes to the lower level, as bitsandbytes has it. Codes are nibbles, the first low, for at most 16 levels, else
// bytes.
#pragma once

#include <array>
#include <span>

#include <dyadic/calibrate/runs.hpp>
#include <dyadic/core/buffer.hpp>
#include <dyadic/core/float_environment.hpp>
#include <dyadic/fixed_point/int4.hpp>
#include <dyadic/scheme/opaque.hpp>

namespace dyadic::inline DYADIC_ABI {

template <std::size_t N>
  requires(N >= 2 && N <= 256)
class codebook {
 public:
  using levels_type = std::array<float, N>;

  /// Levels known when compiling; not compiled unless they are increasing, as try_make has it.
  consteval explicit codebook(const levels_type& levels) : codebook(levels, sorted(levels) ? unchecked{} : refused()) {}

  /// \param levels  finite and not decreasing. Of equal levels the first is used.
  static result<codebook> try_make(const levels_type& levels) noexcept {
    for (std::size_t i = 0; i < N; ++i) {
      if (!(levels[i] - levels[i] == 0.0f))
        return failure(errc::invalid_range, "codebook: level {} is {}, expected a finite number", i,
                       static_cast<double>(levels[i]));
      if (i > 0 && levels[i] < levels[i - 1])
        return failure(errc::invalid_range, "codebook: level {} is {}, expected at least the one before it, {}", i,
                       static_cast<double>(levels[i]), static_cast<double>(levels[i - 1]));
    }
    return codebook(levels, unchecked{});
  }

  static constexpr std::size_t size() noexcept { return N; }
  constexpr const levels_type& levels() const noexcept { return levels_; }
  constexpr float level(int code) const noexcept { return levels_[static_cast<std::size_t>(code)]; }
  /// The middle between levels code and code + 1, rounded to float: what is greater has a greater code.
  constexpr float threshold(int code) const noexcept { return thresholds_[static_cast<std::size_t>(code)]; }
  /// The largest magnitude of a level.
  constexpr float largest() const noexcept { return -levels_[0] > levels_[N - 1] ? -levels_[0] : levels_[N - 1]; }

  /// The code of the nearest level; the lower one of a tie. Infinities are the outermost, NaN is the code of zero.
  constexpr int code_of(float x) const noexcept {
    const float v = x == x ? x : 0.0f;
    int code = 0;
    if constexpr (N <= 16) {
      for (const float t : thresholds_) code += v > t ? 1 : 0;
    } else {
      for (int above = static_cast<int>(N) - 1; code < above;) {
        const int middle = (code + above) / 2;
        if (v > threshold(middle))
          code = middle + 1;
        else
          above = middle;
      }
    }
    return code;
  }
  constexpr float nearest(float x) const noexcept { return level(code_of(x)); }

 private:
  struct unchecked {};
  constexpr codebook(const levels_type& levels, unchecked) noexcept : levels_(levels), thresholds_{} {
    for (std::size_t i = 0; i + 1 < N; ++i) thresholds_[i] = levels[i] * 0.5f + levels[i + 1] * 0.5f;
  }
  static constexpr bool sorted(const levels_type& levels) noexcept {
    for (std::size_t i = 0; i < N; ++i)
      if (!(levels[i] - levels[i] == 0.0f) || (i > 0 && levels[i] < levels[i - 1])) return false;
    return true;
  }
  static unchecked refused() noexcept { return {}; }  // not constexpr: a call of it does not compile there

  levels_type levels_;
  std::array<float, N - 1> thresholds_;
};

/// The sixteen levels of NF4: quantiles of the normal distribution, over its largest; exact zero among them.
/// \see Dettmers et al., QLoRA, 2023, appendix E; bitsandbytes.
inline constexpr codebook<16> nf4_levels(std::array<float, 16>{
    -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f,
    -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f,
    0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f});

/// Codes and scales of a (rows, cols) matrix whose rows fall into groups: x = scale * level.
template <std::size_t N>
class codebook_matrix {
 public:
  /// A matrix of code 0 and scale 1. \param group  > 0, divides cols.
  static result<codebook_matrix> try_make(const codebook<N>& book, index_t rows, index_t cols, index_t group) noexcept {
    if (rows < 0 || cols < 0)
      return failure(errc::invalid_shape, "codebook: shape {} x {}, expected sizes >= 0", rows, cols);
    if (group <= 0 || cols % group != 0)
      return failure(errc::invalid_group, "codebook: rows of {} do not divide into groups of {}", cols, group);
    const auto codes = checked_multiply(rows, N <= 16 ? bytes_of_4bit(cols) : cols);
    const auto scales = checked_multiply(rows, cols / group);
    if (!codes) return codes.error();
    if (!scales) return scales.error();
    auto bytes = buffer<std::uint8_t>::make(*codes);
    auto floats = buffer<float>::make(*scales);
    if (!bytes) return bytes.error();
    if (!floats) return floats.error();
    for (float& s : *floats) s = 1.0f;
    return codebook_matrix(book, rows, cols, group, *std::move(bytes), *std::move(floats));
  }

  const codebook<N>& book() const noexcept { return book_; }
  index_t rows() const noexcept { return rows_; }
  index_t cols() const noexcept { return cols_; }
  index_t group() const noexcept { return group_; }
  const buffer<std::uint8_t>& bytes() const noexcept { return bytes_; }
  const buffer<float>& scales() const noexcept { return scales_; }

  int code(index_t i, index_t j) const noexcept { return N <= 16 ? load_u4(row(i), j) : row(i)[j]; }
  float scale(index_t i, index_t j) const noexcept { return scales_[i * (cols_ / group_) + j / group_]; }
  float value(index_t i, index_t j) const noexcept { return scale(i, j) * book_.level(code(i, j)); }

  void set_code(index_t i, index_t j, int code) noexcept {
    std::uint8_t* at = bytes_.data() + i * row_bytes();
    if constexpr (N <= 16)
      store4(at, j, code);
    else
      at[j] = static_cast<std::uint8_t>(code);
  }
  void set_scale(index_t i, index_t j, float scale) noexcept { scales_[i * (cols_ / group_) + j / group_] = scale; }

 private:
  codebook_matrix(const codebook<N>& book, index_t rows, index_t cols, index_t group, buffer<std::uint8_t> bytes,
                  buffer<float> scales) noexcept
      : book_(book), rows_(rows), cols_(cols), group_(group), bytes_(std::move(bytes)), scales_(std::move(scales)) {}
  index_t row_bytes() const noexcept { return N <= 16 ? bytes_of_4bit(cols_) : cols_; }
  const std::uint8_t* row(index_t i) const noexcept { return bytes_.data() + i * row_bytes(); }

  codebook<N> book_;
  index_t rows_, cols_, group_;
  buffer<std::uint8_t> bytes_;
  buffer<float> scales_;
};

/// Codes of x, the scale of a group being its largest magnitude over that of the levels.
///
/// A group of zeros has the scale 1. NaN -> the level nearest to 0; infinities count as the largest float, so that a
/// scale is always finite.
/// \param group  how many numbers of a row share a scale; 0: the whole row.
template <std::size_t N, real_matrix M>
result<codebook_matrix<N>> try_quantize_codebook(const codebook<N>& book, const M& x, index_t group = 0) noexcept {
  const strided<const float> view(x);
  if (const auto ok = check_view("codebook: x", view); !ok) return ok.error();
  if (!(book.largest() > 0.0f))
    return failure(errc::invalid_range, "codebook: every level is {}, expected one that is not 0",
                   static_cast<double>(book.level(0)));
  if (group == 0) group = view.cols() > 0 ? view.cols() : 1;
  auto made = codebook_matrix<N>::try_make(book, view.rows(), view.cols(), group);
  if (!made) return made;
  const default_float_environment environment;
  constexpr float most = 0x1.fffffep127f;
  for (index_t i = 0; i < view.rows(); ++i)
    for (index_t first = 0; first < view.cols(); first += group) {
      float largest = 0.0f;
      for (index_t j = first; j < first + group; ++j) {
        const float size = view(i, j) < 0.0f ? -view(i, j) : view(i, j);
        if (size > largest) largest = size < most ? size : most;
      }
      const float quotient = largest / book.largest(),
                  scale = quotient > 0.0f ? (quotient < most ? quotient : most) : 1.0f;
      made->set_scale(i, first, scale);
      for (index_t j = first; j < first + group; ++j)
        made->set_code(i, j, book.code_of(detail::opaque(view(i, j) / scale)));
    }
  return made;
}

/// The numbers of codes. \param out  (rows, cols), any layout.
template <std::size_t N>
result<void> try_dequantize_codebook(const codebook_matrix<N>& q, strided<float> out) noexcept {
  if (const auto ok = check_view("codebook: output", out); !ok) return ok.error();
  if (out.rows() != q.rows() || out.cols() != q.cols())
    return failure(errc::invalid_shape, "codebook: output is {} x {}, expected {} x {}", out.rows(), out.cols(),
                   q.rows(), q.cols());
  const default_float_environment environment;
  for (index_t i = 0; i < q.rows(); ++i)
    for (index_t j = 0; j < q.cols(); ++j) out(i, j) = detail::opaque(q.value(i, j));
  return {};
}

#if DYADIC_EXCEPTIONS
/// The throwing face: std::invalid_argument, std::length_error, std::bad_alloc.
template <std::size_t N, real_matrix M>
codebook_matrix<N> quantize_codebook(const codebook<N>& book, const M& x, index_t group = 0) {
  return try_quantize_codebook(book, x, group).value();
}
template <std::size_t N>
void dequantize_codebook(const codebook_matrix<N>& q, strided<float> out) {
  try_dequantize_codebook(q, out).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
