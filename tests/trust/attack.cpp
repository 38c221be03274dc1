// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// FGSM and PGD: the closed form on linear models, never outside ball and box, the same for any batch, losses that
// saturate and one that does not, and refusals.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include <dyadic/network/adjoint.hpp>
#include <dyadic/trust/attack.hpp>

#include "support/classifiers.hpp"
#include "support/data.hpp"
#include "support/random_network.hpp"

namespace attack_test {

using dyadic::attack_budget;
using dyadic::attack_loss;
using dyadic::attacked_images;
using dyadic::batch;
using dyadic::index_t;
using dyadic::result;
using dyadic::strided;
using support::integers;
using support::text_of;
using numbers = std::vector<float>;

/// The iterates of an attack, one after the other.
struct collected {
  std::vector<numbers> iterates;
  result<void> operator()(const batch& x) {
    iterates.emplace_back(x.rows.data(), x.rows.data() + x.rows.rows() * x.rows.cols());
    return {};
  }
};

constexpr index_t features = 12, images = 40;

struct linear_case {
  explicit linear_case(std::uint64_t seed, index_t classes = 2)
      : random(seed),
        model(random, classes, features),
        x(support::inner_inputs(random, images * features)),
        labels(support::answers(model(whole()), images, classes)) {}
  batch whole() const { return {{x.data(), images, features}}; }
  attacked_images all() const { return {whole(), labels}; }
  integers random;
  support::linear_classifier model;
  numbers x;
  std::vector<std::int32_t> labels;
};

// Two classes, all answers right. No input within eps loses more margin than eps * ||w_1 - w_0||_1, and FGSM's does:
// right is exactly where the margin is larger. (At an equal margin the first class answers: counted as the model does.)
TEST(Attack, FgsmIsTheBestAgainstALinearModel) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const linear_case c(seed);
    double norm = 0;
    for (index_t j = 0; j < features; ++j) norm += std::abs(static_cast<double>(c.model.w(1, j) - c.model.w(0, j)));
    const auto clean = c.model(c.whole());
    for (const float eps : {0.0F, 0x1p-8F, 0x1p-5F, 0x1p-4F, 0x1p-2F}) {
      collected found;
      const auto zero = dyadic::try_fgsm(c.model, c.model, c.all(), {.radius = eps}, {}, found);
      ASSERT_TRUE(zero) << text_of(zero);
      EXPECT_EQ(*zero, 0);
      ASSERT_EQ(found.iterates.size(), 2U);
      EXPECT_EQ(found.iterates[0], c.x);
      const batch attacked{{found.iterates[1].data(), images, features}};
      const auto y = c.model(attacked);
      for (index_t i = 0; i < images; ++i) {
        const std::int32_t label = c.labels[static_cast<std::size_t>(i)], other = 1 - label;
        for (index_t j = 0; j < features; ++j) {
          const float slope = c.model.w(other, j) - c.model.w(label, j);
          const float sign = slope > 0 ? 1.0F : slope < 0 ? -1.0F : 0.0F;
          ASSERT_EQ(attacked.rows(i, j), c.x[static_cast<std::size_t>(i * features + j)] + eps * sign);
        }
        const double margin = static_cast<double>(clean(i, label)) - static_cast<double>(clean(i, other));
        EXPECT_EQ(static_cast<double>(y(i, label)) - static_cast<double>(y(i, other)),
                  margin - static_cast<double>(eps) * norm);
      }
    }
  }
}

