// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <vector>

#include <dyadic/core/executor.hpp>
#include <dyadic/core/thread_pool.hpp>

namespace executor_test {

using dyadic::executor;
using dyadic::executor_ref;
using dyadic::index_t;
using dyadic::serial;

struct not_an_executor {
  index_t concurrency() const { return 1; }
};
static_assert(executor<serial> && executor<const serial> && executor<dyadic::thread_pool> && executor<executor_ref>);
static_assert(!executor<not_an_executor> && !executor<int> && !executor<const dyadic::thread_pool>);

TEST(Executor, SerialRunsInOrder) {
  std::vector<index_t> seen;
  serial::parallel_for(5, [&](index_t i) { seen.push_back(i); });
  EXPECT_EQ(seen, (std::vector<index_t>{0, 1, 2, 3, 4}));
  serial::parallel_for(0, [&](index_t) { FAIL(); });
  EXPECT_EQ(serial::concurrency(), 1);
}

TEST(Executor, RefWithoutAnExecutorIsSerial) {
  std::vector<index_t> seen;
  const executor_ref none, also{serial{}};
  none.parallel_for(3, [&](index_t i) { seen.push_back(i); });
  also.parallel_for(3, [&](index_t i) { seen.push_back(i); });
  EXPECT_EQ(seen, (std::vector<index_t>{0, 1, 2, 0, 1, 2}));
  EXPECT_EQ(none.concurrency(), 1);
}

/// A user's executor: runs backwards, claims any concurrency, counts its calls.
struct backwards {
  index_t concurrency() const { return claimed; }
  template <class F>
  void parallel_for(index_t n, F&& f) {
    ++calls;
    while (n > 0) f(--n);
  }
  index_t claimed = 4;
  int calls = 0;
};
static_assert(executor<backwards>);

TEST(Executor, RefBorrowsAnyExecutor) {
  backwards mine;
  const executor_ref ref = mine;
  const executor_ref copy = ref;
  EXPECT_EQ(copy.concurrency(), 4);
  std::vector<index_t> seen;
  copy.parallel_for(3, [&](index_t i) { seen.push_back(i); });
  EXPECT_EQ(seen, (std::vector<index_t>{2, 1, 0}));
  EXPECT_EQ(mine.calls, 1);
  copy.parallel_for(0, [&](index_t) { FAIL(); });
  copy.parallel_for(1, [&](index_t i) { EXPECT_EQ(i, 0); });
  EXPECT_EQ(mine.calls, 1) << "one part needs no executor";
  mine.claimed = 0;
  EXPECT_EQ(copy.concurrency(), 1) << "there is always the calling thread";
}

TEST(Executor, RefTakesAFunctionThatIsConst) {
  dyadic::thread_pool pool(2);
  std::vector<int> counts(10);
  const auto part = [&counts](index_t i) { ++counts[static_cast<std::size_t>(i)]; };
  executor_ref(pool).parallel_for(10, part);
  pool.parallel_for(10, part);
  EXPECT_EQ(counts, std::vector<int>(10, 2));
}

TEST(Executor, SharesCoverEverythingOnceAndEvenly) {
  for (index_t n = 0; n <= 40; ++n)
    for (index_t parts = 1; parts <= 9; ++parts) {
      index_t next = 0;
      for (index_t i = 0; i < parts; ++i) {
        const auto [first, last] = dyadic::share_of(n, parts, i);
        ASSERT_EQ(first, next);
        ASSERT_GE(last - first, n / parts);
        ASSERT_LE(last - first, n / parts + 1);
        next = last;
      }
      ASSERT_EQ(next, n);
    }
}

}  // namespace executor_test
