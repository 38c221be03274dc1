// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The snippet of the README, and around it what it takes to run it and to check what it says.
#include <cstdio>
#include <random>

#include <Eigen/Core>
#include <dyadic/dyadic.hpp>

namespace {

Eigen::MatrixXf random_matrix(Eigen::Index rows, Eigen::Index cols, unsigned seed) {
  std::mt19937 random(seed);
  const auto uniform = [&random] { return static_cast<float>(static_cast<int>(random() % 4096) - 2048) / 2048.0f; };
  return Eigen::MatrixXf::NullaryExpr(rows, cols, uniform);
}

/// Whether y is relu(x * w^T + b) up to so many float roundings: 8 groups that join the sum, and at most 8 elsewhere; 32
/// more where the products inside a group are floats.
bool is_layer(const Eigen::MatrixXf& y, const Eigen::MatrixXf& x, const Eigen::MatrixXf& w, const Eigen::VectorXf& b,
              int roundings = 16) {
  const Eigen::MatrixXd xd = x.cast<double>(), wd = w.cast<double>().transpose();
  const Eigen::RowVectorXd bd = b.cast<double>().transpose();
  const Eigen::MatrixXd exact = ((xd * wd).rowwise() + bd).cwiseMax(0.0);
  const Eigen::MatrixXd magnitudes = (xd.cwiseAbs() * wd.cwiseAbs()).rowwise() + bd.cwiseAbs();
  return ((y.cast<double>() - exact).cwiseAbs().array() <= roundings * 0x1p-24 * magnitudes.array()).all();
}

}  // namespace

int main() {
  const Eigen::MatrixXf W = random_matrix(128, 256, 1), X = random_matrix(16, 256, 2);
  const Eigen::VectorXf b = random_matrix(128, 1, 3);
  Eigen::MatrixXf Y(16, 128), Y4(16, 128), Y4_float(16, 128), Y_scalar(16, 128);

  // [snippet]
  using namespace dyadic;
  // W (out, in), b (out), X (batch, in), Y (batch, out): Eigen's, or anything with memory and strides.

  // INT8: float in, float out, integers between. A scale for each row of W, and one for X.
  const auto w8 = pack(quantize<s8_per_row>(W));  // once
  const auto x = quantize<u8_per_tensor>(X);      // at each call: the range is measured now
  const auto finish = epilogue::dequantize{} | epilogue::add_bias{b} | epilogue::relu{};
  gemm(x, w8, finish, Y);  // Y = relu(X * W^T + b)

  // INT4: two weights in a byte, a scale for every 32 of them. X becomes codes inside the call, or stays float.
  const auto w4 = pack(quantize<s4_per_group<32>>(W));
  gemm(dynamic_rows<u8_per_row>(X), w4, finish, Y4);  // a range for each row of X
  gemm(X, w4, finish, Y4_float);                      // weight-only

  // The same bits on every instruction set.
  force_isa("scalar");
  gemm(x, w8, finish, Y_scalar);  // Y_scalar == Y
  // [snippet]

  force_isa(nullptr);
  const auto restored = [](const auto& codes) { return dequantize<Eigen::MatrixXf>(codes); };
  const bool int8 = is_layer(Y, restored(x), restored(quantize<s8_per_row>(W)), b);
  const Eigen::MatrixXf W4 = restored(quantize<s4_per_group<32>>(W));
  const bool int4 = is_layer(Y4, restored(quantize<u8_per_row>(X)), W4, b) && is_layer(Y4_float, X, W4, b, 48);
  const Eigen::MatrixXf expected = ((X * W.transpose()).rowwise() + b.transpose()).cwiseMax(0.0f);
  const double error8 = static_cast<double>((Y - expected).norm() / expected.norm());
  const double error4 = static_cast<double>((Y4 - expected).norm() / expected.norm());

  std::printf("%-10s %12s %19s %20s\n", "weights", "bytes", "relative error of Y", "product of the codes");
  std::printf("%-10s %12td %17.2f %% %20s\n", "INT8", w8.model_bytes(), 100 * error8, int8 ? "as restored" : "WRONG");
  std::printf("%-10s %12td %17.2f %% %20s\n", "INT4", w4.model_bytes(), 100 * error4, int4 ? "as restored" : "WRONG");
  std::printf("%-10s %12td\n\n%s and scalar: %s\n", "float", W.size() * 4, active_isa(),
              Y == Y_scalar ? "the same bits" : "DIFFERENT BITS");
  return int8 && int4 && error8 < error4 && Y == Y_scalar ? 0 : 1;
}
