// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <array>
#include <limits>

#include "support/data.hpp"
#include "support/networks.hpp"
#include "support/random_network.hpp"

namespace calibrate_test {

using dyadic::activation_scales;
using dyadic::batch;
using dyadic::chosen;
using dyadic::errc;
using dyadic::index_t;
using dyadic::linear;
using dyadic::plan;
using dyadic::recipe;
using dyadic::result;
using dyadic::site;
using dyadic::site_kind;
using dyadic::window;
using support::images;
using support::integers;
using support::text_of;

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

/// Every kind of site, two relus that a producer does, one that it cannot, and a residual.
struct network {
  dyadic::conv2d first, second;
  linear last;
  template <class Tensor>
  Tensor operator()(Tensor x) const {
    x = max_pool(relu(first(x)), {2, 2});
    const Tensor y = second(x), z = relu(y);
    x = add(y, x);
    x = relu(add(z, x));
    x = average_pool(x, window{.size = {2, 2}, .padding = {1, 0}});
    return relu(last(flatten(x)));
  }
};
network make_network(integers& random) {
  auto first = support::make_conv2d(random, 3, 4, {.size = {3, 3}, .padding = {1, 1}});
  auto second =
      support::make_conv2d(random, 4, 4, {.size = {3, 1}, .padding = {2, 0}, .dilation = {2, 1}}, 2, false, "second");
  auto last = support::make_linear(random, 40, 5, true, "last");
  return {std::move(first), std::move(second), std::move(last)};
}

TEST(Calibrate, FindsTheSites) {
  integers random(1);
  const network net = make_network(random);
  const images x = support::make_images(random, 4, 8, 6, 3);
  const auto made = dyadic::try_calibrate(net, std::array{x.all()});
  ASSERT_TRUE(made) << text_of(made);

  struct expected {
    site_kind kind;
    const char* name;
    index_t height, width, channels;
    int a, b, consumers, relu;
    bool done_before;
    int params_of;
  };
  constexpr expected all[] = {
      {site_kind::input, "input", 8, 6, 3, -1, -1, 1, -1, false, 0},
      {site_kind::conv2d, "conv2d 1", 8, 6, 4, 0, -1, 1, 2, false, 1},
      {site_kind::relu, "relu 1", 8, 6, 4, 1, -1, 1, -1, true, 1},
      {site_kind::max_pool, "max_pool 1", 4, 3, 4, 2, -1, 2, -1, false, 1},
      {site_kind::conv2d, "second", 4, 3, 4, 3, -1, 2, -1, false, 4},
      {site_kind::relu, "relu 2", 4, 3, 4, 4, -1, 1, -1, false, 4},
      {site_kind::add, "add 1", 4, 3, 4, 4, 3, 1, -1, false, 6},
      {site_kind::add, "add 2", 4, 3, 4, 5, 6, 1, 8, false, 7},
      {site_kind::relu, "relu 3", 4, 3, 4, 7, -1, 1, -1, true, 7},
      {site_kind::average_pool, "average_pool 1", 5, 2, 4, 8, -1, 1, -1, false, 7},
      {site_kind::linear, "last", 1, 1, 5, 9, -1, 1, 11, false, 10},
      {site_kind::relu, "relu 4", 1, 1, 5, 10, -1, 1, -1, true, 10},
  };
  ASSERT_EQ(made->sites().size(), std::size(all));
  for (std::size_t s = 0; s < std::size(all); ++s) {
    SCOPED_TRACE(s);
    const site& found = made->sites()[s];
    const expected& e = all[s];
    EXPECT_EQ(found.kind, e.kind);
    EXPECT_STREQ(found.name.c_str(), e.name);
    EXPECT_EQ(found.size, (dyadic::extent2{e.height, e.width}));
    EXPECT_EQ(found.channels, e.channels);
    EXPECT_EQ(found.inputs[0], e.a);
    EXPECT_EQ(found.inputs[1], e.b);
    EXPECT_EQ(found.consumers, e.consumers);
    EXPECT_EQ(found.relu, e.relu);
    EXPECT_EQ(found.done_before, e.done_before);
    EXPECT_EQ(found.params_of, e.params_of);
    EXPECT_EQ(made->params(static_cast<int>(s)), made->sites()[static_cast<std::size_t>(e.params_of)].params);
    EXPECT_EQ(made->weights(static_cast<int>(s)) != nullptr,
              e.kind == site_kind::conv2d || e.kind == site_kind::linear);
    EXPECT_EQ(found.not_finite, 0U);
  }
  EXPECT_EQ(made->result_site(), 11);
  EXPECT_EQ(made->sites()[4].groups, 2);
  EXPECT_EQ(made->sites()[4].taps, net.second.taps());
  EXPECT_EQ(made->sites()[9].taps, (window{.size = {2, 2}, .padding = {1, 0}}));
  EXPECT_STREQ(to_string(site_kind::average_pool), "average_pool");
}

/// x = (1, -2), (3, 4); w x + b = (1, -2), (3, 6).
struct small {
  std::vector<float> x{1, -2, 3, 4}, w{1, 0, 1, 1}, b{0, -1};
  linear layer = std::move(*linear::try_make({w.data(), 2, 2}, b, "fc"));
  batch all() const { return {{x.data(), 2, 2}}; }
};

TEST(Calibrate, ParamsComeFromWhatWasSeen) {
  const small s;
  const auto plain = dyadic::try_calibrate([&](const auto& x) { return s.layer(x); }, std::array{s.all()});
  ASSERT_TRUE(plain) << text_of(plain);
  EXPECT_EQ(plain->sites()[0].range, (dyadic::range{-2, 4}));
  EXPECT_EQ(plain->params(0), (chosen{6.0F / 255.0F, 85}));
  EXPECT_EQ(plain->sites()[1].range, (dyadic::range{-2, 6}));
  EXPECT_EQ(plain->params(1), (chosen{8.0F / 255.0F, 64}));  // 2 / (8 / 255) = 63.75

  // Where a relu follows and nothing else looks, no code is spent on what it drops.
  const auto rectified = dyadic::try_calibrate([&](const auto& x) { return relu(s.layer(x)); }, std::array{s.all()});
  ASSERT_TRUE(rectified) << text_of(rectified);
  EXPECT_EQ(rectified->sites()[1].range, (dyadic::range{0, 6}));
  EXPECT_EQ(rectified->params(1), (chosen{6.0F / 255.0F, 0}));
  EXPECT_EQ(rectified->params(2), rectified->params(1));

  // Where something else looks, they are.
  const auto both = dyadic::try_calibrate(
      [&](const auto& x) {
        const auto y = s.layer(x);
        return add(y, relu(y));
      },
      std::array{s.all()});
  ASSERT_TRUE(both) << text_of(both);
  EXPECT_EQ(both->sites()[1].range, (dyadic::range{-2, 6}));
  EXPECT_EQ(both->sites()[3].range, (dyadic::range{-2, 12}));
}

TEST(Calibrate, BytesOfAModel) {
  const small s;
  const auto net = [&](const auto& x) { return relu(s.layer(x)); };
  const auto bytes = [&](const recipe& how) {
    const auto made = dyadic::try_calibrate(net, std::array{s.all()}, how);
    EXPECT_TRUE(made) << text_of(made);
    EXPECT_EQ(made->real_bytes(), 4 * 4 + 2 * 4);
    return made->model_bytes();
  };
  // Codes, scales and zero points of the weights; biases; two sites with params of 5 bytes.
  EXPECT_EQ(bytes({.weights = dyadic::s8_per_row}), 4 + 2 * 4 + 2 * 4 + 2 * 5);
  EXPECT_EQ(bytes({.weights = dyadic::s4_per_tensor}), 2 + 4 + 2 * 4 + 2 * 5);
  EXPECT_EQ(bytes({.weights = dyadic::u4_per_row}), 2 + 2 * 4 + 2 + 2 * 4 + 2 * 5);
  EXPECT_EQ(bytes({.activations = activation_scales::dynamic, .weights = dyadic::u4_per_row}), 2 + 2 * 4 + 2 + 2 * 4);
}

TEST(Calibrate, OtherWeightsForSomeLayers) {
  integers random(2);
  const network net = make_network(random);
  const images x = support::make_images(random, 4, 8, 6, 3);
  recipe how{.weights = dyadic::s4_per_row, .except = {{"last", dyadic::s8_per_row}, {"conv2d 1", dyadic::u4_per_row}}};
  const auto made = dyadic::try_calibrate(net, std::array{x.all()}, how);
  ASSERT_TRUE(made) << text_of(made);
  EXPECT_EQ(made->weights(1)->scheme, dyadic::u4_per_row);
  EXPECT_EQ(made->weights(4)->scheme, dyadic::s4_per_row);
  EXPECT_EQ(made->weights(4)->packed.parts.size(), 2U);
  EXPECT_EQ(made->weights(10)->scheme, dyadic::s8_per_row);
  for (const char* name : {"conv2d 2", "relu 1", "input", ""}) {
    how.except[1].site = name;
    const auto bad = dyadic::try_calibrate(net, std::array{x.all()}, how);
    ASSERT_FALSE(bad);
    EXPECT_EQ(bad.error().code(), errc::unknown_name);
    EXPECT_EQ(text_of(bad),
              "calibrate: the recipe names '" + std::string(name) + "', no layer of the network has that name");
  }
}

TEST(Calibrate, ALayerWithALongNameIsFoundByIt) {
  integers random(3);
  const std::string name(60, 'n');
  const auto layer = support::make_linear(random, 4, 2, true, name.c_str());
  const images x = support::make_images(random, 2, 1, 1, 4);
  const auto made = dyadic::try_calibrate([&](const auto& t) { return layer(t); }, std::array{x.all()},
                                          {.except = {{name.c_str(), dyadic::s4_per_row}}});
  ASSERT_TRUE(made) << text_of(made);
  EXPECT_EQ(made->weights(1)->scheme, dyadic::s4_per_row);
}

TEST(Calibrate, APercentileLeavesOutliersOut) {
  std::vector<float> x(1000);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) * 0x1p-10F;
  x[0] = -1000.0F;
  x[999] = 1000.0F;
  const auto net = [](const auto& t) { return t; };
  const std::array batches{batch{{x.data(), 100, 10}}};
  const auto all = dyadic::try_calibrate(net, batches),
             most = dyadic::try_calibrate(net, batches, {.percentile = 99.0});
  ASSERT_TRUE(all && most);
  EXPECT_EQ(all->sites()[0].range, (dyadic::range{-1000, 1000}));
  // 5 numbers on each side are left out, to within a bin: 2048 bins over 2000.
  EXPECT_GE(most->sites()[0].range.lo, -1.0F);
  EXPECT_LE(most->sites()[0].range.hi, 2.0F);
  for (const double bad : {0.0, -1.0, 100.5, static_cast<double>(nan_value)}) {
    const auto refused = dyadic::try_calibrate(net, batches, {.percentile = bad});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), errc::invalid_range);
    EXPECT_TRUE(text_of(refused).starts_with("calibrate: site 0 ('input'): range: percentile ")) << text_of(refused);
  }
  EXPECT_EQ(text_of(dyadic::try_calibrate(net, batches, {.percentile = 100.5})),
            "calibrate: site 0 ('input'): range: percentile 100.5 given, expected a number in (0, 100]");
}

