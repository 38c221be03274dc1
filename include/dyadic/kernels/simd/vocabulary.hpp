// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Everything a file of kernels/simd needs before its region opens: the calls that cross the border, as plain data.
//
// An instruction set is a namespace with about 40 small functions on wrapped registers (see scalar.hpp for their
// meaning in plain C++) and these constants; algorithms.inl.hpp, included after them, is written once for all.
//   lanes   32-bit numbers a register
//   dot     how it multiplies codes: a struct of functions and constants
//             x_code, x_offset   the integer dot4 wants activations in; what is subtracted from an unsigned code to
//                                get there
//             accumulators       registers that hold sums in a tile; group_registers: that hold totals over groups
//             sums_a_panel       registers of sums for one row and one panel
//             latency            sums in flight that keep the processor busy
//             unpacks            whether tiles of many rows unpack weights once
#pragma once

#include <type_traits>

#include <dyadic/core/config.hpp>
#include <dyadic/kernels/simd/cpu.hpp>
#include <dyadic/kernels/simd/region.hpp>

namespace dyadic::inline DYADIC_ABI::simd {

// Legend: m rows of x, n rows of w (columns of y), k depth. y = x * w^T.

/// Columns of y that stand together in packed weights; a quad is four steps of k.
inline constexpr index_t panel_columns = 16, quad = 4;

/// Produces rows of x wherever they come from: a matrix, or the patches of an image.
/// fill(self, row, count, out, stride): rows [row, row + count), k elements each, row i at out + i * stride elements.
/// Where the rows stand in memory as fill would write them, `direct` says so: row i at direct + i * direct_stride
/// elements.
struct row_source {
  void (*fill)(const void* self, index_t row, index_t count, void* out, index_t stride) = nullptr;
  const void* self = nullptr;
  const void* direct = nullptr;
  index_t direct_stride = 0;
};

/// Packed integer weights. Bytes: [panel][group][step][column][4]; a step is a quad of k for 8-bit codes, and two for
/// 4-bit (the first in the low nibbles). Missing columns and steps hold code 0. Numbers of a group and column:
/// [group][padded n].
struct weights_view {
  const std::uint8_t* panels = nullptr;
  index_t n = 0, k = 0;
  bool four_bit = false;
  index_t group = 0, groups = 0, group_steps = 0;
  const std::int32_t* sums = nullptr;         ///< sum over the group of code - zero point
  const std::int32_t* zero_points = nullptr;  ///< of the stored codes; null when all are zero
  const float* scales = nullptr;

  constexpr index_t padded_n() const noexcept { return (n + panel_columns - 1) / panel_columns * panel_columns; }
  constexpr index_t panel_bytes() const noexcept { return groups * group_steps * 64; }
  constexpr index_t step_codes() const noexcept { return four_bit ? 8 : 4; }
  constexpr index_t group_codes() const noexcept { return group_steps * step_codes(); }
};

/// Packed float weights: [panel][k][column].
struct real_weights_view {
  const float* panels = nullptr;
  index_t n = 0, k = 0;
};

enum class output : unsigned char { sums, reals, codes };

/// What happens to a sum on its way out. For row i and column j, p = i / rows_a_param:
///   s = sum + bias_codes[j]                                                       (output::sums)
///   f = clamp(fma(s, multipliers[j] * x_scales[p], bias[j]), low, high)          (output::reals)
///   code = round_half_even(f) + zero_point                                       (output::codes)
/// A NaN stays NaN among reals and becomes the zero point among codes.
/// A null array stands for zeros (biases) or ones (multipliers, scales). s counts from the zero points of x and w.
struct epilogue_view {
  output to = output::sums;
  const std::int32_t* bias_codes = nullptr;     ///< padded n
  const float* multipliers = nullptr;           ///< padded n
  const float* x_scales = nullptr;
  const std::int32_t* x_zero_points = nullptr;  ///< null stands for zeros
  std::int32_t x_zero_base = 0;                 ///< what makes a zero point an unsigned code: 128 for signed codes
  index_t rows_a_param = 1;
  const float* bias = nullptr;                  ///< n
  float low = 0, high = 0;
  std::int32_t zero_point = 0;
  bool is_signed = false;                       ///< codes of y are
  void* y = nullptr;                            ///< int32, float or byte
  index_t y_row_stride = 0, y_col_stride = 1;   ///< elements
};

struct gemm_call {
  row_source x;
  index_t m = 0, k = 0;
  bool x_signed = false;  ///< codes of x are signed: 128 makes them unsigned
  weights_view w;
  real_weights_view real_w;
  epilogue_view out;
  index_t x_groups = 1;    ///< params of a row of x: as many as groups of w, or one
};

/// The rows and panels one task computes, and its own scratch, as much as gemm_kernel says.
struct gemm_part {
  index_t first_row = 0, last_row = 0, first_panel = 0, last_panel = 0;
  std::uint8_t* scratch = nullptr;
};

/// What computes a part of a product, and the scratch it needs for one.
struct gemm_kernel {
  void (*run)(const gemm_call& g, const gemm_part& part) = nullptr;
  index_t scratch_bytes = 0;
};

/// Windows over an NHWC image, for pooling.
struct window_call {
  const void* x = nullptr;
  void* y = nullptr;
  index_t images = 0, height = 0, width = 0, channels = 0;
  index_t out_height = 0, out_width = 0;
  index_t window_h = 1, window_w = 1, stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0;
  std::int32_t zero_point = 0;  ///< of x and y, for averages
};

/// y = saturate(round_half_even(fma(a - a_zero, a_multiplier, (b - b_zero) * b_multiplier)) + y_zero), low <= y <= 255.
struct add_call {
  const std::uint8_t *a = nullptr, *b = nullptr;
  std::uint8_t* y = nullptr;
  index_t n = 0;
  float a_multiplier = 1, b_multiplier = 1;
  std::int32_t a_zero = 0, b_zero = 0, y_zero = 0, low = 0;
};

}  // namespace dyadic::inline DYADIC_ABI::simd
