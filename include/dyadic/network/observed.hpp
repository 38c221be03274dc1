// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The domain observed: float32, every site looked at by a histogram. What calibration runs.
#pragma once

#include <dyadic/calibrate/histogram.hpp>
#include <dyadic/network/real.hpp>

namespace dyadic::inline DYADIC_ABI {

/// What the runs of a calibration have seen: the sites of the network and, at each, its numbers. The first run finds
/// the sites; every later one must replay them.
class recording {
 public:
  const std::vector<site>& sites() const noexcept { return sites_; }
  const histogram& seen(int s) const noexcept { return seen_[static_cast<std::size_t>(s)]; }
  /// Of a layer with weights; borrowed from the network.
  const layer_weights* weights(int s) const noexcept { return weights_[static_cast<std::size_t>(s)]; }
  /// The site whose tensor the network returned, or -1 before a run was complete.
  int result() const noexcept { return result_; }

 private:
  friend class observed;
  std::vector<site> sites_;
  std::vector<histogram> seen_;
  std::vector<const layer_weights*> weights_;
  int result_ = -1;
};

class observed : public float_run {
 public:
  observed(recording& r, const run_options& options) noexcept
      : float_run(options, r.result() < 0 ? nullptr : &r.sites_), record_(r), first_(r.result() < 0) {
    if (first_) r.sites_.clear(), r.seen_.clear(), r.weights_.clear();
  }

  int next(const operation& what, const image_shape& made, int first_input, int second_input = -1) {
    const int here = run_state::next(what, made, first_input, second_input);
    if (!first_ || here < 0) return here;
    site s;
    s.kind = what.kind;
    s.taps = what.taps;
    s.groups = what.groups;
    s.size = {made.height, made.width};
    s.channels = made.channels;
    s.inputs[0] = first_input;
    s.inputs[1] = second_input;
    int ordinal = 1;
    for (const site& earlier : record_.sites_) ordinal += earlier.kind == s.kind ? 1 : 0;
    s.name = s.kind == site_kind::input ? label("input") : label("{} {}", to_string(s.kind), ordinal);
    record_.sites_.push_back(s);
    record_.seen_.emplace_back();
    record_.weights_.push_back(nullptr);
    return here;
  }
  template <class Layer>
  void made_by(int s, const Layer& layer) {
    if (!first_ || s < 0) return;
    const layer_weights& w = layer.weights();
    record_.weights_[static_cast<std::size_t>(s)] = &w;
    if (!w.name().empty()) record_.sites_[static_cast<std::size_t>(s)].name = w.name();
  }
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
  recording& record_;
  bool first_;
};

}  // namespace dyadic::inline DYADIC_ABI
