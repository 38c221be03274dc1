// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// OpenBLAS's float product. Its core type must be right before it is loaded: see environment.hpp.
#pragma once

#include "peers/peer.hpp"

namespace peers::openblas {

product prepare(const reals_problem& p);

}  // namespace peers::openblas
