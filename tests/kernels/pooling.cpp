// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Pooling equals its definition, bit for bit, on every instruction set, and touches nothing outside its images.
#include <dyadic/kernels/elementwise.hpp>
#include <dyadic/kernels/reference/pooling.hpp>

#include <cmath>
#include <random>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"
#include "support/guarded.hpp"
#include "support/isas.hpp"

namespace pooling_test {

using namespace dyadic;
using support::against, support::guarded, support::text_of;

struct geometry {
  image_shape shape;
  window taps;
};

std::vector<geometry> geometries() {
  std::vector<geometry> all;
  for (const index_t channels : {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 130})
    all.push_back({{2, 5, 4, channels}, {.size = {2, 2}, .stride = {2, 2}}});
  all.push_back({{1, 7, 9, 5}, {.size = {3, 3}, .padding = {1, 1}}});
  all.push_back({{1, 7, 9, 17}, {.size = {3, 2}, .stride = {2, 3}, .padding = {2, 1}}});
  all.push_back({{3, 4, 4, 3}, {.size = {4, 4}}});  // the whole image
  all.push_back({{1, 1, 1, 2}, {.size = {3, 3}, .padding = {1, 1}}});
  all.push_back({{1, 2, 2, 2}, {.size = {3, 3}}});  // no window
  all.push_back({{0, 4, 4, 2}, {.size = {2, 2}}});
  all.push_back({{1, 40, 45, 3}, {.size = {40, 45}}});  // 1800 taps
  all.push_back({{1, 4, 4, 0}, {.size = {2, 2}}});
  return all;
}

std::size_t outputs_of(const geometry& g) {
  return static_cast<std::size_t>(reference::shape_of_windows(g.shape, g.taps, g.shape.channels).size());
}

/// run(x, y) on every instruction set, x and y against pages that cannot be touched.
template <class T, class Run>
void expect_everywhere(const std::vector<T>& x, const std::vector<T>& expected, Run run) {
  for (const against where : {against::first_page, against::last_page}) {
    const guarded<T> from(std::span<const T>(x), where);
    support::for_each_isa([&](const std::string& isa) {
      const guarded<T> y(expected.size(), where);
      const result<void> ok = run(from.data(), y.data());
      ASSERT_TRUE(ok) << text_of(ok);
      for (std::size_t i = 0; i < expected.size(); ++i)
        ASSERT_EQ(std::memcmp(&y.data()[i], &expected[i], sizeof(T)), 0)
            << isa << ", element " << i << ": " << +y.data()[i] << ", expected " << +expected[i];
    });
    if (testing::Test::HasFatalFailure()) return;
  }
}

std::vector<std::uint8_t> random_codes(const image_shape& s, std::mt19937& random) {
  std::vector<std::uint8_t> x(static_cast<std::size_t>(s.size()));
  for (auto& c : x)
    c = random() % 4 == 0 ? static_cast<std::uint8_t>(random() % 2 * 255) : static_cast<std::uint8_t>(random());
  return x;
}

TEST(Pooling, MaxOfCodes) {
  std::mt19937 random(1);
  for (const geometry& g : geometries()) {
    const auto x = random_codes(g.shape, random);
    std::vector<std::uint8_t> expected(outputs_of(g));
    reference::max_pool(x.data(), g.shape, g.taps, expected.data());
    expect_everywhere(x, expected, [&](const std::uint8_t* from, std::uint8_t* y) {
      return kernels::max_pool(from, g.shape, g.taps, y);
    });
    if (HasFatalFailure()) return;
  }
}

TEST(Pooling, MaxOfReals) {
  std::mt19937 random(2);
  const auto corners = support::corner_numbers();
  for (const geometry& g : geometries()) {
    auto x = support::normal_numbers(static_cast<std::size_t>(g.shape.size()), 3);
    for (float& v : x)
      if (random() % 3 == 0) v = corners[random() % corners.size()];
    std::vector<float> expected(outputs_of(g));
    reference::max_pool(x.data(), g.shape, g.taps, expected.data());
    for (const float v : expected) ASSERT_FALSE(std::isnan(v));
    const auto run = [&](const float* from, float* y) { return kernels::max_pool(from, g.shape, g.taps, y); };
    expect_everywhere(x, expected, run);
    // Subnormal numbers are numbers, whatever the host has set.
    exact::in_every_environment([&] {
      std::vector<float> y(expected.size());
      EXPECT_TRUE(run(x.data(), y.data()));
      EXPECT_EQ(y, expected);
    });
    if (HasFatalFailure()) return;
  }
}

TEST(Pooling, AverageOfCodes) {
  std::mt19937 random(3);
  for (const geometry& g : geometries())
    for (const std::int32_t zero_point : {0, 1, 117, 254, 255}) {
      const auto x = random_codes(g.shape, random);
      std::vector<std::uint8_t> expected(outputs_of(g));
      reference::average_pool(x.data(), g.shape, g.taps, zero_point, expected.data());
      expect_everywhere(x, expected, [&](const std::uint8_t* from, std::uint8_t* y) {
        return kernels::average_pool(from, g.shape, g.taps, zero_point, y);
      });
      if (HasFatalFailure()) return;
    }
}

/// Every sum a window can have, so every tie: n taps of one channel, their total walking from 0 to 255 n in steps that
/// meet all remainders; the zero point's parity decides where a tie goes.
TEST(Pooling, AverageOfCodesAtEveryTie) {
  for (const index_t taps : {2, 3, 4, 6, 9, 16, 36, 2048}) {
    std::vector<std::uint8_t> x;
    const index_t step = taps > 64 ? 257 : 1;
    index_t images = 0;
    for (index_t total = 0; total <= 255 * taps; total += step, ++images)
      for (index_t t = 0; t < taps; ++t)
        x.push_back(static_cast<std::uint8_t>(total / taps + (t < total % taps ? 1 : 0)));
    const geometry g{{images, taps, 1, 1}, {.size = {taps, 1}}};
    for (const std::int32_t zero_point : {0, 1, 128, 255}) {
      std::vector<std::uint8_t> expected(outputs_of(g));
      reference::average_pool(x.data(), g.shape, g.taps, zero_point, expected.data());
      expect_everywhere(x, expected, [&](const std::uint8_t* from, std::uint8_t* y) {
        return kernels::average_pool(from, g.shape, g.taps, zero_point, y);
      });
      if (HasFatalFailure()) return;
    }
  }
}

TEST(Pooling, AverageOfReals) {
  for (const geometry& g : geometries()) {
    const auto x = support::normal_numbers(static_cast<std::size_t>(g.shape.size()), 4, 0x1p-120f);
    std::vector<float> expected(outputs_of(g));
    reference::average_pool(x.data(), g.shape, g.taps, expected.data());
    const auto run = [&](const float* from, float* y) { return kernels::average_pool(from, g.shape, g.taps, y); };
    expect_everywhere(x, expected, run);
    exact::in_every_environment([&] {
      std::vector<float> y(expected.size());
      EXPECT_TRUE(run(x.data(), y.data()));
      EXPECT_EQ(y, expected);
    });
    if (HasFatalFailure()) return;
  }
}

TEST(Pooling, RefusesWhatCannotBe) {
  const std::vector<std::uint8_t> x(64);
  const std::vector<float> real(64);
  std::vector<std::uint8_t> y(64, 77);
  std::vector<float> real_y(64, 77.0f);
  const image_shape s{1, 4, 4, 4};
  const auto max = [&](const image_shape& shape, const window& w) {
    return text_of(kernels::max_pool(x.data(), shape, w, y.data()));
  };
  const auto mean = [&](const window& w, std::int32_t zero) {
    return text_of(kernels::average_pool(x.data(), s, w, zero, y.data()));
  };
  EXPECT_EQ(max(s, {.size = {2, 2}, .padding = {2, 0}}),
            "max_pool: padding 2 x 0 around a window of 2 x 2, expected less");
  EXPECT_EQ(max(s, {.size = {2, 2}, .dilation = {1, 2}}), "max_pool: dilation 1 x 2, expected 1 x 1");
  EXPECT_EQ(max(s, {.size = {2, 0}}), "max_pool: size, stride or dilation of 0, expected 1 to 1048576");
  EXPECT_EQ(max({-1, 4, 4, 4}, {.size = {2, 2}}), "max_pool: image of -1 x 4 x 4 x 4, expected sizes >= 0");
  // Without this a window of nothing but padding would have no taps.
  EXPECT_EQ(max({1, 0, 4, 4}, {.size = {2, 2}, .padding = {1, 1}}),
            "max_pool: images of 0 x 4 pixels, expected at least 1 x 1");
  EXPECT_EQ(mean({.size = {64, 33}}, 0), "average_pool: a window of 64 x 33 taps, expected at most 2048");
  EXPECT_EQ(mean({.size = {2, 2}}, 256), "params: zero point 0 is 256, expected a code in [0, 255]");
  EXPECT_EQ(mean({.size = {2, 2}, .padding = {0, 5}}, 0),
            "average_pool: padding 0 x 5 around a window of 2 x 2, expected less");
  EXPECT_FALSE(kernels::max_pool(real.data(), s, {.size = {2, 2}, .padding = {2, 0}}, real_y.data()));
  EXPECT_FALSE(kernels::average_pool(real.data(), s, {.size = {2, 2}, .padding = {2, 0}}, real_y.data()));
  EXPECT_EQ(y, std::vector<std::uint8_t>(64, 77));
  EXPECT_EQ(real_y, std::vector<float>(64, 77.0f));
}

}  // namespace pooling_test
