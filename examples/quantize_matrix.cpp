// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Quantizes a matrix to 8 and to 4 bits, with one scale for the tensor, a row or a group of 32, and looks at the error.
#include <cmath>
#include <cstdio>
#include <random>

#include <Eigen/Core>
#include <dyadic/dyadic.hpp>

namespace {

/// Bell-shaped numbers from the integers of an engine. As in trained weights, rows differ in size, here up to 8 times,
/// and a few columns stand out, here every 64th, 4 times.
Eigen::MatrixXf make_weights(Eigen::Index rows, Eigen::Index cols) {
  std::mt19937 random(1);
  Eigen::MatrixXf w(rows, cols);
  for (Eigen::Index i = 0; i < rows; ++i)
    for (Eigen::Index j = 0; j < cols; ++j) {
      int sum = -4 * 2048;  // four uniform integers around 2048
      for (int n = 0; n < 4; ++n) sum += static_cast<int>(random() % 4096);
      w(i, j) = static_cast<float>(sum * (1 + static_cast<int>(i % 8)) * (j % 64 == 0 ? 4 : 1)) / 65536.0f;
    }
  return w;
}

/// Prints one line and returns the signal-to-quantization-noise ratio in dB; NaN when an error exceeds half a step.
template <dyadic::scheme S>
double report(const Eigen::MatrixXf& w) {
  const dyadic::quantized<S> q = dyadic::quantize<S>(w);
  const auto restored = dyadic::dequantize<Eigen::MatrixXf>(q);

  double signal = 0, noise = 0, noise_in_steps = 0, largest = 0, largest_in_steps = 0;
  for (Eigen::Index i = 0; i < w.rows(); ++i)
    for (Eigen::Index j = 0; j < w.cols(); ++j) {
      const double value = w(i, j), error = std::abs(value - restored(i, j)), in_steps = error / q.view().scale(i, j);
      signal += value * value;
      noise += error * error;
      noise_in_steps += in_steps * in_steps;
      largest = std::fmax(largest, error);
      largest_in_steps = std::fmax(largest_in_steps, in_steps);
    }
  const double sqnr = 10 * std::log10(signal / noise);
  std::printf("%-38s %8td %10.5f %14.4f %15.4f %10.2f\n", dyadic::scheme_name(S).c_str(),
              q.size_bytes() + 4 * q.params().count(), largest, largest_in_steps,
              std::sqrt(noise_in_steps / static_cast<double>(w.size())), sqnr);
  // x / scale is at most 128, and float rounds it and the restored product to 24 bits: 2 * 2^-17 of a step.
  const bool rounded_to_nearest = q.clipped().clipped_fraction() == 0 && largest_in_steps <= 0.5 + 0x1p-16;
  return rounded_to_nearest ? sqnr : std::nan("");
}

}  // namespace

int main() {
  const Eigen::MatrixXf w = make_weights(256, 512);
  std::printf("%td x %td weights, largest magnitude %.4f, %td bytes as float\n\n", w.rows(), w.cols(),
              static_cast<double>(w.cwiseAbs().maxCoeff()), w.size() * 4);
  std::printf("%-38s %8s %10s %14s %15s %10s\n", "scheme", "bytes", "max error", "max error/step", "RMS error/step",
              "SQNR/dB");
  const double tensor8 = report<dyadic::s8_narrow_per_tensor>(w), row8 = report<dyadic::s8_per_row>(w),
               group8 = report<dyadic::s8_per_group<32>>(w);
  const double tensor4 = report<dyadic::s4_per_tensor>(w), row4 = report<dyadic::s4_per_row>(w),
               group4 = report<dyadic::s4_per_group<32>>(w);

  std::printf("\nNo error exceeds half a step; spread evenly over one, the RMS error is 1/sqrt(12) = 0.2887 of it.\n");
  const bool finer_is_better = tensor8 < row8 && row8 < group8 && tensor4 < row4 && row4 < group4;
  return finer_is_better ? 0 : 1;  // a NaN compares false
}
