// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One tensor, every way to choose its range: what each tool would clip, and what is left of the signal in 8 and 4 bits.
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include <dyadic/calibrate/calibrate.hpp>
#include <dyadic/dyadic.hpp>

namespace {

/// Activations after a GELU or so: bell-shaped, shifted, one in ten thousand far away.
std::vector<float> activations() {
  std::mt19937 random(7);
  std::normal_distribution<float> normal(0.4f, 1.0f);
  std::vector<float> x(1'000'000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = i % 10'000 == 0 ? 25.0f * normal(random) : normal(random);
  return x;
}

/// Signal to noise, in dB, of x in the codes of S that this range gives.
template <dyadic::scheme S>
double sqnr(const std::vector<float>& x, const dyadic::range& r) {
  const dyadic::chosen c = dyadic::choose<S>(r);
  std::vector<float> y(x.size());
  dyadic::fake_quantize<S>(x, dyadic::params<S>(c.scale, c.zero_point), std::span<float>(y));
  double signal = 0, noise = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    signal += std::pow(static_cast<double>(x[i]), 2);
    noise += std::pow(static_cast<double>(x[i]) - static_cast<double>(y[i]), 2);
  }
  return 10 * std::log10(signal / noise);
}

}  // namespace

int main() {
  using namespace dyadic;
  constexpr scheme u4{.bits = 4, .is_signed = false, .sym = symmetry::asymmetric};
  const std::vector<float> x = activations();
  histogram h;
  h.observe(x);

  std::printf("%-34s %9s %9s %11s %8s %8s\n", "range search", "low", "high", "scale", "8 bits", "4 bits");
  const auto row = [&](const char* name, const range& r) {
    std::printf("%-34s %9.4f %9.4f %11.7f %5.2f dB %5.2f dB\n", name, static_cast<double>(r.lo),
                static_cast<double>(r.hi), static_cast<double>(choose<u8_per_tensor>(r).scale),
                sqnr<u8_per_tensor>(x, r), sqnr<u4>(x, r));
    return sqnr<u4>(x, r);
  };
  const double widest = row("min and max", range_min_max(h));
  row("99.99 % of the numbers", range_percentile(h, 99.99));
  row("entropy, as ONNX Runtime", range_entropy_onnxruntime(h));
  row("entropy, as TensorRT", range_entropy_tensorrt(h));
  row("squared error, as PyTorch", range_mse_pytorch(h));
  row("squared error, OCTAV for 8 bits", range_octav(h, 8));
  row("squared error, global, for 8 bits", range_mse(h, u8_per_tensor));
  const double best = row("squared error, global, for 4 bits", range_mse(h, u4));
  return best > widest ? 0 : 1;
}
