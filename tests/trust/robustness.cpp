// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Robust accuracy: the closed form on a linear model, no count that rises with the radius, the same counts for any
// batch and number of threads, and masked models that raise their flags.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>

#include <dyadic/core/thread_pool.hpp>
#include <dyadic/network/adjoint.hpp>
#include <dyadic/trust/bounds.hpp>
#include <dyadic/trust/robustness.hpp>

#include "support/classifiers.hpp"
#include "support/data.hpp"
#include "support/demo.hpp"

namespace robustness_test {

using dyadic::attack;
using dyadic::batch;
using dyadic::index_t;
using dyadic::robustness_options;
using dyadic::robustness_report;
using dyadic::strided;
using dyadic::subject;
using support::integers;
using support::text_of;
using numbers = std::vector<float>;

constexpr index_t features = 12, images = 40;
/// Fewer questions than by default: the tests are many.
const robustness_options quick{.pgd = {.steps = 4, .restarts = 2},
                               .spsa = {.steps = 6, .samples = 6},
                               .search = {.steps = 10, .samples = 8},
                               .batch_size = 16};

bool same(const robustness_report& a, const robustness_report& b) {
  const auto counts = [](const robustness_report& r) {
    std::vector<index_t> all;
    for (const auto& row : r.rows) {
      all.insert(all.end(), {row.worst.right, row.worst.images});
      for (const auto& c : row.by) all.insert(all.end(), {c.right, c.images});
    }
    for (const auto& c : r.clean) all.insert(all.end(), {c.right, c.images});
    for (const auto& m : r.masking)
      all.insert(all.end(),
                 {m.images, m.zero_gradients, m.unstable, m.probabilities, m.black_box_only, m.gradient_only});
    return all;
  };
  return counts(a) == counts(b);
}

TEST(Robustness, ALinearModelHasAClosedForm) {
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    integers random(seed);
    const support::linear_classifier model(random, 2, features);
    const numbers x = support::inner_inputs(random, images * features);
    const batch all{{x.data(), images, features}};
    const auto y = model(all);
    auto labels = support::answers(y, images, 2);
    for (std::size_t i = 0; i < 5; ++i) labels[i] = 1 - labels[i];  // wrong from the start
    double norm = 0;
    for (index_t j = 0; j < features; ++j) norm += std::abs(static_cast<double>(model.w(1, j) - model.w(0, j)));
    const std::array radii{0.0F, 0x1p-7F, 0x1p-5F, 0x1p-4F, 0x1p-3F, 0.25F};
    const subject models[] = {{"linear", model, model}};
    const auto r = dyadic::try_measure_robustness(models, all, labels, radii, quick);
    ASSERT_TRUE(r) << text_of(r);
    EXPECT_EQ(r->clean[0].right, images - 5);
    ASSERT_EQ(r->rows.size(), radii.size());
    for (std::size_t k = 0; k < radii.size(); ++k) {
      index_t expected = 0;
      for (index_t i = 5; i < images; ++i) {
        const std::int32_t label = labels[static_cast<std::size_t>(i)];
        const double margin = static_cast<double>(y(i, label)) - static_cast<double>(y(i, 1 - label)),
                     left = margin - static_cast<double>(radii[k]) * norm;
        expected += left > 0 || (left == 0 && label == 0) ? 1 : 0;
      }
      const auto& row = r->rows[k];
      EXPECT_EQ(row.worst.right, expected) << radii[k];
      EXPECT_EQ(row.worst.images, images);
      EXPECT_EQ(row.by[static_cast<std::size_t>(attack::fgsm)].right, expected) << "FGSM is the best there is";
      EXPECT_EQ(row.by[static_cast<std::size_t>(attack::pgd)].right, expected);
      EXPECT_GE(row.by[static_cast<std::size_t>(attack::spsa)].right, expected) << "nothing does better";
      EXPECT_GE(row.by[static_cast<std::size_t>(attack::random_search)].right, expected);
      EXPECT_EQ(row.by[static_cast<std::size_t>(attack::own_pgd)].images, 0) << "the first model's own is pgd";
      const auto interval = row.worst.interval();
      EXPECT_LE(interval.low, row.worst.share());
      EXPECT_GE(interval.high, row.worst.share());
    }
    EXPECT_FALSE(r->masking[0].any());
  }
}

