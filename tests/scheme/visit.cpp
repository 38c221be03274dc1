// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <dyadic/scheme/visit.hpp>

#include "support/data.hpp"

namespace visit_test {

using namespace dyadic;
using support::text_of;

static_assert(all_schemes::size == activation_schemes::size + weight_schemes::size);
static_assert(all_schemes::contains(u8_per_tensor) && all_schemes::contains(u4_per_group<128>));
static_assert(!all_schemes::contains(s4_per_group<16>) && !weight_schemes::contains(u8_per_tensor));

template <class List>
struct each;
template <scheme... S>
struct each<scheme_list<S...>> {
  template <class F>
  static void call(F f) {
    (f(S), ...);
  }
};

TEST(Visit, ReachesEverySchemeOfTheListAndNoOther) {
  int reached = 0;
  each<all_schemes>::call([&](const scheme& wanted) {
    scheme seen{.bits = 0};
    const result<int> bits = visit(wanted, [&]<scheme S>() {
      seen = S;
      ++reached;
      return S.bits;
    });
    ASSERT_TRUE(bits);
    EXPECT_EQ(*bits, wanted.bits);
    EXPECT_EQ(seen, wanted);
  });
  EXPECT_EQ(reached, all_schemes::size);
}

TEST(Visit, RefusesASchemeOutsideTheListByName) {
  const auto bits_of = []<scheme S>() { return S.bits; };
  const auto missing = visit(s4_per_group<16>, bits_of);
  EXPECT_EQ(text_of(missing), "visit: no code for the scheme s4 per group of 16, symmetric");
  EXPECT_EQ(missing.error().code(), errc::invalid_scheme);
  EXPECT_FALSE(visit<weight_schemes>(u8_per_tensor, bits_of));
  EXPECT_TRUE(visit<activation_schemes>(u8_per_tensor, bits_of));
  EXPECT_TRUE((visit<scheme_list<s4_per_group<16>>>(s4_per_group<16>, bits_of)));
  EXPECT_FALSE(visit({.bits = 9}, bits_of));
}

TEST(Visit, PassesRefusalsAndVoidThrough) {
  const result<int> refused = visit(
      u8_per_tensor, []<scheme S>() -> result<int> { return failure(errc::no_data, "nothing of {} bits", S.bits); });
  EXPECT_EQ(text_of(refused), "nothing of 8 bits");
  int calls = 0;
  const result<void> done = visit(u8_per_tensor, [&]<scheme S>() { ++calls; });
  EXPECT_TRUE(done);
  EXPECT_EQ(calls, 1);
}

}  // namespace visit_test
