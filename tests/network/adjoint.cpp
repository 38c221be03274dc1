// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The domain adjoint: gradients by hand, against differences that are exact, the same bits everywhere, and refusals.
#include <gtest/gtest.h>

#include <array>

#include <dyadic/core/thread_pool.hpp>
#include <dyadic/network/adjoint.hpp>

#include "support/data.hpp"
#include "support/isas.hpp"
#include "support/random_network.hpp"

namespace adjoint_test {

using dyadic::adjoint;
using dyadic::batch;
using dyadic::index_t;
using dyadic::strided;
using dyadic::tensor;
using dyadic::window;
using support::images;
using support::integers;
using support::text_of;

/// The gradient of sum over j of weights(i, j) * y(i, j), row after row.
template <class Net>
std::vector<float> gradient_of(const Net& net, const batch& x, const std::vector<float>& weights) {
  std::vector<float> made(static_cast<std::size_t>(x.rows.rows() * x.rows.cols()), -1.0F);
  const auto outputs = static_cast<index_t>(weights.size()) / x.rows.rows();
  const auto done = dyadic::try_input_gradient(net, x, {weights.data(), x.rows.rows(), outputs},
                                               {made.data(), x.rows.rows(), x.rows.cols()});
  EXPECT_TRUE(done) << text_of(done);
  return made;
}

using numbers = std::vector<float>;

TEST(Adjoint, LinearIsItsWeights) {
  const numbers w{1, 2, 3, 4, 5, 6}, x{0, 0, 0, 7, 8, 9};
  const auto fc = std::move(*dyadic::linear::try_make({w.data(), 2, 3}));
  const auto net = [&](const auto& t) { return fc(t); };
  EXPECT_EQ(gradient_of(net, {{x.data(), 2, 3}}, {1, 0, 0, 1}), (numbers{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(gradient_of(net, {{x.data(), 2, 3}}, {1, 10, -1, 0.5F}), (numbers{41, 52, 63, 1, 0.5F, 0}));
}

TEST(Adjoint, ReluPassesWhatItDidNotCut) {
  const numbers x{-1, 0, 2, 3};
  EXPECT_EQ(gradient_of([](const auto& t) { return relu(t); }, {{x.data(), 1, 4}}, {5, 6, 7, 8}),
            (numbers{0, 0, 7, 8}));
}

TEST(Adjoint, MaxPoolPaysTheFirstOfTheLargest) {
  // Windows of 2 x 2 side by side, then windows that overlap: the pixel that wins twice is paid twice.
  const numbers x{1, 5, 2, 2,  //
                  4, 5, 2, 2};
  EXPECT_EQ(gradient_of([](const auto& t) { return max_pool(t, {2, 2}); }, {{x.data(), 1, 8}, {2, 4}, 1}, {10, 20}),
            (numbers{0, 10, 20, 0, 0, 0, 0, 0}));
  EXPECT_EQ(gradient_of([](const auto& t) { return max_pool(t, window{.size = {2, 2}}); },
                        {{x.data(), 1, 8}, {2, 4}, 1}, {10, 20, 40}),
            (numbers{0, 30, 40, 0, 0, 0, 0, 0}));
}

TEST(Adjoint, AveragePoolPaysEachTapAsMuch) {
  const numbers x(6, 1.0F);
  // 3 x 2, padding 1 around a window of 2 x 2, stride 2: windows of 1, 1, 2 and 2 taps.
  const window taps{.size = {2, 2}, .stride = {2, 2}, .padding = {1, 1}};
  EXPECT_EQ(gradient_of([&](const auto& t) { return average_pool(t, taps); }, {{x.data(), 1, 6}, {3, 2}, 1},
                        {8, 16, 32, 64}),
            (numbers{8, 16, 16, 32, 16, 32}));
}

TEST(Adjoint, ATensorUsedTwiceIsPaidTwice) {
  const numbers x{1, -2, 3};
  EXPECT_EQ(gradient_of([](const auto& t) { return add(t, t); }, {{x.data(), 1, 3}}, {1, 2, 3}), (numbers{2, 4, 6}));
  const auto residual = [](const auto& t) {
    const auto u = relu(t);
    return add(add(u, t), u);
  };
  EXPECT_EQ(gradient_of(residual, {{x.data(), 1, 3}}, {1, 2, 3}), (numbers{3, 2, 9}));
  EXPECT_EQ(gradient_of([](const auto& t) { return t; }, {{x.data(), 1, 3}}, {1, 2, 3}), (numbers{1, 2, 3}));
}

TEST(Adjoint, WhatTheOutputDoesNotUseHasNoGradient) {
  const numbers w(4, 0.0F), x{1, 2};
  const auto fc = std::move(*dyadic::linear::try_make({w.data(), 2, 2}));
  const auto net = [&](const auto& t) {
    (void)relu(t);
    return fc(t);
  };
  EXPECT_EQ(gradient_of(net, {{x.data(), 1, 2}}, {1, 1}), (numbers{0, 0}));
}

// Differences that are exact: weights -1, 0 and 1, inputs multiples of 1/64, biases odd multiples of 1/128, averages of
// powers of two. Every sum is a multiple of 2^-10 and smaller than 2^12: no float rounds, neither forward nor back.
// Where the differences to both sides agree, no relu and no maximum changes its mind in between, and they are the
// gradient, to the last bit. (A relu of the first layer cannot stand at 0: its sum is an odd multiple of 1/128.)
class ExactNetworks : public testing::TestWithParam<int> {
 protected:
  static numbers few(integers& random, index_t n) {
    numbers all(static_cast<std::size_t>(n));
    for (float& w : all) w = random.in(0, 2) == 0 ? 0.0F : random.in(0, 1) == 0 ? -1.0F : 1.0F;
    return all;
  }
  static numbers odd(integers& random, index_t n) {
    numbers all(static_cast<std::size_t>(n));
    for (float& b : all) b = static_cast<float>(2 * random.in(-32, 32) + 1) / 128.0F;
    return all;
  }
  static dyadic::conv2d conv(integers& random, index_t in, index_t out, const window& taps, index_t groups) {
    const index_t depth = taps.size.height * taps.size.width * in / groups;
    const numbers w = few(random, out * depth), b = odd(random, out);
    return std::move(*dyadic::conv2d::try_make({w.data(), out, depth}, b, taps, groups));
  }
  static dyadic::linear fc(integers& random, index_t in, index_t out) {
    const numbers w = few(random, in * out), b = odd(random, out);
    return std::move(*dyadic::linear::try_make({w.data(), out, in}, b));
  }
  template <class Net>
  static void expect_differences(const Net& net, integers& random, const dyadic::image_shape& shape, index_t outputs) {
    numbers x(static_cast<std::size_t>(shape.size())), weights(static_cast<std::size_t>(shape.images * outputs));
    for (float& v : x) v = static_cast<float>(random.in(-128, 128)) / 64.0F;
    for (float& v : weights) v = static_cast<float>(random.in(-2, 2));
    const index_t features = shape.features();
    const auto whole = [&](const numbers& at) {
      const batch b{{at.data(), shape.images, features}, {shape.height, shape.width}, shape.channels};
      dyadic::real run;
      const auto y = net(input(run, b));
      EXPECT_EQ(y.shape().features(), outputs);
      double sum = 0;
      for (std::size_t i = 0; i < weights.size(); ++i)
        sum += static_cast<double>(weights[i]) * static_cast<double>(y.data()[i]);
      return sum;
    };
    const numbers g = gradient_of(
        net, {{x.data(), shape.images, features}, {shape.height, shape.width}, shape.channels}, weights);
    constexpr float h = 0x1p-8F;
    const double here = whole(x);
    std::size_t kinks = 0, moved = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const float was = x[i];
      x[i] = was + h;
      const double up = (whole(x) - here) / static_cast<double>(h);
      x[i] = was - h;
      const double down = (here - whole(x)) / static_cast<double>(h);
      x[i] = was;
      if (up != down) {
        ++kinks;
        continue;
      }
      moved += up != 0 ? 1 : 0;
      ASSERT_EQ(static_cast<double>(g[i]), up) << "input " << i;
    }
    EXPECT_LE(10 * kinks, x.size()) << "too few inputs without a kink nearby to have tested anything";
    EXPECT_GE(4 * moved, x.size()) << "too few inputs that count";
  }
};

TEST_P(ExactNetworks, GradientIsTheDifference) {
  integers random(static_cast<std::uint64_t>(GetParam()));
  {
    // Padding, groups, strides and dilation; no kinks.
    const auto c1 = conv(random, 4, 6, {.size = {3, 2}, .stride = {2, 1}, .padding = {2, 1}, .dilation = {2, 2}}, 2);
    const auto c2 = conv(random, 6, 3, {.size = {2, 2}, .stride = {1, 2}}, 3);
    expect_differences([&](const auto& t) { return c2(c1(t)); }, random, {2, 5, 6, 4}, 2 * 3 * 3);
  }
  {
    // As the demo: convolution, relu, pool, convolution, relu, linear.
    const auto c1 = conv(random, 1, 3, {.size = {3, 3}, .padding = {1, 1}}, 1);
    const auto c2 = conv(random, 3, 4, {.size = {3, 3}}, 1);
    const auto f = fc(random, 8, 5);
    const auto net = [&](auto t) {
      t = max_pool(relu(c1(t)), {2, 2});
      t = relu(c2(t));
      return f(flatten(t));
    };
    expect_differences(net, random, {3, 6, 8, 1}, 5);
  }
  {
    // A residual around a convolution, and an average of it.
    const auto c = conv(random, 2, 2, {.size = {3, 3}, .padding = {1, 1}}, 1);
    const auto f = fc(random, 2 * 2 * 2, 4);
    const auto net = [&](const auto& t) {
      const auto u = relu(c(t));
      return f(average_pool(add(u, t), {2, 2}));
    };
    expect_differences(net, random, {2, 4, 4, 2}, 4);
  }
}
INSTANTIATE_TEST_SUITE_P(Seeds, ExactNetworks, testing::Range(0, 12));

TEST(Adjoint, SameBitsForwardAndBackEverywhere) {
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    integers random(500 + seed);
    const images x = support::make_images(random, 5, random.in(4, 9), random.in(4, 9), random.in(1, 8));
    const auto net = support::network_maker(random, x.all().shape()).make(8);
    SCOPED_TRACE(net.text());
    dyadic::real plain;
    const auto expected = net(input(plain, x.all()));
    const index_t outputs = expected.shape().features();
    const numbers weights = random.reals(5 * outputs, 1.0F);
    const numbers first = gradient_of(net, x.all(), weights);
    support::for_each_isa([&](const std::string& isa) {
      for (const index_t threads : {1, 3}) {
        dyadic::thread_pool pool(threads);
        adjoint run({.run = pool});
        const auto y = net(input(run, x.all()));
        EXPECT_TRUE(support::same_bits(y.data(), expected.data(), expected.shape().size())) << isa;
        numbers again(first.size());
        ASSERT_TRUE(run.back(y, {weights.data(), 5, outputs}, {again.data(), 5, x.features()}));
        EXPECT_TRUE(support::same_bits(again.data(), first.data(), 5 * x.features())) << isa << ", " << threads;
      }
    });
    for (index_t i = 0; i < 5; ++i) {
      const auto from = weights.begin() + i * outputs;
      const numbers alone = gradient_of(net, x.some(i, 1), numbers(from, from + outputs));
      EXPECT_TRUE(support::same_bits(alone.data(), first.data() + i * x.features(), x.features())) << "image " << i;
    }
    if (HasFailure()) break;
  }
}

TEST(Adjoint, AnyStridesOfWeightsAndGradient) {
  const numbers w{1, 2, 3, 4}, x{0, 0};
  const auto fc = std::move(*dyadic::linear::try_make({w.data(), 2, 2}));
  const auto net = [&](const auto& t) { return fc(t); };
  const numbers weights{1, -9, 10};
  numbers g(4, 7.0F);
  ASSERT_TRUE(dyadic::try_input_gradient(net, {{x.data(), 1, 2}}, {weights.data(), 1, 2, 3, 2},
                                         strided<float>(g.data(), 1, 2, 4, 3)));
  EXPECT_EQ(g, (numbers{31, 7, 7, 42}));
}

TEST(AdjointErrors, ShapesAndFailedRuns) {
  const numbers w{1, 2, 3, 4}, x{0, 0, 0};
  const auto fc = std::move(*dyadic::linear::try_make({w.data(), 2, 2}));
  const auto net = [&](const auto& t) { return fc(t); };
  numbers g(2);
  const auto say = [&](const batch& b, index_t outputs, index_t inputs) {
    return text_of(dyadic::try_input_gradient(net, b, {w.data(), 1, outputs}, {g.data(), 1, inputs}));
  };
  EXPECT_EQ(say({{x.data(), 1, 2}}, 3, 2), "gradient: weights of 1 x 3 for outputs of 1 x 2");
  EXPECT_EQ(say({{x.data(), 1, 2}}, 2, 1), "gradient: room for 1 x 1, the inputs are 1 x 2");
  EXPECT_EQ(say({{x.data(), 1, 3}}, 2, 3), "network: site 1: linear: x has 3 features, the weights expect 2");
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(dyadic::input_gradient(net, {{x.data(), 1, 3}}, {w.data(), 1, 2}, {g.data(), 1, 3}),
               std::invalid_argument);
#endif
}

TEST(AdjointErrors, AReplayThatDiffersNamesTheSite) {
  const numbers x{1, 2};
  std::vector<dyadic::site> sites(2);
  sites[0].channels = 2, sites[1].channels = 2;
  sites[1].kind = dyadic::site_kind::relu, sites[1].name = dyadic::label("relu 1"), sites[1].inputs[0] = 0;
  adjoint run({}, &sites);
  const auto y = input(run, {{x.data(), 1, 2}});
  numbers g(2);
  EXPECT_EQ(text_of(run.back(y, {x.data(), 1, 2}, {g.data(), 1, 2})),
            "network: ended after 1 sites, 2 were calibrated; the next is 'relu 1'");
}

}  // namespace adjoint_test