// One number, 0.5, that is answered wrong within 0.02 of 0.55 and nowhere else. Every iterate counts, not only the
// last, and what a smaller radius broke stays broken at a larger one, whose attacks step over the hole.
TEST(Robustness, NothingThatWasBrokenIsForgotten) {
  const auto hole = [](const batch& b) {
    support::scores_matrix y = support::scores_matrix::Zero(b.rows.rows(), 2);
    for (index_t i = 0; i < y.rows(); ++i) y(i, 1) = 0.02F - std::abs(b.rows(i, 0) - 0.55F);
    return y;
  };
  const auto up = [](const batch&, strided<const float> w, strided<float> g) { g(0, 0) = w(0, 1); };
  const numbers x{0.5F};
  const std::vector<std::int32_t> labels{0};
  const subject models[] = {{"hole", hole, up}};
  const auto measure = [&](std::span<const float> radii, index_t steps) {
    robustness_options how = quick;
    how.pgd = {.steps = steps};
    how.search = {.steps = 1, .samples = 4};
    return dyadic::try_measure_robustness(models, {{x.data(), 1, 1}}, labels, radii, how);
  };
  const std::array over{0.1F};
  const std::array then_over{0.05F, 0.2F};
  // Steps of 2.5 / 4 of 0.1: through 0.5625 to 0.6.
  const auto r = measure(over, 4);
  ASSERT_TRUE(r) << text_of(r);
  EXPECT_EQ(r->rows[0].by[static_cast<std::size_t>(attack::fgsm)].right, 1) << "steps over it";
  EXPECT_EQ(r->rows[0].by[static_cast<std::size_t>(attack::pgd)].right, 0) << "stood in it on the way";
  const auto nested = measure(then_over, 1);
  ASSERT_TRUE(nested);
  for (const auto& row : nested->rows) {
    for (const attack a : {attack::fgsm, attack::pgd, attack::random_search})
      EXPECT_EQ(row.by[static_cast<std::size_t>(a)].right, 0) << to_string(a) << " at " << row.radius;
    EXPECT_EQ(row.worst.right, 0);
  }
}

/// A small network whose own answers are the labels, and its plans.
struct networks {
  networks()
      : random(7),
        conv(support::make_conv2d(random, 1, 6, {.size = {3, 3}, .padding = {1, 1}})),
        fc(support::make_linear(random, 6 * 3 * 3, 4)),
        x(support::make_images(random, 24, 6, 6, 1, 0.5F)) {
    for (float& v : x.numbers) v += 0.5F;
    dyadic::real run;
    const auto y = (*this)(input(run, x.all()));
    labels = support::answers(y.matrix(), 24, 4);
  }
  template <class Tensor>
  Tensor operator()(const Tensor& t) const {
    const Tensor u = max_pool(relu(conv(t)), {2, 2});
    return fc(flatten(u));
  }
  integers random;
  dyadic::conv2d conv;
  dyadic::linear fc;
  support::images x;
  std::vector<std::int32_t> labels;
};

TEST(Robustness, FloatBesideEveryPrecision) {
  const networks net;
  const auto in8 = dyadic::try_calibrate(net, std::array{net.x.all()}),
             in4 = dyadic::try_calibrate(net, std::array{net.x.all()}, {.weights = dyadic::u4_per_row});
  ASSERT_TRUE(in8 && in4);
  dyadic::thread_pool pool(3);
  const std::array radii{0.0F, 1.0F / 255, 4.0F / 255, 0.1F, 1.0F};
  const auto measure = [&](const dyadic::run_options& options, index_t size) {
    const auto real = [&](const batch& b) { return in8->try_run_real(net, b, options); };
    const auto int8 = [&](const batch& b) { return in8->try_run(net, b, options); };
    const auto int4 = [&](const batch& b) { return in4->try_run(net, b, options); };
    const auto slope = [&](const batch& b, strided<const float> w, strided<float> g) {
      return dyadic::try_input_gradient(net, b, w, g, options);
    };
    const subject models[] = {{"float", real, slope}, {"int8", int8, slope}, {"int4", int4}};
    robustness_options how = quick;
    how.batch_size = size;
    auto r = dyadic::try_measure_robustness(models, net.x.all(), net.labels, radii, how);
    EXPECT_TRUE(r) << text_of(r);
    return std::move(*r);
  };
  const robustness_report r = measure({}, 24);
  ASSERT_EQ(r.rows.size(), 3 * radii.size());
  EXPECT_EQ(r.clean[0].right, 24);
  for (std::size_t m = 0; m < 3; ++m) {
    index_t last = r.clean[m].right;
    for (std::size_t k = 0; k < radii.size(); ++k) {
      const auto& row = r.rows[m * radii.size() + k];
      EXPECT_EQ(row.model, m);
      EXPECT_EQ(row.radius, radii[k]);
      EXPECT_LE(row.worst.right, last) << "no count rises with the radius";
      if (k == 0) {
        EXPECT_EQ(row.worst.right, r.clean[m].right) << "radius 0 is the clean image";
      }
      last = row.worst.right;
      for (std::size_t a = 0; a < dyadic::attack_count; ++a)
        EXPECT_TRUE(row.by[a].images == 0 || row.worst.right <= row.by[a].right);
      EXPECT_EQ(row.by[static_cast<std::size_t>(attack::own_pgd)].images, m == 1 ? 24 : 0);
    }
    EXPECT_LE(last, 6) << "a radius of the whole range: chance, a quarter, or worse";
  }
  for (const index_t size : {1, 5, 100}) EXPECT_TRUE(same(measure({}, size), r)) << size;
  EXPECT_TRUE(same(measure({.run = pool}, 24), r));
}

