// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>

#include <dyadic/quantize/scalar.hpp>
#include <dyadic/scheme/choose.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace choose_test {

using namespace dyadic;
using support::text_of;

constexpr float most = std::numeric_limits<float>::max();
constexpr scheme s4_asymmetric{.bits = 4, .sym = symmetry::asymmetric};
constexpr scheme u8_symmetric{.bits = 8, .is_signed = false};

std::vector<scheme> schemes() {
  std::vector<scheme> all = support::every_width();
  all.push_back(s8_per_row);
  all.push_back(u4_per_group<32>);
  return all;
}

TEST(Choose, PutsTheZeroPointOfAOneSidedRangeAtAnEnd) {
  for (const profile& p : {onnx_profile, tflite_profile, pytorch_profile}) {
    EXPECT_EQ(choose(u8_per_tensor, p, {0.0F, 6.0F}).zero_point, 0);
    EXPECT_EQ(choose(u8_per_tensor, p, {2.0F, 6.0F}), choose(u8_per_tensor, p, {0.0F, 6.0F}));
    EXPECT_EQ(choose(u8_per_tensor, p, {-6.0F, 0.0F}).zero_point, 255);
    EXPECT_EQ(choose(u8_per_tensor, p, {-6.0F, -2.0F}), choose(u8_per_tensor, p, {-6.0F, 0.0F}));
    EXPECT_EQ(choose(s8_asymmetric_per_tensor, p, {2.0F, 6.0F}).zero_point, -128);
    EXPECT_EQ(choose(s8_asymmetric_per_tensor, p, {-6.0F, -2.0F}).zero_point, 127);
    EXPECT_EQ(choose(u8_per_tensor, p, {2.0F, 6.0F}).scale, 6.0F / 255.0F);
    EXPECT_EQ(choose(s8_per_tensor, p, {2.0F, 6.0F}).zero_point, 0);
    EXPECT_EQ(choose(u8_symmetric, p, {2.0F, 6.0F}).zero_point, 128);
  }
}

TEST(Choose, DividesTheLargerMagnitudeOfASymmetricRange) {
  for (const range r : {range{-3.0F, 2.0F}, range{-2.0F, 3.0F}, range{1.0F, 3.0F}, range{-3.0F, -1.0F}}) {
    EXPECT_EQ(choose<s8_per_tensor>(r).scale, 3.0F / 127.0F);
    EXPECT_EQ(choose<s8_per_row>(r).scale, 3.0F / 127.0F);
    EXPECT_EQ(choose<u8_symmetric>(r).scale, 3.0F / 127.0F);
    EXPECT_EQ((choose<s8_per_tensor, tflite_profile>(r).scale), 3.0F / 127.0F);
    EXPECT_EQ((choose<s8_per_tensor, pytorch_profile>(r).scale), 3.0F / 127.5F);
    EXPECT_EQ((choose<s8_per_row, pytorch_profile>(r).scale), 3.0F / 127.0F);  // [-127, 127] has no half step
    EXPECT_EQ((choose<u8_symmetric, pytorch_profile>(r).scale), 3.0F / 127.5F);
    EXPECT_EQ(choose<s4_per_tensor>(r).scale, 3.0F / 7.0F);
    EXPECT_EQ((choose<s4_per_tensor, pytorch_profile>(r).scale), 3.0F / 7.5F);
  }
}

TEST(Choose, AnswersARangeOfNothing) {
  for (const range r : {range{0.0F, 0.0F}, range{-0.0F, 0.0F}, range{-1e-40F, 1e-40F}, range{0.0F, 0x1p-126F}}) {
    for (const scheme& s : schemes()) {
      if (s.levels() < 16 && r.hi == 0x1p-126F)
        continue;  // there the scale is still below the smallest, but not by much
      const std::int32_t nearest_zero = s.asymmetric() ? 0 : s.middle();
      EXPECT_EQ(choose(s, onnx_profile, r), (chosen{1.0F, nearest_zero, true}));
      EXPECT_EQ(choose(s, tflite_profile, r), (chosen{1.0F, nearest_zero, true}));
      EXPECT_EQ(choose(s, pytorch_profile, r), (chosen{0x1p-23F, s.asymmetric() ? s.qmin() : s.middle(), true}));
    }
  }
}

