// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A scheme of one's own: 5 bits, signed, symmetric, a scale for every 16 numbers. One line makes it, and it goes
// wherever the named schemes go: quantize, pack, gemm. So one can ask how few bits a model needs.
#include <cmath>
#include <cstdio>
#include <random>

#include <Eigen/Core>
#include <dyadic/dyadic.hpp>

namespace {

constexpr dyadic::scheme s5_per_16{.bits = 5, .per = dyadic::granularity::per_group, .group = 16};
static_assert(s5_per_16.valid() && s5_per_16.qmin() == -16 && s5_per_16.qmax() == 15 && s5_per_16.middle() == 0);

/// Prints what S makes of w and of y = x * w^T; returns the relative error of y, or NaN when the integer product is not
/// that of the restored numbers.
template <dyadic::scheme S>
double report(const Eigen::MatrixXf& x, const Eigen::MatrixXf& w) {
  const auto w_codes = dyadic::quantize<S>(w);
  const auto x_codes = dyadic::quantize<dyadic::u8_per_tensor>(x);
  const auto packed = dyadic::pack(w_codes);
  Eigen::MatrixXf y(x.rows(), w.rows());
  dyadic::gemm(x_codes, packed, dyadic::epilogue::dequantize{}, y);

  const Eigen::MatrixXd exact = x.cast<double>() * w.cast<double>().transpose(), made = y.cast<double>();
  const Eigen::MatrixXd x_now = dyadic::dequantize<Eigen::MatrixXf>(x_codes).template cast<double>();
  const Eigen::MatrixXd w_now = dyadic::dequantize<Eigen::MatrixXf>(w_codes).template cast<double>();
  const double w_error = (w_now - w.cast<double>()).norm() / w.cast<double>().norm();
  const double y_error = (made - exact).norm() / exact.norm();

  // Each group that joins the sum, and less than 5 other operations, round by at most 2^-24 of the magnitudes.
  const double roundings = static_cast<double>(dyadic::groups_in_row(S, w.cols())) + 5;
  const Eigen::MatrixXd bound = roundings * 0x1p-24 * (x_now.cwiseAbs() * w_now.cwiseAbs().transpose());
  const bool as_restored = ((made - x_now * w_now.transpose()).cwiseAbs().array() <= bound.array()).all();

  const double bits = 8.0 * static_cast<double>(packed.model_bytes()) / static_cast<double>(w.size());
  std::printf("%-36s %4d..%-4d %11.2f %10.3f %% %10.3f %%  %11s\n", dyadic::scheme_name(S).c_str(), S.qmin(), S.qmax(),
              bits, 100 * w_error, 100 * y_error, as_restored ? "yes" : "NO");
  return as_restored ? y_error : std::nan("");
}

}  // namespace

int main() {
  std::mt19937 random(1);
  const auto uniform = [&random] { return static_cast<float>(static_cast<int>(random() % 4096) - 2048) / 2048.0f; };
  const Eigen::MatrixXf x = Eigen::MatrixXf::NullaryExpr(24, 128, uniform);
  const Eigen::MatrixXf w = Eigen::MatrixXf::NullaryExpr(48, 128, uniform);

  std::printf("%-36s %10s %11s %12s %12s  %11s\n", "weights", "codes", "bits stored", "error of w", "error of y",
              "as restored");
  const double four = report<dyadic::s4_per_group<16>>(x, w);
  const double five = report<s5_per_16>(x, w);
  const double eight = report<dyadic::s8_per_group<16>>(x, w);
  std::printf("\nBits stored count the scales; 4-bit codes share a byte, codes of 5 to 8 bits take one each.\n");
  return five < four && eight < five ? 0 : 1;  // a NaN compares false
}
