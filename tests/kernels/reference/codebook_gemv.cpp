// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>
#include <Eigen/Core>

#include <cmath>

#include <dyadic/kernels/reference/codebook_gemv.hpp>
#include <dyadic/quantize/lloyd_max.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace codebook_gemv_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;

TEST(CodebookGemv, EqualsTheProductOfTheNumbersWithinItsRoundings) {
  const Eigen::MatrixXf w = Eigen::MatrixXf::Random(5, 96);
  const Floats x = support::normal_numbers(96, 1);
  const codebook<16> fitted = fit_codebook<16>(std::span<const float>(w.data(), 5 * 96));
  for (const codebook<16>& book : {nf4_levels, fitted})
    for (const index_t group : {index_t{1}, index_t{32}, index_t{96}}) {
      const auto q = quantize_codebook(book, w, group);
      Floats y(5, -1.0F);
      ASSERT_TRUE(reference::try_codebook_gemv(q, x, std::span<float>(y)));
      for (index_t i = 0; i < 5; ++i) {
        long double sum = 0.0L, sizes = 0.0L;
        for (index_t k = 0; k < 96; ++k) {
          const long double term = static_cast<long double>(q.scale(i, k)) *
                                   static_cast<long double>(book.level(q.code(i, k))) *
                                   static_cast<long double>(x[static_cast<std::size_t>(k)]);
          sum += term;
          sizes += std::fabs(term);
        }
        // At most a rounding a number and one a group, of partial sums not above the sum of the sizes.
        EXPECT_LE(std::fabs(static_cast<long double>(y[static_cast<std::size_t>(i)]) - sum), 200 * 0x1p-24L * sizes);
      }
      exact::in_every_environment([&] {
        Floats again(5);
        EXPECT_TRUE(reference::try_codebook_gemv(q, x, std::span<float>(again)));
        EXPECT_EQ(again, y);
      });
    }
}

TEST(CodebookGemv, IsExactOnSmallIntegers) {
  std::array<float, 5> levels{-2.0F, -1.0F, 0.0F, 1.0F, 2.0F};
  const auto book = codebook<5>::try_make(levels);
  ASSERT_TRUE(book);
  Floats w(2 * 8), x(8), y(2);
  float expected[2] = {0.0F, 0.0F};
  for (std::size_t k = 0; k < 16; ++k) w[k] = static_cast<float>(k % 5) * 4.0F - 8.0F;  // every group has a -8
  for (std::size_t k = 0; k < 8; ++k) x[k] = static_cast<float>(k) - 3.0F;
  for (std::size_t k = 0; k < 16; ++k) expected[k / 8] += w[k] * x[k % 8];
  const auto q = quantize_codebook(*book, strided<const float>(w.data(), 2, 8), 8);
  ASSERT_TRUE(reference::try_codebook_gemv(q, x, std::span<float>(y)));
  EXPECT_EQ(y[0], expected[0]);
  EXPECT_EQ(y[1], expected[1]);
}

TEST(CodebookGemv, RefusesWhatDoesNotFit) {
  const Floats w(12, 1.0F);
  const auto q = quantize_codebook(nf4_levels, strided<const float>(w.data(), 3, 4));
  Floats x(4), y(3);
  EXPECT_EQ(text_of(reference::try_codebook_gemv(q, std::span<const float>(x).first(3), std::span<float>(y))),
            "codebook_gemv: x has 3 elements, w expects 4");
  EXPECT_EQ(text_of(reference::try_codebook_gemv(q, x, std::span<float>(y).first(2))),
            "codebook_gemv: y has 2 elements, expected 3");
  EXPECT_EQ(text_of(reference::try_codebook_gemv(q, x, std::span<float>(x).last(3))),
            "codebook_gemv: y would overwrite x");
}

}  // namespace codebook_gemv_test
