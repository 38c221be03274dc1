// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The remedy that is advised is the one whose cause was planted, and taking it does what the ranking said.
//
// What a remedy removes is an estimate: rounding errors are taken to be uniform. The mean square of 1,024 of them (the
// weights of a layer) has a relative deviation of sqrt(0.8 / 1024) = 3 %, so quotients of two of them are told to 0.1.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include <dyadic/trust/layer_error.hpp>
#include <dyadic/trust/remedy.hpp>

#include "support/data.hpp"
#include "support/networks.hpp"

namespace remedy_test {

using dyadic::error_of;
using dyadic::index_t;
using dyadic::plan;
using dyadic::ranked_site;
using dyadic::recipe;
using dyadic::remedy;
using dyadic::squared_difference;
using support::images;
using support::integers;
using support::text_of;

/// Two layers, of which the first can be given other weights, on 64 images of 32 numbers.
struct trial {
  integers random{5};
  dyadic::linear first = support::make_linear(random, 32, 32, true, "first"),
                 second = support::make_linear(random, 32, 8, true, "second");
  images x = support::make_images(random, 64, 1, 1, 32);

  template <class Tensor>
  Tensor operator()(const Tensor& t) const {
    return second(first(t));
  }
  /// The first layer with row i multiplied by f(i).
  template <class F>
  void scale_rows(const F& f) {
    std::vector<float> w;
    for (index_t i = 0; i < 32; ++i)
      for (index_t k = 0; k < 32; ++k) w.push_back(f(i) * first.weights().weight()(i, k));
    first = dyadic::linear({w.data(), 32, 32}, {}, "first");
  }
  plan calibrated(const recipe& how = {}) const { return dyadic::calibrate(*this, std::array{x.all()}, how); }
  /// A plan whose site s has seen numbers up to `factor` times as far out.
  plan calibrated_wider(int s, float factor) const {
    dyadic::recording seen;
    dyadic::try_record(*this, x.all(), seen).value();
    const auto& extent = seen.seen(s).seen();
    const float wide[] = {factor * extent.min, factor * extent.max};
    const_cast<dyadic::histogram&>(seen.seen(s)).observe(wide);
    return plan::try_make(seen, {}).value();
  }
  std::vector<ranked_site> ranked(const plan& p) const {
    const auto data = std::array{x.all()};
    return dyadic::rank_sites(p, dyadic::measure_error(*this, p, data),
                              dyadic::attribute_error(*this, p, data, squared_difference{}));
  }
  double local_mse(const plan& p, int s) const {
    return dyadic::measure_error(*this, p, std::array{x.all()}).figures(error_of::local, s).mse;
  }
};

// Weights of 8 bits, a scale a row, a range that ends where the numbers do: nothing is left but float.
TEST(Remedy, AHealthyLayerThatCostsMostStaysInFloat) {
  const trial t;
  for (const ranked_site& site : t.ranked(t.calibrated()))
    EXPECT_EQ(site.what, site.share >= 0.05 ? remedy::leave_in_float : remedy::nothing) << site.name.c_str();
}

TEST(Remedy, ARangeThatClipsIsToBeChosenOtherwise) {
  const trial t;
  const plan made = t.calibrated({.percentile = 90});
  const auto worst = t.ranked(made).front();
  EXPECT_EQ(worst.what, remedy::other_clipping);
  EXPECT_GT(worst.removes, 0.9);
  EXPECT_LT(t.local_mse(t.calibrated(), worst.site), (1 - 0.9) * t.local_mse(made, worst.site));
}

// Four times as wide: 1 - 1/16 of what the activations cost can be saved.
TEST(Remedy, ARangeThatIsTooWideIsToBeChosenOtherwise) {
  const trial t;
  const plan made = t.calibrated_wider(1, 4.0F);
  const auto worst = t.ranked(made).front();
  EXPECT_EQ(worst.site, 1);
  EXPECT_EQ(worst.what, remedy::other_clipping);
  const double saved = 1 - t.local_mse(t.calibrated(), 1) / t.local_mse(made, 1);
  EXPECT_NEAR(worst.removes, saved, 0.1);
}

// One row is 32 times as large as the others, which share its scale.
TEST(Remedy, RowsOfDifferentSizeWantScalesOfTheirOwn) {
  trial t;
  t.scale_rows([](index_t i) { return i == 3 ? 2.0F : 0.0625F; });
  const plan made = t.calibrated({.weights = dyadic::s8_narrow_per_tensor});
  const auto shares = dyadic::try_remedy_shares(made, dyadic::measure_error(t, made, std::array{t.x.all()}), 1);
  ASSERT_TRUE(shares) << text_of(shares);
  EXPECT_GT(shares->per_row_scales, 0.0);
  const auto weights_mse = [&](const plan& p) {
    return dyadic::measure_error(t, p, std::array{t.x.all()}).figures(error_of::weights, 1).mse;
  };
  const double saved = 1 - weights_mse(t.calibrated()) / weights_mse(made);
  EXPECT_NEAR(shares->per_row_scales, shares->weights * saved, 0.1);
}

// With 4 bits the weights cost most, and one scale for all rows costs three quarters of the rows most of what it costs.
TEST(Remedy, PerRowComesBeforeMoreBits) {
  trial t;
  t.scale_rows([](index_t i) { return i % 8 == 0 ? 1.0F : 0.25F; });
  const plan made = t.calibrated({.weights = dyadic::s4_per_row, .except = {{"first", dyadic::s4_per_tensor}}});
  for (const ranked_site& site : t.ranked(made)) {
    if (site.site != 1) continue;
    EXPECT_EQ(site.what, remedy::per_row_scales);
    EXPECT_NEAR(site.removes, 1 - t.local_mse(t.calibrated({.weights = dyadic::s4_per_row}), 1) / t.local_mse(made, 1),
                0.1);
  }
}

// Inputs that are all about 4: what weights of 4 bits lose is the same for every image, a constant a channel.
TEST(Remedy, AShiftOfEveryChannelWantsBiasCorrection) {
  trial t;
  for (float& v : t.x.numbers) v = 4.0F + 0.125F * v;
  const plan made = t.calibrated({.weights = dyadic::s8_per_row, .except = {{"first", dyadic::s4_per_row}}});
  const auto worst = t.ranked(made).front();
  EXPECT_EQ(worst.site, 1);
  EXPECT_EQ(worst.what, remedy::bias_correction);
  // Of each channel, the mean of e^2 without the mean of e.
  const auto errors = dyadic::measure_error(t, made, std::array{t.x.all()});
  double left = 0;
  for (index_t c = 0; c < 32; ++c) {
    const auto f = errors.figures(error_of::local, 1, c);
    left += (f.mse - f.bias * f.bias) / 32;
  }
  EXPECT_NEAR(worst.removes, 1 - left / t.local_mse(made, 1), 1e-12);
  EXPECT_GT(worst.removes, 0.9);
}

TEST(Remedy, FourBitsWantMore) {
  const trial t;
  const plan made = t.calibrated({.weights = dyadic::s4_per_row});
  for (const ranked_site& site : t.ranked(made)) {
    if (made.weights(site.site) == nullptr || site.share < 0.05) continue;
    EXPECT_EQ(site.what, remedy::more_bits) << site.name.c_str();
    EXPECT_NEAR(site.removes, 1 - t.local_mse(t.calibrated(), site.site) / t.local_mse(made, site.site), 0.05);
  }
}

// A part of the loss that is not worth it gets no advice, whatever its figures; a total of nothing gives no shares.
TEST(Remedy, LittleIsNotWorthARemedy) {
  const trial t;
  const auto data = std::array{t.x.all()};
  const plan made = t.calibrated({.percentile = 90});
  const auto errors = dyadic::measure_error(t, made, data);
  const auto owed = dyadic::attribute_error(t, made, data, squared_difference{});
  for (const ranked_site& site : dyadic::rank_sites(made, errors, owed, {.worth = 2.0}))
    EXPECT_EQ(site.what, remedy::nothing);
  const auto ranked = dyadic::rank_sites(made, errors, owed, {.worth = 0.0, .enough = 1.5});
  double shares = 0;
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    shares += ranked[i].share;
    if (i > 0) {
      EXPECT_GE(ranked[i - 1].part, ranked[i].part);
    }
    if (ranked[i].share > 0) {
      EXPECT_EQ(ranked[i].what, remedy::leave_in_float);
    }
  }
  EXPECT_NEAR(shares, 1, 1e-12);

