// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <thread>

#include <dyadic/quantize/stochastic.hpp>

#include "support/data.hpp"

namespace stochastic_test {

using namespace dyadic;
using support::text_of;

constexpr std::uint32_t every = 0xFFFFFFFFU;
constexpr auto s8 = [](float x, std::uint32_t random, float scale = 1.0F, int zero = 0) {
  return quantize_stochastic_one(x, scale, zero, -128, 127, random);
};

// Up exactly when the fraction and the random number make a whole.
static_assert(s8(2.25F, 0) == 2 && s8(2.25F, 0xBFFFFFFFU) == 2 && s8(2.25F, 0xC0000000U) == 3 && s8(2.25F, every) == 3);
static_assert(s8(-2.25F, 0) == -3 && s8(-2.25F, 0x3FFFFFFFU) == -3 && s8(-2.25F, 0x40000000U) == -2);
// A number on a code keeps it.
static_assert(s8(0.0F, every) == 0 && s8(-0.0F, every) == 0 && s8(5.0F, every) == 5 && s8(-5.0F, every) == -5);
static_assert(s8(0x1p-149F, every) == 0 && s8(-0x1p-149F, 0) == -1 && s8(-0x1p-149F, 1) == 0);
// The ends, and what is no number.
static_assert(s8(127.5F, every) == 127 && s8(1e30F, 0) == 127 && s8(-128.5F, 0) == -128 && s8(-1e30F, every) == -128);
static_assert(quantize_stochastic_one(0.5F, 0.25F, 250, 0, 255, every) == 252);
static_assert(quantize_stochastic_one(-1e9F, 1.0F, 65535, 0, 65535, every) == 0);
static_assert(s8(std::numeric_limits<float>::infinity(), 0) == 127);

strided<const float> row_of(const std::vector<float>& x) { return {x.data(), 1, static_cast<index_t>(x.size())}; }

TEST(Stochastic, TakesNanToTheZeroPointAndCountsWhatIsClipped) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x{nan, infinity, -infinity, 127.0F, 127.5F, -128.0F, -128.5F, 3.0F};
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto q = quantize_stochastic<s8_per_tensor>(row_of(x), params<s8_per_tensor>(1.0F), {.seed = seed});
    EXPECT_EQ(q.code(0, 0), 0);
    EXPECT_EQ(q.code(0, 1), 127);
    EXPECT_EQ(q.code(0, 2), -128);
    EXPECT_EQ(q.clipped().total, 8);
    EXPECT_EQ(q.clipped().nan, 1);
    // 127.5 goes to 127 or to 128, which is clipped; so does -128.5.
    EXPECT_TRUE(q.clipped().high == 1 || q.clipped().high == 2);
    EXPECT_TRUE(q.clipped().low == 1 || q.clipped().low == 2);
  }
}

/// Mean and mean square of code - u over many words.
struct moments {
  double mean = 0, square = 0;
};
moments moments_of(float u, int count, std::uint64_t seed) {
  const std::vector<float> x(static_cast<std::size_t>(count), u);
  const auto q = quantize_stochastic<s8_per_tensor>(row_of(x), params<s8_per_tensor>(1.0F), {.seed = seed});
  moments m;
  for (index_t j = 0; j < count; ++j) {
    const double error = q.code(0, j) - static_cast<double>(u);
    m.mean += error / count;
    m.square += error * error / count;
  }
  return m;
}

TEST(Stochastic, IsRightOnAverage) {
  constexpr int count = 100'000;
  int seed = 0;
  for (const float u : {0.1F, 0.5F, 0.999F, -0.3F, 17.25F, -100.75F, 1e-3F}) {
    const double up = static_cast<double>(u) - std::floor(u);
    const double sigma = std::sqrt(up * (1 - up) / count);
    EXPECT_LT(std::abs(moments_of(u, count, static_cast<std::uint64_t>(++seed)).mean), 5 * sigma) << u;
  }
}

/// Over uniform fractions the mean square error is the integral of f (1 - f), 1/6; of rounding to nearest 1/12.
TEST(Stochastic, HasTwiceTheNoiseOfRoundingToNearest) {
  constexpr int count = 1 << 18;
  std::vector<float> x;
  philox_words words(99);
  for (std::uint64_t i = 0; i < count; ++i) x.push_back(static_cast<float>(words(i) >> 8) * 0x1p-20F);  // [0, 16)
  const params<s8_per_tensor> p(1.0F);
  const auto stochastic = quantize_stochastic<s8_per_tensor>(row_of(x), p, {.seed = 7});
  const auto nearest = quantize<s8_per_tensor>(row_of(x), p);
  double noise = 0, least = 0;
  for (index_t j = 0; j < count; ++j) {
    const auto u = static_cast<double>(x[static_cast<std::size_t>(j)]);
    noise += (stochastic.code(0, j) - u) * (stochastic.code(0, j) - u) / count;
    least += (nearest.code(0, j) - u) * (nearest.code(0, j) - u) / count;
  }
  // Five sigma; the mean of the fourth power of the error is 1/15 and 1/80.
  EXPECT_NEAR(noise, 1.0 / 6, 5 * std::sqrt((1.0 / 15 - 1.0 / 36) / count));
  EXPECT_NEAR(least, 1.0 / 12, 5 * std::sqrt((1.0 / 80 - 1.0 / 144) / count));
  EXPECT_NEAR(10 * std::log10(noise / least), 3.01, 0.05);
}

