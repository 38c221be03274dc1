// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// make_w: the only file where pack is compiled for every scheme of weights, and the reference for every group.
#include <dyadic/kernels/reference/gemm.hpp>

#include "kernels/product.hpp"
#include "kernels/schemes.hpp"
#include "kernels/widened.hpp"

namespace product {

namespace {

template <scheme Wide>
class weights_as final : public weights {
 public:
  template <scheme S>
  explicit weights_as(const quantized<S>& w) : w_(widened<Wide>(w)) {
    what = S;
    packed = dyadic::pack(w);
  }
  std::vector<std::int32_t> expected(const quantized<wide_rows>& x, reference::sums e) const override {
    return run<std::int32_t>(x, e);
  }
  std::vector<float> expected(const quantized<wide_rows>& x, const reference::reals& e) const override {
    return run<float>(x, e);
  }
  std::vector<std::int32_t> expected(const quantized<wide_rows>& x, const reference::codes& e) const override {
    return run<std::int32_t>(x, e);
  }

 private:
  template <class T, class E>
  std::vector<T> run(const quantized<wide_rows>& x, const E& e) const {
    std::vector<T> y(static_cast<std::size_t>(x.rows() * w_.rows()));
    reference::gemm(x.view(), w_.view(), e, strided<T>(y.data(), x.rows(), w_.rows()));
    return y;
  }

  quantized<Wide> w_;
};

}  // namespace

std::unique_ptr<weights> make_w(const scheme& s, index_t n, index_t k, fill how, std::mt19937& random) {
  return dyadic::visit<tried_weights>(s,
                                      [&]<scheme S>() -> std::unique_ptr<weights> {
                                        const auto w = operand<S>(n, k, how, random);
                                        if constexpr (S.per == dyadic::granularity::per_group)
                                          return std::make_unique<weights_as<wide_groups<S.group>>>(w);
                                        else
                                          return std::make_unique<weights_as<wide_rows>>(w);
                                      })
      .value();
}

}  // namespace product
