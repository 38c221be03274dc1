// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// cblas_sgemm on the weights as given: BLAS has no packed form, each call packs what it needs. One row of x goes to
// cblas_sgemv, as OpenBLAS's users would write it.
#include "peers/openblas.hpp"

#include <cblas.h>

#include <memory>
#include <vector>

namespace peers::openblas {

product prepare(const reals_problem& p) {
  auto y = std::make_shared<std::vector<float>>(static_cast<std::size_t>(p.m * p.n));
  const auto m = static_cast<blasint>(p.m), n = static_cast<blasint>(p.n), k = static_cast<blasint>(p.k);
  const auto run = [=](long calls) {
    for (; calls > 0; --calls) {
      if (m == 1)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, n, k, 1.0f, p.w, k, p.x, 1, 0.0f, y->data(), 1);
      else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1.0f, p.x, k, p.w, k, 0.0f, y->data(), n);
    }
  };
  return {run, [y](std::ptrdiff_t at) { return static_cast<double>((*y)[static_cast<std::size_t>(at)]); }};
}

}  // namespace peers::openblas
