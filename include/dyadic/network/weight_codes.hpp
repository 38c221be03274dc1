// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// weight_codes: the integers inside packed weights, read back, for those who prove something about them.
#pragma once

#include <dyadic/network/interval_product.hpp>
#include <dyadic/network/plan.hpp>

namespace dyadic::inline DYADIC_ABI {

/// code - zero point of element (i, k): what meets code - zero point of the activations.
inline std::int32_t whole_weight(const packed_weights& w, index_t i, index_t k) noexcept {
  const simd::weights_view& v = w.view();
  const index_t group = k / v.group, inside = k % v.group, panel = i / simd::panel_columns;
  const index_t step = group * v.group_steps + inside / v.step_codes();
  const std::uint8_t* byte = v.panels + v.panel_start(panel) + step * v.step_stride(panel) +
                             i % simd::panel_columns * simd::quad + inside % simd::quad;
  const int code = v.four_bit ? load_s4(byte, inside / simd::quad % 2) : static_cast<std::int8_t>(*byte);
  return code - (v.zero_points == nullptr ? 0 : v.zero_points[v.number_at(i, group)]);
}
/// The scale that goes with it.
inline float weight_scale(const packed_weights& w, index_t i, index_t k) noexcept {
  const simd::weights_view& v = w.view();
  return v.scales[v.number_at(i, k / v.group)];
}

/// whole_weight of every layer of a plan, ready for intervals: one matrix a group of channels.
class weight_codes {
 public:
  weight_codes() = default;

  static result<weight_codes> try_make(const plan& p) {
    weight_codes made;
    made.sites_.resize(p.sites().size());
    for (std::size_t s = 0; s < p.sites().size(); ++s) {
      const site_weights* w = p.weights(static_cast<int>(s));
      if (w == nullptr) continue;
      for (const packed_weights& part : w->packed.parts) {
        auto panels = row_panels::try_make(part.rows(), part.cols(), [&part](index_t i, index_t k) {
          return static_cast<double>(whole_weight(part, i, k));
        });
        if (!panels) return panels.error();
        made.sites_[s].push_back(std::move(*panels));
      }
    }
    return made;
  }

  const row_panels& at(int s, index_t group) const noexcept {
    return sites_[static_cast<std::size_t>(s)][static_cast<std::size_t>(group)];
  }

 private:
  std::vector<std::vector<row_panels>> sites_;
};

}  // namespace dyadic::inline DYADIC_ABI
