// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// guarded<T>: elements between two pages that cannot be touched, so that a read or write outside is a crash.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <span>

namespace support {

/// Where the elements stand between the two pages.
enum class against { first_page, last_page };

template <class T>
class guarded {
 public:
  /// n elements that begin right behind the first page, or end right before the last one.
  guarded(std::size_t n, against where) : count_(n) {
    const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
    const std::size_t inside = (n * sizeof(T) + page - 1) / page * page;
    size_ = inside + 2 * page;
    void* all = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (all == MAP_FAILED) std::abort();
    base_ = static_cast<char*>(all);
    if (inside > 0 && mprotect(base_ + page, inside, PROT_READ | PROT_WRITE) != 0) std::abort();
    char* at = where == against::first_page ? base_ + page : base_ + page + inside - n * sizeof(T);
    data_ = static_cast<T*>(static_cast<void*>(at));
  }
  /// The same with the elements of `from`.
  guarded(std::span<const T> from, against where) : guarded(from.size(), where) {
    if (!from.empty()) std::memcpy(data_, from.data(), from.size_bytes());
  }
  guarded(const guarded&) = delete;
  guarded& operator=(const guarded&) = delete;
  ~guarded() { munmap(base_, size_); }

  T* data() const { return data_; }
  std::size_t size() const { return count_; }
  std::span<T> elements() const { return {data_, count_}; }

 private:
  char* base_ = nullptr;
  std::size_t size_ = 0, count_ = 0;
  T* data_ = nullptr;
};

}  // namespace support
