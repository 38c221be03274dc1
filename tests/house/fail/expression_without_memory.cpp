// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// An Eigen expression has no memory to view, and the library never copies a matrix in secret: the user writes .eval().
// expects: no matching function for call to .*try_quantize
#include <Eigen/Core>

#include <dyadic/quantize/quantize.hpp>

auto use(const Eigen::MatrixXf& a, const Eigen::MatrixXf& b) {
#ifdef DYADIC_TWIN
  return dyadic::try_quantize<dyadic::s8_per_row>((a + b).eval());
#else
  return dyadic::try_quantize<dyadic::s8_per_row>(a + b);
#endif
}
