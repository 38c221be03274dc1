// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// uniform_histogram: the observer that counts in n equal bins of a range given beforehand, by NumPy's or torch's rule.
//
// For the thresholds of other tools, whose histograms it equals count for count: observe min_max over the data first,
// then the histogram over the same data. (The originals see the data once and let the first batch choose the bins, so
// their histograms depend on the order of the batches; one batch gives the same as here.) Where no other tool has to be
// matched, histogram needs one pass.
//
//   binning::numpy   bin k is [edge(k), edge(k + 1)), the last one with its end; edges are floats. numpy.histogram, as
//                    ONNX Runtime and ModelOpt call it.
//   binning::torch   bin floor((x - lo) * n / (hi - lo)), computed in float, the last one with its end. torch.histc, as
//                    PyTorch's HistogramObserver and ModelOpt call it (aten/src/ATen/native/cpu/HistogramKernel.cpp).
//   binning::torch_1 bin floor((x - lo) / (hi - lo) * n): the same in PyTorch 1.13.
//
// The counts are exact integers and the bins depend on nothing seen, so shards of the same settings merge in any order.
// Numbers outside [lo, hi] are counted apart, as are NaN and infinities.
#pragma once

#include <dyadic/calibrate/min_max.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Whose bins.
enum class binning : unsigned char { numpy, torch, torch_1 };

namespace detail {

/// Edge k of n equal bins over [lo, hi], as numpy.linspace rounds it to float; the last one is hi itself.
inline float edge_of_bin(float lo, float hi, index_t n, index_t k) noexcept {
  const double step = opaque((static_cast<double>(hi) - static_cast<double>(lo)) / static_cast<double>(n));
  return k >= n ? hi : opaque(static_cast<float>(opaque(static_cast<double>(k) * step) + static_cast<double>(lo)));
}

}  // namespace detail

class uniform_histogram {
 public:
  static constexpr index_t most_bins = 1 << 20;

  /// One bin over [0, 0]: to be assigned to.
  uniform_histogram() : counts_(1) { find_edges(); }

  /// \param r     finite ends, lo <= hi; when they are equal, every number that equals them is in the last bin.
  /// \param bins  in [1, 2^20].
  static result<uniform_histogram> try_make(const range& r, index_t bins, binning rule) {
    if (const auto ok = check_range(r); !ok) return ok.error();
    if (bins < 1 || bins > most_bins)
      return failure(errc::invalid_shape, "uniform_histogram: {} bins, expected 1 to {}", bins, most_bins);
    if (!(static_cast<double>(r.hi) - static_cast<double>(r.lo) <=
          static_cast<double>((std::numeric_limits<float>::max)())))
      return failure(errc::invalid_range, "uniform_histogram: [{}, {}] given, expected hi - lo to be a float",
                     static_cast<double>(r.lo), static_cast<double>(r.hi));
    uniform_histogram made;
    made.range_ = {detail::positive_zero(r.lo), detail::positive_zero(r.hi)};
    made.rule_ = rule;
    made.counts_.assign(static_cast<std::size_t>(bins), 0);
    made.edges_.clear();
    if (rule == binning::numpy) made.find_edges();
    return made;
  }

  /// Adds numbers of any order.
  void observe(std::span<const float> x) noexcept {
    for (; x.size() > block; x = x.subspan(block)) include(x.first(block));
    include(x);
  }

  /// Adds a matrix of any layout; refuses a view without memory.
  template <real_matrix M>
  result<void> try_observe(const M& matrix) noexcept {
    const strided<const float> x(matrix);
    if (const auto ok = check_view("uniform_histogram: x", x); !ok) return ok;
    detail::for_each_run(x, [this](std::span<const float> run) { observe(run); });
    return {};
  }

  /// Adds what another one of the same range, bins and rule saw. On an error nothing is added.
  result<void> try_merge(const uniform_histogram& other) noexcept {
    if (other.bins() != bins() || other.rule_ != rule_ || !(other.range_ == range_))
      return failure(
          errc::invalid_shape,
          "uniform_histogram: merging {} {} bins over [{}, {}] into {} {} bins over [{}, {}], expected the same",
          other.bins(), name_of(other.rule_), static_cast<double>(other.range_.lo),
          static_cast<double>(other.range_.hi), bins(), name_of(rule_), static_cast<double>(range_.lo),
          static_cast<double>(range_.hi));
    if (const auto ok = check_counts(state_name, seen_, other.seen_); !ok) return ok;
    seen_.include(other.seen_);
    outside_ += other.outside_;
    for (std::size_t k = 0; k < counts_.size(); ++k) counts_[k] += other.counts_[k];
    return {};
  }

#if DYADIC_EXCEPTIONS
  uniform_histogram(const range& r, index_t bins, binning rule) : uniform_histogram(try_make(r, bins, rule).value()) {}
  template <real_matrix M>
  void observe(const M& x) {
    try_observe(x).value();
  }
  void merge(const uniform_histogram& other) { try_merge(other).value(); }
#endif

  /// Of all numbers, those outside the range included.
  const extent& seen() const noexcept { return seen_; }
  const range& bounds() const noexcept { return range_; }
  index_t bins() const noexcept { return static_cast<index_t>(counts_.size()); }
  binning rule() const noexcept { return rule_; }
  std::span<const std::uint64_t> counts() const noexcept { return counts_; }
  /// Finite numbers that are in no bin.
  std::uint64_t outside() const noexcept { return outside_; }
  /// Where bin k begins and bin k - 1 ends; k in [0, bins()].
  float edge(index_t k) const noexcept {
    const default_float_environment environment;
    return detail::edge_of_bin(range_.lo, range_.hi, bins(), k);
  }

