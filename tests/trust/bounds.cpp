// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <dyadic/trust/bound_search.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <gtest/gtest.h>

#include "support/demo.hpp"
#include "support/exact.hpp"

namespace bounds_test {

using dyadic::batch;
using dyadic::bound_form;
using dyadic::error_bounds;
using dyadic::index_t;
using dyadic::plan;
using dyadic::recipe;
using dyadic::searched;
using support::images;
using support::integers;

constexpr double step = 1.0 / 255;

/// Inputs a configuration is tried with: DYADIC_SAMPLES, or a few.
index_t samples(index_t otherwise) {
  const char* given = std::getenv("DYADIC_SAMPLES");
  return given != nullptr ? static_cast<index_t>(std::atoll(given)) : otherwise;
}

/// 784-128-64-10 of random weights.
struct dense_network {
  dyadic::linear a, b, c;
  explicit dense_network(integers random = integers(11))
      : a(support::make_linear(random, 784, 128, true, "a")),
        b(support::make_linear(random, 128, 64, true, "b")),
        c(support::make_linear(random, 64, 10, true, "c")) {}
  template <class Tensor>
  Tensor operator()(const Tensor& x) const {
    return c(relu(b(relu(a(x)))));
  }
};

recipe bits_of_weights(int bits, bool demo) {
  if (bits == 8) return {};
  // Rows of 9 and of 784 weights are no groups of 32.
  return {.weights = dyadic::u4_per_group<32>,
          .except = {{demo ? "conv1" : "a", demo ? dyadic::s8_per_row : dyadic::u4_per_row}}};
}

/// What a search found beneath the bounds of some images, all of them together.
struct found_beneath {
  double worst = 0, float_error = 0;
  long long tried = 0, again = 0;

