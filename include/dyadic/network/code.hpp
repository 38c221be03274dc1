// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The domain code: unsigned 8-bit codes between operations, integers inside them. What a deployed network runs.
#pragma once

#include <dyadic/network/plan.hpp>

namespace dyadic::inline DYADIC_ABI {

class code : public run_state {
 public:
  using element = std::uint8_t;

  code(const plan& p, const run_options& options) noexcept : run_state(options, &p.sites()), plan_(p) {}
  const dyadic::plan& plan() const noexcept { return plan_; }

 private:
  const dyadic::plan& plan_;
};

inline tensor<code> input(code& run, const batch& x) {
  run.check(check_batch(x));
  const int s = run.next(site_kind::input, x.shape(), -1);
  tensor<code> made = make_tensor(run, x.shape(), s);
  if (!run.ok()) return made;
  const chosen& p = run.plan().params(s);
  const index_t cols = x.rows.cols();
  run.for_images(x.rows.rows(), [&](index_t first, index_t n) {
    for (index_t i = first; i < first + n; ++i) {
      std::uint8_t* to = made.data() + i * cols;
      if (x.rows.col_stride() == 1) {
        kernels::quantize_u8({x.rows.row(i), static_cast<std::size_t>(cols)}, p.scale, p.zero_point, to);
      } else {
        for (index_t j = 0; j < cols; ++j) kernels::quantize_u8({&x.rows(i, j), 1}, p.scale, p.zero_point, to + j);
      }
    }
  });
  return made;
}

/// The codes of a tensor as images with one scale and zero point.
struct site_codes {
  float scale;
  std::int32_t zero_point;
  image_codes view(const std::uint8_t* codes, const image_shape& shape) const noexcept {
    return {codes, shape, {&scale, 1}, {&zero_point, 1}};
  }
};

template <weighted_layer Layer>
tensor<code> apply(code& run, const Layer& layer, const tensor<code>& x) {
  const image_shape shape = shape_after(run, layer, x);
  const int s = run.next(kind_of(layer), shape, x.site());
  tensor<code> y = make_tensor(run, shape, s);
  if (!run.ok()) return y;
  const site_weights& w = *run.plan().weights(s);
  const chosen& px = run.plan().params(x.site());
  const site_codes codes{px.scale, px.zero_point};
  // The relu that follows needs no step of its own: its range set the params, and the clamp starts at the zero point.
  const bool rectify = run.plan().sites()[static_cast<std::size_t>(s)].relu >= 0;
  if constexpr (std::same_as<Layer, conv2d>) {
    run.check_at(s, try_conv2d(codes.view(x.data(), x.shape()), layer.taps(), w.packed,
                         epilogue::requantize_groups{w.to_codes, rectify}, y.pixels(), run.options()));
  } else {
    const index_t features = x.shape().features();
    const quantized_view<u8_per_tensor> rows{x.data(),  x.shape().images,   features,
                                             features, {&codes.scale, 1}, {&codes.zero_point, 1}};
    run.check_at(
        s, try_gemm(rows, w.packed.parts[0], epilogue::requantize(w.to_codes[0], rectify), y.matrix(), run.options()));
  }
  return y;
}

inline tensor<code> apply(code& run, operations::relu, const tensor<code>& x) {
  const int s = run.next(site_kind::relu, x.shape(), x.site());
  if (s < 0) return make_tensor(run, {}, s);
  if (run.plan().sites()[static_cast<std::size_t>(s)].done_before) return x.at_site(s);
  tensor<code> y = make_tensor(run, x.shape(), s);
  if (!run.ok()) return y;
  const auto zero = static_cast<std::uint8_t>(run.plan().params(s).zero_point);
  for (index_t i = 0; i < x.shape().size(); ++i) y.data()[i] = x.data()[i] < zero ? zero : x.data()[i];
  return y;
}

template <pooling_operation Pool>
tensor<code> apply(code& run, const Pool& pool, const tensor<code>& x) {
  const image_shape shape = shape_after(run, pool.taps, x);
  const int s = run.next(kind_of(pool), shape, x.site());
  tensor<code> y = make_tensor(run, shape, s);
  if (!run.ok()) return y;
  const std::int32_t zero = run.plan().params(s).zero_point;
  pool_images(run, x, y, [&](const std::uint8_t* from, const image_shape& part, std::uint8_t* to) {
    if constexpr (std::same_as<Pool, operations::max_pool>)
      (void)kernels::max_pool(from, part, pool.taps, to);
    else
      (void)kernels::average_pool(from, part, pool.taps, zero, to);
  });
  return y;
}

/// What an addition of codes needs to know: a and b in steps of y.
inline simd::add_call add_of(const plan& p, int s, int a, int b) noexcept {
  const chosen &pa = p.params(a), &pb = p.params(b), &py = p.params(s);
  simd::add_call c;
  c.a_multiplier = pa.scale / py.scale;
  c.b_multiplier = pb.scale / py.scale;
  c.a_zero = pa.zero_point, c.b_zero = pb.zero_point, c.y_zero = py.zero_point;
  c.low = p.sites()[static_cast<std::size_t>(s)].relu >= 0 ? py.zero_point : 0;
  return c;
}

inline tensor<code> apply(code& run, operations::add, const tensor<code>& a, const tensor<code>& b) {
  const image_shape shape = shape_after(run, a, b);
  const int s = run.next(site_kind::add, shape, a.site(), b.site());
  tensor<code> y = make_tensor(run, shape, s);
  if (!run.ok()) return y;
  run.for_images(shape.images, [&](index_t first, index_t n) {
    const default_float_environment environment;
    simd::add_call c = add_of(run.plan(), s, a.site(), b.site());
    const index_t at = first * shape.features();
    c.a = a.data() + at, c.b = b.data() + at, c.y = y.data() + at;
    c.n = n * shape.features();
    kernels::add(c);
  });
  return y;
}

}  // namespace dyadic::inline DYADIC_ABI
