// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// choose: from a range of reals to the scale and zero point of a scheme, in the arithmetic of a profile.
//
// Every range is first extended to contain zero, and the zero point is always a code, so the real zero (padding, ReLU,
// absent data) is represented exactly: dequantize(zero_point) == 0. A one-sided range therefore puts its zero point at
// an end:
//
//   u8 asymmetric   [0, 6] -> 0      [2, 6] -> 0 (as [0, 6])      [-6, 0] -> 255      [-6, -2] -> 255 (as [-6, 0])
//
// A symmetric scheme looks at the larger magnitude only; its zero point is scheme::middle(). The chosen scale is always
// in [2^-126, 2^126] and never so large that a code would dequantize to an infinity; a range that asks for another one
// is degenerate: too small, as the profile says; too large, the largest such scale, and the far reals saturate.
#pragma once

#include <dyadic/core/float_environment.hpp>
#include <dyadic/fixed_point/saturate.hpp>
#include <dyadic/scheme/opaque.hpp>
#include <dyadic/scheme/profile.hpp>
#include <dyadic/scheme/scheme.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The reals a quantizer must represent, ends included.
struct range {
  float lo = 0.0f, hi = 0.0f;
  friend constexpr bool operator==(const range&, const range&) = default;
};

/// What choose answers.
struct chosen {
  float scale = 1.0f;
  std::int32_t zero_point = 0;  ///< in [qmin, qmax]; middle() when symmetric
  bool degenerate = false;      ///< the range alone could not set the scale: see above
  friend constexpr bool operator==(const chosen&, const chosen&) = default;
};

/// Refuses a range whose ends are reversed, infinite or NaN.
inline result<void> check_range(const range& r) noexcept {
  constexpr float most = (std::numeric_limits<float>::max)();
  if (!(r.lo >= -most && r.hi <= most && r.lo <= r.hi))
    return failure(errc::invalid_range, "range: [{}, {}] given, expected finite ends with lo <= hi",
                   static_cast<double>(r.lo), static_cast<double>(r.hi));
  return {};
}

namespace detail {

/// 2^n as a float, n in [-126, 127].
constexpr float power_of_two(int n) noexcept {
  return n < 0 ? 1.0f / power_of_two(-n) : n < 30 ? static_cast<float>(1 << n) : 0x1p30f * power_of_two(n - 30);
}

/// (hi - lo) / steps, also when the difference overflows: halving both is exact there.
template <class Real>
constexpr Real step_of(Real lo, Real hi, Real steps) noexcept {
  const Real span = hi - lo;
  if (span <= (std::numeric_limits<Real>::max)()) return span / steps;
  return (hi / Real{2} - lo / Real{2}) / (steps / Real{2});
}

/// The zero point of [lo, hi], lo <= 0 <= hi, before symmetric and degenerate cases are told apart.
template <class Real>
constexpr std::int32_t zero_point_of(const scheme& s, const profile& p, Real lo, Real hi, Real scale) noexcept {
  const std::int32_t qmin = s.qmin(), qmax = s.qmax();
  const auto low = static_cast<Real>(qmin), high = static_cast<Real>(qmax);
  const Real from_lo = lo / scale, from_hi = hi / scale;
  Real exact = low - from_lo;
  switch (p.zero_point_from) {
    case zero_point_rule::round_then_clip:
      // |lo / scale| is at most the number of steps, one more after rounding.
      return clamp(qmin - round_to_integer<std::int32_t>(p.zero_point_ties, from_lo, -0x10000000, 0, 0), qmin, qmax);
    case zero_point_rule::nearer_end:
      // The terms of the sum whose rounding error is smaller; qmin may be negative, lo always is.
      if (!((low < 0 ? -low : low) - from_lo < (high < 0 ? -high : high) + from_hi)) exact = high - from_hi;
      break;
    case zero_point_rule::clip_then_round: break;
  }
  return round_to_integer<std::int32_t>(p.zero_point_ties, clamp(exact, low, high), qmin, qmax, qmin);
}

/// lo and hi are finite and ordered; Real is the arithmetic of the profile.
template <class Real>
constexpr chosen choose_in(const scheme& s, const profile& p, float lo_given, float hi_given) noexcept {
  const Real lo = lo_given < 0.0f ? static_cast<Real>(lo_given) : Real{0};
  const Real hi = hi_given > 0.0f ? static_cast<Real>(hi_given) : Real{0};
  const auto steps = static_cast<Real>(s.qmax() - s.qmin());
  Real scale{};
  if (s.asymmetric()) {
    scale = step_of(lo, hi, steps);
  } else {
    const Real above =
        p.divisor == symmetric_divisor::qmax ? static_cast<Real>(s.qmax() - s.middle()) : steps / Real{2};
    scale = (-lo > hi ? -lo : hi) / above;
  }

  const float smallest = power_of_two(p.smallest_scale_exponent);
  chosen c;
  if (!(static_cast<float>(scale) >= smallest)) {
    c.degenerate = true;
    if (p.degenerate == degenerate_rule::unit_scale) {
      c.zero_point = s.asymmetric() ? clamp(0, s.qmin(), s.qmax()) : s.middle();
      return c;
    }
    scale = static_cast<Real>(smallest);
  }
  c.scale = static_cast<float>(scale);
  c.zero_point = s.asymmetric() ? zero_point_of(s, p, lo, hi, scale) : s.middle();

  // The largest code distance times the scale stays finite; 2^128 - 2^105 leaves room for the rounding of both.
  const int below = c.zero_point - s.qmin(), over = s.qmax() - c.zero_point;
  const float finite = 0x1.fffffcp127f / static_cast<float>(below > over ? below : over);
  const float largest = finite < 0x1p126f ? finite : 0x1p126f;
  if (c.scale > largest) {
    c.scale = largest;
    c.degenerate = true;
  }
  return c;
}

/// The ends are already known to be finite and ordered, and s to be valid.
inline chosen choose_checked(const scheme& s, const profile& p, const range& r) noexcept {
  const default_float_environment environment;
  const float lo = opaque(r.lo), hi = opaque(r.hi);
  chosen c =
      p.arithmetic == range_arithmetic::in_double ? choose_in<double>(s, p, lo, hi) : choose_in<float>(s, p, lo, hi);
  c.scale = opaque(c.scale);
  return c;
}

}  // namespace detail

/// Scale and zero point of a scheme that is known at run time.
/// \param r  finite ends, lo <= hi, else errc::invalid_range.
inline result<chosen> try_choose(const scheme& s, const profile& p, const range& r) noexcept {
  if (const auto ok = check_scheme(s); !ok) return ok.error();
  if (p.smallest_scale_exponent < -126 || p.smallest_scale_exponent > 126)
    return failure(errc::invalid_scale, "profile: smallest scale 2^{}, expected an exponent in [-126, 126]",
                   p.smallest_scale_exponent);
  if (const auto ok = check_range(r); !ok) return ok.error();
  return detail::choose_checked(s, p, r);
}

/// Scale and zero point of scheme S; try_choose<u8_per_tensor>({-1.0f, 3.0f}).
template <scheme S, profile P = onnx_profile>
result<chosen> try_choose(const range& r) noexcept {
  static_assert(S.valid(), "scheme: 2 to 8 or 16 bits, and group > 0 exactly for per-group schemes");
  return try_choose(S, P, r);
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where try_choose refuses.
inline chosen choose(const scheme& s, const profile& p, const range& r) { return try_choose(s, p, r).value(); }
template <scheme S, profile P = onnx_profile>
chosen choose(const range& r) {
  return try_choose<S, P>(r).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
