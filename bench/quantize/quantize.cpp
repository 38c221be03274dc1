// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Reals to codes and back, in GB/s read and written; sizes in the second-level cache, the third and memory.
//
//   quantize/<scheme>/<rows>/<cols>            quantize_into with given params, any profile: quantize/
//   dequantize/<scheme>/<rows>/<cols>
//   quantize_u8/<instruction set>/<n>          the dispatched kernels of kernels/elementwise.hpp
//   quantize_dynamic_u8/<instruction set>/<n>  range, params and codes
//   dequantize_u8/<instruction set>/<n>
#include <dyadic/kernels/elementwise.hpp>
#include <dyadic/quantize/dequantize.hpp>

#include "harness/problem.hpp"

namespace {

using namespace dyadic;

constexpr std::pair<index_t, index_t> matrices[] = {{64, 1024}, {1024, 1024}, {4096, 4096}};
constexpr index_t lengths[] = {index_t{1} << 16, index_t{1} << 20, index_t{1} << 24};

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

enum class kernel { quantize, dynamic, dequantize };

/// Reals and codes of a tensor with one scale.
void run_kernel(benchmark::State& state, kernel which, const std::string& isa, index_t n) {
  const harness::forced_isa forced(isa);
  std::vector<float> x = harness::numbers(n, 1);
  const auto q = harness::operand<u8_per_tensor>(1, n, 1);
  const float scale = q.params().scale();
  const std::int32_t zero_point = q.params().zero_point();
  std::vector<std::uint8_t> codes(x.size());
  if (which == kernel::dequantize) codes.assign(q.view().bytes, q.view().bytes + n);
  const auto run = [&] {
    switch (which) {
      case kernel::quantize: return kernels::quantize_u8(x, scale, zero_point, codes.data());
      case kernel::dynamic: return static_cast<void>(kernels::quantize_dynamic_u8(x, codes.data()));
      case kernel::dequantize: return kernels::dequantize_u8(codes, scale, zero_point, x.data());
    }
  };
  run();
  quantized_view<u8_per_tensor> made = q.view();  // dynamic params are those that quantize() measures
  made.bytes = codes.data();
  const bool right = which == kernel::dequantize ? reals_hold(made, x) : codes_hold(x, made);
  harness::time(state, right, {0, bytes_moved(which == kernel::dynamic ? 2 * n : n, n), 0}, run);
}

[[maybe_unused]] const bool registered = [] {
  add_scheme<u8_per_tensor>("u8_per_tensor");
  add_scheme<s8_per_row>("s8_per_row");
  add_scheme<s4_per_group<32>>("s4_per_group_32");
  const std::pair<const char*, kernel> all[] = {{"quantize_u8", kernel::quantize},
                                                {"quantize_dynamic_u8", kernel::dynamic},
                                                {"dequantize_u8", kernel::dequantize}};
  for (const auto& [name, which] : all)
    for (const std::string& isa : harness::isas())
      for (const index_t n : lengths)
        harness::add(std::string(name) + "/" + isa + "/" + std::to_string(n), run_kernel, which, isa, n);
  return true;
}();

}  // namespace
