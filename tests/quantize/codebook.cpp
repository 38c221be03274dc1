// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>
#include <Eigen/Core>

#include <cmath>
#include <stdexcept>

#include <dyadic/quantize/codebook.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace codebook_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;
constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

constexpr codebook<4> quarters(std::array<float, 4>{-1.0F, 0.0F, 0.5F, 2.0F});
static_assert(quarters.code_of(-0.5F) == 0 && quarters.code_of(-0.49999997F) == 1);  // a tie goes to the lower level
static_assert(quarters.code_of(0.25F) == 1 && quarters.code_of(1.25F) == 2 && quarters.code_of(1.2500001F) == 3);
static_assert(quarters.code_of(infinity) == 3 && quarters.code_of(-infinity) == 0 && quarters.code_of(nan) == 1);
static_assert(quarters.largest() == 2.0F && quarters.nearest(0.4F) == 0.5F && quarters.threshold(1) == 0.25F);

/// The nearest level by looking at all, in doubles; the first of several.
template <std::size_t N>
int nearest_of(const std::array<float, N>& levels, float x) {
  int best = 0;
  for (int c = 1; c < static_cast<int>(N); ++c) {
    const auto distance = [&](int code) {
      return std::fabs(double{levels[static_cast<std::size_t>(code)]} - double{x});
    };
    if (distance(c) < distance(best)) best = c;
  }
  return best;
}

template <std::size_t N>
void finds_the_nearest() {
  std::array<float, N> levels{};
  for (std::size_t i = 0; i < N; ++i) levels[i] = static_cast<float>(i * i) / 64.0F - 3.0F;  // thresholds are exact
  const auto book = codebook<N>::try_make(levels);
  ASSERT_TRUE(book);
  for (float x = -4.0F; x < levels[N - 1] + 1.0F; x += 1.0F / 256.0F)
    ASSERT_EQ(book->code_of(x), nearest_of(levels, x)) << x;
  for (int c = 0; c + 1 < static_cast<int>(N); ++c)
    for (const float x : {book->threshold(c), std::nextafter(book->threshold(c), infinity),
                          std::nextafter(book->threshold(c), -infinity)})
      ASSERT_EQ(book->code_of(x), nearest_of(levels, x)) << x;
}
TEST(Codebook, FindsTheNearestLevel) {
  finds_the_nearest<2>();
  finds_the_nearest<3>();
  finds_the_nearest<16>();
  finds_the_nearest<17>();
  finds_the_nearest<64>();
  finds_the_nearest<256>();
}

TEST(Codebook, OfEqualLevelsTakesTheFirst) {
  const auto book = codebook<4>::try_make({-1.0F, 2.0F, 2.0F, 2.0F});
  ASSERT_TRUE(book);
  EXPECT_EQ(book->code_of(1.9F), 1);
  EXPECT_EQ(book->code_of(2.0F), 1);
  EXPECT_EQ(book->nearest(5.0F), 2.0F);
}

TEST(Codebook, RefusesLevelsThatAreNotSorted) {
  EXPECT_EQ(text_of(codebook<3>::try_make({0.0F, 2.0F, 1.0F})),
            "codebook: level 2 is 1, expected at least the one before it, 2");
  EXPECT_EQ(text_of(codebook<3>::try_make({0.0F, nan, 1.0F})), "codebook: level 1 is nan, expected a finite number");
  EXPECT_FALSE(codebook<2>::try_make({0.0F, infinity}));
}

TEST(Codebook, Nf4HasItsThresholdsInTheMiddle) {
  for (int c = 0; c < 15; ++c)
    EXPECT_EQ(nf4_levels.threshold(c),
              static_cast<float>((double{nf4_levels.level(c)} + double{nf4_levels.level(c + 1)}) / 2));
}

TEST(CodebookMatrix, EveryCodeIsTheNearestAndScalesReachTheLargest) {
  const Eigen::MatrixXf x = Eigen::MatrixXf::Random(7, 96) * 3.0F;
  for (const index_t group : {index_t{0}, index_t{1}, index_t{32}, index_t{96}}) {
    const auto q = quantize_codebook(nf4_levels, x, group);
    const index_t step = group == 0 ? 96 : group;
    EXPECT_EQ(q.group(), step);
    for (index_t i = 0; i < 7; ++i)
      for (index_t j = 0; j < 96; ++j) {
        const float largest = x.row(i).segment(j / step * step, step).cwiseAbs().maxCoeff();
        ASSERT_EQ(q.scale(i, j), largest);
        ASSERT_EQ(q.code(i, j), nearest_of(nf4_levels.levels(), x(i, j) / largest));
      }
    Eigen::MatrixXf back(7, 96);
    dequantize_codebook(q, strided<float>(back.data(), 7, 96, 1, 7));
    for (index_t i = 0; i < 7; ++i)
      for (index_t j = 0; j < 96; ++j) ASSERT_EQ(back(i, j), q.value(i, j));
  }
}

