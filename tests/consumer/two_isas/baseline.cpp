// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The program as a compiler's default flags compile it.
#include "../program.hpp"
#include "two_isas.hpp"

build baseline() {
#ifdef __AVX2__
  constexpr bool vectors = true;
#else
  constexpr bool vectors = false;
#endif
  build b{program::run(), vectors, reinterpret_cast<const void*>(&dyadic::check_scheme), {}};
  program::integer_product(program::make_x(), program::make_w(), b.y);
  return b;
}
