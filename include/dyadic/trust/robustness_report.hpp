// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// robustness_report: how often models stayed right under attacks and corruptions, and signs that a count flatters.
//
// A measurement, and no claim. An image counts as right at a radius when *no* attack in the list found an allowed input
// that is answered wrong; a better attack may. Every model is asked about the same images, and about the same iterates
// of the attacks through the first model, so float stands beside each precision. Quantization is known to hide
// gradients rather than to protect (Bernhard 2019; Gupta, Ajanthan 2020): the signs of that are counted, after
// AutoAttack (Croce, Hein 2020).
#pragma once

#include <dyadic/trust/corruption.hpp>
#include <dyadic/trust/model.hpp>
#include <dyadic/trust/statistics.hpp>

namespace dyadic::inline DYADIC_ABI {

/// A model that is measured. With a gradient of its own it is also attacked through that.
struct subject {
  const char* name;
  model_ref scores;
  gradient_ref gradient{};
};

/// fgsm and pgd go through the first model: for every other one they are transfers. own_pgd goes through the model's
/// own gradient; spsa and random_search only ask it for scores.
enum class attack : unsigned char { fgsm, pgd, own_pgd, spsa, random_search };
inline constexpr std::size_t attack_count = 5;

constexpr const char* to_string(attack a) noexcept {
  constexpr const char* names[] = {"fgsm", "pgd", "own pgd", "spsa", "random search"};
  return names[static_cast<int>(a)];
}

/// Images that were answered right, of those asked about.
struct right_count {
  index_t right = 0, images = 0;
  double share() const noexcept { return images == 0 ? 0 : static_cast<double>(right) / static_cast<double>(images); }
  /// Wilson's, of the share among images like these. It knows nothing of attacks that were not tried.
  confidence_interval interval(double confidence = 0.95) const noexcept {
    return wilson_interval(right, images, confidence);
  }
};

/// One model at one radius. Counts of images that are right at x and were not broken at this radius or a smaller one.
struct robustness_row {
  std::size_t model = 0;
  float radius = 0;
  right_count worst;               ///< right under every attack: per image, the worst case
  right_count by[attack_count]{};  ///< under each attack alone; no images where the model has no gradient of its own
};

/// Signs that the counts of a model say more about the attacks than about the model.
struct masking_signs {
  index_t images = 0;
  index_t zero_gradients = 0;  ///< images whose gradient is zero everywhere: the model's own, else the first model's
  index_t unstable = 0;        ///< images whose scores differ between two calls with the same input
  index_t probabilities = 0;   ///< images whose scores lie in [0, 1] and add up to 1: a softmax, which saturates
  index_t black_box_only = 0, gradient_only = 0;  ///< images broken by one kind of attack alone, at the largest radius

  bool has_zero_gradients() const noexcept { return zero_gradients > 0; }
  bool is_unstable() const noexcept { return unstable > 0; }
  bool gives_probabilities() const noexcept { return images > 0 && probabilities == images; }
  /// An attacker who knows less did more: the gradient is not the model's.
  bool black_box_wins() const noexcept { return black_box_only > gradient_only; }
  bool any() const noexcept {
    return has_zero_gradients() || is_unstable() || gives_probabilities() || black_box_wins();
  }
};

struct robustness_report {
  std::vector<robustness_row> rows;    ///< model by model, radii ascending
  std::vector<right_count> clean;      ///< one a model
  std::vector<masking_signs> masking;  ///< one a model
};

/// One model under one corruption of one severity.
struct corruption_row {
  std::size_t model = 0;
  corruption what = corruption::noise;
  int severity = 1;
  right_count count;
};

}  // namespace dyadic::inline DYADIC_ABI
