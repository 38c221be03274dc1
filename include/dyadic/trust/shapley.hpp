// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Shapley values: each player's mean step over all orders in which the players can come.
//
//   shapley_exact(n, f)                               2^n evaluations, n <= 16
//   shapley(n, f, {.orders = 8, .seed = 1})           2 orders (n - 1) + 2 evaluations, with standard errors
//
// In an order, a player's step is L(those before it, and it) - L(those before it); the steps of one order sum to the
// total, and so does their mean. An order is drawn together with its reverse: what a pair of players does together goes
// half to each, so functions of single players and pairs come out exact from any number of orders.
#pragma once

#include <bit>
#include <cmath>
#include <limits>

#include <dyadic/trust/attribution.hpp>
#include <dyadic/trust/random.hpp>

namespace dyadic::inline DYADIC_ABI {

struct shapley_options {
  index_t orders = 8;  ///< drawn; each is walked forwards and backwards
  std::uint64_t seed = 1;
};

inline constexpr index_t most_exact_players = 16;

namespace detail {

/// Adds the steps of one order to sums; `order` from its front or from its back. False at the first error.
template <set_function F>
result<void> walk(questions<F>& about, const attribution& ends, std::span<const index_t> order, bool from_back,
                  std::vector<double>& steps) {
  const auto players = static_cast<index_t>(order.size());
  about.set_all(0);
  double before = ends.none;
  for (index_t t = 0; t < players; ++t) {
    const index_t player = order[static_cast<std::size_t>(from_back ? players - 1 - t : t)];
    about[player] = 1;
    const auto after = t + 1 == players ? result<double>(ends.all) : about.ask();
    if (!after) return after.error();
    steps[static_cast<std::size_t>(player)] += *after - before;
    before = *after;
  }
  return {};
}

/// Order `index` of the stream: Fisher and Yates's shuffle.
inline void shuffle(std::span<index_t> order, std::uint64_t seed, index_t index) noexcept {
  const random_stream random(seed, index);
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<index_t>(i);
  for (std::size_t i = order.size(); i > 1; --i) {
    const auto other = static_cast<std::size_t>(random.below(i, i));
    const index_t moved = order[i - 1];
    order[i - 1] = order[other], order[other] = moved;
  }
}

}  // namespace detail

/// Sampled. The standard error of a part is over the pairs of orders: NaN when one pair was drawn. It is an error of
/// the drawing alone; the data behind f have their own.
template <set_function F>
result<attribution> try_shapley(index_t players, F&& f, const shapley_options& how = {}) {
  if (const auto ok = detail::check_players(players); !ok) return ok.error();
  if (how.orders < 1) return failure(errc::no_data, "shapley: {} orders, expected at least 1", how.orders);
  detail::questions<std::remove_reference_t<F>> about(f, players);
  auto made = detail::ends_of(about);
  if (!made) return made;
  const auto n = static_cast<std::size_t>(players);
  std::vector<index_t> order(n);
  std::vector<double> steps(n), means(n), spreads(n);
  for (index_t drawn = 0; drawn < how.orders; ++drawn) {
    detail::shuffle(order, how.seed, drawn);
    for (double& step : steps) step = 0;
    for (const bool from_back : {false, true})
      if (const auto ok = detail::walk(about, *made, order, from_back, steps); !ok) return ok.error();
    // Welford's mean and sum of squares, of the mean step of each pair of orders.
    for (std::size_t i = 0; i < n; ++i) {
      const double value = 0.5 * steps[i], off = value - means[i];
      means[i] += off / static_cast<double>(drawn + 1);
      spreads[i] = std::fma(off, value - means[i], spreads[i]);
    }
  }
  const auto pairs = static_cast<double>(how.orders);
  for (std::size_t i = 0; i < n; ++i) {
    made->parts.push_back(means[i]);
    made->standard_errors.push_back(how.orders == 1 ? std::numeric_limits<double>::quiet_NaN()
                                                    : std::sqrt(spreads[i] / (pairs - 1.0) / pairs));
  }
  made->evaluations = about.count;
  return made;
}

/// Exact: the sum over all sets S without i of |S|! (n - 1 - |S|)! / n! (L(S and i) - L(S)).
/// \param players  at most 16, else errc::invalid_shape.
template <set_function F>
result<attribution> try_shapley_exact(index_t players, F&& f) {
  if (const auto ok = detail::check_players(players); !ok) return ok.error();
  if (players > most_exact_players)
    return failure(errc::invalid_shape, "shapley_exact: {} players, expected at most {}", players, most_exact_players);
  detail::questions<std::remove_reference_t<F>> about(f, players);
  const auto n = static_cast<std::size_t>(players), sets = std::size_t{1} << n;
  std::vector<double> values;
  for (std::size_t set = 0; set < sets; ++set) {
    for (std::size_t i = 0; i < n; ++i) about.mask[i] = static_cast<std::uint8_t>(set >> i & 1);
    const auto value = about.ask();
    if (!value) return value.error();
    values.push_back(*value);
  }
  // weight[k] = k! (n - 1 - k)! / n! = 1 / (n * binomial(n - 1, k))
  std::vector<double> weight(n);
  double binomial = 1.0;
  for (std::size_t k = 0; k < n; ++k) {
    weight[k] = 1.0 / (static_cast<double>(n) * binomial);
    binomial = binomial * static_cast<double>(n - 1 - k) / static_cast<double>(k + 1);
  }
  attribution made;
  made.none = values.front(), made.all = values.back(), made.evaluations = about.count;
  for (std::size_t i = 0; i < n; ++i) {
    compensated_sum part;
    for (std::size_t set = 0; set < sets; ++set) {
      if ((set >> i & 1) != 0) continue;
      const auto others = static_cast<std::size_t>(std::popcount(set));
      part.add(weight[others] * (values[set | std::size_t{1} << i] - values[set]));
    }
    made.parts.push_back(part.value());
  }
  return made;
}

#if DYADIC_EXCEPTIONS
template <set_function F>
attribution shapley(index_t players, F&& f, const shapley_options& how = {}) {
  return try_shapley(players, f, how).value();
}
template <set_function F>
attribution shapley_exact(index_t players, F&& f) {
  return try_shapley_exact(players, f).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
