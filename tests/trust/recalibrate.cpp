// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Recalibration: where nothing changed it changes nothing, where the range doubled it restores what was lost, and
// hostile images have no say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include <dyadic/trust/recalibrate.hpp>

#include "support/data.hpp"
#include "support/demo.hpp"

namespace recalibrate_test {

using dyadic::index_t;
using dyadic::plan;
using dyadic::plan_switch;
using dyadic::recalibration;
using support::images;
using support::integers;
using support::text_of;
using testing::HasSubstr;

struct small_network {
  dyadic::conv2d first;
  dyadic::linear second, third;
  template <class Tensor>
  Tensor operator()(const Tensor& x) const {
    return third(relu(second(flatten(max_pool(relu(first(x)), {2, 2})))));
  }
};

struct one_layer {
  dyadic::linear layer;
  template <class Tensor>
  Tensor operator()(const Tensor& x) const {
    return layer(flatten(x));
  }
};

class Recalibrate : public testing::Test {
 protected:
  static constexpr index_t count = 120;

  Recalibrate()
      : random_(11),
        net_{support::make_conv2d(random_, 2, 6, {.size = {3, 3}, .padding = {1, 1}}),
             support::make_linear(random_, 54, 16), support::make_linear(random_, 16, 5)} {}
  images of_size(float size, index_t n = count) { return support::make_images(random_, n, 6, 6, 2, size); }
  plan calibrated(const images& x) const {
    auto made = dyadic::try_calibrate(net_, std::array{x.all()});
    EXPECT_TRUE(made) << text_of(made);
    return std::move(*made);
  }

