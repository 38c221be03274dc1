// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// oneDNN's integer product and its packing of weights.
#pragma once

#include "peers/peer.hpp"

namespace peers::onednn {

/// A matmul primitive: weights in the layout it asks for, scales a row, zero points and bias known when it is made.
product prepare(const codes_problem& p, output to);

/// Packing (n, k) weights for a product with many rows of unsigned codes: a reorder into memory that is there.
/// with_sums: for codes with a zero point, whose product needs the sum of each row of weights; packing finds it.
/// run alone; the elements are those of no matrix.
enum class sums { left_out, found };
product reorder(const std::int8_t* w, std::ptrdiff_t n, std::ptrdiff_t k, sums with_sums);

}  // namespace peers::onednn
