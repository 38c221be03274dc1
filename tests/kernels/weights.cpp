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
  std::vector<std::int32_t> expected(const wide_x& x, reference::sums e, index_t first, index_t last) const override {
    return run<std::int32_t>(x, x.rows, e, first, last);
  }
  std::vector<float> expected(const wide_x& x, const reference::reals& e, index_t first, index_t last) const override {
    return run<float>(x, x.rows, part_of(e, first, last), first, last);
  }
  std::vector<std::int32_t> expected(const wide_x& x, const reference::codes& e, index_t first,
                                     index_t last) const override {
    return run<std::int32_t>(x, x.rows, part_of(e, first, last), first, last);
  }
  std::vector<float> expected(strided<const float> x, const reference::reals& e, index_t first,
                              index_t last) const override {
    return run<float>(x, x.rows(), part_of(e, first, last), first, last);
  }
  double value(index_t j, index_t k) const override {
    const auto w = w_.view();
    return static_cast<double>(w.scale(j, k)) * (w.code(j, k) - w.zero_point(j, k));
  }

 private:
  template <class E>
  static E part_of(E e, index_t first, index_t last) {
    if (!e.bias.empty())
      e.bias = e.bias.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(last - first));
    return e;
  }
  template <class T, class X, class E>
  std::vector<T> run(const X& x, index_t m, const E& e, index_t first, index_t last) const {
    std::vector<T> y(static_cast<std::size_t>(m * (last - first)));
    reference::gemm(x, rows_of(w_.view(), first, last - first), e, strided<T>(y.data(), m, last - first));
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
