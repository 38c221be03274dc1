// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the benches share: the numbers they work on, the shapes of products, instruction sets, and the timed loop.
#pragma once

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>
#include <vector>

#include <dyadic/kernels/simd/dispatch.hpp>
#include <dyadic/quantize/quantize.hpp>

#include "harness/peak.hpp"
#include "support/data.hpp"

namespace harness {

using dyadic::index_t;
using dyadic::quantized;
using dyadic::scheme;
using dyadic::strided;

/// y (m, n) = x (m, k) * w^T, w (n, k).
struct shape {
  index_t m, n, k;
  double operations() const { return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k); }
  std::string name() const { return std::to_string(m) + "/" + std::to_string(n) + "/" + std::to_string(k); }
};

/// Squares, the layers of a small convolutional classifier, those of a transformer, one row, and ragged ones.
inline constexpr shape shapes[] = {
    {64, 64, 64},   {128, 128, 128},  {256, 256, 256}, {512, 512, 512}, {1024, 1024, 1024}, {784, 32, 9},
    {196, 64, 288}, {12544, 64, 288}, {1, 64, 3136},   {100, 64, 3136}, {1, 768, 768},      {8, 768, 768},
    {32, 768, 768}, {128, 3072, 768}, {7, 13, 31},     {33, 65, 127},   {100, 1000, 100}};

/// n numbers of a normal distribution: 65,537 of them over and over. The period is prime: no two rows are alike.
inline std::vector<float> numbers(index_t n, std::size_t seed) {
  static const std::vector<float> pool = support::normal_numbers(65537, 1);
  std::vector<float> all(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = pool[(i + seed * 10007) % pool.size()];
  return all;
}

/// A (rows, cols) matrix of such numbers, quantized as a user would.
template <scheme S>
quantized<S> operand(index_t rows, index_t cols, std::size_t seed) {
  const std::vector<float> all = numbers(rows * cols, seed);
  return dyadic::quantize<S>(strided<const float>(all.data(), rows, cols));
}

/// Positions to look at, of n: all, or 257 spread evenly, the first and the last among them.
template <class Look>
bool everywhere(index_t n, Look look) {
  const index_t count = n < 257 ? n : 257;
  for (index_t i = 0; i < count; ++i)
    if (!look(count < 2 ? 0 : i * (n - 1) / (count - 1))) return false;
  return true;
}

template <class T>
bool same_bits(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

/// One instruction set in force for the length of a scope.
class forced_isa {
 public:
  explicit forced_isa(const std::string& name) { dyadic::force_isa(name.c_str()); }
  forced_isa(const forced_isa&) = delete;
  forced_isa& operator=(const forced_isa&) = delete;
  ~forced_isa() { static_cast<void>(dyadic::try_force_isa(nullptr)); }
};

/// The instruction sets this machine supports, best first.
inline std::vector<std::string> isas() {
  const char* names[dyadic::simd::isas::size];
  const int n = dyadic::supported_isas(names, dyadic::simd::isas::size);
  return {names, names + n};
}

/// What one call does, and the most of these operations the processor does in a second (0: not known).
struct work {
  double operations = 0, bytes = 0, peak = 0;
};

/// Times run() once its result was found right. Counters: GOPS, GB/s (read and written), peak (a fraction of 1).
template <class Run>
void time(benchmark::State& state, bool right, const work& w, Run run) {
  if (!right) return state.SkipWithError("the result is wrong");
  const double start = processor_seconds();
  for (auto _ : state) {
    run();
    benchmark::ClobberMemory();
  }
  const double seconds = processor_seconds() - start;
  if (!(seconds > 0)) return;  // too short to see: the loop comes again with more iterations
  const double rate = static_cast<double>(state.iterations()) / seconds;
  if (w.operations > 0) state.counters["GOPS"] = 1e-9 * w.operations * rate;
  if (w.bytes > 0) state.counters["GB/s"] = 1e-9 * w.bytes * rate;
  if (w.peak > 0) state.counters["peak"] = w.operations * rate / w.peak;
}

/// Registers function(state, arguments...) under a name.
template <class Function, class... Arguments>
void add(const std::string& name, Function function, Arguments... arguments) {
  benchmark::RegisterBenchmark(name.c_str(), function, arguments...);
}

}  // namespace harness
