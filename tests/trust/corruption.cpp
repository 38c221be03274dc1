// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Corruptions by hand: binomial blurs, contrast about the mean, shifts by whole pixels, noise of the stated size; the
// same for any batch; refusals.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include <dyadic/trust/corruption.hpp>

#include "support/data.hpp"
#include "support/networks.hpp"

namespace corruption_test {

using dyadic::batch;
using dyadic::corruption;
using dyadic::corruption_options;
using dyadic::index_t;
using dyadic::strided;
using support::integers;
using support::text_of;
using numbers = std::vector<float>;

numbers corrupted(corruption what, const batch& x, const corruption_options& how) {
  numbers y(static_cast<std::size_t>(x.rows.rows() * x.rows.cols()), -7.0F);
  const auto ok = dyadic::try_corrupt(what, x, {y.data(), x.rows.rows(), x.rows.cols()}, how);
  EXPECT_TRUE(ok) << text_of(ok);
  return y;
}

// [1 2 1] / 4 taken s times is row 2 s of Pascal's triangle over 4^s, along each axis: exact in floats.
TEST(Corruption, BlurIsBinomial) {
  constexpr index_t side = 13;
  numbers x(side * side * 2, 0.0F);
  x[(6 * side + 6) * 2 + 1] = 1.0F;  // channel 1 alone
  for (int s = 1; s <= 5; ++s) {
    const numbers y = corrupted(corruption::blur, {{x.data(), 1, side * side * 2}, {side, side}, 2}, {.severity = s});
    double choose[11] = {1}, variance = 0;
    for (int k = 1; k <= 2 * s; ++k) choose[k] = choose[k - 1] * (2 * s - k + 1) / k;
    for (index_t h = 0; h < side; ++h)
      for (index_t w = 0; w < side; ++w) {
        const auto dh = h - 6 + s, dw = w - 6 + s;
        const bool inside = dh >= 0 && dh <= 2 * s && dw >= 0 && dw <= 2 * s;
        const double expected = inside ? choose[dh] * choose[dw] / std::pow(16.0, s) : 0;
        const auto at = static_cast<std::size_t>((h * side + w) * 2);
        ASSERT_EQ(static_cast<double>(y[at + 1]), expected);
        ASSERT_EQ(y[at], 0.0F);
        variance += expected * static_cast<double>((h - 6) * (h - 6));
      }
    EXPECT_DOUBLE_EQ(variance, s / 2.0) << "the sigma of the table, squared";
  }
  // Brightness stays at the edges too: a constant image is what it was.
  const numbers flat(25, 0.375F);
  EXPECT_EQ(corrupted(corruption::blur, {{flat.data(), 1, 25}, {5, 5}, 1}, {.severity = 5}), flat);
  const numbers one{0.7F};
  EXPECT_EQ(corrupted(corruption::blur, {{one.data(), 1, 1}, {1, 1}, 1}, {.severity = 3}), one);
}

TEST(Corruption, ContrastIsAboutTheMean) {
  const numbers x{0.0F, 0.25F, 0.75F, 1.0F, 0.5F, 0.5F, 0.5F, 0.5F};
  EXPECT_EQ(corrupted(corruption::contrast, {{x.data(), 2, 4}, {2, 2}, 1}, {.severity = 2}),
            (numbers{0.25F, 0.375F, 0.625F, 0.75F, 0.5F, 0.5F, 0.5F, 0.5F}));
  const numbers dark{0.0F, 0.0F, 0.0F, 1.0F};
  EXPECT_EQ(corrupted(corruption::contrast, {{dark.data(), 1, 4}, {2, 2}, 1}, {.severity = 2}),
            (numbers{0.125F, 0.125F, 0.125F, 0.625F}));
  const float factors[] = {0.75F, 0.5F, 0.4F, 0.3F, 0.15F};
  for (int s = 1; s <= 5; ++s)
    EXPECT_EQ(corrupted(corruption::contrast, {{x.data(), 1, 4}, {2, 2}, 1}, {.severity = s})[3],
              0.5F + 0.5F * factors[s - 1]);
}

TEST(Corruption, ShiftMovesWholePixelsAndRepeatsTheEdge) {
  constexpr index_t h = 6, w = 7, n = 64;
  numbers x(static_cast<std::size_t>(n * h * w * 2));
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i % static_cast<std::size_t>(h * w * 2)) / 84.0F;
  for (int s = 1; s <= 5; ++s) {
    const numbers y = corrupted(corruption::shift, {{x.data(), n, h * w * 2}, {h, w}, 2}, {.severity = s});
    std::set<int> ways;
    for (index_t i = 0; i < n; ++i) {
      int matches = 0;
      for (int way = 0; way < 4; ++way) {
        const int down = way == 0 ? s : way == 1 ? -s : 0, right = way == 2 ? s : way == 3 ? -s : 0;
        bool same = true;
        for (index_t a = 0; a < h; ++a)
          for (index_t b = 0; b < w; ++b)
            for (index_t c = 0; c < 2; ++c) {
              const index_t from_h = std::clamp<index_t>(a - down, 0, h - 1),
                            from_w = std::clamp<index_t>(b - right, 0, w - 1);
              same = same && y[static_cast<std::size_t>(((i * h + a) * w + b) * 2 + c)] ==
                                 x[static_cast<std::size_t>(((i * h + from_h) * w + from_w) * 2 + c)];
            }
        if (same) ways.insert(way);
        matches += same ? 1 : 0;
      }
      ASSERT_EQ(matches, 1) << "image " << i << ", severity " << s;
    }
    EXPECT_EQ(ways.size(), 4U) << "64 images: a way is missing once in 10^7 times";
  }
}

