// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Occlusion and sampled Shapley values: linear models exactly, Shapley values by their definition, completeness in
// whole codes on random networks, and refusals.
#include <gtest/gtest.h>

#include <Eigen/Core>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include <dyadic/core/thread_pool.hpp>
#include <dyadic/trust/explain.hpp>

#include "support/data.hpp"
#include "support/random_network.hpp"

namespace explain_test {

using dyadic::batch;
using dyadic::explanation;
using dyadic::index_t;
using dyadic::input_parts;
using dyadic::question;
using dyadic::result;
using dyadic::run_output;
using support::images;
using support::integers;
using support::text_of;
using numbers = std::vector<float>;

/// A model of one score: f of each row.
template <class F>
auto rowwise(F f) {
  return [f](const batch& x) {
    Eigen::MatrixXf y(x.rows.rows(), 1);
    for (index_t i = 0; i < x.rows.rows(); ++i) y(i, 0) = f([&, i](index_t j) { return x.rows(i, j); });
    return y;
  };
}

/// Quarters and eighths: every sum below is exact in a float.
const numbers weights{0.25F, -1.5F, 2.0F, 0.0F, -0.125F, 3.0F}, here{1.0F, 0.5F, -2.0F, 4.0F, 8.0F, -0.25F},
    there{0.5F, -0.5F, 1.0F, 0.0F, 8.0F, 0.25F};

auto linear_model() {
  return rowwise([](const auto& x) {
    float sum = 10.0F;
    for (index_t j = 0; j < 6; ++j) sum += weights[static_cast<std::size_t>(j)] * x(j);
    return sum;
  });
}

TEST(Explain, ALinearModelIsExplainedExactly) {
  const auto model = linear_model();
  const input_parts alone = dyadic::single_numbers(6), patches = *dyadic::try_patches({1, 1, 3, 2}, {1, 2});
  for (const auto* parts : {&alone, &patches}) {
    std::vector<double> expected(static_cast<std::size_t>(parts->count));
    for (std::size_t j = 0; j < 6; ++j)
      expected[static_cast<std::size_t>(parts->of[j])] += static_cast<double>(weights[j] * (here[j] - there[j]));
    const question q{.x = {{here.data(), 1, 6}}, .baseline = there, .parts = *parts};
    const auto occluded = dyadic::try_explain_by_occlusion(model, q);
    const auto shapley = dyadic::try_explain_by_shapley(model, q, {.orders = 4});
    ASSERT_TRUE(occluded && shapley);
    EXPECT_EQ(occluded->values, expected);
    EXPECT_EQ(shapley->values, expected);
    EXPECT_EQ(shapley->standard_errors, std::vector<double>(expected.size(), 0.0));
    EXPECT_EQ(shapley->gap(), 0.0);
    EXPECT_EQ(occluded->gap(), 0.0);
    EXPECT_FALSE(shapley->complete_in_codes()) << "it gives no codes";
  }
}

TEST(Explain, PatchesByHand) {
  const auto p = dyadic::try_patches({1, 3, 5, 2}, {2, 2});
  ASSERT_TRUE(p);
  EXPECT_EQ(p->count, 6);
  EXPECT_EQ(p->of, (std::vector<std::int32_t>{0, 0, 0, 0, 1, 1, 1, 1, 2, 2,  //
                                              0, 0, 0, 0, 1, 1, 1, 1, 2, 2,  //
                                              3, 3, 3, 3, 4, 4, 4, 4, 5, 5}));
}

// x0 * x1 at (1, 1) from (0, 0): Shapley gives each a half, from any number of orders. Occlusion gives each all of it
// and the gap says so. x2 is not used.
TEST(Explain, WhatTwoDoTogether) {
  const auto model = rowwise([](const auto& x) { return 3 * x(0) * x(1); });
  const numbers x{1, 1, 1}, none(3, 0.0F);
  const input_parts parts = dyadic::single_numbers(3);
  const question q{.x = {{x.data(), 1, 3}}, .baseline = none, .parts = parts};
  const auto shapley = dyadic::try_explain_by_shapley(model, q, {.orders = 2});
  ASSERT_TRUE(shapley);
  EXPECT_EQ(shapley->values, (std::vector<double>{1.5, 1.5, 0}));
  EXPECT_EQ(shapley->standard_errors, (std::vector<double>{0, 0, 0}));
  const auto occluded = dyadic::try_explain_by_occlusion(model, q);
  ASSERT_TRUE(occluded);
  EXPECT_EQ(occluded->values, (std::vector<double>{3, 3, 0}));
  EXPECT_EQ(occluded->gap(), 3.0);
  EXPECT_EQ(occluded->relative_gap(), 1.0);
}

/// Shapley values by their definition: all 2^n sets.
template <class F>
std::vector<double> by_definition(const F& value, std::size_t n) {
  std::vector<double> all, factorial{1};
  for (std::size_t set = 0; set < (std::size_t{1} << n); ++set) all.push_back(value(set));
  for (std::size_t i = 1; i <= n; ++i) factorial.push_back(factorial.back() * static_cast<double>(i));
  std::vector<double> shares(n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t set = 0; set < all.size(); ++set) {
      if ((set >> i & 1) != 0) continue;
      const auto size = static_cast<std::size_t>(std::popcount(set));
      shares[i] +=
          factorial[size] * factorial[n - 1 - size] / factorial[n] * (all[set | std::size_t{1} << i] - all[set]);
    }
  return shares;
}

// On the integer function of random networks, 9 patches: the sampled values are unbiased, so they lie within 3 standard
// errors of the exact ones in 99.7 of 100 cases, or 99.5 by Student's t of 40 pairs. Of 24 * 9 values, more than 6
// outside have a chance below 1e-3 (binomial), and 8 are asked for here. A value that never varies is exact.
TEST(Explain, SampledShapleyIsTheExactOne) {
  int outside = 0, values = 0;
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    integers random(900 + seed);
    const images seen = support::make_images(random, 8, 6, 6, 2);
    const auto net = support::network_maker(random, seen.all().shape()).make(6);
    const auto plan = dyadic::try_calibrate(net, std::array{seen.all()});
    ASSERT_TRUE(plan) << text_of(plan);
    const auto int8 = [&](const batch& x) { return plan->try_run(net, x); };
    const input_parts parts = *dyadic::try_patches({1, 6, 6, 2}, {2, 2});
    const numbers zero(72, 0.0F);
    const question q{.x = seen.some(0, 1), .baseline = zero, .parts = parts};
    const auto value = [&](std::size_t set) {
      numbers mixed(72, 0.0F);
      for (std::size_t j = 0; j < 72; ++j)
        if ((set >> parts.of[j] & 1) != 0) mixed[j] = seen.numbers[j];
      const auto y = plan->try_run(net, {{mixed.data(), 1, 72}, {6, 6}, 2});
      return static_cast<double>(y->params.scale) * (static_cast<double>(y->codes[0]) - y->params.zero_point);
    };
    const std::vector<double> exact = by_definition(value, 9);
    const auto found = dyadic::try_explain_by_shapley(int8, q, {.orders = 40, .seed = seed});
    ASSERT_TRUE(found) << text_of(found);
    EXPECT_TRUE(found->complete_in_codes());
    for (std::size_t p = 0; p < 9; ++p, ++values) {
      // Scale times a sum of integers over an integer: a few roundings.
      const double rounding = 1e-12 * (std::abs(exact[p]) + 1);
      outside += std::abs(found->values[p] - exact[p]) > 3 * found->standard_errors[p] + rounding ? 1 : 0;
    }
  }
  EXPECT_LE(outside, 8) << "of " << values;
}

