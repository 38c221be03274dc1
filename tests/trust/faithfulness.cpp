// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Float and quantized explanations beside each other: the same model agrees with itself, another one by chance, and the
// noise floor is what it says.
#include <gtest/gtest.h>

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <cstdio>

#include <dyadic/trust/explain.hpp>
#include <dyadic/trust/faithfulness.hpp>

#include "support/data.hpp"
#include "support/demo.hpp"
#include "support/random_network.hpp"

namespace faithfulness_test {

using dyadic::batch;
using dyadic::explanation;
using dyadic::explanation_match;
using dyadic::index_t;
using dyadic::input_parts;
using dyadic::result;
using support::images;
using support::integers;
using support::text_of;
using numbers = std::vector<float>;

void expect_perfect(const explanation_match& m) {
  EXPECT_EQ(m.spearman, 1.0);
  EXPECT_EQ(m.kendall, 1.0);
  EXPECT_EQ(m.top.shared, 1.0);
  EXPECT_EQ(m.top.same_sign, 1.0);
}

/// A float network on images of 8 x 8 and explanations of it.
struct setting {
  explicit setting(std::uint64_t seed)
      : random(seed),
        x(support::make_images(random, 6, 8, 8, 1, 0.5F)),
        fc1(support::make_linear(random, 64, 20)),
        fc2(support::make_linear(random, 20, 4)),
        parts(*dyadic::try_patches({1, 8, 8, 1}, {2, 2})),
        gray(64, 0.5F) {
    for (float& v : x.numbers) v += 0.5F;
  }
  template <class Tensor>
  Tensor operator()(const Tensor& t) const {
    return fc2(relu(fc1(t)));
  }
  result<explanation> explain(dyadic::model_ref model, const batch& image) const {
    return dyadic::try_explain_by_shapley(model, {.x = image, .baseline = gray, .parts = parts, .target = 1},
                                          {.orders = 12});
  }
  integers random;
  images x;
  dyadic::linear fc1, fc2;
  input_parts parts;
  numbers gray;
};

TEST(Faithfulness, AModelAgreesWithItself) {
  const setting s(1);
  const auto plan = dyadic::try_calibrate(s, std::array{s.x.all()});
  ASSERT_TRUE(plan);
  const auto int8 = [&](const batch& b) { return plan->try_run(s, b); };
  const auto e = s.explain(int8, s.x.some(0, 1)), again = s.explain(int8, s.x.some(0, 1));
  ASSERT_TRUE(e && again);
  expect_perfect(*dyadic::try_compare_explanations(e->values, again->values, 5));
}

// Eight bits keep the reasons better than four, four better than another network's: chance. On the mean of 12 networks.
TEST(Faithfulness, FewerBitsAgreeLessAndStrangersByChance) {
  double eight = 0, four = 0, strangers = 0;
  constexpr int networks = 12;
  for (int i = 0; i < networks; ++i) {
    const setting s(static_cast<std::uint64_t>(10 + i)), other(static_cast<std::uint64_t>(1010 + i));
    const auto in8 = dyadic::try_calibrate(s, std::array{s.x.all()}),
               in4 = dyadic::try_calibrate(s, std::array{s.x.all()}, {.weights = dyadic::s4_per_row});
    ASSERT_TRUE(in8 && in4);
    const auto real = [&](const batch& b) { return in8->try_run_real(s, b); };
    const auto int8 = [&](const batch& b) { return in8->try_run(s, b); };
    const auto int4 = [&](const batch& b) { return in4->try_run(s, b); };
    const auto stranger = [&](const batch& b) { return in8->try_run_real(other, b); };
    const auto reference = s.explain(real, s.x.some(0, 1));
    ASSERT_TRUE(reference) << text_of(reference);
    const auto with = [&](const auto& model) {
      const auto e = s.explain(model, s.x.some(0, 1));
      EXPECT_TRUE(e) << text_of(e);
      return dyadic::try_compare_explanations(reference->values, e->values, 5)->spearman / networks;
    };
    eight += with(int8), four += with(int4), strangers += with(stranger);
  }
  EXPECT_GT(eight, four);
  EXPECT_GT(eight, 0.98);
  // Mean of 12 rhos of 16 parts, each of deviation sqrt(1 / 15) under chance: 4 of 0.0745.
  EXPECT_NEAR(strangers, 0, 4 * std::sqrt(1.0 / 15 / networks));
  EXPECT_GT(four, 4 * std::sqrt(1.0 / 15 / networks));
}

TEST(Faithfulness, NoNoiseIsNoChange) {
  const setting s(2);
  const auto plan = dyadic::try_calibrate(s, std::array{s.x.all()});
  const auto real = [&](const batch& b) { return plan->try_run_real(s, b); };
  const auto explain = [&](const batch& b) { return s.explain(real, b); };
  const auto floor = dyadic::try_noise_floor(explain, s.x.some(1, 1), {.radius = 0, .repeats = 4, .top = 3});
  ASSERT_TRUE(floor) << text_of(floor);
  expect_perfect(floor->mean);
  expect_perfect(floor->lowest);
  EXPECT_EQ(floor->repeats, 4);
}

TEST(Faithfulness, MoreNoiseIsMoreChangeAndItIsTheStatedNoise) {
  const setting s(3);
  const auto plan = dyadic::try_calibrate(s, std::array{s.x.all()});
  const auto real = [&](const batch& b) { return plan->try_run_real(s, b); };
  const batch x = s.x.some(2, 1);
  double last = 1.0;
  for (const float radius : {0.02F, 0.2F, 1.0F}) {
    float most = 0, low = 9, high = -9;
    const auto explain = [&](const batch& b) {
      for (index_t j = 0; j < 64; ++j) {
        most = std::max(most, std::abs(b.rows(0, j) - x.rows(0, j)));
        low = std::min(low, b.rows(0, j)), high = std::max(high, b.rows(0, j));
      }
      return s.explain(real, b);
    };
    const auto floor = dyadic::try_noise_floor(explain, x, {.radius = radius, .repeats = 6, .top = 4});
    ASSERT_TRUE(floor);
    EXPECT_LE(most, radius + 0x1p-24F) << "one rounding of a number below 2";
    EXPECT_GE(most, 0.9F * std::min(radius, 0.5F)) << "of 384 uniform numbers, the largest; clipped to [0, 1]";
    EXPECT_GE(low, 0.0F);
    EXPECT_LE(high, 1.0F);
    EXPECT_LE(floor->lowest.spearman, floor->mean.spearman);
    EXPECT_LE(floor->lowest.kendall, floor->mean.kendall);
    EXPECT_LT(floor->mean.spearman, last);
    last = floor->mean.spearman;
  }
}

// The trained network on real images, patches of 7 x 7: complete in whole codes on every image, and INT8 beside the
// float model above the noise floor on average. (Measured: a radius of 0.02 moves explanations more than 8 bits do.)
TEST(Faithfulness, OfTheDemoNetwork) {
  const support::demo_network net = support::load_demo_network();
  const images seen = support::demo_images("train", 64), x = support::demo_images("t10k", 8);
  const auto in8 = dyadic::try_calibrate(net, std::array{seen.all()}),
             in4 = dyadic::try_calibrate(net, std::array{seen.all()}, {.weights = dyadic::s4_per_row});
  ASSERT_TRUE(in8 && in4);
  const auto real = [&](const batch& b) { return in8->try_run_real(net, b); };
  const auto int8 = [&](const batch& b) { return in8->try_run(net, b); };
  const auto int4 = [&](const batch& b) { return in4->try_run(net, b); };
  const input_parts parts = *dyadic::try_patches({1, 28, 28, 1}, {7, 7});
  const numbers black(784, 0.0F);
  double of8 = 0, of4 = 0, floor = 0;
  for (index_t i = 0; i < x.count; ++i) {
    const auto target = dyadic::top_class(*in8->try_run_real(net, x.some(i, 1)), 0);
    const auto explain = [&](dyadic::model_ref model, const batch& b) {
      return dyadic::try_explain_by_shapley(model, {.x = b, .baseline = black, .parts = parts, .target = target},
                                            {.orders = 6});
    };
    const auto a = explain(real, x.some(i, 1)), b = explain(int8, x.some(i, 1)), c = explain(int4, x.some(i, 1));
    ASSERT_TRUE(a && b && c);
    EXPECT_TRUE(b->complete_in_codes());
    EXPECT_TRUE(c->complete_in_codes());
    of8 += dyadic::try_compare_explanations(a->values, b->values, 5)->spearman / 8;
    of4 += dyadic::try_compare_explanations(a->values, c->values, 5)->spearman / 8;
    const auto noise = dyadic::try_noise_floor([&](const batch& moved) { return explain(real, moved); }, x.some(i, 1),
                                               {.repeats = 3, .top = 5});
    ASSERT_TRUE(noise);
    floor += noise->mean.spearman / 8;
  }
  std::printf("demo network, 8 images: Spearman with float %.4f (INT8), %.4f (INT4), noise floor %.4f\n", of8, of4,
              floor);
  EXPECT_GE(of8, of4);
  EXPECT_GE(of8, floor);
}

TEST(FaithfulnessErrors, SayWhatWasGiven) {
  const setting s(4);
  const auto plan = dyadic::try_calibrate(s, std::array{s.x.all()});
  const auto real = [&](const batch& b) { return plan->try_run_real(s, b); };
  const auto explain = [&](const batch& b) { return s.explain(real, b); };
  const auto say = [&](const batch& x, const dyadic::noise_options& how) {
    return text_of(dyadic::try_noise_floor(explain, x, how));
  };
  EXPECT_EQ(say(s.x.some(0, 2), {}), "noise floor: 2 images, expected 1");
  EXPECT_EQ(say(s.x.some(0, 1), {.repeats = 0}), "noise floor: 0 repeats, expected at least 1");
  EXPECT_EQ(say(s.x.some(0, 1), {.radius = -1}), "noise floor: radius -1 in [0, 1], expected 0 or more in a range");
  EXPECT_EQ(say(s.x.some(0, 1), {.top = 17}), "top k: k is 17, expected 1 to 16");
  const std::vector<double> two{1, 2}, three{1, 2, 3};
  EXPECT_EQ(text_of(dyadic::try_compare_explanations(two, three, 1)),
            "spearman: lists of 2 and 3 numbers, expected the same");
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(dyadic::compare_explanations(two, three, 1), std::invalid_argument);
#endif
}

}  // namespace faithfulness_test
