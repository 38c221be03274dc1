// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "quantize/group_sizes.hpp"

#include <dyadic/quantize/fake_quantize.hpp>

#include "support/data.hpp"
#include "support/isas.hpp"

namespace groups_test {

using namespace dyadic;

// The target check_exhaustive takes all of 1 to 256, which are a minute and a half of compiling.
TEST(Groups, OfManySizesInRowsOfEveryLength) {
  group_sizes::check_group_sizes(
      std::index_sequence<1, 2, 3, 4, 5, 7, 8, 13, 15, 16, 17, 31, 32, 33, 63, 64, 65, 128, 129, 255, 256>{});
}

/// Every group by its own scale and zero point, whatever its size has to do with bytes, registers and stretches of codes.
template <scheme S>
void each_group_has_its_step() {
  const index_t rows = 3, cols = index_t{S.group} * (S.group < 100 ? 1200 / S.group : 5);
  std::vector<float> x = support::normal_numbers(static_cast<std::size_t>(rows * cols), 3);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] *= static_cast<float>(1 + i / static_cast<std::size_t>(S.group) % 13);
  const strided<const float> view(x.data(), rows, cols);
  const params<S> p = measure<S>(view);
  support::for_each_isa([&](const std::string& isa) {
    const quantized<S> q = quantize<S>(view, p);
    const quantized<S> measured = quantize<S>(view);
    ASSERT_TRUE(std::equal(q.bytes(), q.bytes() + q.size_bytes(), measured.bytes()));
    std::vector<float> y(x.size()), faked(x.size());
    dequantize(q, std::span<float>(y));
    fake_quantize<S>(view, p, strided<float>(faked.data(), rows, cols));
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < cols; ++j) {
        const index_t at = params_index(S, cols, i, j);
        const int code = quantize_one(view(i, j), p.scale(at), p.zero_point(at), S.qmin(), S.qmax());
        const float real = dequantize_one(code, p.scale(at), p.zero_point(at));
        const auto k = static_cast<std::size_t>(i * cols + j);
        ASSERT_EQ(q.code(i, j), code) << isa << ' ' << S.bits << ' ' << S.group << ' ' << i << ' ' << j;
        ASSERT_EQ(y[k], real) << isa << ' ' << S.bits << ' ' << S.group << ' ' << i << ' ' << j;
        ASSERT_EQ(faked[k], real) << isa << ' ' << S.bits << ' ' << S.group << ' ' << i << ' ' << j;
      }
  });
}

constexpr scheme grouped(int bits, bool is_signed, int group) {
  return {
      .bits = bits, .is_signed = is_signed, .sym = symmetry::asymmetric, .per = granularity::per_group, .group = group};
}

TEST(Groups, EachHasItsStep) {
  each_group_has_its_step<grouped(4, false, 6)>();
  each_group_has_its_step<grouped(4, true, 24)>();
  each_group_has_its_step<grouped(4, false, 130)>();
  each_group_has_its_step<grouped(4, true, 300)>();
  each_group_has_its_step<grouped(4, false, 7)>();
  each_group_has_its_step<grouped(8, true, 10)>();
  each_group_has_its_step<grouped(16, true, 9)>();
  each_group_has_its_step<grouped(16, false, 100)>();
}

}  // namespace groups_test
