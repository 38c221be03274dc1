// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// faithfulness: does the quantized model give the float model's reasons, and how much of the difference is noise?
//
// Explanations change when the input changes by less than anyone sees. So the comparison of float and quantized stands
// beside the noise floor: the same numbers for float and float, the second time with a slightly disturbed input. Only
// what falls below that floor is quantization's doing.
#pragma once

#include <dyadic/trust/explanation.hpp>
#include <dyadic/trust/random.hpp>
#include <dyadic/trust/rank.hpp>

namespace dyadic::inline DYADIC_ABI {

/// How alike two explanations of the same parts are; 1 where they are the same.
struct explanation_match {
  double spearman = 0, kendall = 0;
  top_k_overlap top;  ///< by magnitude: the parts that matter most
};

/// \param reference, other  contributions of the same parts, at least 2, no NaN.
/// \param k                 parts at the top, 1 to all.
inline result<explanation_match> try_compare_explanations(std::span<const double> reference,
                                                          std::span<const double> other, index_t k) {
  const auto spearman = try_spearman(reference, other);
  if (!spearman) return spearman.error();
  const auto kendall = try_kendall(reference, other);
  if (!kendall) return kendall.error();
  const auto top = try_top_k_overlap(reference, other, k);
  if (!top) return top.error();
  return explanation_match{*spearman, *kendall, *top};
}

struct noise_options {
  float radius = 0.02f;           ///< largest change of a number, uniform in [-radius, radius]
  float low = 0.0f, high = 1.0f;  ///< the numbers an input may have; x lies inside
  index_t repeats = 8;            ///< at least 1
  index_t top = 10;               ///< k
  std::uint64_t seed = 1;
};

/// What `repeats` small disturbances of the input do to one model's explanation, number by number.
struct noise_floor {
  explanation_match mean, lowest;
  index_t repeats = 0;
};

/// \param explain  callable: batch of one image -> result<explanation>, of the float model as a rule.
template <class Explain>
result<noise_floor> try_noise_floor(const Explain& explain, const batch& x, const noise_options& how = {}) {
  if (const auto ok = check_batch(x); !ok) return ok.error();
  if (x.rows.rows() != 1) return failure(errc::invalid_shape, "noise floor: {} images, expected 1", x.rows.rows());
  if (how.repeats < 1) return failure(errc::no_data, "noise floor: {} repeats, expected at least 1", how.repeats);
  if (!(how.radius >= 0.0f) || !(how.low <= how.high))
    return failure(errc::invalid_range, "noise floor: radius {} in [{}, {}], expected 0 or more in a range",
                   static_cast<double>(how.radius), static_cast<double>(how.low), static_cast<double>(how.high));
  const result<explanation> still = explain(x);
  if (!still) return still.error();
  std::vector<float> moved(static_cast<std::size_t>(x.rows.cols()));
  noise_floor floor;
  for (index_t r = 0; r < how.repeats; ++r) {
    const random_stream random(how.seed, r);
    for (index_t j = 0; j < x.rows.cols(); ++j) {
      const float share = 2.0f * random.uniform(static_cast<std::uint64_t>(j)) - 1.0f;
      const float v = std::fma(how.radius, share, x.rows(0, j));
      moved[static_cast<std::size_t>(j)] = v < how.low ? how.low : v > how.high ? how.high : v;
    }
    const result<explanation> shaken = explain(batch{{moved.data(), 1, x.rows.cols()}, x.size, x.channels});
    if (!shaken) return shaken.error();
    const auto found = try_compare_explanations(still->values, shaken->values, how.top);
    if (!found) return found.error();
    const auto take = [&](double& mean, double& lowest, double value) {
      mean += value / static_cast<double>(how.repeats);
      lowest = r == 0 || value < lowest ? value : lowest;
    };
    take(floor.mean.spearman, floor.lowest.spearman, found->spearman);
    take(floor.mean.kendall, floor.lowest.kendall, found->kendall);
    take(floor.mean.top.shared, floor.lowest.top.shared, found->top.shared);
    take(floor.mean.top.by_chance, floor.lowest.top.by_chance, found->top.by_chance);
    take(floor.mean.top.same_sign, floor.lowest.top.same_sign, found->top.same_sign);
  }
  floor.repeats = how.repeats;
  return floor;
}

#if DYADIC_EXCEPTIONS
inline explanation_match compare_explanations(std::span<const double> reference, std::span<const double> other,
                                              index_t k) {
  return try_compare_explanations(reference, other, k).value();
}
template <class Explain>
noise_floor noise_floor_of(const Explain& explain, const batch& x, const noise_options& how = {}) {
  return try_noise_floor(explain, x, how).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