TEST(Choose, TakesTheSmallestScaleThatIsNormal) {
  EXPECT_EQ(choose<s8_per_tensor>({0.0F, 0x1p-126F * 127.0F}), (chosen{0x1p-126F, 0, false}));
  EXPECT_TRUE(choose<s8_per_tensor>({0.0F, 0x1p-126F * 126.0F}).degenerate);
  EXPECT_EQ((choose<s8_per_tensor, pytorch_profile>({0.0F, 0x1p-23F * 127.5F})), (chosen{0x1p-23F, 0, false}));
  EXPECT_EQ((choose<u8_per_tensor, pytorch_profile>({-0x1p-23F, 0x1p-23F})), (chosen{0x1p-23F, 1, true}));
}

TEST(Choose, DoesNotOverflowOnTheWidestRanges) {
  for (const scheme& s : schemes())
    for (const profile& p : support::profiles)
      for (const range r : {range{-most, most}, range{0.0F, most}, range{-most, 0.0F}, range{-most, most / 3}}) {
        const chosen c = choose(s, p, r);
        EXPECT_LE(c.scale, 0x1p126F);
        // Never far below what the range asks for: the largest finite distance is at least half of the range.
        EXPECT_GE(c.scale * static_cast<float>(s.qmax() - s.qmin()), most / 4);
        for (const int code : {s.qmin(), s.qmax()})
          EXPECT_LE(std::abs(dequantize_one(code, c.scale, c.zero_point)), most) << s.bits << ' ' << code;
      }
  EXPECT_EQ(choose<u8_per_tensor>({-most, most}).zero_point, 128);  // 127.5, half to even
}

TEST(Choose, KeepsZeroExactWhateverTheRange) {
  std::mt19937_64 random(1);
  const std::vector<scheme> all = schemes();
  for (int n = 0; n < 100'000; ++n) {
    float lo = support::any_finite(random), hi = support::any_finite(random);
    if (n % 2 == 0) hi = lo * static_cast<float>(random() >> 40) * -0x1p-22F;  // comparable ends, of either sign
    if (!(hi >= -most && hi <= most)) continue;
    if (hi < lo) std::swap(lo, hi);
    const scheme& s = all[random() % all.size()];
    for (const profile& p : {onnx_profile, tflite_profile, pytorch_profile}) {
      const chosen c = choose(s, p, {lo, hi});
      ASSERT_GE(c.zero_point, s.qmin());
      ASSERT_LE(c.zero_point, s.qmax());
      ASSERT_TRUE(c.scale >= 0x1p-126F && c.scale <= 0x1p126F) << lo << ' ' << hi;
      ASSERT_EQ(std::bit_cast<std::uint32_t>(dequantize_one(c.zero_point, c.scale, c.zero_point)), 0U);
      ASSERT_LE(std::abs(dequantize_one(s.qmin(), c.scale, c.zero_point)), most);
      ASSERT_LE(std::abs(dequantize_one(s.qmax(), c.scale, c.zero_point)), most);
      if (!s.asymmetric()) {
        ASSERT_EQ(c.zero_point, s.middle());
      }
    }
  }
}

/// The formulas as the frameworks write them. Each float operation is one of long double rounded to float, which is the
/// same number since 64 >= 2 * 24 + 2 bits.
float f(long double x) { return static_cast<float>(x); }

chosen onnx(const scheme& s, range r) {
  const float lo = std::fmin(r.lo, 0.0F), hi = std::fmax(r.hi, 0.0F);
  const auto qmin = static_cast<float>(s.qmin()), qmax = static_cast<float>(s.qmax());
  const float scale = f(static_cast<long double>(f(static_cast<long double>(hi) - lo)) / (qmax - qmin));
  const float zero = f(static_cast<long double>(qmin) - f(static_cast<long double>(lo) / scale));
  return {scale, static_cast<std::int32_t>(std::nearbyint(std::fmax(qmin, std::fmin(qmax, zero)))), false};
}

