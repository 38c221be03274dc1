// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products made ready: operands quantized and packed, memory taken, and the result compared with the reference.
#include "kernels/products.hpp"

#include <dyadic/kernels/convolution.hpp>
#include <dyadic/kernels/gemm_batch.hpp>
#include <dyadic/kernels/reference/gemm.hpp>

#include <cmath>
#include <memory>

namespace kernels {

namespace {

using namespace dyadic;
using harness::prepared, harness::shape;

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

/// Everything one product needs while it is timed.
template <scheme X, scheme W, class T>
struct integer_product {
  shape s;
  executor_ref run;
  quantized<X> x;
  packed<W> w;
  std::vector<float> bias;
  std::vector<T> y;
  requantization how;
  workspace memory{};

  void multiply() {
    const strided<T> out(y.data(), s.m, s.n);
    const run_options options{run, &memory};
    if constexpr (std::is_same_v<T, std::int32_t>)
      gemm(x, w, epilogue::sums{}, out, options);
    else if constexpr (std::is_same_v<T, float>)
      gemm(x, w, epilogue::dequantize{} | epilogue::add_bias{bias} | epilogue::relu{}, out, options);
    else
      gemm(x, w, epilogue::requantize{how}, out, options);
  }
};

template <scheme X, scheme W, class T>
prepared integers(const shape& s, executor_ref run) {
  const float y_scale = harness::output_scale(s.k);
  const auto codes = harness::operand<W>(s.n, s.k, 2);
  auto all = std::make_shared<integer_product<X, W, T>>(
      integer_product<X, W, T>{s,
                               run,
                               harness::operand<X>(s.m, s.k, 1),
                               pack(codes),
                               harness::numbers(s.n, 3),
                               std::vector<T>(static_cast<std::size_t>(s.m * s.n)),
                               {}});
  constexpr bool requantized = sizeof(T) == 1;
  if constexpr (requantized)
    all->how =
        requantization::try_make(all->x.params().scale(), all->w, all->bias, u8_per_tensor, y_scale, 128).value();
  all->multiply();
  bool right = false;
  if constexpr (std::is_same_v<T, std::int32_t>)
    right = holds(all->x, codes, all->bias, reference::sums{}, all->y);
  else if constexpr (requantized)
    right = holds(all->x, codes, all->bias, reference::codes{.scale = y_scale, .zero_point = 128}, all->y);
  else
    right = holds(all->x, codes, all->bias, reference::reals{.low = 0.0f}, all->y);
  const auto bytes = static_cast<double>(all->w.model_bytes());
  return {[all = std::move(all)](long calls) {
            for (; calls > 0; --calls) all->multiply();
          },
          right ? "" : "the result is wrong", bytes};
}

/// Floats by integer weights: S quantizes them in the call; 16 bits stand for weight-only.
template <scheme S, scheme W>
struct mixed_product {
  shape s;
  executor_ref run;
  std::vector<float> x;
  packed<W> w;
  std::vector<float> y;
  workspace memory{};

  strided<const float> rows() const { return {x.data(), s.m, s.k}; }
  void multiply() {
    const strided<float> out(y.data(), s.m, s.n);
    if constexpr (S.bits == 16)
      gemm(rows(), w, epilogue::dequantize{}, out, run_options{run, &memory});
    else
      gemm(dynamic_rows<S>(rows()), w, epilogue::dequantize{}, out, run_options{run, &memory});
  }
};

inline constexpr scheme weight_only{.bits = 16};

template <scheme S, scheme W>
prepared mixed(const shape& s, executor_ref run) {
  const auto codes = harness::operand<W>(s.n, s.k, 2);
  auto all = std::make_shared<mixed_product<S, W>>(mixed_product<S, W>{
      s, run, harness::numbers(s.m * s.k, 1), pack(codes), std::vector<float>(static_cast<std::size_t>(s.m * s.n))});
  all->multiply();
  bool right = true;
  if constexpr (S.bits == 16) {
    right = harness::everywhere(s.m * s.n, [&](index_t at) {
      const float* x = all->x.data() + at / s.n * s.k;
      float total = 0;
      for (index_t first = 0; first < s.k; first += W.group) {
        float part = 0;
        for (index_t k = first; k < first + W.group; ++k)
          part = std::fma(x[k], static_cast<float>(codes.code(at % s.n, k)), part);
        total = std::fma(part, codes.view().scale(at % s.n, first), total);
      }
      return harness::same_bits(all->y[static_cast<std::size_t>(at)], total);
    });
  } else {
    std::vector<float> expected(all->y.size());
    gemm(quantize<S>(all->rows()), all->w, epilogue::dequantize{}, strided<float>(expected.data(), s.m, s.n));
    right = std::memcmp(expected.data(), all->y.data(), expected.size() * sizeof(float)) == 0;
  }
  const auto bytes = static_cast<double>(all->w.model_bytes());
  return {[all = std::move(all)](long calls) {
            for (; calls > 0; --calls) all->multiply();
          },
          right ? "" : "the result is wrong", bytes};
}

/// Neither operand packed in advance.
struct pair_product {
  shape s;
  executor_ref run;
  quantized<u8_per_tensor> x;
  quantized<u8_per_tensor> w;
  std::vector<float> y;
  workspace memory{};

