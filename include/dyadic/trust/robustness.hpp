// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// measure_robustness: attacks and corrupts the inputs of several models, and counts what stays right.
//
//   const subject models[] = {{"float", real, slope}, {"int8", int8}, {"int4", int4}};
//   const auto r = measure_robustness(models, x, labels, radii);
//
// Deterministic: every random number is named by its image, so threads and batches change no count. A smaller radius
// allows less than a larger one, so what it broke stays broken, and no count rises with the radius.
#pragma once

#include <dyadic/trust/black_box.hpp>
#include <dyadic/trust/robustness_report.hpp>

namespace dyadic::inline DYADIC_ABI {

struct robustness_options {
  float low = 0.0f, high = 1.0f;  ///< what numbers of an input may be
  pgd_options pgd{};
  spsa_options spsa{};
  search_options search{};
  index_t batch_size = 64;  ///< images a call; changes no count
};

namespace detail {

/// Attacks one batch of images on all models, radius by radius.
class robustness_run {
 public:
  robustness_run(std::span<const subject> models, const robustness_options& how, const attacked_images& t)
      : models_(models), how_(how), t_(t), broken_(models.size()) {
    const auto n = static_cast<std::size_t>(t.x.rows.rows());
    for (auto& of_model : broken_) of_model.assign(attack_count, std::vector<std::uint8_t>(n));
    wrong_.assign(models.size(), std::vector<std::uint8_t>(n));
  }

  /// The clean answers, and what the scores look like.
  result<void> look(robustness_report& report) {
    for (std::size_t m = 0; m < models_.size(); ++m) {
      const auto y = models_[m].scores(t_.x), again = models_[m].scores(t_.x);
      if (!y) return y.error();
      if (!again) return again.error();
      const index_t outputs = y->shape.features();
      if (const auto ok = check_labels(t_.labels, outputs); !ok) return ok;
      masking_signs& signs = report.masking[m];
      for (index_t i = 0; i < y->shape.images; ++i) {
        const bool right = top_class(*y, i) == t_.labels[static_cast<std::size_t>(i)];
        wrong_[m][static_cast<std::size_t>(i)] = right ? 0 : 1;
        report.clean[m].right += right ? 1 : 0;
        ++report.clean[m].images, ++signs.images;
        const std::size_t bytes = static_cast<std::size_t>(outputs) * sizeof(float);
        const float* scores = y->values.data() + i * outputs;
        signs.unstable +=
            again->shape != y->shape || std::memcmp(scores, again->values.data() + i * outputs, bytes) != 0 ? 1 : 0;
        double sum = 0;
        bool inside = true;
        for (index_t j = 0; j < outputs; ++j) {
          sum += static_cast<double>(scores[j]);
          inside = inside && scores[j] >= 0.0f && scores[j] <= 1.0f;
        }
        // 8-bit probabilities are off by half a step of 1 / 255 each.
        signs.probabilities += inside && std::fabs(sum - 1) <= 0.002 * static_cast<double>(outputs) ? 1 : 0;
      }
    }
    return {};
  }

  result<void> attack_at(float radius, bool first_radius, robustness_report& report) {
    const attack_budget b{radius, how_.low, how_.high};
    const subject& source = models_[0];
    for (const attack a : {attack::fgsm, attack::pgd}) {
      const auto on_all = [&](const batch& x) -> result<void> {
        for (std::size_t m = 0; m < models_.size(); ++m)
          if (const auto ok = tally(m, a, x); !ok) return ok;
        return {};
      };
      const auto zero = a == attack::fgsm ? try_fgsm(source.scores, source.gradient, t_, b, how_.pgd.loss, on_all)
                                          : try_pgd(source.scores, source.gradient, t_, b, how_.pgd, on_all);
      if (!zero) return zero.error();
      if (first_radius && a == attack::fgsm)
        for (std::size_t m = 0; m < models_.size(); ++m)
          if (m == 0 || !models_[m].gradient) report.masking[m].zero_gradients += *zero;
    }
    for (std::size_t m = 0; m < models_.size(); ++m) {
      if (m > 0 && models_[m].gradient) {
        const auto on_own = [&](const batch& x) { return tally(m, attack::own_pgd, x); };
        const auto zero = try_pgd(models_[m].scores, models_[m].gradient, t_, b, how_.pgd, on_own);
        if (!zero) return zero.error();
        if (first_radius) report.masking[m].zero_gradients += *zero;
      }
      if (const auto ok = ask(m, b); !ok) return ok;
    }
    return {};
  }

