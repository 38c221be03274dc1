// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What the searches promise, on numbers of every kind: scales near the best there are. Their bits are held by
// vectors/ggml.cpp.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>

#include <dyadic/quantize/blocks/search.hpp>

#include "support/distributions.hpp"
#include "support/isas.hpp"

namespace search_test {

using namespace dyadic;
using Floats = std::vector<float>;

/// The weighted squared error of x = scale * code + minimum.
double error(const float* x, const float* w, const int* codes, std::size_t n, double scale, double minimum) {
  double all = 0.0;
  for (std::size_t i = 0; i < n; ++i) all += double{w[i]} * std::pow(scale * codes[i] + minimum - double{x[i]}, 2);
  return all;
}

TEST(Search, SignedScalesAreNearTheBestOfAThousand) {
  const Floats x = support::laplace_numbers(32 * 200, 1), w(32, 1.0F);
  double found = 0.0, best = 0.0;
  for (std::size_t at = 0; at < x.size(); at += 32) {
    const std::span<const float, 32> part(x.data() + at, 32);
    int codes[32];
    const float scale = detail::fit_signed<32>(part, 8, w.data(), codes);
    for (int& code : codes) {
      ASSERT_TRUE(code >= 0 && code < 16);
      code -= 8;
    }
    found += error(part.data(), w.data(), codes, 32, double{scale}, 0.0);
    const double extreme = std::fabs(double{detail::extreme_of(part)});
    double least = INFINITY;
    for (int step = -1000; step <= 1000; ++step) {
      const double tried = step == 0 ? extreme : extreme / 8.0 * step / 700.0;
      int other[32];
      for (std::size_t i = 0; i < 32; ++i)
        other[i] = static_cast<int>(std::clamp(std::nearbyint(double{part[i]} / tried), -8.0, 7.0));
      least = std::min(least, error(part.data(), w.data(), other, 32, tried, 0.0));
    }
    best += least;
  }
  EXPECT_LT(found / best, 1.05);
  EXPECT_GT(found / best, 0.99);
}

TEST(Search, AffineScalesAreBetterThanTheRangeAndLeastSquares) {
  const Floats x = support::gauss_numbers(32 * 200, 2), w(32, 1.0F);
  double found = 0.0, ranged = 0.0;
  for (std::size_t at = 0; at < x.size(); at += 32) {
    const std::span<const float, 32> part(x.data() + at, 32);
    int codes[32];
    const auto fit = detail::fit_affine<32>(part, 15, w.data(), {-1.0F, 0.1F, 20}, codes);
    ASSERT_LE(fit.minimum, 0.0F);
    found += error(part.data(), w.data(), codes, 32, double{fit.scale}, double{fit.minimum});
    const auto [low, high] = std::minmax_element(part.begin(), part.end());
    const double scale = (double{*high} - double{*low}) / 15;
    for (std::size_t i = 0; i < 32; ++i)
      codes[i] = static_cast<int>(std::nearbyint((double{part[i]} - double{*low}) / scale));
    ranged += error(part.data(), w.data(), codes, 32, scale, double{*low});
  }
  EXPECT_LT(found, 0.85 * ranged);
}

/// Hardly ever does another code at one place, with the scale that is then best, fit better: each was tried at what is
/// best next to the others, rounded.
TEST(Search, PositiveCodesCannotBeBetteredOneByOne) {
  std::mt19937_64 random(3);
  int bettered = 0;
  for (int round = 0; round < 5000; ++round) {
    float x[8], w[8];
    int codes[8];
    for (float& v : x) v = static_cast<float>(support::uniform_number(random));
    for (float& v : w) v = static_cast<float>(std::pow(10.0, 3 * support::uniform_number(random)));
    const float scale = detail::fit_positive<8>(x, 15, w, codes);
    const auto fitness = [&] {
      double xl = 0.0, l2 = 0.0;
      for (int i = 0; i < 8; ++i)
        xl += double{w[i]} * double{x[i]} * codes[i], l2 += double{w[i]} * codes[i] * codes[i];
      return xl * xl / l2;
    };
    const double reached = fitness();
    EXPECT_NEAR(
        double{scale},
        reached /
            [&] {
              double xl = 0.0;
              for (int i = 0; i < 8; ++i) xl += double{w[i]} * double{x[i]} * codes[i];
              return xl;
            }(),
        1e-5 * double{scale});
    for (int i = 0; i < 8; ++i)
      for (const int change : {-1, 1}) {
        if (codes[i] + change < 0 || codes[i] + change > 15) continue;
        codes[i] += change;
        bettered += fitness() > reached * (1 + 1e-5) ? 1 : 0;
        codes[i] -= change;
      }
  }
  EXPECT_LE(bettered, 10);
}

TEST(Search, OfZerosIsZero) {
  const Floats x(32, 0.0F), w(32, 1.0F);
  int codes[32];
  EXPECT_EQ(detail::fit_signed<32>(std::span<const float, 32>(x.data(), 32), 8, nullptr, codes), 0.0F);
  EXPECT_EQ(detail::fit_positive<8>(std::span<const float, 8>(x.data(), 8), 63, w.data(), codes), 0.0F);
  const auto fit =
      detail::fit_affine<32>(std::span<const float, 32>(x.data(), 32), 15, w.data(), {-1.0F, 0.1F, 20}, codes);
  EXPECT_EQ(fit.scale, 0.0F);
  EXPECT_EQ(fit.minimum, 0.0F);
  for (const int code : codes) EXPECT_EQ(code, 0);
}

/// Parts of every kind: ordinary ones, and those at which a search has a case of its own.
Floats hard_parts(std::size_t parts, std::size_t length, unsigned seed) {
  Floats x = support::laplace_numbers(parts * length, seed);
  std::mt19937 random(seed);
  for (std::size_t p = 0; p < parts; ++p) {
    float* const part = &x[p * length];
    const auto kind = random() % 12;
    const float size = std::ldexp(1.0F, static_cast<int>(random() % 60) - 30);
    for (std::size_t i = 0; i < length; ++i) {
      float& v = part[i];
      v = kind == 0   ? 0.0F
          : kind == 1 ? 0.75F
          : kind == 2 ? -0.0F
          : kind == 3 ? std::fabs(v)
          : kind == 4 ? -std::fabs(v)
          : kind == 5 ? std::nearbyint(v * 4)  // many ties
          : kind == 6 ? (i == 3 ? 1e3F : 0.0F)
          : kind == 7 ? v * 1e-41F
          : kind == 8 ? v * 1e-16F
          : kind == 9 ? v * 8e6F / 20
                      : v * size;
    }
  }
  return x;
}

template <std::size_t Length>
void signed_parts_are_each_one(int most, bool weighted) {
  for (const std::size_t parts : {1U, 2U, 3U, 7U, 8U, 15U, 16U, 17U, 33U, 400U}) {
    const Floats x = hard_parts(parts, Length, static_cast<unsigned>(parts));
    Floats weights = support::gauss_numbers(parts * Length, 5);
    for (float& w : weights) w = w < -1.5F ? 0.0F : w * w;
    const float* const given = weighted ? weights.data() : nullptr;
    support::for_each_isa([&](const std::string& isa) {
      const default_float_environment environment;
      Floats scales(parts, -1.0F);
      std::vector<int> codes(x.size(), -1);
      detail::fit_signed_parts<Length>(x.data(), given, parts, most, scales.data(), codes.data());
      for (std::size_t p = 0; p < parts; ++p) {
        int expected[Length];
        const std::span<const float, Length> part(&x[p * Length], Length);
        const float scale = detail::fit_signed<Length>(part, most, weighted ? given + p * Length : nullptr, expected);
        ASSERT_EQ(std::bit_cast<std::uint32_t>(scales[p]), std::bit_cast<std::uint32_t>(scale))
            << isa << ' ' << parts << ' ' << p << ' ' << scale << ' ' << scales[p];
        for (std::size_t i = 0; i < Length; ++i) ASSERT_EQ(codes[p * Length + i], expected[i]) << isa << ' ' << p;
      }
    });
  }
}

TEST(Search, SignedPartsAreEachOne) {
  signed_parts_are_each_one<16>(32, false);
  signed_parts_are_each_one<16>(32, true);
  signed_parts_are_each_one<32>(8, true);
}

TEST(Search, AffinePartsAreEachOne) {
  constexpr std::size_t length = 32;
  for (const detail::affine_search search : {detail::affine_search{-1.0F, 0.1F, 20}, {-0.9F, 0.05F, 36}})
    for (const std::size_t parts : {1U, 2U, 3U, 7U, 8U, 15U, 16U, 17U, 33U, 400U}) {
      const Floats x = hard_parts(parts, length, static_cast<unsigned>(parts));
      Floats weights = support::gauss_numbers(x.size(), 6);
      for (std::size_t i = 0; i < x.size(); ++i) weights[i] = i / length % 5 == 4 ? 0.0F : weights[i] * weights[i];
      support::for_each_isa([&](const std::string& isa) {
        const default_float_environment environment;
        Floats scales(parts, -1.0F), minima(parts, 9.0F);
        std::vector<int> codes(x.size(), -1);
        detail::fit_affine_parts<length>(x.data(), weights.data(), parts, 15, search, scales.data(), minima.data(),
                                         codes.data());
        for (std::size_t p = 0; p < parts; ++p) {
          int expected[length];
          const std::span<const float, length> part(&x[p * length], length);
          const auto fit = detail::fit_affine<length>(part, 15, &weights[p * length], search, expected);
          ASSERT_EQ(std::bit_cast<std::uint32_t>(scales[p]), std::bit_cast<std::uint32_t>(fit.scale))
              << isa << ' ' << parts << ' ' << p;
          ASSERT_EQ(std::bit_cast<std::uint32_t>(minima[p]), std::bit_cast<std::uint32_t>(fit.minimum)) << isa << p;
          for (std::size_t i = 0; i < length; ++i) ASSERT_EQ(codes[p * length + i], expected[i]) << isa << ' ' << p;
        }
      });
    }
}

}  // namespace search_test
