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
//
// Frameworks that fear 16-bit sums leave part of the codes unused (reduce_range). They mean two different things by it:
// a scheme of 7 bits, whose codes saturate at 63 and 127, as fake quantization does; or a scale chosen for fewer codes
// than there are, as observers do, after which far reals still take the codes of all 8 bits. The second is a
// code_range:
//
//   choose(s8_per_tensor, pytorch_profile, pytorch_reduced_codes(s8_per_tensor), r)     // scale = absmax / 63.5
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

/// The codes a range is spread over, ends included: all of a scheme, or fewer.
struct code_range {
  int qmin = 0, qmax = 0;
  friend constexpr bool operator==(const code_range&, const code_range&) = default;
};
constexpr code_range codes_of(const scheme& s) noexcept { return {s.qmin(), s.qmax()}; }

/// PyTorch's reduce_range: half of the codes, [-64, 63] or [0, 127] (calculate_qmin_qmax,
/// torch/ao/quantization/utils.py).
constexpr code_range pytorch_reduced_codes(const scheme& s) noexcept {
  return s.is_signed ? code_range{-(1 << (s.bits - 2)), (1 << (s.bits - 2)) - 1}
                     : code_range{0, (1 << (s.bits - 1)) - 1};
}

/// ONNX Runtime's reduce_range (ONNX_INT_TYPE_REDUCED_RANGE, quant_utils.py): the same, but [-64, 64] and
/// [-16384, 16384] for signed codes of 8 and 16 bits.
constexpr code_range onnxruntime_reduced_codes(const scheme& s) noexcept {
  code_range codes = pytorch_reduced_codes(s);
  if (s.is_signed && s.bits >= 8) ++codes.qmax;
  return codes;
}

/// Whether a profile knows schemes of this kind: TensorRT and ggml have no zero points.
constexpr bool takes(const profile& p, const scheme& s) noexcept {
  return !s.asymmetric() || p.zero_point_from != zero_point_rule::none;
}

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

/// 2^n as a double, n in [-150, 127].
constexpr double double_power_of_two(int n) noexcept {
  return n < -120 ? 0x1p-120 * double_power_of_two(n + 120) : static_cast<double>(power_of_two(n));
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
constexpr std::int32_t zero_point_of(const code_range& codes, const profile& p, Real lo, Real hi, Real scale) noexcept {
  const std::int32_t qmin = codes.qmin, qmax = codes.qmax;
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
    case zero_point_rule::clip_then_round:
    case zero_point_rule::none: break;
  }
  return round_to_integer<std::int32_t>(p.zero_point_ties, clamp(exact, low, high), qmin, qmax, qmin);
}

/// lo and hi are finite and ordered; Real is the arithmetic of the profile.
template <class Real>
constexpr chosen choose_in(const scheme& s, const code_range& codes, const profile& p, float lo_given,
                           float hi_given) noexcept {
  const Real lo = lo_given < 0.0f ? static_cast<Real>(lo_given) : Real{0};
  const Real hi = hi_given > 0.0f ? static_cast<Real>(hi_given) : Real{0};
  const Real magnitude = -lo > hi ? -lo : hi;
  const auto steps = static_cast<Real>(codes.qmax - codes.qmin);
  Real scale{};
  if (!s.asymmetric()) {
    const Real above = p.divisor == symmetric_divisor::qmax   ? static_cast<Real>(codes.qmax - s.middle())
                       : p.divisor == symmetric_divisor::qmin ? static_cast<Real>(s.middle() - codes.qmin)
                                                              : steps / Real{2};
    scale = magnitude / above;
  } else if (p.arithmetic == range_arithmetic::in_double_from_float_span) {
    const float span = static_cast<float>(hi) - static_cast<float>(lo);
    scale = span <= (std::numeric_limits<float>::max)() ? static_cast<Real>(span) / steps : step_of(lo, hi, steps);
  } else {
    scale = step_of(lo, hi, steps);
  }
  // In double, where 2^-150 is a number; double holds the magnitude exactly.
  if (static_cast<double>(magnitude) <= double_power_of_two(p.negligible_exponent)) scale = Real{0};

  const float smallest = power_of_two(p.smallest_scale_exponent);
  chosen c;
  if (!(static_cast<float>(scale) >= smallest)) {
    c.degenerate = true;
    if (p.degenerate == degenerate_rule::unit_scale) {
      c.zero_point = s.asymmetric() ? clamp(0, codes.qmin, codes.qmax) : s.middle();
      return c;
    }
    scale = static_cast<Real>(smallest);
  }
  c.scale = static_cast<float>(scale);
  c.zero_point = s.asymmetric() ? zero_point_of(codes, p, lo, hi, scale) : s.middle();

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

/// The ends are already known to be finite and ordered, and s and codes to be valid.
inline chosen choose_checked(const scheme& s, const profile& p, const code_range& codes, const range& r) noexcept {
  const default_float_environment environment;
  const float lo = opaque(r.lo), hi = opaque(r.hi);
  chosen c = p.arithmetic == range_arithmetic::in_float ? choose_in<float>(s, codes, p, lo, hi)
                                                        : choose_in<double>(s, codes, p, lo, hi);
  c.scale = opaque(c.scale);
  return c;
}
inline chosen choose_checked(const scheme& s, const profile& p, const range& r) noexcept {
  return choose_checked(s, p, codes_of(s), r);
}

}  // namespace detail