TEST(Explain, CompleteInWholeCodesWhateverTheBatch) {
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    integers random(100 + seed);
    const images seen = support::make_images(random, 6, random.in(4, 9), random.in(4, 9), random.in(1, 4));
    const auto net = support::network_maker(random, seen.all().shape()).make(7);
    const dyadic::scheme form = support::weight_forms[seed % std::size(support::weight_forms)];
    const auto plan = dyadic::try_calibrate(net, std::array{seen.all()},
                                            {.weights = form, .except = net.exceptions(form, dyadic::s8_per_row)});
    ASSERT_TRUE(plan) << text_of(plan);
    dyadic::thread_pool pool(3);
    const auto int8 = [&](const batch& x) { return plan->try_run(net, x); };
    const auto threads = [&](const batch& x) { return plan->try_run(net, x, {.run = pool}); };
    const input_parts parts = *dyadic::try_patches(seen.some(0, 1).shape(), {2, 3});
    const numbers baseline = random.reals(seen.features(), 1.0F);
    const auto outputs = plan->try_run(net, seen.some(1, 1))->shape.features();
    question q{.x = seen.some(1, 1), .baseline = baseline, .parts = parts, .target = outputs - 1};
    const auto e = dyadic::try_explain_by_shapley(int8, q, {.orders = 5, .seed = seed});
    ASSERT_TRUE(e) << text_of(e);
    EXPECT_TRUE(e->complete_in_codes()) << net.text();
    EXPECT_EQ(std::accumulate(e->code_sums.begin(), e->code_sums.end(), std::int64_t{0}), 10 * e->code_change);
    EXPECT_EQ(e->evaluations, 2 + 5 * 2 * (parts.count - 1));
    const auto at_input = plan->try_run(net, q.x);
    EXPECT_EQ(e->at_input, static_cast<double>(at_input->params.scale) *
                               (at_input->codes[outputs - 1] - at_input->params.zero_point));
    // As reals: one product and one quotient a part are rounded, and their magnitudes add up to at most `size`.
    double size = std::abs(e->change());
    for (const double v : e->values) size += std::abs(v);
    EXPECT_LE(e->gap(), 4 * 0x1p-53 * size);

    const auto o = dyadic::try_explain_by_occlusion(int8, q);
    ASSERT_TRUE(o);
    EXPECT_EQ(o->evaluations, parts.count + 2);
    for (const index_t rows : {1, 7, 1000}) {
      q.batch_size = rows;
      const auto again = dyadic::try_explain_by_shapley(threads, q, {.orders = 5, .seed = seed});
      const auto also = dyadic::try_explain_by_occlusion(threads, q);
      ASSERT_TRUE(again && also);
      EXPECT_EQ(again->code_sums, e->code_sums);
      EXPECT_EQ(again->values, e->values);
      EXPECT_EQ(again->standard_errors, e->standard_errors);
      EXPECT_EQ(also->values, o->values);
    }
  }
}

