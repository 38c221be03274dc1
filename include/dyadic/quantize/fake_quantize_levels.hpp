// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// fake_quantize_levels: OpenVINO's FakeQuantize, which is given by the ends of two ranges and a number of levels.
//
//   x <= low of in  -> low of out          in between -> rint((x - in.lo) / (in.hi - in.lo) * (levels - 1))
//   x >  high of in -> high of out                         / (levels - 1) * (out.hi - out.lo) + out.lo
//
// Each operation is rounded to float in this order, as in openvino/reference/fake_quantize.hpp (quantize): no scale and
// zero point give the same bits, since the zero point enters before a division. Either range may be reversed; low and
// high above are then its smaller and its larger end, while in.lo still belongs to out.lo.
#pragma once

#include <dyadic/calibrate/runs.hpp>
#include <dyadic/core/float_environment.hpp>
#include <dyadic/quantize/dequantize.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Ends in, ends out, and how many equally spaced numbers, ends included, remain.
struct level_mapping {
  float in_lo = 0.0f, in_hi = 0.0f;
  float out_lo = 0.0f, out_hi = 0.0f;
  int levels = 256;
  friend constexpr bool operator==(const level_mapping&, const level_mapping&) = default;
};

/// Refuses ends that are not finite, ranges whose length is not, and fewer than 2 or more than 65536 levels.
inline result<void> check_mapping(const level_mapping& m, index_t at) noexcept {
  if (m.levels < 2 || m.levels > 65536)
    return failure(errc::invalid_scheme, "fake_quantize: mapping {} has {} levels, expected 2 to 65536", at, m.levels);
  const float in = m.in_hi - m.in_lo, out = m.out_hi - m.out_lo;
  if (!(in - in == 0.0f && out - out == 0.0f))
    return failure(errc::invalid_range, "fake_quantize: mapping {} is [{}, {}] -> [{}, {}], expected finite lengths",
                   at, static_cast<double>(m.in_lo), static_cast<double>(m.in_hi), static_cast<double>(m.out_lo),
                   static_cast<double>(m.out_hi));
  return {};
}

/// The level of a real, as a real; NaN stays NaN.
constexpr float fake_quantize_level_one(float x, const level_mapping& m) noexcept {
  const float low = m.in_lo < m.in_hi ? m.in_lo : m.in_hi, high = m.in_lo < m.in_hi ? m.in_hi : m.in_lo;
  if (x <= low) return m.out_lo;
  if (x > high) return m.out_hi;
  const auto steps = static_cast<float>(m.levels - 1);
  const float level = round<rounding::half_even>(detail::opaque((x - m.in_lo) / (m.in_hi - m.in_lo) * steps));
  return detail::opaque(level / steps * (m.out_hi - m.out_lo)) + m.out_lo;
}

/// Writes the level of every number of x.
/// \param x         (rows, cols) float, any layout.
/// \param mappings  one, or one a row.
/// \param out       (rows, cols): x itself, or apart from it; errc::overlap otherwise.
template <real_matrix M, writable_matrix Out>
result<void> try_fake_quantize_levels(const M& x, std::span<const level_mapping> mappings, Out&& out) noexcept {
  const strided<const float> from(x);
  const strided<float> to(out);
  if (const auto ok = check_view("fake_quantize: x", from); !ok) return ok.error();
  if (const auto ok = check_view("fake_quantize: output", to); !ok) return ok.error();
  if (to.rows() != from.rows() || to.cols() != from.cols())
    return failure(errc::invalid_shape, "fake_quantize: output is {} x {}, expected {} x {}", to.rows(), to.cols(),
                   from.rows(), from.cols());
  const auto count = static_cast<index_t>(mappings.size());
  if (count != 1 && count != from.rows())
    return failure(errc::invalid_shape, "fake_quantize: {} mappings for {} rows, expected 1 or {}", count, from.rows(),
                   from.rows());
  for (index_t i = 0; i < count; ++i)
    if (const auto ok = check_mapping(mappings[static_cast<std::size_t>(i)], i); !ok) return ok.error();
  const bool in_place =
      to.data() == from.data() && to.row_stride() == from.row_stride() && to.col_stride() == from.col_stride();
  if (!in_place && bytes_of(from).overlaps(bytes_of(to)))
    return failure(errc::overlap, "fake_quantize: the output overlaps the input without being the same matrix");
  const default_float_environment environment;
  for (index_t i = 0; i < from.rows(); ++i) {
    const level_mapping& m = mappings[static_cast<std::size_t>(count == 1 ? 0 : i)];
    for (index_t j = 0; j < from.cols(); ++j)
      to(i, j) = detail::opaque(fake_quantize_level_one(detail::opaque(from(i, j)), m));
  }
  return {};
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where try_fake_quantize_levels refuses.
template <real_matrix M, writable_matrix Out>
void fake_quantize_levels(const M& x, std::span<const level_mapping> mappings, Out&& out) {
  try_fake_quantize_levels(x, mappings, out).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
