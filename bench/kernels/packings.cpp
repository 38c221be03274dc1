// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Packing made ready: weights quantized, packed once, and one row of a product with them compared with the reference.
#include "kernels/packings.hpp"

#include <dyadic/kernels/convolution.hpp>
#include <dyadic/kernels/reference/gemm.hpp>

#include <memory>

namespace kernels {

namespace {

using namespace dyadic;
using harness::prepared;

/// A call packs all of w, and takes and gives back the memory for it, as a user's call does.
template <class Weights>
prepared packed_again(std::shared_ptr<const Weights> w, bool right, double bytes) {
  return {[w = std::move(w)](long calls) {
            for (; calls > 0; --calls) {
              const auto made = pack(*w);
              __asm__ volatile("" : : "r"(&made) : "memory");
            }
          },
          right ? "" : "the result is wrong", bytes};
}

template <scheme S>
prepared codes(index_t n, index_t k) {
  auto w = std::make_shared<const quantized<S>>(harness::operand<S>(n, k, 2));
  const auto x = harness::operand<u8_per_tensor>(1, k, 1);
  std::vector<float> y(static_cast<std::size_t>(n));
  gemv(pack(*w), x, epilogue::dequantize{}, y);
  const bool right = harness::everywhere(n, [&](index_t j) {
    float expected = 0;
    reference::gemm(x.view(), rows_of(w->view(), j, 1), reference::reals{}, strided<float>(&expected, 1, 1));
    return harness::same_bits(y[static_cast<std::size_t>(j)], expected);
  });
  const auto bytes = static_cast<double>(w->size_bytes());
  return packed_again(std::move(w), right, bytes);
}

/// Floats that the view of them owns.
struct float_matrix : strided<const float> {
  std::vector<float> all;
  float_matrix(std::vector<float> given, index_t n, index_t k)
      : strided<const float>(given.data(), n, k), all(std::move(given)) {}
};

prepared floats(index_t n, index_t k) {
  auto w = std::make_shared<const float_matrix>(harness::numbers(n * k, 2), n, k);
  const std::vector<float> x = harness::numbers(k, 1);
  std::vector<float> y(static_cast<std::size_t>(n));
  gemv(pack(*w), strided<const float>(x.data(), 1, k), epilogue::dequantize{}, y);
  const bool right = harness::everywhere(n, [&](index_t j) {
    float expected = 0;
    reference::gemm({x.data(), 1, k}, {w->row(j), 1, k}, reference::reals{}, {&expected, 1, 1});
    return harness::same_bits(y[static_cast<std::size_t>(j)], expected);
  });
  const double bytes = 4.0 * static_cast<double>(w->all.size());
  return packed_again(std::move(w), right, bytes);
}

constexpr packing table[] = {
    {"s8_per_row", 1, &codes<s8_per_row>},
    {"s8_per_tensor", 1, &codes<s8_per_tensor>},
    {"s4_per_row", 1, &codes<s4_per_row>},
    {"s4_per_group_32", 32, &codes<s4_per_group<32>>},
    {"s4_per_group_128", 128, &codes<s4_per_group<128>>},
    {"u4_per_group_32", 32, &codes<u4_per_group<32>>},
    {"f32", 1, &floats},
};

}  // namespace

std::span<const packing> packings() { return table; }

}  // namespace kernels
