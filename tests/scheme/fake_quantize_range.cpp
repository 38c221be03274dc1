// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include <dyadic/scheme/fake_quantize_range.hpp>

#include "support/data.hpp"

namespace fake_quantize_range_test {

using namespace dyadic;
using support::text_of;
using target = nncf_quantizer::target;

constexpr nncf_quantizer activations{}, weights{.of = target::weights}, asymmetric{.sym = symmetry::asymmetric};
constexpr nncf_quantizer half{.of = target::weights, .half_range = true};

fake_quantize_range one(range r, const nncf_quantizer& q) { return nncf_ranges(std::span(&r, 1), q).at(0); }

TEST(FakeQuantizeRange, OfSymmetricWeightsLeavesOutTheLowestCode) {
  EXPECT_EQ(one({-3.0F, 2.0F}, weights), (fake_quantize_range{-3.0F, 3.0F, 255}));
  EXPECT_EQ(one({-0.5F, 2.0F}, {.bits = 4, .of = target::weights}), (fake_quantize_range{-2.0F, 2.0F, 15}));
  // 7 bits in the levels of 8: 127 codes become every other of 255, at most +-63.5 of +-127.
  EXPECT_EQ(one({-3.0F, 2.0F}, half), (fake_quantize_range{-6.0F, 6.0F, 255}));
}

TEST(FakeQuantizeRange, OfSymmetricActivationsKeepsTheLowestCode) {
  EXPECT_EQ(one({-2.0F, 127.0F}, activations), (fake_quantize_range{-128.0F, 127.0F, 256}));
  EXPECT_EQ(one({0.0F, 127.0F}, activations), (fake_quantize_range{0.0F, 127.0F, 256}));
  EXPECT_EQ(one({0.0F, 127.0F}, {.force_signed = true}), (fake_quantize_range{-128.0F, 127.0F, 256}));
  EXPECT_EQ(one({-7.0F, 1.0F}, {.bits = 4}), (fake_quantize_range{-8.0F, 7.0F, 16}));
  // One channel with negative numbers gives all of them.
  const range channels[] = {{0.0F, 127.0F}, {-1.0F, 254.0F}};
  const auto both = nncf_ranges(channels, activations);
  EXPECT_EQ(both[0], (fake_quantize_range{-128.0F, 127.0F, 256}));
  EXPECT_EQ(both[1], (fake_quantize_range{-256.0F, 254.0F, 256}));
}

TEST(FakeQuantizeRange, HasAFloor) {
  const range channels[] = {{-100.0F, 50.0F}, {-1e-9F, 1e-9F}, {-2.0F, 0.0F}};
  const auto all = nncf_ranges(channels, weights);
  EXPECT_EQ(all[1], (fake_quantize_range{-1.0F, 1.0F, 255}));
  EXPECT_EQ(all[2], (fake_quantize_range{-2.0F, 2.0F, 255}));
  EXPECT_EQ(one({0.0F, 0.0F}, weights), (fake_quantize_range{-8e-5F, 8e-5F, 255}));
  const fake_quantize_range nothing = one({0.0F, 0.0F}, asymmetric);
  EXPECT_NEAR(nothing.high - nothing.low, 1.6e-3, 2e-5);
}

/// Each float operation is one of long double rounded to float, which is the same number since 64 >= 2 * 24 + 2 bits.
/// Not inlined: compilers would see the float operations, and fuse two of them.
[[gnu::noinline]] float f(long double x) { return static_cast<float>(x); }

/// asymmetric_range and tune_range of NNCF, operation by operation.
fake_quantize_range nncf_asymmetric(range r, int bits) {
  const long double length = f(static_cast<long double>(r.hi) - r.lo);
  const float correction = length > 8e-4F ? 0.0F : 8e-4F;
  const float left = std::fmin(f(static_cast<long double>(r.lo) - correction), 0.0F);
  const float right = std::fmax(f(static_cast<long double>(r.hi) + correction), 0.0F);
  const float level_high = static_cast<float>((1 << bits) - 1);
  const float s = f(static_cast<long double>(level_high) / f(static_cast<long double>(right) - left));
  const float q = std::nearbyint(f(-static_cast<long double>(left) * s));
  const float ra =
      q < level_high ? f(static_cast<long double>(f(static_cast<long double>(q) / (q - level_high))) * right) : left;
  const float rb = q > 0 ? f(static_cast<long double>(f(static_cast<long double>(q - level_high) / q)) * left) : right;
  const float range_a = f(static_cast<long double>(right) - ra), range_b = f(static_cast<long double>(rb) - left);
  const float mask = range_a > range_b ? 1.0F : 0.0F;
  return {mask * ra + (1 - mask) * left, (1 - mask) * rb + mask * right, 1 << bits};
}

TEST(FakeQuantizeRange, OfAsymmetricRangesMakesZeroALevel) {
  std::mt19937_64 random(1);
  int inside = 0;
  for (int n = 0; n < 200'000; ++n) {
    const float size = std::ldexp(1.0F, static_cast<int>(random() % 40) - 20);
    const auto uniform = [&] { return static_cast<float>(random() >> 40) * 0x1p-24F * size; };
    range r{-uniform(), uniform()};
    if (n % 4 == 1) r.lo = r.hi * 0.25F;
    if (n % 4 == 2) r.hi = r.lo * 0.25F;
    const int bits = n % 3 == 0 ? 4 : 8;
    const fake_quantize_range ours = one(r, {.bits = bits, .sym = symmetry::asymmetric});
    ASSERT_EQ(ours, nncf_asymmetric(r, bits)) << r.lo << ' ' << r.hi;
    ASSERT_LE(ours.low, std::min(r.lo, 0.0F));
    ASSERT_GE(ours.high, std::max(r.hi, 0.0F));
    const double level = -static_cast<double>(ours.low) /
                         (static_cast<double>(ours.high) - static_cast<double>(ours.low)) * (ours.levels - 1);
    const bool at_an_end = level < 0.5 || level > ours.levels - 1.5;
    ASSERT_NEAR(level, std::nearbyint(level), at_an_end ? 0.5 : 1e-4);
    inside += at_an_end ? 0 : 1;
  }
  EXPECT_GT(inside, 90'000);
}

TEST(FakeQuantizeRange, GivesScaleAndZeroPoint) {
  EXPECT_EQ(scale_of({-128.0F, 127.0F, 256}, s8_asymmetric_per_tensor), (chosen{1.0F, 0, false}));
  EXPECT_EQ(scale_of({-128.0F, 127.0F, 256}, u8_per_tensor), (chosen{1.0F, 128, false}));
  EXPECT_EQ(scale_of({0.0F, 255.0F, 256}, s8_asymmetric_per_tensor), (chosen{1.0F, -128, false}));
  EXPECT_EQ(scale_of({-127.0F, 127.0F, 255}, s8_narrow_per_tensor), (chosen{1.0F, 0, false}));
  EXPECT_EQ(scale_of({0.0F, 0.0F, 256}, u8_per_tensor), (chosen{0x1p-23F, 0, true}));
}

TEST(FakeQuantizeRange, RefusesWhatNncfDoesNot) {
  const float most = std::numeric_limits<float>::max(), nan = std::numeric_limits<float>::quiet_NaN();
  const auto text = [](range r, const nncf_quantizer& q) { return text_of(try_nncf_ranges(std::span(&r, 1), q)); };
  EXPECT_EQ(text({0.0F, 1.0F}, {.bits = 1}), "nncf_ranges: 1 bits given, expected 2 to 16");
  EXPECT_EQ(text({0.0F, 1.0F}, {.half_range = true}),
            "nncf_ranges: half range of symmetric 8-bit activations, expected symmetric weights");
  EXPECT_EQ(text({nan, 1.0F}, weights), "range: [nan, 1] given, expected finite ends with lo <= hi");
  EXPECT_EQ(text({-most, most}, weights),
            "nncf_ranges: [-3.40282347e+38, 3.40282347e+38] given, whose levels have no finite length");
  EXPECT_EQ(text_of(try_nncf_ranges({}, weights)), "nncf_ranges: no channels given, expected one or more");
  EXPECT_EQ(text_of(try_scale_of({1.0F, 2.0F, 256}, u8_per_tensor)),
            "scale_of: levels from 1 to 2, expected 0 between them");
  EXPECT_EQ(text_of(try_scale_of({-1.0F, 2.0F, 255}, u8_per_tensor)), "scale_of: 255 levels for a scheme of 256 codes");
}

}  // namespace fake_quantize_range_test
