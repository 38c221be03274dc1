// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// plan: a calibrated network. Params of every site, packed weights, multipliers, all proven and immutable; run()
// executes it.
#pragma once

#include <dyadic/calibrate/range_choice.hpp>
#include <dyadic/network/mask.hpp>
#include <dyadic/network/observed.hpp>
#include <dyadic/quantize/quantize.hpp>
#include <dyadic/scheme/visit.hpp>

namespace dyadic::inline DYADIC_ABI {

/// When the scales of activations are known: at calibration, or measured for each image as it passes.
enum class activation_scales : unsigned char { static_, dynamic };

/// How to quantize a network.
struct recipe {
  activation_scales activations = activation_scales::static_;
  scheme weights = s8_per_row;
  /// Layers, by site name, whose weights take another scheme.
  struct other_weights {
    const char* site;
    scheme weights;
  };
  std::vector<other_weights> except{};
  /// Share of the observed numbers the range of a site keeps; 100 is min-max.
  double percentile = 100.0;
  run_options run{};  ///< of the calibration
};

/// The quantized weights of a layer: one part a group of channels.
struct site_weights {
  dyadic::scheme scheme;
  packed_groups<packed_weights> packed;
  std::vector<requantization> to_codes;  ///< one a part; none when activations are dynamic
  index_t bias_count = 0;
};

/// What a run returns: reals, one row an image; and the codes they were, when the last site has static codes.
struct run_output {
  image_shape shape;
  buffer<float> values;
  buffer<std::uint8_t> codes;
  chosen params;

  strided<const float> matrix() const noexcept { return {values.data(), shape.images, shape.features()}; }
};

/// How many numbers met the quantizer of a site and what it did to them.
struct site_loss {
  clip_count clipped;
  double signal = 0, noise = 0;  ///< sums of squares: of what came, and of what was lost (finite numbers only)
};

class plan {
 public:
  const std::vector<site>& sites() const noexcept { return sites_; }
  activation_scales activations() const noexcept { return activations_; }
  /// The site the network returns.
  int result_site() const noexcept { return result_; }
  /// Of a layer with weights, else nullptr.
  const site_weights* weights(int s) const noexcept {
    const site_weights& w = weights_[static_cast<std::size_t>(s)];
    return w.packed.parts.empty() ? nullptr : &w;
  }
  /// Scale and zero point of the codes at a site.
  const chosen& params(int s) const noexcept {
    return sites_[static_cast<std::size_t>(sites_[static_cast<std::size_t>(s)].params_of)].params;
  }
  /// Bytes of a model file: codes, scales and zero points of the weights, biases of 4 bytes, and 5 bytes (a scale and a
  /// zero point) a site with static params.
  index_t model_bytes() const noexcept { return model_bytes_; }
  /// Bytes of the same weights and biases in float.
  index_t real_bytes() const noexcept { return real_bytes_; }

  /// From what calibration saw. errc::no_data naming the site when nothing finite was seen there.
  /// (A template only so that files which make no plan do not compile a packer for every scheme of weights.)
  template <std::same_as<recording> Recording>
  static result<plan> try_make(const Recording& seen, const recipe& how);

  /// The network on codes: integer arithmetic between static codes, or, when activations are dynamic, floats between
  /// operations and integers inside them. The same bits for any batch split, thread count and instruction set.
  template <class Net>
  result<run_output> try_run(const Net& net, const batch& x, const run_options& options = {}) const;
  /// The network in float, with the sites of this plan.
  template <class Net>
  result<run_output> try_run_real(const Net& net, const batch& x, const run_options& options = {}) const;
  /// The network in float with the codes of what is on put in (bytes, one a site, or a site_mask; all when empty). With
  /// all on it equals try_run exactly. `loss`, one a site, is added to.
  template <class Net>
  result<run_output> try_simulate(const Net& net, const batch& x, const site_mask& on = {},
                                  std::span<site_loss> loss = {}, const run_options& options = {}) const;

#if DYADIC_EXCEPTIONS
  template <class Net>
  run_output run(const Net& net, const batch& x, const run_options& options = {}) const {
    return try_run(net, x, options).value();
  }
  template <class Net>
  run_output run_real(const Net& net, const batch& x, const run_options& options = {}) const {
    return try_run_real(net, x, options).value();
  }
  template <class Net>
  run_output simulate(const Net& net, const batch& x, const site_mask& on = {}, std::span<site_loss> loss = {},
                      const run_options& options = {}) const {
    return try_simulate(net, x, on, loss, options).value();
  }
#endif

