// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Everything a file of kernels/simd needs before its region opens: the calls that cross the border, as plain data.
//
// An instruction set is a namespace with about 40 small functions on wrapped registers (see scalar.hpp for their
// meaning in plain C++) and these constants; algorithms.inl.hpp, included after them, is written once for all.
//   lanes   32-bit numbers a register
//   real_registers    registers that hold sums of floats in a tile
//   columns_at_once   registers of columns that an epilogue finishes together
//   dot     how it multiplies codes: a struct of functions and constants
//             x_code, x_offset   the integer dot4 wants activations in; what is subtracted from an unsigned code to
//                                get there
//             accumulators       registers that hold sums in a tile; group_registers: that hold totals over groups
//             sums_a_panel       registers of sums for one row and one panel
//             latency            sums in flight that keep the processor busy
//             unpacks            whether tiles of many rows unpack weights once
//             and, where it has them: if_pairs_fit, another such struct for panels that pairs_fit names
//             (algorithms.inl.hpp); row_pairs, rows two by two, and load_wide, unpacked weights (tile.inl.hpp)
#pragma once

#include <type_traits>

#include <dyadic/calibrate/simd/operators.hpp>
#include <dyadic/quantize/simd/operators.hpp>

namespace dyadic::inline DYADIC_ABI::simd {

// Legend: m rows of x, n rows of w (columns of y), k depth. y = x * w^T.

/// A panel is 16 columns of y that stand together in packed weights, a block four panels; a quad is four steps of k.
inline constexpr index_t panel_columns = 16, block_panels = 4, quad = 4;

/// Panels in the block that holds `panel`: four, or in the last block what is left.
constexpr index_t panels_beside(index_t panel, index_t panels) noexcept {
  const index_t left = panels - panel / block_panels * block_panels;
  return left < block_panels ? left : block_panels;
}

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

/// Packed integer weights. Bytes: [block][group][step][panel of the block][column][4]; a step is a quad of k for 8-bit
/// codes, and two for 4-bit (the first in the low nibbles). So one row of x meets a block in one stream of memory.
/// Missing columns and steps hold code 0. Numbers of a group and column stand likewise: [block][group][column].
struct weights_view {
  const std::uint8_t* panels = nullptr;
  index_t n = 0, k = 0;
  bool four_bit = false;
  index_t group = 0, groups = 0, group_steps = 0;
  const std::int32_t* sums = nullptr;         ///< sum over the group of code - zero point
  const std::int32_t* zero_points = nullptr;  ///< of the stored codes; null when all are zero
  const float* scales = nullptr;
  const std::uint8_t* pairs_fit = nullptr;    ///< one a panel: 1 when vpmaddubsw cannot saturate there; or null

  constexpr index_t padded_n() const noexcept { return (n + panel_columns - 1) / panel_columns * panel_columns; }
  constexpr index_t panel_count() const noexcept { return padded_n() / panel_columns; }
  constexpr index_t panel_bytes() const noexcept { return groups * group_steps * 64; }
  /// Where a panel starts, and how far it is from a step to the next, in bytes.
  constexpr index_t panel_start(index_t panel) const noexcept {
    return panel / block_panels * block_panels * panel_bytes() + panel % block_panels * 64;
  }
  constexpr index_t step_stride(index_t panel) const noexcept { return 64 * panels_beside(panel, panel_count()); }
  /// Where the number of a column and group stands, and how far it is to the next group's.
  constexpr index_t number_at(index_t column, index_t group_index) const noexcept {
    constexpr index_t width = block_panels * panel_columns;
    return column / width * width * groups + group_index * number_step(column / panel_columns) + column % width;
  }
  constexpr index_t number_step(index_t panel) const noexcept {
    return panel_columns * panels_beside(panel, panel_count());
  }
  /// Whether vpmaddubsw can saturate in no panel of the block that holds `panel`. 4-bit codes: 255 * (8 + 8) < 2^15.
  constexpr bool block_fits_pairs(index_t panel) const noexcept {
    if (four_bit || pairs_fit == nullptr) return four_bit;
    const index_t first = panel / block_panels * block_panels, beside = panels_beside(panel, panel_count());
    index_t fit = 0;
    while (fit < beside && pairs_fit[first + fit] != 0) ++fit;
    return fit == beside;
  }
  constexpr index_t step_codes() const noexcept { return four_bit ? 8 : 4; }
  constexpr index_t group_codes() const noexcept { return group_steps * step_codes(); }
};

/// Packed float weights: [block][k][panel of the block][column].
struct real_weights_view {
  const float* panels = nullptr;
  index_t n = 0, k = 0;

  constexpr index_t padded_n() const noexcept { return (n + panel_columns - 1) / panel_columns * panel_columns; }
  /// Where a panel starts, and how far it is from one k to the next, in floats.
  constexpr index_t panel_start(index_t panel) const noexcept {
    return (panel / block_panels * block_panels * k + panel % block_panels) * panel_columns;
  }
  constexpr index_t k_stride(index_t panel) const noexcept {
    return panel_columns * panels_beside(panel, padded_n() / panel_columns);
  }
};

enum class output : unsigned char { sums, reals, codes };

/// What happens to a sum on its way out. For row i and column j, p = i / rows_a_param:
///   s = sum + bias_codes[j]                                                       (output::sums)
///   f = clamp(fma(s, multipliers[j] * x_scales[p], bias[j]), low, high)          (output::reals)
///   code = round_half_even(f) + zero_point                                       (output::codes)
/// A NaN stays NaN among reals and becomes the zero point among codes.
/// A null array stands for zeros (biases) or ones (multipliers, scales). s counts from the zero points of x and w.
struct epilogue_view {
  epilogue_view() noexcept {}  // not constexpr: g++ would clear the whole with a slow string instruction first
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

/// Floats that become codes inside the call: every row, or every group of a row, by its own range, which is that of its
/// finite numbers and zero. choose is null where x is codes already.
struct dynamic_codes {
  struct params {
    float scale;
    std::int32_t zero_point;
  };
  params (*choose)(float low, float high) = nullptr;
  std::int32_t low = 0, high = 255;  ///< codes, all of them unsigned: signed ones plus 128
  bool symmetric = false;            ///< the zero point is always the same
};

struct gemm_call {
  gemm_call() noexcept {}  // as above
  row_source x;
  index_t m = 0, k = 0;
  bool x_signed = false;  ///< codes of x are signed: 128 makes them unsigned
  dynamic_codes dynamic;
  weights_view w;
  real_weights_view real_w;
  epilogue_view out;
  index_t x_groups = 1;    ///< params of a row of x: as many as groups of w, or one
};

/// The rows and panels one task computes, and its own scratch.
struct gemm_part {
  index_t first_row = 0, last_row = 0, first_panel = 0, last_panel = 0;
  std::uint8_t* scratch = nullptr;
  index_t scratch_bytes = 0;
};

/// Computes a part and returns 0; with less scratch than any part of the call needs, it returns how much that is and
/// does nothing.
using gemm_kernel = index_t (*)(const gemm_call& g, const gemm_part& part);

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