  template <class Net>
  found_beneath(const Net& net, const plan& p, const batch& x, double radius, const error_bounds& sure, index_t most) {
    const index_t each = (most + x.rows.rows() - 1) / x.rows.rows();
    for (const searched& s : dyadic::search_difference(net, p, x, sure, {.radius = radius, .samples = each})) {
      EXPECT_EQ(s.escapes, 0);
      for (std::size_t k = 0; k < s.sites.size(); ++k) EXPECT_LE(s.sites[k].largest, sure.sites[k].largest) << k;
      // The site of the result knows what the outputs do, but for the rounding of a code's value to a float.
      const double rounding = 0x1p-23 * 255 * static_cast<double>(p.params(p.result_site()).scale);
      EXPECT_GE(s.sites[static_cast<std::size_t>(p.result_site())].largest + rounding, s.worst());
      worst = std::max(worst, s.worst()), float_error = std::max(float_error, s.float_error);
      tried += s.samples, again += s.looked_again;
    }
    // What float32 runs leave out when they pick the inputs to look at twice is far less than half a bound.
    EXPECT_LT(float_error, 1e-3 * std::max(sure.largest(), worst));
    EXPECT_LE(worst, sure.largest());
  }
};

/// One row of the table of bounds.
void print(const char* name, int bits, double radius, const char* form, const error_bounds& sure,
           const found_beneath& found) {
  std::printf(
      "%-6s INT%d radius %d/255 %-9s %8lld inputs (%lld twice)  bound %9.5f  found %8.5f  tightness %8.4f  "
      "certified %5.1f %%%s\n",
      name, bits, static_cast<int>(std::lround(radius * 255)), form, found.tried, found.again, sure.largest(),
      found.worst, sure.largest() / found.worst, 100 * sure.certified_fraction(),
      sure.sites.back().vacuous > 0 ? "  vacuous" : "");
}

template <class Net>
void examine_point(const char* name, const Net& net, const images& x, bool demo, const images& seen) {
  for (const int bits : {8, 4}) {
    const plan p = dyadic::calibrate(net, std::vector<batch>{seen.all()}, bits_of_weights(bits, demo));
    const error_bounds sure = dyadic::bound_error(net, p, x.all());
    print(name, bits, 0.0, "both", sure, found_beneath(net, p, x.all(), 0.0, sure, 1));
    // Images on which the float network, in long doubles, and the plan agree are certified, and only those.
    support::exact run;
    const auto f = net(input(run, x.all()));
    const auto q = p.run(net, x.all());
    for (index_t i = 0; i < x.count; ++i) {
      const index_t n = q.shape.features();
      const auto* real = f.data() + i * n;
      const auto* codes = q.codes.data() + i * n;
      const auto decided = std::max_element(codes, codes + n) - codes;
      EXPECT_EQ(sure.certificates[static_cast<std::size_t>(i)].decision, decided);
      EXPECT_EQ(sure.certificates[static_cast<std::size_t>(i)].holds,
                std::max_element(real, real + n) - real == decided)
          << "image " << i;
      for (index_t j = 0; j < n; ++j) {
        const auto d = static_cast<double>(static_cast<long double>(q.values[i * n + j]) - real[j]);
        const dyadic::enclosure& bound = sure.difference[static_cast<std::size_t>(i * n + j)];
        EXPECT_TRUE(bound.contains(d));
        // Exact up to the rounding of doubles: of sums of sizes under 2^12, some 4000 numbers each.
        EXPECT_LE(bound.size(), std::abs(d) + 0x1p-28);
      }
    }
  }
}

TEST(Bounds, OfAPointAreExact) {
  examine_point("demo", support::load_demo_network(), support::demo_images("t10k", 20), true,
                support::demo_images("train", 64));
  examine_point("dense", dense_network(), support::demo_images("t10k", 40), false, support::demo_images("train", 64));
}

template <class Net>
void examine_boxes(const char* name, const Net& net, const images& x, bool demo, const images& seen, double gain,
                   index_t most) {
  for (const int bits : {8, 4}) {
    const plan p = dyadic::calibrate(net, std::vector<batch>{seen.all()}, bits_of_weights(bits, demo));
    for (const double radius : {step, 4 * step}) {
      SCOPED_TRACE(testing::Message() << name << ", INT" << bits << ", radius " << radius);
      const error_bounds plain =
                             dyadic::bound_error(net, p, x.all(), {.form = bound_form::intervals, .radius = radius}),
                         lines = dyadic::bound_error(net, p, x.all(), {.form = bound_form::affine, .radius = radius});
      // What is inside the lines is inside the intervals, so one search serves both.
      for (std::size_t i = 0; i < plain.difference.size(); ++i) {
        EXPECT_LE(lines.difference[i].high, plain.difference[i].high);
        EXPECT_GE(lines.difference[i].low, plain.difference[i].low);
      }
      const found_beneath found(net, p, x.all(), radius, lines, samples(most));
      print(name, bits, radius, "intervals", plain, found);
      print(name, bits, radius, "affine", lines, found);
      if (bits == 8) {
        EXPECT_GE(plain.largest(), gain * lines.largest());
      }
      EXPECT_GE(lines.certified_fraction(), plain.certified_fraction());
    }
  }
}

TEST(Bounds, HoldEverywhereInABoxOfTheDenseNetwork) {
  examine_boxes("dense", dense_network(), support::demo_images("t10k", 4), false, support::demo_images("train", 64),
                3.0, 2048);
}

TEST(Bounds, HoldEverywhereInABoxOfTheDemoNetwork) {
  examine_boxes("demo", support::load_demo_network(), support::demo_images("t10k", 1), true,
                support::demo_images("train", 64), 1.0, 256);
}

// Tensor by tensor: the largest difference seen at a site is within its bound, here at every layer of the dense network.
TEST(Bounds, HoldAtEverySite) {
  const dense_network net;
  const images seen = support::demo_images("train", 64), x = support::demo_images("t10k", 1);
  const plan p = dyadic::calibrate(net, std::vector<batch>{seen.all()});
  const error_bounds lines = dyadic::bound_error(net, p, x.all(), {.radius = step}),
                     plain = dyadic::bound_error(net, p, x.all(), {.form = bound_form::intervals, .radius = step});
  std::vector<double> found(p.sites().size());
  integers random(9);
  for (int sample = 0; sample < 24; ++sample) {
    images at = x;
    for (float& v : at.numbers)
      v = std::clamp(v + static_cast<float>(step) * static_cast<float>(random.in(-127, 127)) / 128.0F, 0.0F, 1.0F);
    const auto visit = [&](const auto& t) {
      const auto one = relu(net.a(t)), two = relu(net.b(one));
      return std::vector{t, one, two, net.c(two)};
    };
    dyadic::code codes(p, {});
    support::exact reals;
    const auto q = visit(input(codes, at.all()));
    const auto f = visit(input(reals, at.all()));
    for (std::size_t i = 0; i < q.size(); ++i) {
      // The relus are done by the layers: their sites have no tensor of their own.
      const int s = p.sites()[static_cast<std::size_t>(q[i].site())].done_before ? q[i].site() - 1 : q[i].site();
      const dyadic::chosen& to = p.params(s);
      for (index_t j = 0; j < q[i].shape().size(); ++j) {
        const long double value = static_cast<long double>(to.scale) * (q[i].data()[j] - to.zero_point);
        double& most = found[static_cast<std::size_t>(s)];
        most = std::max(most, static_cast<double>(std::abs(value - f[i].data()[j])));
      }
    }
  }
  for (std::size_t s = 0; s < found.size(); ++s) {
    if (p.sites()[s].done_before) continue;
    EXPECT_GT(found[s], 0);
    EXPECT_LE(found[s], lines.sites[s].largest);
    EXPECT_LE(lines.sites[s].largest, plain.sites[s].largest);
    EXPECT_EQ(lines.sites[s].elements, p.sites()[s].size.height * p.sites()[s].size.width * p.sites()[s].channels);
    std::printf("site %-8s found %8.5f  affine %8.5f (%6.2f)  intervals %8.5f (%6.2f)\n", p.sites()[s].name.c_str(),
                found[s], lines.sites[s].largest, lines.sites[s].largest / found[s], plain.sites[s].largest,
                plain.sites[s].largest / found[s]);
  }
}

// The check is checked. One weight code of the network that runs is one step off, and at a point the bounds of the
// network that was meant are missed exactly where an output changes.
TEST(Bounds, AWrongCodeIsCaught) {
  const dense_network net;
  const images seen = support::demo_images("train", 64), x = support::demo_images("t10k", 20);
  const plan p = dyadic::calibrate(net, std::vector<batch>{seen.all()});
  const error_bounds sure = dyadic::bound_error(net, p, x.all());
  const auto before = p.run(net, x.all());
  auto* codes =
      const_cast<std::uint8_t*>(p.weights(static_cast<int>(p.sites().size()) - 1)->packed.parts[0].view().panels);
  int caught = 0;
  for (index_t k = 0; k < 64; ++k) {  // of row 0: four codes in each step of 64 bytes
    std::uint8_t& code = codes[k / 4 * 64 + k % 4];
    const std::uint8_t right = code;
    code = static_cast<std::uint8_t>(right + (right == 127 ? -1 : 1));
    const auto after = p.run(net, x.all());
    const auto found = dyadic::search_difference(net, p, x.all(), sure);
    code = right;
    index_t changed = 0;
    std::int64_t escapes = 0;
    for (index_t i = 0; i < before.shape.size(); ++i) changed += before.codes[i] != after.codes[i] ? 1 : 0;
    for (const searched& s : found) escapes += s.escapes;
    EXPECT_EQ(escapes, changed) << k;
    caught += escapes > 0 ? 1 : 0;
  }
  EXPECT_GT(caught, 0);
}

/// One number in, three out, the first two never far apart and the third far below, so that a step is about 1.
struct near_ties {
  dyadic::linear a, b;
  explicit near_ties(integers& random) : a(support::make_linear(random, 1, 4)), b(last(random)) {}
  template <class Tensor>
  Tensor operator()(const Tensor& x) const {
    return b(relu(a(x)));
  }

