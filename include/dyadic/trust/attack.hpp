// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attacks that follow a gradient: FGSM and PGD, and what every attack shares: the inputs it may use, and its loss.
//
// The gradient is the caller's. That of the float network (network/adjoint.hpp) makes the attack on a quantized network
// a transfer; a straight-through estimate makes it an attack on a surrogate. A function of codes has no other.
// Everything is a function of the image and its number: threads and batches change nothing.
#pragma once

#include <cmath>

#include <dyadic/trust/model.hpp>
#include <dyadic/trust/random.hpp>

namespace dyadic::inline DYADIC_ABI {

/// What an attacker may do to an input: change every number by at most `radius`, and stay in [low, high].
struct attack_budget {
  float radius = 0.0f, low = 0.0f, high = 1.0f;
};

/// Images under attack and their right answers. `first` is the number of the first one among all images: it names their
/// random numbers, so that a batch can be cut anywhere.
struct attacked_images {
  batch x;
  std::span<const std::int32_t> labels;
  index_t first = 0;
};

/// What an attack makes large. The margin does not saturate: a model whose scores are far apart, or scaled, gives as
/// good a gradient as any. The cross-entropy of softmax(scores / temperature) does saturate, and seems robust for it;
/// its exponentials are the only step here whose last bit depends on the C library.
struct attack_loss {
  enum class form : unsigned char { margin, cross_entropy } kind = form::margin;
  float temperature = 1.0f;
};

namespace detail {

/// Refuses what cannot be attacked.
inline result<void> check_attack(const attacked_images& t, const attack_budget& b) {
  if (const auto ok = check_batch(t.x); !ok) return ok;
  const index_t n = t.x.rows.rows();
  if (n < 1) return failure(errc::no_data, "attack: 0 images, expected at least 1");
  if (static_cast<index_t>(t.labels.size()) != n)
    return failure(errc::invalid_shape, "attack: {} labels for {} images", t.labels.size(), n);
  const auto finite = [](float v) { return v - v == 0.0f; };
  if (!(b.radius >= 0.0f) || !(b.low <= b.high) || !finite(b.radius) || !finite(b.low) || !finite(b.high))
    return failure(errc::invalid_range, "attack: radius {} in [{}, {}], expected 0 or more in a finite range",
                   static_cast<double>(b.radius), static_cast<double>(b.low), static_cast<double>(b.high));
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < t.x.rows.cols(); ++j)
      if (const float v = t.x.rows(i, j); !(v >= b.low && v <= b.high))
        return failure(errc::invalid_range, "attack: number {} of image {} is {}, expected {} to {}", j, i,
                       static_cast<double>(v), static_cast<double>(b.low), static_cast<double>(b.high));
  return {};
}
inline result<void> check_labels(std::span<const std::int32_t> labels, index_t outputs) noexcept {
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (labels[i] < 0 || labels[i] >= outputs)
      return failure(errc::invalid_range, "attack: label {} of image {}, expected 0 to {}", labels[i], i, outputs - 1);
  if (outputs < 2) return failure(errc::no_data, "attack: {} class, expected at least 2", outputs);
  return {};
}

/// The nearest float to v + d on v's side of it: within |d| of v, as doubles have it.
inline float moved_at_most(float v, float d) noexcept {
  const float sum = v + d;
  const double moved = static_cast<double>(sum) - static_cast<double>(v), most = static_cast<double>(d);
  return (d > 0.0f ? moved > most : moved < most) ? std::nextafter(sum, v) : sum;
}

/// The inputs that a budget allows around each number of a batch.
class allowed_inputs {
 public:
  allowed_inputs(const batch& x, const attack_budget& b) {
    const index_t n = x.rows.rows(), features = x.rows.cols();
    at_.resize(static_cast<std::size_t>(n * features));
    copy_rows(x, 0, n, at_.data());
    for (const float v : at_) {
      const float down = moved_at_most(v, -b.radius), up = moved_at_most(v, b.radius);
      low_.push_back(down < b.low ? b.low : down);
      high_.push_back(up > b.high ? b.high : up);
    }
  }
  std::span<const float> inputs() const noexcept { return at_; }
  float low(std::size_t i) const noexcept { return low_[i]; }
  float high(std::size_t i) const noexcept { return high_[i]; }
  float clip(std::size_t i, float v) const noexcept { return v < low_[i] ? low_[i] : v > high_[i] ? high_[i] : v; }

 private:
  std::vector<float> at_, low_, high_;
};

/// The largest score that is not the label's: the first of equals.
inline index_t rival_of(const float* scores, index_t outputs, index_t label) noexcept {
  index_t best = label == 0 ? 1 : 0;
  for (index_t j = best + 1; j < outputs; ++j)
    if (j != label && scores[j] > scores[best]) best = j;
  return best;
}
/// Above 0: another answer than the label's; below 0: the label's.
inline double margin_lost(const run_output& y, index_t i, index_t label) noexcept {
  const index_t outputs = y.shape.features();
  const float* scores = y.values.data() + i * outputs;
  return static_cast<double>(scores[rival_of(scores, outputs, label)]) - static_cast<double>(scores[label]);
}

/// d loss / d score of every image, to `weights` (images, outputs).
inline void loss_weights(const run_output& y, std::span<const std::int32_t> labels, const attack_loss& loss,
                         float* weights) {
  const index_t outputs = y.shape.features();
  for (index_t i = 0; i < y.shape.images; ++i, weights += outputs) {
    const float* scores = y.values.data() + i * outputs;
    const index_t label = labels[static_cast<std::size_t>(i)], rival = rival_of(scores, outputs, label);
    for (index_t j = 0; j < outputs; ++j) weights[j] = 0.0f;
    if (loss.kind == attack_loss::form::margin) {
      weights[rival] = 1.0f, weights[label] = -1.0f;
      continue;
    }
    const double largest = static_cast<double>(scores[top_class(y, i)]);
    const auto t = static_cast<double>(loss.temperature);
    double sum = 0;
    for (index_t j = 0; j < outputs; ++j) sum += std::exp((static_cast<double>(scores[j]) - largest) / t);
    for (index_t j = 0; j < outputs; ++j)
      weights[j] =
          static_cast<float>(std::exp((static_cast<double>(scores[j]) - largest) / t) / sum - (j == label ? 1.0 : 0.0));
  }
}

}  // namespace detail

