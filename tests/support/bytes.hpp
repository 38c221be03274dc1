// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A log in memory.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace support {

using bytes = std::vector<std::byte>;

/// A sink that takes everything.
struct append_to {
  bytes* to;
  bool operator()(std::span<const std::byte> more) const {
    to->insert(to->end(), more.begin(), more.end());
    return true;
  }
};

}  // namespace support
