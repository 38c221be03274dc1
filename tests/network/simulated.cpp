// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The domain simulated against the domain code, against reals, and against kernels/reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <dyadic/quantize/dequantize.hpp>

#include "support/data.hpp"
#include "support/naive.hpp"
#include "support/random_network.hpp"

namespace simulated_test {

using dyadic::activation_scales;
using dyadic::index_t;
using dyadic::plan;
using dyadic::recipe;
using dyadic::site;
using dyadic::site_loss;
using dyadic::tensor;
using support::images;
using support::integers;
using support::text_of;

constexpr float nan_value = std::numeric_limits<float>::quiet_NaN(), infinity = std::numeric_limits<float>::infinity();

/// A random network, its plan, and data that are larger than those it was calibrated on and not all finite.
struct trial {
  explicit trial(std::uint64_t seed)
      : random(seed),
        seen(support::make_images(random, 6, random.in(3, 9), random.in(3, 9), random.in(1, 7))),
        x(support::make_images(random, 4, seen.height, seen.width, seen.channels, 4.0F)),
        net(support::network_maker(random, seen.all().shape()).make(static_cast<int>(random.in(3, 12)))),
        weights(support::weight_forms[seed % std::size(support::weight_forms)]) {
    x.numbers[1] = nan_value, x.numbers[2] = infinity, x.numbers[3] = -infinity, x.numbers[4] = 1e30F;
  }
  dyadic::result<plan> calibrated(activation_scales activations = activation_scales::static_) const {
    return dyadic::try_calibrate(net, std::array{seen.some(0, 2), seen.some(2, 4)},
                                 {.activations = activations,
                                  .weights = weights,
                                  .except = net.exceptions(weights, dyadic::s8_per_row),
                                  .percentile = 99.0});
  }
  integers random;
  images seen, x;
  support::random_network net;
  dyadic::scheme weights;
};

class Simulated : public testing::TestWithParam<int> {};

TEST_P(Simulated, WithAllSitesOnItIsTheCodes) {
  const trial t(static_cast<std::uint64_t>(GetParam()));
  SCOPED_TRACE(t.net.text());
  const auto made = t.calibrated();
  ASSERT_TRUE(made) << text_of(made);
  const auto codes = made->try_run(t.net, t.x.all());
  ASSERT_TRUE(codes) << text_of(codes);

  // The codes themselves are those of kernels/reference.
  support::naive_codes slow{*made};
  const tensor<support::naive_codes> expected = t.net(input(slow, t.x.all()));
  ASSERT_EQ(codes->shape, expected.shape());
  EXPECT_TRUE(std::equal(expected.elements().begin(), expected.elements().end(), codes->codes.data()));
  EXPECT_EQ(codes->params, made->params(made->result_site()));
  for (index_t i = 0; i < codes->shape.size(); ++i)
    ASSERT_EQ(codes->values[i], dyadic::dequantize_one(codes->codes[i], codes->params.scale, codes->params.zero_point));

  const std::size_t sites = made->sites().size();
  std::vector<site_loss> loss(sites);
  const auto simulated = made->try_simulate(t.net, t.x.all(), {}, loss);
  ASSERT_TRUE(simulated) << text_of(simulated);
  EXPECT_EQ(simulated->shape, codes->shape);
  EXPECT_TRUE(support::same_bits(simulated->values.data(), codes->values.data(), codes->shape.size()));
  const auto also = made->try_simulate(t.net, t.x.all(), std::vector<std::uint8_t>(sites, 1));
  ASSERT_TRUE(also);
  EXPECT_TRUE(support::same_output(*also, *simulated));

  // Sums of n squares, each of them and each sum rounded at most once more in one order than in the other.
  for (std::size_t s = 0; s < sites; ++s) {
    SCOPED_TRACE(made->sites()[s].name.c_str());
    const site_loss &found = loss[s], &wanted = slow.loss[s];
    EXPECT_EQ(found.clipped.total, wanted.clipped.total);
    EXPECT_EQ(found.clipped.nan, wanted.clipped.nan);
    EXPECT_EQ(found.clipped.low, wanted.clipped.low);
    EXPECT_EQ(found.clipped.high, wanted.clipped.high);
    const double relative = 2.0 * static_cast<double>(wanted.clipped.total + 2) * 0x1p-53;
    EXPECT_LE(std::abs(found.signal - wanted.signal), relative * wanted.signal);
    EXPECT_LE(std::abs(found.noise - wanted.noise), relative * wanted.noise);
    EXPECT_EQ(found.clipped.total > 0, made->sites()[s].params_of == static_cast<int>(s));
  }
  EXPECT_GT(loss[0].clipped.high + loss[0].clipped.low, 0);
  EXPECT_EQ(loss[0].clipped.nan, 1);
}

TEST_P(Simulated, WithAllSitesOffItIsTheReals) {
  const trial t(static_cast<std::uint64_t>(GetParam()));
  const auto made = t.calibrated();
  ASSERT_TRUE(made) << text_of(made);
  const std::vector<std::uint8_t> off(made->sites().size(), 0);
  std::vector<site_loss> loss(off.size());
  const auto simulated = made->try_simulate(t.net, t.x.all(), off, loss), real = made->try_run_real(t.net, t.x.all());
  ASSERT_TRUE(simulated && real);
  EXPECT_TRUE(support::same_output(*simulated, *real)) << t.net.text();
  for (const site_loss& l : loss) EXPECT_EQ(l.clipped.total, 0);

  // A relu in its producer's clamp gives the bits of one that stands alone.
  dyadic::real alone;
  const tensor<dyadic::real> y = t.net(input(alone, t.x.all()));
  EXPECT_TRUE(support::same_bits(real->values.data(), y.data(), y.shape().size())) << t.net.text();
}

/// The sites that depend on s, s among them.
std::vector<bool> downstream_of(const plan& p, int s) {
  std::vector<bool> reached(p.sites().size());
  reached[static_cast<std::size_t>(s)] = true;
  for (std::size_t i = 0; i < reached.size(); ++i)
    for (const int from : p.sites()[i].inputs)
      if (from >= 0 && reached[static_cast<std::size_t>(from)]) reached[i] = true;
  return reached;
}

/// What the naive domain makes of a layer's dequantized weights.
template <class Layer>
struct naive_layer {
  const Layer& layer;
  const tensor<support::naive>& x;