chosen pytorch(const scheme& s, range r) {
  const float lo = std::fmin(r.lo, 0.0F), hi = std::fmax(r.hi, 0.0F);
  const float levels = static_cast<float>(s.qmax() - s.qmin());
  const float quotient = f(static_cast<long double>(f(static_cast<long double>(hi) - lo)) / levels);
  const float scale = std::fmax(quotient, std::numeric_limits<float>::epsilon());
  const float zero = static_cast<float>(s.qmin()) - std::nearbyint(f(static_cast<long double>(lo) / scale));
  const float clipped = std::fmax(static_cast<float>(s.qmin()), std::fmin(static_cast<float>(s.qmax()), zero));
  return {scale, static_cast<std::int32_t>(clipped), quotient < scale};
}

/// \param other  take the zero point from the end with the larger error, as TensorFlow Lite does not.
chosen tflite(const scheme& s, range r, bool other = false) {
  const double lo = std::fmin(r.lo, 0.0F), hi = std::fmax(r.hi, 0.0F), qmin = s.qmin(), qmax = s.qmax();
  const double scale = (hi - lo) / (qmax - qmin);
  const double from_min = qmin - lo / scale, from_max = qmax - hi / scale;
  const double min_error = std::abs(qmin) + std::abs(lo / scale), max_error = std::abs(qmax) + std::abs(hi / scale);
  const double zero = (min_error < max_error) != other ? from_min : from_max;
  const double nudged = zero < qmin ? qmin : zero > qmax ? qmax : std::round(zero);
  return {static_cast<float>(scale), static_cast<std::int32_t>(nudged), false};
}

TEST(Choose, FollowsTheFormulasOfTheFrameworks) {
  std::mt19937_64 random(2);
  const auto uniform = [&] { return static_cast<float>(static_cast<double>(random() >> 11) * 0x1p-53); };
  int far_end = 0, ties = 0, ends = 0;
  for (int n = 0; n < 200'000; ++n) {
    const float size = std::ldexp(1.0F, static_cast<int>(random() % 160) - 80);
    range r{-uniform() * size, uniform() * size};
    if (n % 5 == 0) r.lo = r.hi * uniform();
    if (n % 5 == 1) r.hi = r.lo * uniform();
    if (n % 5 == 2) {  // halves of a step: where the roundings of the zero point differ
      const auto steps = static_cast<float>(2 * (random() % 120) + 1);
      r = {-steps * 0.5F * size, (255.0F - steps * 0.5F) * size};
    }
    if (n % 5 == 3) {  // the same where no float is the scale: the end that counts decides by its own rounding error
      const int divisors[] = {3, 5, 15, 17, 51, 85};
      const int k = divisors[random() % 6];
      const auto unit = static_cast<float>(1 + random() % 1000);
      r = {-unit, unit * static_cast<float>(510 / k - 1)};
      if (random() % 2 == 0) r = {-r.hi, -r.lo};
    }
    for (const scheme& s : {u8_per_tensor, s8_asymmetric_per_tensor, s4_asymmetric, u4_per_row, u16_per_tensor}) {
      ASSERT_EQ(choose(s, onnx_profile, r), onnx(s, r)) << r.lo << ' ' << r.hi;
      ASSERT_EQ(choose(s, pytorch_profile, r), pytorch(s, r)) << r.lo << ' ' << r.hi;
      ASSERT_EQ(choose(s, tflite_profile, r), tflite(s, r)) << r.lo << ' ' << r.hi;
      far_end += tflite(s, r).zero_point != onnx(s, r).zero_point;
      ties += pytorch(s, r).zero_point != onnx(s, r).zero_point;
      ends += tflite(s, r).zero_point != tflite(s, r, true).zero_point;
    }
  }
  EXPECT_GT(far_end, 100) << "the data do not tell the profiles apart";
  EXPECT_GT(ties, 100);
  EXPECT_GT(ends, 100);
}

