// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// site_mask: which quantizers of a plan are on in a simulated run.
//
//   std::vector<std::uint8_t> on(plan.sites().size(), site_mask::off);
//   on[3] = site_mask::weights;                            // of site 3 the weights only
//   plan.simulate(net, x, on);
//   plan.simulate(net, x, site_mask(on).channels(5, some)); // of what is on at site 5, some channels only
#pragma once

#include <concepts>
#include <span>

#include <dyadic/core/error.hpp>
#include <dyadic/core/result.hpp>

namespace dyadic::inline DYADIC_ABI {

/// One byte a site: off, on, activations or weights; all sites on when there are none. Borrowed: the bytes must live as
/// long as the mask.
///
/// On means the codes of the activations a site makes and, where it is a layer, of its weights. A site that passes
/// codes on (params_of another one) goes with that site, whatever its own byte says.
class site_mask {
 public:
  static constexpr std::uint8_t off = 0, on = 1, activations = 2, weights = 3;

  site_mask() noexcept = default;
  template <class Bytes>
    requires(!std::same_as<Bytes, site_mask> && std::convertible_to<const Bytes&, std::span<const std::uint8_t>>)
  site_mask(const Bytes& sites)
  noexcept : sites_(sites) {}  // NOLINT: implicit by design

  /// The same mask, but of what is on at site s only the output channels whose byte is not 0: those rows of its
  /// weights, those activations. One site at a time; `of_s` holds one byte a channel.
  site_mask channels(int s, std::span<const std::uint8_t> of_s) const noexcept {
    site_mask made = *this;
    made.narrowed_ = s;
    made.channels_ = of_s;
    return made;
  }

  std::span<const std::uint8_t> sites() const noexcept { return sites_; }
  /// The site of which only some channels are on, or -1.
  int narrowed() const noexcept { return narrowed_; }
  std::span<const std::uint8_t> channels() const noexcept { return channels_; }

  /// What is on at site s, whatever channels of it: both questions are about s itself, not about whose codes it has.
  bool activations_on(int s) const noexcept { return byte(s) == on || byte(s) == activations; }
  bool weights_on(int s) const noexcept { return byte(s) == on || byte(s) == weights; }
  /// Whether channel c of site s is among those that can be on.
  bool channel_on(int s, index_t c) const noexcept {
    return s != narrowed_ || channels_[static_cast<std::size_t>(c)] != 0;
  }

  /// Whether it is a mask for `sites`: any range of what has channels and params_of.
  template <class Sites>
  result<void> check(const Sites& sites) const noexcept {
    const auto n = static_cast<index_t>(sites.size()), given = static_cast<index_t>(sites_.size());
    if (given != 0 && given != n) return failure(errc::invalid_shape, "simulate: {} entries for {} sites", given, n);
    for (std::size_t s = 0; s < sites_.size(); ++s)
      if (sites_[s] > weights)
        return failure(errc::invalid_range, "simulate: byte {} for site {}, expected 0 to {}",
                       static_cast<int>(sites_[s]), static_cast<index_t>(s), static_cast<int>(weights));
    if (narrowed_ < 0 && channels_.empty()) return {};
    if (narrowed_ < 0 || narrowed_ >= n)
      return failure(errc::invalid_shape, "simulate: channels of site {}, expected one of {} sites", narrowed_, n);
    const auto& s = sites[static_cast<std::size_t>(narrowed_)];
    if (s.params_of != narrowed_)
      return failure(errc::invalid_shape, "simulate: channels of site {}, which has the codes of site {}", narrowed_,
                     s.params_of);
    if (static_cast<index_t>(channels_.size()) != s.channels)
      return failure(errc::invalid_shape, "simulate: {} channels of site {}, expected {}",
                     static_cast<index_t>(channels_.size()), narrowed_, s.channels);
    return {};
  }

 private:
  std::uint8_t byte(int s) const noexcept { return sites_.empty() ? on : sites_[static_cast<std::size_t>(s)]; }

  std::span<const std::uint8_t> sites_;
  int narrowed_ = -1;
  std::span<const std::uint8_t> channels_;
};

}  // namespace dyadic::inline DYADIC_ABI
