// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// mxfp4, the OCP MX block of 32 float4_e2m1 under one power of two: 17 bytes, 4.25 bits a number. In two dialects:
//
//   mxfp4<rule>   elements 2i and 2i + 1 in a byte, the first low; any rule for the scale; ties to even: torchao
//   mxfp4_ggml    byte j holds elements j and j + 16; the floor rule; ties towards zero, and no negative zero: ggml
#pragma once

#include <array>

#include <dyadic/fixed_point/e8m0.hpp>
#include <dyadic/fixed_point/float4.hpp>
#include <dyadic/quantize/blocks/q4_0.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// The numbers of float4_e2m1; code 8 is -0.
inline constexpr std::array<float, 16> e2m1_numbers = [] {
  std::array<float, 16> all{};
  for (std::size_t code = 0; code < 16; ++code) all[code] = to_float(float4_e2m1{static_cast<std::uint8_t>(code)});
  return all;
}();

}  // namespace detail

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
    int codes[32];
    for (std::size_t j = 0; j < 32; ++j) codes[j] = small_float_from<float4_e2m1>(x[j] * inverse).bits;
    detail::pack_pairs(codes, b.elements);
    return b;
  }

  static constexpr void dequantize(const block& b, block_of_reals<32> x) noexcept {
    const block own = b;  // see q4_0
    const float scale = to_float(own.scale);
    for (std::size_t j = 0; j < 16; ++j) {
      x[2 * j] = scale * detail::e2m1_numbers[own.elements[j] & 15];
      x[2 * j + 1] = scale * detail::e2m1_numbers[own.elements[j] >> 4];
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
    int codes[32];
    for (std::size_t j = 0; j < 32; ++j) codes[j] = detail::nearest_e2m1(x[j], to_float(b.scale) * 0.5f);
    detail::pack_halves(codes, b.elements);
    return b;
  }

  static constexpr void dequantize(const block& b, block_of_reals<32> x) noexcept {
    const block own = b;  // see q4_0
    const float half_scale = to_float(own.scale) * 0.5f;
    for (std::size_t j = 0; j < 16; ++j) {
      x[j] = half_scale * static_cast<float>(detail::twice_e2m1[own.elements[j] & 15]);
      x[j + 16] = half_scale * static_cast<float>(detail::twice_e2m1[own.elements[j] >> 4]);
    }
  }
};

}  // namespace dyadic::inline DYADIC_ABI