template <scheme S>
void expect_parts_equal_the_whole() {
  constexpr index_t rows = 13, cols = 37;
  const std::vector<float> x = support::normal_numbers(rows * cols, 5);
  const strided<const float> whole(x.data(), rows, cols);
  const params<S> p = measure<S>(whole);
  const quantized<S> q = quantize_stochastic<S>(whole, p, {.seed = 3, .first = 1000});

  // Rows, each by a thread of its own.
  std::vector<std::thread> threads;
  for (const auto& [first, count] : {std::pair<index_t, index_t>{0, 1}, {1, 5}, {6, 7}})
    threads.emplace_back([&, first = first, count = count] {
      const auto scales =
          S.per == granularity::per_tensor ? p.scales() : p.scales().subspan(size_t(first), size_t(count));
      const auto part = quantize_stochastic<S>(strided<const float>(whole.row(first), count, cols), params<S>(scales),
                                               {.seed = 3, .first = 1000 + static_cast<std::uint64_t>(first * cols)});
      for (index_t i = 0; i < count; ++i)
        for (index_t j = 0; j < cols; ++j) EXPECT_EQ(part.code(i, j), q.code(first + i, j)) << i << ' ' << j;
    });
  for (std::thread& t : threads) t.join();

  // Columns.
  for (const auto& [first, count] : {std::pair<index_t, index_t>{0, 9}, {9, 28}}) {
    const auto part =
        quantize_stochastic<S>(strided<const float>(whole.row(0) + first, rows, count, cols, 1), p,
                               {.seed = 3, .first = 1000 + static_cast<std::uint64_t>(first), .pitch = cols});
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < count; ++j) EXPECT_EQ(part.code(i, j), q.code(i, first + j)) << i << ' ' << j;
  }

  // Another layout in memory.
  std::vector<float> turned(x.size());
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < cols; ++j) turned[size_t(j * rows + i)] = whole(i, j);
  const auto other =
      quantize_stochastic<S>(strided<const float>(turned.data(), rows, cols, 1, rows), p, {.seed = 3, .first = 1000});
  const auto again = quantize_stochastic<S>(whole, p, {.seed = 4, .first = 1000});
  int different = 0;
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < cols; ++j) {
      EXPECT_EQ(other.code(i, j), q.code(i, j));
      different += again.code(i, j) != q.code(i, j);
      const int expected =
          quantize_stochastic_one(whole(i, j), p.scale(params_index(S, cols, i, j)), 0, S.qmin(), S.qmax(),
                                  philox_words(3)(1000 + static_cast<std::uint64_t>(i * cols + j)));
      EXPECT_EQ(q.code(i, j), expected);
    }
  EXPECT_GT(different, rows * cols / 10);
}

TEST(Stochastic, IsTheSameForEverySplitThreadAndLayout) {
  expect_parts_equal_the_whole<s8_per_tensor>();
  expect_parts_equal_the_whole<s8_per_row>();
  expect_parts_equal_the_whole<s4_per_tensor>();
  expect_parts_equal_the_whole<s16_per_tensor>();
}

TEST(Stochastic, IgnoresTheRoundingModeOfTheCaller) {
  const std::vector<float> x = support::normal_numbers(1000, 6);
  const params<s8_per_tensor> p(0.0171F);
  const auto q = quantize_stochastic<s8_per_tensor, pytorch_profile>(row_of(x), p, {.seed = 1});
  std::fesetround(FE_UPWARD);
  const auto up = quantize_stochastic<s8_per_tensor, pytorch_profile>(row_of(x), p, {.seed = 1});
  std::fesetround(FE_TONEAREST);
  for (index_t j = 0; j < 1000; ++j) ASSERT_EQ(q.code(0, j), up.code(0, j));
}

TEST(Stochastic, RefusesRowsThatShareRandomWords) {
  const std::vector<float> x(12);
  const strided<const float> view(x.data(), 3, 4);
  EXPECT_EQ(text_of(try_quantize_stochastic<s8_per_tensor>(view, params<s8_per_tensor>(1.0F), {.pitch = 3})),
            "quantize_stochastic: 3 random words a row of 4 numbers, expected 0 or at least as many");
  EXPECT_EQ(text_of(try_quantize_stochastic<s8_per_row>(view, params<s8_per_row>(std::vector<float>{1, 1}), {})),
            "params: 2 scales for a 3 x 4 matrix, expected 3");
}

}  // namespace stochastic_test
