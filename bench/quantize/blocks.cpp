// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Block formats, in GB/s of floats and blocks read and written:
//
//   blocks/quantize/<format>/<n>, blocks/dequantize/<format>/<n>
//   codebook/fit/<levels>/<n>     from n numbers, in GB/s of numbers
#include <dyadic/quantize/blocks.hpp>
#include <dyadic/quantize/lloyd_max.hpp>

#include "harness/problem.hpp"

namespace {

using namespace dyadic;

template <class F>
double bytes_moved(index_t n) {
  return static_cast<double>(n) * (4.0 + bits_per_number<F> / 8.0);
}

/// What comes back differs from x by less than a fifth of it: every format here does better than 15 dB.
template <class F>
bool holds(const std::vector<float>& x, const std::vector<typename F::block>& blocks) {
  std::vector<float> y(x.size());
  dequantize_blocks<F>(std::span<const typename F::block>(blocks), std::span<float>(y));
  double signal = 0, noise = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double v = static_cast<double>(x[i]), error = v - static_cast<double>(y[i]);
    signal += v * v;
    noise += error * error;
  }
  return noise * 30 < signal;
}

template <class F>
void to_blocks(benchmark::State& state, index_t n) {
  const std::vector<float> x = harness::numbers(n, 1);
  std::vector<typename F::block> blocks(static_cast<std::size_t>(n / F::block_length));
  const auto run = [&] { quantize_blocks<F>(x, std::span<typename F::block>(blocks)); };
  run();
  harness::time(state, holds<F>(x, blocks), {0, bytes_moved<F>(n), 0}, run);
}

template <class F>
void to_reals(benchmark::State& state, index_t n) {
  const std::vector<float> x = harness::numbers(n, 1);
  std::vector<typename F::block> blocks(static_cast<std::size_t>(n / F::block_length));
  quantize_blocks<F>(x, std::span<typename F::block>(blocks));
  std::vector<float> y(x.size());
  harness::time(state, holds<F>(x, blocks), {0, bytes_moved<F>(n), 0},
                [&] { dequantize_blocks<F>(std::span<const typename F::block>(blocks), std::span<float>(y)); });
}

template <std::size_t Levels>
void fit(benchmark::State& state, index_t n) {
  const std::vector<float> x = harness::numbers(n, 1);
  const codebook<Levels> book = fit_codebook<Levels>(x);
  const bool right = book.levels()[0] < -1.5f && book.levels()[Levels - 1] > 1.5f;
  harness::time(state, right, {0, 4.0 * static_cast<double>(n), 0}, [&] {
    const auto again = fit_codebook<Levels>(x);
    benchmark::DoNotOptimize(again);
  });
}

template <class F>
void add_format(const std::string& name) {
  for (const index_t n : {index_t{1} << 14, index_t{1} << 20}) {
    harness::add("blocks/quantize/" + name + "/" + std::to_string(n), to_blocks<F>, n);
    harness::add("blocks/dequantize/" + name + "/" + std::to_string(n), to_reals<F>, n);
  }
}

[[maybe_unused]] const bool blocks_registered = [] {
  add_format<q8_0>("q8_0");
  add_format<q4_0>("q4_0");
  add_format<q4_1>("q4_1");
  add_format<q4_k>("q4_k");
  add_format<q6_k>("q6_k");
  add_format<q4>("q4");
  add_format<nf4>("nf4");
  add_format<mxfp8_e4m3<>>("mxfp8_e4m3");
  add_format<mxfp4<>>("mxfp4");
  add_format<nvfp4>("nvfp4");
  harness::add("codebook/fit/16/1048576", fit<16>, index_t{1} << 20);
  harness::add("codebook/fit/256/1048576", fit<256>, index_t{1} << 20);
  return true;
}();

}  // namespace
