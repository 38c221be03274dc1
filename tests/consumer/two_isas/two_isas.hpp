// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What each translation unit says about itself; no dyadic type crosses between them.
#pragma once

#include <array>

struct build {
  int status;                ///< of program::run()
  bool vectors;              ///< compiled with AVX2 or more
  const void* check_scheme;  ///< where this unit's copy of an inline function of dyadic stands
  std::array<float, 15> y;   ///< its product
};

build baseline();
build native();