 private:
  result<void> link(const recording& seen);
  result<void> choose_params(const recording& seen, const recipe& how);
  result<void> check_operations() const noexcept;
  template <std::same_as<layer_weights> Weights>
  result<void> quantize_weights(int s, const Weights& w, const scheme& weights);

  std::vector<site> sites_;
  std::vector<site_weights> weights_;
  activation_scales activations_ = activation_scales::static_;
  int result_ = -1;
  index_t model_bytes_ = 0, real_bytes_ = 0;
};

/// Who uses what, which relu its producer does, and whose params the codes of a site have.
inline result<void> plan::link(const recording& seen) {
  const auto at = [this](int s) -> site& { return sites_[static_cast<std::size_t>(s)]; };
  ++at(result_).consumers;
  for (const site& s : sites_)
    for (const int i : s.inputs)
      if (i >= 0) ++at(i).consumers;
  for (int s = 0; s < static_cast<int>(sites_.size()); ++s) {
    site& here = at(s);
    here.params_of = s;
    if (here.kind == site_kind::relu || here.kind == site_kind::max_pool || here.kind == site_kind::average_pool)
      here.params_of = at(here.inputs[0]).params_of;
    if (here.kind != site_kind::relu) continue;
    site& producer = at(here.inputs[0]);
    const bool sums =
        producer.kind == site_kind::conv2d || producer.kind == site_kind::linear || producer.kind == site_kind::add;
    if (!sums || producer.consumers != 1) continue;
    producer.relu = s;
    here.done_before = true;
  }
  for (int s = 0; s < static_cast<int>(sites_.size()); ++s) {
    const auto& e = seen.seen(s).seen();
    at(s).not_finite = e.total() - e.finite;
  }
  return {};
}

inline result<void> plan::choose_params(const recording& seen, const recipe& how) {
  for (int s = 0; s < static_cast<int>(sites_.size()); ++s) {
    site& here = sites_[static_cast<std::size_t>(s)];
    if (here.params_of != s) continue;
    const histogram& h = seen.seen(here.relu >= 0 ? here.relu : s);
    const auto found = how.percentile == 100.0 ? try_range_min_max(h) : try_range_percentile(h, how.percentile);
    if (!found)
      return failure(found.error().code(), "calibrate: site {} ('{}'): {}", s, here.name.c_str(),
                     found.error().message());
    here.range = *found;
    const auto made = try_choose<u8_per_tensor>(here.range);
    if (!made)
      return failure(made.error().code(), "calibrate: site {} ('{}'): {}", s, here.name.c_str(),
                     made.error().message());
    here.params = *made;
    model_bytes_ += 5;
  }
  return check_operations();
}

/// What the operations without weights ask of codes and params: a plan that exists can be run.
inline result<void> plan::check_operations() const noexcept {
  for (int s = 0; s < static_cast<int>(sites_.size()); ++s) {
    const site& here = sites_[static_cast<std::size_t>(s)];
    if (here.kind == site_kind::average_pool) {
      const std::uint8_t* no_image = nullptr;
      const auto ok = kernels::average_pool(no_image, {0, 1, 1, here.channels}, here.taps, 0, nullptr);
      if (!ok)
        return failure(ok.error().code(), "calibrate: site {} ('{}'): {}", s, here.name.c_str(), ok.error().message());
    }
    if (here.kind != site_kind::add) continue;
    for (const int input : here.inputs)
      if (!(params(input).scale / here.params.scale <= 0x1p126f))
        return failure(errc::invalid_scale,
                       "calibrate: site {} ('{}'): scale {} of an input over scale {}, expected at most 2^126", s,
                       here.name.c_str(), static_cast<double>(params(input).scale),
                       static_cast<double>(here.params.scale));
  }
  return {};
}

namespace detail {
/// Quantizes and packs the weights of a layer in a scheme known at compile time.
struct weight_packer {
  const layer_weights& w;
  index_t groups;