  template <dyadic::scheme S>
  dyadic::result<tensor<support::naive>> operator()() const {
    const auto codes = dyadic::try_quantize<S>(layer.weights().weight());
    std::vector<float> w;
    for (index_t i = 0; i < codes->rows(); ++i)
      for (index_t k = 0; k < codes->cols(); ++k)
        w.push_back(
            dyadic::dequantize_one(codes->code(i, k), codes->view().scale(i, k), codes->view().zero_point(i, k)));
    const dyadic::strided<const float> weight(w.data(), codes->rows(), codes->cols());
    if constexpr (std::same_as<Layer, dyadic::conv2d>)
      return apply(x.run(), *Layer::try_make(weight, layer.weights().bias(), layer.taps(), layer.groups()), x);
    else
      return apply(x.run(), *Layer::try_make(weight, layer.weights().bias()), x);
  }
};
/// Of its dequantized weights, or of the weights it was given.
template <class Layer, class Tensor>
std::vector<float> naive_product(const dyadic::scheme* weights, const Layer& layer, const Tensor& x) {
  support::naive run;
  tensor<support::naive> copy = make_naive(run, x.shape());
  std::copy(x.elements().begin(), x.elements().end(), copy.data());
  const auto all = [](const tensor<support::naive>& y) {
    return std::vector<float>(y.elements().begin(), y.elements().end());
  };
  if (weights == nullptr) return all(apply(run, layer, copy));
  return all(*dyadic::visit<support::naive_schemes>(*weights, naive_layer<Layer>{layer, copy}));
}
template <class Tensor>
std::vector<float> naive_product(const dyadic::scheme* weights, const support::random_network& net,
                                 const support::step& made_by, const Tensor& x) {
  return made_by.what == support::step::kind::conv2d ? naive_product(weights, net.convolutions[made_by.layer], x)
                                                     : naive_product(weights, net.linears[made_by.layer], x);
}

TEST_P(Simulated, OneSiteOnChangesItAndWhatFollows) {
  const trial t(static_cast<std::uint64_t>(GetParam()));
  SCOPED_TRACE(t.net.text());
  const auto made = t.calibrated();
  ASSERT_TRUE(made) << text_of(made);
  const images& x = t.seen;  // finite
  dyadic::real plain({}, &made->sites());
  const auto reals = t.net.tensors(input(plain, x.all()));
  for (int s = 0; s < static_cast<int>(made->sites().size()); ++s) {
    SCOPED_TRACE(made->sites()[static_cast<std::size_t>(s)].name.c_str());
    std::vector<std::uint8_t> on(made->sites().size(), 0);
    on[static_cast<std::size_t>(s)] = 1;
    dyadic::simulated run(*made, on, {}, {});
    const auto found = t.net.tensors(input(run, x.all()));
    ASSERT_TRUE(run.ok()) << run.error().message();
    const auto reached = downstream_of(*made, s);
    const site& here = made->sites()[static_cast<std::size_t>(s)];
    const bool quantizes = here.params_of == s;
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (quantizes && reached[static_cast<std::size_t>(found[i].site())]) continue;
      // Not downstream, or nothing is switched on: a site without a quantizer of its own follows its owner's.
      EXPECT_TRUE(support::same_bits(found[i].data(), reals[i].data(), reals[i].shape().size())) << i;
    }
    if (!quantizes) continue;

    // At the site itself: the nearest codes of what the real operation makes of real inputs.
    std::size_t at = 0;
    while (found[at].site() != s) ++at;
    std::vector<float> expected(reals[at].elements().begin(), reals[at].elements().end());
    if (made->weights(s) != nullptr) {
      const support::step& made_by = t.net.steps[at - 1];
      expected = naive_product(&made->weights(s)->scheme, t.net, made_by, reals[made_by.a]);
    }
    for (std::size_t i = 0; i < expected.size(); ++i) {
      const float real = here.relu >= 0 ? support::reference::relu(expected[i]) : expected[i];
      const int code = dyadic::quantize_one(real, here.params.scale, here.params.zero_point, 0, 255);
      ASSERT_EQ(found[at].data()[i], dyadic::dequantize_one(code, here.params.scale, here.params.zero_point)) << i;
    }
  }
}

