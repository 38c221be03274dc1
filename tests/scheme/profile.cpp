// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <dyadic/scheme/choose.hpp>
#include <dyadic/scheme/profile.hpp>

namespace profile_test {

using namespace dyadic;

// The table at the top of the header, line by line.
static_assert(onnx_profile == profile{}, "ONNX is the default");
static_assert(onnx_profile.ties == rounding::half_even && tflite_profile.ties == rounding::half_away &&
              pytorch_profile.ties == rounding::half_even);
static_assert(onnx_profile.units == scaling::divide && tflite_profile.units == scaling::divide &&
              pytorch_profile.units == scaling::reciprocal);
static_assert(onnx_profile.zero_point == zero_point_added::after_rounding &&
              tflite_profile.zero_point == zero_point_added::after_rounding &&
              pytorch_profile.zero_point == zero_point_added::after_rounding);
static_assert(onnx_profile.divisor == symmetric_divisor::qmax && tflite_profile.divisor == symmetric_divisor::qmax &&
              pytorch_profile.divisor == symmetric_divisor::half_span);
static_assert(onnx_profile.zero_point_from == zero_point_rule::clip_then_round &&
              tflite_profile.zero_point_from == zero_point_rule::nearer_end &&
              pytorch_profile.zero_point_from == zero_point_rule::round_then_clip);
static_assert(onnx_profile.zero_point_ties == rounding::half_even &&
              tflite_profile.zero_point_ties == rounding::half_away &&
              pytorch_profile.zero_point_ties == rounding::half_even);
static_assert(onnx_profile.arithmetic == range_arithmetic::in_float &&
              tflite_profile.arithmetic == range_arithmetic::in_double &&
              pytorch_profile.arithmetic == range_arithmetic::in_float);

// The others differ from one of those in what their comments name.
static_assert(onnxruntime_profile.arithmetic == range_arithmetic::in_double_from_float_span);
static_assert(tflite_dynamic_profile.ties == rounding::half_away &&
              tflite_dynamic_profile.units == scaling::reciprocal &&
              tflite_dynamic_profile.zero_point == zero_point_added::before_rounding &&
              tflite_dynamic_profile.zero_point_from == tflite_profile.zero_point_from);
static_assert(tensorrt_profile.units == scaling::divide && tensorrt_profile.ties == rounding::half_even &&
              tensorrt_profile.divisor == symmetric_divisor::qmax && tensorrt_profile.negligible_exponent == -24);
static_assert(openvino_profile.units == scaling::divide && openvino_profile.ties == rounding::half_even &&
              openvino_profile.zero_point == zero_point_added::before_rounding &&
              openvino_profile.smallest_scale_exponent == -23);
static_assert(ggml_profile.ties == rounding::half_away && ggml_profile.units == scaling::reciprocal &&
              ggml_profile.divisor == symmetric_divisor::qmax);
static_assert(ggml_q4_0_profile.ties == rounding::half_up && ggml_q4_0_profile.divisor == symmetric_divisor::qmin &&
              ggml_q4_0_profile.zero_point == zero_point_added::before_rounding);
static_assert(!takes(tensorrt_profile, u8_per_tensor) && !takes(ggml_profile, u4_per_row) &&
              takes(tensorrt_profile, s8_per_row) && takes(onnx_profile, u8_per_tensor));

/// A profile of one's own is a constant, and both a template argument and a value.
constexpr profile own{
    .ties = rounding::half_up, .smallest_scale_exponent = -10, .degenerate = degenerate_rule::smallest_scale};

TEST(Profile, MayBeOnesOwn) {
  EXPECT_EQ((choose<u8_per_tensor, own>({0.0F, 1e-6F})), choose(u8_per_tensor, own, {0.0F, 1e-6F}));
  EXPECT_EQ((choose<u8_per_tensor, own>({0.0F, 1e-6F})), (chosen{0x1p-10F, 0, true}));
  EXPECT_EQ((choose<u8_per_tensor, own>({-1.0F, 1.0F})), choose<u8_per_tensor>({-1.0F, 1.0F}));
  EXPECT_FALSE(own == onnx_profile);
}

}  // namespace profile_test