// A certificate says that both networks decide alike in the whole box: an attack that breaks one such image refutes it.
TEST(Robustness, NoAttackBreaksACertifiedImage) {
  const networks net;
  const auto in8 = dyadic::try_calibrate(net, std::array{net.x.all()});
  ASSERT_TRUE(in8);
  const auto real = [&](const batch& b) { return in8->try_run_real(net, b); };
  const auto int8 = [&](const batch& b) { return in8->try_run(net, b); };
  const auto slope = [&](const batch& b, strided<const float> w, strided<float> g) {
    return dyadic::try_input_gradient(net, b, w, g);
  };
  const subject models[] = {{"float", real, slope}, {"int8", int8, slope}};
  index_t certified = 0, broken = 0;
  for (const float radius : {0.001F, 0.004F, 0.016F}) {
    const auto sure = dyadic::try_bound_error(net, *in8, net.x.all(), {.radius = static_cast<double>(radius)});
    ASSERT_TRUE(sure) << text_of(sure);
    const std::array radii{radius};
    for (index_t i = 0; i < net.x.count; ++i) {
      const dyadic::certificate& c = sure->certificates[static_cast<std::size_t>(i)];
      const std::int32_t label[] = {c.decision};
      const auto r = dyadic::try_measure_robustness(models, net.x.some(i, 1), label, radii, quick);
      ASSERT_TRUE(r) << text_of(r);
      for (const auto& row : r->rows) {
        EXPECT_TRUE(!c.holds || row.worst.right == 1) << "image " << i << ", " << models[row.model].name;
        broken += 1 - row.worst.right;
      }
      certified += c.holds ? 1 : 0;
    }
  }
  std::printf("%td of 72 boxes certified, %td of 144 attacks succeeded\n", certified, broken);
  EXPECT_GT(certified, 0);
  EXPECT_GT(broken, 0) << "attacks that break nothing show nothing";
}

// The trained network on real images whose float answers are the labels: what one more 255th allows breaks no fewer.
TEST(Robustness, OfTheDemoNetwork) {
  const support::demo_network net = support::load_demo_network();
  const support::images seen = support::demo_images("train", 64), x = support::demo_images("t10k", 12);
  const auto in8 = dyadic::try_calibrate(net, std::array{seen.all()}),
             in4 = dyadic::try_calibrate(net, std::array{seen.all()}, {.weights = dyadic::s4_per_row});
  ASSERT_TRUE(in8 && in4);
  const auto real = [&](const batch& b) { return in8->try_run_real(net, b); };
  const auto int8 = [&](const batch& b) { return in8->try_run(net, b); };
  const auto int4 = [&](const batch& b) { return in4->try_run(net, b); };
  const auto slope = [&](const batch& b, strided<const float> w, strided<float> g) {
    return dyadic::try_input_gradient(net, b, w, g);
  };
  const auto labels = support::answers(in8->try_run_real(net, x.all())->matrix(), 12, 10);
  const subject models[] = {{"float", real, slope}, {"int8", int8, slope}, {"int4", int4, slope}};
  const std::array radii{0.0F, 1.0F / 255, 4.0F / 255, 16.0F / 255, 1.0F};
  const auto r = dyadic::try_measure_robustness(models, x.all(), labels, radii, quick);
  ASSERT_TRUE(r) << text_of(r);
  index_t last = 0;
  for (const auto& row : r->rows) {
    if (row.radius == 0) last = r->clean[row.model].right;
    EXPECT_LE(row.worst.right, last);
    EXPECT_TRUE(row.radius > 0 || row.worst.right == last);
    EXPECT_TRUE(row.radius < 1 || row.worst.right == 0) << "any image at all is allowed";
    last = row.worst.right;
    std::printf("%s, radius %5.1f / 255: %td of %td right\n", models[row.model].name,
                255 * static_cast<double>(row.radius), row.worst.right, row.worst.images);
  }
  EXPECT_EQ(r->clean[0].right, 12);
  for (const auto& signs : r->masking) EXPECT_FALSE(signs.has_zero_gradients() || signs.is_unstable());
}