struct pgd_options {
  index_t steps = 10;    ///< a start; at least 1
  float step = 0.0f;     ///< in units of the input; 0: 2.5 radius / steps, far enough to cross the ball
  index_t restarts = 1;  ///< the first start is x itself, the others are uniform in what is allowed
  attack_loss loss{};
  std::uint64_t seed = 1;
};

/// Projected gradient descent in the maximum norm (Madry et al. 2018): x <- clip(x + step * sign(gradient of loss)).
/// \param scores    whose scores the loss is computed from.
/// \param gradient  of the same model, or of one that stands in for it.
/// \param visit     callable: const batch& -> result<void>, with every iterate of all images; x itself is the first.
/// \returns         how many images have a gradient of zero in every number at x: nothing was attacked there.
template <class Visit>
result<index_t> try_pgd(model_ref scores, gradient_ref gradient, const attacked_images& t, const attack_budget& b,
                        const pgd_options& how, Visit&& visit) {
  if (const auto ok = detail::check_attack(t, b); !ok) return ok.error();
  if (how.steps < 1 || how.restarts < 1 || !(how.step >= 0.0f) || !(how.loss.temperature > 0.0f))
    return failure(errc::invalid_range, "pgd: {} steps of {}, {} restarts, temperature {}, expected them above 0",
                   how.steps, static_cast<double>(how.step), how.restarts, static_cast<double>(how.loss.temperature));
  if (!gradient) return failure(errc::no_data, "pgd: no gradient is given");
  const default_float_environment environment;
  const detail::allowed_inputs allowed(t.x, b);
  const index_t n = t.x.rows.rows(), features = t.x.rows.cols();
  const float step = how.step > 0.0f ? how.step : 2.5f * b.radius / static_cast<float>(how.steps);
  std::vector<float> at(allowed.inputs().begin(), allowed.inputs().end()), slope(at.size()), weights;
  const batch x{{at.data(), n, features}, t.x.size, t.x.channels};
  index_t zero = 0;
  for (index_t restart = 0; restart < how.restarts; ++restart) {
    for (std::size_t i = 0; i < at.size(); ++i) {
      const auto image = static_cast<index_t>(i) / features, number = static_cast<index_t>(i) % features;
      const float share = random_stream(how.seed, restart, t.first + image).uniform(static_cast<std::uint64_t>(number));
      at[i] = restart == 0 ? allowed.inputs()[i]
                           : allowed.clip(i, std::fma(share, allowed.high(i) - allowed.low(i), allowed.low(i)));
    }
    for (index_t s = 0; s <= how.steps; ++s) {
      if (const result<void> ok = visit(x); !ok) return ok.error();
      if (s == how.steps) break;
      const auto y = scores(x);
      if (!y) return y.error();
      const index_t outputs = y->shape.features();
      if (const auto ok = detail::check_labels(t.labels, outputs); !ok) return ok.error();
      weights.resize(static_cast<std::size_t>(n * outputs));
      detail::loss_weights(*y, t.labels, how.loss, weights.data());
      if (const auto ok = gradient(x, {weights.data(), n, outputs}, {slope.data(), n, features}); !ok)
        return ok.error();
      for (index_t i = 0; i < n; ++i) {
        bool moves = false;
        for (index_t j = 0; j < features; ++j) {
          const auto here = static_cast<std::size_t>(i * features + j);
          const float g = slope[here];
          if (!(g == g))
            return failure(errc::invalid_range, "pgd: gradient {} of image {} is NaN, expected a number", j, i);
          if (g == 0.0f) continue;
          moves = true;
          at[here] = allowed.clip(here, g > 0.0f ? at[here] + step : at[here] - step);
        }
        zero += !moves && restart == 0 && s == 0 ? 1 : 0;
      }
    }
  }
  return zero;
}

/// The fast gradient sign method (Goodfellow, Shlens, Szegedy 2015): one step of the whole radius.
/// \param visit  called with x and with the one iterate.
template <class Visit>
result<index_t> try_fgsm(model_ref scores, gradient_ref gradient, const attacked_images& t, const attack_budget& b,
                         const attack_loss& loss, Visit&& visit) {
  // Twice the radius: clipping then gives the last number that is allowed, which a rounded sum may miss.
  return try_pgd(scores, gradient, t, b, {.steps = 1, .step = 2.0f * b.radius, .loss = loss}, visit);
}

}  // namespace dyadic::inline DYADIC_ABI
