// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Whom quantization hurts: the flips of every class and of every group a user names, which of them are more than
// chance, and the samples that lost most.
//
//   const auto found = dyadic::agreement_of({.labels = y, .before = in_float, .after = in_int8, .groups = who});
//   for (const auto& g : found.groups)
//     if (g.harmed()) ...
//
// There is no single fairness score: each group has its counts, its interval, and a p-value that already knows how many
// groups were looked at. A group of fewer than 30 samples says that it has too few, not that it is unharmed.
#pragma once

#include <dyadic/core/strided.hpp>
#include <dyadic/trust/flips.hpp>

namespace dyadic::inline DYADIC_ABI {

/// What two models answered on the same samples. Every span has one entry a sample.
struct paired_answers {
  std::span<const std::int32_t> labels{};           ///< the right answers, any numbers
  std::span<const std::int32_t> before{}, after{};  ///< of the float model and of the quantized one
  std::span<const std::int32_t> groups{};           ///< any numbers that say who belongs together; none: no groups
  /// (samples, classes), for margins; both or none. Column c is the score of answer c.
  strided<const float> scores_before{}, scores_after{};
};

struct agreement_options {
  double alpha = 0.05;     ///< chance of one false alarm or more among all groups
  index_t least = 30;      ///< samples below which a group is not judged
  index_t exemplars = 10;  ///< broken samples to list
};

/// The samples of one class or group.
struct group_flips {
  std::int32_t id = 0;
  flips counts;
  bool enough = false;  ///< at least agreement_options::least samples
  double p = 1;         ///< McNemar, adjusted by Holm for all groups with enough samples; 1 where there are too few
  bool significant = false;  ///< p <= alpha

  bool harmed() const noexcept { return significant && counts.broken > counts.fixed; }
};

/// A broken sample.
struct exemplar {
  index_t sample = 0;
  std::int32_t label = 0, before = 0, after = 0;
  double margin_before = 0, margin_after = 0;  ///< score of the label minus the best other score; 0 without scores

