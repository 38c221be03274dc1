// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attacks that only ask for scores: SPSA and random search. They work on the integer function itself, where a gradient
// is zero, and so tell a robust model from one that merely hides its gradient.
//
// One image at a time, many inputs a call of the model; an image is done when its answer is wrong.
#pragma once

#include <dyadic/trust/attack.hpp>

namespace dyadic::inline DYADIC_ABI {

struct spsa_options {
  index_t steps = 20;    ///< at least 1
  index_t samples = 16;  ///< random directions a step, two inputs each
  /// How far the probes stand from the iterate, at most the radius. Less than half a quantization step of the input,
  /// and a function of codes looks flat.
  float probe = 0.01f;
  float step = 0.0f;  ///< 0: 2.5 radius / steps
  std::uint64_t seed = 1;
};

struct search_options {
  index_t steps = 40;    ///< at least 1
  index_t samples = 16;  ///< candidates a step
  std::uint64_t seed = 1;
};

namespace detail {

/// One image and the best input found for it so far.
class black_box {
 public:
  black_box(model_ref scores, const attacked_images& t, const attack_budget& b, index_t rows)
      : allowed(t.x, b), rows_(rows), scores_(scores), t_(t), features_(t.x.rows.cols()) {
    best.assign(allowed.inputs().begin(), allowed.inputs().end());
    candidates_.resize(static_cast<std::size_t>(rows) * best.size());
  }

  /// Room for candidate i of the next call.
  std::span<float> candidate(index_t i) noexcept {
    return {candidates_.data() + i * features_, static_cast<std::size_t>(features_)};
  }
  /// Asks about the first n candidates: lost[i] is what candidate i makes of the margin. Remembers the first that
  /// changes the answer.
  result<void> ask(index_t n) {
    const auto y = scores_({{candidates_.data(), n, features_}, t_.x.size, t_.x.channels});
    if (!y) return y.error();
    if (const auto ok = check_labels(t_.labels, y->shape.features()); !ok) return ok;
    lost.resize(static_cast<std::size_t>(rows_));
    for (index_t i = 0; i < n; ++i) {
      lost[static_cast<std::size_t>(i)] = margin_lost(*y, i, t_.labels[0]);
      if (broken || top_class(*y, i) == t_.labels[0]) continue;
      broken = true;
      best.assign(candidate(i).begin(), candidate(i).end());
    }
    return {};
  }

  const allowed_inputs allowed;
  std::vector<float> best;
  std::vector<double> lost;
  bool broken = false;