  integers random_;
  small_network net_;
};

// 100 plans, each looked at again on new images of the same kind: at most the one in a hundred that alpha allows, and
// four standard deviations of it.
TEST_F(Recalibrate, SwapsNothingWhereNothingChanged) {
  int swaps = 0, entries = 0;
  for (int i = 0; i < 100; ++i) {
    plan_switch serving(calibrated(of_size(2)));
    const auto done = dyadic::try_recalibrate(serving, net_, of_size(2).all(), {}, [&](const recalibration& r) {
      ++entries;
      EXPECT_EQ(r.version_before, 1U);
      EXPECT_EQ(r.version_after, serving.read().version());
    });
    ASSERT_TRUE(done) << text_of(done);
    swaps += done->what == recalibration::outcome::swapped ? 1 : 0;
  }
  std::printf("%d swaps in 100 looks at unchanged data\n", swaps);
  EXPECT_EQ(entries, 100);
  EXPECT_LE(swaps, 100 * 0.01 + 4 * std::sqrt(100 * 0.01 * 0.99));
}

// The trained network on real images of twice the range: half of 512 recent ones propose, 2 % of them without a say,
// and the plan in service loses at most one dB to one freshly calibrated on the other half with all its images.
TEST_F(Recalibrate, ADoubledRangeComesBack) {
  const auto net = support::load_demo_network();
  images recent = support::demo_images("train", 512), test = support::demo_images("t10k", 200);
  auto before = dyadic::try_calibrate(net, std::array{recent.all()});
  ASSERT_TRUE(before) << text_of(before);
  plan_switch serving(std::move(*before));
  for (images* all : {&recent, &test})
    for (float& v : all->numbers) v *= 2;
  const auto fresh = dyadic::try_propose(net, dyadic::detail::every_second(recent.all(), 1), {.leave_out = 0});
  ASSERT_TRUE(fresh) << text_of(fresh);
  const auto lost = dyadic::try_check(net, *serving.read(), fresh->plan, test.all());
  ASSERT_TRUE(lost) << text_of(lost);

  recalibration logged;
  const auto done =
      dyadic::try_recalibrate(serving, net, recent.all(), {}, [&](const recalibration& r) { logged = r; });
  ASSERT_TRUE(done) << text_of(done);
  ASSERT_EQ(done->what, recalibration::outcome::swapped);
  const auto found = dyadic::try_check(net, *serving.read(), fresh->plan, test.all());
  ASSERT_TRUE(found);
  std::printf("range doubled: SQNR %.2f dB before, %.2f after, %.2f freshly calibrated\n", lost->sqnr_before,
              found->sqnr_before, found->sqnr_after);
  EXPECT_GT(found->sqnr_before, lost->sqnr_before + 6);
  EXPECT_GE(found->sqnr_before, found->sqnr_after - 1);
  EXPECT_EQ(logged.what, recalibration::outcome::swapped);
  EXPECT_EQ(logged.version_before, 1U);
  EXPECT_EQ(logged.version_after, 2U);
  EXPECT_EQ(logged.proposed_by, 250);
  EXPECT_EQ(logged.left_out, 6);  // 2 % of 256, rounded up
  EXPECT_EQ(logged.check.images, 256);
  EXPECT_GT(logged.check.gain, 6);
}

TEST_F(Recalibrate, RollBackRestoresTheBits) {
  plan_switch serving(calibrated(of_size(2)));
  const images test = of_size(4);
  const auto before = serving.read()->try_run(net_, test.all());
  ASSERT_TRUE(dyadic::try_recalibrate(serving, net_, of_size(4).all(), {}, [](const recalibration&) {}));
  ASSERT_EQ(serving.read().version(), 2U);
  recalibration logged;
  const auto back = dyadic::try_roll_back(serving, [&](const recalibration& r) { logged = r; });
  ASSERT_TRUE(back) << text_of(back);
  EXPECT_EQ(logged.what, recalibration::outcome::rolled_back);
  EXPECT_EQ(logged.version_before, 2U);
  EXPECT_EQ(logged.version_after, 1U);
  EXPECT_STREQ(to_string(logged.what), "rolled back");
  const auto after = serving.read()->try_run(net_, test.all());
  ASSERT_TRUE(before && after);
  EXPECT_TRUE(support::same_output(*before, *after));
}

// Three hostile images of 150, a thousand times too large, infinite, or NaN: no range is wider than the honest images
// need. Without leaving out it would be, which the check must see.
TEST_F(Recalibrate, HostileImagesDoNotWidenARange) {
  images x = of_size(2, 150);
  const plan honest = calibrated(x);
  const index_t features = x.features();
  const float bad[] = {1000.0F, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()};
  for (const float how : bad) {
    images hostile = x;
    for (const index_t i : {3, 77, 140})
      for (index_t j = 0; j < features; ++j) {
        float& v = hostile.numbers[static_cast<std::size_t>(i * features + j)];
        v = how == 1000.0F ? v * how : j == 5 ? how : v;
      }
    const auto proposed = dyadic::try_propose(net_, hostile.all()),
               credulous = dyadic::try_propose(net_, hostile.all(), {.leave_out = 0});
    ASSERT_TRUE(proposed) << text_of(proposed);
    ASSERT_TRUE(credulous) << text_of(credulous);
    EXPECT_EQ(proposed->left_out, 3);
    EXPECT_EQ(proposed->images, 147);
    for (int s = 0; s < static_cast<int>(honest.sites().size()); ++s) {
      const dyadic::range &got = proposed->plan.sites()[static_cast<std::size_t>(s)].range,
                          &most = honest.sites()[static_cast<std::size_t>(s)].range;
      EXPECT_GE(got.lo, most.lo) << s;
      EXPECT_LE(got.hi, most.hi) << s;
      EXPECT_GE(got.hi - got.lo, 0.7F * (most.hi - most.lo)) << s;
    }
    if (how == 1000.0F) {
      EXPECT_GT(credulous->plan.sites()[0].range.hi, 100 * honest.sites()[0].range.hi);
    }
  }
}

// A plan that is worse is refused however it came about, and a plan of another network is an error.
TEST_F(Recalibrate, ChecksBothWays) {
  const images x = of_size(2);
  const plan good = calibrated(x), wide = calibrated(of_size(64));
  const auto better = dyadic::try_check(net_, wide, good, x.all()),
             worse = dyadic::try_check(net_, good, wide, x.all()), same = dyadic::try_check(net_, good, good, x.all());
  ASSERT_TRUE(better && worse && same);
  EXPECT_TRUE(better->accepted({}));
  EXPECT_FALSE(worse->accepted({}));
  EXPECT_FALSE(same->accepted({}));
  EXPECT_EQ(better->better, worse->worse);
  EXPECT_EQ(better->p, worse->p);
  EXPECT_NEAR(better->gain, -worse->gain, 0.5);  // the median of an even number is the upper one of two
  EXPECT_EQ(better->sqnr_before, worse->sqnr_after);
  EXPECT_EQ(same->gain, 0);
  EXPECT_EQ(same->p, 1);

  // By hand: dB of the sums.
  const auto reals = good.try_run_real(net_, x.all()), codes = good.try_run(net_, x.all());
  ASSERT_TRUE(reals && codes);
  double signal = 0, noise = 0;
  for (index_t i = 0; i < reals->shape.size(); ++i) {
    const double r = static_cast<double>(reals->values[i]), q = static_cast<double>(codes->values[i]);
    signal += r * r, noise += (q - r) * (q - r);
  }
  EXPECT_NEAR(same->sqnr_before, 10 * std::log10(signal / noise), 1e-9);
}

TEST_F(Recalibrate, ErrorsSayWhatWasGiven) {
  const images x = of_size(2);
  const auto log = [](const recalibration&) { ADD_FAILURE() << "nothing was done"; };
  plan_switch serving(calibrated(x));
  EXPECT_THAT(text_of(dyadic::try_propose(net_, x.some(0, 0))), HasSubstr("0 images"));
  EXPECT_THAT(text_of(dyadic::try_propose(net_, x.some(0, 1))), HasSubstr("1 images and 1 of them left out"));
  EXPECT_THAT(text_of(dyadic::try_propose(net_, x.all(), {.leave_out = 1})), HasSubstr("leave_out 1"));
  EXPECT_THAT(text_of(dyadic::try_check(net_, *serving.read(), *serving.read(), x.some(0, 0))), HasSubstr("0 images"));
  EXPECT_THAT(text_of(dyadic::try_recalibrate(serving, net_, x.some(0, 1), {}, log)), HasSubstr("left out"));
  EXPECT_THAT(text_of(dyadic::try_roll_back(serving, log)), HasSubstr("before version 1"));
  const one_layer other{support::make_linear(random_, 72, 3)};
  EXPECT_THAT(text_of(dyadic::try_recalibrate(serving, other, x.all(), {}, log)), HasSubstr("site 1"));
  EXPECT_EQ(serving.read().version(), 1U);
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(dyadic::recalibrate(serving, other, x.all(), {}, log), std::invalid_argument);
  EXPECT_THROW(dyadic::roll_back(serving, log), std::invalid_argument);
#endif
}

}  // namespace recalibrate_test
