// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// visit: the only bridge from a scheme known at run time to one known at compile time.
//
// A file says "s4 per group of 32" at run time; quantize and the kernels are templates on the scheme. visit finds the
// constant and calls a template with it:
//
//   const result<index_t> bytes = visit(s, [&]<scheme S>() { return row_bytes(S, cols); });
//
// Each call site instantiates its template once for every scheme of the list, so prefer the shortest list that will do:
// visit<weight_schemes>(s, f).
#pragma once

#include <dyadic/scheme/name.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Schemes that a visit can reach.
template <scheme... S>
struct scheme_list {
  static constexpr int size = sizeof...(S);
  static constexpr bool contains(const scheme& s) noexcept { return ((s == S) || ...); }
};

using activation_schemes = scheme_list<u8_per_tensor, s8_per_tensor, s8_asymmetric_per_tensor, u8_per_row,
                                       s8_asymmetric_per_row, s16_per_tensor, u16_per_tensor>;
using weight_schemes =
    scheme_list<s8_per_row, s8_narrow_per_tensor, s8_per_group<32>, s8_per_group<64>, s8_per_group<128>, s4_per_tensor,
                s4_per_row, s4_per_group<32>, s4_per_group<64>, s4_per_group<128>, u4_per_row, u4_per_group<32>,
                u4_per_group<64>, u4_per_group<128>>;

namespace detail {

template <class A, class B>
struct joined;
template <scheme... A, scheme... B>
struct joined<scheme_list<A...>, scheme_list<B...>> {
  using type = scheme_list<A..., B...>;
};

/// A visitor that can be refused returns a result already; every other answer is wrapped in one.
template <class T>
struct answer_of {
  using type = result<T>;
};
template <class T>
struct answer_of<result<T>> {
  using type = result<T>;
};

template <class Answer, class F, scheme First, scheme... Rest>
Answer visit_in(const scheme& s, F& f) {
  if (s == First) {
    if constexpr (std::is_void_v<decltype(f.template operator()<First>())>) {
      f.template operator()<First>();
      return {};
    } else {
      return f.template operator()<First>();
    }
  }
  if constexpr (sizeof...(Rest) > 0)
    return visit_in<Answer, F, Rest...>(s, f);
  else
    return failure(errc::invalid_scheme, "visit: no code for the scheme {}", scheme_name(s).c_str());
}

template <class F, scheme First, scheme... Rest>
auto visit_list(scheme_list<First, Rest...>, const scheme& s, F& f) {
  using Answer = typename answer_of<decltype(f.template operator()<First>())>::type;
  return visit_in<Answer, F, First, Rest...>(s, f);
}

}  // namespace detail

/// Every named scheme, with groups of 32, 64 and 128.
using all_schemes = typename detail::joined<activation_schemes, weight_schemes>::type;

/// f.template operator()<S>() for the S of List that equals s, as a result (of T if f returns T or result<T>);
/// errc::invalid_scheme with the name of s if List has none.
template <class List = all_schemes, class F>
auto visit(const scheme& s, F&& f) {
  return detail::visit_list(List{}, s, f);
}

}  // namespace dyadic::inline DYADIC_ABI
