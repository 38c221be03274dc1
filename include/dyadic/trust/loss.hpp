// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Losses: what the outputs of one image say about how much quantization took, beside those of the float network.
//
// A loss is called with (image, reference, result): the number of the image in the data, the outputs of the float
// network for it, and those of the quantized one; it returns a double or result<double>. A loss of a user's own knows
// the label of an image by its number:
//
//   const auto wrong = [&](index_t i, auto, std::span<const float> y) { return answer(y) != labels[i] ? 1.0 : 0.0; };
#pragma once

#include <dyadic/trust/divergence.hpp>

namespace dyadic::inline DYADIC_ABI {

template <class L>
concept output_loss = requires(const L& l, index_t image, std::span<const float> y) {
  { l(image, y, y) } -> std::convertible_to<result<double>>;
};

/// Mean over the outputs of (result - reference)^2.
struct squared_difference {
  double operator()(index_t, std::span<const float> reference, std::span<const float> result) const noexcept {
    compensated_sum sum;
    for (std::size_t j = 0; j < result.size(); ++j) {
      const double e = static_cast<double>(result[j]) - static_cast<double>(reference[j]);
      sum.add(e * e);
    }
    return sum.value() / static_cast<double>(result.size());
  }
};

/// KL(softmax(reference) || softmax(result)) in nats; at least two outputs.
struct kl_to_reference {
  result<double> operator()(index_t, std::span<const float> reference, std::span<const float> result) const noexcept {
    const auto n = static_cast<index_t>(result.size());
    if (n < 2) return failure(errc::no_data, "kl_to_reference: {} classes, expected at least 2", n);
    return detail::divergence_of_row({reference.data(), 1, n}, {result.data(), 1, n}, 0);
  }
};

}  // namespace dyadic::inline DYADIC_ABI
