// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// failure: what went wrong, as a code and one sentence that carries what was given and what was expected.
//
// A failure owns its text in a fixed array: making one allocates nothing and cannot fail. Text beyond the array is cut.
#pragma once

#include <type_traits>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

enum class errc : unsigned char {
  invalid_shape,      ///< rows, columns, lengths or strides that do not fit together
  invalid_scale,      ///< a scale that is zero, negative, infinite or NaN
  invalid_zero_point, ///< a zero point outside the codes of its scheme
  invalid_scheme,     ///< a scheme that cannot exist, or that the operation does not take
  invalid_group,      ///< a group that does not divide the row
  invalid_range,      ///< a range whose ends are reversed or not finite
  no_data,            ///< a statistic asked of nothing, or of NaN only
  overflow,           ///< a sum or a size that cannot be proven to fit
  overlap,            ///< an output that shares memory with an input
  wrong_site,         ///< a replayed network that differs from the calibrated one
  unknown_name,       ///< an instruction set or name that does not exist here
  bad_format,         ///< a file whose bytes are not what its format says
  io,                 ///< a file that cannot be opened, read or written
  out_of_memory,
};

namespace detail {

/// Fills a fixed array with a pattern whose {} are replaced by the arguments in turn.
class text_writer {
 public:
  constexpr text_writer(char* out, int size) noexcept : out_(out), left_(size - 1) {}

  constexpr void put(char c) noexcept {
    if (left_ > 0) *out_++ = c, --left_;
    *out_ = 0;
  }
  constexpr void put(const char* s) noexcept {
    while (*s != 0) put(*s++);
  }
  template <class T>
    requires std::is_integral_v<T>
  constexpr void put(T value) noexcept {
    if constexpr (std::is_same_v<T, bool>) {
      put(value ? "true" : "false");
    } else {
      char digits[24] = {};
      int n = 0;
      const bool negative = value < T{};
      auto rest = negative ? 0ULL - static_cast<unsigned long long>(value) : static_cast<unsigned long long>(value);
      do digits[n++] = static_cast<char>('0' + rest % 10), rest /= 10;
      while (rest != 0);
      if (negative) put('-');
      while (n > 0) put(digits[--n]);
    }
  }
  void put(double value) noexcept {
    char digits[32];
    // %.9g tells any two floats apart.
    __builtin_snprintf(digits, sizeof digits, "%.9g", value);
    put(static_cast<const char*>(digits));
  }

 private:
  char* out_;
  int left_;
};

}  // namespace detail

/// What went wrong, once. `message()` reads as a sentence: "gemm: x has 3 columns, w expects 4".
class [[nodiscard]] failure {
 public:
  /// \param pattern  the sentence; each {} takes the next argument: an integer, a floating-point number or a C string.
  template <class... Args>
  explicit failure(errc code, const char* pattern, Args... args) noexcept : code_(code) {
    text_[0] = 0;
    detail::text_writer out(text_, sizeof text_);
    (put_until_hole(out, pattern, args), ...);
    out.put(pattern);
  }

  /// No failure yet: an empty sentence.
  failure() noexcept : code_(errc::no_data) { text_[0] = 0; }

  errc code() const noexcept { return code_; }
  const char* message() const noexcept { return text_; }

 private:
  template <class Arg>
  static void put_until_hole(detail::text_writer& out, const char*& pattern, Arg arg) noexcept {
    while (*pattern != 0 && !(pattern[0] == '{' && pattern[1] == '}')) out.put(*pattern++);
    if (*pattern == 0) return;
    pattern += 2;
    out.put(arg);
  }

  errc code_;
  char text_[255];
};

}  // namespace dyadic::inline DYADIC_ABI