TEST(Choose, GivesWhatPyTorchGave) {
  // MinMaxObserver of PyTorch 1.13.1 on {lo, hi}: qint8 and quint8, affine and symmetric.
  struct vector {
    scheme s;
    range r;
    float scale;
    std::int32_t zero_point;
  };
  const vector all[] = {
      {s8_asymmetric_per_tensor, {-0x1p0F, 0x1.8p1F}, 0x1.010102p-6F, -64},
      {u8_per_tensor, {-0x1p0F, 0x1.8p1F}, 0x1.010102p-6F, 64},
      {s8_per_tensor, {-0x1p0F, 0x1.8p1F}, 0x1.818182p-6F, 0},
      {u8_symmetric, {-0x1p0F, 0x1.8p1F}, 0x1.818182p-6F, 128},
      {s8_asymmetric_per_tensor, {0x1p1F, 0x1.8p2F}, 0x1.818182p-6F, -128},
      {u8_per_tensor, {0x1p1F, 0x1.8p2F}, 0x1.818182p-6F, 0},
      {s8_per_tensor, {0x1p1F, 0x1.8p2F}, 0x1.818182p-5F, 0},
      {s8_asymmetric_per_tensor, {-0x1.8p2F, -0x1p1F}, 0x1.818182p-6F, 127},
      {u8_per_tensor, {-0x1.8p2F, -0x1p1F}, 0x1.818182p-6F, 255},
      {u8_symmetric, {-0x1.8p2F, -0x1p1F}, 0x1.818182p-5F, 128},
      {s8_asymmetric_per_tensor, {0x0p0F, 0x0p0F}, 0x1p-23F, -128},
      {u8_per_tensor, {0x0p0F, 0x0p0F}, 0x1p-23F, 0},
      {s8_per_tensor, {0x0p0F, 0x0p0F}, 0x1p-23F, 0},
      {u8_symmetric, {0x0p0F, 0x0p0F}, 0x1p-23F, 128},
      {s8_asymmetric_per_tensor, {-0x1p-1F, 0x1.fdp6F}, 0x1.00808p-1F, -127},
      {u8_per_tensor, {-0x1p-1F, 0x1.fdp6F}, 0x1.00808p-1F, 1},
      {s8_per_tensor, {-0x1p-1F, 0x1.fdp6F}, 0x1.fefefep-1F, 0},
      {s8_asymmetric_per_tensor, {-0x1.fcp5F, 0x1p6F}, 0x1p-1F, -1},
      {u8_per_tensor, {-0x1.fcp5F, 0x1p6F}, 0x1p-1F, 127},
      {s8_asymmetric_per_tensor, {-0x1.4p1F, 0x1.f9p7F}, 0x1p0F, -126},
      {u8_per_tensor, {-0x1.4p1F, 0x1.f9p7F}, 0x1p0F, 2},
      {s8_per_tensor, {-0x1.4p1F, 0x1.f9p7F}, 0x1.fafafap0F, 0},
      {u8_per_tensor, {-0x1.4484cp-100F, 0x1.4484cp-100F}, 0x1p-23F, 0},
      {s8_asymmetric_per_tensor, {-0x1.0c6f7ap-20F, 0x1.92a738p-19F}, 0x1p-23F, -120},
      {u8_per_tensor, {-0x1.0c6f7ap-20F, 0x1.92a738p-19F}, 0x1p-23F, 8},
      {s8_asymmetric_per_tensor, {-0x1.99999ap-4F, 0x1.666666p-1F}, 0x1.9b34cep-9F, -96},
      {s8_per_tensor, {-0x1.99999ap-4F, 0x1.666666p-1F}, 0x1.67ce34p-8F, 0},
      {s8_asymmetric_per_tensor, {-0x1.93e594p99F, 0x1.5af1d8p66F}, 0x1.957b1p91F, 127},
      {u8_per_tensor, {-0x1.93e594p99F, 0x1.5af1d8p66F}, 0x1.957b1p91F, 255},
      {u8_symmetric, {-0x1.93e594p99F, 0x1.5af1d8p66F}, 0x1.957b1p92F, 128},
  };
  for (const vector& v : all) {
    const chosen c = choose(v.s, pytorch_profile, v.r);
    EXPECT_EQ(c.scale, v.scale) << v.r.lo << ' ' << v.r.hi;
    EXPECT_EQ(c.zero_point, v.zero_point) << v.r.lo << ' ' << v.r.hi;
  }
}

