// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// scratch_size: how much memory a product takes from its workspace.
//
//   workspace memory;
//   memory.reserve(scratch_size(x, w, {pool}));     // once
//   gemm(x, w, e, y, {pool, &memory});              // allocates nothing
// The size is that of the instruction set that runs now.
#pragma once

#include <dyadic/kernels/gemm_pair.hpp>
#include <dyadic/kernels/gemm_reals.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Bytes that gemm(x, w, any epilogue, any y, options) takes from options.memory. x and w as they are given to gemm; 0
/// where gemm would refuse them.
template <scheme X>
index_t scratch_size(const quantized_view<X>& x, const packed_weights& w, const run_options& options = {}) noexcept {
  const kernels::matrix_rows<std::uint8_t> rows{{x.bytes, x.rows, x.cols, x.row_stride, 1}};
  simd::gemm_call g;
  return kernels::set_operands(g, x, rows, w) ? kernels::scratch_of<kernels::pick_gemm_codes>(g, w.rows(), options) : 0;
}
template <scheme X>
index_t scratch_size(const quantized<X>& x, const packed_weights& w, const run_options& options = {}) noexcept {
  return scratch_size(x.view(), w, options);
}
template <scheme S>
index_t scratch_size(const dynamic_rows<S>& x, const packed_weights& w, const run_options& options = {}) noexcept {
  const kernels::matrix_rows<float> rows{x.x};
  simd::gemm_call g;
  return kernels::set_operands(g, x, rows, w) ? kernels::scratch_of<kernels::pick_gemm_codes>(g, w.rows(), options) : 0;
}
template <matrix_like X>
  requires std::is_same_v<element_of<X>, float>
index_t scratch_size(const X& x, const packed_weights& w, const run_options& options = {}) noexcept {
  const kernels::matrix_rows<float> rows{strided<const float>(x)};
  simd::gemm_call g;
  kernels::set_operands(g, rows, w);
  return kernels::scratch_of<kernels::pick_gemm_weight_only>(g, w.rows(), options);
}
template <matrix_like X>
  requires std::is_same_v<element_of<X>, float>
index_t scratch_size(const X& x, const packed_reals& w, const run_options& options = {}) noexcept {
  const kernels::matrix_rows<float> rows{strided<const float>(x)};
  simd::gemm_call g;
  kernels::set_operands(g, rows, w);
  return kernels::scratch_of<kernels::pick_gemm_reals>(g, w.rows(), options);
}
template <scheme X, class W>
  requires kernels::is_second_operand<W>
index_t scratch_size(const quantized_view<X>& x, const W& w, const run_options& options = {}) noexcept {
  const auto bytes = kernels::pair_scratch::make(x, w, options);
  return bytes ? bytes->all : 0;
}
template <scheme X, scheme W>
index_t scratch_size(const quantized<X>& x, const quantized<W>& w, const run_options& options = {}) noexcept {
  return scratch_size(x.view(), w.view(), options);
}

}  // namespace dyadic::inline DYADIC_ABI