/// Refuses codes that are not some of a scheme's, or that have nothing on one side of its zero.
inline result<void> check_codes(const scheme& s, const code_range& codes) noexcept {
  if (!(s.qmin() <= codes.qmin && codes.qmin < codes.qmax && codes.qmax <= s.qmax()))
    return failure(errc::invalid_scheme, "choose: codes [{}, {}] given, expected two or more of [{}, {}]", codes.qmin,
                   codes.qmax, s.qmin(), s.qmax());
  if (!s.asymmetric() && !(codes.qmin < s.middle() && s.middle() < codes.qmax))
    return failure(errc::invalid_scheme,
                   "choose: codes [{}, {}] of a symmetric scheme, expected some on both sides of {}", codes.qmin,
                   codes.qmax, s.middle());
  return {};
}

/// Refuses a profile whose numbers are out of bounds, or that does not know schemes like s.
inline result<void> check_profile(const profile& p, const scheme& s) noexcept {
  if (p.smallest_scale_exponent < -126 || p.smallest_scale_exponent > 126)
    return failure(errc::invalid_scale, "profile: smallest scale 2^{}, expected an exponent in [-126, 126]",
                   p.smallest_scale_exponent);
  if (p.negligible_exponent < -150 || p.negligible_exponent > 126)
    return failure(errc::invalid_range, "profile: negligible magnitude 2^{}, expected an exponent in [-150, 126]",
                   p.negligible_exponent);
  if (!takes(p, s))
    return failure(errc::invalid_scheme,
                   "profile: an asymmetric scheme of {} bits given, expected a symmetric one: it has no zero points",
                   s.bits);
  return {};
}

/// Scale and zero point of a scheme that is known at run time, for the codes of it that r shall be spread over.
/// \param codes  inside [qmin, qmax], on both sides of the zero of a symmetric scheme, else errc::invalid_scheme.
///               (PyTorch refuses quint8 symmetric with reduce_range for the same reason.)
/// \param r      finite ends, lo <= hi, else errc::invalid_range.
inline result<chosen> try_choose(const scheme& s, const profile& p, const code_range& codes, const range& r) noexcept {
  if (const auto ok = check_scheme(s); !ok) return ok.error();
  if (const auto ok = check_profile(p, s); !ok) return ok.error();
  if (const auto ok = check_codes(s, codes); !ok) return ok.error();
  if (const auto ok = check_range(r); !ok) return ok.error();
  return detail::choose_checked(s, p, codes, r);
}

/// The same for all codes of the scheme.
inline result<chosen> try_choose(const scheme& s, const profile& p, const range& r) noexcept {
  if (const auto ok = check_scheme(s); !ok) return ok.error();
  return try_choose(s, p, codes_of(s), r);
}

/// Scale and zero point of scheme S; try_choose<u8_per_tensor>({-1.0f, 3.0f}).
template <scheme S, profile P = onnx_profile>
result<chosen> try_choose(const range& r) noexcept {
  static_assert(S.valid(), "scheme: 2 to 8 or 16 bits, and group > 0 exactly for per-group schemes");
  static_assert(takes(P, S), "profile: it has no zero points, so the scheme must be symmetric");
  return try_choose(S, P, r);
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where try_choose refuses.
inline chosen choose(const scheme& s, const profile& p, const range& r) { return try_choose(s, p, r).value(); }
inline chosen choose(const scheme& s, const profile& p, const code_range& codes, const range& r) {
  return try_choose(s, p, codes, r).value();
}
template <scheme S, profile P = onnx_profile>
chosen choose(const range& r) {
  return try_choose<S, P>(r).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
