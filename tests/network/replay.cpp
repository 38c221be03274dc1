// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A plan runs the network it was made from, and no other: every difference is an error that names its site.
#include <gtest/gtest.h>

#include <array>

#include "support/data.hpp"
#include "support/random_network.hpp"

namespace replay_test {

using dyadic::activation_scales;
using dyadic::index_t;
using dyadic::plan;
using dyadic::window;
using support::images;
using support::random_network;
using support::step;
using support::text_of;
using enum support::step::kind;

constexpr window around{.size = {3, 3}, .padding = {1, 1}}, halves{.size = {2, 2}, .stride = {2, 2}};

/// A network of steps over the same few layers, whatever the steps are.
random_network with(std::vector<step> steps) {
  support::integers random(1);
  random_network net;
  net.convolutions.push_back(support::make_conv2d(random, 3, 3, around, 1, true, "conv"));
  net.convolutions.push_back(
      support::make_conv2d(random, 3, 3, {.size = {3, 3}, .padding = {2, 2}, .dilation = {2, 2}}));
  net.convolutions.push_back(support::make_conv2d(random, 3, 3, around, 3));
  net.convolutions.push_back(support::make_conv2d(random, 3, 3, {}));
  net.convolutions.push_back(support::make_conv2d(random, 5, 3, around));
  net.linears.push_back(support::make_linear(random, 27, 4, true, "fc"));
  net.linears.push_back(support::make_linear(random, 12, 4));
  net.linears.push_back(support::make_linear(random, 27, 5));
  net.steps = std::move(steps);
  return net;
}

// Tensor 0 is the input, 6 x 6 x 3; tensor i + 1 is what step i made. Sites have the same numbers.
const step conv{.what = conv2d, .a = 0, .layer = 0}, rectify{.what = relu, .a = 1},
    pool{.what = max_pool, .a = 2, .taps = halves}, sum{.what = add, .a = 3, .b = 3},
    average{.what = average_pool, .a = 4, .taps = around}, fc{.what = linear, .a = 5, .layer = 0};
const std::vector<step> calibrated{conv, rectify, pool, sum, average, fc};

/// The calibrated steps with one put in place of another.
std::vector<step> but(std::size_t at, const step& other) {
  std::vector<step> steps = calibrated;
  steps[at] = other;
  return steps;
}
step changed(step s, void (*change)(step&)) {
  change(s);
  return s;
}

class Replay : public testing::Test {
 protected:
  support::integers random_{2};
  images x_ = support::make_images(random_, 3, 6, 6, 3);
  random_network net_ = with(calibrated);
  plan static_ = std::move(*dyadic::try_calibrate(net_, std::array{x_.all()}));
  plan dynamic_ =
      std::move(*dyadic::try_calibrate(net_, std::array{x_.all()}, {.activations = activation_scales::dynamic}));

