// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// measure_divergence: how far the answers of a quantized network are from those of the float one, over batches.
#pragma once

#include <dyadic/network/calibrate.hpp>
#include <dyadic/trust/divergence.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Of plan.run_real and plan.run; plans of any kind.
/// \param batches  any range of batch; at least one image, else errc::no_data.
/// \returns        an error that names the image for logits that are not finite; see divergence.hpp.
template <class Net, class Batches>
result<divergence> try_measure_divergence(const Net& net, const plan& p, Batches&& batches,
                                          const run_options& options = {}) {
  divergence_rows all;
  for (const batch& x : batches) {
    const auto reference = p.try_run_real(net, x, options);
    if (!reference) return reference.error();
    const auto quantized = p.try_run(net, x, options);
    if (!quantized) return quantized.error();
    if (const auto ok = all.try_observe(reference->matrix(), quantized->matrix()); !ok) return ok.error();
  }
  return all.try_figures();
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument for all of the above.
template <class Net, class Batches>
divergence measure_divergence(const Net& net, const plan& p, Batches&& batches, const run_options& options = {}) {
  return try_measure_divergence(net, p, batches, options).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