  /// 84 bytes and 8 a bin; try_load gives the same observer again, on any machine.
  std::vector<std::byte> save() const { return detail::save_state(*this); }
  /// errc::bad_format for bytes that save did not write.
  static result<uniform_histogram> try_load(std::span<const std::byte> bytes) {
    return detail::load_state<uniform_histogram>(bytes);
  }

  static constexpr const char* state_name = "uniform_histogram";
  static constexpr std::uint32_t state_tag = 0x48555944;  // "DYUH"
  template <class Out>
  void write(Out& out) const {
    out.put("lo", range_.lo);
    out.put("hi", range_.hi);
    out.put("rule", static_cast<std::uint32_t>(rule_));
    out.put("bins", static_cast<std::uint32_t>(counts_.size()));
    detail::put_extent(out, seen_);
    out.put("outside", outside_);
    out.put("counts", counts());
  }
  static result<uniform_histogram> read(detail::state_reader& in) {
    if (const auto ok = in.expect_left(16); !ok) return ok.error();
    const auto lo = std::bit_cast<float>(in.get32()), hi = std::bit_cast<float>(in.get32());
    const std::uint32_t rule = in.get32(), bins = in.get32();
    extent seen;
    if (const auto ok = in.get(seen); !ok) return ok.error();
    if (const auto ok = in.expect_left(8 + 8 * std::size_t{bins}); !ok) return ok.error();
    if (rule > 2) return failure(errc::bad_format, "uniform_histogram: rule {}, expected 0 to 2", rule);
    auto made = try_make({lo, hi}, static_cast<index_t>(bins), static_cast<binning>(rule));
    if (!made) return failure(errc::bad_format, "{}", made.error().message());
    if (detail::ordered_key(lo) == detail::ordered_key(-0.0f) || detail::ordered_key(hi) == detail::ordered_key(-0.0f))
      return failure(errc::bad_format, "uniform_histogram: an end of the range is -0, expected +0");
    made->seen_ = seen;
    made->outside_ = in.get64();
    std::uint64_t left = seen.finite - made->outside_;
    bool enough = made->outside_ <= seen.finite;
    for (std::uint64_t& n : made->counts_) {
      n = in.get64();
      enough = enough && n <= left;
      left -= n;
    }
    using detail::is_less;
    const bool all_inside = seen.empty() || (!is_less(seen.min, lo) && !is_less(hi, seen.max));
    const bool none_inside = seen.empty() || is_less(hi, seen.min) || is_less(seen.max, lo);
    if (!enough || left != 0 || all_inside != (made->outside_ == 0) || (none_inside && made->outside_ != seen.finite))
      return failure(errc::bad_format, "uniform_histogram: the bins and {} outside do not hold {} numbers in [{}, {}]",
                     made->outside_, seen.finite, static_cast<double>(seen.min), static_cast<double>(seen.max));
    return made;
  }

  friend bool operator==(const uniform_histogram&, const uniform_histogram&) = default;

 private:
  static const char* name_of(binning rule) noexcept {
    return rule == binning::numpy ? "numpy" : rule == binning::torch ? "torch" : "torch_1";
  }

  static constexpr std::size_t block = 4096;

  /// The lower ends of the bins, and behind the last one nothing.
  void find_edges() {
    const default_float_environment environment;
    edges_.resize(counts_.size());
    for (index_t k = 0; k < bins(); ++k)
      edges_[static_cast<std::size_t>(k)] = detail::edge_of_bin(range_.lo, range_.hi, bins(), k);
    edges_.push_back(std::numeric_limits<float>::infinity());
  }

  /// At most a block of numbers.
  void include(std::span<const float> x) noexcept {
    const default_float_environment environment;
    seen_.include(extent_of(x));
    const float lo = detail::opaque(range_.lo), hi = detail::opaque(range_.hi), size = hi - lo;
    const auto n = static_cast<std::int32_t>(bins());
    const simd::equal_bins equal{lo, hi, size, n, rule_ == binning::torch_1};
    std::int32_t bin[block];
    if (!(size > 0.0f) || !dispatched<detail::pick_equal_bins>()(x.data(), static_cast<index_t>(x.size()), equal, bin))
      for (std::size_t i = 0; i < x.size(); ++i) bin[i] = simd::bin_among(equal, x[i]);
    std::uint64_t outside = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (bin[i] == n) {
        outside += detail::is_finite(x[i]) ? 1U : 0U;
        continue;
      }
      auto k = static_cast<std::size_t>(bin[i]);
      if (rule_ == binning::numpy) {
        // What was computed is an estimate, off by one where it rounded, or by all bins between two floats.
        while (x[i] < edges_[k]) --k;
        while (x[i] >= edges_[k + 1]) ++k;
      }
      ++counts_[k];
    }
    outside_ += outside;
  }

  range range_;
  binning rule_ = binning::numpy;
  extent seen_;
  std::uint64_t outside_ = 0;
  std::vector<std::uint64_t> counts_;
  std::vector<float> edges_;  // of numpy's rule
};

}  // namespace dyadic::inline DYADIC_ABI
