// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The domain adjoint: float32 that remembers what the way back needs, and the gradient of the outputs in the input.
//
//   adjoint run;
//   const tensor<adjoint> y = net(input(run, x));
//   run.back(y, weights, gradient);   // of sum over j of weights(i, j) * y(i, j), for every image i
//
// One way forward, one way back, input gradients only: what attacks and attributions ask of the *float* network. It
// trains nothing. A code has no gradient: that of the float network stands in for it, and whoever uses it says so.
//
// The bits are those of every other domain: forward they are those of `real`, back they do not depend on threads,
// batch split or instruction set.
#pragma once

#include <dyadic/network/real.hpp>

namespace dyadic::inline DYADIC_ABI {

struct adjoint_step;

class adjoint : public run_state {
 public:
  using element = float;

  /// With the sites of a plan it also checks the replay.
  explicit adjoint(const run_options& options = {}, const std::vector<site>* sites = nullptr) noexcept;
  ~adjoint();

  void remember(adjoint_step&& step);

  /// The way back from y, which the network returned.
  /// \param weights   (images, outputs): how much each output of an image counts.
  /// \param gradient  (images, inputs); zero where y does not depend on the input.
  /// \returns the failure of the way forward if it failed; errc::invalid_shape for other shapes.
  result<void> back(const tensor<adjoint>& y, strided<const float> weights, strided<float> gradient);

 private:
  std::vector<adjoint_step> steps_;
};

/// One operation of a run: x (and b) -> y. Of tensors whose elements nobody asks for again, only shape and site stay.
struct adjoint_step {
  operation what;
  tensor<adjoint> x, b, y;
  const layer_weights* weights = nullptr;
};

inline adjoint::adjoint(const run_options& options, const std::vector<site>* sites) noexcept
    : run_state(options, sites) {}
inline adjoint::~adjoint() = default;
inline void adjoint::remember(adjoint_step&& step) {
  if (ok()) steps_.push_back(std::move(step));
}

namespace detail {
inline tensor<adjoint> without_elements(const tensor<adjoint>& x) noexcept {
  return tensor<adjoint>(x.run(), x.shape(), x.site(), {});
}
}  // namespace detail

inline tensor<adjoint> input(adjoint& run, const batch& x) {
  run.check(check_batch(x));
  tensor<adjoint> made = make_tensor(run, x.shape(), run.next(site_kind::input, x.shape(), -1));
  if (run.ok()) run.for_images(x.rows.rows(), [&](index_t first, index_t n) { copy_rows(x, first, n, made.data()); });
  const tensor<adjoint> none = detail::without_elements(made);
  run.remember({site_kind::input, none, none, none});
  return made;
}

template <weighted_layer Layer>
tensor<adjoint> apply(adjoint& run, const Layer& layer, const tensor<adjoint>& x) {
  const image_shape shape = shape_after(run, layer, x);
  const int s = run.next(kind_of(layer), shape, x.site());
  tensor<adjoint> y = make_tensor(run, shape, s);
  if (!run.ok()) return y;
  run.check_at(s, product(run, layer, layer.weights().packed(), layer.weights().bias(), false, x, y));
  const tensor<adjoint> none = detail::without_elements(x);
  run.remember({kind_of(layer), none, none, detail::without_elements(y), &layer.weights()});
  return y;
}

inline tensor<adjoint> apply(adjoint& run, operations::relu, const tensor<adjoint>& x) {
  tensor<adjoint> y = make_tensor(run, x.shape(), run.next(site_kind::relu, x.shape(), x.site()));
  if (!run.ok()) return y;
  rectify_images(run, x, y);
  const tensor<adjoint> none = detail::without_elements(x);
  run.remember({site_kind::relu, none, none, y});
  return y;
}

template <pooling_operation Pool>
tensor<adjoint> apply(adjoint& run, const Pool& pool, const tensor<adjoint>& x) {
  const image_shape shape = shape_after(run, pool.taps, x);
  tensor<adjoint> y = make_tensor(run, shape, run.next(kind_of(pool), shape, x.site()));
  if (!run.ok()) return y;
  pool_reals(run, pool, x, y);
  const tensor<adjoint> none = detail::without_elements(x);
  if constexpr (std::same_as<Pool, operations::max_pool>)
    run.remember({kind_of(pool), x, none, y});
  else
    run.remember({kind_of(pool), none, none, detail::without_elements(y)});
  return y;
}

inline tensor<adjoint> apply(adjoint& run, operations::add, const tensor<adjoint>& a, const tensor<adjoint>& b) {
  const image_shape shape = shape_after(run, a, b);
  tensor<adjoint> y = make_tensor(run, shape, run.next(site_kind::add, shape, a.site(), b.site()));
  if (!run.ok()) return y;
  add_reals(a, b, false, y);
  run.remember({site_kind::add, detail::without_elements(a), detail::without_elements(b), detail::without_elements(y)});
  return y;
}

namespace detail {

/// The way back through one operation: from dy, the gradient at its output, dx at its input, whose shape is x's.
struct adjoint_pass {
  adjoint& run;
  const adjoint_step& step;
  const tensor<adjoint>& dy;
  const tensor<adjoint>& dx;