/// The tensor that site s makes, beside the reals it would be without any codes.
struct at_site {
  std::vector<float> found, real;
};
at_site look_at(const trial& t, const plan& made, int s, const dyadic::site_mask& mask) {
  dyadic::real plain({}, &made.sites());
  dyadic::simulated run(made, mask, {}, {});
  const auto reals = t.net.tensors(input(plain, t.seen.all()));
  const auto found = t.net.tensors(input(run, t.seen.all()));
  EXPECT_TRUE(run.ok()) << run.error().message();
  at_site seen;
  for (std::size_t i = reals.size(); i-- > 0;)
    if (reals[i].site() == s)
      seen = {{found[i].elements().begin(), found[i].elements().end()},
              {reals[i].elements().begin(), reals[i].elements().end()}};
  return seen;
}

// On = weights, then activations: what the weights make of real inputs, rounded to codes. So activations on top of what
// `weights` alone makes are what `on` makes, and `activations` alone are the codes of the reals.
TEST_P(Simulated, WeightsAndActivationsAreSwitchedApart) {
  const trial t(static_cast<std::uint64_t>(GetParam()));
  SCOPED_TRACE(t.net.text());
  const auto made = t.calibrated();
  ASSERT_TRUE(made) << text_of(made);
  for (int s = 0; s < static_cast<int>(made->sites().size()); ++s) {
    const site& here = made->sites()[static_cast<std::size_t>(s)];
    if (here.params_of != s) continue;
    SCOPED_TRACE(here.name.c_str());
    std::vector<std::uint8_t> on(made->sites().size(), dyadic::site_mask::off);
    const auto with = [&](std::uint8_t byte) {
      on[static_cast<std::size_t>(s)] = byte;
      return look_at(t, *made, s, on);
    };
    const auto codes_of = [&](std::vector<float> reals) {
      for (float& v : reals)
        v = dyadic::dequantize_one(dyadic::quantize_one(v, here.params.scale, here.params.zero_point, 0, 255),
                                   here.params.scale, here.params.zero_point);
      return reals;
    };
    const at_site weights = with(dyadic::site_mask::weights), activations = with(dyadic::site_mask::activations),
                  both = with(dyadic::site_mask::on);
    EXPECT_EQ(activations.found, codes_of(activations.real));
    EXPECT_EQ(both.found, codes_of(weights.found));
    if (made->weights(s) == nullptr) {
      EXPECT_EQ(weights.found, weights.real);
    }
  }
}

