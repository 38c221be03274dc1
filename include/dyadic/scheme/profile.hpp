// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// profile: whose arithmetic. Frameworks agree on value = scale * (code - zero_point) and differ in the last bit of all
// else.
//
// A profile names every such difference, so that a model quantized elsewhere gets its own codes here. It is a
// structural type like scheme: a template argument where it shapes a loop, a run-time value where a range is turned
// into params.
//
//                  codes                  symmetric      zero point                computed in nothing is
//   onnx           rint(x / s) + z        absmax / 127   rint(clip(qmin - lo / s)) float       scale < 2^-126: 1
//   onnxruntime    rint(x / s) + z        absmax / 127   rint(clip(qmin - lo / s)) double      scale < 2^-126: 1
//   tflite         round(x / s) + z       absmax / 127   round(nearer end)         double      scale < 2^-126: 1
//   tflite_dynamic round(x * r + z)       absmax / 127   round(nearer end)         double      scale < 2^-126: 1
//   pytorch        rint(x * r) + z        absmax / 127.5 clip(qmin - rint(lo / s)) float       s is >= 2^-23
//   tensorrt       rint(x / s)            absmax / 127   none                      float       absmax <= 2^-24: 1
//   openvino       rint(x / s + z)        absmax / 127   clip(qmin - rint(lo / s)) float       s is >= 2^-23
//   ggml           round(x * r)           absmax / 127   none                      float       scale < 2^-126: 1
//   ggml_q4_0      floor(x * r + z + 1/2) absmax / 8     none                      float       scale < 2^-126: 1
//
// s is the scale, z the zero point, r = 1 / s rounded to float; rint is half to even, round is half away from zero.
// 127, 127.5 and 8 are the codes above the zero of s8, half of its qmax - qmin, and the codes below the zero of s4.
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
  qmin,       ///< codes below the zero: 8 for s4, so that -absmax is a code and +absmax saturates by a whole step
};

/// How the real zero point of a range [lo, hi] becomes a code.
enum class zero_point_rule : unsigned char {
  clip_then_round,  ///< round(clip(qmin - lo / scale))
  round_then_clip,  ///< clip(qmin - round(lo / scale))
  nearer_end,       ///< round(clip(e)), e from the end of the range whose terms are the smaller in magnitude
  none,             ///< there is none: the profile takes symmetric schemes only
};

/// The format in which scale and zero point are computed; the scale is stored as float either way.
enum class range_arithmetic : unsigned char {
  in_float,
  in_double,
  in_double_from_float_span,  ///< in double, but for hi - lo, which is rounded to float
};

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
  int negligible_exponent = -150;  ///< magnitudes up to 2 to this power are a range of nothing; -150 is below them all

  friend constexpr bool operator==(const profile&, const profile&) = default;
};

/// ONNX, and ONNX Runtime's operators; the default of the library.
///
/// Codes: QuantizeLinear-25 (onnx/defs/quantization/defs.cc), saturate(rint(x / y_scale) + y_zero_point).
/// Ranges: DynamicQuantizeLinear-11, and ONNX Runtime's GetQuantizationParameter (core/util/qmath.h), whose scale is 1
/// for an all-zero input; scales below the smallest normal float become 1 with zero point 0 as in compute_scale_zp
/// (python/tools/quantization/quant_utils.py).
inline constexpr profile onnx_profile{};

/// ONNX Runtime's Python quantizer, for static parameters of activations and weights: compute_scale_zp
/// (python/tools/quantization/quant_utils.py) takes the span of two float32 ends and goes on in float64. Codes as ONNX.
///
/// Its symmetric uint8 uses the codes [0, 254] with zero point 127 (128 and [0, 255] before 1.17); that is an
/// asymmetric scheme here, with code_range{0, 254} and a range of equal ends.
inline constexpr profile onnxruntime_profile{.arithmetic = range_arithmetic::in_double_from_float_span};

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

/// TensorFlow Lite's dynamic-range ("hybrid") activations: PortableAsymmetricQuantizeFloats
/// (kernels/internal/reference/portable_tensor_utils.cc) rounds zero point and product together.
///
/// Its symmetric counterpart, PortableSymmetricQuantizeFloats, has the same scale, absmax / 127, but multiplies by
/// 127 / absmax where 1 / scale is written here: codes may differ where x / scale is a tie but for its last bits.
inline constexpr profile tflite_dynamic_profile{.ties = rounding::half_away,
                                                .units = scaling::reciprocal,
                                                .zero_point = zero_point_added::before_rounding,
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

/// TensorRT and ModelOpt: zero points do not exist, scales are > 0.
///
/// Codes: the operator IQuantizeLayer, roundTiesToEven(x / scale) clamped to [-128, 127]. Ranges: amax / 127, and scale
/// 1 for an amax of at most 2^-24 (_tensor_quant of pytorch_quantization/tensor_quant.py, later ModelOpt). That Python
/// code simulates with x * (127 / amax), which may differ where x / scale is a tie but for its last bits.
inline constexpr profile tensorrt_profile{.zero_point_from = zero_point_rule::none, .negligible_exponent = -24};

/// OpenVINO and NNCF, where their FakeQuantize is a scale and a zero point.
///
/// FakeQuantize rounds (x - low) / (high - low) * (levels - 1): the zero point is inside the rounding. Ranges as NNCF's
/// calculate_scale_zero_point (quantization/fake_quantize.py) reads low and high. NNCF first widens and moves them:
/// fake_quantize_range.hpp; the operator itself, whose order of roundings no scale can repeat, is
/// quantize/fake_quantize_levels.hpp.
inline constexpr profile openvino_profile{.zero_point = zero_point_added::before_rounding,
                                          .zero_point_from = zero_point_rule::round_then_clip,
                                          .smallest_scale_exponent = -23,
                                          .degenerate = degenerate_rule::smallest_scale};

/// ggml's 8-bit blocks: quantize_row_q8_0_ref (ggml-quants.c), roundf(x * (1 / d)), d = absmax / 127. An all-zero block
/// has d = 0 there and scale 1 here: the same codes.
inline constexpr profile ggml_profile{
    .ties = rounding::half_away, .units = scaling::reciprocal, .zero_point_from = zero_point_rule::none};

/// ggml's Q4_0: quantize_row_q4_0_ref, min(15, floor(x * (1 / d) + 8.5)), d = (the number of largest magnitude) / -8;
/// and ONNX Runtime's symmetric MatMulNBits, which shares d.
///
/// For unsigned symmetric schemes, as scheme{.bits = 4, .is_signed = false}, whose zero point 8 joins the sum as there.
/// d is negative when that number is positive, and a scale here is not: of a block whose extreme is positive, these are
/// the codes and the scale of -x.
inline constexpr profile ggml_q4_0_profile{.ties = rounding::half_up,
                                           .units = scaling::reciprocal,
                                           .zero_point = zero_point_added::before_rounding,
                                           .divisor = symmetric_divisor::qmin,
                                           .zero_point_from = zero_point_rule::none};

}  // namespace dyadic::inline DYADIC_ABI