TEST(Choose, GivesTheSameInEveryFloatingPointEnvironment) {
  std::mt19937_64 random(3);
  std::vector<range> ranges{{-1e-38F, 1e-38F}, {-most, most}, {0.0F, 0x1p-126F * 255.0F}, {-3.0F, 1.0F}};
  for (int n = 0; n < 2'000; ++n) {
    const float a = support::any_finite(random), b = support::any_finite(random);
    ranges.push_back({std::fmin(a, b), std::fmax(a, b)});
  }
  std::vector<chosen> expected;
  for (const range& r : ranges)
    for (const scheme& s : {u8_per_tensor, s8_per_tensor, u16_per_tensor})
      for (const profile& p : support::profiles) expected.push_back(choose(s, p, r));
  exact::in_every_environment([&] {
    std::size_t at = 0;
    std::size_t different = 0;
    for (const range& r : ranges)
      for (const scheme& s : {u8_per_tensor, s8_per_tensor, u16_per_tensor})
        for (const profile& p : support::profiles) {
          const chosen c = choose(s, p, r), e = expected[at++];
          different += std::bit_cast<std::uint32_t>(c.scale) != std::bit_cast<std::uint32_t>(e.scale) ||
                       c.zero_point != e.zero_point || c.degenerate != e.degenerate;
        }
    EXPECT_EQ(different, 0U);
  });
}

TEST(Choose, RefusesARangeThatIsNone) {
  const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(text_of(try_choose<u8_per_tensor>({2.0F, -1.5F})),
            "range: [2, -1.5] given, expected finite ends with lo <= hi");
  EXPECT_EQ(text_of(try_choose<u8_per_tensor>({nan, 1.0F})),
            "range: [nan, 1] given, expected finite ends with lo <= hi");
  EXPECT_EQ(text_of(try_choose<s8_per_tensor>({0.0F, infinity})),
            "range: [0, inf] given, expected finite ends with lo <= hi");
  EXPECT_FALSE(try_choose<s8_per_tensor>({-infinity, 0.0F}));
  EXPECT_FALSE(try_choose<s8_per_tensor>({0.0F, nan}));
  EXPECT_FALSE(try_choose<s8_per_tensor>({-infinity, infinity}));
  EXPECT_EQ(try_choose<u8_per_tensor>({2.0F, -1.5F}).error().code(), errc::invalid_range);
  EXPECT_THROW(choose<u8_per_tensor>({2.0F, -1.5F}), std::invalid_argument);
}

TEST(Choose, RefusesASchemeOrProfileThatCannotExist) {
  EXPECT_EQ(text_of(try_choose({.bits = 9}, onnx_profile, {-1.0F, 1.0F})), "scheme: 9 bits, expected 2 to 8 or 16");
  profile flushing = onnx_profile;
  flushing.smallest_scale_exponent = -127;
  EXPECT_EQ(text_of(try_choose(u8_per_tensor, flushing, {-1.0F, 1.0F})),
            "profile: smallest scale 2^-127, expected an exponent in [-126, 126]");
}

TEST(Choose, GivesTheSameAtCompileAndRunTime) {
  std::mt19937_64 random(4);
  for (int n = 0; n < 1'000; ++n) {
    const float a = support::any_finite(random), b = support::any_finite(random);
    const range r{std::fmin(a, b), std::fmax(a, b)};
    ASSERT_EQ((choose<u8_per_tensor>(r)), choose(u8_per_tensor, onnx_profile, r));
    ASSERT_EQ((choose<s4_per_group<32>, tflite_profile>(r)), choose(s4_per_group<32>, tflite_profile, r));
    ASSERT_EQ((choose<s8_per_tensor, pytorch_profile>(r)), choose(s8_per_tensor, pytorch_profile, r));
  }
}

/// compute_scale_zp of ONNX Runtime's quant_utils.py, for codes [qmin, qmax]: float32 ends, their float32 difference, and
/// float64 from there on.
chosen onnxruntime(const code_range& codes, range r, bool symmetric) {
  float lo = std::fmin(r.lo, 0.0F), hi = std::fmax(r.hi, 0.0F);
  if (symmetric) hi = std::fmax(-lo, hi), lo = -hi;
  const double span = f(static_cast<long double>(hi) - lo), qmin = codes.qmin, qmax = codes.qmax;
  const double scale = span / (qmax - qmin);
  if (scale < 0x1p-126) return {1.0F, 0, true};
  const double zero =
      symmetric ? std::nearbyint((qmin + qmax) / 2) : std::nearbyint(qmin - static_cast<double>(lo) / scale);
  return {static_cast<float>(scale), static_cast<std::int32_t>(zero), false};
}

