// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reals to codes and back, in GB/s read and written; sizes in the second-level cache, the third and memory.
//
//   quantize/<scheme>/<rows>/<cols>            quantize_into with given params, any profile: quantize/
//   dequantize/<scheme>/<rows>/<cols>
//   quantize_onnx/<instruction set>/<n>        u8 per tensor with given params; so _tflite, and _pytorch, which
//                                              multiplies by the reciprocal
//   quantize_dynamic/...                       range, params and codes; bytes: read once, codes written
//   quantize_dynamic_rows/...                  the same of tokens of 1024
//   dequantize/..., fake_quantize/...
//   requantize/..., requantize_channels/...    int32 sums by one multiplier, by one a channel;
//   requantize_fixed/...                       by TensorFlow Lite's, one a channel
// of_bandwidth: bytes read and written as a fraction of what the level that holds them can be read at.
#include <dyadic/quantize/dequantize.hpp>
#include <dyadic/quantize/fake_quantize.hpp>
#include <dyadic/quantize/requantize.hpp>

#include "harness/problem.hpp"

namespace {

using namespace dyadic;

constexpr std::pair<index_t, index_t> matrices[] = {{64, 1024}, {1024, 1024}, {4096, 4096}};
constexpr index_t lengths[] = {index_t{1} << 16, index_t{1} << 20, index_t{1} << 26};

std::string sizes(index_t rows, index_t cols) { return std::to_string(rows) + "/" + std::to_string(cols); }

double bytes_moved(index_t reals, index_t codes) { return static_cast<double>(4 * reals + codes); }

/// Whether code `at` of x is what the scalar definition gives.
template <scheme S>
bool codes_hold(const std::vector<float>& x, const quantized_view<S>& q) {
  return harness::everywhere(q.rows * q.cols, [&](index_t at) {
    const index_t i = at / q.cols, j = at % q.cols;
    return q.code(i, j) == quantize_one<onnx_profile>(x[static_cast<std::size_t>(at)], q.scale(i, j),
                                                      q.zero_point(i, j), S.qmin(), S.qmax());
  });
}
template <scheme S>
bool reals_hold(const quantized_view<S>& q, const std::vector<float>& y) {
  return harness::everywhere(q.rows * q.cols, [&](index_t at) {
    const index_t i = at / q.cols, j = at % q.cols;
    return harness::same_bits(y[static_cast<std::size_t>(at)],
                              dequantize_one(q.code(i, j), q.scale(i, j), q.zero_point(i, j)));
  });
}

template <scheme S>
void to_codes(benchmark::State& state, index_t rows, index_t cols) {
  const std::vector<float> x = harness::numbers(rows * cols, 1);
  const strided<const float> view(x.data(), rows, cols);
  const auto p = try_measure<S>(view).value();
  auto q = quantized<S>::try_make(rows, cols, p).value();
  const index_t size = rows * row_bytes(S, cols);
  const auto run = [&] { quantize_into<S>(view, p, std::span(q.bytes(), static_cast<std::size_t>(size))); };
  run();
  harness::time(state, codes_hold(x, q.view()), {0, bytes_moved(rows * cols, size), 0}, run);
}

template <scheme S>
void to_reals(benchmark::State& state, index_t rows, index_t cols) {
  const auto q = harness::operand<S>(rows, cols, 1);
  std::vector<float> y(static_cast<std::size_t>(rows * cols));
  const auto run = [&] { dequantize(q, std::span<float>(y)); };
  run();
  harness::time(state, reals_hold(q.view(), y), {0, bytes_moved(rows * cols, rows * row_bytes(S, cols)), 0}, run);
}

template <scheme S>
void add_scheme(const char* name) {
  for (const auto& [rows, cols] : matrices)
    harness::add(std::string("quantize/") + name + "/" + sizes(rows, cols), to_codes<S>, rows, cols);
  for (const auto& [rows, cols] : matrices)
    harness::add(std::string("dequantize/") + name + "/" + sizes(rows, cols), to_reals<S>, rows, cols);
}

/// A tensor with one scale, its codes, and sums that requantize to such codes.
struct tensor {
  explicit tensor(index_t count)
      : n(count),
        x(harness::numbers(n, 1)),
        y(x.size()),
        q(harness::operand<u8_per_tensor>(1, n, 1)),
        p(measure<u8_per_tensor>(std::span<const float>(x))),
        codes(x.size()),
        sums(x.size()),
        multipliers(x.size() < 4096 ? x.size() : 4096) {
    for (std::size_t i = 0; i < sums.size(); ++i)
      sums[i] = static_cast<std::int32_t>(i * 2654435761U % 200'001U) - 100'000;
    for (std::size_t i = 0; i < multipliers.size(); ++i)
      multipliers[i] = 0.0005f + 1e-7f * static_cast<float>(i % 1000);
  }
  index_t n;
  std::vector<float> x, y;
  quantized<u8_per_tensor> q;
  params<u8_per_tensor> p;
  std::vector<std::uint8_t> codes;
  std::vector<std::int32_t> sums;
  std::vector<float> multipliers;
};

enum class step { onnx, pytorch, tflite, dequantize, fake, sums, channel_sums, fixed_sums, dynamic, dynamic_rows };

template <profile P>
bool codes_are(const tensor& t) {
  return harness::everywhere(t.n, [&](index_t at) {
    const auto i = static_cast<std::size_t>(at);
    return t.codes[i] == quantize_one<P>(t.x[i], t.p.scale(), t.p.zero_point(), 0, 255);
  });
}

/// Rows of a thousand numbers are tokens, channels of as many sums.
void run_step(benchmark::State& state, step which, const std::string& isa, index_t n) {
  const harness::forced_isa forced(isa);
  tensor t(n);
  const std::span<const float> x(t.x);
  const index_t cols = static_cast<index_t>(t.multipliers.size()), rows = n / cols;
  const strided<const std::int32_t> sums(t.sums.data(), rows, cols);
  const strided<std::uint8_t> codes(t.codes.data(), rows, cols);
  const strided<const float> tokens(t.x.data(), n / 1024, 1024);
  std::vector<multiplier> fixed;
  for (const float m : t.multipliers) fixed.push_back(multiplier_from(static_cast<double>(m)));
  std::vector<float> scales(static_cast<std::size_t>(n / 1024));
  std::vector<std::int32_t> zero_points(scales.size());
  float one_scale[1];
  std::int32_t one_zero[1];
  const auto run = [&] {
    const strided<const float> row(t.x.data(), 1, n);
    switch (which) {
      case step::onnx: quantize_into<u8_per_tensor>(row, t.p, std::span(t.codes)); break;
      case step::pytorch: quantize_into<u8_per_tensor, pytorch_profile>(row, t.p, std::span(t.codes)); break;
      case step::tflite: quantize_into<u8_per_tensor, tflite_profile>(row, t.p, std::span(t.codes)); break;
      case step::dequantize: dequantize(t.q, std::span<float>(t.y)); break;
      case step::fake: fake_quantize<u8_per_tensor, pytorch_profile>(x, t.p, std::span<float>(t.y)); break;
      case step::sums: requantize_into<u8_per_tensor>(sums, {t.multipliers.data(), 1}, 128, codes); break;
      case step::channel_sums: requantize_into<u8_per_column>(sums, t.multipliers, 128, codes); break;
      case step::fixed_sums: requantize_into<u8_per_column>(sums, fixed, rescale::double_rounding, 128, codes); break;
      case step::dynamic: quantize_into<u8_per_tensor>(row, t.codes, one_scale, one_zero); break;
      case step::dynamic_rows: quantize_into<u8_per_row>(tokens, t.codes, scales, zero_points); break;
    }
  };
  run();
  bool right = true;
  index_t reals = 1;
  switch (which) {
    case step::onnx: right = codes_are<onnx_profile>(t); break;
    case step::pytorch: right = codes_are<pytorch_profile>(t); break;
    case step::tflite: right = codes_are<tflite_profile>(t); break;
    case step::dequantize: right = reals_hold<u8_per_tensor>(t.q.view(), t.y); break;
    case step::fake:
      reals = 2;
      right = harness::everywhere(n, [&](index_t at) {
        const auto i = static_cast<std::size_t>(at);
        const int code = quantize_one<pytorch_profile>(t.x[i], t.p.scale(), t.p.zero_point(), 0, 255);
        return harness::same_bits(t.y[i], dequantize_one(code, t.p.scale(), t.p.zero_point()));
      });
      break;
    case step::sums:
    case step::channel_sums:
      right = harness::everywhere(n, [&](index_t at) {
        const auto i = static_cast<std::size_t>(at);
        const std::size_t j = which == step::sums ? 0 : static_cast<std::size_t>(at % cols);
        return t.codes[i] == requantize_one(t.sums[i], t.multipliers[j], 128, 0, 255);
      });
      break;
    case step::fixed_sums:
      right = harness::everywhere(n, [&](index_t at) {
        const auto i = static_cast<std::size_t>(at), j = static_cast<std::size_t>(at % cols);
        return t.codes[i] == clamp(apply<rescale::double_rounding>(fixed[j], t.sums[i]) + 128, 0, 255);
      });
      break;
    case step::dynamic: right = one_scale[0] == t.p.scale() && codes_are<onnx_profile>(t); break;
    case step::dynamic_rows:
      right = harness::everywhere(n, [&](index_t at) {
        const auto i = static_cast<std::size_t>(at), row = static_cast<std::size_t>(at / 1024);
        return t.codes[i] == quantize_one(t.x[i], scales[row], zero_points[row], 0, 255);
      });
      break;
  }
  const double bytes = bytes_moved(reals * n, which == step::fake ? 0 : n);
  harness::time(state, right, {0, bytes, 0, harness::bandwidth_for(bytes)}, run);
}

[[maybe_unused]] const bool registered = [] {
  add_scheme<u8_per_tensor>("u8_per_tensor");
  add_scheme<s8_per_row>("s8_per_row");
  add_scheme<s4_per_group<32>>("s4_per_group_32");
  add_scheme<u8_per_column>("u8_per_column");
  const std::pair<const char*, step> all[] = {{"quantize_onnx", step::onnx},
                                              {"quantize_pytorch", step::pytorch},
                                              {"quantize_tflite", step::tflite},
                                              {"dequantize", step::dequantize},
                                              {"fake_quantize", step::fake},
                                              {"requantize", step::sums},
                                              {"requantize_channels", step::channel_sums},
                                              {"requantize_fixed", step::fixed_sums},
                                              {"quantize_dynamic", step::dynamic},
                                              {"quantize_dynamic_rows", step::dynamic_rows}};
  for (const auto& [name, which] : all)
    for (const std::string& isa : harness::isas())
      for (const index_t n : lengths)
        harness::add(std::string(name) + "/" + isa + "/" + std::to_string(n), run_step, which, isa, n);
  return true;
}();

}  // namespace
