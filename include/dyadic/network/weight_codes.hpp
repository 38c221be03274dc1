// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// weight_codes: the integers inside the packed weights of a plan, for those who prove something about them.
#pragma once

#include <dyadic/network/interval_product.hpp>
#include <dyadic/network/plan.hpp>

namespace dyadic::inline DYADIC_ABI {

/// code - zero point of every weight of a plan, ready for intervals: one matrix a group of channels.
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
        auto panels = row_panels::try_make(
            part.rows(), part.cols(), [&part](index_t i, index_t k) { return static_cast<double>(part.whole(i, k)); });
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
