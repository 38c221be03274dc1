// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A view of a sum would view nothing.
// expects: could not convert|no known conversion
#include <Eigen/Core>

#include <dyadic/core/strided.hpp>

float corner(dyadic::strided<const float> x) { return x(0, 0); }

float use(const Eigen::MatrixXf& a, const Eigen::MatrixXf& b) {
#ifdef DYADIC_TWIN
  return corner((a + b).eval());
#else
  return corner(a + b);
#endif
}
