// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// players: what of a plan an error can be owed to, and the loss of a network as a function of which of it is quantized.
#pragma once

#include <dyadic/network/calibrate.hpp>
#include <dyadic/trust/loss.hpp>

namespace dyadic::inline DYADIC_ABI {

/// A site, its weights or activations, or a channel of it: what a mask switches on together.
struct player {
  int site = 0;
  std::uint8_t part = site_mask::on;  ///< on (both), activations, weights
  index_t channel = -1;               ///< of the site; -1 for all
};

/// The sites with a quantizer of their own, in data-flow order.
inline std::vector<player> players_by_site(const plan& p) {
  std::vector<player> made;
  for (int s = 0; s < static_cast<int>(p.sites().size()); ++s)
    if (p.sites()[static_cast<std::size_t>(s)].params_of == s) made.push_back({s, site_mask::on, -1});
  return made;
}
/// The same, the weights of a layer before its activations.
inline std::vector<player> players_by_part(const plan& p) {
  std::vector<player> made;
  for (const player& each : players_by_site(p)) {
    if (p.weights(each.site) != nullptr) made.push_back({each.site, site_mask::weights, -1});
    made.push_back({each.site, site_mask::activations, -1});
  }
  return made;
}
/// The output channels of site s: rows of its weights with their activations. The rest of the network stays float.
inline result<std::vector<player>> try_players_by_channel(const plan& p, int s) {
  const auto sites = static_cast<index_t>(p.sites().size());
  if (s < 0 || s >= sites)
    return failure(errc::invalid_shape, "attribute_error: site {}, expected one of {}", s, sites);
  const site& here = p.sites()[static_cast<std::size_t>(s)];
  if (here.params_of != s)
    return failure(errc::invalid_shape, "attribute_error: site {} ('{}') has the codes of site {}, expected its own", s,
                   here.name.c_str(), here.params_of);
  std::vector<player> made;
  for (index_t c = 0; c < here.channels; ++c) made.push_back({s, site_mask::on, c});
  return made;
}

/// Mean loss of the images when the players of a set are quantized and all else is float: a set function.
template <class Net, output_loss Loss>
class loss_of_players {
 public:
  /// Runs the float network over the data and keeps its outputs. Net, plan and the numbers of the batches are
  /// borrowed; the loss is copied.
  /// \returns errc::no_data without an image; errc::invalid_range for an output that is not finite, naming the image.
  static result<loss_of_players> try_make(const Net& net, const plan& p, std::vector<batch> data,
                                          std::vector<player> players, const Loss& loss, const run_options& options) {
    loss_of_players made(net, p, loss, options);
    if (p.activations() == activation_scales::dynamic)
      return failure(errc::invalid_scheme, "attribute_error: the plan has dynamic activations, expected static ones");
    for (const batch& x : data) {
      result<run_output> y = p.try_run_real(net, x, options);
      if (!y) return y.error();
      if (const auto ok = check_outputs(*y, made.images_, "float"); !ok) return ok.error();
      made.images_ += y->shape.images;
      made.references_.push_back(std::move(y->values));
    }
    if (made.images_ == 0) return failure(errc::no_data, "attribute_error: 0 images, expected at least 1");
    made.data_ = std::move(data), made.players_ = std::move(players);
    return made;
  }

  const std::vector<player>& players() const noexcept { return players_; }
  index_t images() const noexcept { return images_; }

  result<double> operator()(std::span<const std::uint8_t> set) const {
    std::vector<std::uint8_t> on(plan_->sites().size(), site_mask::off), channels;
    const site_mask mask = mask_of(set, on, channels);
    compensated_sum sum;
    index_t image = 0;
    for (std::size_t b = 0; b < data_.size(); ++b) {
      const auto y = plan_->try_simulate(*net_, data_[b], mask, {}, options_);
      if (!y) return y.error();
      if (const auto ok = check_outputs(*y, image, "quantized"); !ok) return ok.error();
      const auto n = static_cast<std::size_t>(y->shape.features());
      for (index_t i = 0; i < y->shape.images; ++i, ++image) {
        const std::size_t at = static_cast<std::size_t>(i) * n;
        const std::span<const float> reference(references_[b].data() + at, n), result_row(y->values.data() + at, n);
        const result<double> value = loss_(image, reference, result_row);
        if (!value)
          return failure(value.error().code(), "attribute_error: image {}: {}", image, value.error().message());
        sum.add(*value);
      }
    }
    return sum.value() / static_cast<double>(images_);
  }

 private:
  loss_of_players(const Net& net, const plan& p, const Loss& loss, const run_options& options)
      : net_(&net), plan_(&p), loss_(loss), options_(options) {}

  static result<void> check_outputs(const run_output& y, index_t first_image, const char* which) noexcept {
    const index_t n = y.shape.features();
    for (index_t i = 0; i < y.shape.size(); ++i)
      if (const float v = y.values[i]; !(v - v == 0.0f))
        return failure(errc::invalid_range, "attribute_error: output {} of image {} is {} in the {} network", i % n,
                       first_image + i / n, static_cast<double>(v), which);
    return {};
  }
  site_mask mask_of(std::span<const std::uint8_t> set, std::vector<std::uint8_t>& on,
                    std::vector<std::uint8_t>& channels) const {
    for (std::size_t i = 0; i < players_.size(); ++i) {
      const player& each = players_[i];
      if (each.channel >= 0) channels.push_back(set[i]);
      if (set[i] == 0) continue;
      std::uint8_t& here = on[static_cast<std::size_t>(each.site)];
      here = here == site_mask::off ? each.part : site_mask::on;
    }
    return channels.empty() ? site_mask(on) : site_mask(on).channels(players_[0].site, channels);
  }

  const Net* net_;
  const plan* plan_;
  Loss loss_;
  run_options options_;
  std::vector<batch> data_;
  std::vector<player> players_;
  std::vector<buffer<float>> references_;
  index_t images_ = 0;
};

}  // namespace dyadic::inline DYADIC_ABI