  /// Adds the counts of all models at a radius to their rows.
  void count(std::size_t r, std::size_t radii, robustness_report& report) const noexcept {
    const std::size_t n = wrong_[0].size();
    for (std::size_t m = 0; m < models_.size(); ++m) {
      robustness_row& row = report.rows[m * radii + r];
      for (std::size_t i = 0; i < n; ++i) {
        bool by_gradient = false, by_asking = false;
        for (std::size_t a = 0; a < attack_count; ++a) {
          const bool asks = a >= static_cast<std::size_t>(attack::spsa), broken = broken_[m][a][i] != 0;
          if (a == static_cast<std::size_t>(attack::own_pgd) && (m == 0 || !models_[m].gradient)) continue;
          (asks ? by_asking : by_gradient) |= broken;
          row.by[a].right += wrong_[m][i] == 0 && !broken ? 1 : 0;
          ++row.by[a].images;
        }
        row.worst.right += wrong_[m][i] == 0 && !by_gradient && !by_asking ? 1 : 0;
        ++row.worst.images;
        if (r + 1 != radii || wrong_[m][i] != 0) continue;
        report.masking[m].black_box_only += by_asking && !by_gradient ? 1 : 0;
        report.masking[m].gradient_only += by_gradient && !by_asking ? 1 : 0;
      }
    }
  }

 private:
  std::uint8_t& broken(std::size_t m, attack a, std::size_t i) noexcept {
    return broken_[m][static_cast<std::size_t>(a)][i];
  }
  /// Which of these inputs model m gets wrong.
  result<void> tally(std::size_t m, attack a, const batch& x) {
    const auto y = models_[m].scores(x);
    if (!y) return y.error();
    for (std::size_t i = 0; i < t_.labels.size(); ++i)
      if (top_class(*y, static_cast<index_t>(i)) != t_.labels[i]) broken(m, a, i) = 1;
    return {};
  }
  /// The attacks that only ask, on the images they have not broken yet.
  result<void> ask(std::size_t m, const attack_budget& b) {
    for (std::size_t i = 0; i < t_.labels.size(); ++i) {
      if (wrong_[m][i] != 0) continue;
      const auto row = static_cast<index_t>(i);
      const batch one{{t_.x.rows.row(row), 1, t_.x.rows.cols(), t_.x.rows.row_stride(), t_.x.rows.col_stride()},
                      t_.x.size,
                      t_.x.channels};
      const attacked_images image{one, t_.labels.subspan(i, 1), t_.first + row};
      for (const attack a : {attack::spsa, attack::random_search}) {
        if (broken(m, a, i) != 0) continue;
        const auto found = a == attack::spsa ? try_spsa(models_[m].scores, image, b, how_.spsa)
                                             : try_random_search(models_[m].scores, image, b, how_.search);
        if (!found) return found.error();
        broken(m, a, i) = *found ? 1 : 0;
      }
    }
    return {};
  }