  void multiply() {
    gemm(x, w, epilogue::dequantize{}, strided<float>(y.data(), s.m, s.n), run_options{run, &memory});
  }
};

prepared pairs(const shape& s, executor_ref run) {
  auto all = std::make_shared<pair_product>(pair_product{s, run, harness::operand<u8_per_tensor>(s.m, s.k, 1),
                                                         harness::operand<u8_per_tensor>(s.n, s.k, 2),
                                                         std::vector<float>(static_cast<std::size_t>(s.m * s.n))});
  all->multiply();
  std::vector<float> expected(all->y.size());
  gemm(all->x, pack(all->w), epilogue::dequantize{}, strided<float>(expected.data(), s.m, s.n));
  const bool right = std::memcmp(expected.data(), all->y.data(), expected.size() * sizeof(float)) == 0;
  return {[all = std::move(all)](long calls) {
            for (; calls > 0; --calls) all->multiply();
          },
          right ? "" : "the result is wrong", static_cast<double>(s.n * s.k)};
}

struct float_product {
  shape s;
  executor_ref run;
  std::vector<float> x;
  packed_reals w;
  std::vector<float> y;
  workspace memory{};

  void multiply() {
    gemm(strided<const float>(x.data(), s.m, s.k), w, epilogue::dequantize{}, strided<float>(y.data(), s.m, s.n),
         run_options{run, &memory});
  }
};

prepared floats(const shape& s, executor_ref run) {
  const std::vector<float> w = harness::numbers(s.n * s.k, 2);
  auto all = std::make_shared<float_product>(float_product{s, run, harness::numbers(s.m * s.k, 1),
                                                           pack(strided<const float>(w.data(), s.n, s.k)),
                                                           std::vector<float>(static_cast<std::size_t>(s.m * s.n))});
  all->multiply();
  const bool right = harness::everywhere(s.m * s.n, [&](index_t at) {
    float expected = 0;
    reference::gemm({all->x.data() + at / s.n * s.k, 1, s.k}, {w.data() + at % s.n * s.k, 1, s.k}, reference::reals{},
                    {&expected, 1, 1});
    return harness::same_bits(all->y[static_cast<std::size_t>(at)], expected);
  });
  return {[all = std::move(all)](long calls) {
            for (; calls > 0; --calls) all->multiply();
          },
          right ? "" : "the result is wrong", 4.0 * static_cast<double>(w.size())};
}

/// A new kind of product is one function from a shape to `prepared` and one line here. bench_kernels registers every
/// line; bench_report also takes those whose types its suite names (four_bit_types in report/suite.cpp).
constexpr product table[] = {
    {"u8s8s32", 1, false, &integers<u8_per_tensor, s8_per_row, std::int32_t>},
    {"u8s8f32", 1, false, &integers<u8_per_tensor, s8_per_row, float>},
    {"u8s8u8", 1, false, &integers<u8_per_tensor, s8_per_row, std::uint8_t>},
    {"s8s8f32", 1, false, &integers<s8_per_tensor, s8_per_row, float>},
    {"u8s4f32", 1, false, &integers<u8_per_tensor, s4_per_row, float>},
    {"u8s4g32f32", 32, false, &integers<u8_per_tensor, s4_per_group<32>, float>},
    {"u8s4g128f32", 128, false, &integers<u8_per_tensor, s4_per_group<128>, float>},
    {"u8u4g32f32", 32, false, &integers<u8_per_tensor, u4_per_group<32>, float>},
    {"dyn8s4g32f32", 32, false, &mixed<u8_per_row, s4_per_group<32>>},
    {"dyn8s4g128f32", 128, false, &mixed<u8_per_row, s4_per_group<128>>},
    {"dyn8g32s4g32f32", 32, false, &mixed<s8_per_group<32>, s4_per_group<32>>},
    {"f32s4g32f32", 32, true, &mixed<weight_only, s4_per_group<32>>},
    {"f32s4g128f32", 128, true, &mixed<weight_only, s4_per_group<128>>},
    {"u8u8f32", 1, false, &pairs},
    {"f32", 1, true, &floats},
};

}  // namespace

std::span<const product> products() { return table; }

}  // namespace kernels
