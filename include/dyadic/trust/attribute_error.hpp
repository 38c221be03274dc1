// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// attribute_error: which sites, weights, activations or channels the error of a quantized network comes from.
//
//   const auto owed = dyadic::attribute_error(net, plan, batches, kl_to_reference{});
//   owed.values.parts[i];                      // nats that owed.players[i] costs; the parts sum to owed.values.total()
//
// It runs the network in the domain simulated, once over the data for each set of players that is asked about.
#pragma once

#include <dyadic/trust/players.hpp>
#include <dyadic/trust/shapley.hpp>

namespace dyadic::inline DYADIC_ABI {

enum class attribution_method : unsigned char { only_this, all_but_this, telescoping, shapley };
enum class attribution_players : unsigned char { sites, weights_and_activations, channels };

struct attribution_options {
  attribution_method method = attribution_method::shapley;
  attribution_players players = attribution_players::sites;
  int site = -1;               ///< whose channels are the players
  shapley_options sampling{};  ///< exact values are taken instead where they need no more evaluations
  run_options run{};
};

struct error_attribution {
  std::vector<player> players;
  attribution values;  ///< of the mean loss of the images
  index_t images = 0;
};

/// Whether 2^n evaluations are no more than those of the sampling.
inline bool exact_is_no_dearer(index_t players, const shapley_options& how) noexcept {
  return players <= most_exact_players && (index_t{1} << players) <= 2 * how.orders * (players - 1) + 2;
}

/// \param batches  any range of batch, at least one image.
/// \param loss     squared_difference, kl_to_reference or one's own (loss.hpp).
/// \returns        errc::invalid_scheme for dynamic activations; errc::wrong_site when net is not the calibrated one;
///                 errc::invalid_range for outputs or losses that are not finite; errc::invalid_shape for a wrong site.
template <class Net, class Batches, output_loss Loss>
result<error_attribution> try_attribute_error(const Net& net, const plan& p, Batches&& batches, const Loss& loss,
                                              const attribution_options& how = {}) {
  std::vector<player> players = how.players == attribution_players::sites ? players_by_site(p) : players_by_part(p);
  if (how.players == attribution_players::channels) {
    auto channels = try_players_by_channel(p, how.site);
    if (!channels) return channels.error();
    players = std::move(*channels);
  }
  std::vector<batch> data;
  for (const batch& x : batches) data.push_back(x);
  const auto made = loss_of_players<Net, Loss>::try_make(net, p, std::move(data), players, loss, how.run);
  if (!made) return made.error();
  const auto n = static_cast<index_t>(players.size());
  const auto owed = [&]() -> result<attribution> {
    switch (how.method) {
      case attribution_method::only_this: return try_only_this(n, *made);
      case attribution_method::all_but_this: return try_all_but_this(n, *made);
      case attribution_method::telescoping: return try_telescoping(n, *made);
      default:
        return exact_is_no_dearer(n, how.sampling) ? try_shapley_exact(n, *made) : try_shapley(n, *made, how.sampling);
    }
  };
  auto values = owed();
  if (!values) return values.error();
  return error_attribution{std::move(players), std::move(*values), made->images()};
}

/// The difference of the outputs for one batch, each output taken apart by site in data-flow order (telescoping):
/// parts[i][j] is what player i adds to output j, and all - none of an output is exactly the sum of its parts. Outputs
/// are (images, features), row by row.
template <class Net>
result<vector_attribution> try_decompose_output(const Net& net, const plan& p, const batch& x,
                                                const run_options& options = {}) {
  const std::vector<player> players = players_by_site(p);
  const auto outputs = [&](std::span<const std::uint8_t> set) -> result<std::vector<double>> {
    std::vector<std::uint8_t> on(p.sites().size(), site_mask::off);
    for (std::size_t i = 0; i < players.size(); ++i) on[static_cast<std::size_t>(players[i].site)] = set[i];
    const auto y = p.try_simulate(net, x, on, {}, options);
    if (!y) return y.error();
    std::vector<double> values;
    for (index_t i = 0; i < y->shape.size(); ++i) values.push_back(static_cast<double>(y->values[i]));
    return values;
  };
  return try_telescoping(static_cast<index_t>(players.size()), outputs);
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument for all of the above.
template <class Net, class Batches, output_loss Loss>
error_attribution attribute_error(const Net& net, const plan& p, Batches&& batches, const Loss& loss,
                                  const attribution_options& how = {}) {
  return try_attribute_error(net, p, batches, loss, how).value();
}
template <class Net>
vector_attribution decompose_output(const Net& net, const plan& p, const batch& x, const run_options& options = {}) {
  return try_decompose_output(net, p, x, options).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