 private:
  index_t rows_;
  model_ref scores_;
  const attacked_images& t_;
  index_t features_;
  std::vector<float> candidates_;
};

inline result<void> check_black_box(const attacked_images& t, const attack_budget& b, index_t steps, index_t samples,
                                    std::span<float> found) {
  if (const auto ok = check_attack(t, b); !ok) return ok;
  if (t.x.rows.rows() != 1)
    return failure(errc::invalid_shape, "black box: {} images, expected 1 at a time", t.x.rows.rows());
  if (steps < 1 || samples < 1)
    return failure(errc::no_data, "black box: {} steps of {} samples, expected at least 1", steps, samples);
  if (!found.empty() && static_cast<index_t>(found.size()) != t.x.rows.cols())
    return failure(errc::invalid_shape, "black box: room for {} numbers, the image has {}", found.size(),
                   t.x.rows.cols());
  return {};
}

}  // namespace detail

/// Simultaneous perturbation (Spall 1992, as an attack Uesato et al. 2018): the slope of the margin along random signs
/// v, estimated from two inputs each, x + probe v and x - probe v; then one step along the sign of their sum.
/// \param t      one image.
/// \param found  its numbers, or empty: receives the input that changes the answer, else the last iterate.
/// \returns      whether the answer is wrong for some allowed input that was tried.
inline result<bool> try_spsa(model_ref scores, const attacked_images& t, const attack_budget& b,
                             const spsa_options& how = {}, std::span<float> found = {}) {
  if (const auto ok = detail::check_black_box(t, b, how.steps, how.samples, found); !ok) return ok.error();
  if (!(how.probe > 0.0f) || !(how.step >= 0.0f))
    return failure(errc::invalid_range, "spsa: probe {} and step {}, expected them above 0",
                   static_cast<double>(how.probe), static_cast<double>(how.step));
  const default_float_environment environment;
  const float probe = how.probe < b.radius ? how.probe : b.radius;
  const float step = how.step > 0.0f ? how.step : 2.5f * b.radius / static_cast<float>(how.steps);
  detail::black_box image(scores, t, b, 2 * how.samples + 1);
  std::vector<double> slope(image.best.size());
  for (index_t s = 0; s <= how.steps && !image.broken; ++s) {
    // The iterate, and probes to both sides of it; after the last step the iterate alone.
    const index_t samples = s < how.steps ? how.samples : 0;
    for (std::size_t j = 0; j < slope.size(); ++j) image.candidate(2 * samples)[j] = image.best[j];
    for (index_t k = 0; k < samples; ++k) {
      const random_stream direction(how.seed, t.first, s, k);
      for (std::size_t j = 0; j < slope.size(); ++j) {
        const float v = probe * direction.sign(j);
        image.candidate(2 * k)[j] = image.allowed.clip(j, image.best[j] + v);
        image.candidate(2 * k + 1)[j] = image.allowed.clip(j, image.best[j] - v);
      }
    }
    if (const auto ok = image.ask(2 * samples + 1); !ok) return ok.error();
    if (image.broken || samples == 0 || b.radius == 0.0f) break;
    for (double& g : slope) g = 0;
    for (index_t k = 0; k < samples; ++k) {
      const random_stream direction(how.seed, t.first, s, k);
      const double rise = image.lost[static_cast<std::size_t>(2 * k)] - image.lost[static_cast<std::size_t>(2 * k + 1)];
      for (std::size_t j = 0; j < slope.size(); ++j) slope[j] += direction.sign(j) > 0.0f ? rise : -rise;
    }
    for (std::size_t j = 0; j < slope.size(); ++j) {
      const float move = slope[j] > 0 ? step : slope[j] < 0 ? -step : 0.0f;
      image.best[j] = image.allowed.clip(j, image.best[j] + move);
    }
  }
  for (std::size_t j = 0; j < found.size(); ++j) found[j] = image.best[j];
  return image.broken;
}

/// Random search with squares (after Andriushchenko et al. 2020): starts with stripes of +-radius and from then on sets
/// a window of the image, one sign a channel, to +-radius; the best candidate of a step stays if it is no worse.
/// Windows shrink from half the image's sides to a sixteenth. A vector is an image of one row.
/// \param t, found, returns  as for try_spsa.
inline result<bool> try_random_search(model_ref scores, const attacked_images& t, const attack_budget& b,
                                      const search_options& how = {}, std::span<float> found = {}) {
  if (const auto ok = detail::check_black_box(t, b, how.steps, how.samples, found); !ok) return ok.error();
  const default_float_environment environment;
  image_shape shape = t.x.shape();
  if (shape.height * shape.width == 1) shape = {1, 1, shape.channels, 1};
  detail::black_box image(scores, t, b, how.samples + 1);
  double best_lost = 0;
  for (index_t s = 0; s <= how.steps && !image.broken; ++s) {
    // Step 0 asks about x itself, as the last candidate, and about stripes.
    const index_t shrink = s == 0 ? 0 : 1 + 4 * (s - 1) / how.steps;
    const auto side = [shrink](index_t n) { return (n >> shrink) > 0 ? n >> shrink : 1; };
    const index_t h = side(shape.height), w = side(shape.width), n = s == 0 ? how.samples + 1 : how.samples;
    for (index_t k = 0; k < n; ++k) {
      const std::span<float> to = image.candidate(k);
      for (std::size_t j = 0; j < to.size(); ++j) to[j] = image.best[j];
      if (k == how.samples) continue;
      const random_stream random(how.seed, t.first, s, k);
      const auto place = [&](std::uint64_t i, index_t room) {
        return static_cast<index_t>(random.below(i, static_cast<std::uint64_t>(room) + 1));
      };
      const index_t top = place(0, shape.height - h), left = place(1, shape.width - w);
      for (index_t y = top; y < top + h; ++y)
        for (index_t x = left; x < left + w; ++x)
          for (index_t c = 0; c < shape.channels; ++c) {
            const auto j = static_cast<std::size_t>((y * shape.width + x) * shape.channels + c);
            const auto name = static_cast<std::uint64_t>(s == 0 ? x * shape.channels + c : c);
            to[j] = random.sign(2 + name) > 0.0f ? image.allowed.high(j) : image.allowed.low(j);
          }
    }
    if (const auto ok = image.ask(n); !ok) return ok.error();
    if (image.broken || b.radius == 0.0f) break;
    index_t winner = -1;
    if (s == 0) best_lost = image.lost[static_cast<std::size_t>(how.samples)];
    for (index_t k = 0; k < how.samples; ++k)
      if (image.lost[static_cast<std::size_t>(k)] >= best_lost)
        winner = k, best_lost = image.lost[static_cast<std::size_t>(k)];
    if (winner >= 0) image.best.assign(image.candidate(winner).begin(), image.candidate(winner).end());
  }
  for (std::size_t j = 0; j < found.size(); ++j) found[j] = image.best[j];
  return image.broken;
}

}  // namespace dyadic::inline DYADIC_ABI