/// A range that makes each batch when it is asked for it, the last image first, and only once.
struct one_by_one {
  const images& x;
  struct iterator {
    const images& x;
    index_t left;
    batch operator*() const { return x.some(left - 1, 1); }
    iterator& operator++() { return --left, *this; }
    bool operator!=(std::nullptr_t) const { return left > 0; }
  };
  iterator begin() const { return {x, x.count}; }
  std::nullptr_t end() const { return nullptr; }
};

TEST(Calibrate, AnySplitOfTheDataGivesTheSamePlan) {
  integers random(4);
  const network net = make_network(random);
  images x = support::make_images(random, 7, 8, 6, 3);
  x.numbers[5] = nan_value, x.numbers[700] = infinity;
  for (const activation_scales activations : {activation_scales::static_, activation_scales::dynamic}) {
    const recipe how{.activations = activations, .weights = dyadic::s4_per_row, .percentile = 99.0};
    const auto whole = dyadic::try_calibrate(net, std::array{x.all()}, how);
    ASSERT_TRUE(whole) << text_of(whole);
    const auto same = [&](const auto& batches) {
      const auto made = dyadic::try_calibrate(net, batches, how);
      ASSERT_TRUE(made) << text_of(made);
      EXPECT_TRUE(support::same_plan(*made, *whole));
    };
    same(std::array{x.some(0, 3), x.some(3, 4)});
    same(std::array{x.some(5, 2), x.some(0, 5)});
    same(std::vector{x.some(6, 1), x.some(1, 3), x.some(0, 1), x.some(4, 2)});
    same(one_by_one{x});
    // Other data make another plan: the comparison is not blind.
    const auto other = dyadic::try_calibrate(net, std::array{x.some(0, 4)}, how);
    ASSERT_TRUE(other);
    EXPECT_FALSE(support::same_plan(*other, *whole)) << "it did not see the infinity";
  }
}