TEST(Explain, OccludingIsLeavingOut) {
  integers random(5);
  const images seen = support::make_images(random, 6, 4, 4, 1);
  const auto fc = support::make_linear(random, 16, 3);
  const auto net = [&](const auto& x) { return relu(fc(x)); };
  const auto plan = dyadic::try_calibrate(net, std::array{seen.all()});
  ASSERT_TRUE(plan);
  const auto int8 = [&](const batch& x) { return plan->try_run(net, x); };
  const input_parts parts = *dyadic::try_patches({1, 4, 4, 1}, {2, 2});
  const numbers zero(16, 0.0F);
  const auto e =
      dyadic::try_explain_by_occlusion(int8, {.x = seen.some(2, 1), .baseline = zero, .parts = parts, .target = 1});
  ASSERT_TRUE(e);
  const auto whole = plan->try_run(net, seen.some(2, 1));
  for (std::size_t p = 0; p < 4; ++p) {
    numbers left(seen.numbers.begin() + 32, seen.numbers.begin() + 48);
    for (std::size_t j = 0; j < 16; ++j)
      if (parts.of[j] == static_cast<std::int32_t>(p)) left[j] = 0;
    const auto y = plan->try_run(net, {{left.data(), 1, 16}, {4, 4}, 1});
    EXPECT_EQ(e->code_sums[p], whole->codes[1] - y->codes[1]);
  }
}

TEST(Explain, ADynamicPlanAndAResultOfOneAreModelsToo) {
  integers random(6);
  const images seen = support::make_images(random, 4, 3, 3, 1);
  const auto fc = support::make_linear(random, 9, 2);
  const auto net = [&](const auto& x) { return fc(x); };
  const auto plan =
      dyadic::try_calibrate(net, std::array{seen.all()}, {.activations = dyadic::activation_scales::dynamic});
  ASSERT_TRUE(plan);
  const input_parts parts = dyadic::single_numbers(9);
  const numbers zero(9, 0.0F);
  const question q{.x = seen.some(0, 1), .baseline = zero, .parts = parts};
#if DYADIC_EXCEPTIONS
  const auto model = [&](const batch& x) { return plan->run(net, x); };
  const explanation e = dyadic::explain_by_shapley(model, q, {.orders = 3});
  EXPECT_TRUE(e.code_sums.empty());
  // Differences of floats in double: exact or rounded once, 6 orders of 9.
  EXPECT_LE(e.gap(), 1e-13 * (std::abs(e.at_input) + std::abs(e.at_baseline) + 1));
#endif
}

