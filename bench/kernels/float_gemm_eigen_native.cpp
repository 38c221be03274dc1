// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Eigen's product. Built with -O3 -march=native, unlike its neighbours: were Eigen included in two of them, the linker
// would keep one of both builds for all.
#include <Eigen/Core>

#include "kernels/float_gemm_eigen.hpp"

namespace float_gemm {

using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

void eigen_product(const float* x, const float* w, weights layout, float* y, std::ptrdiff_t m, std::ptrdiff_t n,
                   std::ptrdiff_t k) {
  const Eigen::Map<const Rows> a(x, m, k);
  Eigen::Map<Rows> out(y, m, n);
  if (layout == weights::rows_of_n)
    out.noalias() = a * Eigen::Map<const Rows>(w, n, k).transpose();
  else
    out.noalias() = a * Eigen::Map<const Rows>(w, k, n);
}

}  // namespace float_gemm
