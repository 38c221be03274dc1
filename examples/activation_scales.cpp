// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// 4-bit weights and activations with outliers: float activations, 8-bit ones with a scale a token, and with a scale a
// block of 32, all in one call each. What costs accuracy, and what it saves.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include <Eigen/Core>
#include <dyadic/dyadic.hpp>

namespace {

using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Microseconds of the fastest of several calls.
template <class Call>
double microseconds(Call call) {
  double best = 1e30;
  for (int i = 0; i < 7; ++i) {
    const auto start = std::chrono::steady_clock::now();
    call();
    best = std::fmin(best, std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

}  // namespace

int main() {
  constexpr Eigen::Index m = 16, n = 512, k = 2048;
  std::mt19937 random(1);
  std::normal_distribution<float> normal;
  matrix x = matrix::NullaryExpr(m, k, [&] { return normal(random); });
  for (Eigen::Index j = 0; j < k; j += 256) x.col(j) *= 30.0f;  // a few channels are large, as in language models
  const matrix w = matrix::NullaryExpr(n, k, [&] { return normal(random) / 64.0f; });
  const auto codes = dyadic::quantize<dyadic::s4_per_group<32>>(w);
  const auto packed = dyadic::pack(codes);

  // Against the same 4-bit weights in double: the error is that of the activations alone.
  const Eigen::MatrixXd exact =
      x.cast<double>() * dyadic::dequantize<Eigen::MatrixXf>(codes).cast<double>().transpose();
  matrix y(m, n);
  const auto report = [&](const char* what, auto call) {
    const double time = microseconds(call);
    const double error = (y.cast<double>() - exact).norm() / exact.norm();
    std::printf("%-44s %9.4f %%  %8.0f us\n", what, 100 * error, time);
    return error;
  };

  namespace epilogue = dyadic::epilogue;
  std::printf("%td x %td x %td, 4-bit weights in groups of 32, %s\n\n", m, n, k, dyadic::active_isa());
  std::printf("%-44s %9s    %8s\n", "activations", "error", "time");
  const double in_float = report("float", [&] { dyadic::gemm(x, packed, epilogue::dequantize{}, y); });
  const double a_block = report("s8, a scale a block of 32", [&] {
    dyadic::gemm(dyadic::dynamic_rows<dyadic::s8_per_group<32>>(x), packed, epilogue::dequantize{}, y);
  });
  const double a_token = report("s8, a scale a token", [&] {
    dyadic::gemm(dyadic::dynamic_rows<dyadic::s8_per_row>(x), packed, epilogue::dequantize{}, y);
  });
  report("u8, a scale and zero point a token", [&] {
    dyadic::gemm(dyadic::dynamic_rows<dyadic::u8_per_row>(x), packed, epilogue::dequantize{}, y);
  });
  return in_float < a_block && a_block < a_token ? 0 : 1;
}