// A stepped front end: its slope is 0 almost everywhere, so attacks that follow it find nothing; one that asks does.
TEST(Robustness, AMaskedModelRaisesItsFlags) {
  integers random(3);
  const support::linear_classifier inner(random, 3, features);
  const numbers x = support::inner_inputs(random, images * features);
  const batch all{{x.data(), images, features}};
  const auto stepped = [&](const batch& b) {
    numbers rounded;
    for (index_t i = 0; i < b.rows.rows(); ++i)
      for (index_t j = 0; j < features; ++j) rounded.push_back(std::round(b.rows(i, j) * 16) / 16);
    return inner({{rounded.data(), b.rows.rows(), features}});
  };
  // Its true gradient, by differences: 0 wherever the step is not crossed.
  const auto slope = [&](const batch& b, strided<const float>, strided<float> g) {
    for (index_t i = 0; i < b.rows.rows(); ++i)
      for (index_t j = 0; j < features; ++j) g(i, j) = 0;
  };
  const auto labels = support::answers(stepped(all), images, 3);
  const std::array radii{0.03F, 0.1F};
  const subject masked[] = {{"stepped", stepped, slope}}, plain[] = {{"linear", inner, inner}};
  const auto of_masked = dyadic::try_measure_robustness(masked, all, labels, radii, quick);
  ASSERT_TRUE(of_masked) << text_of(of_masked);
  const auto& signs = of_masked->masking[0];
  EXPECT_EQ(signs.zero_gradients, images);
  EXPECT_TRUE(signs.has_zero_gradients() && signs.black_box_wins() && signs.any());
  EXPECT_FALSE(signs.is_unstable() || signs.gives_probabilities());
  EXPECT_EQ(of_masked->rows[1].by[static_cast<std::size_t>(attack::fgsm)].right, images) << "it looks robust";
  EXPECT_LT(of_masked->rows[1].worst.right, images / 2) << "and is not";
  // The same model with the slope of what is behind the steps: the mask is off.
  const subject unmasked[] = {{"stepped", stepped, inner}};
  const auto of_unmasked = dyadic::try_measure_robustness(unmasked, all, labels, radii, quick);
  ASSERT_TRUE(of_unmasked);
  EXPECT_FALSE(of_unmasked->masking[0].any());
  EXPECT_FALSE(dyadic::try_measure_robustness(plain, all, labels, radii, quick)->masking[0].any());
}

TEST(Robustness, SoftmaxAndInstabilityAreSeen) {
  integers random(4);
  const support::linear_classifier inner(random, 3, features);
  const numbers x = support::inner_inputs(random, images * features);
  const batch all{{x.data(), images, features}};
  const auto softmax = [&](const batch& b) {
    support::scores_matrix y = inner(b);
    for (index_t i = 0; i < y.rows(); ++i) {
      y.row(i) = (y.row(i).array() - y.row(i).maxCoeff()).exp();
      y.row(i) /= y.row(i).sum();
    }
    return y;
  };
  int calls = 0;
  const auto noisy = [&](const batch& b) {
    support::scores_matrix y = inner(b);
    if (++calls % 2 == 0) y.row(y.rows() - 1) *= 1.001F;  // one image of the batch
    return y;
  };
  const auto labels = support::answers(inner(all), images, 3);
  const std::array radii{0.0F};
  const subject models[] = {{"linear", inner, inner}, {"softmax", softmax}, {"noisy", noisy}};
  robustness_options how = quick;
  how.batch_size = images;
  const auto r = dyadic::try_measure_robustness(models, all, labels, radii, how);
  ASSERT_TRUE(r) << text_of(r);
  EXPECT_FALSE(r->masking[0].any());
  EXPECT_TRUE(r->masking[1].gives_probabilities());
  EXPECT_FALSE(r->masking[1].is_unstable());
  EXPECT_EQ(r->masking[2].unstable, 1);
  EXPECT_FALSE(r->masking[2].gives_probabilities());
}

