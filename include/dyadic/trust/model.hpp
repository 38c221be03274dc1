// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// model_ref, gradient_ref: what explanations and attacks ask about, as borrowed functions of a batch.
//
//   const auto int8 = [&](const batch& x) { return plan.try_run(net, x); };        // the integer function itself
//   const auto real = [&](const batch& x) { return plan.try_run_real(net, x); };
//   const auto slope = [&](const batch& x, strided<const float> weights, strided<float> gradient) {
//     return try_input_gradient(net, x, weights, gradient);
//   };
// A model of the user's own returns any matrix of floats, one row of scores an image. It is called from one thread.
#pragma once

#include <concepts>

#include <dyadic/network/calibrate.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

inline result<run_output> scores_of(run_output&& y) { return std::move(y); }
inline result<run_output> scores_of(result<run_output>&& y) { return std::move(y); }
template <matrix_like M>
  requires std::same_as<element_of<M>, float>
result<run_output> scores_of(M&& m) {
  const strided<const float> from(m);
  if (const auto ok = check_view("model: scores", from); !ok) return ok.error();
  auto values = buffer<float>::make(from.rows() * from.cols());
  if (!values) return values.error();
  copy_rows({from}, 0, from.rows(), values->data());
  run_output y;
  y.shape = {from.rows(), 1, 1, from.cols()};
  y.values = std::move(*values);
  return y;
}

}  // namespace detail

/// A borrowed model: f(const batch&) gives a run_output, a result of one, or a matrix (images, outputs) of floats. It
/// outlives the reference; a temporary does not compile.
class model_ref {
 public:
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, model_ref> && std::invocable<F&, const batch&>)
  model_ref(F& f) noexcept  // NOLINT: implicit by design
      : self_(const_cast<void*>(static_cast<const void*>(__builtin_addressof(f)))),
        call_([](void* self, const batch& x) { return detail::scores_of((*static_cast<F*>(self))(x)); }) {}

  /// The scores of a batch. errc::invalid_shape when they are not one row an image, errc::invalid_range for NaN, naming
  /// the row: nothing follows from an answer that is none.
  result<run_output> operator()(const batch& x) const {
    auto y = call_(self_, x);
    if (!y) return y;
    const index_t outputs = y->shape.features();
    if (y->shape.images != x.rows.rows() || y->values.size() != y->shape.size() || outputs < 1)
      return failure(errc::invalid_shape, "model: scores of {} x {} for {} images, expected one row an image",
                     y->shape.images, outputs, x.rows.rows());
    for (index_t i = 0; i < y->values.size(); ++i)
      if (const float v = y->values[i]; !(v == v))
        return failure(errc::invalid_range, "model: score {} of image {} is NaN, expected a number", i % outputs,
                       i / outputs);
    return y;
  }

 private:
  void* self_;
  result<run_output> (*call_)(void*, const batch&);
};

/// A borrowed gradient: f(x, weights, gradient) writes that of sum over j of weights(i, j) * score(i, j) in the numbers
/// of image i, and returns nothing or a result<void>. Its scores may be those of another model than the one it is used
/// on: then it is the gradient of a surrogate, and what is found with it is said of the surrogate.
class gradient_ref {
 public:
  gradient_ref() noexcept = default;
  template <class F>
    requires(!std::same_as<std::remove_cvref_t<F>, gradient_ref> &&
             std::invocable<F&, const batch&, strided<const float>, strided<float>>)
  gradient_ref(F& f) noexcept  // NOLINT: implicit by design
      : self_(const_cast<void*>(static_cast<const void*>(__builtin_addressof(f)))),
        call_([](void* self, const batch& x, strided<const float> weights, strided<float> gradient) -> result<void> {
          if constexpr (std::same_as<decltype((*static_cast<F*>(self))(x, weights, gradient)), void>) {
            (*static_cast<F*>(self))(x, weights, gradient);
            return {};
          } else {
            return (*static_cast<F*>(self))(x, weights, gradient);
          }
        }) {}

  /// There is one.
  explicit operator bool() const noexcept { return call_ != nullptr; }
  result<void> operator()(const batch& x, strided<const float> weights, strided<float> gradient) const {
    return call_(self_, x, weights, gradient);
  }

 private:
  void* self_ = nullptr;
  result<void> (*call_)(void*, const batch&, strided<const float>, strided<float>) = nullptr;
};

/// The answer of a model to image i: the output with the largest score, the first of equals.
inline std::int32_t top_class(const run_output& y, index_t i) noexcept {
  const index_t outputs = y.shape.features();
  const float* scores = y.values.data() + i * outputs;
  index_t best = 0;
  for (index_t j = 1; j < outputs; ++j)
    if (scores[j] > scores[best]) best = j;
  return static_cast<std::int32_t>(best);
}

}  // namespace dyadic::inline DYADIC_ABI
