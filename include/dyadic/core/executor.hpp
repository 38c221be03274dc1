// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// executor: who runs the parts of an operation. The library starts no threads; serial{} is the default.
//
// An operation splits its work by the shape alone, never by timing, and every part writes its own outputs: the bits are
// the same for any executor and any number of threads.
#pragma once

#include <concepts>
#include <type_traits>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {
struct any_part {
  void operator()(index_t) const noexcept {}
};
}  // namespace detail

/// concurrency(): how many parts can run at once. parallel_for(n, f): f(0) ... f(n - 1), each once, in any order, all
/// done on return. f does not throw.
template <class E>
concept executor = requires(E& e, detail::any_part f) {
  { e.concurrency() } -> std::convertible_to<index_t>;
  e.parallel_for(index_t{}, f);
};

/// Everything on the calling thread, in order.
struct serial {
  static constexpr index_t concurrency() noexcept { return 1; }
  template <class F>
  static constexpr void parallel_for(index_t n, F&& f) {
    for (index_t i = 0; i < n; ++i) f(i);
  }
};

/// A borrowed executor of any type: two pointers, so that kernels are compiled once and not once an executor.
class executor_ref {
 public:
  /// The serial executor.
  executor_ref() noexcept = default;

  template <executor E>
    requires(!std::is_same_v<std::remove_cvref_t<E>, executor_ref>)
  executor_ref(E& e) noexcept  // NOLINT: implicit by design
      : self_(const_cast<void*>(static_cast<const void*>(__builtin_addressof(e)))),
        concurrency_([](void* self) { return static_cast<index_t>(static_cast<E*>(self)->concurrency()); }),
        run_([](void* self, index_t n, part_function part, void* context) {
          static_cast<E*>(self)->parallel_for(n, [=](index_t i) { part(context, i); });
        }) {}
  executor_ref(serial) noexcept {}  // NOLINT: implicit by design

  index_t concurrency() const {
    const index_t n = self_ == nullptr ? 1 : concurrency_(self_);
    return n < 1 ? 1 : n;
  }

  template <class F>
  void parallel_for(index_t n, F&& f) const {
    if (self_ == nullptr || n < 2) return serial::parallel_for(n, f);
    run_(
        self_, n, [](void* context, index_t i) { (*static_cast<std::remove_reference_t<F>*>(context))(i); },
        const_cast<void*>(static_cast<const void*>(__builtin_addressof(f))));
  }

 private:
  using part_function = void (*)(void*, index_t);

  void* self_ = nullptr;
  index_t (*concurrency_)(void*) = nullptr;
  void (*run_)(void*, index_t, part_function, void*) = nullptr;
};

/// The half-open share [first, last) of part i when n items are dealt to `parts` parts as evenly as can be.
struct share {
  index_t first = 0, last = 0;
};
constexpr share share_of(index_t n, index_t parts, index_t i) noexcept {
  const index_t each = n / parts, extra = n % parts;
  const index_t first = i * each + (i < extra ? i : extra);
  return {first, first + each + (i < extra ? 1 : 0)};
}

}  // namespace dyadic::inline DYADIC_ABI
