// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The errors of every site against tensors of the other domains, and that no split of the data changes them.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <dyadic/core/thread_pool.hpp>
#include <dyadic/trust/layer_error.hpp>

#include "support/data.hpp"
#include "support/random_network.hpp"

namespace layer_error_test {

using dyadic::error_figures;
using dyadic::error_of;
using dyadic::error_record;
using dyadic::index_t;
using dyadic::plan;
using dyadic::site;
using support::images;
using support::integers;
using support::text_of;

/// A random network, its plan, and data that are somewhat larger than those it was calibrated on.
struct trial {
  explicit trial(std::uint64_t seed)
      : random(seed),
        seen(support::make_images(random, 6, random.in(3, 9), random.in(3, 9), random.in(1, 7))),
        x(support::make_images(random, 5, seen.height, seen.width, seen.channels, 4.0F)),
        net(support::network_maker(random, seen.all().shape()).make(static_cast<int>(random.in(3, 12)))),
        weights(support::weight_forms[seed % std::size(support::weight_forms)]),
        made(dyadic::calibrate(net, std::array{seen.all()},
                               {.weights = weights, .except = net.exceptions(weights, dyadic::s8_per_row)})) {}
  integers random;
  images seen, x;
  support::random_network net;
  dyadic::scheme weights;
  plan made;
};

/// What a plain loop finds in two tensors, of all channels or of one.
/// Errors of weights come before the quantizer: none of them is clipping.
void expect_errors(const error_figures& f, const dyadic::tensor<dyadic::real>& reference,
                   const dyadic::tensor<dyadic::simulated>& result, const dyadic::chosen& p, index_t channel,
                   bool quantized = true) {
  long double e = 0, ee = 0, rr = 0, clipping = 0, size = 0;
  index_t n = 0;
  for (index_t i = 0; i < reference.shape().size(); ++i) {
    if (channel >= 0 && i % reference.shape().channels != channel) continue;
    const long double r = reference.data()[i], d = result.data()[i] - r;
    e += d, ee += d * d, rr += r * r, size += std::abs(d);
    const bool outside = r / p.scale < -p.zero_point - 0.5L || r / p.scale > 255.5L - p.zero_point;
    if (quantized && outside) clipping += d * d;
    ++n;
  }
  const long double count = n, eps = 8 * 0x1p-53L;
  EXPECT_EQ(f.count, n);
  EXPECT_NEAR(f.mse, static_cast<double>(ee / count), static_cast<double>(eps * ee / count));
  EXPECT_NEAR(f.bias, static_cast<double>(e / count), static_cast<double>(eps * size / count));
  EXPECT_NEAR(f.clipping, static_cast<double>(clipping / count), static_cast<double>(eps * clipping / count));
  EXPECT_NEAR(f.rmse_steps, static_cast<double>(std::sqrt(ee / count) / p.scale), 1e-14 * f.rmse_steps);
  if (ee > 0 && rr > 0) {
    EXPECT_NEAR(f.sqnr_db, static_cast<double>(10 * std::log10(rr / ee)), 1e-12);
  }
}

class LayerError : public testing::TestWithParam<int> {};

TEST_P(LayerError, IsWhatTheOtherDomainsMake) {
  const trial t(static_cast<std::uint64_t>(GetParam()));
  SCOPED_TRACE(t.net.text());
  const auto errors = dyadic::try_measure_error(t.net, t.made, std::array{t.x.all()});
  ASSERT_TRUE(errors) << text_of(errors);
  dyadic::real plain({}, &t.made.sites());
  const auto reals = t.net.tensors(input(plain, t.x.all()));
  dyadic::simulated whole(t.made, {}, {}, {});
  const auto codes = t.net.tensors(input(whole, t.x.all()));
  for (int s = 0; s < static_cast<int>(t.made.sites().size()); ++s) {
    const site& here = t.made.sites()[static_cast<std::size_t>(s)];
    SCOPED_TRACE(here.name.c_str());
    std::size_t at = 0;
    while (reals[at].site() != s) ++at;
    EXPECT_EQ(errors->try_figures(error_of::accumulated, s).has_value(), !here.done_before);
    EXPECT_EQ(errors->try_figures(error_of::local, s).has_value(), here.params_of == s);
    EXPECT_EQ(errors->try_figures(error_of::weights, s).has_value(), t.made.weights(s) != nullptr);
    for (index_t c = -1; c < std::min<index_t>(here.channels, 3); ++c) {
      if (!here.done_before)
        expect_errors(errors->figures(error_of::accumulated, s, c), reals[at], codes[at], t.made.params(s), c);
      // A network in which this site alone is on, or its weights alone.
      for (const auto& [what, byte] : {std::pair{error_of::local, dyadic::site_mask::on},
                                       std::pair{error_of::weights, dyadic::site_mask::weights}}) {
        if (!errors->try_figures(what, s)) continue;
        std::vector<std::uint8_t> on(t.made.sites().size());
        on[static_cast<std::size_t>(s)] = byte;
        dyadic::simulated alone(t.made, on, {}, {});
        const auto found = t.net.tensors(input(alone, t.x.all()));
        expect_errors(errors->figures(what, s, c), reals[at], found[at], t.made.params(s), c, what == error_of::local);
      }
    }
  }
}

/// Every figure of every site and channel, as bits.
std::vector<double> all_figures(const error_record& errors) {
  std::vector<double> all;
  for (int s = 0; s < static_cast<int>(errors.sites().size()); ++s)
    for (const error_of what : {error_of::local, error_of::accumulated, error_of::weights})
      for (index_t c = -1; c < static_cast<index_t>(errors.sites()[static_cast<std::size_t>(s)].of(what).size()); ++c)
        if (const auto f = errors.try_figures(what, s, c))
          for (const double x : {static_cast<double>(f->count), f->mse, f->sqnr_db, f->cosine, f->bias, f->largest,
                                 f->rmse_steps, f->rounding, f->clipping})
            all.push_back(x);
  return all;
}

TEST_P(LayerError, NoSplitIntoBatchesAndNoExecutorChangesABit) {
  const trial t(static_cast<std::uint64_t>(GetParam()));
  SCOPED_TRACE(t.net.text());
  const auto once = all_figures(dyadic::measure_error(t.net, t.made, std::array{t.x.all()}));
  const std::vector<dyadic::batch> singles{t.x.some(0, 1), t.x.some(1, 1), t.x.some(2, 1), t.x.some(3, 1),
                                           t.x.some(4, 1)};
  EXPECT_EQ(all_figures(dyadic::measure_error(t.net, t.made, singles)), once);
  dyadic::thread_pool pool(3);
  dyadic::workspace memory;
  EXPECT_EQ(all_figures(dyadic::measure_error(t.net, t.made, std::array{t.x.some(0, 2), t.x.some(2, 3)},
                                              {.run = pool, .memory = &memory})),
            once);
}

TEST_P(LayerError, ShardsMerge) {
  const trial t(static_cast<std::uint64_t>(GetParam()));
  SCOPED_TRACE(t.net.text());
  const auto once = all_figures(dyadic::measure_error(t.net, t.made, std::array{t.x.all()}));
  error_record first = dyadic::measure_error(t.net, t.made, std::array{t.x.some(3, 2)});
  ASSERT_TRUE(first.try_merge(dyadic::measure_error(t.net, t.made, std::array{t.x.some(0, 3)})));
  const auto merged = all_figures(first);
  ASSERT_EQ(merged.size(), once.size());
  // Some last bits of compensated sums, and of the logarithm of a quotient of them.
  for (std::size_t i = 0; i < once.size(); ++i)
    if (merged[i] != once[i]) {
      EXPECT_NEAR(merged[i], once[i], 16 * 0x1p-53 * (1 + std::abs(once[i])));
    }
}

INSTANTIATE_TEST_SUITE_P(Networks, LayerError, testing::Range(0, 24));

TEST(LayerErrors, WhatDoesNotFitIsRefused) {
  const trial t(3), other(4);
  const std::vector<dyadic::batch> none;
  EXPECT_EQ(text_of(dyadic::try_measure_error(t.net, t.made, none)), "error: 0 batches, expected at least 1");
  EXPECT_EQ(text_of(dyadic::try_measure_error(t.net, t.made, std::array{t.x.some(0, 0)})),
            "error: a batch of 0 rows, expected at least 1");
  const auto dynamic =
      dyadic::calibrate(t.net, std::array{t.seen.all()}, {.activations = dyadic::activation_scales::dynamic});
  EXPECT_EQ(text_of(dyadic::try_measure_error(t.net, dynamic, std::array{t.x.all()})),
            "simulate: the plan has dynamic activations, expected static ones");
  EXPECT_EQ(dyadic::try_measure_error(other.net, t.made, std::array{t.x.all()}).error().code(),
            dyadic::errc::wrong_site);

  error_record of_other(other.made), mine = dyadic::measure_error(t.net, t.made, std::array{t.x.all()});
  EXPECT_EQ(dyadic::try_record_error(t.net, t.made, t.x.all(), of_other).error().code(), dyadic::errc::wrong_site);
  EXPECT_EQ(mine.try_merge(of_other).error().code(), dyadic::errc::wrong_site);
  // The same sites with other steps.
  const auto wider = dyadic::calibrate(t.net, std::array{t.x.all()});
  EXPECT_EQ(mine.try_merge(error_record(wider)).error().code(), dyadic::errc::wrong_site);

  const int sites = static_cast<int>(t.made.sites().size());
  EXPECT_EQ(text_of(mine.try_figures(error_of::local, sites)),
            "error: site " + std::to_string(sites) + ", expected one of " + std::to_string(sites));
  EXPECT_EQ(text_of(mine.try_figures(error_of::local, 0, 99)),
            "error: channel 99 of site 0, expected one of " + std::to_string(t.x.channels));
  EXPECT_EQ(text_of(mine.try_figures(error_of::weights, 0)),
            "error: site 0 ('input') has no error of its own of this kind");
  EXPECT_EQ(mine.try_figures(error_of::weights, 0).error().code(), dyadic::errc::no_data);
  EXPECT_THROW(static_cast<void>(mine.figures(error_of::local, -1)), std::invalid_argument);
}

}  // namespace layer_error_test
