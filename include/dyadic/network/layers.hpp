// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The layers with weights: linear and conv2d. Each checks its weights once and is immutable from then on.
//
//   struct classifier {
//     dyadic::conv2d conv1;
//     dyadic::linear fc;
//     template <class Tensor>
//     Tensor operator()(Tensor x) const { return fc(flatten(relu(conv1(x)))); }
//   };
#pragma once

#include <dyadic/kernels/convolution.hpp>

namespace dyadic::inline DYADIC_ABI {

/// A short text of its own: names of layers and sites. Longer ones are cut.
class label {
 public:
  constexpr label() noexcept = default;
  explicit label(const char* pattern, text_argument a = {}, text_argument b = {}) noexcept {
    const failure text(errc::no_data, pattern, a, b);
    const char* from = text.message();
    for (std::size_t i = 0; i + 1 < sizeof text_ && from[i] != 0; ++i) text_[i] = from[i];
  }
  const char* c_str() const noexcept { return text_; }
  bool empty() const noexcept { return text_[0] == 0; }
  /// As far as a label goes: a long name is the label that was cut from it.
  friend bool operator==(const label& a, const char* b) noexcept {
    return std::strncmp(a.text_, b, sizeof a.text_ - 1) == 0;
  }

 private:
  char text_[40] = {};
};

/// Weights (out, depth) and bias (out, or none) of a layer, as given and packed for the float product.
class layer_weights {
 public:
  index_t rows() const noexcept { return rows_; }
  index_t cols() const noexcept { return cols_; }
  strided<const float> weight() const noexcept { return {weight_.data(), rows_, cols_}; }
  std::span<const float> bias() const noexcept { return bias_; }
  const packed_groups<packed_reals>& packed() const noexcept { return packed_; }
  const label& name() const noexcept { return name_; }

  static result<layer_weights> try_make(const char* what, strided<const float> weight, std::span<const float> bias,
                                        index_t groups, const char* name) {
    if (const auto ok = check_view(what, weight); !ok) return ok.error();
    const auto biases = static_cast<index_t>(bias.size());
    if (biases != 0 && biases != weight.rows())
      return failure(errc::invalid_shape, "{} '{}': bias of {} for {} rows of weights, expected {} or none", what, name,
                     biases, weight.rows(), weight.rows());
    layer_weights made;
    made.rows_ = weight.rows();
    made.cols_ = weight.cols();
    made.name_ = label("{}", name);
    auto copy = buffer<float>::make(weight.rows() * weight.cols());
    if (!copy) return copy.error();
    for (index_t i = 0; i < weight.rows(); ++i)
      for (index_t k = 0; k < weight.cols(); ++k) {
        const float w = weight(i, k);
        if (!(w - w == 0.0f))
          return failure(errc::invalid_range, "{} '{}': weight ({}, {}) is {}, expected a finite number", what, name, i,
                         k, static_cast<double>(w));
        (*copy)[i * weight.cols() + k] = w;
      }
    made.weight_ = std::move(*copy);
    auto shifts = buffer<float>::make(biases);
    if (!shifts) return shifts.error();
    for (index_t i = 0; i < biases; ++i) {
      const float b = bias[static_cast<std::size_t>(i)];
      if (!(b - b == 0.0f))
        return failure(errc::invalid_range, "{} '{}': bias {} is {}, expected a finite number", what, name, i,
                       static_cast<double>(b));
      (*shifts)[i] = b;
    }
    made.bias_ = std::move(*shifts);
    auto packed = try_pack_groups(made.weight(), groups);
    if (!packed) return packed.error();
    made.packed_ = std::move(*packed);
    return made;
  }

 private:
  index_t rows_ = 0, cols_ = 0;
  buffer<float> weight_, bias_;
  packed_groups<packed_reals> packed_;
  label name_;
};

/// y (rows, out) = x (rows, features) * weight^T + bias.
class linear {
 public:
  /// \param weight  (out, features), finite.
  /// \param bias    out numbers, or none.
  /// \param name    for reports; the place in the network when empty.
  static result<linear> try_make(strided<const float> weight, std::span<const float> bias = {}, const char* name = "") {
    auto weights = layer_weights::try_make("linear", weight, bias, 1, name);
    if (!weights) return weights.error();
    linear made;
    made.weights_ = std::move(*weights);
    return made;
  }
#if DYADIC_EXCEPTIONS
  explicit linear(strided<const float> weight, std::span<const float> bias = {}, const char* name = "")
      : linear(try_make(weight, bias, name).value()) {}
#endif

  const layer_weights& weights() const noexcept { return weights_; }

  template <class Tensor>
  Tensor operator()(const Tensor& x) const {
    return apply(x.run(), *this, x);
  }

 private:
  linear() = default;
  layer_weights weights_;
};

/// Two-dimensional convolution of NHWC images: y (images, out_h, out_w, out).
class conv2d {
 public:
  /// \param weight  (out, kernel_h * kernel_w * channels / groups), columns in (kh, kw, c) order, finite.
  /// \param taps    size of the kernel, stride, padding (with zeros), dilation.
  static result<conv2d> try_make(strided<const float> weight, std::span<const float> bias, const window& taps,
                                 index_t groups = 1, const char* name = "") {
    if (const auto ok = check_window("conv2d", taps); !ok) return ok.error();
    if (groups < 1 || weight.rows() % groups != 0)
      return failure(errc::invalid_shape, "conv2d '{}': {} groups do not divide {} output channels", name, groups,
                     weight.rows());
    if (weight.cols() % (taps.size.height * taps.size.width) != 0)
      return failure(errc::invalid_shape, "conv2d '{}': weights have {} columns, expected a multiple of {} x {} taps",
                     name, weight.cols(), taps.size.height, taps.size.width);
    auto weights = layer_weights::try_make("conv2d", weight, bias, groups, name);
    if (!weights) return weights.error();
    conv2d made;
    made.weights_ = std::move(*weights);
    made.taps_ = taps;
    made.groups_ = groups;
    return made;
  }
#if DYADIC_EXCEPTIONS
  conv2d(strided<const float> weight, std::span<const float> bias, const window& taps, index_t groups = 1,
         const char* name = "")
      : conv2d(try_make(weight, bias, taps, groups, name).value()) {}
#endif

  const layer_weights& weights() const noexcept { return weights_; }
  const window& taps() const noexcept { return taps_; }
  index_t groups() const noexcept { return groups_; }

  /// Shape of y, or the reason why x does not fit.
  result<image_shape> output_shape(const image_shape& x) const noexcept {
    const auto rows = kernels::check_convolution(x, taps_, groups_, weights_.rows(), weights_.cols());
    if (!rows) return rows.error();
    return image_shape{x.images, taps_.out_height(x.height), taps_.out_width(x.width), weights_.rows()};
  }

  template <class Tensor>
  Tensor operator()(const Tensor& x) const {
    return apply(x.run(), *this, x);
  }

 private:
  conv2d() = default;
  layer_weights weights_;
  window taps_;
  index_t groups_ = 1;
};

}  // namespace dyadic::inline DYADIC_ABI
