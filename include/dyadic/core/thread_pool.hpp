// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// thread_pool: a small fixed set of std::threads that models executor. Not part of the umbrella: <thread> is dear to
// include.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include <dyadic/core/executor.hpp>

namespace dyadic::inline DYADIC_ABI {

/// `threads` workers in all, the calling thread counted as one; fewer when the system has no more to give. A
/// parallel_for that comes while another is under way, from a second thread or from inside a part, runs on the calling
/// thread alone.
///
/// Where every thread can have a processor of its own, one that waits looks out for a while before it sleeps: waking it
/// takes as long as a small product.
class thread_pool {
 public:
  explicit thread_pool(index_t threads)
      : looks_(threads <= static_cast<index_t>(std::thread::hardware_concurrency()) ? 4000 : 0) {
#if DYADIC_EXCEPTIONS
    try {
      for (index_t i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      // Slower with fewer, and the same bits.
    }
#else
    for (index_t i = 1; i < threads; ++i) workers_.emplace_back([this] { work(); });
#endif
  }
  thread_pool(const thread_pool&) = delete;
  thread_pool& operator=(const thread_pool&) = delete;
  ~thread_pool() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  index_t concurrency() const noexcept { return static_cast<index_t>(workers_.size()) + 1; }

  template <class F>
  void parallel_for(index_t n, F&& f) {
    if (n < 2 || workers_.empty()) return serial::parallel_for(n, f);
    std::unique_lock lock(mutex_);
    if (count_ > 0) {
      lock.unlock();
      return serial::parallel_for(n, f);
    }
    part_ = [](void* context, index_t i) { (*static_cast<std::remove_reference_t<F>*>(context))(i); };
    context_ = const_cast<void*>(static_cast<const void*>(__builtin_addressof(f)));
    next_ = 0;
    count_ = n;
    calls_.fetch_add(1, std::memory_order_relaxed);
    wake_.notify_all();
    take_parts(lock);
    look_out(lock, [this] { return running_.load(std::memory_order_relaxed) == 0; });
    done_.wait(lock, [this] { return running_ == 0; });
    count_ = 0;
  }

 private:
  /// Runs parts until none is left to start. The lock is held on entry and on return, and never while a part runs.
  void take_parts(std::unique_lock<std::mutex>& lock) {
    while (next_ < count_) {
      const index_t i = next_++;
      ++running_;
      lock.unlock();
      part_(context_, i);
      lock.lock();
      if (--running_ == 0 && next_ == count_) done_.notify_one();
    }
  }
  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      const unsigned seen = calls_.load(std::memory_order_relaxed);
      look_out(lock, [this, seen] { return calls_.load(std::memory_order_relaxed) != seen; });
      wake_.wait(lock, [this] { return stop_ || next_ < count_; });
      if (stop_) return;
      take_parts(lock);
    }
  }

  /// Gives up the lock until something happens, for some 50 microseconds at most.
  template <class Happened>
  void look_out(std::unique_lock<std::mutex>& lock, Happened happened) const {
    if (looks_ == 0 || happened()) return;
    lock.unlock();
    for (int i = 0; i < looks_ && !happened(); ++i) pause();
    lock.lock();
  }
  static void pause() noexcept {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
  }

  const int looks_;
  std::atomic<unsigned> calls_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> workers_;
  void (*part_)(void*, index_t) = nullptr;
  void* context_ = nullptr;
  index_t next_ = 0, count_ = 0;
  std::atomic<index_t> running_ = 0;  // changed under the lock
  bool stop_ = false;
};

}  // namespace dyadic::inline DYADIC_ABI
