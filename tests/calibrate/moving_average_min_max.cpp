// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <stdexcept>

#include <dyadic/calibrate/moving_average_min_max.hpp>
#include <dyadic/calibrate/state_text.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace moving_average_min_max_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;

static_assert(observer<moving_average_min_max>);
static_assert(!mergeable_observer<moving_average_min_max>, "two shards have no common result");

const float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

TEST(MovingAverageMinMax, GivesWhatPyTorchGave) {
  // MovingAverageMinMaxObserver of PyTorch 1.13.1, averaging_constant 0.01 and 0.3.
  struct step {
    float lo, hi, min_01, max_01, min_3, max_3;
  };
  const step steps[] = {
      {-1.1F, 2.3F, -0x1.19999ap0F, 0x1.266666p1F, -0x1.19999ap0F, 0x1.266666p1F},
      {0.7F, 5.9F, -0x1.14fdf4p0F, 0x1.2b020cp1F, -0x1.1eb852p-1F, 0x1.b0a3d8p1F},
      {-8.25F, 0.1F, -0x1.275792p0F, 0x1.28255ap1F, -0x1.6ef9dcp1F, 0x1.32b02p1F},
      {1e-3F, 1e3F, -0x1.2462d6p0F, 0x1.894bccp3F, -0x1.00d846p1F, 0x1.2dad5ep8F},
      {-3e38F, 3e38F, -0x1.20e3b6p121F, 0x1.20e3b6p121F, -0x1.0ed57cp126F, 0x1.0ed57cp126F},
      {0.25F, 0.5F, -0x1.1e0028p121F, 0x1.1e0028p121F, -0x1.7b2aep125F, 0x1.7b2aep125F},
  };
  exact::in_every_environment([&] {
    moving_average_min_max slow, fast(0.3F);
    for (const step& s : steps) {
      slow.observe(Floats{s.lo, s.hi});
      fast.observe(Floats{s.hi, s.lo});
      EXPECT_EQ(slow.seen().min, s.min_01);
      EXPECT_EQ(slow.seen().max, s.max_01);
      EXPECT_EQ(fast.seen().min, s.min_3);
      EXPECT_EQ(fast.seen().max, s.max_3);
    }
  });
}

TEST(MovingAverageMinMax, DependsOnTheOrder) {
  moving_average_min_max one, other;
  one.observe(Floats{0.0F, 1.0F});
  one.observe(Floats{0.0F, 9.0F});
  other.observe(Floats{0.0F, 9.0F});
  other.observe(Floats{0.0F, 1.0F});
  EXPECT_NE(one.seen().max, other.seen().max);
}

TEST(MovingAverageMinMax, IsNotMovedByWhatIsNoNumber) {
  moving_average_min_max o;
  o.observe(Floats{nan, infinity});
  EXPECT_TRUE(o.seen().empty());
  o.observe(Floats{-2.0F, 4.0F, nan});
  o.observe(Floats{nan, -infinity});
  EXPECT_EQ(o.seen().min, -2.0F);
  EXPECT_EQ(o.seen().max, 4.0F);
  EXPECT_EQ(o.seen().finite, 2U);
  EXPECT_EQ(o.seen().nan, 3U);
  EXPECT_EQ(o.seen().positive_infinity, 1U);
  EXPECT_EQ(o.seen().negative_infinity, 1U);
}

TEST(MovingAverageMinMax, FollowsEndsWhoseDifferenceOverflows) {
  const float most = std::numeric_limits<float>::max();
  moving_average_min_max o(0.5F);
  o.observe(Floats{-most});
  o.observe(Floats{most});
  EXPECT_EQ(o.seen().min, 0.0F);
  moving_average_min_max all(1.0F);
  all.observe(Floats{-most});
  all.observe(Floats{most});
  EXPECT_EQ(all.seen().max, most);
}

TEST(MovingAverageMinMax, ObservesMatricesAndRefusesNone) {
  moving_average_min_max o;
  const float x[] = {1.0F, 50.0F, 3.0F, 50.0F};
  o.observe(strided<const float>(x, 2, 1, 2, 1));
  EXPECT_EQ(o.seen().max, 3.0F);
  EXPECT_EQ(text_of(o.try_observe(strided<const float>(nullptr, 1, 1))),
            "moving average: x: null data for 1 x 1 elements");
}

TEST(MovingAverageMinMax, RefusesAConstantThatIsNone) {
  EXPECT_EQ(text_of(moving_average_min_max::try_make(0.0F)), "moving average: constant 0, expected a number in (0, 1]");
  EXPECT_EQ(text_of(moving_average_min_max::try_make(1.5F)),
            "moving average: constant 1.5, expected a number in (0, 1]");
  EXPECT_FALSE(moving_average_min_max::try_make(nan));
  EXPECT_EQ(moving_average_min_max::try_make(1.0F)->averaging_constant(), 1.0F);
  EXPECT_EQ(moving_average_min_max().averaging_constant(), 0.01F);
  EXPECT_THROW(moving_average_min_max(-1.0F), std::invalid_argument);
}

/// Saved between two batches it goes on as if it had not been.
TEST(MovingAverageMinMax, GoesOnFromWhereItWasSaved) {
  moving_average_min_max whole(0.3F), part(0.3F);
  for (int batch = 0; batch < 50; ++batch) {
    const Floats x = support::normal_numbers(static_cast<std::size_t>(1 + batch % 7), static_cast<unsigned>(batch));
    whole.observe(x);
    part.observe(x);
    const auto bytes = part.save();
    EXPECT_EQ(bytes.size(), 60U);
    const auto loaded = moving_average_min_max::try_load(bytes);
    ASSERT_TRUE(loaded);
    const auto from_text = try_load_text<moving_average_min_max>(save_text(part));
    ASSERT_TRUE(from_text);
    EXPECT_EQ(*loaded, *from_text);
    part = *loaded;
    EXPECT_EQ(part, whole);
    EXPECT_EQ(part.averaging_constant(), 0.3F);
  }
}

TEST(MovingAverageMinMax, RefusesBytesItDidNotWrite) {
  moving_average_min_max o(0.5F);
  o.observe(Floats{-1.0F, 2.0F});
  const std::vector<std::byte> good = o.save();
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::vector<std::byte> bad = good;
    bad[at] ^= std::byte{1};
    EXPECT_FALSE(moving_average_min_max::try_load(bad)) << at;
    EXPECT_FALSE(moving_average_min_max::try_load(std::span(good).first(at))) << at;
  }
  detail::state_writer out(moving_average_min_max::state_tag);
  out.put("averaging_constant", 1.5F);
  detail::put_extent(out, extent{});
  EXPECT_EQ(text_of(moving_average_min_max::try_load(out.finish())),
            "moving average: constant 1.5, expected a number in (0, 1]");
}

/// Ends that were one number stay ordered, whatever the roundings of their averages.
TEST(MovingAverageMinMax, NeverCrossesItsEnds) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    moving_average_min_max o(0.01F + 0.0003F * static_cast<float>(seed));
    for (const float v : support::normal_numbers(20, seed)) {
      const float next = std::nextafter(v, 9.0F);
      o.observe(Floats{v, next});
      ASSERT_LE(o.seen().min, o.seen().max) << seed;
    }
  }
}

}  // namespace moving_average_min_max_test
