// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// digest_of: 32 bytes that identify a plan, and an input, on every machine.
//
// The digest of a plan covers all that decides which codes come out for which input: the library's version, the
// profile, every operation with its window, groups and inputs, the params of every site, every code, scale and zero
// point of the weights, and the multipliers and biases that bring sums to codes. Two plans with one digest compute one
// function; change any one of these, and the digest is another. What calibration saw on the way (ranges, counts) is not
// in it: it has done its work once the params are chosen. Nor are the layout of packed weights and the instruction set,
// which change no bit.
//
// With dynamic activations the biases stay in the network, as floats, and a plan does not hold them: the digest of such
// a plan covers everything else.
//
// A digest identifies, it does not approve: it cannot say whether the weights are good ones.
#pragma once

#include <dyadic/network/plan.hpp>
#include <dyadic/scheme/profile.hpp>
#include <dyadic/trust/canonical.hpp>
#include <dyadic/trust/sha256.hpp>

namespace dyadic::inline DYADIC_ABI {

struct library_version {
  std::uint32_t major = DYADIC_VERSION_MAJOR, minor = DYADIC_VERSION_MINOR, patch = DYADIC_VERSION_PATCH;
  friend constexpr bool operator==(const library_version&, const library_version&) = default;
};

/// What a digest covers beside the plan: whose arithmetic runs it. Plans of this version are made and run in
/// onnx_profile; another version is for digests that another version wrote down.
struct digest_context {
  dyadic::profile profile = onnx_profile;
  library_version version{};
};

namespace detail {

using digest_writer = canonical_writer<sha256>;

inline void write(digest_writer& to, const extent2& e) noexcept { to.whole(e.height), to.whole(e.width); }
inline void write(digest_writer& to, const window& w) noexcept {
  write(to, w.size), write(to, w.stride), write(to, w.padding), write(to, w.dilation);
}
inline void write(digest_writer& to, const digest_context& c) noexcept {
  for (const std::uint32_t n : {c.version.major, c.version.minor, c.version.patch}) to.whole(n);
  const profile& p = c.profile;
  for (const int choice :
       {static_cast<int>(p.ties), static_cast<int>(p.units), static_cast<int>(p.zero_point),
        static_cast<int>(p.divisor), static_cast<int>(p.zero_point_from), static_cast<int>(p.zero_point_ties),
        static_cast<int>(p.arithmetic), p.smallest_scale_exponent, static_cast<int>(p.degenerate)})
    to.whole(choice);
}
inline void write(digest_writer& to, const scheme& s) noexcept {
  to.whole(s.bits), to.whole(s.is_signed), to.whole(static_cast<int>(s.sym)), to.whole(static_cast<int>(s.per));
  to.whole(s.group), to.whole(s.narrow_range);
}

/// An operation, whose tensors it takes, and the params of the codes it makes.
inline void write(digest_writer& to, const site& s) noexcept {
  to.whole(static_cast<int>(s.kind));
  to.text(s.name.c_str());
  write(to, s.size), to.whole(s.channels);
  write(to, s.taps), to.whole(s.groups);
  to.wholes(s.inputs);
  to.whole(s.relu), to.whole(s.done_before), to.whole(s.params_of);
  to.real(s.params.scale), to.whole(s.params.zero_point);
}

/// Codes as they are signed (unsigned ones less half their range), row by row, then scales and zero points.
inline void write(digest_writer& to, const packed_weights& w) noexcept {
  const simd::weights_view& v = w.view();
  write(to, w.scheme());
  to.whole(w.rows()), to.whole(w.cols()), to.whole(w.proof().largest_x);
  for (index_t i = 0; i < w.rows(); ++i)
    for (index_t k = 0; k < w.cols(); ++k) to.byte(static_cast<std::uint8_t>(w.code(i, k)));
  for (index_t i = 0; i < w.rows(); ++i)
    for (index_t group = 0; group < v.groups; ++group) {
      const index_t at = v.number_at(i, group);
      to.real(v.scales[at]);
      to.whole(v.zero_points == nullptr ? 0 : v.zero_points[at]);
    }
}

/// Multipliers and biases, and the clamp. Arrays that are absent have no elements.
inline void write(digest_writer& to, const requantization& r) noexcept {
  const simd::epilogue_view e = r.view();
  const auto n = static_cast<std::size_t>(r.size());
  to.whole(r.size());
  to.reals({e.multipliers, e.multipliers == nullptr ? 0 : n});
  to.wholes({e.bias_codes, e.bias_codes == nullptr ? 0 : n});
  to.reals({e.x_scales, e.x_scales == nullptr ? std::size_t{0} : std::size_t{1}});
  to.reals({e.bias, e.bias == nullptr ? 0 : n});
  to.real(r.x_scale()), to.real(e.low), to.real(e.high), to.whole(e.zero_point), to.whole(e.is_signed);
}

inline void write(digest_writer& to, const site_weights& w) noexcept {
  write(to, w.scheme);
  to.whole(w.bias_count);
  to.whole(static_cast<index_t>(w.packed.parts.size()));
  for (const packed_weights& part : w.packed.parts) write(to, part);
  to.whole(static_cast<index_t>(w.to_codes.size()));
  for (const requantization& r : w.to_codes) write(to, r);
}

}  // namespace detail

/// The digest of a plan; the same whatever machine, compiler and instruction set made and asked for it.
inline digest digest_of(const plan& p, const digest_context& context = {}) noexcept {
  sha256 hash;
  detail::digest_writer to(hash);
  to.text("dyadic plan"), to.whole(1);
  detail::write(to, context);
  to.whole(static_cast<int>(p.activations()));
  to.whole(p.result_site());
  to.whole(static_cast<index_t>(p.sites().size()));
  for (int s = 0; s < static_cast<int>(p.sites().size()); ++s) {
    detail::write(to, p.sites()[static_cast<std::size_t>(s)]);
    const site_weights* w = p.weights(s);
    to.whole(w != nullptr);
    if (w != nullptr) detail::write(to, *w);
  }
  return hash.finish();
}

/// The digest of one image of a batch: its shape and the bits of its numbers, whatever their strides.
/// \param image  in [0, x.rows.rows()); x is a batch that check_batch accepts.
inline digest digest_of(const batch& x, index_t image) noexcept {
  sha256 hash;
  detail::digest_writer to(hash);
  const image_shape shape = x.shape();
  to.text("dyadic input"), to.whole(1);
  to.whole(shape.height), to.whole(shape.width), to.whole(shape.channels);
  for (index_t j = 0; j < x.rows.cols(); ++j) to.real(x.rows(image, j));
  return hash.finish();
}

}  // namespace dyadic::inline DYADIC_ABI
