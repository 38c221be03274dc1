// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Explanations that only ask the model: occlusion and sampled Shapley values. Nothing is differentiated, so they
// explain the deployed integer function itself, and no surrogate of it.
//
//   const auto parts = patches_of({1, 28, 28, 1}, {4, 4});
//   const auto e = explain_by_shapley(int8, {.x = image, .baseline = black, .parts = parts, .target = 3});
#pragma once

#include <dyadic/trust/explanation.hpp>
#include <dyadic/trust/shapley.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Occlusion: values[p] = score(x) - score(x without part p). One input a part, and nothing that has to add up: parts
/// that stand in for each other get less than their due, parts that need each other more. gap() says how much.
inline result<explanation> try_explain_by_occlusion(model_ref model, const question& q) {
  detail::mixed_input mixed(model, q);
  if (const auto ok = mixed.check("occlusion"); !ok) return ok.error();
  const index_t parts = q.parts.count;
  std::vector<double> without(static_cast<std::size_t>(parts) + 2);
  // Input `parts` lacks nothing, input `parts` + 1 everything.
  const auto with = [parts](index_t i, index_t part) { return i != part && i <= parts; };
  if (const auto ok = mixed.ask(parts + 2, with, without.data()); !ok) return ok.error();
  const double at_input = without[static_cast<std::size_t>(parts)], at_baseline = without.back();
  without.resize(static_cast<std::size_t>(parts));
  for (double& w : without) w = at_input - w;
  return detail::explained(mixed, without, 1, at_input, at_baseline);
}

/// Sampled Shapley values of the parts (Castro, Gomez, Tejada 2009): the mean, over random orders, of what a part
/// changes when it joins those before it. Each order leads from the baseline to x, so what its parts change adds up to
/// score(x) - score(baseline) exactly: in integers where the model gives codes. Standard errors are over the orders
/// that were drawn, each walked both ways.
///
/// try_shapley (shapley.hpp) asks about one set at a time; this asks about batches of inputs, in whole codes: 2 (parts
/// - 1) inputs for each order drawn, 32 orders unless how says otherwise. For a model of floats, differences are taken
/// in double and completeness holds to their rounding.
inline result<explanation> try_explain_by_shapley(model_ref model, const question& q,
                                                  const shapley_options& how = {.orders = 32}) {
  detail::mixed_input mixed(model, q);
  if (const auto ok = mixed.check("shapley"); !ok) return ok.error();
  const index_t parts = q.parts.count, between = parts - 1;
  if (how.orders < 1) return failure(errc::no_data, "shapley: {} orders, expected at least 1", how.orders);
  double ends[2];
  if (const auto ok = mixed.ask_ends(ends); !ok) return ok.error();

  const auto n = static_cast<std::size_t>(parts);
  std::vector<double> sums(n), mean(n), squares(n), on_the_way(2 * n);
  std::vector<index_t> order(n), place(n);
  for (index_t drawn = 0; drawn < how.orders; ++drawn) {
    detail::shuffle(order, how.seed, drawn);
    for (std::size_t i = 0; i < n; ++i) place[static_cast<std::size_t>(order[i])] = static_cast<index_t>(i);
    // Input i of the first `between` has the i + 1 parts that come first; of the others, those that come last.
    const auto with = [&](index_t i, index_t part) {
      const index_t at = place[static_cast<std::size_t>(part)];
      return i < between ? at <= i : between - at <= i - between;
    };
    if (const auto ok = mixed.ask(2 * between, with, on_the_way.data()); !ok) return ok.error();
    const auto score = [&](index_t way, index_t joined) {
      if (joined == 0 || joined == parts) return ends[joined == 0 ? 0 : 1];
      return on_the_way[static_cast<std::size_t>(way * between + joined - 1)];
    };
    for (index_t part = 0; part < parts; ++part) {
      const auto p = static_cast<std::size_t>(part);
      const index_t first = place[p], last = between - place[p];
      const double both = (score(0, first + 1) - score(0, first)) + (score(1, last + 1) - score(1, last));
      sums[p] += both;
      // Welford's recurrence: no difference of large sums.
      const double from_mean = both - mean[p];
      mean[p] += from_mean / static_cast<double>(drawn + 1);
      squares[p] = std::fma(from_mean, both - mean[p], squares[p]);
    }
  }
  explanation made = detail::explained(mixed, sums, 2 * how.orders, ends[1], ends[0]);
  const auto orders = static_cast<double>(how.orders);
  for (const double s : squares)
    made.standard_errors.push_back(how.orders == 1 ? std::numeric_limits<double>::quiet_NaN()
                                                   : 0.5 * mixed.units() * std::sqrt(s / (orders - 1) / orders));
  return made;
}

#if DYADIC_EXCEPTIONS
inline explanation explain_by_occlusion(model_ref model, const question& q) {
  return try_explain_by_occlusion(model, q).value();
}
inline explanation explain_by_shapley(model_ref model, const question& q, const shapley_options& how = {.orders = 32}) {
  return try_explain_by_shapley(model, q, how).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
