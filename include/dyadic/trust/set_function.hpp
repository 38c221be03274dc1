// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// set_function: any function of a set of N players, and how it is asked.
//
// The set is a mask of N bytes, 1 for a player who takes part. The value is a double, or a vector of doubles, or a
// result of one of them; a failure ends what was asking.
#pragma once

#include <concepts>
#include <span>
#include <vector>

#include <dyadic/core/result.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

template <class R>
struct unwrapped {
  using type = R;
};
template <class T>
struct unwrapped<result<T>> {
  using type = T;
};

}  // namespace detail

/// What f makes of a set: double or a vector of doubles, or a result of them.
template <class F>
using set_value =
    typename detail::unwrapped<decltype(std::declval<F&>()(std::declval<std::span<const std::uint8_t>>()))>::type;
template <class F>
concept set_function = std::same_as<set_value<F>, double>;
template <class F>
concept vector_set_function = std::same_as<set_value<F>, std::vector<double>>;

namespace detail {

inline result<void> check_players(index_t players) noexcept {
  if (players < 1) return failure(errc::no_data, "attribution: {} players, expected at least 1", players);
  return {};
}
inline result<void> check_value(double value) noexcept {
  if (!(value - value == 0.0))
    return failure(errc::invalid_range, "attribution: the function is {} for a set, expected a finite number", value);
  return {};
}

/// A set function with the mask it is asked about, and how often it was.
template <set_function F>
struct questions {
  F& f;
  std::vector<std::uint8_t> mask;
  index_t count = 0;

  questions(F& function, index_t players) : f(function), mask(static_cast<std::size_t>(players)) {}
  std::uint8_t& operator[](index_t player) noexcept { return mask[static_cast<std::size_t>(player)]; }
  void set_all(std::uint8_t value) noexcept {
    for (std::uint8_t& player : mask) player = value;
  }
  result<double> ask() {
    ++count;
    result<double> answer = f(std::span<const std::uint8_t>(mask));
    if (!answer) return answer;
    if (const auto ok = check_value(*answer); !ok) return ok.error();
    return answer;
  }
};

}  // namespace detail

}  // namespace dyadic::inline DYADIC_ABI
