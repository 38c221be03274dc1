// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// widened: an operand of any scheme in sixteen bits, so that the reference need not be compiled for each.
#pragma once

#include "kernels/product.hpp"

namespace product {

/// Any operand in sixteen bits: codes and zero points as they are, params repeated where the wide scheme has more.
template <scheme Wide, scheme S>
quantized<Wide> widened(const quantized<S>& q) {
  const auto view = q.view();
  std::vector<float> scales;
  std::vector<std::int32_t> zero_points;
  const index_t step = Wide.per == dyadic::granularity::per_group ? Wide.group : q.cols() > 0 ? q.cols() : 1;
  for (index_t i = 0; i < q.rows(); ++i)
    for (index_t j = 0; j < q.cols() || (j == 0 && Wide.per == dyadic::granularity::per_row); j += step) {
      const bool none = view.scales.empty();
      scales.push_back(none ? 1.0f : view.scale(i, j));
      zero_points.push_back(none ? 0 : view.zero_point(i, j));
    }
  auto made = quantized<Wide>::try_make(q.rows(), q.cols(), dyadic::params<Wide>(scales, zero_points)).value();
  for (index_t i = 0; i < q.rows(); ++i)
    for (index_t j = 0; j < q.cols(); ++j) dyadic::store_code<Wide>(made.row(i), j, q.code(i, j));
  return made;
}

}  // namespace product
