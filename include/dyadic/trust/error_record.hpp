// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// error_record: the error sums of every site and channel of a plan. layer_error.hpp fills it; shards merge.
//
// Three errors, each against the float network, an image after the other:
//   weights      the site's layer with the weights its codes stand for, on float inputs
//   local        the same, and what it makes quantized: the error of this site alone
//   accumulated  the quantized network up to here, bit for bit the codes of plan.run
// A site that passes codes on (a pool, a relu on its own) has only the accumulated error; a relu that its producer does
// has none: the figures of the producer are those after it. Memory is O(channels), whatever the data.
#pragma once

#include <dyadic/network/plan.hpp>
#include <dyadic/trust/error.hpp>

namespace dyadic::inline DYADIC_ABI {

enum class error_of : unsigned char { local, accumulated, weights };

/// Sums of one site, one of each kind a channel.
struct site_error_sums {
  label name;
  site_kind kind = site_kind::input;
  double step = 1.0;  ///< scale of its codes
  std::vector<error_sums> local, accumulated, weights;

  const std::vector<error_sums>& of(error_of what) const noexcept {
    return what == error_of::local ? local : what == error_of::accumulated ? accumulated : weights;
  }
};

/// What was measured so far. Records of shards join with try_merge.
class error_record {
 public:
  error_record() = default;
  explicit error_record(const plan& p) {
    for (int s = 0; s < static_cast<int>(p.sites().size()); ++s) {
      const site& here = p.sites()[static_cast<std::size_t>(s)];
      const auto channels = static_cast<std::size_t>(here.channels);
      site_error_sums made{here.name, here.kind, static_cast<double>(p.params(s).scale), {}, {}, {}};
      if (here.params_of == s) made.local.resize(channels);
      if (!here.done_before) made.accumulated.resize(channels);
      if (p.weights(s) != nullptr) made.weights.resize(channels);
      sites_.push_back(std::move(made));
    }
  }

  const std::vector<site_error_sums>& sites() const noexcept { return sites_; }

  /// Whether it was made for p, as far as names, kinds, channels and steps can tell.
  result<void> check(const plan& p) const {
    const error_record fresh(p);
    return same_sites(fresh);
  }

  /// Of a site, or of one channel of it.
  /// \returns errc::no_data where the site has no such error, or nothing was measured.
  result<error_figures> try_figures(error_of what, int s, index_t channel = -1) const {
    const auto count = static_cast<index_t>(sites_.size());
    if (s < 0 || s >= count) return failure(errc::invalid_shape, "error: site {}, expected one of {}", s, count);
    const site_error_sums& here = sites_[static_cast<std::size_t>(s)];
    const std::vector<error_sums>& sums = here.of(what);
    const auto channels = static_cast<index_t>(sums.size());
    if (channels == 0)
      return failure(errc::no_data, "error: site {} ('{}') has no error of its own of this kind", s, here.name.c_str());
    if (channel >= channels)
      return failure(errc::invalid_shape, "error: channel {} of site {}, expected one of {}", channel, s, channels);
    if (channel >= 0) return sums[static_cast<std::size_t>(channel)].try_figures(here.step);
    error_sums all;
    for (const error_sums& each : sums) all.merge(each);
    return all.try_figures(here.step);
  }
#if DYADIC_EXCEPTIONS
  error_figures figures(error_of what, int s, index_t channel = -1) const {
    return try_figures(what, s, channel).value();
  }
#endif

  /// Joins what was measured on other images. errc::wrong_site when the sites differ.
  result<void> try_merge(const error_record& other) {
    if (const auto ok = same_sites(other); !ok) return ok;
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      join(sites_[s].local, other.sites_[s].local);
      join(sites_[s].accumulated, other.sites_[s].accumulated);
      join(sites_[s].weights, other.sites_[s].weights);
    }
    return {};
  }

 private:
  friend class compared;
  static void join(std::vector<error_sums>& to, const std::vector<error_sums>& from) noexcept {
    for (std::size_t c = 0; c < to.size(); ++c) to[c].merge(from[c]);
  }
  result<void> same_sites(const error_record& other) const noexcept {
    const auto mine = static_cast<index_t>(sites_.size()), theirs = static_cast<index_t>(other.sites_.size());
    if (mine != theirs) return failure(errc::wrong_site, "error: a record of {} sites for {} sites", mine, theirs);
    for (std::size_t s = 0; s < sites_.size(); ++s) {
      const site_error_sums &a = sites_[s], &b = other.sites_[s];
      if (!(a.name == b.name.c_str()) || a.kind != b.kind || a.step != b.step || a.local.size() != b.local.size() ||
          a.accumulated.size() != b.accumulated.size() || a.weights.size() != b.weights.size())
        return failure(errc::wrong_site, "error: site {} is '{}' with step {} in the record and '{}' with step {} here",
                       static_cast<index_t>(s), a.name.c_str(), a.step, b.name.c_str(), b.step);
    }
    return {};
  }

  std::vector<site_error_sums> sites_;
};

}  // namespace dyadic::inline DYADIC_ABI
