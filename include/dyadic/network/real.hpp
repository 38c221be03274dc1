// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The domain real: float32 through the library's own float product. The reference every other domain is compared with.
#pragma once

#include <dyadic/network/site.hpp>

namespace dyadic::inline DYADIC_ABI {

/// What the domains of floats share: real, and observed, which looks on.
class float_run : public run_state {
 public:
  using element = float;

  explicit float_run(const run_options& options, const std::vector<site>* sites = nullptr) noexcept
      : run_state(options, sites) {}

  /// Called with the layer of a site, and with what the site produced.
  template <class Layer>
  void made_by(int, const Layer&) const noexcept {}
  template <class Tensor>
  void produced(const Tensor&) const noexcept {}
  bool relu_follows(int) const noexcept { return false; }
  bool relu_done(int) const noexcept { return false; }
};

/// Without sites it runs any network. With the sites of a plan it also checks the replay, and does a relu in its
/// producer's clamp exactly where the other domains do: the same bits, one pass over memory less.
class real : public float_run {
 public:
  explicit real(const run_options& options = {}, const std::vector<site>* sites = nullptr) noexcept
      : float_run(options, sites), sites_(sites) {}

  bool relu_follows(int s) const noexcept {
    return sites_ != nullptr && (*sites_)[static_cast<std::size_t>(s)].relu >= 0;
  }
  bool relu_done(int s) const noexcept {
    return sites_ != nullptr && (*sites_)[static_cast<std::size_t>(s)].done_before;
  }

 private:
  const std::vector<site>* sites_;
};

template <class D>
concept float_domain = std::derived_from<D, float_run>;
template <class L>
concept weighted_layer = std::same_as<L, linear> || std::same_as<L, conv2d>;
template <class P>
concept pooling_operation = std::same_as<P, operations::max_pool> || std::same_as<P, operations::average_pool>;

/// A tensor of the batch, at the first site.
template <float_domain D>
tensor<D> input(D& run, const batch& x) {
  run.check(check_batch(x));
  tensor<D> made = make_tensor(run, x.shape(), run.next(site_kind::input, x.shape(), -1));
  if (run.ok()) run.for_images(x.rows.rows(), [&](index_t first, index_t n) { copy_rows(x, first, n, made.data()); });
  run.produced(made);
  return made;
}

/// y = x * packed^T + bias, and the relu that follows when `rectify` says so.
template <class D>
result<void> product(D& run, const linear&, const packed_groups<packed_reals>& packed, std::span<const float> bias,
                     bool rectify, const tensor<D>& x, const tensor<D>& y) noexcept {
  return try_gemm(x.matrix(), packed.parts[0], epilogue::bounded_reals{bias, rectify ? 0.0f : -epilogue::infinity},
                  y.matrix(), run.options());
}
template <class D>
result<void> product(D& run, const conv2d& layer, const packed_groups<packed_reals>& packed,
                     std::span<const float> bias, bool rectify, const tensor<D>& x, const tensor<D>& y) noexcept {
  return try_conv2d(x.data(), x.shape(), layer.taps(), packed,
                    epilogue::bounded_reals{bias, rectify ? 0.0f : -epilogue::infinity}, y.pixels(), run.options());
}

template <float_domain D, weighted_layer Layer>
tensor<D> apply(D& run, const Layer& layer, const tensor<D>& x) {
  const image_shape shape = shape_after(run, layer, x);
  const int s = run.next(kind_of(layer), shape, x.site());
  run.made_by(s, layer);
  tensor<D> y = make_tensor(run, shape, s);
  if (run.ok())
    run.check_at(s, product(run, layer, layer.weights().packed(), layer.weights().bias(), run.relu_follows(s), x, y));
  run.produced(y);
  return y;
}

/// max(x, 0) of all elements, a share of the images at a time.
template <class D>
void rectify_images(D& run, const tensor<D>& x, const tensor<D>& y) {
  run.for_images(x.shape().images, [&](index_t first, index_t n) {
    const index_t at = first * x.shape().features(), count = n * x.shape().features();
    kernels::relu({x.data() + at, static_cast<std::size_t>(count)}, y.data() + at);
  });
}

template <float_domain D>
tensor<D> apply(D& run, operations::relu, const tensor<D>& x) {
  const int s = run.next(site_kind::relu, x.shape(), x.site());
  if (s >= 0 && run.relu_done(s)) return x.at_site(s);
  tensor<D> y = make_tensor(run, x.shape(), s);
  if (run.ok()) rectify_images(run, x, y);
  run.produced(y);
  return y;
}

/// A pool of either kind, a share of the images at a time. f(x, shape of the share, y)
template <class D, class F>
void pool_images(D& run, const tensor<D>& x, const tensor<D>& y, F&& f) {
  run.for_images(x.shape().images, [&](index_t first, index_t n) {
    image_shape part = x.shape();
    part.images = n;
    f(x.data() + first * x.shape().features(), part, y.data() + first * y.shape().features());
  });
}
/// shape_after has checked the windows, so the kernels cannot refuse them.
template <class D, pooling_operation Pool>
void pool_reals(D& run, const Pool& pool, const tensor<D>& x, const tensor<D>& y) {
  pool_images(run, x, y, [&](const float* from, const image_shape& part, float* to) {
    if constexpr (std::same_as<Pool, operations::max_pool>)
      (void)kernels::max_pool(from, part, pool.taps, to);
    else
      (void)kernels::average_pool(from, part, pool.taps, to);
  });
}

template <float_domain D, pooling_operation Pool>
tensor<D> apply(D& run, const Pool& pool, const tensor<D>& x) {
  const image_shape shape = shape_after(run, pool.taps, x);
  tensor<D> y = make_tensor(run, shape, run.next(kind_of(pool), shape, x.site()));
  if (run.ok()) pool_reals(run, pool, x, y);
  run.produced(y);
  return y;
}

/// a + b, rectified as a relu does it (NaN stays NaN) when the relu that follows is done here.
template <class D>
void add_reals(const tensor<D>& a, const tensor<D>& b, bool rectify, const tensor<D>& y) noexcept {
  const float *from_a = a.data(), *from_b = b.data();
  float* to = y.data();
  const default_float_environment environment;
  for (index_t i = 0; i < y.shape().size(); ++i) {
    const float sum = from_a[i] + from_b[i];
    to[i] = rectify && sum < 0.0f ? 0.0f : sum;
  }
}

template <float_domain D>
tensor<D> apply(D& run, operations::add, const tensor<D>& a, const tensor<D>& b) {
  const image_shape shape = shape_after(run, a, b);
  const int s = run.next(site_kind::add, shape, a.site(), b.site());
  tensor<D> y = make_tensor(run, shape, s);
  if (run.ok()) add_reals(a, b, run.relu_follows(s), y);
  run.produced(y);
  return y;
}

}  // namespace dyadic::inline DYADIC_ABI