  /// What every domain says to a network; fails when one differs. Nothing is thrown, and the plan runs its own network
  /// as before.
  std::string said_to(const random_network& net, const images& x) {
    const auto before = static_.try_run(net_, x_.all());
    const std::array all{text_of(static_.try_run(net, x.all())), text_of(static_.try_run_real(net, x.all())),
                         text_of(static_.try_simulate(net, x.all())), text_of(dynamic_.try_run(net, x.all())),
                         text_of(dynamic_.try_run_real(net, x.all()))};
    for (const std::string& text : all) EXPECT_EQ(text, all[0]);
    const auto after = static_.try_run(net_, x_.all());
    EXPECT_TRUE(before && after && support::same_output(*before, *after));
#if DYADIC_EXCEPTIONS
    if (!static_.try_run(net, x.all())) {
      try {
        static_cast<void>(static_.run(net, x.all()));
        ADD_FAILURE() << "nothing was thrown";
      } catch (const std::invalid_argument& e) {
        EXPECT_EQ(e.what(), all[0]);
      }
    }
#endif
    return all[0];
  }
  std::string said_to(std::vector<step> steps) { return said_to(with(std::move(steps)), x_); }
};

TEST_F(Replay, TheSameNetworkRuns) { EXPECT_EQ(said_to(calibrated), "no failure"); }

TEST_F(Replay, AnotherKind) {
  EXPECT_EQ(said_to(but(2, {.what = average_pool, .a = 2, .taps = halves})),
            "network: site 3 ('max_pool 1') was max_pool when calibrated and is average_pool now");
}

TEST_F(Replay, AnotherOrder) {
  EXPECT_EQ(said_to({{.what = relu, .a = 0}, {.what = conv2d, .a = 1, .layer = 0}, pool, sum, average, fc}),
            "network: site 1 ('conv') was conv2d when calibrated and is relu now");
}

TEST_F(Replay, OtherInputs) {
  EXPECT_EQ(said_to(but(1, {.what = relu, .a = 0})),
            "network: site 2 ('relu 1') took sites 1 and -1 when calibrated and takes 0 and -1 now");
  // Either input of an addition counts.
  const step pools[] = {{.what = max_pool, .a = 1, .taps = halves}, {.what = max_pool, .a = 0, .taps = halves}};
  const plan made = std::move(*dyadic::try_calibrate(
      with({conv, pools[0], pools[1], {.what = add, .a = 2, .b = 3}}), std::array{x_.all()}));
  EXPECT_EQ(text_of(made.try_run(with({conv, pools[0], pools[1], {.what = add, .a = 2, .b = 2}}), x_.all())),
            "network: site 4 ('add 1') took sites 2 and 3 when calibrated and takes 2 and 2 now");
  EXPECT_EQ(text_of(made.try_run(with({conv, pools[0], pools[1], {.what = add, .a = 3, .b = 2}}), x_.all())),
            "network: site 4 ('add 1') took sites 2 and 3 when calibrated and takes 3 and 2 now");
}

TEST_F(Replay, AnotherShape) {
  EXPECT_EQ(said_to(but(2, changed(pool, [](step& s) { s.taps.stride = {2, 1}; }))),
            "network: site 3 ('max_pool 1') made 3 x 3 x 3 when calibrated and makes 3 x 5 x 3 now");
  EXPECT_EQ(said_to(but(5, changed(fc, [](step& s) { s.layer = 2; }))),
            "network: site 6 ('fc') made 1 x 1 x 4 when calibrated and makes 1 x 1 x 5 now");
  EXPECT_EQ(said_to(with(calibrated), support::make_images(random_, 2, 6, 7, 3)),
            "network: site 0 ('input') made 6 x 6 x 3 when calibrated and makes 6 x 7 x 3 now");
  EXPECT_EQ(said_to(with(calibrated), support::make_images(random_, 2, 6, 6, 4)),
            "network: site 0 ('input') made 6 x 6 x 3 when calibrated and makes 6 x 6 x 4 now");
}

TEST_F(Replay, AnotherWindowThatMakesTheSameShape) {
  EXPECT_EQ(said_to(but(2, changed(pool,
                                   [](step& s) {
                                     s.taps = {.size = {3, 3}, .stride = {2, 2}, .padding = {1, 1}};
                                   }))),
            "network: site 3 ('max_pool 1') had a window of 2 x 2 when calibrated and has 3 x 3 now");
  EXPECT_EQ(said_to(but(4, changed(average, [](step& s) { s.taps = {.size = {1, 1}}; }))),
            "network: site 5 ('average_pool 1') had a window of 3 x 3 when calibrated and has 1 x 1 now");
  EXPECT_EQ(said_to(but(0, changed(conv, [](step& s) { s.layer = 1; }))),
            "network: site 1 ('conv') had padding of 1 x 1 when calibrated and has 2 x 2 now");
  EXPECT_EQ(said_to(but(0, changed(conv, [](step& s) { s.layer = 2; }))),
            "network: site 1 ('conv') had 1 groups when calibrated and has 3 now");
  EXPECT_EQ(said_to(but(0, changed(conv, [](step& s) { s.layer = 3; }))),
            "network: site 1 ('conv') had a window of 3 x 3 when calibrated and has 1 x 1 now");
}

TEST_F(Replay, AnotherStrideThatMakesTheSameShape) {
  const auto pooled = [](const dyadic::extent2& stride) {
    return with({{.what = max_pool, .a = 0, .taps = {.size = {6, 5}, .stride = stride}}});
  };
  const plan made = std::move(*dyadic::try_calibrate(pooled({1, 1}), std::array{x_.all()}));
  EXPECT_EQ(text_of(made.try_run(pooled({4, 1}), x_.all())),
            "network: site 1 ('max_pool 1') had a stride of 1 x 1 when calibrated and has 4 x 1 now");
}

TEST_F(Replay, FewerOperations) {
  std::vector<step> fewer = calibrated;
  fewer.pop_back();
  EXPECT_EQ(said_to(fewer), "network: ended after 6 sites, 7 were calibrated; the next is 'fc'");
  EXPECT_EQ(said_to(std::vector<step>{}), "network: ended after 1 sites, 7 were calibrated; the next is 'conv'");
}

TEST_F(Replay, MoreOperations) {
  std::vector<step> more = calibrated;
  more.push_back({.what = relu, .a = 6});
  EXPECT_EQ(said_to(more), "network: a relu after the last of 7 calibrated sites");
  more.push_back({.what = linear, .a = 5, .layer = 0});
  EXPECT_EQ(said_to(more), "network: a relu after the last of 7 calibrated sites") << "the first error stays";
}

TEST_F(Replay, AnotherResult) {
  std::vector<step> steps = calibrated;
  steps.push_back({.what = flatten, .a = 5});
  EXPECT_EQ(said_to(steps), "network: returned site 5, site 6 was returned when calibrated");
}

TEST_F(Replay, WhatNeverFitsNamesItsSiteToo) {
  EXPECT_EQ(said_to(but(0, changed(conv, [](step& s) { s.layer = 4; }))),
            "network: site 1 ('conv'): conv2d: weights have 45 columns, 3 x 3 taps of 3 channels expect 27");
  EXPECT_EQ(said_to(but(5, changed(fc, [](step& s) { s.layer = 1; }))),
            "network: site 6 ('fc'): linear: x has 27 features, the weights expect 12");
  EXPECT_EQ(said_to(but(3, changed(sum, [](step& s) { s.b = 2; }))),
            "network: site 4 ('add 1'): add: 3 x 3 x 3 x 3 and 3 x 6 x 6 x 3, expected the same shape");
  EXPECT_EQ(said_to(but(2, changed(pool, [](step& s) { s.taps.size = {0, 1}; }))),
            "network: site 3 ('max_pool 1'): pool: size, stride or dilation of 0, expected 1 to 1048576");
}

TEST_F(Replay, ABadBatchIsRefusedInEveryDomain) {
  const auto with_rows = [&](const dyadic::batch& b) {
    const std::array all{text_of(static_.try_run(net_, b)), text_of(static_.try_run_real(net_, b)),
                         text_of(static_.try_simulate(net_, b)), text_of(dynamic_.try_run(net_, b))};
    for (const std::string& text : all) EXPECT_EQ(text, all[0]);
    return all[0];
  };
  EXPECT_EQ(with_rows({{x_.numbers.data(), 3, 100}, {6, 6}, 3}),
            "network: rows of 100 numbers for images of 6 x 6 x 3");
  EXPECT_EQ(with_rows({{nullptr, 3, 108}, {6, 6}, 3}), "network: batch: null data for 3 x 108 elements");
}

TEST_F(Replay, NoImagesGiveNoRows) {
  for (const plan* p : {&static_, &dynamic_}) {
    const auto y = p->try_run(net_, x_.some(0, 0));
    ASSERT_TRUE(y) << text_of(y);
    EXPECT_EQ(y->shape, (dyadic::image_shape{0, 1, 1, 4}));
    EXPECT_EQ(y->values.size(), 0);
    EXPECT_TRUE(p->try_run_real(net_, x_.some(0, 0)));
  }
  EXPECT_TRUE(static_.try_simulate(net_, x_.some(0, 0)));
}

}  // namespace replay_test
