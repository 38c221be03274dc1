// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <dyadic/network/twin.hpp>

#include <algorithm>
#include <array>
#include <cfenv>

#include <gtest/gtest.h>

#include "support/exact.hpp"
#include "support/random_network.hpp"

namespace twin_test {

using dyadic::enclosure;
using dyadic::index_t;
using dyadic::input_box;
using dyadic::plan;
using dyadic::tensor;
using dyadic::twin;
using dyadic::twin_element;
using dyadic::twin_weights;
using dyadic::weight_codes;
using support::images;
using support::integers;

bool holds(const enclosure& e, long double x) {
  return static_cast<long double>(e.low) <= x && x <= static_cast<long double>(e.high);
}

/// The float nearest to x that an enclosure holds.
float float_inside(const enclosure& e, double x) {
  auto f = static_cast<float>(std::clamp(x, e.low, e.high));
  if (static_cast<double>(f) < e.low) f = std::nextafter(f, 1e30F);
  if (static_cast<double>(f) > e.high) f = std::nextafter(f, -1e30F);
  return f;
}

/// A random network of every operation, its plan, and one image.
struct trial {
  explicit trial(std::uint64_t seed)
      : random(seed),
        seen(support::make_images(random, 6, random.in(3, 9), random.in(3, 9), random.in(1, 7))),
        x(support::make_images(random, 1, seen.height, seen.width, seen.channels, 2.0F)),
        net(support::network_maker(random, seen.all().shape()).make(static_cast<int>(random.in(3, 12)))),
        weights(support::weight_forms[seed % std::size(support::weight_forms)]),
        made(dyadic::try_calibrate(
            net, std::array{seen.some(0, 2), seen.some(2, 4)},
            {.weights = weights, .except = net.exceptions(weights, dyadic::s8_per_row), .percentile = 99.0})) {}
  integers random;
  images seen, x;
  support::random_network net;
  dyadic::scheme weights;
  dyadic::result<plan> made;
};

/// Every tensor of the two networks for one input, and of the twin.
template <class Tensors>
void expect_inside(const trial& t, const images& x, const Tensors& twins) {
  dyadic::code codes(*t.made, {});
  support::exact reals;
  const auto q = t.net.tensors(input(codes, x.all()));
  const auto f = t.net.tensors(input(reals, x.all()));
  for (std::size_t i = 0; i < twins.size(); ++i) {
    // A relu that its producer does: the tensor before it is what comes after it already.
    const dyadic::site& here = t.made->sites()[static_cast<std::size_t>(twins[i].site())];
    const dyadic::chosen& p = t.made->params(twins[i].site());
    for (index_t j = 0; j < twins[i].shape().size(); ++j) {
      const twin_element& e = twins[i].data()[j];
      const long double real = here.relu >= 0 && f[i].data()[j] < 0.0L ? 0.0L : f[i].data()[j];
      const long double value = static_cast<long double>(p.scale) * (q[i].data()[j] - p.zero_point);
      ASSERT_TRUE(e.codes.contains(q[i].data()[j])) << "tensor " << i << ", element " << j;
      ASSERT_TRUE(holds(e.real, real)) << "tensor " << i << ", element " << j << ": f " << real << " not in "
                                       << e.real.low << ", " << e.real.high;
      ASSERT_TRUE(holds(e.difference, value - real))
          << "tensor " << i << ", element " << j << ": q - f " << value - real << " not in " << e.difference.low << ", "
          << e.difference.high;
      if (!twins[i].run().affine()) continue;
      const double f_radius = e.real_rest + e.real_reach, d_radius = e.difference_rest + e.difference_reach;
      ASSERT_TRUE(holds(enclosure::around(e.real_centre, f_radius), real)) << "line of tensor " << i;
      ASSERT_TRUE(holds(enclosure::around(e.difference_centre, d_radius), value - real)) << "line of tensor " << i;
    }
  }
}

class Twin : public testing::TestWithParam<int> {};

TEST_P(Twin, HoldsBothNetworksEverywhere) {
  trial t(static_cast<std::uint64_t>(GetParam()));
  SCOPED_TRACE(t.net.text());
  ASSERT_TRUE(t.made) << t.made.error().message();
  const auto codes = weight_codes::try_make(*t.made);
  twin_weights weights(*t.made);
  const float scale = t.made->params(0).scale;
  // Sites of up to 40 elements have symbols and others none; then all have.
  for (const index_t symbols : {0, 40, 100000})
    for (const double radius : {0.0, 0.01, 0.25}) {
      SCOPED_TRACE(testing::Message() << symbols << " symbols, radius " << radius);
      const input_box around{t.x.all(), radius, -2.0, 2.0};
      twin run(*t.made, *codes, weights, symbols);
      const auto twins = t.net.tensors(input(run, around));
      ASSERT_TRUE(run.complete()) << run.error().message();
      for (int sample = 0; sample < 16; ++sample) {
        images x = t.x;
        for (index_t j = 0; j < x.features(); ++j) {
          const enclosure e = around.at(0, j);
          double at = t.random.in(0, 1) == 0 ? e.low : e.high;
          if (sample >= 4) at = e.low + (e.high - e.low) * static_cast<double>(t.random.in(0, 1024)) / 1024.0;
          // As far as it can be from its code.
          if (sample >= 8) at = (std::floor(at / static_cast<double>(scale)) + 0.499) * static_cast<double>(scale);
          if (sample == 0) at = static_cast<double>(t.x.numbers[static_cast<std::size_t>(j)]);
          x.numbers[static_cast<std::size_t>(j)] = float_inside(e, at);
        }
        expect_inside(t, x, twins);
        if (HasFatalFailure()) return;
      }
    }
}

// At a point the intervals are as small as doubles make them, in every tensor.
TEST_P(Twin, OfAPointIsBothNumbers) {
  const trial t(static_cast<std::uint64_t>(GetParam()));
  SCOPED_TRACE(t.net.text());
  ASSERT_TRUE(t.made) << t.made.error().message();
  const auto codes = weight_codes::try_make(*t.made);
  twin_weights weights(*t.made);
  twin run(*t.made, *codes, weights);
  for (const tensor<twin>& y : t.net.tensors(input(run, input_box{t.x.all(), 0.0, -2.0, 2.0})))
    for (const twin_element& e : y.elements()) {
      // 12 operations of sums of at most 500 numbers, of sizes that add up to less than 2^10: 12 * 2^9 * 2^10 * 2^-52.
      ASSERT_LE(e.difference.width(), 0x1p-29);
      ASSERT_TRUE(e.codes.is_point());
    }
}

INSTANTIATE_TEST_SUITE_P(Networks, Twin, testing::Range(0, 36));

// Two branches give symbols of their own. Were they one, x - x would cancel between different numbers.
TEST(TwinSymbols, OfTwoBranchesAreDifferent) {
  integers random(3);
  images x = support::make_images(random, 8, 1, 1, 4, 1.0F);
  const auto a = support::make_linear(random, 4, 4), b = support::make_linear(random, 4, 4);
  std::vector<float> minus(16, 0.0F);
  for (std::size_t i = 0; i < 4; ++i) minus[5 * i] = -1.0F;
  const auto negative = dyadic::linear::try_make({minus.data(), 4, 4});
  const auto net = [&](const auto& t) {
    const auto left = relu(a(t)), right = relu(b(t));
    const auto turned = (*negative)(right);
    return add(left, turned);
  };
  const auto made = dyadic::try_calibrate(net, std::array{x.all()});
  ASSERT_TRUE(made) << made.error().message();
  const auto codes = weight_codes::try_make(*made);
  twin_weights weights(*made);
  twin run(*made, *codes, weights, 64);
  const input_box around{x.some(0, 1), 0.5, -4.0, 4.0};
  const auto y = net(input(run, around));
  ASSERT_TRUE(run.complete()) << run.error().message();
  double widest = 0, bound = 0;
  for (int sample = 0; sample < 4000; ++sample) {
    images at = x;
    for (index_t j = 0; j < 4; ++j)
      at.numbers[static_cast<std::size_t>(j)] +=
          sample < 16 ? ((sample >> j) % 2 == 0 ? -0.5F : 0.5F) : random.real(0.5F);
    support::exact reals;
    const auto f = net(input(reals, at.some(0, 1)));
    const auto q = made->try_run(net, at.some(0, 1));
    ASSERT_TRUE(q);
    for (index_t j = 0; j < 4; ++j) {
      const double d = static_cast<double>(static_cast<long double>(q->values[j]) - f.data()[j]);
      ASSERT_TRUE(y.data()[j].difference.widened(1e-6).contains(d)) << sample;
      ASSERT_TRUE(y.data()[j].real.contains(static_cast<double>(f.data()[j]))) << sample;
      widest = std::max(widest, std::abs(d)), bound = std::max(bound, y.data()[j].difference.size());
    }
  }
  EXPECT_GT(widest, 0.1 * bound);
}

TEST(TwinSymbols, ThatBranchesGiveStandInDifferentRows) {
  integers random(4);
  const images x = support::make_images(random, 8, 1, 1, 6, 1.0F);
  const auto a = support::make_linear(random, 6, 5), b = support::make_linear(random, 6, 5);
  const auto made = dyadic::try_calibrate(
      [&](const auto& t) {
        const auto left = a(t), right = b(t);
        return add(left, right);
      },
      std::array{x.all()});
  ASSERT_TRUE(made) << made.error().message();
  const auto codes = weight_codes::try_make(*made);
  twin_weights weights(*made);
  twin run(*made, *codes, weights, 64);
  const tensor<twin> t = input(run, input_box{x.some(0, 1), 0.5, -4.0, 4.0});
  const dyadic::symbol_counts before = run.all();
  const tensor<twin> left = a(t), right = b(t);
  ASSERT_TRUE(run.ok()) << run.error().message();
  const dyadic::symbol_rows l = symbols_of(left), r = symbols_of(right);
  ASSERT_GT(l.counts.own, before.own);
  ASSERT_GT(r.counts.own, l.counts.own);
  const auto any = [](const float* row) { return std::any_of(row, row + 5, [](float v) { return v != 0.0F; }); };
  for (index_t s = before.own; s < l.counts.own; ++s) EXPECT_FALSE(any(l.own(s)) && any(r.own(s))) << s;
  EXPECT_TRUE(any(r.own(r.counts.own - 1)));
}

// The host's rounding mode and flush-to-zero bits change nothing.
TEST(TwinBits, DoNotDependOnTheHost) {
  const trial t(4);
  ASSERT_TRUE(t.made);
  const auto codes = weight_codes::try_make(*t.made);
  const auto elements = [&] {
    twin_weights weights(*t.made);
    twin run(*t.made, *codes, weights, 40);
    const auto y = t.net(input(run, input_box{t.x.all(), 0.05, -2.0, 2.0}));
    EXPECT_TRUE(run.complete());
    return std::vector<twin_element>(y.elements().begin(), y.elements().end());
  };
  const auto expected = elements();
  for (const int mode : {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO}) {
    std::fesetround(mode);
#if defined(__x86_64__)
    const unsigned before = __builtin_ia32_stmxcsr();
    __builtin_ia32_ldmxcsr(before | 0x8040U);
#endif
    const auto found = elements();
#if defined(__x86_64__)
    __builtin_ia32_ldmxcsr(before);
#endif
    std::fesetround(FE_TONEAREST);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].real, expected[i].real);
      EXPECT_EQ(found[i].difference, expected[i].difference);
    }
  }
}

TEST(TwinErrors, SayWhatWasGiven) {
  const trial t(1);
  ASSERT_TRUE(t.made);
  const auto codes = weight_codes::try_make(*t.made);
  twin_weights weights(*t.made);
  twin two(*t.made, *codes, weights, 10);
  (void)t.net(input(two, input_box{t.seen.some(0, 2), 0.1, -8.0, 8.0}));
  EXPECT_STREQ(two.error().message(),
               "network: site 0 ('input'): twin: 2 images at once in the affine form, expected 1");
  std::array<dyadic::site_bound, 1> one;
  twin few(*t.made, *codes, weights, 0, one);
  EXPECT_EQ(std::string(few.error().message()),
            "twin: 1 entries for " + std::to_string(t.made->sites().size()) + " sites");
}

}  // namespace twin_test
