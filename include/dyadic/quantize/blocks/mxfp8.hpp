// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// mxfp8, the OCP MX block of 32 8-bit floating-point numbers under one power of two. x = 2^scale * element; 33 bytes,
// 8.25 bits a number. The elements are float8_e4m3fn or float8_e5m2; the rule of the scale is a parameter.
#pragma once

#include <dyadic/fixed_point/e8m0.hpp>
#include <dyadic/fixed_point/float8.hpp>
#include <dyadic/quantize/blocks/format.hpp>
#include <dyadic/quantize/blocks/numbers.hpp>

namespace dyadic::inline DYADIC_ABI {

/// \see OCP Microscaling Formats 1.0, sections 5 and 6.3; torchao's to_mx, which gives these scales and elements. The
///      standard leaves the place of the scale open; here it stands before the elements.
template <class Element, mx_scale Rule = mx_scale::floor>
struct mxfp8 {
  static constexpr index_t block_length = 32;
  static constexpr float largest = 0x1p127f;  ///< beyond, an element times its scale could be infinite

  struct block {
    float8_e8m0 scale;
    Element elements[32];
  };
  static_assert(sizeof(block) == 33);

  static constexpr block quantize(block_of_numbers<32> x) noexcept {
    block b{.scale = mx_scale_from<typename Element::format>(detail::largest_magnitude(x), Rule), .elements = {}};
    const float inverse = reciprocal(b.scale);
    for (std::size_t j = 0; j < 32; ++j) b.elements[j] = small_float_from<Element>(x[j] * inverse);
    return b;
  }

  static constexpr void dequantize(const block& b, block_of_reals<32> x) noexcept {
    const float scale = to_float(b.scale);
    for (std::size_t j = 0; j < 32; ++j) x[j] = scale * to_float(b.elements[j]);
  }
};

template <mx_scale Rule = mx_scale::floor>
using mxfp8_e4m3 = mxfp8<float8_e4m3fn, Rule>;
template <mx_scale Rule = mx_scale::floor>
using mxfp8_e5m2 = mxfp8<float8_e5m2, Rule>;

}  // namespace dyadic::inline DYADIC_ABI
