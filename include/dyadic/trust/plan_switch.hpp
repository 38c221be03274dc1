// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// plan_switch: the plan in service, which can be replaced while other threads run it.
//
//   dyadic::plan_switch serving(std::move(plan));
//   const auto p = serving.read();           // any thread, as often as it likes: once a batch
//   y = p->run(net, x);                      // p stays this plan until p is gone
//   serving.swap(std::move(better));         // from now on read() gives the better one
//   serving.roll_back();                     // and now the old one again, the very same object: the same bits
//
// A reader never waits: it counts itself in at a slot and goes on if the slot is still the one in service; a swap in
// those nanoseconds sends it to the next slot, never to sleep. A writer never waits either: it fills a slot that nobody
// reads, and is refused when there is none. (std::atomic<std::shared_ptr> would do with less code, but takes a lock
// inside in the standard libraries of today, and a reader would wait for a writer that was put to sleep holding it.)
#pragma once

#include <array>
#include <atomic>

#include <dyadic/network/plan.hpp>

namespace dyadic::inline DYADIC_ABI {

class plan_switch {
  struct alignas(64) slot {
    std::atomic<std::int64_t> readers{0};
    dyadic::plan plan{};
    std::uint64_t version = 0;  ///< 0: never filled
    int before = -1;            ///< the slot that was in service when this one came, while it still holds that plan
  };

 public:
  /// A plan in use. It must not outlive the switch.
  class reader {
   public:
    reader(reader&& other) noexcept : slot_(std::exchange(other.slot_, nullptr)) {}
    reader& operator=(reader&& other) noexcept {
      std::swap(slot_, other.slot_);
      return *this;
    }
    ~reader() {
      if (slot_ != nullptr) slot_->readers.fetch_sub(1);
    }
    const dyadic::plan& operator*() const noexcept { return slot_->plan; }
    const dyadic::plan* operator->() const noexcept { return &slot_->plan; }
    /// 1 for the first plan, one more for each that was swapped in.
    std::uint64_t version() const noexcept { return slot_->version; }

   private:
    friend class plan_switch;
    explicit reader(slot& s) noexcept : slot_(&s) {}
    slot* slot_;
  };

  explicit plan_switch(dyadic::plan first) noexcept {
    slots_[0].plan = std::move(first);
    slots_[0].version = newest_ = 1;
  }
  plan_switch(const plan_switch&) = delete;
  plan_switch& operator=(const plan_switch&) = delete;

  /// The plan in service.
  ///
  /// The order of these sequentially consistent steps is the proof: whoever sees its slot still in service after
  /// counting itself in was counted before the writer that would fill this slot next looked at the count, or reads what
  /// that writer has finished.
  reader read() noexcept {
    for (;;) {
      const int at = current_.load();
      slot& s = slots_[static_cast<std::size_t>(at)];
      s.readers.fetch_add(1);
      if (current_.load() == at) return reader(s);
      s.readers.fetch_sub(1);
    }
  }

  /// Puts another plan into service and returns its version.
  /// errc::overlap when another thread swaps just now, or when every slot that could take the plan is still read.
  result<std::uint64_t> try_swap(dyadic::plan next) noexcept {
    const turn mine(busy_);
    if (!mine) return failure(errc::overlap, "plan_switch: another swap is in progress");
    const int now = current_.load(), keep = slots_[static_cast<std::size_t>(now)].before;
    int free = -1;
    for (int i = 0; i < static_cast<int>(slots_.size()); ++i) {
      const slot& s = slots_[static_cast<std::size_t>(i)];
      if (i == now || i == keep || s.readers.load() != 0) continue;
      if (free < 0 || s.version < slots_[static_cast<std::size_t>(free)].version) free = i;
    }
    if (free < 0)
      return failure(errc::overlap, "plan_switch: {} old plans are all still read, expected one that is not",
                     static_cast<index_t>(slots_.size()) - 2);
    for (slot& s : slots_)
      if (s.before == free) s.before = -1;
    slot& s = slots_[static_cast<std::size_t>(free)];
    s.plan = std::move(next);
    s.version = ++newest_;
    s.before = now;
    current_.store(free);
    return s.version;
  }

  /// Puts the plan back that was in service before this one, and returns its version. At least one is always kept
  /// after a swap, as a rule two.
  /// errc::no_data when there is none, errc::overlap when another thread swaps just now.
  result<std::uint64_t> try_roll_back() noexcept {
    const turn mine(busy_);
    if (!mine) return failure(errc::overlap, "plan_switch: another swap is in progress");
    const slot& now = slots_[static_cast<std::size_t>(current_.load())];
    if (now.before < 0)
      return failure(errc::no_data, "plan_switch: no plan is kept from before version {}", now.version);
    current_.store(now.before);
    return slots_[static_cast<std::size_t>(now.before)].version;
  }

#if DYADIC_EXCEPTIONS
  /// \throws std::invalid_argument where the try_ functions refuse.
  std::uint64_t swap(dyadic::plan next) { return try_swap(std::move(next)).value(); }
  std::uint64_t roll_back() { return try_roll_back().value(); }
#endif

 private:
  /// The right to write, or nothing while another thread has it.
  class turn {
   public:
    explicit turn(std::atomic<bool>& busy) noexcept : busy_(busy), mine_(!busy.exchange(true)) {}
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    ~turn() {
      if (mine_) busy_.store(false);
    }
    explicit operator bool() const noexcept { return mine_; }

   private:
    std::atomic<bool>& busy_;
    bool mine_;
  };

  std::array<slot, 4> slots_{};
  std::atomic<int> current_{0};
  std::atomic<bool> busy_{false};
  std::uint64_t newest_ = 0;
};

}  // namespace dyadic::inline DYADIC_ABI
