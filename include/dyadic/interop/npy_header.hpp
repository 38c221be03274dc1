// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The header of a .npy file: its shape, its element type, and the text that says both.
//
// \see numpy.lib.format in the NumPy manual
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include <dyadic/core/checked.hpp>
#include <dyadic/core/result.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The extents of an array, slowest first: {32, 9}; {} is a single number. At most 8; more are counted, not kept.
class npy_shape {
 public:
  static constexpr int max_rank = 8;

  constexpr npy_shape() noexcept = default;
  constexpr npy_shape(std::initializer_list<index_t> extents) noexcept {
    for (const index_t extent : extents) push_back(extent);
  }
  constexpr void push_back(index_t extent) noexcept {
    if (rank_ < max_rank) extents_[static_cast<std::size_t>(rank_)] = extent;
    ++rank_;
  }

  constexpr int rank() const noexcept { return rank_; }
  constexpr index_t operator[](int axis) const noexcept { return extents_[static_cast<std::size_t>(axis)]; }
  constexpr bool operator==(const npy_shape&) const noexcept = default;

  /// The number of elements. Refused: a rank above 8, a negative extent, a product beyond index_t.
  result<index_t> elements() const noexcept {
    if (rank_ > max_rank) return failure(errc::invalid_shape, "rank is {}, expected at most {}", rank_, max_rank);
    index_t count = 1;
    for (int axis = 0; axis < rank_; ++axis) {
      const result<index_t> product = checked_multiply(count, (*this)[axis]);
      if (!product) return product.error();
      count = *product;
    }
    return count;
  }

 private:
  std::array<index_t, max_rank> extents_{};
  int rank_ = 0;
};

namespace detail {

/// What .npy calls T; null if it has no place here.
template <class T>
inline constexpr const char* npy_type = nullptr;
template <>
inline constexpr const char* npy_type<float> = "<f4";
template <>
inline constexpr const char* npy_type<double> = "<f8";
template <>
inline constexpr const char* npy_type<std::int8_t> = "|i1";
template <>
inline constexpr const char* npy_type<std::uint8_t> = "|u1";
template <>
inline constexpr const char* npy_type<std::int32_t> = "<i4";

template <class T>
concept npy_element = npy_type<T>
!= nullptr;

/// "(32, 9)", as Python writes a tuple.
inline std::string npy_text(const npy_shape& shape) {
  std::string text = "(";
  for (int axis = 0; axis < shape.rank() && axis < npy_shape::max_rank; ++axis) {
    text += axis > 0 ? ", " : "";
    text += std::to_string(shape[axis]);
  }
  if (shape.rank() == 1) text += ",";
  if (shape.rank() > npy_shape::max_rank) text += ", ...";
  return text + ")";
}

/// Everything before the data, in format 1.0: the data start at a multiple of 64 bytes, after spaces.
inline std::string make_npy_header(const npy_shape& shape, const char* type) {
  std::string text =
      "{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': " + npy_text(shape) + ", }";
  const std::size_t length = (10 + text.size() + 1 + 63) / 64 * 64 - 10;
  text.append(length - text.size() - 1, ' ').append(1, '\n');
  const char start[] = {
      '\x93', 'N', 'U', 'M', 'P', 'Y', 1, 0, static_cast<char>(length & 255), static_cast<char>(length >> 8)};
  return std::string(start, sizeof start) + text;
}

/// Reads the header's text, a Python dictionary of exactly 'descr', 'fortran_order' and 'shape', in any order:
/// {'descr': '<f4', 'fortran_order': False, 'shape': (32, 9), }
class npy_header {
 public:
  constexpr explicit npy_header(std::string_view text) noexcept : text_(text) {}

  std::array<char, 16> type{};  ///< a C string
  bool fortran_order = false;
  npy_shape shape;

  /// Whether the text is such a dictionary; at() says where it ceases to be one.
  constexpr bool parse() noexcept {
    bool seen[3] = {};
    if (!take('{')) return false;
    while (!take('}')) {
      std::string_view key;
      if (!quoted(key)) return false;
      const int which = key == "descr" ? 0 : key == "fortran_order" ? 1 : key == "shape" ? 2 : 3;
      if (which == 3 || std::exchange(seen[which], true) || !take(':')) return false;
      if (!(which == 0 ? read_type() : which == 1 ? read_order() : read_shape())) return false;
      if (!take(',') && !sees('}')) return false;
    }
    skip_space();
    return seen[0] && seen[1] && seen[2] && at_ == text_.size();
  }

  constexpr std::size_t at() const noexcept { return at_; }

 private:
  constexpr void skip_space() noexcept {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
  }
  constexpr bool sees(char c) noexcept {
    skip_space();
    return at_ < text_.size() && text_[at_] == c;
  }
  constexpr bool take(char c) noexcept {
    const bool found = sees(c);
    at_ += found;
    return found;
  }
  constexpr bool take(std::string_view word) noexcept {
    skip_space();
    const bool found = text_.substr(at_).starts_with(word);
    if (found) at_ += word.size();
    return found;
  }
  constexpr bool quoted(std::string_view& inside) noexcept {
    const char quote = sees('"') ? '"' : '\'';
    if (!take(quote)) return false;
    const std::size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) return false;
    inside = text_.substr(at_, end - at_);
    at_ = end + 1;
    return true;
  }
  /// Only the printable, short names that element types have: the text goes into messages.
  constexpr bool read_type() noexcept {
    std::string_view name;
    if (!quoted(name) || name.size() >= type.size()) return false;
    for (const char c : name) {
      if (c <= ' ' || c > '~') return false;
    }
    name.copy(type.data(), name.size());
    return true;
  }
  constexpr bool read_order() noexcept {
    fortran_order = take("True");
    return fortran_order || take("False");
  }
  /// A tuple: (), (3,), (3, 4). (3) is a number to Python, not a tuple.
  constexpr bool read_shape() noexcept {
    if (!take('(')) return false;
    while (!take(')')) {
      index_t extent = 0;
      if (!read_extent(extent)) return false;
      shape.push_back(extent);
      if (!take(',') && (shape.rank() == 1 || !sees(')'))) return false;
    }
    return true;
  }
  constexpr bool read_extent(index_t& extent) noexcept {
    skip_space();
    const std::size_t first = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (__builtin_mul_overflow(extent, index_t{10}, &extent)) return false;
      if (__builtin_add_overflow(extent, index_t{text_[at_] - '0'}, &extent)) return false;
    }
    return at_ != first;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace detail

}  // namespace dyadic::inline DYADIC_ABI
