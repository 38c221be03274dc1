// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Every block format there is, for the tests that hold all of them.
#pragma once

#include <gtest/gtest.h>

#include <dyadic/quantize/blocks.hpp>

#include "support/distributions.hpp"

namespace block_formats {

using dyadic::mx_scale;

using all =
    testing::Types<dyadic::q8_0, dyadic::q4_0, dyadic::q4_1, dyadic::q4_k, dyadic::q6_k, dyadic::nf4, dyadic::q4,
                   dyadic::mxint8<>, dyadic::mxint8<mx_scale::ceil>, dyadic::mxfp8_e4m3<>,
                   dyadic::mxfp8_e4m3<mx_scale::rceil>, dyadic::mxfp8_e5m2<>, dyadic::mxfp8_e5m2<mx_scale::even>,
                   dyadic::mxfp4<>, dyadic::mxfp4<mx_scale::rceil>, dyadic::mxfp4<mx_scale::ceil>,
                   dyadic::mxfp4<mx_scale::even>, dyadic::mxfp4_ggml, dyadic::nvfp4, dyadic::nvfp4_ggml>;

/// What numbers become.
template <class F, class... Settings>
std::vector<float> restored(std::span<const float> x, const Settings&... settings) {
  std::vector<typename F::block> blocks(x.size() / static_cast<std::size_t>(F::block_length));
  std::vector<float> y(x.size());
  dyadic::quantize_blocks<F>(x, std::span<typename F::block>(blocks), settings...);
  dyadic::dequantize_blocks<F>(std::span<const typename F::block>(blocks), std::span<float>(y), settings...);
  return y;
}

template <class F>
double sqnr_on(const std::vector<float>& x) {
  return support::sqnr_db(x, restored<F>(x));
}

/// The error on 2^16 numbers of each distribution, within half a per cent of the noise's deviation and what samples
/// vary.
template <class F>
void expect_sqnr(double gauss, double laplace, double student5) {
  const std::size_t n = std::size_t{1} << 16;
  EXPECT_NEAR(sqnr_on<F>(support::gauss_numbers(n, 11)), gauss, 0.1);
  EXPECT_NEAR(sqnr_on<F>(support::laplace_numbers(n, 12)), laplace, 0.25);
  EXPECT_NEAR(sqnr_on<F>(support::student5_numbers(n, 13)), student5, 0.35);
}

/// One block of numbers that a test writes down.
template <class F>
typename F::block block_of(const std::vector<float>& x) {
  EXPECT_EQ(x.size(), static_cast<std::size_t>(F::block_length));
  typename F::block b;
  dyadic::quantize_blocks<F>(x, std::span<typename F::block>(&b, 1));
  return b;
}
template <class F>
std::vector<float> numbers_of(const typename F::block& b) {
  std::vector<float> x(static_cast<std::size_t>(F::block_length));
  dyadic::dequantize_blocks<F>(std::span<const typename F::block>(&b, 1), std::span<float>(x));
  return x;
}

}  // namespace block_formats
