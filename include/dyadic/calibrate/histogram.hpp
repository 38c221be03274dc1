// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// histogram: the observer that counts, in bins that only ever pair up, so that merging is exact.
//
// Bin k holds the numbers x with floor(x / 2^e) == k, that is k * 2^e <= x < (k + 1) * 2^e. Both the position and the
// width are absolute: no bin depends on what was seen first. e is the smallest exponent, from -149 (below which no two
// floats differ) on, for which at most N bins cover the data and zero. When wider data ask for a larger e, bins 2k and
// 2k + 1 become bin k; a number counted before and one counted after that land in the same bin, since floor(floor(y) /
// 2) == floor(y / 2).
//
// Hence the state is a function of N and the multiset of the data: every order, batch split, shard and merge tree gives
// the same bytes. NaN and infinities are counted apart and are in no bin.
#pragma once

#include <dyadic/calibrate/min_max.hpp>
#include <dyadic/fixed_point/saturate.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// floor(x / 2^e), exactly; x finite, e >= -149, and the result below 2^62 in magnitude.
constexpr std::int64_t bin_of(float x, int e) noexcept {
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const int biased = static_cast<int>(bits >> 23 & 0xFF);
  const std::int64_t magnitude = static_cast<std::int64_t>(bits & 0x7FFFFF) | (biased > 0 ? 1 << 23 : 0);
  const std::int64_t significand = bits >> 31 != 0 ? -magnitude : magnitude;
  const int shift = (biased > 0 ? biased : 1) - 150 - e;  // x = significand * 2^(shift + e)
  if (shift >= 0) return significand * (std::int64_t{1} << shift);
  return significand >> (shift > -63 ? -shift : 63);
}

/// Where the bins of a histogram lie: bins first .. first + count - 1, each 2^exponent wide.
struct bin_layout {
  int exponent = -149;
  index_t first = 0, count = 0;
  friend constexpr bool operator==(const bin_layout&, const bin_layout&) = default;
};

/// At most `most` >= 2 bins over [min(lo, 0), max(hi, 0)], with the smallest exponent >= least that allows it.
constexpr bin_layout layout_of(float lo, float hi, index_t most, int least) noexcept {
  const float down = is_less(lo, 0.0f) ? lo : 0.0f, up = is_less(0.0f, hi) ? hi : 0.0f;
  const std::uint32_t size_down = std::bit_cast<std::uint32_t>(down) & 0x7FFFFFFFU,
                      size_up = std::bit_cast<std::uint32_t>(up);
  const std::uint32_t size = size_down > size_up ? size_down : size_up;
  // 2^top is the leading bit of the larger end, and most < 2^width: with e < top + 1 - width there are at least 2^width
  // bins.
  const int top = size >> 23 != 0 ? static_cast<int>(size >> 23) - 127 : static_cast<int>(std::bit_width(size)) - 150;
  const int width = 64 - std::countl_zero(static_cast<std::uint64_t>(most));
  int e = top + 1 - width > least ? top + 1 - width : least;
  while (bin_of(up, e) - bin_of(down, e) >= most) ++e;
  const auto first = static_cast<index_t>(bin_of(down, e));
  return {e, first, static_cast<index_t>(bin_of(up, e)) - first + 1};
}

/// k / 2^n rounded down, for any n >= 0: bin k after n pairings.
constexpr index_t pair_up(index_t k, int n) noexcept { return k >> (n < 63 ? n : 63); }

}  // namespace detail

class histogram {
 public:
  static constexpr index_t default_bins = 2048, fewest_bins = 2, most_bins = 1 << 20;

  histogram() = default;

  /// At most max_bins bins, in [2, 2^20].
  static result<histogram> try_make(index_t max_bins) {
    if (max_bins < fewest_bins || max_bins > most_bins)
      return failure(errc::invalid_shape, "histogram: {} bins, expected {} to {}", max_bins, fewest_bins, most_bins);
    histogram made;
    made.max_bins_ = max_bins;
    return made;
  }

