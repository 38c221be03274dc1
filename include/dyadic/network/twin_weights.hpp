// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// twin_weights: the weights of both networks as matrices of reals, and what one is more than the other.
//
// In reals x' = x_scale * (code - zero point), a layer of codes computes, before it rounds,
//   y_scale * multiplier_j * (sum over k of (w - zw)(x - zx) + bias code)
// which is Wq x' + bq with Wq(j, k) = y_scale * multiplier_j / x_scale * (w - zw): the float32 multiplier is part of
// the weights here, so nothing but the last rounding of the sum is left to account for.
#pragma once

#include <dyadic/network/enclosure.hpp>
#include <dyadic/network/weight_codes.hpp>

namespace dyadic::inline DYADIC_ABI {

/// One group of channels of a layer.
struct twin_layer {
  row_panels real, quantized, change;     ///< Wf, Wq, Wq - Wf, each within rounding_share
  buffer<double> real_bias, bias_change;  ///< bf, bq - bf
  buffer<double> bias_rounding;           ///< a bound on what rounding did to the biases
  /// What float32 arithmetic may do to a sum before its code is chosen, in reals: fixed + of_size * max |x'|.
  buffer<double> fixed_slack, slack_of_size;
};

/// Made layer by layer, when a network first passes its sites.
class twin_weights {
 public:
  explicit twin_weights(const plan& p)
      : plan_(p), layers_(p.sites().size()), quantized_(p.sites().size()), change_(p.sites().size()) {}

  /// The layers of site s; made from its float weights when they are not there yet.
  result<const std::vector<twin_layer>*> try_of(int s, const layer_weights& w) {
    auto& made = layers_[static_cast<std::size_t>(s)];
    const auto& parts = plan_.weights(s)->packed.parts;
    const index_t rows = parts[0].rows(), all = rows * static_cast<index_t>(parts.size());
    if (w.rows() != all || w.cols() != parts[0].cols())
      return failure(errc::invalid_shape, "twin: weights of {} x {}, those of the plan are {} x {}", w.rows(), w.cols(),
                     all, parts[0].cols());
    for (std::size_t g = made.size(); g < parts.size(); ++g) {
      auto layer = make(s, parts[g], g, w);
      if (!layer) {
        made.clear();
        return layer.error();
      }
      made.push_back(std::move(*layer));
    }
    return &made;
  }
  /// Wq and Wq - Wf of a site, rounded to floats, for products of noise symbols.
  result<const packed_groups<packed_reals>*> try_floats(int s, const layer_weights& w, bool change) {
    auto& made = (change ? change_ : quantized_)[static_cast<std::size_t>(s)];
    if (!made.parts.empty()) return &made;
    const auto layers = try_of(s, w);
    if (!layers) return layers.error();
    auto floats = buffer<float>::make(w.rows() * w.cols());
    if (!floats) return floats.error();
    float* to = floats->data();
    for (const twin_layer& part : **layers)
      for (index_t i = 0; i < part.real.rows(); ++i)
        for (index_t k = 0; k < part.real.cols(); ++k)
          *to++ = static_cast<float>((change ? part.change : part.quantized)(i, k));
    auto packed = try_pack_groups(strided<const float>(floats->data(), w.rows(), w.cols()),
                                  static_cast<index_t>((*layers)->size()));
    if (!packed) return packed.error();
    made = std::move(*packed);
    return &made;
  }

 private:
  result<twin_layer> make(int s, const packed_weights& part, std::size_t g, const layer_weights& w) const {
    const site& here = plan_.sites()[static_cast<std::size_t>(s)];
    const double x_scale = static_cast<double>(plan_.params(here.inputs[0]).scale),
                 y_scale = static_cast<double>(here.params.scale);
    const simd::epilogue_view out = plan_.weights(s)->to_codes[g].view();
    const index_t n = part.rows(), k = part.cols(), first = static_cast<index_t>(g) * n;
    const auto unit = [&](index_t i, index_t at) {
      const double m = part.grouped() ? static_cast<double>(*out.x_scales) * static_cast<double>(part.scale(i, at))
                                      : static_cast<double>(out.multipliers[i]);
      return y_scale * m / x_scale;
    };
    const auto real = [&](index_t i, index_t at) { return static_cast<double>(w.weight()(first + i, at)); };
    const auto quantized = [&](index_t i, index_t at) { return unit(i, at) * static_cast<double>(part.whole(i, at)); };
    auto wf = row_panels::try_make(n, k, real), wq = row_panels::try_make(n, k, quantized),
         dw = row_panels::try_make(n, k, [&](index_t i, index_t at) { return quantized(i, at) - real(i, at); });
    twin_layer made;
    buffer<double>* const columns[] = {&made.real_bias, &made.bias_change, &made.bias_rounding, &made.fixed_slack,
                                       &made.slack_of_size};
    for (buffer<double>* column : columns) {
      auto numbers = buffer<double>::make(n);
      if (!numbers) return numbers.error();
      *column = std::move(*numbers);
    }
    if (!wf) return wf.error();
    if (!wq) return wq.error();
    if (!dw) return dw.error();
    made.real = std::move(*wf), made.quantized = std::move(*wq), made.change = std::move(*dw);
    for (index_t i = 0; i < n; ++i) {
      const double bf = w.bias().empty() ? 0.0 : static_cast<double>(w.bias()[static_cast<std::size_t>(first + i)]);
      const double bq = part.grouped() ? (out.bias == nullptr ? 0.0 : static_cast<double>(out.bias[i]) * y_scale)
                        : out.bias_codes == nullptr ? 0.0
                                                    : static_cast<double>(out.bias_codes[i]) *
                                                          static_cast<double>(out.multipliers[i]) * y_scale;
      made.real_bias[i] = bf;
      made.bias_change[i] = bq - bf;
      made.bias_rounding[i] = 0x1p-50 * (size_of(bq) + size_of(bf));
      // One row: the sum becomes a float and the product is rounded; that is in the step (twin_run.hpp). Groups: a
      // rounded sum and a rounded fma each, and the last fma.
      if (!part.grouped()) continue;
      const double roundings = static_cast<double>(2 * part.view().groups + 4) * 0x1p-23;
      double norm = 0, total = 0;
      for (index_t at = 0; at < k; ++at) {
        norm += size_of(made.quantized(i, at));
        total += static_cast<double>(part.scale(i, at)) * size_of(static_cast<double>(part.whole(i, at)));
      }
      made.fixed_slack[i] = roundings * size_of(bq);
      made.slack_of_size[i] = roundings * norm;
      // Sums of groups that might be infinite, with infinities of the other sign to come, are anything.
      if (!(255.0 * total < 0x1p120)) made.fixed_slack[i] = std::numeric_limits<double>::infinity();
    }
    return made;
  }

  const plan& plan_;
  std::vector<std::vector<twin_layer>> layers_;
  std::vector<packed_groups<packed_reals>> quantized_, change_;
};

}  // namespace dyadic::inline DYADIC_ABI
