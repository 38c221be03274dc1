// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The integer product: gemm/<types>/<instruction set>/<m>/<n>/<k>, weights packed beforehand, one thread.
//
//   types   x, w, y: u8s8s32 exact sums; ...f32 dequantized, with bias and ReLU; u8s8u8 requantized, with bias
//           s4 weights have one scale a row, s4g32 one a group of 32
#include <dyadic/kernels/convolution.hpp>
#include <dyadic/kernels/reference/gemm.hpp>

#include <cmath>

#include "harness/problem.hpp"

namespace {

using namespace dyadic;
using harness::shape;

/// Whether y is what the reference says, bit for bit.
template <scheme X, scheme W, class T, class E>
bool holds(const quantized<X>& x, const quantized<W>& w, std::span<const float> bias, E e, const std::vector<T>& y) {
  return harness::everywhere(static_cast<index_t>(y.size()), [&](index_t at) {
    const index_t i = at / w.rows(), j = at % w.rows();
    if constexpr (!std::is_same_v<E, reference::sums>) e.bias = bias.subspan(static_cast<std::size_t>(j), 1);
    T expected{};
    reference::gemm(rows_of(x.view(), i, 1), rows_of(w.view(), j, 1), e, strided<T>(&expected, 1, 1));
    return harness::same_bits(y[static_cast<std::size_t>(at)], expected);
  });
}

template <scheme X, scheme W, class T>
void multiply(benchmark::State& state, const std::string& isa, const shape& s) {
  const harness::forced_isa forced(isa);
  const auto x = harness::operand<X>(s.m, s.k, 1);
  const auto w = harness::operand<W>(s.n, s.k, 2);
  const auto packed = pack(w);
  const std::vector<float> bias = harness::numbers(s.n, 3);
  std::vector<T> y(static_cast<std::size_t>(s.m * s.n));
  const strided<T> out(y.data(), s.m, s.n);
  workspace memory;
  const run_options options{{}, &memory};
  const harness::work work{s.operations(), 0, harness::integer_peak(isa)};
  const auto measure = [&](const auto& epilogue, const auto& definition) {
    const auto run = [&] { gemm(x, packed, epilogue, out, options); };
    run();
    harness::time(state, holds(x, w, bias, definition, y), work, run);
  };
  if constexpr (std::is_same_v<T, std::int32_t>) {
    measure(epilogue::sums{}, reference::sums{});
  } else if constexpr (std::is_same_v<T, float>) {
    measure(epilogue::dequantize{} | epilogue::add_bias{bias} | epilogue::relu{}, reference::reals{.low = 0.0f});
  } else {
    const float y_scale = std::sqrt(static_cast<float>(s.k)) / 32.0f;  // 255 steps hold eight standard deviations
    const auto how = requantization::try_make(x.params().scale(), packed, bias, u8_per_tensor, y_scale, 128).value();
    measure(epilogue::requantize{how}, reference::codes{.scale = y_scale, .zero_point = 128});
  }
}

template <scheme X, scheme W, class T>
void add_types(const char* types) {
  for (const std::string& isa : harness::isas())
    for (const shape& s : harness::shapes)
      if (W.per != granularity::per_group || s.k % W.group == 0)
        harness::add(std::string("gemm/") + types + "/" + isa + "/" + s.name(), multiply<X, W, T>, isa, s);
}

[[maybe_unused]] const bool registered = [] {
  add_types<u8_per_tensor, s8_per_row, std::int32_t>("u8s8s32");
  add_types<u8_per_tensor, s8_per_row, float>("u8s8f32");
  add_types<u8_per_tensor, s8_per_row, std::uint8_t>("u8s8u8");
  add_types<s8_per_tensor, s8_per_row, float>("s8s8f32");
  add_types<u8_per_tensor, s4_per_row, float>("u8s4f32");
  add_types<u8_per_tensor, s4_per_group<32>, float>("u8s4g32f32");
  add_types<u8_per_tensor, s4_per_group<128>, float>("u8s4g128f32");
  add_types<u8_per_tensor, u4_per_group<32>, float>("u8u4g32f32");
  return true;
}();

}  // namespace
