// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// mean_quantile: the observer of the mean, over batches, of a low and a high quantile of a batch.
//
// One call of observe is one batch: a sample, as NNCF has it (QuantileReducer with MeanAggregator; its default
// quantiles are 0.01 and 0.99). A quantile is NumPy's default one: with the n finite numbers of the batch in order and
// h = q (n - 1), on the line between the numbers at floor(h) and floor(h) + 1, rounded to float. A batch is copied for
// the time of the call; what stays is of constant size.
#pragma once

#include <algorithm>

#include <dyadic/calibrate/mean_ends.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// The q-quantile of x, which is not empty and all finite; reorders x. numpy/lib/function_base.py, _quantile and _lerp.
inline float quantile_of(std::span<float> x, double q) noexcept {
  const default_float_environment environment;
  const auto last = static_cast<double>(x.size() - 1);
  const double h = opaque(opaque(q) * last);
  // An index below 2^53: a batch that fills memory with more does not exist.
  const auto below = (std::min)(static_cast<std::size_t>(h), x.size() - 1);
  const auto less = [](float a, float b) { return is_less(a, b); };
  const auto at = x.begin() + static_cast<std::ptrdiff_t>(below);
  std::nth_element(x.begin(), at, x.end(), less);
  const float a = *at;
  if (below + 1 == x.size()) return positive_zero(a);
  const float b = *std::min_element(at + 1, x.end(), less);
  // The difference is rounded to float, and the nearer end is the one to start from, as in NumPy.
  const double t = h - static_cast<double>(below);
  const auto step = static_cast<double>(opaque(opaque(b) - opaque(a)));
  if (!(step <= static_cast<double>((std::numeric_limits<float>::max)()))) return positive_zero(t < 0.5 ? a : b);
  const double from = static_cast<double>(t < 0.5 ? a : b);
  return positive_zero(opaque(static_cast<float>(t < 0.5 ? from + opaque(step * t) : from - opaque(step * (1.0 - t)))));
}

}  // namespace detail

class mean_quantile {
 public:
  mean_quantile() = default;

  /// \param low, high  0 <= low <= high <= 1; errc::invalid_range otherwise.
  static result<mean_quantile> try_make(double low, double high) noexcept {
    if (!(low >= 0.0 && low <= high && high <= 1.0))
      return failure(errc::invalid_range, "mean_quantile: quantiles {} and {} given, expected 0 <= low <= high <= 1",
                     low, high);
    mean_quantile made;
    made.low_ = low == 0.0 ? 0.0 : low;  // no -0
    made.high_ = high == 0.0 ? 0.0 : high;
    return made;
  }

  /// One batch. One without a finite number is counted and moves nothing.
  void observe(std::span<const float> x) {
    observe_view(strided<const float>(x.data(), 1, static_cast<index_t>(x.size())));
  }

  /// One batch of any layout; refuses a view without memory.
  template <real_matrix M>
  result<void> try_observe(const M& matrix) {
    const strided<const float> x(matrix);
    if (const auto ok = check_view("mean_quantile: x", x); !ok) return ok;
    observe_view(x);
    return {};
  }

  /// Adds the batches of another one of the same quantiles. On an error nothing is added.
  result<void> try_merge(const mean_quantile& other) noexcept {
    if (other.low_ != low_ || other.high_ != high_)
      return failure(errc::invalid_range,
                     "mean_quantile: merging quantiles {} and {} into {} and {}, expected the same", other.low_,
                     other.high_, low_, high_);
    return ends_.try_merge(state_name, other.ends_);
  }

#if DYADIC_EXCEPTIONS
  mean_quantile(double low, double high) : mean_quantile(try_make(low, high).value()) {}
  template <real_matrix M>
  void observe(const M& x) {
    try_observe(x).value();
  }
  void merge(const mean_quantile& other) { try_merge(other).value(); }
#endif

  /// The mean quantiles as min and max, and the counts of all that was observed.
  extent seen() const noexcept { return ends_.mean(); }
  double low() const noexcept { return low_; }
  double high() const noexcept { return high_; }
  /// Batches with a finite number.
  std::uint64_t batches() const noexcept { return ends_.batches; }

  /// 176 bytes; try_load gives the same observer again, on any machine.
  std::vector<std::byte> save() const { return detail::save_state(*this); }
  /// errc::bad_format for bytes that save did not write.
  static result<mean_quantile> try_load(std::span<const std::byte> bytes) {
    return detail::load_state<mean_quantile>(bytes);
  }

  static constexpr const char* state_name = "mean_quantile";
  static constexpr std::uint32_t state_tag = 0x514D5944;  // "DYMQ"
  template <class Out>
  void write(Out& out) const {
    out.put("low", low_);
    out.put("high", high_);
    ends_.write(out);
  }
  static result<mean_quantile> read(detail::state_reader& in) noexcept {
    if (const auto ok = in.expect_left(16); !ok) return ok.error();
    const std::uint64_t low = in.get64(), high = in.get64();
    auto made = try_make(std::bit_cast<double>(low), std::bit_cast<double>(high));
    if (!made || std::bit_cast<std::uint64_t>(made->low_) != low || std::bit_cast<std::uint64_t>(made->high_) != high)
      return failure(errc::bad_format, "mean_quantile: quantiles {} and {}, expected 0 <= low <= high <= 1",
                     std::bit_cast<double>(low), std::bit_cast<double>(high));
    const auto ends = detail::mean_ends::read(state_name, in);
    if (!ends) return ends.error();
    made->ends_ = *ends;
    return made;
  }

  friend bool operator==(const mean_quantile&, const mean_quantile&) = default;

 private:
  void observe_view(const strided<const float>& x) {
    const extent batch = extent_of(x);
    if (batch.empty()) return ends_.include(batch, 0.0f, 0.0f);
    std::vector<float> finite;
    finite.reserve(static_cast<std::size_t>(batch.finite));
    detail::for_each_run(x, [&finite](std::span<const float> run) {
      for (const float v : run)
        if ((std::bit_cast<std::uint32_t>(v) & 0x7FFFFFFFU) < 0x7F800000U) finite.push_back(v);
    });
    const float low = detail::quantile_of(finite, low_);
    ends_.include(batch, low, detail::quantile_of(finite, high_));
  }

  double low_ = 0.01, high_ = 0.99;
  detail::mean_ends ends_;
};

}  // namespace dyadic::inline DYADIC_ABI
