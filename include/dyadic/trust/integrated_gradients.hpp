// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Integrated gradients along the straight line from a baseline to an input, with the gap between what they add up to
// and what there was to explain.
//
// A function of codes is made of steps: its gradient is zero almost everywhere, and what a user supplies for it is that
// of a surrogate, such as the float network or a straight-through estimate. The values are then the integrated
// gradients *of the surrogate*. relative_gap() compares them with the change of the model that is really asked, and so
// says how far the surrogate is from it; print it beside the values.
#pragma once

#include <dyadic/trust/explanation.hpp>

namespace dyadic::inline DYADIC_ABI {

struct integration_options {
  index_t steps = 64;  ///< midpoints on the line, at least 1; the error of the integral falls with their square
};

/// values[p] = sum over the numbers j of part p of (x_j - x'_j) * mean over the line of d score / d x_j
/// (Sundararajan, Taly, Yan 2017, by the midpoint rule).
/// \param model     whose score at x and at the baseline the values are compared with.
/// \param gradient  of the same model, or of a surrogate.
inline result<explanation> try_explain_by_gradients(model_ref model, gradient_ref gradient, const question& q,
                                                    const integration_options& how = {}) {
  detail::mixed_input mixed(model, q);
  if (const auto ok = mixed.check("integrated gradients"); !ok) return ok.error();
  if (how.steps < 1) return failure(errc::no_data, "integrated gradients: {} steps, expected at least 1", how.steps);
  if (!gradient) return failure(errc::no_data, "integrated gradients: no gradient is given");
  double ends[2];
  if (const auto ok = mixed.ask_ends(ends); !ok) return ok.error();

  const index_t features = q.x.rows.cols(), rows = how.steps < q.batch_size ? how.steps : q.batch_size;
  auto points = buffer<float>::make(rows * features), slopes = buffer<float>::make(rows * features),
       weights = buffer<float>::make(rows * mixed.outputs());
  if (!points || !slopes || !weights) return failure(errc::out_of_memory, "integrated gradients: no memory");
  for (index_t i = 0; i < rows; ++i) (*weights)[i * mixed.outputs() + q.target] = 1.0f;
  std::vector<double> sums(static_cast<std::size_t>(features));
  for (index_t first = 0; first < how.steps; first += rows) {
    const index_t n = how.steps - first < rows ? how.steps - first : rows;
    for (index_t i = 0; i < n; ++i) {
      const double along = (static_cast<double>(first + i) + 0.5) / static_cast<double>(how.steps);
      for (index_t j = 0; j < features; ++j) {
        const double from = static_cast<double>(q.baseline[static_cast<std::size_t>(j)]);
        (*points)[i * features + j] =
            static_cast<float>(std::fma(along, static_cast<double>(q.x.rows(0, j)) - from, from));
      }
    }
    const auto ok = gradient({{points->data(), n, features}, q.x.size, q.x.channels},
                             {weights->data(), n, mixed.outputs()}, {slopes->data(), n, features});
    if (!ok) return ok.error();
    for (index_t i = 0; i < n; ++i)
      for (index_t j = 0; j < features; ++j) {
        const float slope = (*slopes)[i * features + j];
        if (!(slope - slope == 0.0f))
          return failure(errc::invalid_range, "integrated gradients: gradient {} at step {} is {}, expected a number",
                         j, first + i, static_cast<double>(slope));
        sums[static_cast<std::size_t>(j)] += static_cast<double>(slope);
      }
  }
  explanation made;
  made.at_input = mixed.score(ends[1]);
  made.at_baseline = mixed.score(ends[0]);
  made.evaluations = mixed.asked() + how.steps;
  std::vector<compensated_sum> values(static_cast<std::size_t>(q.parts.count));
  for (std::size_t j = 0; j < sums.size(); ++j) {
    const double moved = static_cast<double>(q.x.rows(0, static_cast<index_t>(j))) - static_cast<double>(q.baseline[j]);
    values[static_cast<std::size_t>(q.parts.of[j])].add(moved * (sums[j] / static_cast<double>(how.steps)));
  }
  for (const compensated_sum& v : values) made.values.push_back(v.value());
  return made;
}
#if DYADIC_EXCEPTIONS
inline explanation explain_by_gradients(model_ref model, gradient_ref gradient, const question& q,
                                        const integration_options& how = {}) {
  return try_explain_by_gradients(model, gradient, q, how).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