TEST(Choose, FollowsOnnxRuntimesQuantizer) {
  std::mt19937_64 random(5);
  int different = 0;
  for (int n = 0; n < 100'000; ++n) {
    const auto uniform = [&] { return static_cast<float>(random() >> 40) * 0x1p-24F; };
    const float size = std::ldexp(1.0F, static_cast<int>(random() % 100) - 50);
    range r{-uniform() * size, uniform() * size};
    if (n % 3 == 0) {  // halves of a step
      const auto steps = static_cast<float>(2 * (random() % 120) + 1);
      r = {-steps * 0.5F * size, (255.0F - steps * 0.5F) * size};
    }
    for (const scheme& s : {u8_per_tensor, s8_asymmetric_per_tensor, u16_per_tensor, u4_per_row, s4_asymmetric})
      for (const code_range& codes : {codes_of(s), onnxruntime_reduced_codes(s)}) {
        ASSERT_EQ(choose(s, onnxruntime_profile, codes, r), onnxruntime(codes, r, false)) << r.lo << ' ' << r.hi;
        different += choose(s, onnx_profile, codes, r) != onnxruntime(codes, r, false);
      }
    for (const scheme& s : {s8_narrow_per_tensor, s4_per_tensor.with(granularity::per_row)}) {
      const code_range codes = s.bits == 8 ? codes_of(s) : code_range{-7, 7};
      ASSERT_EQ(choose(s, onnxruntime_profile, codes, r), onnxruntime(codes, r, true));
    }
    ASSERT_EQ(choose(s8_per_tensor, onnxruntime_profile, onnxruntime_reduced_codes(s8_per_tensor), r),
              onnxruntime({-64, 64}, r, true));
    // Symmetric uint8: an asymmetric scheme over equal ends and the codes [0, 254].
    const float most_of = std::fmax(-r.lo, r.hi);
    ASSERT_EQ(choose(u8_per_tensor, onnxruntime_profile, {0, 254}, {-most_of, most_of}),
              onnxruntime({0, 254}, r, true));
  }
  EXPECT_GT(different, 100);
}

TEST(Choose, SpreadsARangeOverFewerCodes) {
  EXPECT_EQ(pytorch_reduced_codes(s8_per_tensor), (code_range{-64, 63}));
  EXPECT_EQ(pytorch_reduced_codes(u8_per_tensor), (code_range{0, 127}));
  EXPECT_EQ(onnxruntime_reduced_codes(s8_per_tensor), (code_range{-64, 64}));
  EXPECT_EQ(onnxruntime_reduced_codes(u8_per_tensor), (code_range{0, 127}));
  EXPECT_EQ(onnxruntime_reduced_codes(s16_per_tensor), (code_range{-16384, 16384}));
  EXPECT_EQ(onnxruntime_reduced_codes(s4_per_tensor), (code_range{-4, 3}));
  EXPECT_EQ(onnxruntime_reduced_codes(u4_per_row), (code_range{0, 7}));

  const range r{-3.0F, 2.0F};
  EXPECT_EQ(choose(s8_per_tensor, pytorch_profile, pytorch_reduced_codes(s8_per_tensor), r).scale, 3.0F / 63.5F);
  EXPECT_EQ(choose(s8_per_tensor, onnx_profile, onnxruntime_reduced_codes(s8_per_tensor), r).scale, 3.0F / 64.0F);
  EXPECT_EQ(choose(u8_per_tensor, onnx_profile, {0, 127}, r), (chosen{5.0F / 127.0F, 76, false}));
  EXPECT_EQ(choose(s8_asymmetric_per_tensor, onnx_profile, {-64, 64}, {0.0F, 1.0F}).zero_point, -64);
  for (const profile& p : support::profiles)
    for (const scheme& s : schemes()) EXPECT_EQ(choose(s, p, codes_of(s), r), choose(s, p, r));
}

