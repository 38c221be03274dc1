// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// SPSA and random search: never outside ball and box, never a break that cannot be, always one that is easy; refusals.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include <dyadic/trust/black_box.hpp>

#include "support/classifiers.hpp"
#include "support/data.hpp"

namespace black_box_test {

using dyadic::attack_budget;
using dyadic::attacked_images;
using dyadic::batch;
using dyadic::index_t;
using support::integers;
using support::text_of;
using numbers = std::vector<float>;

constexpr index_t features = 12;

/// One image of two classes, its margin, and what one unit of radius can take of it.
struct one_image {
  explicit one_image(std::uint64_t seed)
      : random(seed),
        model(random, 2, features),
        x(support::inner_inputs(random, features)),
        labels(support::answers(model(whole()), 1, 2)) {
    const auto y = model(whole());
    margin = static_cast<double>(y(0, labels[0])) - static_cast<double>(y(0, 1 - labels[0]));
    for (index_t j = 0; j < features; ++j) norm += std::abs(static_cast<double>(model.w(1, j) - model.w(0, j)));
  }
  batch whole() const { return {{x.data(), 1, features}}; }
  attacked_images all() const { return {whole(), labels}; }
  integers random;
  support::linear_classifier model;
  numbers x;
  std::vector<std::int32_t> labels;
  double margin = 0, norm = 0;
};

template <class Attack>
void expect_inside(const Attack& attack) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const one_image c(seed);
    for (const float radius : {0.0F, 0.1F, 0.3F, 3.0F}) {
      const auto careful = [&](const batch& b) {
        for (index_t i = 0; i < b.rows.rows(); ++i)
          for (index_t j = 0; j < features; ++j) {
            EXPECT_TRUE(b.rows(i, j) >= 0.1F && b.rows(i, j) <= 0.9F);
            EXPECT_LE(
                std::abs(static_cast<double>(b.rows(i, j)) - static_cast<double>(c.x[static_cast<std::size_t>(j)])),
                static_cast<double>(radius));
          }
        return c.model(b);
      };
      numbers found(features);
      const auto broken = attack(careful, c.all(), attack_budget{radius, 0.1F, 0.9F}, found);
      ASSERT_TRUE(broken) << text_of(broken);
      const auto y = careful({{found.data(), 1, features}});
      EXPECT_EQ(*broken, support::answers(y, 1, 2)[0] != c.labels[0]) << "what it hands back is what it says";
    }
  }
}
const auto spsa = [](dyadic::model_ref m, const attacked_images& t, const attack_budget& b, std::span<float> found) {
  return dyadic::try_spsa(m, t, b, {}, found);
};
const auto search = [](dyadic::model_ref m, const attacked_images& t, const attack_budget& b, std::span<float> found) {
  return dyadic::try_random_search(m, t, b, {}, found);
};

TEST(BlackBox, NothingItAsksAboutLeavesBallOrBox) {
  expect_inside(spsa);
  expect_inside(search);
}

// A linear model falls at radius margin / ||w_1 - w_0||_1 and not before. Below it nothing can be found; at 4/3 of it,
// where an attack must get three quarters of the signs' weight right, both attacks find something for every image.
TEST(BlackBox, FindsWhatIsThereAndNothingElse) {
  int tried = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    const one_image c(seed);
    const auto falls_at = static_cast<float>(c.margin / c.norm);
    if (falls_at > 0.18F) continue;  // the larger radius would reach the edge of [0, 1], where the form ends
    ++tried;
    for (const auto& attack : {+spsa, +search}) {
      EXPECT_FALSE(*attack(c.model, c.all(), {.radius = 0.99F * falls_at}, {})) << seed;
      EXPECT_TRUE(*attack(c.model, c.all(), {.radius = 1.34F * falls_at + 0x1p-10F}, {})) << seed;
    }
  }
  EXPECT_GE(tried, 20);
}

