// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The percentiles of ONNX Runtime and TensorRT to the last bit, their rounding and their off-by-one included.
//
// Both add up count / total in double and take the first bin whose sum reaches the percentile, but as threshold that
// bin's lower edge: up to one bin more than was asked for is left outside. range_choice.hpp has percentiles that are
// exact; these are for the same thresholds as theirs.
#pragma once

#include <dyadic/calibrate/binned.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace detail {

/// The first k for which count[0] / n + ... + count[k] / n >= share, or bins().
inline index_t first_to_reach(const binned& h, double share) noexcept {
  const auto total = static_cast<double>(h.total());
  double sum = 0.0;
  index_t k = 0;
  for (const std::uint64_t n : h.counts) {
    sum = opaque(sum + opaque(static_cast<double>(n) / total));
    if (sum >= share) break;
    ++k;
  }
  return k;
}

inline result<void> check_percentile(const char* what, double percent) noexcept {
  if (!(percent >= 0.0 && percent <= 100.0))
    return failure(errc::invalid_range, "{}: percentile {} given, expected a number in [0, 100]", what, percent);
  return {};
}

/// [lo, hi] with what lies beyond the numbers seen cut off; an end beyond both of them becomes the nearer one.
inline range clipped_to(const range& seen, float lo, float hi) noexcept {
  if (lo < seen.lo) lo = seen.lo;
  if (hi > seen.hi) hi = seen.hi;
  return lo <= hi ? range{lo, hi} : range{hi, hi};
}

}  // namespace detail

/// (100 - percent) / 2 on each side outside.
///
/// Source: onnxruntime/python/tools/quantization/calibrate.py, HistogramCollector.compute_percentile, symmetric=False.
/// \param h        bins of the numbers.
/// \param percent  in [0, 100]; ONNX Runtime's default is 99.999.
inline result<range> try_range_percentile_onnxruntime(const binned& h, double percent) noexcept {
  constexpr const char* what = "range_percentile_onnxruntime";
  if (const auto ok = check_binned(what, h); !ok) return ok.error();
  if (const auto ok = detail::check_percentile(what, percent); !ok) return ok.error();
  const default_float_environment environment;
  const double cut = detail::opaque((100.0 - detail::opaque(percent)) / 200.0);
  const index_t left = detail::first_to_reach(h, cut), right = detail::first_to_reach(h, 1.0 - cut);
  return detail::clipped_to(h.seen, h.float_edge(left), h.float_edge(right));
}

/// [-t, t], then cut to the numbers seen, so that it need not be symmetric in the end.
///
/// Source: the same with symmetric=True, which is ONNX Runtime's default.
/// \param h  bins of the magnitudes; h.seen of the numbers with their signs.
inline result<range> try_range_percentile_onnxruntime_symmetric(const binned& h, double percent) noexcept {
  constexpr const char* what = "range_percentile_onnxruntime_symmetric";
  if (const auto ok = check_binned(what, h); !ok) return ok.error();
  if (const auto ok = detail::check_percentile(what, percent); !ok) return ok.error();
  const default_float_environment environment;
  const float t = h.float_edge(detail::first_to_reach(h, detail::opaque(detail::opaque(percent) / 100.0)));
  return detail::clipped_to(h.seen, -t, t);
}

/// [-t, t].
///
/// Source: modelopt/torch/quantization/calib/histogram.py, _compute_amax_percentile; its default is 99.99.
/// \param h  bins of the magnitudes.
inline result<range> try_range_percentile_tensorrt(const binned& h, double percent) noexcept {
  constexpr const char* what = "range_percentile_tensorrt";
  if (const auto ok = check_binned(what, h); !ok) return ok.error();
  if (const auto ok = detail::check_percentile(what, percent); !ok) return ok.error();
  const default_float_environment environment;
  const float t = h.float_edge(detail::first_to_reach(h, detail::opaque(detail::opaque(percent) / 100.0)));
  return range{-t, t};
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where the try_ functions refuse.
inline range range_percentile_onnxruntime(const binned& h, double percent) {
  return try_range_percentile_onnxruntime(h, percent).value();
}
inline range range_percentile_onnxruntime_symmetric(const binned& h, double percent) {
  return try_range_percentile_onnxruntime_symmetric(h, percent).value();
}
inline range range_percentile_tensorrt(const binned& h, double percent) {
  return try_range_percentile_tensorrt(h, percent).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