TEST_P(Simulated, SomeChannelsOfASiteAreThoseOfTheSiteAlone) {
  trial t(static_cast<std::uint64_t>(GetParam()));
  SCOPED_TRACE(t.net.text());
  const auto made = t.calibrated();
  ASSERT_TRUE(made) << text_of(made);
  const std::size_t sites = made->sites().size();
  for (int s = 0; s < static_cast<int>(sites); ++s) {
    const site& here = made->sites()[static_cast<std::size_t>(s)];
    if (here.params_of != s) continue;
    SCOPED_TRACE(here.name.c_str());
    const std::vector<std::uint8_t> none(sites, dyadic::site_mask::off);
    std::vector<std::uint8_t> alone = none, some(static_cast<std::size_t>(here.channels));
    for (std::uint8_t& channel : some) channel = static_cast<std::uint8_t>(t.random.in(0, 1));
    some.front() = 0;
    alone[static_cast<std::size_t>(s)] = dyadic::site_mask::on;
    const dyadic::site_mask on(alone), off(none);
    // At the site, and where its codes are passed on.
    for (int later = s; later < static_cast<int>(sites); ++later) {
      if (made->sites()[static_cast<std::size_t>(later)].params_of != s) continue;
      const at_site whole = look_at(t, *made, later, on), part = look_at(t, *made, later, on.channels(s, some));
      for (std::size_t i = 0; i < whole.found.size(); ++i) {
        const bool coded = some[i % some.size()] != 0;
        ASSERT_EQ(part.found[i], coded ? whole.found[i] : whole.real[i]) << later << " " << i;
      }
    }
    // No channel is the site off, all channels are the site on, wherever the rest of the network stands.
    const auto run = [&](const dyadic::site_mask& mask) { return made->try_simulate(t.net, t.seen.all(), mask); };
    EXPECT_TRUE(support::same_output(*run(on.channels(s, std::vector<std::uint8_t>(some.size(), 0))), *run(off)));
    const std::vector<std::uint8_t> every(some.size(), 1);
    EXPECT_TRUE(support::same_output(*run(on.channels(s, every)), *run(on)));
    EXPECT_TRUE(support::same_output(*run(dyadic::site_mask().channels(s, every)), *run({})));
  }
}

/// What the codes of a site make of reals.
float code_of(const site& here, float real) {
  return dyadic::dequantize_one(dyadic::quantize_one(real, here.params.scale, here.params.zero_point, 0, 255),
                                here.params.scale, here.params.zero_point);
}

