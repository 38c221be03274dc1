// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The domain observed: float32, every site looked at by a histogram. What calibration runs.
#pragma once

#include <dyadic/calibrate/histogram.hpp>
#include <dyadic/network/real.hpp>

namespace dyadic::inline DYADIC_ABI {

/// What the runs of a calibration have seen: the sites of the network and, at each, its numbers. The first run finds the
/// sites; every later one must replay them.
class recording {
 public:
  const std::vector<site>& sites() const noexcept { return sites_; }
  const histogram& seen(int s) const noexcept { return seen_[static_cast<std::size_t>(s)]; }
  /// Of a layer with weights; borrowed from the network.
  const layer_weights* weights(int s) const noexcept { return weights_[static_cast<std::size_t>(s)]; }
  index_t groups(int s) const noexcept { return groups_[static_cast<std::size_t>(s)]; }
  /// The site whose tensor the network returned, or -1 before a run was complete.
  int result() const noexcept { return result_; }

 private:
  friend class observed;
  std::vector<site> sites_;
  std::vector<histogram> seen_;
  std::vector<const layer_weights*> weights_;
  std::vector<index_t> groups_;
  int result_ = -1;
};

class observed : public float_run {
 public:
  observed(recording& r, const run_options& options) noexcept
      : float_run(options, r.result() < 0 ? nullptr : &r.sites_), record_(r), first_(r.result() < 0) {
    if (first_) r.sites_.clear(), r.seen_.clear(), r.weights_.clear(), r.groups_.clear();
  }

  int next(site_kind kind, const image_shape& made, int first_input, int second_input = -1) {
    const int here = run_state::next(kind, made, first_input, second_input);
    if (!first_ || here < 0) return here;
    site s;
    s.kind = kind;
    s.size = {made.height, made.width};
    s.channels = made.channels;
    s.inputs[0] = first_input;
    s.inputs[1] = second_input;
    int ordinal = 1;
    for (const site& earlier : record_.sites_) ordinal += earlier.kind == kind ? 1 : 0;
    s.name = kind == site_kind::input ? label("input") : label("{} {}", to_string(kind), ordinal);
    record_.sites_.push_back(s);
    record_.seen_.emplace_back();
    record_.weights_.push_back(nullptr);
    record_.groups_.push_back(1);
    return here;
  }
  void made_by(int s, const linear& layer) { note(s, layer.weights(), 1); }
  void made_by(int s, const conv2d& layer) { note(s, layer.weights(), layer.groups()); }
  void produced(const tensor<observed>& y) {
    if (ok() && !y.empty()) record_.seen_[static_cast<std::size_t>(y.site())].observe(y.elements());
  }

  /// The end of one run: y is what the network returned.
  bool finish(const tensor<observed>& y) noexcept {
    if (!complete()) return false;
    if (!first_ && y.site() != record_.result_)
      fail(failure(errc::wrong_site, "network: returned site {} in one batch and site {} in another", record_.result_,
                   y.site()));
    if (ok()) record_.result_ = y.site();
    return ok();
  }

 private:
  void note(int s, const layer_weights& w, index_t groups) {
    if (!first_ || s < 0) return;
    const auto at = static_cast<std::size_t>(s);
    record_.weights_[at] = &w;
    record_.groups_[at] = groups;
    if (!w.name().empty()) record_.sites_[at].name = w.name();
  }

  recording& record_;
  bool first_;
};

}  // namespace dyadic::inline DYADIC_ABI
