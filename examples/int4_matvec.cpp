// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// y = w * x with 4-bit weights in groups of 32, as language models keep them; x is quantized at each call.
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
  const auto w_codes = dyadic::quantize<dyadic::s4_per_group<32>>(w);
  const auto packed = dyadic::pack(w_codes);

  // Each call: exact integer sums inside a group, and the sum over the groups in float, in one order on every machine.
  const auto x_codes = dyadic::quantize<dyadic::u8_per_tensor>(x);
  dyadic::gemv(packed, x_codes, dyadic::epilogue::dequantize{}, std::span(y));

  // What w and x became is known, so the error comes apart: from the weights, from x, and from float arithmetic.
  const Eigen::VectorXd x_then = Eigen::Map<const Eigen::VectorXf>(x.data(), k).cast<double>();
  const Eigen::VectorXd x_now = dyadic::dequantize<Eigen::MatrixXf>(x_codes).transpose().cast<double>();
  const Eigen::MatrixXd w_now = dyadic::dequantize<Eigen::MatrixXf>(w_codes).cast<double>();
  const Eigen::VectorXd exact = w.cast<double>() * x_then, rounded_w = w_now * x_then, rounded_both = w_now * x_now;
  const double from_weights = (rounded_w - exact).norm() / exact.norm();
  const double from_x = (rounded_both - rounded_w).norm() / exact.norm();

  // k / 32 additions and less than 6 other operations round, each by at most 2^-24 of the magnitudes.
  const Eigen::VectorXd error = Eigen::Map<const Eigen::VectorXf>(y.data(), n).cast<double>() - rounded_both;
  const Eigen::VectorXd bound = (k / 32.0 + 6) * 0x1p-24 * (w_now.cwiseAbs() * x_now.cwiseAbs());
  const bool as_restored = (error.array().abs() <= bound.array()).all();

  std::printf("y = w * x                            %td x %td, %s\n", n, k, dyadic::active_isa());
  std::printf("weights                              %td bytes, %td as float: %.2f bits each\n", packed.model_bytes(),
              n * k * 4, 8.0 * static_cast<double>(packed.model_bytes()) / static_cast<double>(n * k));
  std::printf("error of y from 4-bit weights        %.2f %%\n", 100 * from_weights);
  std::printf("error of y from 8-bit activations    %.2f %%\n", 100 * from_x);
  std::printf("error of y from float arithmetic     %.6f %%, %s\n", 100 * error.norm() / exact.norm(),
              as_restored ? "within its bound" : "BEYOND ITS BOUND");
  return as_restored && from_x < from_weights ? 0 : 1;
}
