// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// mxfp4, the OCP MX block of 32 float4_e2m1 under one power of two: 17 bytes, 4.25 bits a number. In two dialects:
//
//   mxfp4<rule>   elements 2i and 2i + 1 in a byte, the first low; any rule for the scale; ties to even: torchao
//   mxfp4_ggml    byte j holds elements j and j + 16; the floor rule; ties towards zero, and no negative zero: ggml
#pragma once

#include <dyadic/fixed_point/e8m0.hpp>
#include <dyadic/fixed_point/float4.hpp>
#include <dyadic/quantize/blocks/q4_0.hpp>

namespace dyadic::inline DYADIC_ABI {

template <mx_scale Rule = mx_scale::floor>
struct mxfp4 {
  static constexpr index_t block_length = 32;
  static constexpr float largest = 0x1p127f;  ///< beyond, an element times its scale could be infinite

  struct block {
    float8_e8m0 scale;
    std::uint8_t elements[16];
  };
  static_assert(sizeof(block) == 17);

  static constexpr block quantize(block_of_numbers<32> x) noexcept {
    block b{.scale = mx_scale_from<float4_e2m1::format>(detail::largest_magnitude(x), Rule), .elements = {}};
    const float inverse = reciprocal(b.scale);
    for (index_t j = 0; j < 32; ++j)
      store4(b.elements, j, small_float_from<float4_e2m1>(x[static_cast<std::size_t>(j)] * inverse).bits);
    return b;
  }

  static constexpr void dequantize(const block& b, block_of_reals<32> x) noexcept {
    const float scale = to_float(b.scale);
    for (index_t j = 0; j < 32; ++j) {
      const float4_e2m1 element{static_cast<std::uint8_t>(load_u4(b.elements, j))};
      x[static_cast<std::size_t>(j)] = scale * to_float(element);
    }
  }
};

namespace detail {

/// Twice the numbers of float4_e2m1, as integers: ggml's table, whose code 8 is a second zero.
inline constexpr int twice_e2m1[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

/// The first of the nearest numbers twice_e2m1[i] * half_scale: a tie goes towards zero. Each product is exact.
constexpr int nearest_e2m1(float x, float half_scale) noexcept {
  int best = 0;
  float least = magnitude(x);
  for (int i = 1; i < 16; ++i) {
    const float error = magnitude(static_cast<float>(twice_e2m1[i]) * half_scale - x);
    if (error < least) least = error, best = i;
  }
  return best;
}

}  // namespace detail

/// \see ggml-quants.c, quantize_row_mxfp4_ref.
struct mxfp4_ggml {
  static constexpr index_t block_length = 32;
  static constexpr float largest = 0x1p127f;
  using block = mxfp4<>::block;

  static constexpr block quantize(block_of_numbers<32> x) noexcept {
    block b{.scale = mx_scale_from<float4_e2m1::format>(detail::largest_magnitude(x), mx_scale::floor), .elements = {}};
    for (index_t j = 0; j < 32; ++j)
      store4(b.elements, q4_0::place(j),
             detail::nearest_e2m1(x[static_cast<std::size_t>(j)], to_float(b.scale) * 0.5f));
    return b;
  }

  static constexpr void dequantize(const block& b, block_of_reals<32> x) noexcept {
    const float half_scale = to_float(b.scale) * 0.5f;
    for (index_t j = 0; j < 32; ++j)
      x[static_cast<std::size_t>(j)] =
          half_scale * static_cast<float>(detail::twice_e2m1[load_u4(b.elements, q4_0::place(j))]);
  }
};

}  // namespace dyadic::inline DYADIC_ABI
