// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The domain twin: the float network and the quantized one side by side, for all inputs of an input_box at once.
//
// An element holds what its real number f can be in the float network (in real arithmetic, its weights the given
// floats), which codes the quantized network can have there, and what their difference q - f can be. In the affine form
// there are, beside these intervals, lines over noise symbols in [-1, 1]:
//   f     = real_centre       + sum over shared s of real(s) e_s                             +- real_rest
//   q - f = difference_centre + sum over shared s of shared(s) e_s + sum over own s of own(s) n_s  +- difference_rest
// Shared symbols are those of f: of the inputs, and of the relus f passed. The difference knows them too, so what the
// two networks do alike cancels; own symbols are those of rounding. A layer maps a symbol as it maps an image without
// bias, so the symbols of an image travel as a batch through the library's float product, and a bound on its rounding
// joins the rests.
#pragma once

#include <dyadic/network/twin_step.hpp>
#include <dyadic/network/twin_weights.hpp>

namespace dyadic::inline DYADIC_ABI {

struct twin_element {
  enclosure real;        ///< f
  enclosure difference;  ///< q - f
  code_interval codes;
  // Affine form only. A reach bounds what the symbols of a line can add up to.
  double real_centre = 0, real_rest = 0, real_reach = 0;
  double difference_centre = 0, difference_rest = 0, difference_reach = 0;
};

/// The worst that was found possible at a site.
struct site_bound {
  double largest = 0;         ///< of |q - f|; infinity where nothing is known
  std::int64_t elements = 0;  ///< looked at
  std::int64_t vacuous = 0;   ///< of those: the bound is no less than the width of what codes there can stand for
};

/// How many symbols a tensor has.
struct symbol_counts {
  index_t shared = 0, own = 0;
  index_t room = 0;  ///< for shared ones
};

/// The coefficients of a tensor's symbols: one row of features a symbol.
struct symbol_rows {
  symbol_counts counts;
  index_t features = 0;
  float* first = nullptr;

  float* real(index_t s) const noexcept { return first + s * features; }
  float* shared(index_t s) const noexcept { return first + (counts.room + s) * features; }
  float* own(index_t s) const noexcept { return first + (2 * counts.room + s) * features; }
};

class twin : public run_state {
 public:
  using element = twin_element;

  /// \param codes, weights  of the same plan; weights grow as the network passes its layers.
  /// \param found           one a site, or none; added to.
  /// \param symbols_up_to   0: intervals only. Otherwise the affine form, one image a run: every element of a site of
  ///                        at most so many gets noise symbols, those of larger sites share an interval.
  twin(const plan& p, const weight_codes& codes, twin_weights& weights, index_t symbols_up_to = 0,
       std::span<site_bound> found = {}, const run_options& options = {})
      : run_state(options, &p.sites()),
        plan_(p),
        codes_(codes),
        weights_(weights),
        symbols_up_to_(symbols_up_to),
        found_(found),
        counts_(p.sites().size()) {
    const auto sites = static_cast<index_t>(p.sites().size()), given = static_cast<index_t>(found.size());
    if (given != 0 && given != sites) fail(failure(errc::invalid_shape, "twin: {} entries for {} sites", given, sites));
    if (p.activations() == activation_scales::dynamic)
      fail(failure(errc::invalid_scheme, "twin: the plan has dynamic activations, expected static ones"));
  }
  const dyadic::plan& plan() const noexcept { return plan_; }
  const weight_codes& weights() const noexcept { return codes_; }
  twin_weights& layers() const noexcept { return weights_; }
  bool affine() const noexcept { return symbols_up_to_ > 0; }
  bool gives_symbols(index_t features) const noexcept { return features <= symbols_up_to_; }
  symbol_counts& counts(int s) noexcept { return counts_[static_cast<std::size_t>(s)]; }
  /// The symbols that all tensors have so far. New ones come after them, so those of two branches never mix.
  symbol_counts& all() noexcept { return all_; }
  static code_interval& codes(element& e) noexcept { return e.codes; }

  /// Takes notice of a tensor that is done.
  void note(std::span<const twin_element> y, int s) noexcept {
    if (found_.empty()) return;
    site_bound& b = found_[static_cast<std::size_t>(s)];
    const twin_step t = step(s);
    for (const twin_element& e : y) {
      const double size = e.difference.size();
      if (size > b.largest) b.largest = size;
      b.vacuous += size >= t.high - t.low ? 1 : 0;
    }
    b.elements += static_cast<std::int64_t>(y.size());
  }

  /// The reals that codes of site s stand for. Exact: a float times a whole number of 9 bits.
  enclosure values(int s, const code_interval& c) const noexcept {
    const chosen& p = plan_.params(s);
    const double scale = static_cast<double>(p.scale);
    return {scale * (c.low - p.zero_point), scale * (c.high - p.zero_point)};
  }
  /// The quantizer of site s. Beside the half step of rounding to a code there is that of float32 before it: a sum that
  /// becomes a float, a product. Beyond 512 steps both sides are clamped alike, so it is 512 * 2 * 2^-24 steps and a
  /// little.
  twin_step step(int s) const noexcept {
    const chosen& p = plan_.params(s);
    const double scale = static_cast<double>(p.scale);
    const bool rectify = plan_.sites()[static_cast<std::size_t>(s)].relu >= 0;
    return {rectify ? 0.0 : scale * -p.zero_point, scale * (255 - p.zero_point), next_up(scale * (0.5 + 0x1p-13)),
            rectify};
  }

 private:
  const dyadic::plan& plan_;
  const weight_codes& codes_;
  twin_weights& weights_;
  index_t symbols_up_to_;
  std::span<site_bound> found_;
  std::vector<symbol_counts> counts_;
  symbol_counts all_;
};

/// The symbols of a tensor; they stand behind its elements.
inline symbol_rows symbols_of(const tensor<twin>& x) noexcept {
  const index_t at = round_up(x.shape().size() * static_cast<index_t>(sizeof(twin_element)), 64);
  return {x.run().counts(x.site()), x.shape().features(),
          reinterpret_cast<float*>(reinterpret_cast<std::uint8_t*>(x.data()) + at)};
}

/// A tensor with the symbols `counts` of what it is made of, and room for those that the site adds.
inline tensor<twin> make_twin(twin& run, const image_shape& shape, int s, symbol_counts counts) {
  if (!run.affine() || s < 0) return make_tensor(run, shape, s);
  const index_t features = shape.features();
  if (shape.images != 1)
    run.check_at(s, result<void>(failure(errc::invalid_shape, "twin: {} images at once in the affine form, expected 1",
                                         shape.images)));
  counts.room = counts.shared;
  index_t own = counts.own;
  if (run.gives_symbols(features)) counts.room = run.all().shared + features, own = run.all().own + features;
  const auto floats = checked_multiply(features, 2 * counts.room + own, index_t{4});
  if (!run.check_at(s, floats)) return tensor<twin>(run, {}, -1, {});
  run.counts(s) = counts;
  auto memory = run.memory().take(round_up(features * static_cast<index_t>(sizeof(twin_element)), 64) + *floats);
  if (memory.empty())
    run.fail(failure(errc::out_of_memory, "twin: no memory for {} numbers of symbols at site {}", *floats / 4, s));
  return tensor<twin>(run, shape, s, std::move(memory));
}

}  // namespace dyadic::inline DYADIC_ABI
