// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The algorithms of one instruction set: included at the end of each file's vocabulary, in its region and namespace.

#include <dyadic/kernels/simd/elementwise.inl.hpp>
#include <dyadic/kernels/simd/tile.inl.hpp>
#include <dyadic/kernels/simd/prepare.inl.hpp>
#include <dyadic/kernels/simd/finish.inl.hpp>
#include <dyadic/kernels/simd/gemm.inl.hpp>
#include <dyadic/kernels/simd/codes.inl.hpp>
#include <dyadic/kernels/simd/reals.inl.hpp>
#include <dyadic/kernels/simd/weight_only.inl.hpp>

/// A part where an instruction set multiplies otherwise as long as pairs of products fit int16: runs of whole blocks
/// that allow it, and of those that do not. (Parts begin with a block.)
inline index_t run_by_pairs(const gemm_call& g, const gemm_part& part, gemm_kernel fitting, gemm_kernel other) {
  const index_t one = fitting(g, {}), two = other(g, {}), bytes = one > two ? one : two;
  if (part.scratch == nullptr || bytes > part.scratch_bytes) return bytes;
  for (gemm_part run = part; run.first_panel < part.last_panel; run.first_panel = run.last_panel) {
    const bool fit = g.w.block_fits_pairs(run.first_panel);
    run.last_panel = run.first_panel;
    while (run.last_panel < part.last_panel && g.w.block_fits_pairs(run.last_panel) == fit)
      run.last_panel = smaller(run.last_panel + block_panels, part.last_panel);
    (fit ? fitting : other)(g, run);
  }
  return 0;
}

/// The whole operations that dispatch chooses between; only those a program uses are compiled. The products are
/// templates so that a file which includes the library and calls none of them does not pay for their tiles.
struct algorithms {
  template <class D = dot>
  static index_t gemm_codes(const gemm_call& g, const gemm_part& part) {
    if constexpr (requires { typename D::if_pairs_fit; })
      return run_by_pairs(g, part, &gemm_codes_by<typename D::if_pairs_fit>, &gemm_codes_by<D>);
    else
      return gemm_codes_by<D>(g, part);
  }
  template <class D>
  static index_t gemm_codes_by(const gemm_call& g, const gemm_part& part) {
    if (g.w.groups == 1) return run_part<row_product<D>>(g, part);
    if constexpr (lanes == 16) {  // elsewhere the few registers spill in both, and one is enough
      const epilogue_view& e = g.out;
      const bool one_zero = g.dynamic.choose != nullptr ? g.dynamic.symmetric
                                                        : e.x_zero_points == nullptr || e.rows_a_param >= g.m;
      if (one_zero && g.w.zero_points == nullptr && g.x_groups == 1) return run_part<group_product<D, true>>(g, part);
    }
    return run_part<group_product<D, false>>(g, part);
  }
  template <class P = real_product>
  static index_t gemm_reals(const gemm_call& g, const gemm_part& part) {
    return run_part<P>(g, part);
  }
  template <class P = weight_only_product>
  static index_t gemm_weight_only(const gemm_call& g, const gemm_part& part) {
    return run_part<P>(g, part);
  }
  static void max_codes(const window_call& c) { max_pool_u8(c); }
  static void max_reals(const window_call& c) { max_pool_f32(c); }
  static void average_codes(const window_call& c) { average_pool_u8(c); }
  static void relu_reals(const float* x, index_t n, float* y) { relu_f32(x, n, y); }
  static void add_codes(const add_call& c) { add_u8(c); }
};
