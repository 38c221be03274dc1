// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What each weight format loses: signal to noise on three distributions, and on N(0, 1) the distance to Shannon's
// bound, the least noise that any code of as many bits could have.
#include <cmath>
#include <cstdio>
#include <random>
#include <span>
#include <vector>

#include <dyadic/quantize/blocks.hpp>
#include <dyadic/quantize/lloyd_max.hpp>

namespace {

using numbers = std::vector<float>;

/// 2^20 numbers; student's t has five degrees of freedom.
struct samples {
  numbers gauss, laplace, student5;
};
samples draw() {
  std::mt19937_64 random(1);
  const auto uniform = [&random] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  const auto normal = [&] { return std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307179586 * uniform()); };
  samples s;
  for (int i = 0; i < 1 << 20; ++i) {
    s.gauss.push_back(static_cast<float>(normal()));
    const double u = uniform() - 0.5;
    s.laplace.push_back(static_cast<float>(u < 0 ? std::log(1 + 2 * u) : -std::log(1 - 2 * u)));
    double chi = 0;
    for (int k = 0; k < 5; ++k) chi += std::pow(normal(), 2);
    s.student5.push_back(static_cast<float>(normal() / std::sqrt(chi / 5)));
  }
  return s;
}

double sqnr(const numbers& x, const numbers& y) {
  double signal = 0, noise = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    signal += std::pow(static_cast<double>(x[i]), 2);
    noise += std::pow(static_cast<double>(x[i]) - static_cast<double>(y[i]), 2);
  }
  return 10 * std::log10(signal / noise);
}

template <class F, class... Settings>
double loss(const numbers& x, const Settings&... settings) {
  std::vector<typename F::block> blocks(x.size() / static_cast<std::size_t>(F::block_length));
  numbers y(x.size());
  dyadic::quantize_blocks<F>(x, std::span<typename F::block>(blocks), settings...);
  dyadic::dequantize_blocks<F>(std::span<const typename F::block>(blocks), std::span<float>(y), settings...);
  return sqnr(x, y);
}

/// Prints a row; returns the gap.
double row(const char* name, double bits, double gauss, double laplace, double student5) {
  const double gap = 20 * std::log10(2.0) * bits - gauss;
  std::printf("%-22s %7.4f %9.2f %9.2f %9.2f %8.2f\n", name, bits, gauss, laplace, student5, gap);
  return gap;
}
template <class F>
double row(const char* name, const samples& s) {
  return row(name, dyadic::bits_per_number<F>, loss<F>(s.gauss), loss<F>(s.laplace), loss<F>(s.student5));
}

}  // namespace

int main() {
  using dyadic::mx_scale;
  const samples s = draw();
  std::printf("%-22s %7s %9s %9s %9s %8s\n", "format", "bits", "gauss dB", "laplace", "student5", "gap dB");
  row<dyadic::q8_0>("q8_0", s);
  row<dyadic::mxint8<>>("mxint8", s);
  row<dyadic::mxfp8_e4m3<>>("mxfp8 e4m3, floor", s);
  row<dyadic::mxfp8_e4m3<mx_scale::rceil>>("mxfp8 e4m3, rceil", s);
  row<dyadic::mxfp8_e5m2<>>("mxfp8 e5m2, floor", s);
  const double q6_k = row<dyadic::q6_k>("q6_k", s);
  row<dyadic::q4_1>("q4_1", s);
  row<dyadic::q4_0>("q4_0", s);
  const double q4_k = row<dyadic::q4_k>("q4_k", s);
  const double q4 = row<dyadic::q4>("q4", s);
  row<dyadic::nf4>("nf4", s);
  row<dyadic::nvfp4_ggml>("nvfp4, ggml", s);
  const auto with_scale = [](const numbers& x) { return loss<dyadic::nvfp4>(x, dyadic::nvfp4::tensor_scale(x)); };
  row("nvfp4, tensor scale", dyadic::bits_per_number<dyadic::nvfp4>, with_scale(s.gauss), with_scale(s.laplace),
      with_scale(s.student5));
  row<dyadic::mxfp4_ggml>("mxfp4, ggml", s);
  row<dyadic::mxfp4<>>("mxfp4, floor", s);
  row<dyadic::mxfp4<mx_scale::rceil>>("mxfp4, rceil", s);
  row<dyadic::mxfp4<mx_scale::ceil>>("mxfp4, ceil", s);
  row<dyadic::mxfp4<mx_scale::even>>("mxfp4, even", s);

  // Sixteen levels fitted to the numbers themselves, and no scale: four bits and a table.
  const auto fitted = [](const numbers& x) {
    const auto book = dyadic::fit_codebook<16>(x);
    numbers y;
    for (const float v : x) y.push_back(book.nearest(v));
    return sqnr(x, y);
  };
  const double lloyd_max = row("16 levels, Lloyd-Max", 4.0, fitted(s.gauss), fitted(s.laplace), fitted(s.student5));

  const bool as_expected = q4 < 2.25 && q4_k < 4.20 && q6_k < 4.52 && lloyd_max < 3.88;
  std::printf("q4 is %.2f dB nearer to the bound than q4_k, at %.2f bits less\n", q4_k - q4,
              dyadic::bits_per_number<dyadic::q4_k> - dyadic::bits_per_number<dyadic::q4>);
  return as_expected ? 0 : 1;
}
