// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include <dyadic/core/thread_pool.hpp>

namespace thread_pool_test {

using dyadic::executor_ref;
using dyadic::index_t;
using dyadic::thread_pool;

/// Every part ran exactly once, and its writes are seen after the call: plain counters, one a part. A part that lets
/// others run first spreads the parts over the threads; otherwise the caller is often done before another wakes.
template <class Executor>
void expect_each_part_once(Executor& e, index_t n, bool yields) {
  std::vector<int> counts(static_cast<std::size_t>(n));
  e.parallel_for(n, [&](index_t i) {
    if (yields) std::this_thread::yield();
    ++counts[static_cast<std::size_t>(i)];
  });
  ASSERT_EQ(counts, std::vector<int>(static_cast<std::size_t>(n), 1));
}

class ThreadPool : public testing::TestWithParam<index_t> {};

TEST_P(ThreadPool, RunsEachPartExactlyOnce) {
  thread_pool pool(GetParam());
  EXPECT_EQ(pool.concurrency(), GetParam());
  const executor_ref ref = pool;
  EXPECT_EQ(ref.concurrency(), GetParam());
  for (int repeat = 0; repeat < 1000; ++repeat)
    for (const index_t n : {0, 1, 2, 3, 7, 100}) {
      if (repeat % 2 == 0)
        expect_each_part_once(pool, n, repeat % 4 == 0);
      else
        expect_each_part_once(ref, n, repeat % 4 == 1);
      ASSERT_FALSE(HasFatalFailure()) << "repeat " << repeat << ", " << n << " parts";
    }
}

INSTANTIATE_TEST_SUITE_P(Threads, ThreadPool, testing::Values(1, 2, 3, 7));

TEST(ThreadPool, UsesAllItsThreadsAtOnce) {
  // Each part waits for the other two, so fewer than three threads would never come to an end.
  thread_pool pool(3);
  std::atomic<int> arrived = 0;
  pool.parallel_for(3, [&](index_t) {
    ++arrived;
    while (arrived < 3) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 3);
}

TEST(ThreadPool, OfNoThreadsIsTheCallingThread) {
  for (const index_t threads : {-1, 0, 1}) {
    thread_pool pool(threads);
    EXPECT_EQ(pool.concurrency(), 1);
    pool.parallel_for(
        4, [caller = std::this_thread::get_id()](index_t) { EXPECT_EQ(std::this_thread::get_id(), caller); });
  }
}

TEST(ThreadPool, StartsAndStopsWithoutWork) {
  for (int repeat = 0; repeat < 200; ++repeat) {
    thread_pool idle(3);
    if (repeat % 2 == 0) expect_each_part_once(idle, 5, repeat % 4 == 0);
  }
}

TEST(ThreadPool, InsideAPartAndBesideAnotherCallerItRunsOnTheCallingThread) {
  thread_pool pool(3);
  std::atomic<int> inner = 0;
  pool.parallel_for(6, [&](index_t) { pool.parallel_for(5, [&](index_t) { ++inner; }); });
  EXPECT_EQ(inner, 30);
  std::atomic<int> beside = 0;
  std::thread other([&] {
    for (int repeat = 0; repeat < 500; ++repeat) pool.parallel_for(4, [&](index_t) { ++beside; });
  });
  for (int repeat = 0; repeat < 500; ++repeat) pool.parallel_for(4, [&](index_t) { ++beside; });
  other.join();
  EXPECT_EQ(beside, 4000);
}

}  // namespace thread_pool_test