  template <scheme S>
  result<packed_groups<packed_weights>> operator()() const {
    const auto codes = try_quantize<S>(w.weight());
    if (!codes) return codes.error();
    return try_pack_groups(codes->view(), groups);
  }
};
}  // namespace detail

template <std::same_as<layer_weights> Weights>
result<void> plan::quantize_weights(int s, const Weights& w, const scheme& weights) {
  const site& here = sites_[static_cast<std::size_t>(s)];
  site_weights& made = weights_[static_cast<std::size_t>(s)];
  const auto named = [&](const failure& f) {
    return failure(f.code(), "calibrate: site {} ('{}'): {}", s, here.name.c_str(), f.message());
  };
  auto packed = visit<weight_schemes>(weights, detail::weight_packer{w, here.groups});
  if (!packed) return named(packed.error());
  made.scheme = weights;
  made.packed = std::move(*packed);
  made.bias_count = static_cast<index_t>(w.bias().size());
  model_bytes_ += made.packed.model_bytes() + 4 * made.bias_count;
  real_bytes_ += 4 * (w.rows() * w.cols() + made.bias_count);
  if (activations_ == activation_scales::dynamic) return {};
  for (std::size_t g = 0; g < made.packed.parts.size(); ++g) {
    const packed_weights& part = made.packed.parts[g];
    const auto rows = static_cast<std::size_t>(part.rows());
    auto to_codes = requantization::try_make(params(here.inputs[0]).scale, part,
                                             w.bias().empty() ? w.bias() : w.bias().subspan(g * rows, rows),
                                             u8_per_tensor, here.params.scale, here.params.zero_point);
    if (!to_codes) return named(to_codes.error());
    made.to_codes.push_back(std::move(*to_codes));
  }
  return {};
}

template <std::same_as<recording> Recording>
result<plan> plan::try_make(const Recording& seen, const recipe& how) {
  if (seen.result() < 0) return failure(errc::no_data, "calibrate: 0 batches, expected at least 1");
  plan made;
  made.sites_ = seen.sites();
  made.result_ = seen.result();
  made.activations_ = how.activations;
  made.weights_.resize(made.sites_.size());
  if (const auto ok = made.link(seen); !ok) return ok.error();
  if (how.activations == activation_scales::static_)
    if (const auto ok = made.choose_params(seen, how); !ok) return ok.error();
  for (const auto& other : how.except) {
    bool known = false;
    for (int s = 0; s < static_cast<int>(made.sites_.size()); ++s)
      known = known || (seen.weights(s) != nullptr && made.sites_[static_cast<std::size_t>(s)].name == other.site);
    if (!known)
      return failure(errc::unknown_name, "calibrate: the recipe names '{}', no layer of the network has that name",
                     other.site);
  }
  for (int s = 0; s < static_cast<int>(made.sites_.size()); ++s) {
    if (seen.weights(s) == nullptr) continue;
    scheme weights = how.weights;
    for (const auto& other : how.except)
      if (made.sites_[static_cast<std::size_t>(s)].name == other.site) weights = other.weights;
    if (const auto ok = made.quantize_weights(s, *seen.weights(s), weights); !ok) return ok.error();
  }
  return made;
}

}  // namespace dyadic::inline DYADIC_ABI
