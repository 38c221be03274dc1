// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// make_x: the only file where the product is compiled for every scheme of activations.
#include "kernels/product.hpp"
#include "kernels/schemes.hpp"
#include "kernels/widened.hpp"

namespace product {

namespace {

template <scheme S>
class activations_of final : public activations {
 public:
  explicit activations_of(quantized<S> x) : x_(std::move(x)), spread_(x_) {
    what = S;
    wide = widened<wide_rows>(x_);
    one_scale = x_.params().count() == 1;
    if (one_scale) scale = x_.params().scale();
  }
  result<void> multiply(bool spread, const dyadic::packed_weights& w, epilogue::sums e, strided<std::int32_t> y,
                        const run_options& options) const override {
    return try_gemm(view(spread), w, e, y, options);
  }
  result<void> multiply(bool spread, const dyadic::packed_weights& w, const epilogue::bounded_reals& e,
                        strided<float> y, const run_options& options) const override {
    return try_gemm(view(spread), w, e, y, options);
  }
  result<void> multiply(bool spread, const dyadic::packed_weights& w, const epilogue::requantize& e,
                        strided<std::uint8_t> y, const run_options& options) const override {
    return try_gemm(view(spread), w, e, y, options);
  }
  result<void> multiply(bool spread, const dyadic::packed_weights& w, const epilogue::requantize& e,
                        strided<std::int8_t> y, const run_options& options) const override {
    return try_gemm(view(spread), w, e, y, options);
  }

 private:
  quantized_view<S> view(bool spread) const { return spread ? spread_.view : x_.view(); }

  quantized<S> x_;
  spread_out<S> spread_;
};

}  // namespace

std::unique_ptr<activations> make_x(const scheme& s, index_t m, index_t k, fill how, std::mt19937& random) {
  return dyadic::visit<tried_activations>(s,
                                          [&]<scheme S>() -> std::unique_ptr<activations> {
                                            return std::make_unique<activations_of<S>>(operand<S>(m, k, how, random));
                                          })
      .value();
}

}  // namespace product