TEST(Calibrate, RecordingBatchByBatchIsTheSame) {
  integers random(5);
  const network net = make_network(random);
  const images x = support::make_images(random, 4, 8, 6, 3);
  dyadic::recording seen;
  EXPECT_EQ(seen.result(), -1);
  for (const index_t i : {0, 1, 2, 3}) ASSERT_TRUE(dyadic::try_record(net, x.some(i, 1), seen));
  EXPECT_EQ(seen.result(), 11);
  EXPECT_EQ(seen.seen(0).seen().total(), 4U * 8 * 6 * 3);
  const auto by_hand = plan::try_make(seen, recipe{});
  const auto made = dyadic::try_calibrate(net, std::array{x.all()});
  ASSERT_TRUE(by_hand && made);
  EXPECT_TRUE(support::same_plan(*by_hand, *made));
  // A plan is its own: it does not need the recording any more.
  seen = {};
  EXPECT_TRUE(support::same_output(by_hand->run(net, x.all()), made->run(net, x.all())));
}

TEST(Calibrate, NeedsData) {
  const small s;
  const auto net = [&](const auto& x) { return s.layer(x); };
  const auto none = dyadic::try_calibrate(net, std::vector<batch>{});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code(), errc::no_data);
  EXPECT_EQ(text_of(none), "calibrate: 0 batches, expected at least 1");
  const auto empty = dyadic::try_calibrate(net, std::array{s.all(), batch{{s.x.data(), 0, 2}}});
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code(), errc::no_data);
  EXPECT_EQ(text_of(empty), "calibrate: a batch of 0 rows, expected at least 1");
}

