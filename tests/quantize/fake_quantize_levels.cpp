// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cfenv>
#include <cmath>
#include <random>

#include <dyadic/quantize/fake_quantize_levels.hpp>
#include <dyadic/scheme/fake_quantize_range.hpp>

#include "support/data.hpp"

namespace fake_quantize_levels_test {

using namespace dyadic;
using support::text_of;

constexpr float nan = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();
constexpr level_mapping four{.in_lo = 0.0F, .in_hi = 3.0F, .out_lo = 10.0F, .out_hi = 40.0F, .levels = 4};

// The ends belong to the first and the last level; ties go to the even level.
static_assert(fake_quantize_level_one(-1.0F, four) == 10.0F && fake_quantize_level_one(0.0F, four) == 10.0F);
static_assert(fake_quantize_level_one(3.0F, four) == 40.0F && fake_quantize_level_one(3.5F, four) == 40.0F);
static_assert(fake_quantize_level_one(1.0F, four) == 20.0F && fake_quantize_level_one(0.5F, four) == 10.0F);
static_assert(fake_quantize_level_one(1.5F, four) == 30.0F && fake_quantize_level_one(2.5F, four) == 30.0F);
static_assert(fake_quantize_level_one(-infinity, four) == 10.0F && fake_quantize_level_one(infinity, four) == 40.0F);
// A range of nothing is two levels.
static_assert(fake_quantize_level_one(0.0F, {0, 0, -1, 1, 256}) == -1 &&
              fake_quantize_level_one(1e-9F, {0, 0, -1, 1, 2}) == 1);
// Reversed: below both ends is out_lo whichever end is low, in between in_lo still goes to out_lo.
static_assert(fake_quantize_level_one(-1.0F, {3, 0, 10, 40, 4}) == 10 &&
              fake_quantize_level_one(4.0F, {3, 0, 10, 40, 4}) == 40);
static_assert(fake_quantize_level_one(1.0F, {3, 0, 10, 40, 4}) == 30 &&
              fake_quantize_level_one(2.0F, {3, 0, 10, 40, 4}) == 20);
static_assert(fake_quantize_level_one(0.75F, {0, 1, 1, 0, 5}) == 0.25F);

/// Each float operation is one of long double rounded to float, which is the same number since 64 >= 2 * 24 + 2 bits.
/// Not inlined: compilers would see the float operations, and fuse two of them.
[[gnu::noinline]] float f(long double x) { return static_cast<float>(x); }

float openvino(float x, const level_mapping& m) {
  if (x <= std::min(m.in_lo, m.in_hi)) return m.out_lo;
  if (x > std::max(m.in_lo, m.in_hi)) return m.out_hi;
  const long double steps = static_cast<float>(m.levels - 1);
  const float share = f(static_cast<long double>(f(static_cast<long double>(x) - m.in_lo)) /
                        f(static_cast<long double>(m.in_hi) - m.in_lo));
  const float level = std::nearbyint(f(share * steps));
  const float out = f(static_cast<long double>(f(level / steps)) * f(static_cast<long double>(m.out_hi) - m.out_lo));
  return f(static_cast<long double>(out) + m.out_lo);
}

TEST(FakeQuantizeLevels, RoundsEveryStepAsOpenVinoDoes) {
  std::mt19937_64 random(1);
  const auto uniform = [&] { return static_cast<float>(random() >> 40) * 0x1p-22F - 2.0F; };
  constexpr int levels[] = {2, 3, 15, 16, 255, 256, 65536};
  for (int n = 0; n < 2'000; ++n) {
    const level_mapping m{uniform(), uniform(), uniform(), uniform(), levels[n % 7]};
    std::vector<float> x(200);
    for (float& v : x) v = uniform();
    // Halves of a step, as near as a float gets.
    for (std::size_t i = 0; i < 100; ++i)
      x[i] = m.in_lo +
             (m.in_hi - m.in_lo) * ((static_cast<float>(random() % 64) + 0.5F) / static_cast<float>(m.levels - 1));
    x[100] = m.in_lo, x[101] = m.in_hi, x[102] = std::nextafter(m.in_hi, 5.0F), x[103] = std::nextafter(m.in_lo, 5.0F);
    std::vector<float> y(x.size());
    const auto length = static_cast<index_t>(x.size());
    fake_quantize_levels(strided<const float>(x.data(), 1, length), std::span(&m, 1),
                         strided<float>(y.data(), 1, length));
    for (std::size_t i = 0; i < x.size(); ++i) ASSERT_EQ(y[i], openvino(x[i], m)) << x[i] << ' ' << m.levels;
  }
}

TEST(FakeQuantizeLevels, TakesOneMappingARowAndWorksInPlace) {
  std::vector<float> x{0.4F, 1.6F, 9.0F, 0.4F, 1.6F, 9.0F};
  const level_mapping mappings[] = {four, {.in_lo = 0, .in_hi = 10, .out_lo = 0, .out_hi = 10, .levels = 11}};
  const strided<float> view(x.data(), 2, 3);
  std::fesetround(FE_UPWARD);
  fake_quantize_levels(view, mappings, view);
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(x, (std::vector<float>{10, 30, 40, 0, 2, 9}));
  std::vector<float> row{nan, 0.0F};
  fake_quantize_levels(strided<float>(row.data(), 1, 2), std::span(&four, 1), strided<float>(row.data(), 1, 2));
  EXPECT_TRUE(std::isnan(row[0]));
  EXPECT_EQ(row[1], 10.0F);
}

TEST(FakeQuantizeLevels, RefusesWhatDoesNotFit) {
  std::vector<float> x(6), y(6);
  const strided<float> from(x.data(), 2, 3), to(y.data(), 2, 3);
  const level_mapping three[] = {four, four, four}, few{0, 1, 0, 1, 1}, endless{0, infinity, 0, 1, 4},
                      far{-3e38F, 3e38F, 0, 1, 4};
  const auto text = [&](std::span<const level_mapping> m, const strided<float>& out) {
    return text_of(try_fake_quantize_levels(from, m, out));
  };
  EXPECT_EQ(text(three, to), "fake_quantize: 3 mappings for 2 rows, expected 1 or 2");
  EXPECT_EQ(text({}, to), "fake_quantize: 0 mappings for 2 rows, expected 1 or 2");
  EXPECT_EQ(text(std::span(&few, 1), to), "fake_quantize: mapping 0 has 1 levels, expected 2 to 65536");
  EXPECT_EQ(text(std::span(&endless, 1), to),
            "fake_quantize: mapping 0 is [0, inf] -> [0, 1], expected finite lengths");
  EXPECT_EQ(text(std::span(&far, 1), to),
            "fake_quantize: mapping 0 is [-3.00000001e+38, 3.00000001e+38] -> [0, 1], expected finite lengths");
  EXPECT_EQ(text(std::span(&four, 1), strided<float>(y.data(), 3, 2)),
            "fake_quantize: output is 3 x 2, expected 2 x 3");
  EXPECT_EQ(text(std::span(&four, 1), strided<float>(x.data(), 2, 3, 3, 1)), "no failure");
  EXPECT_EQ(text(std::span(&four, 1), strided<float>(x.data(), 2, 3, 1, 2)),
            "fake_quantize: the output overlaps the input without being the same matrix");
}

/// openvino_profile is FakeQuantize as a scale and a zero point: never more than a step away, and only near a tie.
TEST(FakeQuantizeLevels, IsTheOpenVinoProfileButForTies) {
  std::mt19937_64 random(2);
  int different = 0, total = 0;
  for (int n = 0; n < 200; ++n) {
    const range r{-static_cast<float>(random() >> 40) * 0x1p-24F, static_cast<float>(random() >> 40) * 0x1p-24F};
    const fake_quantize_range ends = nncf_ranges(std::span(&r, 1), {.sym = symmetry::asymmetric}).at(0);
    const chosen c = scale_of(ends, u8_per_tensor);
    const level_mapping to_codes{ends.low, ends.high, 0.0F, 255.0F, 256};
    for (int k = 0; k < 500; ++k, ++total) {
      const float x = r.lo + (r.hi - r.lo) * static_cast<float>(random() >> 40) * 0x1p-24F;
      const int code = quantize_one<openvino_profile>(x, c.scale, c.zero_point, 0, 255);
      const float level = fake_quantize_level_one(x, to_codes);
      if (static_cast<float>(code) == level) continue;
      ++different;
      const double exact = (static_cast<double>(x) - static_cast<double>(ends.low)) /
                           (static_cast<double>(ends.high) - static_cast<double>(ends.low)) * 255;
      EXPECT_NEAR(std::abs(exact - std::floor(exact)), 0.5, 1e-4);
      EXPECT_EQ(std::abs(static_cast<float>(code) - level), 1.0F);
    }
  }
  EXPECT_LT(different, total / 1000);
}

}  // namespace fake_quantize_levels_test
