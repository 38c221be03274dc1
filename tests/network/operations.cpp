// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The operations in the domain real, bit for bit those of kernels/reference; batches of any layout; errors that stick.
#include <gtest/gtest.h>

#include <Eigen/Core>
#include <limits>

#include <dyadic/core/thread_pool.hpp>
#include <dyadic/network/code.hpp>
#include <dyadic/network/dynamic.hpp>
#include <dyadic/network/simulated.hpp>

#include "support/data.hpp"
#include "support/isas.hpp"
#include "support/naive.hpp"
#include "support/random_network.hpp"

namespace operations_test {

using dyadic::batch;
using dyadic::errc;
using dyadic::index_t;
using dyadic::real;
using dyadic::tensor;
using dyadic::window;
using support::images;
using support::integers;

/// The network in the domain real equals the naive one, with every instruction set and several threads.
template <class Net>
void expect_as_naive(const Net& net, const images& x, const std::string& what) {
  support::naive slow;
  const tensor<support::naive> expected = net(input(slow, x.all()));
  support::for_each_isa([&](const std::string& isa) {
    for (const index_t threads : {1, 3}) {
      dyadic::thread_pool pool(threads);
      real run({.run = pool});
      const tensor<real> y = net(input(run, x.all()));
      ASSERT_TRUE(run.ok()) << run.error().message();
      ASSERT_EQ(y.shape(), expected.shape()) << what;
      EXPECT_TRUE(support::same_bits(y.data(), expected.data(), y.shape().size())) << what << ", " << isa;
    }
  });
}

TEST(Operations, Linear) {
  integers random(1);
  for (const index_t out : {1, 10, 16, 17, 50}) {
    const index_t features = random.in(1, 70);
    const auto layer = support::make_linear(random, features, out, out != 17);
    expect_as_naive([&](const auto& x) { return layer(x); }, support::make_images(random, 13, 1, 1, features),
                    std::to_string(features) + " to " + std::to_string(out));
  }
  // Images are rows of h * w * c features without being flattened.
  const auto layer = support::make_linear(random, 3 * 4 * 5, 7);
  expect_as_naive([&](const auto& x) { return layer(x); }, support::make_images(random, 3, 3, 4, 5), "image");
}

TEST(Operations, Convolution) {
  integers random(2);
  const window windows[] = {
      {},
      {.size = {3, 3}, .padding = {1, 1}},
      {.size = {2, 3}, .stride = {2, 1}},
      {.size = {3, 2}, .stride = {1, 3}, .padding = {2, 0}, .dilation = {2, 1}},
      {.size = {3, 3}, .stride = {2, 2}, .padding = {3, 4}, .dilation = {1, 3}},
      {.size = {5, 1}, .padding = {2, 0}},
  };
  for (const window& taps : windows)
    for (const index_t groups : {1, 2, 6}) {
      const auto layer = support::make_conv2d(random, 6, 18, taps, groups, groups != 2);
      expect_as_naive([&](const auto& x) { return layer(x); }, support::make_images(random, 2, 9, 7, 6),
                      std::to_string(taps.size.height) + " x " + std::to_string(taps.size.width) + ", groups " +
                          std::to_string(groups));
    }
}

TEST(Operations, PoolsWithAndWithoutPadding) {
  integers random(3);
  const window windows[] = {{},
                            {.size = {2, 2}, .stride = {2, 2}},
                            {.size = {3, 3}, .stride = {2, 2}, .padding = {1, 1}},
                            {.size = {3, 2}, .padding = {2, 1}},
                            {.size = {9, 7}}};
  for (const window& taps : windows)
    for (const index_t channels : {1, 3, 16, 21}) {
      const images x = support::make_images(random, 3, 9, 7, channels);
      expect_as_naive([&](const auto& t) { return max_pool(t, taps); }, x, "max_pool");
      expect_as_naive([&](const auto& t) { return average_pool(t, taps); }, x, "average_pool");
    }
  const images x = support::make_images(random, 3, 9, 7, 5);
  expect_as_naive([&](const auto& t) { return max_pool(t, {2, 3}); }, x, "max_pool by size");
  expect_as_naive([&](const auto& t) { return average_pool(t, {3, 2}); }, x, "average_pool by size");
}

TEST(Operations, ReluAddAndFlatten) {
  integers random(4);
  images x = support::make_images(random, 5, 3, 5, 7);
  const std::vector<float> corners = support::corner_numbers();
  std::copy(corners.begin(), corners.end(), x.numbers.begin());
  expect_as_naive([](const auto& t) { return relu(t); }, x, "relu");
  expect_as_naive([](const auto& t) { return add(t, t); }, x, "add a tensor to itself");
  expect_as_naive([](const auto& t) { return add(relu(t), t); }, x, "residual");
  expect_as_naive([](const auto& t) { return add(t, relu(t)); }, x, "residual, the other way round");
  expect_as_naive([](const auto& t) { return flatten(t); }, x, "flatten");
  expect_as_naive([](const auto& t) { return t; }, x, "nothing");
}

TEST(Operations, RandomNetworks) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    integers random(1000 + seed);
    const images x = support::make_images(random, 4, random.in(3, 9), random.in(3, 9), random.in(1, 8));
    const auto net = support::network_maker(random, x.all().shape()).make(8);
    expect_as_naive(net, x, net.text());
    if (HasFailure()) break;
  }
}

