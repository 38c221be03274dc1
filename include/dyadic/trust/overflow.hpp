// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// check_accumulators: the proof that no sum of a plan can leave its int32, made a second time from the codes as they
// lie in memory, one by one, and compared with the one that packing made. For plans that were loaded or shipped.
//
//   |sum over k of (w - zw)(x - zx)| + |bias| <= sum |w - zw| * max |x - zx| + |bias| <= 2^31 - 1     for every row
//
// and, where a kernel may add two products of bytes in 16 bits (vpmaddubsw): 255 |w_k + w_k+1| <= 2^15 - 1 for stored
// codes of one sign, in every panel of 16 rows that says so.
#pragma once

#include <dyadic/network/weight_codes.hpp>

namespace dyadic::inline DYADIC_ABI {

/// What the sums of one layer, or one group of its channels, can reach.
struct accumulator_certificate {
  int site = 0;
  index_t group = 0;           ///< of channels
  index_t row = 0;             ///< the one that reaches farthest, in the group
  std::int64_t row_sum = 0;    ///< its sum |w - zero point|; of a group of the row where scales come in groups
  std::int64_t largest_x = 0;  ///< max |x - zero point| of the codes that meet it
  std::int64_t bias = 0;       ///< its |bias| in units of the sum
  std::int64_t reach = 0;      ///< row_sum * largest_x + bias
  static constexpr std::int64_t limit = accumulator_proof::limit;

  double share() const noexcept { return static_cast<double>(reach) / static_cast<double>(limit); }
};

namespace detail {

/// Compares the stored proof of one packed matrix with what its codes say.
inline result<accumulator_certificate> check_part(const plan& p, int s, std::size_t g) {
  const site& here = p.sites()[static_cast<std::size_t>(s)];
  const site_weights& w = *p.weights(s);
  const packed_weights& part = w.packed.parts[g];
  const simd::weights_view& v = part.view();
  const auto wrong = [&](const char* what, std::int64_t found, std::int64_t claimed) {
    return failure(errc::overflow, "accumulators: site {} ('{}'): {} {} from the codes, {} in the proof", s,
                   here.name.c_str(), what, found, claimed);
  };
  accumulator_certificate made;
  made.site = s, made.group = static_cast<index_t>(g);
  made.largest_x = 255;
  if (p.activations() == activation_scales::static_) {
    const std::int64_t zero = p.params(here.inputs[0]).zero_point;
    made.largest_x = zero > 255 - zero ? zero : 255 - zero;
  }
  if (made.largest_x > part.proof().largest_x)
    return wrong("|x - zero point| up to", made.largest_x, part.proof().largest_x);
  const std::int32_t* biases = w.to_codes.empty() ? nullptr : w.to_codes[g].view().bias_codes;
  std::int64_t largest = 0;
  made.reach = -1;
  for (index_t i = 0; i < part.rows(); ++i) {
    const std::int64_t bias = biases == nullptr ? 0 : biases[i] < 0 ? -std::int64_t{biases[i]} : biases[i];
    for (index_t first = 0; first < part.cols(); first += v.group) {
      std::int64_t sizes = 0, sum = 0;
      for (index_t k = first; k < first + v.group; ++k) {
        const std::int64_t whole = part.whole(i, k);
        sizes += whole < 0 ? -whole : whole;
        sum += whole;
      }
      const std::int32_t stored = v.sums[v.number_at(i, first / v.group)];
      if (sum != stored) return wrong("a sum of weights of", sum, stored);
      if (!part.grouped() && sizes != part.row_sum(i)) return wrong("a sum of sizes of", sizes, part.row_sum(i));
      largest = largest > sizes ? largest : sizes;
      const std::int64_t reach = sizes * made.largest_x + bias;
      if (reach > made.reach) made.row = i, made.row_sum = sizes, made.bias = bias, made.reach = reach;
    }
  }
  if (made.reach < 0) made.reach = 0;
  if (largest != part.proof().largest_row_sum) return wrong("a largest sum of", largest, part.proof().largest_row_sum);
  if (made.reach > accumulator_certificate::limit)
    return wrong("sums up to", made.reach, accumulator_certificate::limit);
  for (index_t panel = 0; !v.four_bit && v.pairs_fit != nullptr && panel < v.panel_count(); ++panel)
    for (index_t i = 0; v.pairs_fit[panel] != 0 && i < v.group_steps * v.groups * 32; ++i) {
      const std::uint8_t* pair = v.panels + v.panel_start(panel) + i / 32 * v.step_stride(panel) + i % 32 * 2;
      const int sum = static_cast<std::int8_t>(pair[0]) + static_cast<std::int8_t>(pair[1]);
      if (sum < -128 || sum > 128) return wrong("a pair of stored codes of", sum, sum < 0 ? -128 : 128);
    }
  return made;
}

}  // namespace detail

/// One certificate a layer and group of channels; errc::overflow naming the site where codes and proof disagree or a
/// sum could leave int32.
inline result<std::vector<accumulator_certificate>> try_check_accumulators(const plan& p) {
  std::vector<accumulator_certificate> made;
  for (int s = 0; s < static_cast<int>(p.sites().size()); ++s) {
    const site_weights* w = p.weights(s);
    for (std::size_t g = 0; w != nullptr && g < w->packed.parts.size(); ++g) {
      const auto here = detail::check_part(p, s, g);
      if (!here) return here.error();
      made.push_back(*here);
    }
  }
  return made;
}

#if DYADIC_EXCEPTIONS
/// \throws std::length_error where codes and proof disagree.
inline std::vector<accumulator_certificate> check_accumulators(const plan& p) {
  return try_check_accumulators(p).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