TEST(Attack, NoIterateLeavesBallOrBox) {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    integers random(seed);
    support::images x = support::make_images(random, 4, 5, 5, 2, 1.0F);
    for (float& v : x.numbers) v = std::abs(v);  // [0, 1), thirds of it near the edges
    for (std::size_t i = 0; i < x.numbers.size(); i += 3) x.numbers[i] = i % 2 == 0 ? 0.0F : 0.9F;
    const auto net = support::network_maker(random, x.all().shape()).make(6);
    const auto scores = [&](const batch& b) {
      dyadic::real run;
      const auto y = net(input(run, b));
      support::scores_matrix m(y.shape().images, y.shape().features() + 1);
      for (index_t i = 0; i < m.rows(); ++i) {
        for (index_t j = 0; j + 1 < m.cols(); ++j) m(i, j) = y.matrix()(i, j);
        m(i, m.cols() - 1) = 0;
      }
      return m;
    };
    const auto slope = [&](const batch& b, strided<const float> w, strided<float> g) {
      return dyadic::try_input_gradient(
          net, b, strided<const float>(w.data(), w.rows(), w.cols() - 1, w.row_stride(), w.col_stride()), g);
    };
    const std::vector<std::int32_t> labels(4, 0);
    for (const float radius : {0.0F, 0.1F, 1.0F / 255, 0.3F, 5.0F}) {
      std::size_t moved = 0;
      const auto look = [&](const batch& b) -> result<void> {
        for (index_t i = 0; i < 4; ++i)
          for (index_t j = 0; j < x.features(); ++j) {
            const float v = b.rows(i, j), from = x.numbers[static_cast<std::size_t>(i * x.features() + j)];
            EXPECT_TRUE(v >= 0.0F && v <= 0.95F) << v;
            EXPECT_LE(std::abs(static_cast<double>(v) - static_cast<double>(from)), static_cast<double>(radius));
            moved += v != from ? 1 : 0;
          }
        return {};
      };
      const auto done = dyadic::try_pgd(scores, slope, {x.all(), labels}, {radius, 0.0F, 0.95F},
                                        {.steps = 4, .step = radius * 0.7F, .restarts = 3}, look);
      ASSERT_TRUE(done) << text_of(done);
      EXPECT_EQ(moved > 0, radius > 0);
    }
  }
}

TEST(Attack, ABatchCanBeCutAnywhere) {
  const linear_case c(5, 3);
  const dyadic::pgd_options how{.steps = 5, .restarts = 3, .seed = 9};
  collected whole;
  ASSERT_TRUE(dyadic::try_pgd(c.model, c.model, c.all(), {.radius = 0.1F}, how, whole));
  for (const index_t size : {1, 7, 39}) {
    for (index_t first = 0; first < images; first += size) {
      const index_t n = std::min(size, images - first);
      const attacked_images part{
          {{c.x.data() + first * features, n, features}},
          std::span(c.labels).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n)),
          first};
      collected cut;
      ASSERT_TRUE(dyadic::try_pgd(c.model, c.model, part, {.radius = 0.1F}, how, cut));
      ASSERT_EQ(cut.iterates.size(), whole.iterates.size());
      for (std::size_t s = 0; s < cut.iterates.size(); ++s)
        EXPECT_TRUE(
            support::same_bits(cut.iterates[s].data(), whole.iterates[s].data() + first * features, n * features));
    }
  }
}

// Scores 2^12 times as large: probabilities are 0 or 1 to a float, the cross-entropy has no slope, the margin has. A
// temperature of 2^12 brings it back.
TEST(Attack, CrossEntropySaturatesAndTheMarginDoesNot) {
  linear_case c(6);
  c.model.w *= 4096.0F;
  c.model.b *= 4096.0F;
  std::vector<std::int32_t> labels = c.labels;
  const auto zero = [&](const attack_loss& loss) {
    collected found;
    return *dyadic::try_fgsm(c.model, c.model, {c.whole(), labels}, {.radius = 0.1F}, loss, found);
  };
  EXPECT_EQ(zero({}), 0);
  EXPECT_GT(zero({.kind = attack_loss::form::cross_entropy}), images / 2);
  EXPECT_EQ(zero({.kind = attack_loss::form::cross_entropy, .temperature = 4096.0F}), 0);
}

// Where it does not saturate, both losses of two classes point the same way.
TEST(Attack, BothLossesPointTheSameWayForTwoClasses) {
  const linear_case c(7);
  collected margin, entropy;
  ASSERT_TRUE(dyadic::try_fgsm(c.model, c.model, c.all(), {.radius = 0.125F}, {}, margin));
  ASSERT_TRUE(dyadic::try_fgsm(c.model, c.model, c.all(), {.radius = 0.125F},
                               {.kind = attack_loss::form::cross_entropy}, entropy));
  EXPECT_EQ(margin.iterates, entropy.iterates);
}