TEST(Calibrate, NeedsAFiniteNumberAtEverySite) {
  const auto same = [](const auto& x) { return x; };
  const std::vector<float> nothing{nan_value, nan_value, infinity, -infinity};
  const auto bad = dyadic::try_calibrate(same, std::array{batch{{nothing.data(), 2, 2}}});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), errc::no_data);
  EXPECT_EQ(text_of(bad),
            "calibrate: site 0 ('input'): range: no finite number among 4 observed (2 NaN, 1 +infinity, 1 -infinity)");

  // Finite at first, infinite later.
  const std::vector<float> w{3e38F, 3e38F}, x{2.0F, 2.0F, -2.0F, -2.0F};
  const auto layer = linear::try_make({w.data(), 1, 2}, {}, "fc");
  const auto net = [&](const auto& t) { return (*layer)(t); };
  EXPECT_EQ(text_of(dyadic::try_calibrate(net, std::array{batch{{x.data(), 2, 2}}})),
            "calibrate: site 1 ('fc'): range: no finite number among 2 observed (0 NaN, 1 +infinity, 1 -infinity)");
  // Dynamic scales are measured when the time comes.
  const auto dynamic =
      dyadic::try_calibrate(net, std::array{batch{{x.data(), 2, 2}}}, {.activations = activation_scales::dynamic});
  ASSERT_TRUE(dynamic) << text_of(dynamic);
  EXPECT_EQ(dynamic->sites()[1].not_finite, 2U);
}

