// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// attribution: which of N players a result is owed to, for any function of a set of them.
//
//   const attribution a = dyadic::telescoping(n, f);   // f(mask of n bytes, 1 = takes part) -> double
//
// With L(S) the value of f for the set S, and D = L(all) - L(none):
//   only_this      L({i}) - L(none)                  what i does alone
//   all_but_this   L(all) - L(all but i)             what taking i away would change
//   telescoping    L({0..i}) - L({0..i-1})           in the order of the players: sums to D, and the order matters
//   shapley.hpp    the mean of i's step over all orders: sums to D, and no order matters
// The first two do not sum to D; gap() is what is missing, and measures how much the players interact.
#pragma once

#include <dyadic/trust/set_function.hpp>
#include <dyadic/trust/summation.hpp>

namespace dyadic::inline DYADIC_ABI {

struct attribution {
  double none = 0, all = 0;             ///< L of no player, of all players
  std::vector<double> parts;            ///< one a player
  std::vector<double> standard_errors;  ///< of the parts, over the orders drawn; none where nothing was drawn
  index_t evaluations = 0;              ///< of the set function

  double total() const noexcept { return all - none; }
  /// What the parts leave of the total.
  double gap() const noexcept {
    compensated_sum left;
    left.add(all);
    left.add(-none);
    for (const double part : parts) left.add(-part);
    return left.value();
  }
};

/// L of the vectors that telescoping takes apart: parts[i][j] is player i's share of coordinate j.
struct vector_attribution {
  std::vector<double> none, all;
  std::vector<std::vector<double>> parts;
};

namespace detail {

/// L of no player and of all players; leaves the mask full.
template <set_function F>
result<attribution> ends_of(questions<F>& about) {
  attribution made;
  about.set_all(0);
  const auto none = about.ask();
  if (!none) return none.error();
  about.set_all(1);
  const auto all = about.ask();
  if (!all) return all.error();
  made.none = *none, made.all = *all;
  return made;
}

/// L of each set that differs from `rest` (all 0 or all 1) in one player, beside L of rest: the step into the larger.
template <set_function F>
result<attribution> one_at_a_time(index_t players, F& f, std::uint8_t rest) {
  if (const auto ok = check_players(players); !ok) return ok.error();
  questions<F> about(f, players);
  auto made = ends_of(about);
  if (!made) return made;
  about.set_all(rest);
  for (index_t i = 0; i < players; ++i) {
    about[i] = rest == 0 ? 1 : 0;
    const auto value = about.ask();
    if (!value) return value.error();
    about[i] = rest;
    made->parts.push_back(rest == 0 ? *value - made->none : made->all - *value);
  }
  made->evaluations = about.count;
  return made;
}

}  // namespace detail

/// \param f        called with masks of `players` bytes, 0 or 1; finite, else errc::invalid_range.
/// \param players  at least 1, else errc::no_data.
template <set_function F>
result<attribution> try_only_this(index_t players, F&& f) {
  return detail::one_at_a_time(players, f, 0);
}
template <set_function F>
result<attribution> try_all_but_this(index_t players, F&& f) {
  return detail::one_at_a_time(players, f, 1);
}

template <set_function F>
result<attribution> try_telescoping(index_t players, F&& f) {
  if (const auto ok = detail::check_players(players); !ok) return ok.error();
  detail::questions<std::remove_reference_t<F>> about(f, players);
  auto made = detail::ends_of(about);
  if (!made) return made;
  about.set_all(0);
  double before = made->none;
  for (index_t i = 0; i < players; ++i) {
    about[i] = 1;
    const auto after = i + 1 == players ? result<double>(made->all) : about.ask();
    if (!after) return after.error();
    made->parts.push_back(*after - before);
    before = *after;
  }
  made->evaluations = about.count;
  return made;
}

/// The same for a vector: every coordinate is taken apart exactly. All vectors of f have one length.
template <vector_set_function F>
result<vector_attribution> try_telescoping(index_t players, F&& f) {
  if (const auto ok = detail::check_players(players); !ok) return ok.error();
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(players));
  vector_attribution made;
  for (std::size_t i = 0; i <= mask.size(); ++i) {
    if (i > 0) mask[i - 1] = 1;
    result<std::vector<double>> answer = f(std::span<const std::uint8_t>(mask));
    if (!answer) return answer.error();
    std::vector<double>& after = *answer;
    if (i > 0 && after.size() != made.all.size())
      return failure(errc::invalid_shape, "attribution: {} coordinates of one set and {} of another",
                     static_cast<index_t>(made.all.size()), static_cast<index_t>(after.size()));
    for (const double value : after)
      if (const auto ok = detail::check_value(value); !ok) return ok.error();
    if (i == 0) {
      made.none = after;
    } else {
      made.parts.emplace_back(after.size());
      for (std::size_t j = 0; j < after.size(); ++j) made.parts.back()[j] = after[j] - made.all[j];
    }
    made.all = std::move(after);
  }
  return made;
}

#if DYADIC_EXCEPTIONS
template <set_function F>
attribution only_this(index_t players, F&& f) {
  return try_only_this(players, f).value();
}
template <set_function F>
attribution all_but_this(index_t players, F&& f) {
  return try_all_but_this(players, f).value();
}
template <class F>
  requires set_function<F> || vector_set_function<F>
auto telescoping(index_t players, F&& f) { return try_telescoping(players, f).value(); }
#endif

}  // namespace dyadic::inline DYADIC_ABI
