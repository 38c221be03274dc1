// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The replaced operators behind allocations.hpp.
#include "support/allocations.hpp"

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

#include <dyadic/core/config.hpp>

namespace {

std::atomic<std::int64_t> allocated{0};

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  allocated.fetch_add(1, std::memory_order_relaxed);
  void* memory = nullptr;
  const bool usual = alignment <= alignof(std::max_align_t);
  if (usual) return std::malloc(size == 0 ? 1 : size);
  return posix_memalign(&memory, alignment, size) == 0 ? memory : nullptr;
}
void* allocate_or_throw(std::size_t size, std::size_t alignment) {
  void* const memory = allocate(size, alignment);
  if (memory == nullptr) {
#if DYADIC_EXCEPTIONS
    throw std::bad_alloc();
#else
    std::abort();
#endif
  }
  return memory;
}

}  // namespace

// All forms that allocate, for the whole program; what they give goes back to free. Not inlined: valgrind puts its own
// in the place of all that are called, and would find them mixed with those that are not.
[[gnu::noinline]] void* operator new(std::size_t n) { return allocate_or_throw(n, 0); }
[[gnu::noinline]] void* operator new[](std::size_t n) { return allocate_or_throw(n, 0); }
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t a) {
  return allocate_or_throw(n, static_cast<std::size_t>(a));
}
[[gnu::noinline]] void* operator new[](std::size_t n, std::align_val_t a) {
  return allocate_or_throw(n, static_cast<std::size_t>(a));
}
[[gnu::noinline]] void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, 0); }
[[gnu::noinline]] void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return allocate(n, 0); }
[[gnu::noinline]] void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, static_cast<std::size_t>(a));
}
[[gnu::noinline]] void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
  return allocate(n, static_cast<std::size_t>(a));
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

std::int64_t support::allocations() { return allocated.load(); }