TEST(Calibrate, CountsWhatIsNotFinite) {
  small s;
  s.x = {nan_value, 1, 2, infinity, 3, 4};
  const auto net = [&](const auto& x) { return relu(s.layer(x)); };
  const auto made = dyadic::try_calibrate(net, std::array{batch{{s.x.data(), 3, 2}}});
  ASSERT_TRUE(made) << text_of(made);
  EXPECT_EQ(made->sites()[0].not_finite, 2U);
  EXPECT_EQ(made->sites()[0].range, (dyadic::range{1, 4}));
  // (NaN, NaN), (NaN, inf), (3, 6): infinity times a weight of 0 is NaN.
  EXPECT_EQ(made->sites()[1].not_finite, 4U);
  EXPECT_EQ(made->sites()[2].not_finite, 4U);
  EXPECT_EQ(made->sites()[1].range, (dyadic::range{3, 6}));
}

TEST(Calibrate, GroupsMustDivideTheDepth) {
  integers random(6);
  const network net = make_network(random);
  const images x = support::make_images(random, 2, 8, 6, 3);
  const auto bad = dyadic::try_calibrate(net, std::array{x.all()}, {.weights = dyadic::s4_per_group<32>});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), errc::invalid_group);
  EXPECT_EQ(text_of(bad), "calibrate: site 1 ('conv2d 1'): scheme: rows of 27 do not divide into groups of 32");
}

TEST(Calibrate, WeightsAreOfAKnownScheme) {
  const small s;
  const auto bad = dyadic::try_calibrate([&](const auto& x) { return s.layer(x); }, std::array{s.all()},
                                         {.weights = dyadic::s16_per_tensor});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), errc::invalid_scheme);
  EXPECT_TRUE(text_of(bad).starts_with("calibrate: site 1 ('fc'): visit: no code for the scheme s16")) << text_of(bad);
}

TEST(Calibrate, ASumThatCouldOverflowIsRefused) {
  constexpr index_t k = 66400;  // 66400 * 127 * 255 > 2^31 - 1 > 66300 * 127 * 255
  const std::vector<float> ones(static_cast<std::size_t>(k), 1.0F);
  const auto wide = linear::try_make({ones.data(), 1, k}, {}, "wide"),
             fits = linear::try_make({ones.data(), 1, k - 100}, {}, "fits");
  const auto bad =
      dyadic::try_calibrate([&](const auto& x) { return (*wide)(x); }, std::array{batch{{ones.data(), 1, k}}});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), errc::overflow);
  EXPECT_TRUE(text_of(bad).starts_with("calibrate: site 1 ('wide'): pack: row 0 has sum |w - zero point| = 8432800, "))
      << text_of(bad);
  EXPECT_TRUE(
      dyadic::try_calibrate([&](const auto& x) { return (*fits)(x); }, std::array{batch{{ones.data(), 1, k - 100}}}));

  // A bias that does not fit beside the sum: 1e9 in units of (4 / 255) * (1 / 127).
  small s;
  s.b = {0, 1e9F};
  s.layer = std::move(*linear::try_make({s.w.data(), 2, 2}, s.b, "fc"));
  const auto net = [&](const auto& x) { return s.layer(x); };
  const auto biased = dyadic::try_calibrate(net, std::array{s.all()});
  ASSERT_FALSE(biased);
  EXPECT_EQ(biased.error().code(), errc::overflow);
  EXPECT_TRUE(text_of(biased).starts_with("calibrate: site 1 ('fc'): requantize: row 1 sums up to "))
      << text_of(biased);
  EXPECT_TRUE(text_of(biased).ends_with("with its bias, expected at most 2147483647")) << text_of(biased);
  // Between reals a bias is a real.
  EXPECT_TRUE(dyadic::try_calibrate(net, std::array{s.all()}, {.activations = activation_scales::dynamic}));
}

TEST(Calibrate, AWindowThatCodesCannotAverageIsRefused) {
  const std::vector<float> x(48 * 48, 1.0F);
  const batch one{{x.data(), 1, 48 * 48}, {48, 48}, 1};
  const auto net = [](const auto& t) { return average_pool(t, {48, 48}); };
  const auto bad = dyadic::try_calibrate(net, std::array{one});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), errc::invalid_shape);
  EXPECT_EQ(text_of(bad),
            "calibrate: site 1 ('average_pool 1'): average_pool: a window of 48 x 48 taps, expected at most 2048");
  const auto dynamic = dyadic::try_calibrate(net, std::array{one}, {.activations = activation_scales::dynamic});
  ASSERT_TRUE(dynamic) << text_of(dynamic);
  const auto y = dynamic->try_run(net, one);
  ASSERT_TRUE(y) << text_of(y);
  EXPECT_EQ(y->values[0], 1.0F);
}

