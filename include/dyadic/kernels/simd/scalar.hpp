// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The products of scalar: plain C++ for any processor.
#pragma once

#include <dyadic/fixed_point/int4.hpp>
#include <dyadic/kernels/simd/vocabulary.hpp>
#include <dyadic/simd/scalar.hpp>

namespace dyadic::inline DYADIC_ABI::simd::scalar {

inline constexpr int real_registers = 8;  // that hold sums of floats in a tile
inline constexpr int columns_at_once = 1;  // registers of columns that an epilogue finishes together

#include <dyadic/kernels/simd/parts.inl.hpp>

struct panel_sums {
  std::int32_t r[16];
};
struct panel_weights {
  const std::uint8_t* w;
  int shift, bits;
};

struct dot {
  using x_code = std::uint8_t;
  using sums = panel_sums;
  static constexpr int x_offset = 0, sums_a_panel = 1, latency = 0;
  static constexpr int accumulators = 2, group_registers = 4;
  static constexpr bool unpacks = false;

  static void load_start(const std::int32_t* from, panel_sums* sum) {
    for (int i = 0; i < 16; ++i) sum->r[i] = from[i];
  }
  static void store_sums(std::int32_t* to, const panel_sums* sum) {
    for (int i = 0; i < 16; ++i) to[i] = sum->r[i];
  }
  static void spread(const i32v* columns, panel_sums* sum) {
    for (int i = 0; i < 16; ++i) sum->r[i] = columns[i / lanes].r[i % lanes];
  }
  static void fold(const panel_sums* sum, i32v* columns) {
    for (int i = 0; i < 16; ++i) columns[i / lanes].r[i % lanes] = sum->r[i];
  }

  static void store_x(x_code* x, bytev v) { store_bytes(x, v); }
  static const x_code* broadcast_quad(const x_code* x) { return x; }
  static panel_weights load_w8(const std::uint8_t* w, int) { return {w, 0, 8}; }
  static panel_weights load_w4_low(const std::uint8_t* w, int) { return {w, 0, 4}; }
  static panel_weights load_w4_high(const std::uint8_t* w, int) { return {w, 4, 4}; }
  static panel_sums dot4(panel_sums sum, const x_code* x, panel_weights w) {
    for (int column = 0; column < 16; ++column) {
      std::int32_t four = 0;  // |four| <= 4 * 255 * 128
      for (int i = 0; i < 4; ++i) {
        const std::uint8_t byte = w.w[4 * column + i];
        const int code = w.bits == 8 ? static_cast<std::int8_t>(byte) : load_s4(&byte, w.shift / 4);
        four += x[i] * code;
      }
      sum.r[column] = wrap(bits(sum.r[column]) + bits(four));
    }
    return sum;
  }
};

#include <dyadic/kernels/simd/algorithms.inl.hpp>

}  // namespace dyadic::inline DYADIC_ABI::simd::scalar
