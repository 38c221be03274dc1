// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// binned: a view of a histogram of equal bins, whoever made it; what the range searches work on.
//
// histogram gives one of its own bins, of magnitudes (for symmetric ranges), or of the same number of bins on each side
// of zero; the latter two are copies that own their counts. uniform_histogram gives one of its bins. Counts and ends
// that were read elsewhere make one by hand: binned{counts, lower, upper, {min, max}}.
#pragma once

#include <dyadic/calibrate/histogram.hpp>
#include <dyadic/calibrate/uniform_histogram.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// x as a float; beyond the floats, the largest one.
inline float nearest_float(double x) noexcept {
  constexpr double most = static_cast<double>((std::numeric_limits<float>::max)());
  return opaque(static_cast<float>(clamp(opaque(x), -most, most)));
}
/// The larger magnitude of the two ends, also where subnormals are flushed.
inline float largest_magnitude(const range& r) noexcept { return is_less(r.hi, -r.lo) ? -r.lo : r.hi; }

}  // namespace detail

struct binned {
  std::span<const std::uint64_t> counts;
  double lower = 0, upper = 0;  ///< where the first bin begins and the last one ends
  range seen;                   ///< the smallest and largest number; of magnitudes, before their sign was taken

  index_t bins() const noexcept { return static_cast<index_t>(counts.size()); }

  /// Where bin k begins and bin k - 1 ends, k in [0, bins()]: lower + k * (upper - lower) / bins(), each step rounded.
  double edge(index_t k) const noexcept {
    const default_float_environment environment;
    const double width = detail::opaque((upper - lower) / static_cast<double>(bins()));
    return k >= bins() ? upper : detail::opaque(detail::opaque(static_cast<double>(k) * width) + lower);
  }
  /// The same as a float, which is how the edges of NumPy and of ONNX Runtime are stored.
  float float_edge(index_t k) const noexcept {
    const default_float_environment environment;
    return detail::nearest_float(edge(k));
  }

  /// The numbers counted; saturated, so that check_binned can refuse it.
  std::uint64_t total() const noexcept {
    std::uint64_t sum = 0;
    for (const std::uint64_t n : counts) sum = n > ~sum ? ~std::uint64_t{0} : sum + n;
    return sum;
  }
};

/// A binned that owns its counts.
class owned_bins {
 public:
  owned_bins(std::vector<std::uint64_t> counts, double lower, double upper, const range& seen) noexcept
      : counts_(std::move(counts)), view_{counts_, lower, upper, seen} {}
  owned_bins(owned_bins&& other) noexcept
      : counts_(std::move(other.counts_)), view_{counts_, other.view_.lower, other.view_.upper, other.view_.seen} {}
  owned_bins& operator=(owned_bins&&) = delete;

  const binned& view() const noexcept { return view_; }
  operator const binned&() const noexcept { return view_; }  // NOLINT: what the searches take

 private:
  std::vector<std::uint64_t> counts_;
  binned view_;
};

/// Refuses a view that is empty, that is not ordered, or whose counts add up to 2^53 or more: below it every partial
/// sum is a double.
inline result<void> check_binned(const char* what, const binned& h) noexcept {
  if (h.counts.empty()) return failure(errc::no_data, "{}: no bins, expected at least 1", what);
  constexpr double most = static_cast<double>((std::numeric_limits<float>::max)());
  if (!(h.lower >= -2 * most && h.upper <= 2 * most && h.lower <= h.upper))
    return failure(errc::invalid_range, "{}: bins over [{}, {}], expected finite ends with lower <= upper", what,
                   h.lower, h.upper);
  if (const auto ok = check_range(h.seen); !ok) return ok;
  const std::uint64_t total = h.total();
  if (total == 0) return failure(errc::no_data, "{}: no number in {} bins", what, h.bins());
  if (total >> 53 != 0)
    return failure(errc::overflow, "{}: {} numbers in the bins, expected less than 2^53", what, total);
  return {};
}

/// The bins of h as they are; h must outlive the view. errc::no_data when nothing finite was observed.
inline result<binned> try_bins(const histogram& h) noexcept {
  const auto seen = range_of(h.seen());
  if (!seen) return seen.error();
  const auto count = static_cast<index_t>(h.counts().size());
  return binned{h.counts(), h.edge(h.first_bin()), h.edge(h.first_bin() + count), *seen};
}
/// Only what is inside the bounds; errc::no_data when nothing is.
inline result<binned> try_bins(const uniform_histogram& h) noexcept {
  const auto seen = range_of(h.seen());
  if (!seen) return seen.error();
  const range& r = h.bounds();
  if (h.outside() == h.seen().finite)
    return failure(errc::no_data, "uniform_histogram: none of {} numbers in [{}, {}]", h.seen().finite,
                   static_cast<double>(r.lo), static_cast<double>(r.hi));
  const default_float_environment environment;
  return binned{
      h.counts(), static_cast<double>(r.lo), static_cast<double>(r.hi),
      range{detail::is_less(r.lo, seen->lo) ? seen->lo : r.lo, detail::is_less(seen->hi, r.hi) ? seen->hi : r.hi}};
}

/// Bins of the magnitudes: bin k counts bins k and -1 - k of h. seen keeps its signs.
inline result<owned_bins> try_magnitude_bins(const histogram& h) {
  const auto seen = range_of(h.seen());
  if (!seen) return seen.error();
  const auto count = static_cast<index_t>(h.counts().size());
  const index_t below = -h.first_bin(), above = h.first_bin() + count;
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(below > above ? below : above));
  for (index_t k = h.first_bin(); k < above; ++k)
    counts[static_cast<std::size_t>(k < 0 ? -1 - k : k)] += h.counts()[static_cast<std::size_t>(k - h.first_bin())];
  const double upper = h.edge(static_cast<index_t>(counts.size()));
  return owned_bins(std::move(counts), 0.0, upper, *seen);
}

/// As many bins below zero as above, as ONNX Runtime's collector lays them out.
inline result<owned_bins> try_symmetric_bins(const histogram& h) {
  const auto seen = range_of(h.seen());
  if (!seen) return seen.error();
  const auto count = static_cast<index_t>(h.counts().size());
  const index_t below = -h.first_bin(), above = h.first_bin() + count, half = below > above ? below : above;
  std::vector<std::uint64_t> counts(static_cast<std::size_t>(2 * half));
  for (index_t k = 0; k < count; ++k)
    counts[static_cast<std::size_t>(half - below + k)] = h.counts()[static_cast<std::size_t>(k)];
  return owned_bins(std::move(counts), h.edge(-half), h.edge(half), *seen);
}

}  // namespace dyadic::inline DYADIC_ABI