  std::span<const subject> models_;
  const robustness_options& how_;
  attacked_images t_;
  std::vector<std::vector<std::vector<std::uint8_t>>> broken_;  ///< model, attack, image
  std::vector<std::vector<std::uint8_t>> wrong_;                ///< model, image: wrong without an attack
};

/// Rows [first, first + n) of a batch.
inline batch rows_of(const batch& x, index_t first, index_t n) noexcept {
  return {{x.rows.row(first), n, x.rows.cols(), x.rows.row_stride(), x.rows.col_stride()}, x.size, x.channels};
}

inline result<void> check_subjects(std::span<const subject> models, const batch& x,
                                   std::span<const std::int32_t> labels, index_t batch_size) {
  if (const auto ok = check_batch(x); !ok) return ok;
  if (models.empty()) return failure(errc::no_data, "robustness: 0 models, expected at least 1");
  if (x.rows.rows() < 1) return failure(errc::no_data, "robustness: 0 images, expected at least 1");
  if (static_cast<index_t>(labels.size()) != x.rows.rows())
    return failure(errc::invalid_shape, "robustness: {} labels for {} images", labels.size(), x.rows.rows());
  if (batch_size < 1) return failure(errc::invalid_shape, "robustness: batches of {}, expected at least 1", batch_size);
  return {};
}

}  // namespace detail

/// \param models  the first is the reference, whose gradient the transferred attacks follow: it must have one.
/// \param labels  the right answers, outputs of the models.   \param radii  ascending, at least one.
inline result<robustness_report> try_measure_robustness(std::span<const subject> models, const batch& x,
                                                        std::span<const std::int32_t> labels,
                                                        std::span<const float> radii,
                                                        const robustness_options& how = {}) {
  if (const auto ok = detail::check_subjects(models, x, labels, how.batch_size); !ok) return ok.error();
  if (!models[0].gradient)
    return failure(errc::no_data, "robustness: '{}' has no gradient, expected one for the first model", models[0].name);
  if (radii.empty()) return failure(errc::no_data, "robustness: 0 radii, expected at least 1");
  for (std::size_t r = 1; r < radii.size(); ++r)
    if (!(radii[r] > radii[r - 1]))
      return failure(errc::invalid_range, "robustness: radius {} follows {}, expected them ascending",
                     static_cast<double>(radii[r]), static_cast<double>(radii[r - 1]));
  robustness_report report;
  report.clean.resize(models.size());
  report.masking.resize(models.size());
  for (std::size_t m = 0; m < models.size(); ++m)
    for (const float radius : radii) report.rows.push_back({m, radius, {}, {}});
  for (index_t first = 0; first < x.rows.rows(); first += how.batch_size) {
    const index_t n = x.rows.rows() - first < how.batch_size ? x.rows.rows() - first : how.batch_size;
    const attacked_images part{detail::rows_of(x, first, n),
                               labels.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(n)), first};
    detail::robustness_run run(models, how, part);
    if (const auto ok = run.look(report); !ok) return ok.error();
    for (std::size_t r = 0; r < radii.size(); ++r) {
      if (const auto ok = run.attack_at(radii[r], r == 0, report); !ok) return ok.error();
      run.count(r, radii.size(), report);
    }
  }
  return report;
}

/// Every model on the same corrupted images: rows model by model, corruption by corruption, severities ascending.
inline result<std::vector<corruption_row>> try_measure_corruptions(std::span<const subject> models, const batch& x,
                                                                   std::span<const std::int32_t> labels,
                                                                   const corruption_options& how = {},
                                                                   index_t batch_size = 64) {
  if (const auto ok = detail::check_subjects(models, x, labels, batch_size); !ok) return ok.error();
  std::vector<corruption_row> rows;
  for (std::size_t m = 0; m < models.size(); ++m)
    for (const corruption what : corruptions)
      for (int severity = 1; severity <= severities; ++severity) rows.push_back({m, what, severity, {}});
  const std::size_t a_model = rows.size() / models.size();
  const index_t features = x.rows.cols();
  std::vector<float> changed(
      static_cast<std::size_t>((batch_size < x.rows.rows() ? batch_size : x.rows.rows()) * features));
  for (index_t first = 0; first < x.rows.rows(); first += batch_size) {
    const index_t n = x.rows.rows() - first < batch_size ? x.rows.rows() - first : batch_size;
    for (std::size_t kind = 0; kind < a_model; ++kind) {
      corruption_options one = how;
      one.severity = rows[kind].severity;
      one.first = how.first + first;
      const auto ok = try_corrupt(rows[kind].what, detail::rows_of(x, first, n), {changed.data(), n, features}, one);
      if (!ok) return ok.error();
      for (std::size_t m = 0; m < models.size(); ++m) {
        const auto y = models[m].scores({{changed.data(), n, features}, x.size, x.channels});
        if (!y) return y.error();
        if (const auto known = detail::check_labels(labels, y->shape.features()); !known) return known.error();
        right_count& count = rows[m * a_model + kind].count;
        for (index_t i = 0; i < n; ++i)
          count.right += top_class(*y, i) == labels[static_cast<std::size_t>(first + i)] ? 1 : 0;
        count.images += n;
      }
    }
  }
  return rows;
}

#if DYADIC_EXCEPTIONS
inline robustness_report measure_robustness(std::span<const subject> models, const batch& x,
                                            std::span<const std::int32_t> labels, std::span<const float> radii,
                                            const robustness_options& how = {}) {
  return try_measure_robustness(models, x, labels, radii, how).value();
}
inline std::vector<corruption_row> measure_corruptions(std::span<const subject> models, const batch& x,
                                                       std::span<const std::int32_t> labels,
                                                       const corruption_options& how = {}, index_t batch_size = 64) {
  return try_measure_corruptions(models, x, labels, how, batch_size).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