  double margin_lost() const noexcept { return margin_before - margin_after; }
};

struct agreement {
  flips all;
  std::vector<group_flips> classes, groups;  ///< in the order of their numbers; a family of tests each
  std::vector<exemplar> exemplars;           ///< most margin lost first; in the order of samples without scores
};

/// The answer of each row: the position of the largest score, the first of equals.
/// \param scores  (samples, classes); errc::no_data for no sample or fewer than two classes, errc::invalid_range naming
///                the row for a NaN or an infinity.
inline result<std::vector<std::int32_t>> try_answers_of(strided<const float> scores) {
  if (const auto ok = check_view("agreement: scores", scores); !ok) return ok.error();
  if (scores.rows() == 0) return failure(errc::no_data, "agreement: scores of 0 samples, expected at least 1");
  if (scores.cols() < 2)
    return failure(errc::no_data, "agreement: scores of {} classes, expected at least 2", scores.cols());
  std::vector<std::int32_t> answers(static_cast<std::size_t>(scores.rows()));
  for (index_t i = 0; i < scores.rows(); ++i) {
    index_t best = 0;
    for (index_t c = 0; c < scores.cols(); ++c) {
      if (!(scores(i, c) - scores(i, c) == 0.0f))
        return failure(errc::invalid_range,
                       "agreement: the score of class {} in row {} is {}, expected a finite number", c, i,
                       static_cast<double>(scores(i, c)));
      if (scores(i, c) > scores(i, best)) best = c;
    }
    answers[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(best);
  }
  return answers;
}

namespace detail {

inline result<void> check_scores(const char* what, const paired_answers& x, strided<const float> scores) {
  const auto samples = static_cast<index_t>(x.labels.size());
  if (const auto ok = check_view("agreement: scores", scores); !ok) return ok.error();
  if (scores.rows() != samples)
    return failure(errc::invalid_shape, "agreement: scores {} of {} rows for {} labels, expected {}", what,
                   scores.rows(), samples, samples);
  if (const auto ok = try_answers_of(scores); !ok) return ok.error();
  for (const std::int32_t label : x.labels)
    if (label < 0 || label >= scores.cols())
      return failure(errc::invalid_range, "agreement: label {} and scores {} of {} classes, expected labels below {}",
                     label, what, scores.cols(), scores.cols());
  return {};
}

inline result<void> check_answers(const paired_answers& x, const agreement_options& how) {
  const std::size_t samples = x.labels.size();
  if (samples == 0) return failure(errc::no_data, "agreement: 0 samples, expected at least 1");
  if (x.before.size() != samples || x.after.size() != samples)
    return failure(errc::invalid_shape, "agreement: {} and {} answers for {} labels, expected {}", x.before.size(),
                   x.after.size(), samples, samples);
  if (!x.groups.empty() && x.groups.size() != samples)
    return failure(errc::invalid_shape, "agreement: {} group numbers for {} labels, expected {} or none",
                   x.groups.size(), samples, samples);
  if (!(how.alpha > 0 && how.alpha < 1))
    return failure(errc::invalid_range, "agreement: alpha {}, expected a number in (0, 1)", how.alpha);
  bool several = false;
  for (const std::int32_t label : x.labels) several = several || label != x.labels[0];
  if (!several)
    return failure(errc::no_data, "agreement: all {} labels are {}, expected at least 2 classes", samples, x.labels[0]);
  if (x.scores_before.rows() == 0 && x.scores_after.rows() == 0) return {};
  if (const auto ok = check_scores("before", x, x.scores_before); !ok) return ok;
  return check_scores("after", x, x.scores_after);
}

/// The flips of each distinct id, in the order of the ids, with adjusted p-values.
inline std::vector<group_flips> flips_by(std::span<const std::int32_t> ids, const paired_answers& x,
                                         const agreement_options& how) {
  std::vector<group_flips> all;
  const auto at = [](std::span<const std::int32_t> from, index_t i) { return from[static_cast<std::size_t>(i)]; };
  const auto order =
      sorted_positions(static_cast<index_t>(ids.size()), [&](index_t a, index_t b) { return at(ids, a) < at(ids, b); });
  for (const index_t i : order) {
    if (all.empty() || all.back().id != at(ids, i)) {
      all.emplace_back();
      all.back().id = at(ids, i);
    }
    all.back().counts.count(at(x.labels, i), at(x.before, i), at(x.after, i));
  }
  // The size of a group is no answer of a model: leaving small groups out of the family keeps its error rate.
  std::vector<double> p;
  for (group_flips& g : all) {
    g.enough = g.counts.samples >= how.least;
    if (g.enough) p.push_back(g.counts.p());
  }
  holm_adjust(p);
  auto adjusted = p.begin();
  for (group_flips& g : all) {
    if (g.enough) g.p = *adjusted++;
    g.significant = g.enough && g.p <= how.alpha;
  }
  return all;
}

/// Score of the label minus the best other score.
inline double margin_of(strided<const float> scores, index_t row, std::int32_t label) noexcept {
  if (scores.rows() == 0) return 0;
  float best = -std::numeric_limits<float>::infinity();
  for (index_t c = 0; c < scores.cols(); ++c)
    if (c != label && scores(row, c) > best) best = scores(row, c);
  return static_cast<double>(scores(row, label)) - static_cast<double>(best);
}

}  // namespace detail

/// Compares the answers of two models sample by sample.
///
/// Errors name what was given and expected: no samples, all labels alike, spans of other lengths (errc::no_data,
/// errc::invalid_shape), a NaN or infinite score with its row, a label that has no column of scores
/// (errc::invalid_range).
inline result<agreement> try_agreement(const paired_answers& x, const agreement_options& how = {}) {
  if (const auto ok = detail::check_answers(x, how); !ok) return ok.error();
  agreement made;
  made.classes = detail::flips_by(x.labels, x, how);
  if (!x.groups.empty()) made.groups = detail::flips_by(x.groups, x, how);
  for (const group_flips& g : made.classes) made.all += g.counts;

  std::vector<exemplar> broken;
  for (std::size_t i = 0; i < x.labels.size(); ++i) {
    const std::int32_t label = x.labels[i];
    if (x.before[i] != label || x.after[i] == label) continue;
    const auto row = static_cast<index_t>(i);
    broken.push_back({row, label, x.before[i], x.after[i], detail::margin_of(x.scores_before, row, label),
                      detail::margin_of(x.scores_after, row, label)});
  }
  const auto order = sorted_positions(static_cast<index_t>(broken.size()), [&](index_t a, index_t b) {
    return broken[static_cast<std::size_t>(a)].margin_lost() > broken[static_cast<std::size_t>(b)].margin_lost();
  });
  for (const index_t i : order)
    if (static_cast<index_t>(made.exemplars.size()) < how.exemplars)
      made.exemplars.push_back(broken[static_cast<std::size_t>(i)]);
  return made;
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where the try_ functions refuse.
inline agreement agreement_of(const paired_answers& x, const agreement_options& how = {}) {
  return try_agreement(x, how).value();
}
inline std::vector<std::int32_t> answers_of(strided<const float> scores) { return try_answers_of(scores).value(); }
#endif

}  // namespace dyadic::inline DYADIC_ABI