TEST(Explain, OneOrderHasNoStandardError) {
  const auto model = linear_model();
  const input_parts parts = dyadic::single_numbers(6);
  const auto e = dyadic::try_explain_by_shapley(model, {.x = {{here.data(), 1, 6}}, .baseline = there, .parts = parts},
                                                {.orders = 1});
  ASSERT_TRUE(e);
  for (const double s : e->standard_errors) EXPECT_TRUE(std::isnan(s));
}

TEST(ExplainErrors, SayWhatWasGiven) {
  const auto model = linear_model();
  const input_parts parts = dyadic::single_numbers(6), few = dyadic::single_numbers(5);
  const numbers two(12, 1.0F), shorter(5, 0.0F);
  numbers bad = there;
  bad[3] = std::numeric_limits<float>::infinity();
  const batch one{{here.data(), 1, 6}};
  const auto say = [&](const question& q) { return text_of(dyadic::try_explain_by_occlusion(model, q)); };
  EXPECT_EQ(say({.x = {{two.data(), 2, 6}}, .baseline = there, .parts = parts}), "occlusion: 2 images, expected 1");
  EXPECT_EQ(say({.x = one, .baseline = shorter, .parts = parts}),
            "occlusion: a baseline of 5 numbers and parts of 6 for an input of 6");
  EXPECT_EQ(say({.x = one, .baseline = there, .parts = few}),
            "occlusion: a baseline of 6 numbers and parts of 5 for an input of 6");
  EXPECT_EQ(say({.x = one, .baseline = bad, .parts = parts}),
            "occlusion: number 3 is 4 and inf in the baseline, expected finite ones");
  EXPECT_EQ(say({.x = one, .baseline = there, .parts = parts, .target = 1}), "explain: output 1 of 1, expected 0 to 0");
  EXPECT_EQ(say({.x = one, .baseline = there, .parts = parts, .batch_size = 0}),
            "occlusion: batches of 0, expected at least 1");
  EXPECT_EQ(say({.x = one, .baseline = there, .parts = {{0, 1, 2, 3, 4, 9}, 6}}),
            "occlusion: number 5 belongs to part 9, expected 0 to 5");
  EXPECT_EQ(say({.x = one, .baseline = there, .parts = {{0, 1, 2, 3, 4, 5}, 0}}),
            "occlusion: 0 parts of 6 numbers, expected 1 to 6");
  EXPECT_EQ(say({.x = one, .baseline = there, .parts = {{0, 1, 2, 3, 4, 5}, 7}}),
            "occlusion: 7 parts of 6 numbers, expected 1 to 6");
  const question q{.x = one, .baseline = there, .parts = parts};
  EXPECT_EQ(text_of(dyadic::try_explain_by_shapley(model, q, {.orders = 0})), "shapley: 0 orders, expected at least 1");
  EXPECT_EQ(text_of(dyadic::try_patches({1, 4, 4, 1}, {0, 2})),
            "patches: 0 x 2 pixels of an image of 4 x 4 x 1, expected sizes >= 1");

  const auto nan = rowwise([](const auto& x) { return x(0) > 0.75F ? std::nanf("") : 0.0F; });
  EXPECT_EQ(text_of(dyadic::try_explain_by_shapley(nan, q)), "model: score 0 of image 1 is NaN, expected a number");
  const auto short_one = [](const batch&) { return Eigen::MatrixXf(1, 1); };
  EXPECT_EQ(text_of(dyadic::try_explain_by_shapley(short_one, q)),
            "model: scores of 1 x 1 for 2 images, expected one row an image");
  const auto refuses = [](const batch&) -> result<run_output> {
    return dyadic::failure(dyadic::errc::no_data, "out of paper");
  };
  EXPECT_EQ(text_of(dyadic::try_explain_by_occlusion(refuses, q)), "out of paper");
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(dyadic::explain_by_occlusion(model, {.x = one, .baseline = shorter, .parts = parts}),
               std::invalid_argument);
#endif
}

}  // namespace explain_test
