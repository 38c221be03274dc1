// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <dyadic/network/box.hpp>

#include <algorithm>
#include <array>
#include <set>

#include <gtest/gtest.h>

#include "support/naive.hpp"
#include "support/random_network.hpp"

namespace box_test {

using dyadic::box;
using dyadic::code_interval;
using dyadic::index_t;
using dyadic::input_box;
using dyadic::plan;
using dyadic::tensor;
using dyadic::weight_codes;
using support::images;
using support::integers;

/// A random network of every operation, its plan, and other data.
struct trial {
  explicit trial(std::uint64_t seed)
      : random(seed),
        seen(support::make_images(random, 6, random.in(3, 9), random.in(3, 9), random.in(1, 7))),
        x(support::make_images(random, 2, seen.height, seen.width, seen.channels, 3.0F)),
        net(support::network_maker(random, seen.all().shape()).make(static_cast<int>(random.in(3, 12)))),
        weights(support::weight_forms[seed % std::size(support::weight_forms)]),
        made(dyadic::try_calibrate(
            net, std::array{seen.some(0, 2), seen.some(2, 4)},
            {.weights = weights, .except = net.exceptions(weights, dyadic::s8_per_row), .percentile = 99.0})) {
    for (float& v : x.numbers) v = std::clamp(v, -2.5F, 2.5F);
  }
  integers random;
  images seen, x;
  support::random_network net;
  dyadic::scheme weights;
  dyadic::result<plan> made;
};

/// A number of the box, at an end, at a random place, or as near as floats come to where a code changes.
float inside(integers& random, const dyadic::enclosure& e, float scale) {
  const double at = e.low + (e.high - e.low) * static_cast<double>(random.in(0, 1024)) / 1024.0;
  double x = at;
  switch (random.in(0, 3)) {
    case 0: x = e.low; break;
    case 1: x = e.high; break;
    case 2: x = (std::floor(at / static_cast<double>(scale)) + 0.5) * static_cast<double>(scale); break;
    default: break;
  }
  return static_cast<float>(std::clamp(x, e.low, e.high));
}

class Box : public testing::TestWithParam<int> {};

TEST_P(Box, OfAPointIsTheCodes) {
  const trial t(static_cast<std::uint64_t>(GetParam()));
  SCOPED_TRACE(t.net.text());
  ASSERT_TRUE(t.made) << t.made.error().message();
  const auto weights = weight_codes::try_make(*t.made);
  ASSERT_TRUE(weights);
  box run(*t.made, *weights);
  const auto boxes = t.net.tensors(input(run, input_box{t.x.all(), 0.0, -8.0, 8.0}));
  ASSERT_TRUE(run.complete()) << run.error().message();
  dyadic::code codes(*t.made, {});
  const auto expected = t.net.tensors(input(codes, t.x.all()));
  for (std::size_t i = 0; i < boxes.size(); ++i)
    for (index_t j = 0; j < boxes[i].shape().size(); ++j)
      ASSERT_EQ(boxes[i].data()[j], (code_interval{expected[i].data()[j], expected[i].data()[j]})) << i << ' ' << j;
}

TEST_P(Box, HoldsEverythingInside) {
  trial t(static_cast<std::uint64_t>(GetParam()));
  SCOPED_TRACE(t.net.text());
  ASSERT_TRUE(t.made) << t.made.error().message();
  const auto weights = weight_codes::try_make(*t.made);
  ASSERT_TRUE(weights);
  const float scale = t.made->params(0).scale;
  for (const double radius : {0.01, 0.3}) {
    const input_box around{t.x.all(), radius, -2.5, 2.625};
    box run(*t.made, *weights);
    const auto boxes = t.net.tensors(input(run, around));
    ASSERT_TRUE(run.complete()) << run.error().message();
    for (int sample = 0; sample < 20; ++sample) {
      images x = t.x;
      for (index_t i = 0; i < x.count; ++i)
        for (index_t j = 0; j < x.features(); ++j)
          x.numbers[static_cast<std::size_t>(i * x.features() + j)] = inside(t.random, around.at(i, j), scale);
      dyadic::code codes(*t.made, {});
      const auto found = t.net.tensors(input(codes, x.all()));
      for (std::size_t i = 0; i < boxes.size(); ++i)
        for (index_t j = 0; j < boxes[i].shape().size(); ++j)
          ASSERT_TRUE(boxes[i].data()[j].contains(found[i].data()[j]))
              << "tensor " << i << ", element " << j << ": " << int{found[i].data()[j]} << " not in ["
              << int{boxes[i].data()[j].low} << ", " << int{boxes[i].data()[j].high} << ']';
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Box, testing::Range(0, 30));

/// Runs a network of one operation on every combination of input codes that a box allows, and compares what came out
/// with what the box says may: both ends of every element must be reached, and nothing beyond.
template <class Net>
void expect_smallest(const Net& net, const images& seen, const dyadic::scheme& weights, double radius) {
  const auto made = dyadic::try_calibrate(net, std::array{seen.all()}, {.weights = weights});
  ASSERT_TRUE(made) << made.error().message();
  const auto codes = weight_codes::try_make(*made);
  ASSERT_TRUE(codes);
  const input_box around{seen.some(0, 1), radius, -8.0, 8.0};
  box run(*made, *codes);
  const tensor<box> from = input(run, around), to = net(from);
  ASSERT_TRUE(run.complete()) << run.error().message();
  const auto n = static_cast<std::size_t>(from.shape().size());
  std::vector<int> code(n);
  for (std::size_t i = 0; i < n; ++i) code[i] = from.data()[i].low;
  std::vector<std::set<int>> reached(static_cast<std::size_t>(to.shape().size()));
  images x = seen;
  x.count = 1;
  std::size_t combinations = 0;
  for (std::size_t turn = 0; turn < n; ++combinations) {
    // The middle of a code's reals has that code, whether the box reaches the middle or not.
    for (std::size_t i = 0; i < n; ++i)
      x.numbers[i] = dyadic::dequantize_one(code[i], made->params(0).scale, made->params(0).zero_point);
    const auto y = made->try_run(net, x.all());
    ASSERT_TRUE(y);
    for (std::size_t i = 0; i < reached.size(); ++i) reached[i].insert(y->codes[static_cast<index_t>(i)]);
    for (turn = 0; turn < n && code[turn] == from.data()[turn].high; ++turn) code[turn] = from.data()[turn].low;
    if (turn < n) ++code[turn];
  }
  EXPECT_GT(combinations, std::size_t{1});
  for (std::size_t i = 0; i < reached.size(); ++i) {
    EXPECT_EQ(*reached[i].begin(), int{to.data()[i].low}) << i;
    EXPECT_EQ(*reached[i].rbegin(), int{to.data()[i].high}) << i;
  }
}

// One operation whose inputs are independent: nothing smaller would do. Four inputs of 5 to 7 codes each.
TEST(BoxOfOneOperation, IsTheExactRange) {
  integers random(5);
  for (const dyadic::scheme& weights : {dyadic::s8_per_row, dyadic::u4_per_row, dyadic::s8_narrow_per_tensor}) {
    for (int repeat = 0; repeat < 4; ++repeat) {
      const images x = support::make_images(random, 8, 2, 2, 1);
      const double step = 4.0 / 255;
      const auto fc = support::make_linear(random, 4, 5);
      expect_smallest([&](const auto& t) { return fc(t); }, x, weights, 2.5 * step);
      expect_smallest([&](const auto& t) { return relu(fc(t)); }, x, weights, 2.5 * step);
      const auto conv = support::make_conv2d(random, 1, 3, {.size = {2, 2}, .padding = {1, 0}});
      expect_smallest([&](const auto& t) { return conv(t); }, x, weights, 2.5 * step);
      expect_smallest([](const auto& t) { return relu(t); }, x, weights, 2.5 * step);
      expect_smallest([](const auto& t) { return max_pool(t, {2, 2}); }, x, weights, 2.5 * step);
      expect_smallest([](const auto& t) { return average_pool(t, {2, 1}); }, x, weights, 2.5 * step);
    }
  }
}

TEST(BoxOfOneOperation, IsTheExactRangeOfGroupsOfWeights) {
  integers random(6);
  images x = support::make_images(random, 8, 1, 1, 64);
  const auto fc = support::make_linear(random, 64, 3);
  const auto net = [&](const auto& t) { return fc(t); };
  const auto made = dyadic::try_calibrate(net, std::array{x.all()}, {.weights = dyadic::s4_per_group<32>});
  ASSERT_TRUE(made) << made.error().message();
  const auto codes = weight_codes::try_make(*made);
  box run(*made, *codes);
  const tensor<box> from = input(run, input_box{x.some(0, 1), 0.1, -8.0, 8.0}), to = net(from);
  ASSERT_TRUE(run.complete());
  // Each output is largest where every input is at the end its weight's sign picks; 64 inputs are too many to try all.
  for (index_t j = 0; j < 3; ++j)
    for (const bool up : {false, true}) {
      for (index_t k = 0; k < 64; ++k) {
        const auto& part = made->weights(1)->packed.parts[0];
        const bool high = (part.whole(j, k) > 0) == up;
        x.numbers[static_cast<std::size_t>(k)] = dyadic::dequantize_one(
            high ? from.data()[k].high : from.data()[k].low, made->params(0).scale, made->params(0).zero_point);
      }
      const auto y = made->try_run(net, x.some(0, 1));
      EXPECT_EQ(int{y->codes[j]}, int{up ? to.data()[j].high : to.data()[j].low});
    }
}

TEST(WeightCodes, TimesTheirScalesAreTheWeights) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    const trial t(seed);
    ASSERT_TRUE(t.made);
    for (int s = 0; s < static_cast<int>(t.made->sites().size()); ++s) {
      const dyadic::site_weights* w = t.made->weights(s);
      for (std::size_t g = 0; w != nullptr && g < w->packed.parts.size(); ++g) {
        const dyadic::packed_weights& part = w->packed.parts[g];
        for (index_t i = 0; i < part.rows(); ++i)
          for (index_t k = 0; k < part.cols(); ++k)
            ASSERT_EQ(static_cast<float>(part.whole(i, k)) * part.scale(i, k), part.value(i, k));
      }
    }
  }
}

TEST(BoxErrors, SayWhatWasGiven) {
  const trial t(1);
  ASSERT_TRUE(t.made);
  const auto weights = weight_codes::try_make(*t.made);
  const auto message = [&](const input_box& x) {
    box run(*t.made, *weights);
    (void)t.net(input(run, x));
    return std::string(run.error().message());
  };
  EXPECT_EQ(message({t.x.all(), -1.0, -8.0, 8.0}), "input_box: radius -1, expected a finite number >= 0");
  EXPECT_EQ(message({t.x.all(), 0.1, 2.0, 1.0}), "input_box: inputs in [2, 1], expected ends in order");
  images bad = t.x;
  bad.numbers[1] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(message({bad.all(), 0.1, -8.0, 8.0}), "input_box: number 1 of image 0 is nan, expected one in [-8, 8]");
  const auto dynamic = dyadic::try_calibrate(t.net, std::array{t.seen.all()},
                                             {.activations = dyadic::activation_scales::dynamic,
                                              .weights = t.weights,
                                              .except = t.net.exceptions(t.weights, dyadic::s8_per_row)});
  ASSERT_TRUE(dynamic);
  box run(*dynamic, *weights);
  EXPECT_STREQ(run.error().message(), "box: the plan has dynamic activations, expected static ones");
}

}  // namespace box_test
