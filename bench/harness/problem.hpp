// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the benches share: the numbers they work on, the shapes of products, instruction sets, and the timed loop.
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include <dyadic/simd/dispatch.hpp>
#include <dyadic/quantize/quantize.hpp>

#include "harness/bandwidth.hpp"
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

/// Squares, the layers of a small and of a large transformer for 1 to 512 tokens, and ragged ones.
inline constexpr shape shapes[] = {
    {64, 64, 64},       {128, 128, 128},   {256, 256, 256},  {512, 512, 512},  {1024, 1024, 1024}, {2048, 2048, 2048},
    {1, 768, 768},      {8, 768, 768},     {32, 768, 768},   {128, 768, 768},  {512, 768, 768},    {1, 3072, 768},
    {8, 3072, 768},     {32, 3072, 768},   {128, 3072, 768}, {512, 3072, 768}, {1, 768, 3072},     {8, 768, 3072},
    {32, 768, 3072},    {128, 768, 3072},  {512, 768, 3072}, {1, 4096, 4096},  {8, 4096, 4096},    {32, 4096, 4096},
    {128, 4096, 4096},  {512, 4096, 4096}, {1, 11008, 4096}, {8, 11008, 4096}, {32, 11008, 4096},  {128, 11008, 4096},
    {512, 11008, 4096}, {7, 13, 31},       {33, 65, 127},    {100, 1000, 100}};

/// The products a small convolutional classifier is made of.
inline constexpr shape layer_shapes[] = {
    {784, 32, 9}, {196, 64, 288}, {12544, 64, 288}, {1, 64, 3136}, {100, 64, 3136}};

/// Both.
inline std::vector<shape> all_shapes() {
  std::vector<shape> all(std::begin(shapes), std::end(shapes));
  all.insert(all.end(), std::begin(layer_shapes), std::end(layer_shapes));
  return all;
}

/// n numbers of a normal distribution: 65,537 of them over and over. The period is prime: no two rows are alike.
inline std::vector<float> numbers(index_t n, std::size_t seed) {
  static const std::vector<float> pool = support::normal_numbers(65537, 1);
  std::vector<float> all(static_cast<std::size_t>(n));
  std::size_t from = seed * 10007 % pool.size();
  for (std::size_t done = 0; done < all.size(); from = 0) {
    const std::size_t count = (std::min)(pool.size() - from, all.size() - done);
    std::memcpy(all.data() + done, pool.data() + from, count * sizeof(float));
    done += count;
  }
  return all;
}

/// A (rows, cols) matrix of such numbers, quantized as a user would.
template <scheme S>
quantized<S> operand(index_t rows, index_t cols, std::size_t seed) {
  const std::vector<float> all = numbers(rows * cols, seed);
  return dyadic::quantize<S>(strided<const float>(all.data(), rows, cols));
}

/// A scale for requantized outputs of depth k, whose zero point is 128: 255 steps hold eight standard deviations.
inline float output_scale(index_t k) { return std::sqrt(static_cast<float>(k)) / 32.0f; }

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

/// Something ready to be timed: all that a user does once is done, and one result was looked at.
struct prepared {
  std::function<void(long calls)> run;  ///< the work itself, `calls` times
  std::string fault;                    ///< why it must not be timed; empty when the result was found right
  double weight_bytes = 0;              ///< what its weights take in memory, with scales and zero points
};

/// What one call does, and the most of it the processor does in a second (0: not known): operations for the peak,
/// bytes for the bandwidth.
struct work {
  double operations = 0, bytes = 0, peak = 0, bandwidth = 0;
};

/// Times run() once its result was found right. Counters: GOPS, GB/s (read and written), and the fractions of 1 they
/// are: peak, of_bandwidth.
template <class Run>
void time(benchmark::State& state, bool right, const work& w, Run run, double (*clock)() = processor_seconds) {
  if (!right) return state.SkipWithError("the result is wrong");
  const double start = clock();
  for (auto _ : state) {
    run();
    benchmark::ClobberMemory();
  }
  const double seconds = clock() - start;
  if (!(seconds > 0)) return;  // too short to see: the loop comes again with more iterations
  const double rate = static_cast<double>(state.iterations()) / seconds;
  if (w.operations > 0) state.counters["GOPS"] = 1e-9 * w.operations * rate;
  if (w.bytes > 0) state.counters["GB/s"] = 1e-9 * w.bytes * rate;
  if (w.peak > 0) state.counters["peak"] = w.operations * rate / w.peak;
  if (w.bandwidth > 0) state.counters["of_bandwidth"] = w.bytes * rate / w.bandwidth;
}
inline void time(benchmark::State& state, const prepared& p, const work& w, double (*clock)() = processor_seconds) {
  if (!p.fault.empty()) return state.SkipWithError(p.fault.c_str());
  time(
      state, true, w, [&p] { p.run(1); }, clock);
}

/// The work of a product. With one row of x memory rules: each weight is read for one multiplication.
inline work work_of(const shape& s, const prepared& p, double peak) {
  const double bytes = s.m == 1 ? p.weight_bytes : 0;
  return {s.operations(), bytes, peak, bytes > 0 ? bandwidth_for(bytes) : 0};
}

/// make(), or what it made when it was last asked for the same: Google Benchmark calls a function several times to find
/// out how often to call it.
template <class Make>
const prepared& kept(const std::string& name, Make make) {
  static std::string last;
  static prepared one;
  if (last != name) {
    last.clear();
    one = {};  // the old one's memory first
    one = make();
    last = name;
  }
  return one;
}

/// Registers function(state, arguments...) under a name.
template <class Function, class... Arguments>
void add(const std::string& name, Function function, Arguments... arguments) {
  benchmark::RegisterBenchmark(name.c_str(), function, arguments...);
}

}  // namespace harness
