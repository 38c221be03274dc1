// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// y = w * x with 4-bit weights in groups of 32, as language models keep them; x is quantized at each call.
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include <Eigen/Core>
#include <dyadic/dyadic.hpp>

int main() {
  constexpr dyadic::index_t n = 256, k = 1024;
  std::mt19937 random(1);
  const auto uniform = [&random] { return static_cast<float>(static_cast<int>(random() % 4096) - 2048) / 2048.0f; };
  const Eigen::MatrixXf w = Eigen::MatrixXf::NullaryExpr(n, k, uniform) / 32.0f;
  std::vector<float> x(k), y(n);
  for (float& number : x) number = uniform();

  // Once: two codes a byte and one scale for 32 of them.
  const auto packed = dyadic::pack(dyadic::quantize<dyadic::s4_per_group<32>>(w));

  // Each call: exact integer sums inside a group, and the sum over the groups in float, in one order on every machine.
  const auto codes = dyadic::quantize<dyadic::u8_per_tensor>(x);
  dyadic::gemv(packed, codes, dyadic::epilogue::dequantize{}, std::span(y));

  // What w and x became is known, so the error comes apart: from the weights, from x, and from float arithmetic.
  double signal = 0, from_weights = 0, from_x = 0, arithmetic = 0;  // the last as a share of its bound
  for (dyadic::index_t i = 0; i < n; ++i) {
    double exact = 0, rounded_w = 0, rounded_both = 0, magnitudes = 0;
    for (dyadic::index_t j = 0; j < k; ++j) {
      const double x_now = codes.params().scale() * static_cast<double>(codes.code(0, j) - codes.params().zero_point());
      const double w_now = packed.value(i, j), x_then = x[static_cast<std::size_t>(j)];
      exact += static_cast<double>(w(i, j)) * x_then;
      rounded_w += w_now * x_then;
      rounded_both += w_now * x_now;
      magnitudes += std::abs(w_now * x_now);
    }
    signal += exact * exact;
    from_weights += (rounded_w - exact) * (rounded_w - exact);
    from_x += (rounded_both - rounded_w) * (rounded_both - rounded_w);
    // k / 32 additions and less than 4 other operations, each rounding by at most 2^-24 of the magnitudes.
    const double error = std::abs(static_cast<double>(y[static_cast<std::size_t>(i)]) - rounded_both);
    arithmetic = std::fmax(arithmetic, error / ((k / 32.0 + 4) * 0x1p-24 * magnitudes));
  }

  std::printf("y = w * x                            %td x %td, %s\n", n, k, dyadic::active_isa());
  std::printf("weights                              %td bytes, %td as float: %.2f bits each\n", packed.model_bytes(),
              n * k * 4, 8.0 * static_cast<double>(packed.model_bytes()) / static_cast<double>(n * k));
  std::printf("error of y from 4-bit weights        %.2f %%\n", 100 * std::sqrt(from_weights / signal));
  std::printf("error of y from 8-bit activations    %.2f %%\n", 100 * std::sqrt(from_x / signal));
  std::printf("error of y from float arithmetic     %.1f %% of its bound\n", 100 * arithmetic);
  return arithmetic <= 1 && from_x < from_weights ? 0 : 1;
}