TEST(Operations, ABatchMayHaveAnyStrides) {
  integers random(5);
  const images x = support::make_images(random, 6, 2, 3, 4);
  const auto layer = support::make_conv2d(random, 4, 5, {.size = {2, 2}});
  const auto output_of = [&](const batch& b) {
    real run;
    const tensor<real> y = layer(input(run, b));
    EXPECT_TRUE(run.ok()) << run.error().message();
    return std::vector<float>(y.elements().begin(), y.elements().end());
  };
  const std::vector<float> expected = output_of(x.all());
  ASSERT_EQ(expected.size(), 6U * 2 * 5);

  using rows_first = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const rows_first> all(x.numbers.data(), 6, 24);
  const Eigen::MatrixXf by_columns = all;
  EXPECT_EQ(output_of({by_columns, {2, 3}, 4}), expected);
  rows_first wide = rows_first::Random(9, 40);
  wide.block(2, 5, 6, 24) = all;
  EXPECT_EQ(output_of({wide.block(2, 5, 6, 24), {2, 3}, 4}), expected);
  Eigen::MatrixXf tall = Eigen::MatrixXf::Random(9, 40);
  tall.block(2, 5, 6, 24) = all;
  EXPECT_EQ(output_of({tall.block(2, 5, 6, 24), {2, 3}, 4}), expected);
  const Eigen::MatrixXf transposed = all.transpose();
  EXPECT_EQ(output_of({transposed.transpose(), {2, 3}, 4}), expected);
  // Rows in reverse, by a negative stride.
  rows_first reversed = all.colwise().reverse();
  EXPECT_EQ(output_of({{&reversed(5, 0), 6, 24, -24, 1}, {2, 3}, 4}), expected);
}

TEST(Operations, WithoutChannelsARowIsAllColumns) {
  const std::vector<float> x(12, 1.0F);
  real run;
  EXPECT_EQ(input(run, {.rows = {x.data(), 3, 4}}).shape(), (dyadic::image_shape{3, 1, 1, 4}));
  EXPECT_TRUE(run.ok());
}

TEST(Operations, ABatchThatIsNotItsImagesIsRefused) {
  const std::vector<float> x(24);
  const auto refused = [&](const batch& b) {
    real run;
    const tensor<real> y = input(run, b);
    EXPECT_TRUE(y.empty());
    EXPECT_FALSE(run.ok());
    return std::string(run.error().message());
  };
  EXPECT_EQ(refused({{x.data(), 2, 12}, {2, 2}, 4}), "network: rows of 12 numbers for images of 2 x 2 x 4");
  EXPECT_EQ(refused({{x.data(), 2, 12}, {2, 3}}), "network: rows of 12 numbers for images of 2 x 3 x 12");
  EXPECT_EQ(refused({{nullptr, 2, 12}}), "network: batch: null data for 2 x 12 elements");
  EXPECT_EQ(refused({{x.data(), 2, 12}, {-2, -2}, 3}), "network: batch: image of 2 x -2 x -2 x 3, expected sizes >= 0");
}

TEST(Operations, NoImagesAreNoError) {
  integers random(6);
  const images x = support::make_images(random, 0, 9, 8, 3);
  const auto conv = support::make_conv2d(random, 3, 4, {.size = {2, 2}});
  const auto fc = support::make_linear(random, 4 * 3 * 4, 5);
  real run;
  const tensor<real> y = fc(flatten(max_pool(relu(conv(input(run, x.all()))), {2, 2})));
  const tensor<real> z = average_pool(input(run, x.all()), {2, 2});
  EXPECT_TRUE(run.ok()) << run.error().message();
  EXPECT_EQ(y.shape(), (dyadic::image_shape{0, 1, 1, 5}));
  EXPECT_EQ(z.shape(), (dyadic::image_shape{0, 4, 4, 3}));
}

