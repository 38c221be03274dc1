// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// failure: what went wrong, as a code and one sentence that carries what was given and what was expected.
//
// A failure owns its text in a fixed array: making one allocates nothing and cannot fail. Text beyond the array is cut.
#pragma once

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

/// One number or word of a sentence. A plain value, so that a failure needs no template for each mix of types.
class text_argument {
 public:
  constexpr text_argument() noexcept = default;
  constexpr text_argument(int x) noexcept : whole_(x), kind_(kind::whole) {}                        // NOLINT: implicit
  constexpr text_argument(long x) noexcept : whole_(x), kind_(kind::whole) {}                       // NOLINT
  constexpr text_argument(long long x) noexcept : whole_(x), kind_(kind::whole) {}                  // NOLINT
  constexpr text_argument(unsigned x) noexcept : natural_(x), kind_(kind::natural) {}               // NOLINT
  constexpr text_argument(unsigned long x) noexcept : natural_(x), kind_(kind::natural) {}          // NOLINT
  constexpr text_argument(unsigned long long x) noexcept : natural_(x), kind_(kind::natural) {}     // NOLINT
  constexpr text_argument(double x) noexcept : real_(x), kind_(kind::real) {}                       // NOLINT
  constexpr text_argument(const char* x) noexcept : word_(x), kind_(kind::word) {}                  // NOLINT
  constexpr text_argument(bool x) noexcept : word_(x ? "true" : "false"), kind_(kind::word) {}      // NOLINT
  constexpr text_argument(char x) noexcept : whole_(x), kind_(kind::letter) {}                      // NOLINT

  constexpr bool given() const noexcept { return kind_ != kind::none; }

  /// Writes it at out, at most size - 1 characters and a zero; returns how many it would have been.
  int print(char* out, std::size_t size) const noexcept {
    switch (kind_) {
      case kind::whole: return __builtin_snprintf(out, size, "%lld", whole_);
      case kind::natural: return __builtin_snprintf(out, size, "%llu", natural_);
      case kind::real: return __builtin_snprintf(out, size, "%.9g", real_);  // tells any two floats apart
      case kind::word: return __builtin_snprintf(out, size, "%s", word_);
      case kind::letter: return __builtin_snprintf(out, size, "%c", static_cast<int>(whole_));
      default: return 0;
    }
  }

 private:
  enum class kind : unsigned char { none, whole, natural, real, word, letter };
  union {
    long long whole_ = 0;
    unsigned long long natural_;
    double real_;
    const char* word_;
  };
  kind kind_ = kind::none;
};

/// What went wrong, once. `message()` reads as a sentence: "gemm: x has 3 columns, w expects 4".
class [[nodiscard]] failure {
 public:
  /// \param pattern  the sentence; each {} takes the next argument, a number, a bool, a char or a C string. A {} without an
  ///                 argument stays as it is.
  explicit failure(errc code, const char* pattern, text_argument a = {}, text_argument b = {}, text_argument c = {},
                   text_argument d = {}, text_argument e = {}, text_argument f = {}, text_argument g = {},
                   text_argument h = {}) noexcept
      : code_(code) {
    const text_argument arguments[] = {a, b, c, d, e, f, g, h};
    std::size_t used = 0, next = 0;
    while (*pattern != 0 && used + 1 < sizeof text_) {
      if (pattern[0] == '{' && pattern[1] == '}' && next < sizeof arguments / sizeof arguments[0] &&
          arguments[next].given()) {
        const std::size_t room = sizeof text_ - used;
        const int wanted = arguments[next++].print(text_ + used, room);
        used += wanted < 0 ? 0 : static_cast<std::size_t>(wanted) < room ? static_cast<std::size_t>(wanted) : room - 1;
        pattern += 2;
      } else {
        text_[used++] = *pattern++;
      }
    }
    text_[used] = 0;
  }

  /// No failure yet: an empty sentence.
  failure() noexcept : code_(errc::no_data) { text_[0] = 0; }

  errc code() const noexcept { return code_; }
  const char* message() const noexcept { return text_; }

 private:
  errc code_;
  char text_[255];
};

}  // namespace dyadic::inline DYADIC_ABI
