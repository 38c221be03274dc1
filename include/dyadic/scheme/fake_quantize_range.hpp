// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// fake_quantize_range: the ends NNCF gives OpenVINO's FakeQuantize, from the ranges of a tensor's channels.
//
//   symmetric weights      [-h, h], 255 levels of 8 bits           h = absmax, at least 0.01 of the largest channel's
//   symmetric activations  [-h * 256 / 254, h], 256 levels; [0, h] where no channel has negative numbers
//   asymmetric             [lo, hi] with 0, at least 0.0008 long, one end moved out until 0 is a level
//
// These are calculate_quantizer_parameters and its helpers (nncf/quantization/fake_quantize.py) in float32, as torch
// and NumPy 2 evaluate them; NumPy 1 computed max_range * eps of a scalar in float64.
#pragma once

#include <span>
#include <vector>

#include <dyadic/scheme/choose.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The reals between which `levels` equally spaced numbers lie, ends included.
struct fake_quantize_range {
  float low = 0.0f, high = 0.0f;
  int levels = 256;
  friend constexpr bool operator==(const fake_quantize_range&, const fake_quantize_range&) = default;
};

/// What a range is for. NNCF treats symmetric weights and activations differently.
struct nncf_quantizer {
  enum class target : unsigned char { activations, weights };
  int bits = 8;  ///< 2 to 16
  symmetry sym = symmetry::symmetric;
  target of = target::activations;
  bool force_signed = false;  ///< activations without negative numbers get them all the same
  bool half_range = false;    ///< symmetric weights on bits - 1 bits, in the levels of all: OverflowFix
};

namespace detail {

/// fix_zero_filters_symmetric: no channel is less than 0.01 of the largest one, none less than 8e-5.
inline float nncf_floor(float magnitude, float largest) noexcept {
  const float share = opaque(largest * 0.01f), least = share > 8e-5f ? share : 8e-5f;
  return magnitude > least ? magnitude : least;
}

/// tune_range: moves one end out so that 0 is one of 2^bits levels; the move that makes the range longer wins. Where 0
/// is nearest to the first or last level NNCF moves neither end, and 0 stays up to half a step off.
inline range nncf_tune(range r, int bits) noexcept {
  const auto last = static_cast<float>((1 << bits) - 1);
  const float level = round<rounding::half_even>(opaque(-r.lo * (last / (r.hi - r.lo))));
  const float lo = level < last ? opaque(level / (level - last) * r.hi) : r.lo;
  const float hi = level > 0.0f ? opaque((level - last) / level * r.lo) : r.hi;
  return r.hi - lo > hi - r.lo ? range{lo, r.hi} : range{r.lo, hi};
}

inline range nncf_asymmetric(range r, int bits) noexcept {
  const float least = 8e-4f, widen = r.hi - r.lo > least ? 0.0f : least;
  const float lo = r.lo - widen, hi = r.hi + widen;
  return nncf_tune({lo < 0.0f ? lo : 0.0f, hi > 0.0f ? hi : 0.0f}, bits);
}

}  // namespace detail

