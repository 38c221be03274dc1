// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "quantize/group_sizes.hpp"

namespace groups_test {

// The target check_exhaustive takes all of 1 to 256, which are a minute and a half of compiling.
TEST(Groups, OfManySizesInRowsOfEveryLength) {
  group_sizes::check_group_sizes(
      std::index_sequence<1, 2, 3, 4, 5, 7, 8, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65, 128, 129, 255, 256>{});
}

}  // namespace groups_test
