// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// workspace: memory an operation may use while it runs, kept by the caller from one call to the next.
#pragma once

#include <dyadic/core/buffer.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Grows to what is asked and stays there. One operation at a time may use it.
class workspace {
 public:
  /// At least `bytes` bytes on a 64-byte boundary, or nullptr when memory is out. Contents are not kept.
  std::uint8_t* reserve(index_t bytes) noexcept {
    if (bytes > memory_.size()) {
      memory_ = {};
      auto made = buffer<std::uint8_t>::make(bytes);
      if (!made) return nullptr;
      memory_ = std::move(*made);
    }
    return memory_.data();
  }
  index_t size_bytes() const noexcept { return memory_.size(); }

 private:
  buffer<std::uint8_t> memory_;
};

}  // namespace dyadic::inline DYADIC_ABI