// 40,000 numbers far from the ends of [low, high]: mean within 5 sigma / 200, variance within 5 sqrt(1.9) / 200.
TEST(Corruption, NoiseHasTheStatedSize) {
  const numbers x(40'000, 500.0F);
  const double sigmas[] = {0.04, 0.08, 0.12, 0.18, 0.26};
  for (int s = 1; s <= 5; ++s) {
    const numbers y = corrupted(corruption::noise, {{x.data(), 4, 10'000}}, {.severity = s, .low = 400, .high = 600});
    const double sigma = 200 * sigmas[s - 1];
    double sum = 0, squares = 0, together = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      const double d = static_cast<double>(y[i]) - 500;
      sum += d, squares += d * d;
      together += d * (static_cast<double>(y[(i + 10'000) % 40'000]) - 500);
    }
    EXPECT_NEAR(sum / 40'000, 0, 5 * sigma / 200);
    // Noise is clipped at 100 from the middle: below 25 that is 4 sigma away, and the variance loses less than 1e-3.
    if (4 * sigma < 100) {
      EXPECT_NEAR(squares / 40'000 / sigma / sigma, 1, 5 * std::sqrt(1.9) / 200 + 1e-3);
    }
    EXPECT_NEAR(together / 40'000 / sigma / sigma, 0, 5.0 / 200) << "images have noise of their own";
    for (const float v : y) ASSERT_TRUE(v >= 400 && v <= 600);
  }
}

TEST(Corruption, ABatchCanBeCutAnywhereAndSeedsCount) {
  integers random(3);
  support::images x = support::make_images(random, 9, 5, 4, 3, 0.5F);
  for (float& v : x.numbers) v += 0.5F;
  for (const corruption what : dyadic::corruptions) {
    const numbers whole = corrupted(what, x.all(), {.severity = 3, .seed = 4});
    for (index_t first = 0; first < 9; first += 2) {
      const index_t n = std::min<index_t>(2, 9 - first);
      const numbers part = corrupted(what, x.some(first, n), {.severity = 3, .seed = 4, .first = first});
      EXPECT_TRUE(support::same_bits(part.data(), whole.data() + first * x.features(), n * x.features()))
          << to_string(what);
    }
    const bool drawn = what == corruption::noise || what == corruption::shift;
    EXPECT_EQ(corrupted(what, x.all(), {.severity = 3, .seed = 5}) != whole, drawn);
    EXPECT_NE(whole, x.numbers);
    for (const float v : whole) EXPECT_TRUE(v >= 0 && v <= 1);
  }
}

TEST(CorruptionErrors, SayWhatWasGiven) {
  numbers x(8, 0.5F), y(8);
  const batch b{{x.data(), 2, 4}, {2, 2}, 1};
  const auto say = [&](const batch& from, strided<float> to, const corruption_options& how) {
    return text_of(dyadic::try_corrupt(corruption::blur, from, to, how));
  };
  EXPECT_EQ(say(b, {y.data(), 2, 4}, {.severity = 0}), "corrupt: severity 0, expected 1 to 5");
  EXPECT_EQ(say(b, {y.data(), 2, 4}, {.severity = 6}), "corrupt: severity 6, expected 1 to 5");
  EXPECT_EQ(say(b, {y.data(), 1, 4}, {}), "corrupt: room for 1 x 4, the images are 2 x 4, without gaps");
  EXPECT_EQ(say(b, {x.data(), 2, 4}, {}), "corrupt: the output shares memory with the images");
  EXPECT_EQ(say(b, {y.data(), 2, 4}, {.low = 1, .high = 0}), "corrupt: numbers in [1, 0], expected a finite range");
  x[5] = std::nanf("");
  EXPECT_EQ(say(b, {y.data(), 2, 4}, {}), "corrupt: number 1 of image 1 is nan, expected a finite one");
  EXPECT_EQ(y, numbers(8, 0.0F)) << "nothing was written";
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(dyadic::corrupt(corruption::noise, b, strided<float>(y.data(), 2, 4), {}), std::invalid_argument);
#endif
}

}  // namespace corruption_test
