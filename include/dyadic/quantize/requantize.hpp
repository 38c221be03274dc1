// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// requantize: from the int32 sums of a product to codes of up to 8 bits.
//
//   requantize_into<u8_per_tensor>(sums, {&multiplier, 1}, zero_point, codes);        // code = sum * multiplier + zero
//   requantize_into<s8_per_column>(sums, multipliers, 0, codes);                      // a multiplier a channel
//   requantize_into<s8_per_column>(sums, fixed, rescale::double_rounding, -3, codes); // TensorFlow Lite's integers
//
// The multiplier is x_scale * w_scale / y_scale. The granularity of the scheme says how many there are; the zero point
// of the output is one. A product of this library does the same on its way out (kernels/epilogue.hpp): this is for sums
// that come from elsewhere.
#pragma once

#include <dyadic/core/float_environment.hpp>
#include <dyadic/quantize/run.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Activations with a multiplier a channel, channels last.
inline constexpr scheme s8_per_column = s8_asymmetric_per_tensor.with(granularity::per_column);
inline constexpr scheme u8_per_column = u8_per_tensor.with(granularity::per_column);

namespace detail {

/// What every form refuses; `bytes` of codes are written for each row.
template <scheme S>
result<void> check_requantize(const strided<const std::int32_t>& sums, index_t multipliers, std::int32_t zero_point,
                              const strided<code_of<S>>& codes) noexcept {
  if (const auto ok = check_view("requantize: sums", sums); !ok) return ok.error();
  if (const auto ok = check_view("requantize: codes", codes); !ok) return ok.error();
  if (codes.rows() != sums.rows() || codes.cols() != sums.cols())
    return failure(errc::invalid_shape, "requantize: {} x {} codes for {} x {} sums", codes.rows(), codes.cols(),
                   sums.rows(), sums.cols());
  if (sums.col_stride() != 1 || codes.col_stride() != 1)
    return failure(errc::invalid_shape, "requantize: columns {} and {} elements apart, expected 1", sums.col_stride(),
                   codes.col_stride());
  if (const index_t expected = params_count(S, sums.rows(), sums.cols()); multipliers != expected)
    return failure(errc::invalid_shape, "requantize: {} multipliers for {} x {} sums, expected {}", multipliers,
                   sums.rows(), sums.cols(), expected);
  if (const auto ok = check_zero_point(S, zero_point, 0); !ok) return ok.error();
  if (bytes_of(sums).overlaps(bytes_of(codes)))
    return failure(errc::overlap, "requantize: the codes would overwrite the sums they are made from");
  return {};
}

template <profile P>
struct pick_sums {
  template <class Isa>
  static auto of() noexcept {
    return &simd::runs_of<Isa>::template sums<P>;
  }
};
template <profile P>
struct pick_each_sums {
  template <class Isa>
  static auto of() noexcept {
    return &simd::runs_of<Isa>::template each_sums<P>;
  }
};
template <rescale R>
struct pick_fixed_sums {
  template <class Isa>
  static auto of() noexcept {
    return &simd::runs_of<Isa>::template fixed_sums<R>;
  }
};

template <scheme S>
inline constexpr bool requantizes_to = S.bits <= 8 && !S.two_per_byte() && S.per != granularity::per_group;

}  // namespace detail

/// Codes of sums by real multipliers: requantize_one<P> of each.
/// \param sums         (rows, cols) int32, columns side by side.
/// \param multipliers  one, one a row or one a column, as S says; each in [2^-126, 2^126].
/// \param zero_point   of the codes, in [qmin, qmax].
/// \param codes        (rows, cols), columns side by side, apart from the sums.
template <scheme S, profile P = onnx_profile, matrix_like Sums, matrix_like Codes>
  requires(detail::requantizes_to<S>)