TEST(Robustness, CorruptionsCountEveryModelOnTheSameImages) {
  const networks net;
  const auto in8 = dyadic::try_calibrate(net, std::array{net.x.all()});
  const auto real = [&](const batch& b) { return in8->try_run_real(net, b); };
  const auto int8 = [&](const batch& b) { return in8->try_run(net, b); };
  const subject models[] = {{"float", real}, {"int8", int8}};
  const auto rows = dyadic::try_measure_corruptions(models, net.x.all(), net.labels);
  ASSERT_TRUE(rows) << text_of(rows);
  ASSERT_EQ(rows->size(), 2U * 4U * 5U);
  for (std::size_t i = 0; i < rows->size(); ++i) {
    const auto& row = (*rows)[i];
    EXPECT_EQ(row.model, i / 20);
    EXPECT_EQ(static_cast<std::size_t>(row.what), i / 5 % 4);
    EXPECT_EQ(row.severity, static_cast<int>(i % 5) + 1);
    EXPECT_EQ(row.count.images, 24);
    numbers changed(net.x.numbers.size());
    ASSERT_TRUE(dyadic::try_corrupt(row.what, net.x.all(), {changed.data(), 24, 36}, {.severity = row.severity}));
    const batch b{{changed.data(), 24, 36}, {6, 6}, 1};
    const auto y = row.model == 0 ? in8->try_run_real(net, b) : in8->try_run(net, b);
    const auto answers = support::answers(y->matrix(), 24, 4);
    index_t right = 0;
    for (std::size_t k = 0; k < 24; ++k) right += answers[k] == net.labels[k] ? 1 : 0;
    EXPECT_EQ(row.count.right, right);
  }
  for (const index_t size : {1, 7}) {
    const auto cut = dyadic::try_measure_corruptions(models, net.x.all(), net.labels, {}, size);
    ASSERT_TRUE(cut);
    for (std::size_t i = 0; i < rows->size(); ++i) EXPECT_EQ((*cut)[i].count.right, (*rows)[i].count.right);
  }
}

TEST(RobustnessErrors, SayWhatWasGiven) {
  integers random(5);
  const support::linear_classifier model(random, 2, features);
  const numbers x = support::inner_inputs(random, 2 * features);
  const batch two{{x.data(), 2, features}}, none{{x.data(), 0, features}};
  const std::vector<std::int32_t> labels{0, 1}, three{0, 1, 0}, bad{0, 2};
  const std::array radii{0.0F, 0.1F}, down{0.1F, 0.0F};
  const subject models[] = {{"linear", model, model}}, blind[] = {{"blind", model}};
  const auto say = [&](std::span<const subject> m, const batch& b, std::span<const std::int32_t> l,
                       std::span<const float> r) { return text_of(dyadic::try_measure_robustness(m, b, l, r, quick)); };
  EXPECT_EQ(say({}, two, labels, radii), "robustness: 0 models, expected at least 1");
  EXPECT_EQ(say(models, none, {}, radii), "robustness: 0 images, expected at least 1");
  EXPECT_EQ(say(models, two, three, radii), "robustness: 3 labels for 2 images");
  EXPECT_EQ(say(models, two, bad, radii), "attack: label 2 of image 1, expected 0 to 1");
  EXPECT_EQ(say(blind, two, labels, radii), "robustness: 'blind' has no gradient, expected one for the first model");
  EXPECT_EQ(say(models, two, labels, {}), "robustness: 0 radii, expected at least 1");
  EXPECT_EQ(say(models, two, labels, down), "robustness: radius 0 follows 0.100000001, expected them ascending");
  const auto nan = [](const batch& b) {
    support::scores_matrix y = support::scores_matrix::Zero(b.rows.rows(), 2);
    y(1, 1) = std::nanf("");
    return y;
  };
  const subject broken[] = {{"nan", nan, model}};
  EXPECT_EQ(say(broken, two, labels, radii), "model: score 1 of image 1 is NaN, expected a number");
  EXPECT_EQ(text_of(dyadic::try_measure_corruptions(models, two, three)), "robustness: 3 labels for 2 images");
  EXPECT_EQ(text_of(dyadic::try_measure_corruptions(models, two, bad)), "attack: label 2 of image 1, expected 0 to 1");
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(dyadic::measure_robustness(blind, two, labels, radii), std::invalid_argument);
#endif
}

}  // namespace robustness_test
