// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every group of 1 to 256 in rows of every length from 0 to 1024.
#include "quantize/group_sizes.hpp"

namespace exhaustive_groups_test {

template <std::size_t... Group>
void check_from_one(std::index_sequence<Group...>) {
  group_sizes::check_group_sizes(std::index_sequence<Group + 1 ...>{});
}

TEST(Exhaustive, EveryGroupSizeInRowsOfEveryLength) { check_from_one(std::make_index_sequence<256>{}); }

}  // namespace exhaustive_groups_test
