// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A layer in dynamic INT8: float in, integers between, float out; y = relu(x * w^T + b), beside the float product.
#include <cmath>
#include <cstdio>
#include <random>

#include <Eigen/Core>
#include <dyadic/dyadic.hpp>

int main() {
  constexpr Eigen::Index m = 32, n = 96, k = 320;  // rows of x, rows of w, depth
  std::mt19937 random(1);
  const auto uniform = [&random] { return static_cast<float>(static_cast<int>(random() % 4096) - 2048) / 2048.0f; };
  const Eigen::MatrixXf x = Eigen::MatrixXf::NullaryExpr(m, k, uniform);
  const Eigen::MatrixXf w = Eigen::MatrixXf::NullaryExpr(n, k, uniform) / 16.0f;
  const Eigen::VectorXf b = Eigen::VectorXf::NullaryExpr(n, uniform);

  // Once: weights get a scale a row and the layout of the kernels.
  const auto packed = dyadic::pack(dyadic::quantize<dyadic::s8_per_row>(w));

  // Each call: the range of x is measured now; the sums are exact integers; the epilogue makes them reals again.
  const auto codes = dyadic::quantize<dyadic::u8_per_tensor>(x);
  Eigen::MatrixXf y(m, n);
  namespace epilogue = dyadic::epilogue;
  dyadic::gemm(codes, packed, epilogue::dequantize{} | epilogue::add_bias{b} | epilogue::relu{}, y);

  const Eigen::MatrixXf expected = ((x * w.transpose()).rowwise() + b.transpose()).cwiseMax(0.0f);
  const double relative = static_cast<double>((y - expected).norm() / expected.norm());

  // A code is at most half a step away from its number, so with x', w' the restored numbers
  //   |x'w' - xw| <= |x' - x| |w| + |x'| |w' - w| <= x_step / 2 |w| + |x'| w_step / 2, summed over k.
  // Float arithmetic adds 255 * 2^-24 < 2^-16 steps, since x / step is rounded to float first, and 2^-24 of the
  // magnitudes for each of the k additions in `expected` and of less than 8 other operations.
  const Eigen::MatrixXd x_size = dyadic::dequantize<Eigen::MatrixXf>(codes).cwiseAbs().cast<double>();
  const Eigen::MatrixXd w_size = w.cwiseAbs().cast<double>();
  const double x_half_step = (0.5 + 0x1p-16) * codes.params().scale();
  bool bounded = true;
  double worst = 0;  // error as a share of its bound
  for (Eigen::Index i = 0; i < m; ++i)
    for (Eigen::Index j = 0; j < n; ++j) {
      const double w_half_step = (0.5 + 0x1p-16) * packed.scale(j), magnitudes = x_size.row(i).dot(w_size.row(j));
      const double rounding = x_half_step * w_size.row(j).sum() + w_half_step * x_size.row(i).sum();
      const double in_float = (k + 8) * 0x1p-24 * (magnitudes + rounding + std::abs(static_cast<double>(b(j))));
      const double share = std::abs(static_cast<double>(y(i, j) - expected(i, j))) / (rounding + in_float);
      bounded = bounded && share <= 1;
      worst = std::fmax(worst, share);
    }

  std::printf("y = relu(x * w^T + b)      %td x %td x %td, %s\n", m, n, k, dyadic::active_isa());
  std::printf("weights                    %td bytes, %td as float\n", packed.model_bytes(), n * k * 4);
  std::printf("relative error of y        %.3f %%\n", 100 * relative);
  std::printf("largest error of y_ij      %.1f %% of its bound\n", 100 * worst);
  return bounded ? 0 : 1;
}