  /// Adds numbers of any order.
  void observe(std::span<const float> x) {
    const extent e = extent_of(x);
    grow(e);
    seen_.include(e);
    count(x);
  }

  /// Adds a matrix of any layout; refuses a view without memory.
  template <real_matrix M>
  result<void> try_observe(const M& matrix) {
    const strided<const float> x(matrix);
    if (const auto ok = check_view("histogram: x", x); !ok) return ok;
    const extent e = extent_of(x);
    grow(e);
    seen_.include(e);
    detail::for_each_run(x, [&](std::span<const float> run) { count(run); });
    return {};
  }

  /// Adds what another one with the same max_bins saw. On an error nothing is added.
  result<void> try_merge(const histogram& other) {
    if (other.max_bins_ != max_bins_)
      return failure(errc::invalid_shape, "histogram: merging one of {} bins into one of {}, expected the same",
                     other.max_bins_, max_bins_);
    if (const auto ok = check_counts("histogram", seen_, other.seen_); !ok) return ok;
    grow(other.seen_);
    seen_.include(other.seen_);
    const int shift = layout_.exponent - other.layout_.exponent;
    for (index_t b = 0; b < other.layout_.count; ++b)
      at(detail::pair_up(other.layout_.first + b, shift)) += other.counts_[static_cast<std::size_t>(b)];
    return {};
  }

#if DYADIC_EXCEPTIONS
  explicit histogram(index_t max_bins) : histogram(try_make(max_bins).value()) {}
  template <real_matrix M>
  void observe(const M& x) {
    try_observe(x).value();
  }
  void merge(const histogram& other) { try_merge(other).value(); }
#endif

  const extent& seen() const noexcept { return seen_; }
  index_t max_bins() const noexcept { return max_bins_; }

  /// Bins have width 2^exponent().
  int exponent() const noexcept { return layout_.exponent; }
  /// The number of the bin that counts()[0] counts; bins first_bin() .. first_bin() + counts().size() - 1 cover the
  /// data and 0.
  index_t first_bin() const noexcept { return layout_.first; }
  std::span<const std::uint64_t> counts() const noexcept { return counts_; }
  /// Lower edge of bin k, exact; bin k ends where bin k + 1 begins.
  double edge(index_t k) const noexcept {
    const auto width = std::bit_cast<double>(static_cast<std::uint64_t>(1023 + layout_.exponent) << 52);
    return static_cast<double>(k) * width;
  }

  /// 72 bytes and 8 a bin; try_load gives the same observer again, on any machine.
  std::vector<std::byte> save() const { return detail::save_state(*this); }
  /// errc::bad_format for bytes that save did not write.
  static result<histogram> try_load(std::span<const std::byte> bytes) { return detail::load_state<histogram>(bytes); }