TEST(Choose, RefusesCodesThatAreNone) {
  const range r{-1.0F, 1.0F};
  EXPECT_EQ(text_of(try_choose(u8_per_tensor, onnx_profile, {0, 256}, r)),
            "choose: codes [0, 256] given, expected two or more of [0, 255]");
  EXPECT_EQ(text_of(try_choose(s8_per_row, onnx_profile, {-128, 127}, r)),
            "choose: codes [-128, 127] given, expected two or more of [-127, 127]");
  EXPECT_EQ(text_of(try_choose(u8_per_tensor, onnx_profile, {7, 7}, r)),
            "choose: codes [7, 7] given, expected two or more of [0, 255]");
  // PyTorch refuses reduce_range with symmetric quint8 too: its zero point 128 is none of the codes.
  EXPECT_EQ(text_of(try_choose(u8_symmetric, pytorch_profile, pytorch_reduced_codes(u8_symmetric), r)),
            "choose: codes [0, 127] of a symmetric scheme, expected some on both sides of 128");
  EXPECT_FALSE(try_choose(s4_per_tensor, ggml_q4_0_profile, {0, 7}, r));  // absmax / 0
  EXPECT_EQ(text_of(try_choose({.bits = 40}, onnx_profile, {0, 1}, r)), "scheme: 40 bits, expected 2 to 8 or 16");
}

TEST(Choose, HasNoZeroPointsWhereTheProfileHasNone) {
  EXPECT_EQ(text_of(try_choose(u8_per_tensor, tensorrt_profile, {-1.0F, 1.0F})),
            "profile: an asymmetric scheme of 8 bits given, expected a symmetric one: it has no zero points");
  EXPECT_FALSE(try_choose(u4_per_row, ggml_profile, {-1.0F, 1.0F}));
  EXPECT_EQ(choose(s8_per_tensor, tensorrt_profile, {-3.0F, 2.0F}), (chosen{3.0F / 127.0F, 0, false}));
  EXPECT_EQ(choose(s8_per_tensor, ggml_profile, {-3.0F, 2.0F}), (chosen{3.0F / 127.0F, 0, false}));
  EXPECT_EQ(choose(s4_per_tensor, ggml_q4_0_profile, {-3.0F, 2.0F}), (chosen{3.0F / 8.0F, 0, false}));
  EXPECT_EQ(choose(s4_per_tensor, ggml_q4_0_profile, {-2.0F, 3.0F}), (chosen{3.0F / 8.0F, 0, false}));
}

TEST(Choose, CallsAMagnitudeNothingWhereTheProfileDoes) {
  EXPECT_EQ(choose(s8_per_tensor, tensorrt_profile, {-0x1p-24F, 0x1p-30F}), (chosen{1.0F, 0, true}));
  EXPECT_EQ(choose(s8_per_tensor, tensorrt_profile, {0.0F, 0x1.000002p-24F}),
            (chosen{0x1.000002p-24F / 127.0F, 0, false}));
  EXPECT_EQ(choose(s8_per_tensor, tensorrt_profile, {0.0F, 0.0F}), (chosen{1.0F, 0, true}));
  profile p = onnx_profile;
  p.negligible_exponent = -151;
  EXPECT_EQ(text_of(try_choose(u8_per_tensor, p, {-1.0F, 1.0F})),
            "profile: negligible magnitude 2^-151, expected an exponent in [-150, 126]");
  p.negligible_exponent = -149;
  EXPECT_EQ(choose(u8_per_tensor, p, {-0x1p-149F, 0.0F}), (chosen{1.0F, 0, true}));
}

static_assert(detail::double_power_of_two(-150) == 0x1p-150 && detail::double_power_of_two(-120) == 0x1p-120);
static_assert(detail::double_power_of_two(-24) == 0x1p-24 && detail::double_power_of_two(126) == 0x1p126);
static_assert(detail::power_of_two(-126) == 0x1p-126F && detail::power_of_two(-23) == 0x1p-23F);
static_assert(detail::power_of_two(0) == 1.0F && detail::power_of_two(126) == 0x1p126F);

}  // namespace choose_test
