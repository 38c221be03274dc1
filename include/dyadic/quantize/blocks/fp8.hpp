// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// fp8, 8-bit floating-point numbers under one scale for a tensor, which is kept apart: x = scale * element. In the form
// of a block format a block is one number; the scale is its setting, 1 if none is given.
//
//   const float scale = fp8_e4m3::scale_of(x);
//   quantize_blocks<fp8_e4m3>(x, std::span(bytes), scale);
#pragma once

#include <dyadic/fixed_point/float8.hpp>
#include <dyadic/quantize/blocks/format.hpp>
#include <dyadic/quantize/blocks/numbers.hpp>

namespace dyadic::inline DYADIC_ABI {

/// \see ONNX QuantizeLinear-25 to float8 types, with saturation: the zero point, zero, is added, so that -0 becomes +0;
///      TensorRT.
template <class Element>
struct fp8 {
  static constexpr index_t block_length = 1;
  static constexpr float largest = 0x1.fffffep127f;

  using block = Element;
  static_assert(sizeof(block) == 1);

  /// The scale at which the largest magnitude of x is the largest element; 1 for a tensor of zeros. NaN is passed over.
  static constexpr float scale_of(std::span<const float> x) noexcept {
    const float magnitude = detail::largest_magnitude(x);
    return magnitude > 0.0f ? clamp(magnitude / Element::format::largest(), 0x1p-126f, 0x1p111f) : 1.0f;
  }

  static constexpr block quantize(block_of_numbers<1> x, float scale = 1.0f) noexcept {
    return small_float_from<Element>(x[0] / scale + 0.0f);
  }
  static constexpr void dequantize(const block& b, block_of_reals<1> x, float scale = 1.0f) noexcept {
    x[0] = scale * to_float(b);
  }

  static result<void> check(float scale = 1.0f) noexcept {
    if (scale >= 0x1p-126f && scale <= 0x1p111f) return {};
    return failure(errc::invalid_scale, "fp8: scale {}, expected a number in [2^-126, 2^111]",
                   static_cast<double>(scale));
  }
};

using fp8_e4m3 = fp8<float8_e4m3fn>;
using fp8_e5m2 = fp8<float8_e5m2>;

}  // namespace dyadic::inline DYADIC_ABI
