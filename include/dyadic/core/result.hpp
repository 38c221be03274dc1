// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// result<T>: a T or the failure that kept it from being made, and the throwing face over it.
//
// Every function that can be refused exists twice: try_f(...) returns result<T>, f(...) is try_f(...).value() and
// throws. Without exceptions only the first exists, and calling value() does not compile.
#pragma once

#include <new>
#include <type_traits>
#include <utility>

#include <dyadic/core/error.hpp>
#if DYADIC_EXCEPTIONS
#include <stdexcept>
#endif

namespace dyadic::inline DYADIC_ABI {

#if DYADIC_EXCEPTIONS
/// A file or a byte stream that is not what it claims to be, or that cannot be read.
class format_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Throws e as the standard exception of its kind: std::length_error for sizes that cannot be proven to fit,
/// format_error for files, std::bad_alloc for memory, std::invalid_argument for everything else.
[[noreturn]] inline void throw_failure(const failure& e) {
  switch (e.code()) {
    case errc::overflow: throw std::length_error(e.message());
    case errc::bad_format:
    case errc::io: throw format_error(e.message());
    case errc::out_of_memory: throw std::bad_alloc();
    default: throw std::invalid_argument(e.message());
  }
}
#endif

/// A T, or the failure that kept it from being made; the shape of std::expected.
template <class T>
class [[nodiscard]] result {
 public:
  using value_type = T;

  result(T value) noexcept(std::is_nothrow_move_constructible_v<T>) : ok_(true) {  // NOLINT: implicit by design
    new (&value_) T(std::move(value));
  }
  result(const failure& e) noexcept : error_(e), ok_(false) {}  // NOLINT: implicit by design
  result(result&& other) noexcept(std::is_nothrow_move_constructible_v<T>) : ok_(other.ok_) {
    if (ok_)
      new (&value_) T(std::move(other.value_));
    else
      new (&error_) failure(other.error_);
  }
  result(const result&) = delete;
  result& operator=(const result&) = delete;
  result& operator=(result&&) = delete;
  ~result() {
    if (ok_)
      value_.~T();
    else
      error_.~failure();
  }

  explicit operator bool() const noexcept { return ok_; }
  bool has_value() const noexcept { return ok_; }

  /// The value; only after a check.
  T& operator*() & noexcept { return value_; }
  const T& operator*() const& noexcept { return value_; }
  T&& operator*() && noexcept { return std::move(value_); }
  T* operator->() noexcept { return &value_; }
  const T* operator->() const noexcept { return &value_; }

  /// The error; only when there is no value.
  const failure& error() const noexcept { return error_; }

#if DYADIC_EXCEPTIONS
  /// The value, or the error as an exception.
  T value() && {
    if (!ok_) throw_failure(error_);
    return std::move(value_);
  }
#endif

 private:
  union {
    T value_;
    failure error_;
  };
  bool ok_;
};

/// Success without a value, or an error.
template <>
class [[nodiscard]] result<void> {
 public:
  using value_type = void;

  result() noexcept : ok_(true) {}
  result(const failure& e) noexcept : error_(e), ok_(false) {}  // NOLINT: implicit by design

  explicit operator bool() const noexcept { return ok_; }
  bool has_value() const noexcept { return ok_; }
  const failure& error() const noexcept { return error_; }

#if DYADIC_EXCEPTIONS
  void value() const {
    if (!ok_) throw_failure(error_);
  }
#endif

 private:
  failure error_;
  bool ok_;
};

}  // namespace dyadic::inline DYADIC_ABI
