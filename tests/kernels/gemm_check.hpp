// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// check_gemm: one pair of schemes, through every shape and epilogue, against the reference.
#pragma once

#include <dyadic/kernels/reference/gemm.hpp>

#include "kernels/product.hpp"
#include "support/data.hpp"

namespace product {

namespace reference = dyadic::reference;
namespace epilogue = dyadic::epilogue;

/// What the reference says of one product, row-major.
template <class T, scheme X, scheme W, class E>
std::vector<T> expected_of(const quantized_view<X>& x, const quantized_view<W>& w, const E& e) {
  std::vector<T> y(static_cast<std::size_t>(x.rows * w.rows));
  reference::gemm(x, w, e, strided<T>(y.data(), x.rows, w.rows));
  return y;
}

/// One product of given operands, by all epilogues that it has.
template <scheme X, scheme W>
class checked_product {
 public:
  checked_product(const quantized<X>& x, const quantized<W>& w, std::mt19937& random, bool every)
      : x_(x), spread_(x), w_(w.view()), packed_(dyadic::pack(w)), every_(every) {
    what_ = std::string("x ") + dyadic::scheme_name(X).c_str() + ", w " + dyadic::scheme_name(W).c_str() +
            ", k = " + std::to_string(x.cols());
    typical_ = std::sqrt(static_cast<float>(x.cols()) + 1.0f) * 5000.0f * 0x1p-16f;  // of sum * scale of x * scale of w
    bias_ = numbers(w.rows(), typical_, random);
  }

  void sums() {
    if (packed_.grouped()) {
      landing<std::int32_t> y(x_.rows(), w_.rows, layout::row_major);
      const auto refused = try_gemm(x_, packed_, epilogue::sums{}, y.view());
      ASSERT_EQ(support::text_of(refused), "gemm: weights in " + std::to_string(w_.cols / W.group) +
                                               " groups a row have no int32 sums, expected one group");
      return;
    }
    run("sums", expected_of<std::int32_t>(x_.view(), w_, reference::sums{}), epilogue::sums{});
  }

  void reals() {
    const float low = -0.5f * typical_, high = 0.75f * typical_, infinity = epilogue::infinity;
    using epilogue::add_bias, epilogue::clamp, epilogue::dequantize, epilogue::relu;
    real("dequantize", dequantize{}, {});
    real("dequantize | relu", dequantize{} | relu{}, {.low = 0.0f, .high = infinity});
    real("dequantize | bias", dequantize{} | add_bias{bias_}, {.bias = bias_});
    real("dequantize | bias | clamp", dequantize{} | add_bias{bias_} | clamp{low, high},
         {.bias = bias_, .low = low, .high = high});
    real("dequantize | bias | relu | clamp", dequantize{} | add_bias{bias_} | relu{} | clamp{low, high},
         {.bias = bias_, .low = 0.0f, .high = high});
  }

  /// To codes of one byte; x has one scale.
  void codes() {
    if (x_.params().count() != 1) return;
    constexpr scheme u8 = dyadic::u8_per_tensor, s8 = dyadic::s8_asymmetric_per_tensor;
    const float scale = typical_ / 64.0f;
    code<std::uint8_t>(u8, {.scale = scale, .zero_point = 117});
    code<std::uint8_t>(u8, {.scale = scale, .zero_point = 117, .bias = bias_, .relu = true});
    code<std::int8_t>(s8, {.scale = scale, .zero_point = -30, .qmin = -128, .qmax = 127, .bias = bias_});
    code<std::int8_t>(s8, {.scale = scale, .zero_point = -30, .qmin = -128, .qmax = 127, .relu = true});
  }

 private:
  void real(const std::string& name, const epilogue::bounded_reals& e, const reference::reals& r) {
    run(name, expected_of<float>(x_.view(), w_, r), e);
  }
  template <class T>
  void code(const scheme& s, const reference::codes& r) {
    const float x_scale = x_.params().scale();
    const auto how = dyadic::requantization::try_make(x_scale, packed_, r.bias, s, r.scale, r.zero_point);
    ASSERT_TRUE(how) << what_ << ": " << how.error().message();
    const auto expected = expected_of<T>(x_.view(), w_, r);
    const std::string name = std::string("requantize to ") + (s.is_signed ? "s8" : "u8") + (r.relu ? " | relu" : "");
    if (r.relu)
      run(name, expected, epilogue::requantize{*how} | epilogue::relu{});
    else
      run(name, expected, epilogue::requantize{*how});
  }
  template <class T, class E>
  void run(const std::string& name, const std::vector<T>& expected, const E& e) {
    if (testing::Test::HasFatalFailure()) return;
    ++turn_;
    expect_everywhere<T>(
        what_ + ", " + name, x_.rows(), w_.rows, expected,
        [&](strided<T> y, const dyadic::run_options& options) {
          return turn_ % 2 == 0 ? try_gemm(x_, packed_, e, y, options) : try_gemm(spread_.view, packed_, e, y, options);
        },
        every_);
  }

  const quantized<X>& x_;
  spread_out<X> spread_;
  quantized_view<W> w_;
  dyadic::packed_weights packed_;
  std::vector<float> bias_;
  float typical_ = 1.0f;
  std::string what_;
  bool every_;
  int turn_ = 0;
};

template <scheme X, scheme W>
void check_product(const quantized<X>& x, const quantized<W>& w, std::mt19937& random, bool every = false) {
  checked_product<X, W> product(x, w, random, every);
  product.sums();
  product.reals();
  product.codes();
}

/// All shapes with random codes, some of them with codes at the ends; k in whole groups.
template <scheme X, scheme W>
void check_gemm() {
  std::mt19937 random(7);
  for (const shape& s : shapes()) {
    const index_t k = W.per == dyadic::granularity::per_group ? dyadic::round_up(s.k, W.group) : s.k;
    check_product(operand<X>(s.m, k, fill::random, random), operand<W>(s.n, k, fill::random, random), random);
    if (testing::Test::HasFatalFailure()) return;
  }
  const index_t k = W.per == dyadic::granularity::per_group ? 3 * W.group : 37;
  for (const fill of_x : {fill::lowest, fill::highest, fill::ends})
    for (const fill of_w : {fill::lowest, fill::highest, fill::ends})
      check_product(operand<X>(7, k, of_x, random), operand<W>(18, k, of_w, random), random);
}

/// The same for every scheme of activations.
template <scheme W>
void check_gemm_of() {
  check_gemm<dyadic::u8_per_tensor, W>();
  check_gemm<dyadic::s8_per_tensor, W>();
  check_gemm<dyadic::s8_asymmetric_per_tensor, W>();
  check_gemm<dyadic::u8_per_row, W>();
  check_gemm<dyadic::s8_asymmetric_per_row, W>();
}

}  // namespace product
