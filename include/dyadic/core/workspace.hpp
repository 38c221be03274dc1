// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// workspace: memory an operation may use while it runs, kept by the caller from one call to the next.
#pragma once

#include <new>
#include <utility>
#include <vector>

#include <dyadic/core/buffer.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Memory with several users, counted without atomics: all of them belong to one thread.
class memory_block {
 public:
  memory_block() noexcept = default;
  memory_block(const memory_block& other) noexcept : owned_(other.owned_) {
    if (owned_ != nullptr) ++owned_->users;
  }
  memory_block(memory_block&& other) noexcept : owned_(std::exchange(other.owned_, nullptr)) {}
  memory_block& operator=(memory_block other) noexcept {
    std::swap(owned_, other.owned_);
    return *this;
  }
  ~memory_block() {
    if (owned_ != nullptr && --owned_->users == 0) delete owned_;
  }

  /// Nothing when memory is out.
  static memory_block make(index_t bytes) noexcept {
    auto memory = buffer<std::uint8_t>::make(bytes);
    memory_block made;
    if (memory) made.owned_ = new (std::nothrow) owned{std::move(*memory), 1};
    return made;
  }
  bool empty() const noexcept { return owned_ == nullptr; }
  std::uint8_t* data() const noexcept { return owned_ == nullptr ? nullptr : owned_->memory.data(); }
  index_t size() const noexcept { return owned_ == nullptr ? 0 : owned_->memory.size(); }
  int users() const noexcept { return owned_ == nullptr ? 0 : owned_->users; }

 private:
  struct owned {
    buffer<std::uint8_t> memory;
    int users;
  };
  owned* owned_ = nullptr;
};

/// Blocks nobody uses any more are given out again.
class memory_pool {
 public:
  /// At least `bytes` bytes, or nothing when memory is out.
  memory_block take(index_t bytes) {
    memory_block* best = nullptr;
    for (memory_block& b : blocks_)
      if (b.users() == 1 && b.size() >= bytes && (best == nullptr || b.size() < best->size())) best = &b;
    if (best != nullptr) return *best;
    memory_block made = memory_block::make(bytes);
    if (!made.empty()) blocks_.push_back(made);
    return made;
  }

 private:
  std::vector<memory_block> blocks_;
};

/// Scratch that grows to what is asked and stays there, and a pool for what lives longer than one operation. One
/// operation, or one run of a network, at a time may use it.
class workspace {
 public:
  workspace() noexcept = default;
  /// Memory of the caller's, on a 64-byte boundary; it is used as far as it reaches.
  workspace(std::uint8_t* memory, index_t bytes) noexcept : borrowed_(memory), borrowed_bytes_(bytes) {}

  /// At least `bytes` bytes on a 64-byte boundary, or nullptr when memory is out. Contents are not kept.
  std::uint8_t* reserve(index_t bytes) noexcept {
    if (borrowed_ != nullptr && bytes <= borrowed_bytes_) return borrowed_;
    if (bytes > memory_.size()) {
      memory_ = {};
      auto made = buffer<std::uint8_t>::make(bytes);
      if (!made) return nullptr;
      memory_ = std::move(*made);
    }
    return memory_.data();
  }
  index_t size_bytes() const noexcept { return memory_.size(); }
  memory_pool& pool() noexcept { return pool_; }

 private:
  std::uint8_t* borrowed_ = nullptr;
  index_t borrowed_bytes_ = 0;
  buffer<std::uint8_t> memory_;
  memory_pool pool_;
};

}  // namespace dyadic::inline DYADIC_ABI