/// The first thing that went wrong stays, and everything after it is empty.
template <class Bad>
std::string first_error(Bad bad) {
  integers random(7);
  const images x = support::make_images(random, 2, 6, 6, 3);
  const auto conv = support::make_conv2d(random, 3, 4, {});
  const auto fc = support::make_linear(random, 9, 5);
  real run;
  const tensor<real> first = input(run, x.all());
  EXPECT_FALSE(first.empty());
  const tensor<real> y = bad(first);
  EXPECT_TRUE(y.empty());
  EXPECT_EQ(y.data(), nullptr);
  EXPECT_FALSE(run.ok());
  const std::string text = run.error().message();
  for (const tensor<real>& later : {relu(y), conv(y), fc(y), max_pool(y, {2, 2}), average_pool(y, {2, 2}),
                                    add(y, first), add(first, y), flatten(y), conv(first), relu(first)}) {
    EXPECT_TRUE(later.empty());
    EXPECT_EQ(later.site(), -1);
    EXPECT_TRUE(later.elements().empty());
  }
  EXPECT_EQ(run.error().message(), text);
  return text;
}

TEST(Operations, WhatDoesNotFitNamesItsSite) {
  integers random(8);
  const auto conv = support::make_conv2d(random, 4, 4, {.size = {2, 2}}, 2, true, "c");
  EXPECT_EQ(first_error([&](const auto& x) { return conv(x); }),
            "network: site 1: conv2d: 2 groups do not divide 3 input and 4 output channels");
  const auto fc = support::make_linear(random, 9, 5);
  EXPECT_EQ(first_error([&](const auto& x) { return fc(relu(x)); }),
            "network: site 2: linear: x has 108 features, the weights expect 9");
  EXPECT_EQ(first_error([&](const auto& x) {
              return add(x, max_pool(x, {2, 2}));
            }),
            "network: site 2: add: 2 x 6 x 6 x 3 and 2 x 3 x 3 x 3, expected the same shape");
  EXPECT_EQ(first_error([&](const auto& x) {
              return max_pool(x, {0, 2});
            }),
            "network: site 1: pool: size, stride or dilation of 0, expected 1 to 1048576");
  EXPECT_EQ(first_error([&](const auto& x) {
              return max_pool(x, window{.size = {2, 2}, .dilation = {2, 1}});
            }),
            "network: site 1: pool: dilation 2 x 1, expected 1 x 1");
  EXPECT_EQ(first_error([&](const auto& x) {
              return average_pool(x, window{.size = {2, 2}, .padding = {2, 1}});
            }),
            "network: site 1: pool: padding 2 x 1 around a window of 2 x 2, expected less");
}

// Where a domain has no apply() for an operation, a network that uses it does not compile.
struct box {
  using element = float;
};
struct negate {};
tensor<real> apply(real& run, negate, const tensor<real>& x) {
  const tensor<real> y = make_tensor(run, x.shape(), x.site());
  if (run.ok())
    for (index_t i = 0; i < x.shape().size(); ++i) y.data()[i] = -x.data()[i];
  return y;
}
TEST(Operations, AUsersOwnRunsWhereItHasAnApply) {
  integers random(9);
  const images x = support::make_images(random, 2, 3, 3, 2);
  real run;
  const tensor<real> y = input(run, x.all()), sum = add(y, apply(run, negate{}, y));
  ASSERT_TRUE(run.ok());
  for (const float zero : sum.elements()) EXPECT_EQ(zero, 0.0F);
}

template <class D, class Operation>
constexpr bool runs = requires(D& run, const Operation& op, const tensor<D>& x) {
  apply(run, op, x);
};
template <class D>
constexpr bool adds = requires(D& run, const tensor<D>& x) {
  apply(run, dyadic::operations::add{}, x, x);
};
template <class D>
constexpr bool runs_all = runs<D, dyadic::linear>&& runs<D, dyadic::conv2d>&& runs<D, dyadic::operations::relu>&&
    runs<D, dyadic::operations::max_pool>&& runs<D, dyadic::operations::average_pool>&& adds<D>;
static_assert(runs_all<real> && runs_all<dyadic::observed> && runs_all<dyadic::simulated> &&
              runs_all<dyadic::dynamic> && runs_all<dyadic::code> && runs_all<support::naive> &&
              runs_all<support::naive_codes>);
static_assert(!runs<box, dyadic::linear> && !runs<box, dyadic::conv2d> && !runs<box, dyadic::operations::relu> &&
              !runs<box, dyadic::operations::max_pool> && !runs<box, dyadic::operations::average_pool> && !adds<box>);
static_assert(runs<real, negate> && !runs<dyadic::code, negate> && !runs<dyadic::observed, negate>);

}  // namespace operations_test