TEST(Attack, ZeroGradientsAreCounted) {
  const linear_case c(8);
  const auto half = [&](const batch& x, strided<const float> w, strided<float> g) {
    c.model(x, w, g);
    for (index_t i = 0; i < x.rows.rows(); i += 2)
      for (index_t j = 0; j < features; ++j) g(i, j) = i % 4 == 0 ? 0.0F : -0.0F;
  };
  collected found;
  const auto zero = dyadic::try_pgd(c.model, half, c.all(), {.radius = 0.1F}, {.restarts = 2}, found);
  ASSERT_TRUE(zero);
  EXPECT_EQ(*zero, images / 2);
}

TEST(AttackErrors, SayWhatWasGiven) {
  const linear_case c(9);
  collected found;
  const auto say = [&](const attacked_images& t, const attack_budget& b, const dyadic::pgd_options& how = {}) {
    return text_of(dyadic::try_pgd(c.model, c.model, t, b, how, found));
  };
  const batch none{{c.x.data(), 0, features}}, one{{c.x.data(), 1, features}};
  std::vector<std::int32_t> labels(1, 0);
  EXPECT_EQ(say({none, {}}, {}), "attack: 0 images, expected at least 1");
  EXPECT_EQ(say({c.whole(), labels}, {}), "attack: 1 labels for 40 images");
  EXPECT_EQ(say({one, labels}, {.radius = -1}), "attack: radius -1 in [0, 1], expected 0 or more in a finite range");
  EXPECT_EQ(say({one, labels}, {.low = 2}), "attack: radius 0 in [2, 1], expected 0 or more in a finite range");
  EXPECT_EQ(say({one, labels}, {.high = std::numeric_limits<float>::infinity()}),
            "attack: radius 0 in [0, inf], expected 0 or more in a finite range");
  numbers out = c.x;
  out[3] = 1.5F;
  EXPECT_EQ(say({{{out.data(), 1, features}}, labels}, {}), "attack: number 3 of image 0 is 1.5, expected 0 to 1");
  out[3] = std::nanf("");
  EXPECT_EQ(say({{{out.data(), 1, features}}, labels}, {}), "attack: number 3 of image 0 is nan, expected 0 to 1");
  EXPECT_EQ(say({one, labels}, {}, {.steps = 0}),
            "pgd: 0 steps of 0, 1 restarts, temperature 1, expected them above 0");
  labels[0] = 2;
  EXPECT_EQ(say({one, labels}, {}), "attack: label 2 of image 0, expected 0 to 1");
  labels[0] = 0;
  EXPECT_EQ(text_of(dyadic::try_pgd(c.model, {}, {one, labels}, {}, {}, found)), "pgd: no gradient is given");
  const auto single = [](const batch& x) {
    return support::scores_matrix(support::scores_matrix::Zero(x.rows.rows(), 1));
  };
  EXPECT_EQ(text_of(dyadic::try_pgd(single, c.model, {one, labels}, {}, {}, found)),
            "attack: 1 class, expected at least 2");
  const auto nan = [](const batch& x) {
    return support::scores_matrix(support::scores_matrix::Constant(x.rows.rows(), 2, std::nanf("")));
  };
  EXPECT_EQ(text_of(dyadic::try_pgd(nan, c.model, {one, labels}, {}, {}, found)),
            "model: score 0 of image 0 is NaN, expected a number");
  const auto no_slope = [](const batch&, strided<const float>, strided<float> g) { g(0, 4) = std::nanf(""); };
  EXPECT_EQ(text_of(dyadic::try_pgd(c.model, no_slope, {one, labels}, {.radius = 1}, {}, found)),
            "pgd: gradient 4 of image 0 is NaN, expected a number");
}

}  // namespace attack_test