 private:
  static dyadic::linear last(integers& random) {
    auto w = random.reals(12, 4.0F);
    for (std::size_t i = 4; i < 8; ++i) w[i] = w[i - 4] + random.real(0.5F);
    const std::vector<float> biases{random.real(1.0F), random.real(1.0F), -200.0F};
    return dyadic::linear({w.data(), 3, 4}, biases);
  }
};

// Certificates of networks of one number, against every input of the box that a fine grid can show.
TEST(Bounds, CertificatesHoldAtEveryInputOfALine) {
  integers random(21);
  int certified = 0, refuted = 0;
  for (int trial = 0; trial < 400; ++trial) {
    const near_ties net(random);
    const images seen{{0.0F, 0.25F, 0.5F, 0.75F, 1.0F}, 5, 1, 1, 1};
    const plan p = dyadic::calibrate(net, std::vector<batch>{seen.all()}, {.weights = dyadic::s4_per_row});
    const float centre = static_cast<float>(random.in(32, 96)) / 128.0F,
                radius = static_cast<float>(random.in(1, 24)) / 128.0F;
    const images x{{centre}, 1, 1, 1, 1};
    images grid{{}, 513, 1, 1, 1};
    for (int i = -256; i <= 256; ++i) grid.numbers.push_back(centre + radius * static_cast<float>(i) / 256.0F);
    const auto f = p.run_real(net, grid.all());
    const auto q = p.run(net, grid.all());
    for (const bound_form form : {bound_form::intervals, bound_form::affine})
      for (const index_t symbols : {1, 1024}) {
        const auto sure = dyadic::bound_error(
            net, p, x.all(), {.form = form, .radius = static_cast<double>(radius), .symbols_up_to = symbols});
        const dyadic::certificate& c = sure.certificates[0];
        bool alike = true;
        double margin = 1e9;  // of the decision in float32, which is off by less than 1e-3
        for (index_t i = 0; i < 3 * 513; ++i)
          if (i % 3 != c.decision)
            margin = std::min(margin,
                              static_cast<double>(f.values[i / 3 * 3 + c.decision]) - static_cast<double>(f.values[i]));
        EXPECT_LE(c.real_margin, margin + 1e-3);
        for (index_t i = 0; i < 513; ++i) {
          const float* y = f.values.data() + 3 * i;
          const std::uint8_t* codes = q.codes.data() + 3 * i;
          alike = alike && std::max_element(y, y + 3) - y == c.decision &&
                  std::max_element(codes, codes + 3) - codes == c.decision;
        }
        EXPECT_TRUE(!c.holds || alike) << "trial " << trial << ", centre " << centre << ", radius " << radius;
        certified += c.holds ? 1 : 0;
        refuted += alike ? 0 : 1;
      }
  }
  std::printf("of 1600 certificates of near ties %d given, %d refuted by an input\n", certified, refuted);
  EXPECT_GT(certified, 100);
  EXPECT_GT(refuted, 100);
}

TEST(Bounds, ACertificateNeedsBothNetworks) {
  // f = (x, 1/2) and weights that round to codes: at x = 0.6 both decide for 0, at 0.5 they are too near to say.
  const std::vector<float> w{1.0F, 0.0F}, b{0.0F, 0.5F}, seen{0.0F, 1.0F};
  const dyadic::linear fc({w.data(), 2, 1}, b);
  const auto net = [&](const auto& t) { return fc(t); };
  const plan p = dyadic::calibrate(net, std::vector<batch>{{{seen.data(), 2, 1}}});
  const auto certified = [&](float x, double radius) {
    const error_bounds sure = dyadic::bound_error(net, p, {{&x, 1, 1}}, {.radius = radius});
    EXPECT_EQ(sure.certificates.size(), std::size_t{1});
    return sure.certificates[0];
  };
  EXPECT_TRUE(certified(0.6F, 0.05).holds);
  EXPECT_EQ(certified(0.6F, 0.05).decision, 0);
  EXPECT_GT(certified(0.6F, 0.05).real_margin, 0.04);
  EXPECT_FALSE(certified(0.6F, 0.2).holds);
  EXPECT_TRUE(certified(0.2F, 0.1).holds);
  EXPECT_EQ(certified(0.2F, 0.1).decision, 1);
}

TEST(Bounds, SayWhatWasGiven) {
  const dense_network net;
  const images seen = support::demo_images("train", 8);
  const plan p = dyadic::calibrate(net, std::vector<batch>{seen.all()});
  images bad = seen;
  bad.numbers[3] = std::numeric_limits<float>::quiet_NaN();
  const auto nan = dyadic::try_bound_error(net, p, bad.all());
  ASSERT_FALSE(nan);
  EXPECT_STREQ(nan.error().message(), "input_box: number 3 of image 0 is nan, expected one in [0, 1]");
  const plan dynamic =
      dyadic::calibrate(net, std::vector<batch>{seen.all()}, {.activations = dyadic::activation_scales::dynamic});
  const auto refused = dyadic::try_bound_error(net, dynamic, seen.all());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code(), dyadic::errc::invalid_scheme);
  const error_bounds sure = dyadic::bound_error(net, p, seen.some(0, 1));
  const auto mixed = dyadic::try_search_difference(net, p, seen.all(), sure);
  ASSERT_FALSE(mixed);
  EXPECT_STREQ(mixed.error().message(), "search_difference: bounds of 1 images for 8");
}

}  // namespace bounds_test
