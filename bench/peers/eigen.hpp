// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Eigen's float product, compiled in a file of its own with every instruction of the machine.
#pragma once

#include "peers/peer.hpp"

namespace peers::eigen {

/// How the weights lie in memory: (n, k), or their transpose (k, n). The faster one depends on the shape.
enum class weights { rows_of_n, rows_of_k };

/// One thread, no copy of the result.
product prepare(const reals_problem& p, weights layout);

/// By the layout that was faster in a few calls of each.
product prepare(const reals_problem& p);

}  // namespace peers::eigen