  /// The transposed weights of group g, as the product takes them: dx = dy * w.
  result<packed_reals> transposed(index_t g, index_t groups) const {
    const strided<const float> w = step.weights->weight();
    const index_t rows = w.rows() / groups;
    return packed_reals::try_make({w.row(g * rows), w.cols(), rows, w.col_stride(), w.row_stride()});
  }

  result<void> through_linear() const {
    const auto w = transposed(0, 1);
    if (!w) return w.error();
    return try_gemm(dy.matrix(), *w, epilogue::bounded_reals{}, dx.matrix(), run.options());
  }

  /// dy times the weights gives each window's share of the gradient; shares of a pixel add up, a few images at a time.
  result<void> through_conv2d() const {
    const index_t groups = step.what.groups, depth = step.weights->cols(), channels = dy.shape().channels / groups;
    const index_t windows = dy.shape().height * dy.shape().width, images = dy.shape().images;
    const index_t a_time = 1 + (index_t{1} << 20) / (1 + windows * depth);
    const memory_block memory = run.memory().take(a_time * windows * depth * static_cast<index_t>(sizeof(float)) + 1);
    if (memory.empty()) return failure(errc::out_of_memory, "conv2d: no memory for the way back");
    auto* shares = reinterpret_cast<float*>(memory.data());
    for (index_t g = 0; g < groups; ++g) {
      const auto w = transposed(g, groups);
      if (!w) return w.error();
      for (index_t first = 0; first < images; first += a_time) {
        const index_t n = images - first < a_time ? images - first : a_time;
        const strided<const float> from(dy.data() + first * windows * dy.shape().channels + g * channels, n * windows,
                                        channels, dy.shape().channels, 1);
        if (const auto ok = try_gemm(from, *w, epilogue::bounded_reals{}, strided<float>(shares, n * windows, depth),
                                     run.options());
            !ok)
          return ok;
        run.for_images(n, [&](index_t i, index_t count) {
          for (index_t last = i + count; i < last; ++i) scatter(shares + i * windows * depth, first + i, g);
        });
      }
    }
    return {};
  }

  /// f(position of the tap in the image's pixels, place of the tap in the window) for the taps inside the image.
  template <class F>
  void for_taps(index_t oh, index_t ow, F&& f) const {
    const window& t = step.what.taps;
    for (index_t kh = 0; kh < t.size.height; ++kh)
      for (index_t kw = 0; kw < t.size.width; ++kw) {
        const index_t h = oh * t.stride.height - t.padding.height + kh * t.dilation.height;
        const index_t w = ow * t.stride.width - t.padding.width + kw * t.dilation.width;
        if (h >= 0 && h < dx.shape().height && w >= 0 && w < dx.shape().width)
          f(h * dx.shape().width + w, kh * t.size.width + kw);
      }
  }

  void scatter(const float* shares, index_t image, index_t g) const {
    const default_float_environment environment;
    const index_t channels = dx.shape().channels / step.what.groups, depth = step.weights->cols();
    float* to = dx.data() + image * dx.shape().features() + g * channels;
    for (index_t oh = 0; oh < dy.shape().height; ++oh)
      for (index_t ow = 0; ow < dy.shape().width; ++ow, shares += depth)
        for_taps(oh, ow, [&](index_t pixel, index_t tap) {
          for (index_t c = 0; c < channels; ++c) to[pixel * dx.shape().channels + c] += shares[tap * channels + c];
        });
  }

  /// Nothing of the gradient where the relu cut.
  void through_relu() const noexcept {
    for (index_t i = 0; i < dy.shape().size(); ++i) dx.data()[i] = step.y.data()[i] > 0.0f ? dy.data()[i] : 0.0f;
  }