result<clip_count> try_requantize_into(const Sums& sums, std::span<const float> multipliers, std::int32_t zero_point,
                                       Codes&& codes) noexcept {
  const strided<const std::int32_t> x(sums);
  const strided<code_of<S>> y(codes);
  if (const auto ok = detail::check_requantize<S>(x, static_cast<index_t>(multipliers.size()), zero_point, y); !ok)
    return ok.error();
  for (std::size_t i = 0; i < multipliers.size(); ++i)
    if (!(multipliers[i] >= 0x1p-126f && multipliers[i] <= 0x1p126f))
      return failure(errc::invalid_scale, "requantize: multiplier {} is {}, expected a number in [2^-126, 2^126]", i,
                     static_cast<double>(multipliers[i]));
  const default_float_environment environment;
  clip_count clipped;
  clipped.total = x.rows() * x.cols();
  for (index_t i = 0; i < x.rows(); ++i) {
    auto* to = reinterpret_cast<std::uint8_t*>(y.row(i));
    if constexpr (S.per == granularity::per_column) {
      dispatched<detail::pick_each_sums<P>>()(
          x.row(i), x.cols(), {multipliers.data(), nullptr, zero_point, S.qmin(), S.qmax()}, to, clipped);
    } else {
      const float multiplier = multipliers[S.per == granularity::per_row ? static_cast<std::size_t>(i) : 0];
      dispatched<detail::pick_sums<P>>()(x.row(i), x.cols(), {multiplier, zero_point, S.qmin(), S.qmax()}, to, clipped);
    }
  }
  return clipped;
}

/// Codes of sums in integers only: saturate(apply<R>(multiplier, sum) + zero_point), as TensorFlow Lite's kernels do.
/// \param multipliers  as above; each valid().
/// \see   tflite/kernels/internal/common.cc, MultiplyByQuantizedMultiplier
template <scheme S, matrix_like Sums, matrix_like Codes>
  requires(detail::requantizes_to<S>)
result<clip_count> try_requantize_into(const Sums& sums, std::span<const multiplier> multipliers, rescale how,
                                       std::int32_t zero_point, Codes&& codes) noexcept {
  const strided<const std::int32_t> x(sums);
  const strided<code_of<S>> y(codes);
  if (const auto ok = detail::check_requantize<S>(x, static_cast<index_t>(multipliers.size()), zero_point, y); !ok)
    return ok.error();
  for (std::size_t i = 0; i < multipliers.size(); ++i)
    if (!multipliers[i].valid())
      return failure(errc::invalid_scale,
                     "requantize: multiplier {} is {} * 2^({} - 31), expected try_multiplier_from's", i,
                     multipliers[i].mantissa, multipliers[i].exponent);
  const auto run = how == rescale::double_rounding ? dispatched<detail::pick_fixed_sums<rescale::double_rounding>>()
                                                   : dispatched<detail::pick_fixed_sums<rescale::single_rounding>>();
  clip_count clipped;
  clipped.total = x.rows() * x.cols();
  // A stretch of columns at a time: their multipliers are taken apart once for all rows.
  constexpr index_t most = 4096;
  std::int32_t mantissas[most], exponents[most];
  for (index_t j = 0; j < x.cols(); j += most) {
    const index_t n = simd::smaller(most, x.cols() - j);
    simd::fixed_steps s{mantissas, exponents, S.per == granularity::per_column, true, zero_point, S.qmin(), S.qmax()};
    for (index_t i = 0; i < x.rows(); ++i) {
      if (i == 0 || S.per == granularity::per_row) {
        const index_t first = S.per == granularity::per_column ? j : S.per == granularity::per_row ? i : 0;
        s.below_one = true;
        for (index_t t = 0; t < (s.one_each ? n : 1); ++t) {
          const multiplier& m = multipliers[static_cast<std::size_t>(first + t)];
          mantissas[t] = m.mantissa, exponents[t] = m.exponent;
          s.below_one = s.below_one && m.exponent <= 0;
        }
      }
      run(x.row(i) + j, n, s, reinterpret_cast<std::uint8_t*>(y.row(i) + j), clipped);
    }
  }
  return clipped;
}

#if DYADIC_EXCEPTIONS
/// The throwing face: std::invalid_argument.
template <scheme S, profile P = onnx_profile, matrix_like Sums, matrix_like Codes>
  requires(detail::requantizes_to<S>)
clip_count requantize_into(const Sums& sums, std::span<const float> multipliers, std::int32_t zero_point,
                           Codes&& codes) {
  return try_requantize_into<S, P>(sums, multipliers, zero_point, codes).value();
}
template <scheme S, matrix_like Sums, matrix_like Codes>
  requires(detail::requantizes_to<S>)
clip_count requantize_into(const Sums& sums, std::span<const multiplier> multipliers, rescale how,
                           std::int32_t zero_point, Codes&& codes) {
  return try_requantize_into<S>(sums, multipliers, how, zero_point, codes).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
