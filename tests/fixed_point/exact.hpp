// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The roundings written a second time, in 128-bit integers by their definitions; the oracle of these tests.
#pragma once

#include <bit>
#include <cfenv>
#include <cstdint>
#include <vector>

#include <dyadic/fixed_point/rounding.hpp>

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace exact {

__extension__ typedef __int128 int128;

constexpr int128 floor_divide(int128 a, int128 b) {
  const int128 q = a / b;
  return q * b > a ? q - 1 : q;
}

/// numerator / denominator to the nearest integer; denominator > 0. half_up is floor(x + 1/2), half_away is half_up of
/// |x| with the sign of x, half_even is half_up less one at an odd tie.
constexpr int128 divide(dyadic::rounding r, int128 numerator, int128 denominator) {
  if (r == dyadic::rounding::half_away && numerator < 0) return -divide(r, -numerator, denominator);
  const int128 up = floor_divide(2 * numerator + denominator, 2 * denominator);
  const bool tie = 2 * up * denominator == 2 * numerator + denominator;
  return r == dyadic::rounding::half_even && tie && up % 2 != 0 ? up - 1 : up;
}

constexpr std::int64_t limit(int128 x, std::int64_t lo, std::int64_t hi) {
  return x < lo ? lo : x > hi ? hi : static_cast<std::int64_t>(x);
}

/// Every power of two and its neighbours, both signs, and the ends: the integers where arithmetic goes wrong.
template <class Int>
std::vector<Int> corners() {
  constexpr int digits = std::numeric_limits<Int>::digits;
  std::vector<Int> all{0, (std::numeric_limits<Int>::min)(), (std::numeric_limits<Int>::max)()};
  for (int bit = 0; bit < digits; ++bit)
    for (int near = -3; near <= 3; ++near) {
      const int128 x = (int128{1} << bit) + near;
      if (x > (std::numeric_limits<Int>::max)()) continue;
      all.push_back(static_cast<Int>(x));
      all.push_back(static_cast<Int>(-x));
      all.push_back(static_cast<Int>((std::numeric_limits<Int>::min)() + (x < 0 ? -x : x)));
    }
  return all;
}

/// Sets each floating-point environment a host program may have set, in turn: four rounding modes, and on x86-64 the
/// same with subnormals flushed to zero. The default is back when the loop ends.
template <class F>
void in_every_environment(F f) {
#if defined(__x86_64__)
  const unsigned found = _mm_getcsr();
  for (const unsigned flush : {0x0000U, 0x8040U})
    for (const unsigned mode : {0x0000U, 0x2000U, 0x4000U, 0x6000U}) {
      _mm_setcsr((found & ~0xE040U) | flush | mode);
      f();
    }
  _mm_setcsr(found);
#else
  const int found = std::fegetround();
  for (const int mode : {FE_TONEAREST, FE_DOWNWARD, FE_UPWARD, FE_TOWARDZERO}) {
    std::fesetround(mode);
    f();
  }
  std::fesetround(found);
#endif
}

}  // namespace exact
