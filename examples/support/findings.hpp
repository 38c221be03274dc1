// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// From the library's results to the parts of a report: what was lost, where, and for whom.
#pragma once

#include <numeric>
#include <string>
#include <vector>

#include <dyadic/interop/report.hpp>
#include <dyadic/trust/agreement.hpp>
#include <dyadic/trust/divergence.hpp>
#include <dyadic/trust/layer_error.hpp>

#include "support/demo_network.hpp"

inline constexpr const char* class_names[] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                              "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
inline constexpr const char* network_text =
    "conv 3x3 to 32, max pool, conv 3x3 to 64, max pool, dense 64, dense 10, for 28 x 28 grey images";

/// What one form of the network answered.
struct answers {
  std::vector<float> logits;  ///< (images, 10)
  std::vector<std::int32_t> classes;
  dyadic::strided<const float> matrix() const {
    return {logits.data(), static_cast<dyadic::index_t>(logits.size()) / 10, 10};
  }
};

/// run(batch) -> run_output, on all images.
template <class Run>
answers answers_of(const images& test, Run&& run) {
  answers all;
  for (const dyadic::batch& x : test.batches()) {
    const dyadic::run_output y = run(x);
    all.logits.insert(all.logits.end(), y.values.begin(), y.values.end());
  }
  all.classes = dyadic::answers_of(all.matrix());
  return all;
}

inline dyadic::report::form form_of(const std::string& name, dyadic::index_t bytes, const answers& now,
                                    const answers& reference, const images& test) {
  dyadic::index_t right = 0;
  for (std::size_t i = 0; i < now.classes.size(); ++i) right += now.classes[i] == test.labels[i];
  const auto interval = dyadic::wilson_interval(right, test.count());
  const auto apart = dyadic::divergence_of(reference.matrix(), now.matrix());
  dyadic::report::form f{name, static_cast<double>(bytes)};
  f.accuracy = static_cast<double>(right) / static_cast<double>(test.count());
  f.low = interval.low, f.high = interval.high;
  f.agreement = apart.same_top_rate();
  if (&now != &reference) f.kl = apart.mean, f.kl_error = apart.standard_error;
  return f;
}

/// Sites that have a quantizer of their own: the others pass codes on.
inline std::vector<int> quantizers_of(const dyadic::plan& plan) {
  std::vector<int> all;
  for (int s = 0; s < static_cast<int>(plan.sites().size()); ++s)
    if (plan.sites()[static_cast<std::size_t>(s)].params_of == s) all.push_back(s);
  return all;
}

inline std::vector<dyadic::report::site> sites_of(const dyadic::plan& plan, const dyadic::error_record& errors) {
  std::vector<dyadic::report::site> all;
  for (const int s : quantizers_of(plan)) {
    const dyadic::error_figures local = errors.figures(dyadic::error_of::local, s),
                                piled_up = errors.figures(dyadic::error_of::accumulated, s);
    dyadic::report::site made{plan.sites()[static_cast<std::size_t>(s)].name.c_str(), {}};
    if (plan.weights(s) != nullptr) made.weights = dyadic::scheme_name(plan.weights(s)->scheme).c_str();
    made.scale = static_cast<double>(plan.params(s).scale), made.zero_point = plan.params(s).zero_point;
    made.local_sqnr = local.sqnr_db, made.rmse_in_steps = local.rmse_steps;
    made.clipped = static_cast<double>(local.clipped) / static_cast<double>(local.count);
    made.accumulated_sqnr = piled_up.sqnr_db, made.cosine = piled_up.cosine;
    made.bias = piled_up.bias, made.largest = piled_up.largest;
    all.push_back(made);
  }
  return all;
}

/// What calibration saw at a site, in about 64 bins, and what its quantizer keeps of it.
inline dyadic::report::histogram histogram_of(const dyadic::recording& seen, const dyadic::plan& plan, int s) {
  const dyadic::site& site = plan.sites()[static_cast<std::size_t>(s)];
  // A relu that is done in the clamp on the way out: its numbers set the range.
  const dyadic::histogram& h = seen.seen(site.relu >= 0 ? site.relu : s);
  const std::size_t bins = h.counts().size(), wide = (bins + 63) / 64;
  dyadic::report::histogram made{site.name.c_str()};
  made.low = h.edge(h.first_bin());
  made.high = h.edge(h.first_bin() + static_cast<dyadic::index_t>((bins + wide - 1) / wide * wide));
  made.counts.resize((bins + wide - 1) / wide);
  for (std::size_t i = 0; i < bins; ++i) made.counts[i / wide] += static_cast<double>(h.counts()[i]);
  const double scale = static_cast<double>(plan.params(s).scale);
  made.clip_low = scale * -plan.params(s).zero_point, made.clip_high = scale * (255 - plan.params(s).zero_point);
  return made;
}

/// \param names  of the ids, which count from 0.
inline std::vector<dyadic::report::group> groups_of(const std::vector<dyadic::group_flips>& found,
                                                    const char* const* names) {
  std::vector<dyadic::report::group> all;
  for (const dyadic::group_flips& g : found) {
    const auto interval = g.counts.difference_interval();
    dyadic::report::group made{names[g.id], g.counts.samples, g.counts.broken, g.counts.fixed};
    made.difference = g.counts.difference(), made.low = interval.low, made.high = interval.high;
    made.p = g.p, made.enough = g.enough;
    all.push_back(made);
  }
  return all;
}
