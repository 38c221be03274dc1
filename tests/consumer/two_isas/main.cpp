// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Two units with different -march in one program: the same bits, and no inline function shared, because the linker
// would keep one copy and a processor without AVX2 could be given the other's.
#include "two_isas.hpp"

int main() {
  const build a = baseline(), b = native();
  if (a.status != 0) return a.status;
  if (b.status != 0) return 100 + b.status;
  if (a.y != b.y) return 201;
  if (a.vectors != b.vectors && a.check_scheme == b.check_scheme) return 202;
  return 0;
}
