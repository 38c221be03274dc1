// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// How a product runs: who computes which part, in what memory, and where the rows of x come from.
#pragma once

#include <dyadic/core/checked.hpp>
#include <dyadic/core/executor.hpp>
#include <dyadic/core/strided.hpp>
#include <dyadic/core/workspace.hpp>
#include <dyadic/kernels/simd/operators.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Who runs a product and in what memory. By default: this thread, memory allocated and freed within the call.
struct run_options {
  executor_ref run{};
  workspace* memory = nullptr;
};

namespace kernels {

struct pick_gemm_codes {
  template <class Isa>
  static auto of() noexcept {
    return &simd::operators<Isa>::template gemm_codes<>;
  }
};
struct pick_gemm_weight_only {
  template <class Isa>
  static auto of() noexcept {
    return &simd::operators<Isa>::template gemm_weight_only<>;
  }
};
struct pick_gemm_reals {
  template <class Isa>
  static auto of() noexcept {
    return &simd::operators<Isa>::template gemm_reals<>;
  }
};

constexpr index_t smaller(index_t a, index_t b) noexcept { return a < b ? a : b; }

/// How a product is split: `rows` by `columns` parts, of whole units of 12 rows and 4 panels.
struct split {
  index_t rows = 1, columns = 1;
};
/// As many parts as workers, where the largest is smallest; of equals, the one with the most parts of rows, which share
/// nothing they would both have to prepare.
constexpr split split_of(index_t row_units, index_t column_units, index_t workers) noexcept {
  split best;
  if (workers < 2) return best;
  index_t least = row_units * column_units;
  for (index_t rows = workers < row_units ? workers : row_units; rows >= 1; --rows) {
    const index_t fit = workers / rows, columns = fit < column_units ? fit : column_units;
    const index_t largest = blocks_of(row_units, rows) * blocks_of(column_units, columns);
    if (largest < least) least = largest, best = {rows, columns};
  }
  return best;
}

/// Scratch of small products, on the stack: neither memory nor set-up.
inline constexpr index_t small_scratch = 8192;

/// The parts of a product of m rows and n columns.
inline split split_of_product(index_t m, index_t n, index_t workers) noexcept {
  return split_of(blocks_of(m, 12), blocks_of(n, simd::block_panels * simd::panel_columns), workers);
}

/// Bytes that run_gemm takes from a workspace. (A template, as run_gemm, only to be compiled where it is called.)
template <class Pick, std::same_as<simd::gemm_call> Call>
index_t scratch_of(const Call& g, index_t n, const run_options& options) noexcept {
  if (g.m == 0 || n == 0) return 0;
  const split parts = split_of_product(g.m, n, options.run.concurrency());
  const index_t tasks = parts.rows * parts.columns, bytes = round_up(dispatched<Pick>()(g, {}), 64);
  return tasks * bytes;
}

/// Runs a product in scratch of at least scratch_of() bytes: y is m x n.
template <class Pick, std::same_as<simd::gemm_call> Call>
void run_gemm_in(const Call& g, index_t n, executor_ref run, std::uint8_t* scratch) noexcept {
  const simd::gemm_kernel kernel = dispatched<Pick>();
  const index_t panels = blocks_of(n, simd::panel_columns), bytes = round_up(kernel(g, {}), 64);
  const split parts = split_of_product(g.m, n, run.concurrency());
  run.parallel_for(parts.rows * parts.columns, [&](index_t i) {
    const default_float_environment environment;
    const share rows = share_of(blocks_of(g.m, 12), parts.rows, i / parts.columns),
                columns = share_of(blocks_of(panels, simd::block_panels), parts.columns, i % parts.columns);
    kernel(g, {12 * rows.first, smaller(12 * rows.last, g.m), simd::block_panels * columns.first,
               smaller(simd::block_panels * columns.last, panels), scratch + i * bytes, bytes});
  });
}

/// Runs a product: y is m x n.
template <class Pick, std::same_as<simd::gemm_call> Call>
result<void> run_gemm(const Call& g, index_t n, const run_options& options) noexcept {
  if (g.m == 0 || n == 0) return {};
  const split parts = split_of_product(g.m, n, options.run.concurrency());
  if (parts.rows * parts.columns == 1) {
    const default_float_environment environment;
    alignas(64) std::uint8_t scratch[small_scratch];
    if (dispatched<Pick>()(g, {0, g.m, 0, blocks_of(n, simd::panel_columns), scratch, small_scratch}) == 0) return {};
  }
  workspace own;
  const index_t bytes = scratch_of<Pick>(g, n, options);
  std::uint8_t* const scratch = (options.memory != nullptr ? *options.memory : own).reserve(bytes);
  if (scratch == nullptr) return failure(errc::out_of_memory, "gemm: {} bytes of scratch are not to be had", bytes);
  run_gemm_in<Pick>(g, n, options.run, scratch);
  return {};
}

/// Rows of a matrix with any strides, copied as they are.
template <class T>
struct matrix_rows {
  strided<const T> x;

  static void fill(const void* self, index_t row, index_t count, void* out, index_t stride) {
    const strided<const T>& x = static_cast<const matrix_rows*>(self)->x;
    if (x.cols() == 0) return;
    for (index_t i = 0; i < count; ++i) {
      T* to = static_cast<T*>(out) + i * stride;
      const T* from = x.row(row + i);
      if (x.col_stride() == 1) {
        std::memcpy(to, from, static_cast<std::size_t>(x.cols()) * sizeof(T));
      } else {
        for (index_t k = 0; k < x.cols(); ++k) to[k] = from[k * x.col_stride()];
      }
    }
  }
  simd::row_source source() const noexcept {
    return {&fill, this, x.col_stride() == 1 || x.cols() < 2 ? x.data() : nullptr, x.row_stride()};
  }
};

}  // namespace kernels

}  // namespace dyadic::inline DYADIC_ABI