TEST(Calibrate, AnAdditionOfFarTooDifferentScalesIsRefused) {
  // 1e38 - 1e38 + 0 and 0 + 1e-35: each input is huge, the sum tiny.
  const std::vector<float> x{1e38F, 0.0F, 0.0F, 1e-35F}, w{1, 1}, v{-1, 0};
  const auto a = linear::try_make({w.data(), 1, 2}, {}, "a"), b = linear::try_make({v.data(), 1, 2}, {}, "b");
  const auto bad =
      dyadic::try_calibrate([&](const auto& t) { return add((*a)(t), (*b)(t)); }, std::array{batch{{x.data(), 2, 2}}});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), errc::invalid_scale);
  EXPECT_TRUE(text_of(bad).starts_with("calibrate: site 3 ('add 1'): scale 3.92156")) << text_of(bad);
  EXPECT_TRUE(text_of(bad).ends_with(", expected at most 2^126")) << text_of(bad);
}

TEST(Calibrate, ANetworkThatChangesBetweenBatchesIsRefused) {
  const small s;
  int calls = 0;
  const auto net = [&](const auto& x) { return ++calls < 2 ? relu(s.layer(x)) : s.layer(relu(x)); };
  const auto bad = dyadic::try_calibrate(net, std::array{s.all(), s.all()});
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), errc::wrong_site);
  EXPECT_EQ(text_of(bad), "network: site 1 ('fc') was linear when calibrated and is relu now");
  calls = 0;
  const auto other_result = [&](const auto& x) {
    const auto y = s.layer(x);
    const auto z = relu(y);
    return ++calls < 2 ? z : y;
  };
  EXPECT_EQ(text_of(dyadic::try_calibrate(other_result, std::array{s.all(), s.all()})),
            "network: returned site 2 in one batch and site 1 in another");
}

TEST(Calibrate, AFailedFirstBatchLeavesNothing) {
  const small s;
  dyadic::recording seen;
  const auto bad = [&](const auto& x) { return s.layer(add(s.layer(x), max_pool(x, {2, 2}))); };
  const auto refused = dyadic::try_record(bad, s.all(), seen);
  ASSERT_FALSE(refused);
  EXPECT_EQ(seen.result(), -1);
  ASSERT_TRUE(dyadic::try_record([&](const auto& x) { return s.layer(x); }, s.all(), seen));
  EXPECT_EQ(seen.sites().size(), 2U);
  EXPECT_EQ(seen.seen(0).seen().total(), 4U);
}

#if DYADIC_EXCEPTIONS
TEST(Calibrate, TheThrowingFace) {
  const small s;
  const auto net = [&](const auto& x) { return s.layer(x); };
  EXPECT_THROW(static_cast<void>(dyadic::calibrate(net, std::vector<batch>{})), std::invalid_argument);
  const plan made = dyadic::calibrate(net, std::array{s.all()});
  EXPECT_THROW(static_cast<void>(made.run([&](const auto& x) { return relu(s.layer(x)); }, s.all())),
               std::invalid_argument);
  EXPECT_THROW(static_cast<void>(made.run_real(dyadic::relu<dyadic::real>, s.all())), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(made.simulate(net, s.all(), std::vector<std::uint8_t>(1))), std::invalid_argument);
  EXPECT_EQ(made.run(net, s.all()).shape, (dyadic::image_shape{2, 1, 1, 2}));
  constexpr index_t k = 66400;
  const std::vector<float> ones(static_cast<std::size_t>(k), 1.0F);
  const linear wide({ones.data(), 1, k});
  EXPECT_THROW(static_cast<void>(
                   dyadic::calibrate([&](const auto& x) { return wide(x); }, std::array{batch{{ones.data(), 1, k}}})),
               std::length_error);
}
#endif

}  // namespace calibrate_test
