// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Eigen's float product, compiled in a file of its own with every instruction of the machine.
#pragma once

#include <cstddef>

namespace float_gemm {

/// How Eigen's weights lie in memory; the faster one depends on the shape, and both are made beforehand.
enum class weights { rows_of_n, rows_of_k };

/// y (m, n) = x (m, k) * w^T, all row-major; w is (n, k), or its transpose (k, n). One thread, no copy of the result.
void eigen_product(const float* x, const float* w, weights layout, float* y, std::ptrdiff_t m, std::ptrdiff_t n,
                   std::ptrdiff_t k);

}  // namespace float_gemm
