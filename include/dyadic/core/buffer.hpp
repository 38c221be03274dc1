// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// buffer<T>: owned memory, aligned to 64 bytes whatever the compiler flags say.
#pragma once

#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include <dyadic/core/checked.hpp>

namespace dyadic::inline DYADIC_ABI {

/// A fixed number of plain elements on a cache-line boundary. Moves; copies only by clone().
template <class T>
class buffer {
  static_assert(std::is_trivially_copyable_v<T>, "buffer holds plain numbers");

 public:
  /// Bytes; a cache line, and the widest vector register.
  static constexpr std::size_t alignment = 64;

  buffer() noexcept = default;
  buffer(buffer&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  buffer& operator=(buffer&& other) noexcept {
    if (this != &other) {
      release();
      data_ = std::exchange(other.data_, nullptr);
      size_ = std::exchange(other.size_, 0);
    }
    return *this;
  }
  buffer(const buffer&) = delete;
  buffer& operator=(const buffer&) = delete;
  ~buffer() { release(); }

  /// n elements, all zero.
  static result<buffer> make(index_t n) noexcept {
    const result<index_t> bytes = checked_multiply(n, static_cast<index_t>(sizeof(T)));
    if (!bytes) return bytes.error();
    buffer made;
    if (n == 0) return made;
    void* raw = ::operator new(static_cast<std::size_t>(*bytes), std::align_val_t{alignment}, std::nothrow);
    if (raw == nullptr) return failure(errc::out_of_memory, "buffer: {} bytes are not to be had", *bytes);
    std::memset(raw, 0, static_cast<std::size_t>(*bytes));
    made.data_ = static_cast<T*>(raw);
    made.size_ = n;
    return made;
  }

  result<buffer> clone() const noexcept {
    result<buffer> made = make(size_);
    if (made && size_ > 0) std::memcpy(made->data_, data_, static_cast<std::size_t>(size_) * sizeof(T));
    return made;
  }

  T* data() noexcept { return data_; }
  const T* data() const noexcept { return data_; }
  index_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T* begin() noexcept { return data_; }
  T* end() noexcept { return data_ + size_; }
  const T* begin() const noexcept { return data_; }
  const T* end() const noexcept { return data_ + size_; }
  T& operator[](index_t i) noexcept { return data_[i]; }
  const T& operator[](index_t i) const noexcept { return data_[i]; }

 private:
  void release() noexcept {
    if (data_ != nullptr) ::operator delete(static_cast<void*>(data_), std::align_val_t{alignment});
  }

  T* data_ = nullptr;
  index_t size_ = 0;
};

}  // namespace dyadic::inline DYADIC_ABI
