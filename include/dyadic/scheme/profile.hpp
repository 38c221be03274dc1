// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// profile: whose arithmetic. Frameworks agree on value = scale * (code - zero_point) and differ in the last bit of all
// else.
//
// A profile names every such difference, so that a model quantized elsewhere gets its own codes here. It is a
// structural type like scheme: a template argument where it shapes a loop, a run-time value where a range is turned
// into params.
//
//                     onnx_profile            tflite_profile          pytorch_profile
//   codes             rint(x / s) + z         round(x / s) + z        rint(x * (1 / s)) + z
//   symmetric scale   absmax / 127            absmax / 127            absmax / 127.5
//   zero point        rint(clip(qmin - lo/s)) round(nearer end)       qmin - rint(lo / s), clipped
//   computed in       float                   double                  float
//   range of nothing  scale 1                 scale 1                 scale 2^-23
//
// (127 and 127.5 are qmax and half of qmax - qmin for 8 bits; rint is half to even, round is half away from zero.)
#pragma once

#include <dyadic/fixed_point/rounding.hpp>

namespace dyadic::inline DYADIC_ABI {

/// How a real is brought to units of the scale.
///
/// Both are rounded to float, and the results differ: x = 0.273939937f with scale 0.00214854861f gives 127.499992
/// divided and 127.5 multiplied by the reciprocal, hence 127 and 128 (the example is FBGEMM's, in QuantUtils.h).
enum class scaling : unsigned char {
  divide,      ///< x / scale
  reciprocal,  ///< x * (1 / scale), the reciprocal rounded to float first
};

/// Where the zero point enters. Under half-even ties an odd zero point added before the rounding flips every tie.
enum class zero_point_added : unsigned char {
  after_rounding,   ///< round(u) + zero_point
  before_rounding,  ///< round(u + zero_point), the sum rounded to float
};

/// What the largest magnitude of a symmetric scheme is divided by.
enum class symmetric_divisor : unsigned char {
  qmax,       ///< codes above the zero: 127 for 8 bits, so that +absmax is a code
  half_span,  ///< (qmax - qmin) / 2: 127.5 for s8, so that +absmax saturates by half a step
};

/// How the real zero point of a range [lo, hi] becomes a code.
enum class zero_point_rule : unsigned char {
  clip_then_round,  ///< round(clip(qmin - lo / scale))
  round_then_clip,  ///< clip(qmin - round(lo / scale))
  nearer_end,       ///< round(clip(e)), e from the end of the range whose terms are the smaller in magnitude
};

/// The format in which scale and zero point are computed; the scale is stored as float either way.
enum class range_arithmetic : unsigned char { in_float, in_double };

/// What a range gives that is too small for a scale.
enum class degenerate_rule : unsigned char {
  unit_scale,      ///< scale 1 and the code nearest 0 as zero point: every x of the range becomes a real zero
  smallest_scale,  ///< the smallest scale, and the zero point that follows from it
};

struct profile {
  rounding ties = rounding::half_even;
  scaling units = scaling::divide;
  zero_point_added zero_point = zero_point_added::after_rounding;

  symmetric_divisor divisor = symmetric_divisor::qmax;
  zero_point_rule zero_point_from = zero_point_rule::clip_then_round;
  rounding zero_point_ties = rounding::half_even;
  range_arithmetic arithmetic = range_arithmetic::in_float;
  int smallest_scale_exponent = -126;  ///< the smallest scale is 2 to this power; in [-126, 126]
  degenerate_rule degenerate = degenerate_rule::unit_scale;

  friend constexpr bool operator==(const profile&, const profile&) = default;
};

/// ONNX and ONNX Runtime; the default of the library.
///
/// Codes: QuantizeLinear-25 (onnx/defs/quantization/defs.cc), saturate(rint(x / y_scale) + y_zero_point).
/// Ranges: DynamicQuantizeLinear-11, and ONNX Runtime's GetQuantizationParameter (core/util/qmath.h), whose scale is 1
/// for an all-zero input; scales below the smallest normal float become 1 with zero point 0 as in compute_scale_zp
/// (python/tools/quantization/quant_utils.py).
inline constexpr profile onnx_profile{};

/// TensorFlow Lite / LiteRT.
///
/// Codes: AffineQuantize (kernels/internal/reference/quantize.h), TfLiteRound(x / scale) + zero_point.
/// Ranges: ChooseQuantizationParams (kernels/internal/quantization_util.h), in double. For an all-zero range it returns
/// scale 0, which nothing can divide by; scale 1 with zero point 0 is what SymmetricQuantizeFloats and
/// BatchQuantizeFloats return.
inline constexpr profile tflite_profile{.ties = rounding::half_away,
                                        .zero_point_from = zero_point_rule::nearer_end,
                                        .zero_point_ties = rounding::half_away,
                                        .arithmetic = range_arithmetic::in_double};

/// PyTorch: torch/ao/quantization/observer.py for ranges (_calculate_qparams; eps = 2^-23 is the smallest scale),
/// FBGEMM's Quantize and fake_quantize_per_tensor_affine for codes.
inline constexpr profile pytorch_profile{.units = scaling::reciprocal,
                                         .divisor = symmetric_divisor::half_span,
                                         .zero_point_from = zero_point_rule::round_then_clip,
                                         .smallest_scale_exponent = -23,
                                         .degenerate = degenerate_rule::smallest_scale};

}  // namespace dyadic::inline DYADIC_ABI