/// Ends of every channel.
/// \param channels  [smallest, largest] number of each, finite; one for a whole tensor.
/// \returns  as many; errc::no_data for none, errc::invalid_range, errc::invalid_scheme for bits outside 2 to 16 or a
///           half range of anything but symmetric weights.
inline result<std::vector<fake_quantize_range>> try_nncf_ranges(std::span<const range> channels,
                                                                const nncf_quantizer& q) {
  if (q.bits < 2 || q.bits > 16)
    return failure(errc::invalid_scheme, "nncf_ranges: {} bits given, expected 2 to 16", q.bits);
  const bool weights = q.of == nncf_quantizer::target::weights, symmetric = q.sym == symmetry::symmetric;
  if (q.half_range && !(symmetric && weights && q.bits > 2))
    return failure(errc::invalid_scheme, "nncf_ranges: half range of {} {}-bit {}, expected symmetric weights",
                   symmetric ? "symmetric" : "asymmetric", q.bits, weights ? "weights" : "activations");
  if (channels.empty()) return failure(errc::no_data, "nncf_ranges: no channels given, expected one or more");
  float largest = 0.0f;
  bool negative = q.force_signed;
  for (const range& r : channels) {
    if (const auto ok = check_range(r); !ok) return ok.error();
    const float magnitude = -r.lo > r.hi ? -r.lo : r.hi;
    largest = magnitude > largest ? magnitude : largest;
    negative = negative || r.lo < 0.0f;
  }

  const default_float_environment environment;
  largest = detail::opaque(largest);
  const int all = 1 << q.bits;
  std::vector<fake_quantize_range> made;
  made.reserve(channels.size());
  for (const range& given : channels) {
    const range r{detail::opaque(given.lo), detail::opaque(given.hi)};
    fake_quantize_range f{.levels = all};
    if (!symmetric) {
      const range tuned = detail::nncf_asymmetric(r, q.bits);
      f.low = tuned.lo, f.high = tuned.hi;
    } else {
      f.high = detail::nncf_floor(-r.lo > r.hi ? -r.lo : r.hi, largest);
      if (weights) {
        f.levels = all - 1;  // the lowest code is left out
        // Levels of one bit less on half of the codes: [-2 h, 2 h] has (2^bits - 2) / (2^(bits - 1) - 1) = 2 times
        // theirs.
        if (q.half_range) f.high *= 2.0f;
        f.low = -f.high;
      } else if (negative) {
        f.low = detail::opaque(-f.high * static_cast<float>(all)) / static_cast<float>(all - 2);
      }
    }
    const float length = f.high - f.low;
    if (!(length - length == 0.0f))
      return failure(errc::invalid_range, "nncf_ranges: [{}, {}] given, whose levels have no finite length",
                     static_cast<double>(r.lo), static_cast<double>(r.hi));
    made.push_back(f);
  }
  return made;
}

/// Scale and zero point of a FakeQuantize for the codes of s: NNCF's calculate_scale_zero_point.
///
/// The scale is at least 2^-23. It need not divide the ends: openvino_profile with it equals the FakeQuantize but for
/// numbers near a tie.
/// \param f  finite, low <= 0 <= high, as many levels as s has; else errc::invalid_range or invalid_scheme.
inline result<chosen> try_scale_of(const fake_quantize_range& f, const scheme& s) noexcept {
  if (const auto ok = check_scheme(s); !ok) return ok.error();
  if (const auto ok = check_range({f.low, f.high}); !ok) return ok.error();
  if (!(f.low <= 0.0f && f.high >= 0.0f))
    return failure(errc::invalid_range, "scale_of: levels from {} to {}, expected 0 between them",
                   static_cast<double>(f.low), static_cast<double>(f.high));
  if (f.levels != s.levels())
    return failure(errc::invalid_scheme, "scale_of: {} levels for a scheme of {} codes", f.levels, s.levels());
  const default_float_environment environment;
  const float low = detail::opaque(f.low), high = detail::opaque(f.high);
  const float scale = (high - low) / static_cast<float>(f.levels - 1);
  chosen c;
  c.degenerate = !(scale >= 0x1p-23f);
  c.scale = detail::opaque(c.degenerate ? 0x1p-23f : scale);
  if (c.scale > 0x1p126f)
    return failure(errc::invalid_range, "scale_of: levels from {} to {} are too far apart", static_cast<double>(f.low),
                   static_cast<double>(f.high));
  const int from_low = round_to_integer<rounding::half_even>(low / c.scale, -0x10000000, 0, 0);
  c.zero_point = s.asymmetric() ? clamp(s.qmin() - from_low, s.qmin(), s.qmax()) : s.middle();
  return c;
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where the function above refuses.
inline std::vector<fake_quantize_range> nncf_ranges(std::span<const range> channels, const nncf_quantizer& q) {
  return try_nncf_ranges(channels, q).value();
}
inline chosen scale_of(const fake_quantize_range& f, const scheme& s) { return try_scale_of(f, s).value(); }
#endif

}  // namespace dyadic::inline DYADIC_ABI
