// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Stochastic rounding: up with the probability of the fraction, so that codes are right on average.
//
//   code = floor(x / scale + r) + zero_point,  r uniform in [0, 1), a multiple of 2^-32
//
// The mean of the error is 0 for every x in range, where rounding to nearest is off by up to half a step and always to
// the same side; the price is twice the noise, step^2 / 6 rather than step^2 / 12 (3.01 dB). r is a function of a seed
// and the place of the number (fixed_point/philox.hpp), so threads, splits and order do not matter.
#pragma once

#include <dyadic/fixed_point/philox.hpp>
#include <dyadic/quantize/quantize.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The code of a real, rounded down after adding random / 2^32.
///
/// x / scale (or x times the reciprocal, as P says) is rounded to float, the sum to double; nothing else rounds. A
/// number on a code keeps that code whatever the random word: the sum is below the next integer.
/// \param random  all 2^32 values equally likely.
/// \param x, scale, zero_point, qmin, qmax  as quantize_one.
template <profile P = onnx_profile>
constexpr int quantize_stochastic_one(float x, float scale, int zero_point, int qmin, int qmax,
                                      std::uint32_t random) noexcept {
  const float units = P.units == scaling::divide ? x / scale : detail::opaque(x * (1.0f / scale));
  const double sum = static_cast<double>(units) + static_cast<double>(random) * 0x1p-32;  // the product is exact
  const int lo = qmin - zero_point, hi = qmax - zero_point;
  const int whole = to_integer(sum, lo, hi, 0);  // towards zero; NaN is no code and becomes the zero point
  const int floor = whole - (static_cast<double>(whole) > sum ? 1 : 0);
  return zero_point + clamp(floor, lo, hi);
}

/// Which random words a matrix takes: element (i, j) word first + i * pitch + j of the sequence of the seed.
///
/// A part of a matrix gets the words it would get in the whole: rows from i0 on have first = i0 * cols, a block of
/// columns from j0 on first = j0 and pitch = cols of the whole.
struct rounding_stream {
  std::uint64_t seed = 0;
  std::uint64_t first = 0;
  index_t pitch = 0;  ///< words from a row to the next; 0 for as many as the matrix has columns
};

namespace detail {

template <scheme S, profile P>
clip_count quantize_rows_stochastic(const strided<const float>& x, const params<S>& p, const rounding_stream& stream,
                                    std::uint8_t* bytes, index_t row_stride) {
  const default_float_environment environment;
  const index_t pitch = stream.pitch == 0 ? x.cols() : stream.pitch;
  philox_words random(stream.seed);
  clip_count clipped;
  for (index_t i = 0; i < x.rows(); ++i) {
    std::uint8_t* row = bytes + i * row_stride;
    if (S.two_per_byte() && x.cols() % 2 != 0) row[x.cols() / 2] = 0;
    for (index_t j = 0; j < x.cols(); ++j) {
      const float number = opaque(x(i, j));
      const index_t at = params_index(S, x.cols(), i, j);
      const std::uint64_t word = stream.first + static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(pitch) +
                                 static_cast<std::uint64_t>(j);
      // One code wider on both sides, so that saturation shows.
      const int zero = p.zero_point(at);
      const int code =
          quantize_stochastic_one<P>(number, opaque(p.scale(at)), zero, S.qmin() - 1, S.qmax() + 1, random(word));
      clipped.nan += number != number ? 1 : 0;
      clipped.low += code < S.qmin() ? 1 : 0;
      clipped.high += code > S.qmax() ? 1 : 0;
      store_code<S>(row, j, clamp(code, S.qmin(), S.qmax()));
    }
  }
  clipped.total = x.rows() * x.cols();
  return clipped;
}

}  // namespace detail

/// Codes of x with given params, stochastically rounded.
/// \param x       (rows, cols) float, any layout; NaN -> zero_point, infinities and far numbers saturate.
/// \param p       params_count(S, rows, cols) scales; errc::invalid_shape or invalid_group if they do not fit x.
/// \param stream  pitch >= cols, or 0; errc::invalid_shape otherwise, for two rows would share words.
template <scheme S, profile P = onnx_profile, real_matrix M>
result<quantized<S>> try_quantize_stochastic(const M& x, params<S> p, const rounding_stream& stream) {
  const strided<const float> view(x);
  if (const auto ok = detail::check_source(view, p); !ok) return ok.error();
  if (stream.pitch != 0 && stream.pitch < view.cols())
    return failure(errc::invalid_shape,
                   "quantize_stochastic: {} random words a row of {} numbers, expected 0 or at least as many",
                   stream.pitch, view.cols());
  result<quantized<S>> made = quantized<S>::try_make(view.rows(), view.cols(), std::move(p));
  if (made)
    made->set_clipped(
        detail::quantize_rows_stochastic<S, P>(view, made->params(), stream, made->bytes(), row_bytes(S, view.cols())));
  return made;
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument where try_quantize_stochastic refuses.
template <scheme S, profile P = onnx_profile, real_matrix M>
quantized<S> quantize_stochastic(const M& x, params<S> p, const rounding_stream& stream) {
  return try_quantize_stochastic<S, P>(x, std::move(p), stream).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