// All is on but for a part of one site. Every layer whose input, weights and activations are not all codes is the float
// product of the numbers it gets, with the weights that are on, rounded where activations are on.
TEST_P(Simulated, AmongSitesThatAreOnALayerIsWhatItsPartsAre) {
  trial t(static_cast<std::uint64_t>(GetParam()));
  SCOPED_TRACE(t.net.text());
  const auto made = t.calibrated();
  ASSERT_TRUE(made) << text_of(made);
  const auto owner = [&](int s) { return made->sites()[static_cast<std::size_t>(s)].params_of; };
  for (int changed = 0; changed < static_cast<int>(made->sites().size()); ++changed) {
    if (owner(changed) != changed) continue;
    std::vector<std::uint8_t> some(static_cast<std::size_t>(made->sites()[static_cast<std::size_t>(changed)].channels));
    for (std::uint8_t& channel : some) channel = static_cast<std::uint8_t>(t.random.in(0, 1));
    some.back() = 0;
    for (const std::uint8_t byte :
         {dyadic::site_mask::activations, dyadic::site_mask::weights, dyadic::site_mask::on}) {
      std::vector<std::uint8_t> on(made->sites().size(), dyadic::site_mask::on);
      on[static_cast<std::size_t>(changed)] = byte;
      const bool narrowed = byte == dyadic::site_mask::on;
      const dyadic::site_mask mask = narrowed ? dyadic::site_mask(on).channels(changed, some) : dyadic::site_mask(on);
      dyadic::simulated run(*made, mask, {}, {});
      const auto found = t.net.tensors(input(run, t.seen.all()));
      ASSERT_TRUE(run.ok()) << run.error().message();
      for (std::size_t at = 1; at < found.size(); ++at) {
        const int s = found[at].site();
        const support::step& by = t.net.steps[at - 1];
        if (by.what != support::step::kind::conv2d && by.what != support::step::kind::linear) continue;
        const bool input_is_off = owner(found[by.a].site()) == changed && byte != dyadic::site_mask::activations;
        if (s != changed && !input_is_off) continue;  // all of it is codes
        const site& here = made->sites()[static_cast<std::size_t>(s)];
        const auto given = naive_product(nullptr, t.net, by, found[by.a]),
                   coded = naive_product(&made->weights(s)->scheme, t.net, by, found[by.a]);
        for (std::size_t i = 0; i < given.size(); ++i) {
          const bool channel = s != changed || !narrowed || some[i % some.size()] != 0;
          const bool weights = channel && (s != changed || byte != dyadic::site_mask::activations),
                     activations = channel && (s != changed || byte != dyadic::site_mask::weights);
          float expected = weights ? coded[i] : given[i];
          if (here.relu >= 0) expected = support::reference::relu(expected);
          if (activations) expected = code_of(here, expected);
          ASSERT_EQ(found[at].data()[i], expected) << here.name.c_str() << " " << i << " " << static_cast<int>(byte);
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, Simulated, testing::Range(0, 48));

TEST(SimulatedLoss, IsAddedTo) {
  const trial t(3);
  const auto made = t.calibrated();
  ASSERT_TRUE(made) << text_of(made);
  std::vector<site_loss> once(made->sites().size()), twice = once;
  ASSERT_TRUE(made->try_simulate(t.net, t.x.all(), {}, once));
  ASSERT_TRUE(made->try_simulate(t.net, t.x.all(), {}, twice));
  ASSERT_TRUE(made->try_simulate(t.net, t.x.all(), {}, twice));
  for (std::size_t s = 0; s < once.size(); ++s) {
    EXPECT_EQ(twice[s].clipped.total, 2 * once[s].clipped.total);
    EXPECT_EQ(twice[s].clipped.high, 2 * once[s].clipped.high);
    EXPECT_GE(twice[s].signal, once[s].signal);
  }
}

// By hand: steps of 1 / 255, of which 0 to 255 fit. A pool loses nothing of its own.
TEST(SimulatedLoss, IsWhatAHandCounts) {
  const std::vector<float> seen{0, 1}, x{-1, 0.25F, nan_value, 3, infinity};
  const auto net = [](const auto& t) { return max_pool(t, {1, 1}); };
  const auto made = dyadic::try_calibrate(net, std::array{dyadic::batch{{seen.data(), 2, 1}}});
  ASSERT_TRUE(made) << text_of(made);
  ASSERT_EQ(made->params(0), (dyadic::chosen{1.0F / 255.0F, 0}));
  std::array<site_loss, 2> losses;
  ASSERT_TRUE(made->try_simulate(net, {{x.data(), 5, 1}}, {}, losses));
  const site_loss& loss = losses[0];
  EXPECT_EQ(loss.clipped.total, 5);
  EXPECT_EQ(loss.clipped.nan, 1);
  EXPECT_EQ(loss.clipped.low, 1);
  EXPECT_EQ(loss.clipped.high, 2);
  // 0.25 is 63.75 steps. The scale is the float next to 1 / 255, and quotients are rounded to floats: a few parts in
  // 2^24.
  const double step = 1.0 / 255.0;
  EXPECT_NEAR(loss.signal, 1 + 0.0625 + 9, 20 * 0x1p-23);
  EXPECT_NEAR(loss.noise, 1 + 0.25 * 0.25 * step * step + 4, 20 * 0x1p-23);
}

TEST(SimulatedLoss, NaNIsCountedWhereAReluFollowsToo) {
  const std::vector<float> w{1, 0, 0, 1}, seen{1, 2, 3, 4}, x{nan_value, 1, -1, 2};
  const auto fc = dyadic::linear::try_make({w.data(), 2, 2});
  const auto net = [&](const auto& t) { return relu((*fc)(t)); };
  const auto sums = [](const auto& t) { return relu(add(t, t)); };
  for (const bool adds : {false, true}) {
    const dyadic::batch known{{seen.data(), 2, 2}}, odd{{x.data(), 2, 2}};
    const auto made =
        adds ? dyadic::try_calibrate(sums, std::array{known}) : dyadic::try_calibrate(net, std::array{known});
    ASSERT_TRUE(made) << text_of(made);
    const std::array<std::uint8_t, 3> on{0, 1, 0};  // the input is real, so its NaN arrives
    std::array<site_loss, 3> loss;
    ASSERT_TRUE(adds ? made->try_simulate(sums, odd, on, loss) : made->try_simulate(net, odd, on, loss));
    EXPECT_EQ(loss[1].clipped.total, 4);
    EXPECT_EQ(loss[1].clipped.nan, adds ? 1 : 2) << "0 * NaN is NaN";
    EXPECT_EQ(loss[1].clipped.low, 0) << "what a relu drops is not lost";
    EXPECT_EQ(loss[0].clipped.total, 0);
  }
}

TEST(SimulatedErrors, ADynamicPlanHasNothingToSimulate) {
  const trial t(1);
  const auto made = t.calibrated(activation_scales::dynamic);
  ASSERT_TRUE(made) << text_of(made);
  const auto bad = made->try_simulate(t.net, t.x.all());
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code(), dyadic::errc::invalid_scheme);
  EXPECT_EQ(text_of(bad), "simulate: the plan has dynamic activations, expected static ones");
}

TEST(SimulatedErrors, OneEntryASite) {
  const trial t(2);
  const auto made = t.calibrated();
  ASSERT_TRUE(made) << text_of(made);
  const std::size_t sites = made->sites().size();
  std::vector<std::uint8_t> on(sites + 1, 1);
  std::vector<site_loss> loss(sites - 1);
  const std::string n = std::to_string(sites);
  EXPECT_EQ(text_of(made->try_simulate(t.net, t.x.all(), on)),
            "simulate: " + std::to_string(sites + 1) + " entries for " + n + " sites");
  EXPECT_EQ(text_of(made->try_simulate(t.net, t.x.all(), {}, loss)),
            "simulate: " + std::to_string(sites - 1) + " entries for " + n + " sites");
}

}  // namespace simulated_test