TEST(BlackBox, IsAFunctionOfTheImageAndItsNumber) {
  const one_image c(3);
  const float radius = 0.9F * static_cast<float>(c.margin / c.norm);
  for (const auto& attack : {+spsa, +search}) {
    numbers once(features), again(features), other(features);
    attacked_images t = c.all();
    t.first = 5;
    ASSERT_TRUE(attack(c.model, t, {.radius = radius}, once));
    ASSERT_TRUE(attack(c.model, t, {.radius = radius}, again));
    t.first = 6;
    ASSERT_TRUE(attack(c.model, t, {.radius = radius}, other));
    EXPECT_EQ(once, again);
    EXPECT_NE(once, c.x);
  }
  numbers five(features), six(features);
  // After one step of a few samples the number of the image still shows.
  attacked_images t = c.all();
  ASSERT_TRUE(dyadic::try_spsa(c.model, t, {.radius = radius}, {.steps = 1, .samples = 2}, five));
  t.first = 6;
  ASSERT_TRUE(dyadic::try_spsa(c.model, t, {.radius = radius}, {.steps = 1, .samples = 2}, six));
  EXPECT_NE(five, six);
}

// Images: windows of the search reach every pixel, and have one sign a channel. Here the image itself is the best there
// is, so that every window stands on it alone.
TEST(BlackBox, SearchMovesWindows) {
  const numbers x(6 * 8 * 2, 0.5F);
  const std::vector<std::int32_t> labels{0};
  std::vector<int> moved(x.size());
  int call = 0;
  const auto model = [&](const batch& b) {
    support::scores_matrix y = support::scores_matrix::Zero(b.rows.rows(), 2);
    for (index_t i = 0; i < y.rows(); ++i) {
      const bool itself = call == 0 && i == 16;  // the last of the first candidates
      index_t top = 6, bottom = -1, left = 8, right = -1;
      for (index_t j = 0; j < 96; ++j) {
        const float v = b.rows(i, j);
        EXPECT_TRUE(v == 0.25F || v == 0.5F || v == 0.75F);
        y(i, 1) -= std::abs(v - 0.5F);
        if (v == 0.5F) continue;
        moved[static_cast<std::size_t>(j)] += call > 0 ? 1 : 0;
        top = std::min(top, j / 16), bottom = std::max(bottom, j / 16);
        left = std::min(left, j / 2 % 8), right = std::max(right, j / 2 % 8);
        if (call == 0) {
          EXPECT_EQ(v, b.rows(i, j % 16)) << "stripes";
        } else {
          EXPECT_EQ(v, b.rows(i, (top * 8 + left) * 2 + j % 2)) << "a sign a channel";
        }
      }
      EXPECT_EQ(bottom < 0, itself);
      y(i, 0) = 1;
      if (itself) continue;
      const index_t h = bottom - top + 1, w = right - left + 1;
      EXPECT_EQ(y(i, 1), -0.25F * static_cast<float>(2 * h * w)) << "a whole window";
      if (call == 0) {
        EXPECT_TRUE(h == 6 && w == 8);
      } else if (call <= 8) {
        EXPECT_TRUE(h == 3 && w == 4) << "half";
      } else if (call > 24) {
        EXPECT_TRUE(h == 1 && w == 1) << "a sixteenth, or a pixel";
      }
    }
    ++call;
    return y;
  };
  const auto broken = dyadic::try_random_search(model, {{{x.data(), 1, 96}, {6, 8}, 2}, labels}, {.radius = 0.25F},
                                                {.steps = 32, .samples = 16});
  ASSERT_TRUE(broken);
  EXPECT_FALSE(*broken);
  EXPECT_EQ(call, 33);
  for (const int m : moved) EXPECT_GT(m, 0);
}

TEST(BlackBoxErrors, SayWhatWasGiven) {
  const one_image c(1);
  const numbers two(2 * features, 0.5F);
  const std::vector<std::int32_t> labels{0, 1};
  EXPECT_EQ(text_of(dyadic::try_spsa(c.model, {{{two.data(), 2, features}}, labels}, {})),
            "black box: 2 images, expected 1 at a time");
  EXPECT_EQ(text_of(dyadic::try_random_search(c.model, c.all(), {}, {.steps = 0})),
            "black box: 0 steps of 16 samples, expected at least 1");
  EXPECT_EQ(text_of(dyadic::try_spsa(c.model, c.all(), {}, {.probe = 0})),
            "spsa: probe 0 and step 0, expected them above 0");
  numbers small(3);
  EXPECT_EQ(text_of(dyadic::try_spsa(c.model, c.all(), {}, {}, small)),
            "black box: room for 3 numbers, the image has 12");
  const std::vector<std::int32_t> bad{7};
  EXPECT_EQ(text_of(dyadic::try_spsa(c.model, {c.whole(), bad}, {})), "attack: label 7 of image 0, expected 0 to 1");
}

}  // namespace black_box_test
