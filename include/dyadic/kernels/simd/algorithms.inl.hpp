// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The algorithms of one instruction set: included at the end of each file's vocabulary, in its region and namespace.

#include <dyadic/kernels/simd/elementwise.inl.hpp>
#include <dyadic/kernels/simd/tile.inl.hpp>
#include <dyadic/kernels/simd/prepare.inl.hpp>
#include <dyadic/kernels/simd/finish.inl.hpp>
#include <dyadic/kernels/simd/gemm.inl.hpp>
#include <dyadic/kernels/simd/weight_only.inl.hpp>

/// The whole operations that dispatch chooses between; only those a program uses are compiled. The products are
/// templates so that a file which includes the library and calls none of them does not pay for their tiles.
struct algorithms {
  template <class D = dot>
  static index_t gemm_codes(const gemm_call& g, const gemm_part& part) {
    if (g.w.groups == 1) return run_part<row_product<D>>(g, part);
    const epilogue_view& e = g.out;
    const bool one_zero = g.dynamic.choose != nullptr ? g.dynamic.symmetric
                                                      : e.x_zero_points == nullptr || e.rows_a_param >= g.m;
    const bool simple = one_zero && g.w.zero_points == nullptr && g.x_groups == 1;
    return simple ? run_part<group_product<D, true>>(g, part) : run_part<group_product<D, false>>(g, part);
  }
  template <class P = real_product>
  static index_t gemm_reals(const gemm_call& g, const gemm_part& part) {
    return run_part<P>(g, part);
  }
  template <class P = weight_only_product>
  static index_t gemm_weight_only(const gemm_call& g, const gemm_part& part) {
    return run_part<P>(g, part);
  }
  static void quantize(const float* x, index_t n, float scale, std::int32_t zero_point, std::uint8_t* y) {
    quantize_u8(x, n, scale, zero_point, 0, 255, y);
  }
  static void dequantize(const std::uint8_t* x, index_t n, float scale, std::int32_t zero_point, float* y) {
    dequantize_u8(x, n, scale, zero_point, y);
  }
  static bool range(const float* x, index_t n, float* low, float* high) { return finite_range(x, n, low, high); }
  static void max_codes(const window_call& c) { max_pool_u8(c); }
  static void max_reals(const window_call& c) { max_pool_f32(c); }
  static void average_codes(const window_call& c) { average_pool_u8(c); }
  static void relu_reals(const float* x, index_t n, float* y) { relu_f32(x, n, y); }
  static void add_codes(const add_call& c) { add_u8(c); }
};