  static constexpr const char* state_name = "histogram";
  static constexpr std::uint32_t state_tag = 0x53485944;  // "DYHS"
  template <class Out>
  void write(Out& out) const {
    out.put("max_bins", static_cast<std::uint32_t>(max_bins_));
    out.put("exponent", static_cast<std::int32_t>(layout_.exponent));
    out.put("first", static_cast<std::int32_t>(layout_.first));
    out.put("bins", static_cast<std::uint32_t>(layout_.count));
    detail::put_extent(out, seen_);
    out.put("counts", counts());
  }
  static result<histogram> read(detail::state_reader& in) {
    if (const auto ok = in.expect_left(16); !ok) return ok.error();
    const std::uint32_t max_bins = in.get32();
    const auto exponent = static_cast<std::int32_t>(in.get32()), first = static_cast<std::int32_t>(in.get32());
    const std::uint32_t bins = in.get32();
    extent seen;
    if (const auto ok = in.get(seen); !ok) return ok.error();
    auto made = try_make(static_cast<index_t>(max_bins));
    if (!made)
      return failure(errc::bad_format, "histogram: {} bins, expected {} to {}", max_bins, fewest_bins, most_bins);
    // The extent alone says where the bins lie: anything else was not written by save.
    const detail::bin_layout layout = seen.empty() ? detail::bin_layout{} : made->layout_with(seen);
    if (layout.exponent != exponent || layout.first != first || layout.count != static_cast<index_t>(bins))
      return failure(errc::bad_format, "histogram: {} bins from {} of width 2^{}, expected {} from {} of width 2^{}",
                     bins, first, exponent, layout.count, layout.first, layout.exponent);
    if (const auto ok = in.expect_left(8 * static_cast<std::size_t>(bins)); !ok) return ok.error();
    made->grow(seen);
    made->seen_ = seen;
    std::uint64_t left = seen.finite;
    for (std::uint64_t& n : made->counts_) {
      n = in.get64();
      if (n > left) return failure(errc::bad_format, "histogram: the bins hold more than {} numbers", seen.finite);
      left -= n;
    }
    if (left != 0)
      return failure(errc::bad_format, "histogram: the bins hold {} of {} numbers", seen.finite - left, seen.finite);
    if (!seen.empty() && (made->at_value(seen.min) == 0 || made->at_value(seen.max) == 0))
      return failure(errc::bad_format, "histogram: no number counted where the least or the greatest is");
    return made;
  }

  friend bool operator==(const histogram&, const histogram&) = default;

 private:
  std::uint64_t& at(index_t k) noexcept { return counts_[static_cast<std::size_t>(k - layout_.first)]; }
  std::uint64_t& at_value(float x) noexcept { return at(static_cast<index_t>(detail::bin_of(x, layout_.exponent))); }

  /// The bins that hold what was seen and e together.
  detail::bin_layout layout_with(const extent& e) const noexcept {
    extent both = seen_;
    both.include(e);
    return detail::layout_of(both.min, both.max, max_bins_, layout_.exponent);
  }

  /// Makes the bins cover e, and pairs them up as often as that takes.
  void grow(const extent& e) {
    if (e.empty()) return;
    const detail::bin_layout wanted = layout_with(e);
    if (wanted == layout_) return;
    std::vector<std::uint64_t> paired(static_cast<std::size_t>(wanted.count));
    const int shift = wanted.exponent - layout_.exponent;
    for (index_t b = 0; b < layout_.count; ++b)
      paired[static_cast<std::size_t>(detail::pair_up(layout_.first + b, shift) - wanted.first)] +=
          counts_[static_cast<std::size_t>(b)];
    counts_ = std::move(paired);
    layout_ = wanted;
  }

  /// Counts the finite numbers of x, which the bins cover, a block at a time.
  void count(std::span<const float> x) noexcept {
    constexpr index_t block = 256;
    const default_float_environment environment;
    const auto size = static_cast<index_t>(x.size());
    const auto bins = dispatched<detail::pick_bins>();
    // The instruction sets want a width and a reciprocal that are normal floats, as almost all data give.
    const bool normal = layout_.exponent >= -126 && layout_.exponent <= 126;
    const float width = detail::power_of_two(normal ? layout_.exponent : 0);
    std::int32_t at[block];
    for (index_t i = 0; i < size; i += block) {
      const index_t n = size - i < block ? size - i : block;
      const float* some = x.data() + i;
      if (normal && bins(some, n, width, 1.0f / width, static_cast<std::int32_t>(layout_.first), at)) {
        for (index_t t = 0; t < n; ++t) ++counts_[static_cast<std::size_t>(at[t])];
      } else {
        for (index_t t = 0; t < n; ++t)
          if (detail::is_finite(some[t])) ++at_value(some[t]);
      }
    }
  }

  index_t max_bins_ = default_bins;
  extent seen_;
  detail::bin_layout layout_;
  std::vector<std::uint64_t> counts_;
};

}  // namespace dyadic::inline DYADIC_ABI