  const auto free = dyadic::attribute_error(t, made, data, [](index_t, auto, auto) { return 0.0; });
  for (const ranked_site& site : dyadic::rank_sites(made, errors, free)) {
    EXPECT_EQ(site.share, 0);
    EXPECT_EQ(site.what, remedy::nothing);
  }
}

TEST(Remedy, WhatDoesNotFitIsRefused) {
  const trial t;
  const auto data = std::array{t.x.all()};
  const plan made = t.calibrated(), other = t.calibrated({.percentile = 90});
  const auto errors = dyadic::measure_error(t, made, data);
  const auto owed = dyadic::attribute_error(t, made, data, squared_difference{});
  EXPECT_EQ(dyadic::try_rank_sites(other, errors, owed).error().code(), dyadic::errc::wrong_site);
  const auto parts = dyadic::attribute_error(t, made, data, squared_difference{},
                                             {.players = dyadic::attribution_players::weights_and_activations});
  EXPECT_EQ(text_of(dyadic::try_rank_sites(made, errors, parts)),
            "rank_sites: an attribution of 5 players, expected one of the plan's 3 sites");
  EXPECT_EQ(dyadic::try_rank_sites(made, dyadic::error_record(made), owed).error().code(), dyadic::errc::no_data);
  EXPECT_THROW(static_cast<void>(dyadic::rank_sites(other, errors, owed)), std::invalid_argument);
}

}  // namespace remedy_test
