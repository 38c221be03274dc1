// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// rank_sites: the sites in order of what they cost, each with the cheapest remedy that its figures support.
//
// A remedy is advised where the site carries at least `worth` of the total, and is the first of this list, cheapest
// first, that would take away at least `enough` of the site's own (local) mean squared error:
//   other_clipping   a wider range takes away the clipped part of the MSE; a range that ends where the numbers do takes
//                    1 - used^2 of what rounding the activations costs, used = numbers seen / numbers the codes span
//   bias_correction  the squared means of the channels' errors, which a constant a channel takes away
//   per_row_scales   of weights with one scale: 1 - mean (range of row / range of all)^2 of their part of the MSE
//   more_bits        of weights with b < 8 bits: 1 - 4^(b - 8) of their part
//   leave_in_float   all of it
// The parts of weights and activations come from the error with and without the quantizer (error_record). Rounding
// error is taken to grow with the square of the step. What a remedy really does, a new plan must show.
#pragma once

#include <dyadic/trust/attribute_error.hpp>
#include <dyadic/trust/error_record.hpp>
#include <dyadic/trust/order.hpp>

namespace dyadic::inline DYADIC_ABI {

enum class remedy : unsigned char {
  nothing,
  other_clipping,
  bias_correction,
  per_row_scales,
  more_bits,
  leave_in_float
};

constexpr const char* to_string(remedy r) noexcept {
  constexpr const char* names[] = {"nothing",        "other clipping", "bias correction",
                                   "per-row scales", "more bits",      "leave in float"};
  return names[static_cast<int>(r)];
}

/// The shares of a site's local mean squared error that remedies would take away, in [0, 1].
struct remedy_shares {
  double other_clipping = 0, bias_correction = 0, per_row_scales = 0, more_bits = 0;
  double weights = 0;  ///< the part of the weights; the rest is the activations'
};

struct ranking_options {
  double worth = 0.05;  ///< least share of the total that deserves a remedy
  double enough = 0.5;  ///< least share of the site's error that a remedy takes away
};

struct ranked_site {
  int site = 0;
  label name;
  double part = 0, share = 0;  ///< of the loss; of the total, 0 where the total is not positive
  remedy what = remedy::nothing;
  double removes = 0;  ///< share of the site's local mean squared error, as estimated above
};

namespace detail {

/// 1 - mean (range of row / greatest range of a row)^2, ranges with zero in them.
inline double spread_of_rows(const packed_groups<packed_weights>& w) noexcept {
  double greatest = 0;
  compensated_sum squares;
  for (const packed_weights& part : w.parts)
    for (index_t i = 0; i < part.rows(); ++i) {
      double low = 0, high = 0;
      for (index_t k = 0; k < part.cols(); ++k) {
        const auto v = static_cast<double>(part.value(i, k));
        low = v < low ? v : low, high = v > high ? v : high;
      }
      squares.add((high - low) * (high - low));
      if (high - low > greatest) greatest = high - low;
    }
  if (greatest == 0) return 0;
  return 1.0 - squares.value() / (static_cast<double>(w.rows()) * greatest * greatest);
}

inline double at_most_one(double share) noexcept { return share > 1.0 ? 1.0 : share; }

}  // namespace detail

/// \returns errc::no_data where nothing was measured at s.
inline result<remedy_shares> try_remedy_shares(const plan& p, const error_record& errors, int s) {
  const auto local = errors.try_figures(error_of::local, s);
  if (!local) return local.error();
  remedy_shares made;
  if (local->mse == 0.0) return made;
  const site_weights* w = p.weights(s);
  if (w != nullptr) {
    const auto weights = errors.try_figures(error_of::weights, s);
    if (!weights) return weights.error();
    made.weights = detail::at_most_one(weights->mse / local->mse);
    if (w->scheme.per == granularity::per_tensor)
      made.per_row_scales = made.weights * detail::spread_of_rows(w->packed);
    if (w->scheme.bits < 8) made.more_bits = made.weights * (1.0 - std::ldexp(1.0, 2 * (w->scheme.bits - 8)));
  }
  compensated_sum squared_means;
  const auto& channels = errors.sites()[static_cast<std::size_t>(s)].local;
  for (const error_sums& channel : channels)
    if (const auto f = channel.try_figures()) squared_means.add(static_cast<double>(f->count) * f->bias * f->bias);
  made.bias_correction = detail::at_most_one(squared_means.value() / (static_cast<double>(local->count) * local->mse));
  const double high = local->greatest_reference > 0 ? local->greatest_reference : 0,
               low = local->least_reference < 0 ? local->least_reference : 0;
  const double used = detail::at_most_one((high - low) / (255.0 * static_cast<double>(p.params(s).scale)));
  const double too_narrow = local->clipping / local->mse,
               too_wide = (1.0 - made.weights) * (local->rounding / local->mse) * (1.0 - used * used);
  made.other_clipping = too_narrow > too_wide ? too_narrow : too_wide;
  return made;
}

/// \param owed  by site, as attribute_error gives it.
/// \returns     errc::wrong_site where the plan, the record and the attribution are not of the same sites.
inline result<std::vector<ranked_site>> try_rank_sites(const plan& p, const error_record& errors,
                                                       const error_attribution& owed, const ranking_options& how = {}) {
  if (const auto ok = errors.check(p); !ok) return ok.error();
  const std::vector<player> sites = players_by_site(p);
  bool by_site = sites.size() == owed.players.size() && sites.size() == owed.values.parts.size();
  for (std::size_t i = 0; by_site && i < sites.size(); ++i)
    by_site =
        owed.players[i].site == sites[i].site && owed.players[i].part == site_mask::on && owed.players[i].channel < 0;
  if (!by_site)
    return failure(errc::wrong_site, "rank_sites: an attribution of {} players, expected one of the plan's {} sites",
                   static_cast<index_t>(owed.players.size()), static_cast<index_t>(sites.size()));
  const double total = owed.values.total();
  std::vector<ranked_site> made;
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const int s = sites[i].site;
    ranked_site each{s, p.sites()[static_cast<std::size_t>(s)].name, owed.values.parts[i], 0, remedy::nothing, 0};
    if (total > 0) each.share = each.part / total;
    if (each.share > 0 && each.share >= how.worth) {
      const auto shares = try_remedy_shares(p, errors, s);
      if (!shares) return shares.error();
      each.what = remedy::leave_in_float, each.removes = 1.0;
      const std::pair<remedy, double> cheapest_first[] = {{remedy::other_clipping, shares->other_clipping},
                                                          {remedy::bias_correction, shares->bias_correction},
                                                          {remedy::per_row_scales, shares->per_row_scales},
                                                          {remedy::more_bits, shares->more_bits}};
      for (const auto& [what, removes] : cheapest_first)
        if (each.what == remedy::leave_in_float && removes >= how.enough) each.what = what, each.removes = removes;
    }
    made.push_back(each);
  }
  sort_by(std::span<ranked_site>(made), [](const ranked_site& a, const ranked_site& b) {
    return a.part > b.part || (a.part == b.part && a.site < b.site);
  });
  return made;
}

#if DYADIC_EXCEPTIONS
inline std::vector<ranked_site> rank_sites(const plan& p, const error_record& errors, const error_attribution& owed,
                                           const ranking_options& how = {}) {
  return try_rank_sites(p, errors, owed, how).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
