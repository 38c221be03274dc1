// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A monitor allocates when it is made and never again: a run with one makes as many allocations as a run without.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <new>

#include <dyadic/trust/monitored.hpp>

#include "support/networks.hpp"

namespace {

std::atomic<std::int64_t> allocations{0};

void* allocate(std::size_t size, std::size_t alignment) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (alignment <= alignof(std::max_align_t)) return std::malloc(size == 0 ? 1 : size);
  void* memory = nullptr;
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

namespace {

template <class F>
std::int64_t allocations_of(const F& f) {
  const std::int64_t before = allocations.load();
  f();
  return allocations.load() - before;
}

struct two_layers {
  dyadic::conv2d first;
  dyadic::linear second;
  template <class Tensor>
  Tensor operator()(const Tensor& x) const {
    return second(flatten(max_pool(relu(first(x)), {2, 2})));
  }
};

TEST(MonitorMemory, AllocatesNothingOnceItIsMade) {
  support::integers random(4);
  const two_layers net{support::make_conv2d(random, 3, 8, {.size = {3, 3}, .padding = {1, 1}}),
                       support::make_linear(random, 128, 10)};
  const auto x = support::make_images(random, 40, 8, 8, 3);
  const auto plan = dyadic::try_calibrate(net, std::array{x.all()});
  ASSERT_TRUE(plan) << plan.error().message();
  auto m = dyadic::monitor::try_make(*plan, {.every = 1, .histogram_every = 1, .keep = 100});
  ASSERT_TRUE(m);
  dyadic::workspace memory;
  const dyadic::run_options options{.run = {}, .memory = &memory};
  bool all_well = true;
  const auto without = [&] { all_well = plan->try_run(net, x.all(), options) && all_well; };
  const auto with = [&] { all_well = dyadic::try_run_monitored(*plan, net, x.all(), *m, options) && all_well; };
  without(), with();  // the workspace grows
  // The output is the only thing that is made anew.
  const std::int64_t plain = allocations_of(without);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(allocations_of(with), plain);  // past 100 rows, too
  EXPECT_GT(m->rows_lost(), 0U);
  EXPECT_TRUE(all_well);
  EXPECT_GT(allocations_of([&] { static_cast<void>(dyadic::monitor::try_make(*plan)); }), 0);  // the counter counts
}

}  // namespace