TEST(CodebookMatrix, IsTheSameInEveryEnvironment) {
  const Floats x = support::normal_numbers(512, 5, 1e-38F);
  const strided<const float> view(x.data(), 4, 128);
  const auto expected = quantize_codebook(nf4_levels, view, 32);
  exact::in_every_environment([&] {
    const auto q = quantize_codebook(nf4_levels, view, 32);
    EXPECT_TRUE(std::equal(q.bytes().begin(), q.bytes().end(), expected.bytes().begin()));
    EXPECT_TRUE(std::equal(q.scales().begin(), q.scales().end(), expected.scales().begin()));
  });
}

TEST(CodebookMatrix, KeepsMoreThan16LevelsInBytes) {
  std::array<float, 17> levels{};
  for (std::size_t i = 0; i < 17; ++i) levels[i] = static_cast<float>(i) - 8.0F;
  const auto book = codebook<17>::try_make(levels);
  ASSERT_TRUE(book);
  const Floats x{-8.0F, 8.0F, 3.4F};
  const auto q = quantize_codebook(*book, strided<const float>(x.data(), 1, 3));
  EXPECT_EQ(q.bytes().size(), 3);
  EXPECT_EQ(q.code(0, 1), 16);
  EXPECT_EQ(q.value(0, 2), 3.0F);
}

// Rows C9 and C10 of the catalogue of failures: a group that does not divide the row, a group of zero.
TEST(CodebookMatrix, C9C10RefusesGroupsThatDoNotDivide) {
  const Eigen::MatrixXf x = Eigen::MatrixXf::Zero(2, 33);
  EXPECT_EQ(text_of(try_quantize_codebook(nf4_levels, x, 32)), "codebook: rows of 33 do not divide into groups of 32");
  EXPECT_FALSE(try_quantize_codebook(nf4_levels, x, -1));
  EXPECT_FALSE(codebook_matrix<16>::try_make(nf4_levels, 2, 32, 0));
  EXPECT_THROW(quantize_codebook(nf4_levels, x, 32), std::invalid_argument);
}

// C15: groups of zeros, of NaN, and of numbers at the ends.
TEST(CodebookMatrix, C15ScalesAreFiniteWhateverTheNumbers) {
  Floats x(6 * 16, 0.0F);
  for (std::size_t j = 0; j < 16; ++j) {
    x[16 + j] = nan;
    x[32 + j] = j % 2 == 0 ? infinity : -1.0F;
    x[48 + j] = 0x1p-149F;
    x[64 + j] = j == 3 ? nan : static_cast<float>(j);
    x[80 + j] = -0x1.fffffep127F;
  }
  const auto q = quantize_codebook(nf4_levels, strided<const float>(x.data(), 6, 16));
  for (index_t i = 0; i < 6; ++i)
    for (index_t j = 0; j < 16; ++j) {
      EXPECT_TRUE(std::isfinite(q.scale(i, j)) && q.scale(i, j) > 0.0F) << i;
      EXPECT_TRUE(std::isfinite(q.value(i, j))) << i;
      if (i < 2) {
        EXPECT_EQ(q.value(i, j), 0.0F) << i;
      }
    }
  EXPECT_EQ(q.value(4, 3), 0.0F);
  EXPECT_EQ(q.value(2, 0), 0x1.fffffep127F);
  EXPECT_EQ(q.value(3, 0), 0x1p-149F);
}

TEST(CodebookMatrix, RefusesWhatDoesNotFit) {
  const auto zero = codebook<2>::try_make({0.0F, 0.0F});
  ASSERT_TRUE(zero);
  const Floats x(4, 1.0F);
  const strided<const float> view(x.data(), 1, 4);
  EXPECT_EQ(text_of(try_quantize_codebook(*zero, view)), "codebook: every level is 0, expected one that is not 0");
  const auto q = quantize_codebook(nf4_levels, view);
  Floats y(4);
  EXPECT_EQ(text_of(try_dequantize_codebook(q, strided<float>(y.data(), 2, 2))),
            "codebook: output is 2 x 2, expected 1 x 4");
  EXPECT_FALSE(codebook_matrix<16>::try_make(nf4_levels, -1, 4, 4));
  EXPECT_FALSE(codebook_matrix<16>::try_make(nf4_levels, PTRDIFF_MAX, 4, 4));
}

}  // namespace codebook_test
