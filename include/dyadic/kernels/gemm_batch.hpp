// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Batches of products: one call for all heads of an attention, all experts, all images.
//
//   gemm_batch(xs, ws, e, ys)      any containers: xs[i] * ws[i]^T -> ys[i]
//   strided_batch{first, count, step}     operands that stand `step` apart in memory: bytes of codes, elements of y
#pragma once

#include <dyadic/kernels/scratch.hpp>

namespace dyadic::inline DYADIC_ABI {

/// `count` operands of one shape, each `step` further than the one before; step 0 is the same one every time.
template <class View>
struct strided_batch;

/// Codes: step counts bytes. All have the params of the first, or, with params_step > 0, params that stand that many
/// scales (and zero points) further.
template <scheme S>
struct strided_batch<quantized_view<S>> {
  quantized_view<S> first;
  index_t count = 0, step = 0, params_step = 0;

  std::size_t size() const noexcept { return static_cast<std::size_t>(count); }
  quantized_view<S> operator[](std::size_t i) const noexcept {
    quantized_view<S> v = first;
    const auto at = static_cast<index_t>(i);
    v.bytes += at * step;
    if (params_step == 0) return v;
    v.scales = {first.scales.data() + at * params_step, first.scales.size()};
    if (S.asymmetric()) v.zero_points = {first.zero_points.data() + at * params_step, first.zero_points.size()};
    return v;
  }
};
/// Codes that are read transposed: gemm_pair.hpp.
template <scheme S>
struct strided_batch<kernels::transposed<S>> {
  kernels::transposed<S> first;
  index_t count = 0, step = 0, params_step = 0;

  std::size_t size() const noexcept { return static_cast<std::size_t>(count); }
  kernels::transposed<S> operator[](std::size_t i) const noexcept {
    return {strided_batch<quantized_view<S>>{first.codes, count, step, params_step}[i]};
  }
};
/// Matrices: step counts elements.
template <class T>
struct strided_batch<strided<T>> {
  strided<T> first;
  index_t count = 0, step = 0;

  std::size_t size() const noexcept { return static_cast<std::size_t>(count); }
  strided<T> operator[](std::size_t i) const noexcept {
    return {first.data() + static_cast<index_t>(i) * step, first.rows(), first.cols(), first.row_stride(),
            first.col_stride()};
  }
};
template <class View, class... Steps>
strided_batch(View, index_t, Steps...) -> strided_batch<View>;

/// Anything with a size whose elements are operands of gemm.
template <class B>
concept batch_like = requires(const B& b) {
  { b.size() } -> std::convertible_to<std::size_t>;
  b[std::size_t{0}];
};

namespace kernels {
inline constexpr index_t batch_outcome_bytes = round_up(static_cast<index_t>(sizeof(result<void>)), 64);
}

/// Bytes that gemm_batch takes from options.memory.
template <batch_like Xs, batch_like Ws>
index_t batch_scratch_size(const Xs& xs, const Ws& ws, const run_options& options = {}) noexcept {
  const index_t workers = options.run.concurrency();
  const bool split = workers < 2 || static_cast<index_t>(xs.size()) < workers;
  index_t most = 0;
  for (std::size_t i = 0; i < xs.size() && i < ws.size(); ++i) {
    const index_t bytes = scratch_size(xs[i], ws[i], split ? options : run_options{});
    most = bytes > most ? bytes : most;
  }
  return split ? most : workers * (round_up(most, 64) + kernels::batch_outcome_bytes);
}

/// ys[i] = epilogue(xs[i] * ws[i]^T) for every i, as gemm would give each; the bits do not depend on the executor.
///
/// Whole products are dealt to the workers when there are as many, otherwise each product is split in turn.
/// \param ws  as many as xs.      \param ys  as many; they must not overlap one another or an operand of any product.
/// \returns  the error of the first product that is refused, in order. The others may have been computed.
template <batch_like Xs, batch_like Ws, class E, batch_like Ys>
result<void> try_gemm_batch(const Xs& xs, const Ws& ws, const E& e, const Ys& ys, const run_options& options = {}) {
  const std::size_t count = xs.size();
  if (ws.size() != count || ys.size() != count)
    return failure(errc::invalid_shape, "gemm_batch: {} x, {} w and {} y, expected as many of each", count, ws.size(),
                   ys.size());
  if (count == 0) return {};
  const index_t workers = options.run.concurrency(), products = static_cast<index_t>(count);
  if (workers < 2 || products < workers) {
    for (std::size_t i = 0; i < count; ++i)
      if (const auto ok = try_gemm(xs[i], ws[i], e, ys[i], options); !ok) return ok;
    return {};
  }
  const index_t all = batch_scratch_size(xs, ws, options), each = (all / workers) / 64 * 64;
  workspace own;
  std::uint8_t* const scratch = (options.memory != nullptr ? *options.memory : own).reserve(all);
  if (scratch == nullptr) return failure(errc::out_of_memory, "gemm: {} bytes of scratch are not to be had", all);
  options.run.parallel_for(workers, [&](index_t worker) {
    std::uint8_t* const mine = scratch + worker * each;
    auto* const outcome = new (mine) result<void>();
    workspace memory(mine + kernels::batch_outcome_bytes, each - kernels::batch_outcome_bytes);
    const share s = share_of(products, workers, worker);
    for (index_t i = s.first; i < s.last && *outcome; ++i) {
      const auto at = static_cast<std::size_t>(i);
      *outcome = try_gemm(xs[at], ws[at], e, ys[at], run_options{{}, &memory});
    }
  });
  for (index_t worker = 0; worker < workers; ++worker)  // shares are in order, so is the first error
    if (const auto& one = *reinterpret_cast<const result<void>*>(scratch + worker * each); !one) return one;
  return {};
}

#if DYADIC_EXCEPTIONS
template <batch_like Xs, batch_like Ws, class E, batch_like Ys>
void gemm_batch(const Xs& xs, const Ws& ws, const E& e, const Ys& ys, const run_options& options = {}) {
  try_gemm_batch(xs, ws, e, ys, options).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