  /// All of it to the first of the largest; of an average, to each tap as much.
  void through_pool() const {
    const default_float_environment environment;
    const image_shape &from = dx.shape(), &to = dy.shape();
    const bool largest = step.what.kind == site_kind::max_pool;
    for (index_t i = 0; i < to.size(); ++i) {
      const index_t c = i % to.channels, ow = i / to.channels % to.width, oh = i / to.channels / to.width % to.height;
      const index_t at = i / to.features() * from.features() + c;
      index_t taps = 0, winner = -1;
      for_taps(oh, ow, [&](index_t pixel, index_t) {
        ++taps;
        if (largest && winner < 0 && step.x.data()[at + pixel * from.channels] == step.y.data()[i]) winner = pixel;
      });
      if (largest && winner >= 0) dx.data()[at + winner * from.channels] += dy.data()[i];
      if (largest) continue;
      const float each = dy.data()[i] / static_cast<float>(taps);
      for_taps(oh, ow, [&](index_t pixel, index_t) { dx.data()[at + pixel * from.channels] += each; });
    }
  }

  result<void> operator()() const {
    switch (step.what.kind) {
      case site_kind::linear: return through_linear();
      case site_kind::conv2d: return through_conv2d();
      case site_kind::relu: through_relu(); return {};
      default: through_pool(); return {};
    }
  }
};

/// A tensor of zeros.
inline tensor<adjoint> no_gradient(adjoint& run, const tensor<adjoint>& like) noexcept {
  tensor<adjoint> made = make_tensor(run, like.shape(), like.site());
  if (run.ok()) std::memset(made.data(), 0, made.elements().size_bytes());
  return made;
}

}  // namespace detail

inline result<void> adjoint::back(const tensor<adjoint>& y, strided<const float> weights, strided<float> gradient) {
  if (!complete()) return error();
  if (const auto ok = check_view("gradient: weights", weights); !ok) return ok;
  if (const auto ok = check_view("gradient", gradient); !ok) return ok;
  const tensor<adjoint>& x = steps_[0].y;
  if (weights.rows() != y.shape().images || weights.cols() != y.shape().features())
    return failure(errc::invalid_shape, "gradient: weights of {} x {} for outputs of {} x {}", weights.rows(),
                   weights.cols(), y.shape().images, y.shape().features());
  if (gradient.rows() != x.shape().images || gradient.cols() != x.shape().features())
    return failure(errc::invalid_shape, "gradient: room for {} x {}, the inputs are {} x {}", gradient.rows(),
                   gradient.cols(), x.shape().images, x.shape().features());

  // The gradient at each site, as far as it is known; a tensor that several operations use has a sum of them.
  std::vector<tensor<adjoint>> at(steps_.size(), detail::without_elements(x));
  const auto arrive = [&](const tensor<adjoint>& to, const tensor<adjoint>& share) {
    tensor<adjoint>& here = at[static_cast<std::size_t>(to.site())];
    if (here.empty()) {
      here = share;
      return;
    }
    const tensor<adjoint> sum = make_tensor(*this, to.shape(), to.site());
    if (ok()) add_reals(here, share, false, sum);
    here = sum;
  };
  const tensor<adjoint> first = make_tensor(*this, y.shape(), y.site());
  if (ok()) copy_rows({weights}, 0, weights.rows(), first.data());
  arrive(y, first);
  for (int s = y.site(); s > 0 && ok(); --s) {
    const adjoint_step& step = steps_[static_cast<std::size_t>(s)];
    const tensor<adjoint> dy = at[static_cast<std::size_t>(s)].reshaped(step.y.shape());
    at[static_cast<std::size_t>(s)] = detail::without_elements(x);
    if (dy.empty()) continue;
    if (step.what.kind == site_kind::add) {
      arrive(step.x, dy);
      arrive(step.b, dy);
      continue;
    }
    const tensor<adjoint> dx = detail::no_gradient(*this, step.x);
    if (ok() && check_at(s, detail::adjoint_pass{*this, step, dy, dx}())) arrive(step.x, dx);
  }
  if (!ok()) return error();
  for (index_t i = 0; i < gradient.rows(); ++i)
    for (index_t j = 0; j < gradient.cols(); ++j)
      gradient(i, j) = at[0].empty() ? 0.0f : at[0].data()[i * gradient.cols() + j];
  return {};
}

/// The gradient of a weighted sum of the outputs of a float network in its input, one row an image.
/// \param weights   (images, outputs).  \param gradient  (images, inputs).
template <class Net>
result<void> try_input_gradient(const Net& net, const batch& x, strided<const float> weights, strided<float> gradient,
                                const run_options& options = {}) {
  adjoint run(options);
  const tensor<adjoint> y = net(input(run, x));
  return run.back(y, weights, gradient);
}
#if DYADIC_EXCEPTIONS
template <class Net>
void input_gradient(const Net& net, const batch& x, strided<const float> weights, strided<float> gradient,
                    const run_options& options = {}) {
  try_input_gradient(net, x, weights, gradient, options).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
