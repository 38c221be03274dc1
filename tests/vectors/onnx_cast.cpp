// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The official ONNX node tests of the small formats, bit exact: every Cast and CastLike to or from fp8, fp4, e8m0, int4
// and int2, and QuantizeLinear and DequantizeLinear of fp8 and fp4.
#include <gtest/gtest.h>

#include <cstdio>
#include <functional>
#include <set>

#include <dyadic/fixed_point/e8m0.hpp>
#include <dyadic/fixed_point/float4.hpp>
#include <dyadic/fixed_point/half.hpp>
#include <dyadic/fixed_point/int2.hpp>
#include <dyadic/fixed_point/int4.hpp>
#include <dyadic/fixed_point/saturate.hpp>
#include <dyadic/quantize/blocks/fp8.hpp>

#include "support/vectors.hpp"

namespace onnx_cast_test {

using namespace dyadic;
using support::tensor;
using support::vector_case;

/// How the elements of a type are read as floats, all exactly, and written from floats.
struct element_type {
  std::function<float(const std::uint8_t*, index_t)> load;
  std::function<void(std::uint8_t*, index_t, float)> store;
};

template <class T>
T at(const std::uint8_t* bytes, index_t i) {
  T x;
  std::memcpy(&x, bytes + i * static_cast<index_t>(sizeof(T)), sizeof(T));
  return x;
}
template <class T>
void put(std::uint8_t* bytes, index_t i, T x) {
  std::memcpy(bytes + i * static_cast<index_t>(sizeof(T)), &x, sizeof(T));
}

template <class Small>
element_type small_float(overflow rule) {
  return {[](const std::uint8_t* b, index_t i) { return to_float(Small{b[i]}); },
          [rule](std::uint8_t* b, index_t i, float x) { b[i] = small_float_from<Small>(x, rule).bits; }};
}

/// A cast of a number to an integer cuts it and keeps the low bits.
int whole(float x) { return to_integer<int>(x, -1000, 1000, 0); }

element_type element_of(const std::string& type, overflow rule, power_rounding how) {
  using bytes = const std::uint8_t*;
  if (type == "float32") return {at<float>, put<float>};
  if (type == "float16")
    return {[](bytes b, index_t i) { return to_float(at<half>(b, i)); },
            [](std::uint8_t* b, index_t i, float x) { put(b, i, half_from(x)); }};
  if (type == "f8e4m3fn") return small_float<float8_e4m3fn>(rule);
  if (type == "f8e5m2") return small_float<float8_e5m2>(rule);
  if (type == "f8e4m3fnuz") return small_float<float8_e4m3fnuz>(rule);
  if (type == "f8e5m2fnuz") return small_float<float8_e5m2fnuz>(rule);
  if (type == "f8e8m0")
    return {[](bytes b, index_t i) { return to_float(float8_e8m0{b[i]}); },
            [=](std::uint8_t* b, index_t i, float x) { b[i] = e8m0_from(x, how, rule).bits; }};
  if (type == "f4e2m1-packed")
    return {[](bytes b, index_t i) { return to_float(float4_e2m1{static_cast<std::uint8_t>(load_u4(b, i))}); },
            [](std::uint8_t* b, index_t i, float x) { store4(b, i, small_float_from<float4_e2m1>(x).bits); }};
  const auto store_4 = [](std::uint8_t* b, index_t i, float x) { store4(b, i, whole(x)); };
  const auto store_2 = [](std::uint8_t* b, index_t i, float x) { store2(b, i, whole(x)); };
  const auto store_8 = [](std::uint8_t* b, index_t i, float x) { b[i] = static_cast<std::uint8_t>(whole(x)); };
  if (type == "int4-packed") return {[](bytes b, index_t i) { return static_cast<float>(load_s4(b, i)); }, store_4};
  if (type == "uint4-packed") return {[](bytes b, index_t i) { return static_cast<float>(load_u4(b, i)); }, store_4};
  if (type == "int2-packed") return {[](bytes b, index_t i) { return static_cast<float>(load_s2(b, i)); }, store_2};
  if (type == "uint2-packed") return {[](bytes b, index_t i) { return static_cast<float>(load_u2(b, i)); }, store_2};
  if (type == "int8" || type == "uint8") return {{}, store_8};
  ADD_FAILURE() << "no such element type here: " << type;
  return {};
}

/// The number of elements that "[3,5]" says.
index_t count_of(const std::string& shape) {
  index_t n = 1;
  std::istringstream numbers(shape.substr(1));
  for (index_t d = 0; numbers >> d; numbers.ignore()) n *= d;
  return n;
}

std::string attribute(const vector_case& c, const std::string& name, const std::string& otherwise) {
  const auto found = c.attributes.find(name);
  return found == c.attributes.end() ? otherwise : found->second;
}

class OnnxCast : public testing::Test {
 protected:
  void SetUp() override {
    all = support::load_vectors("onnx_node");
    if (all.empty()) GTEST_SKIP() << "no onnx_node.idx in " << support::vectors_folder();
  }
  void tell(const char* operation) const {
    std::printf("[vectors] %s onnx: tried %d, equal %d\n", operation, tried, equal);
    EXPECT_EQ(equal, tried);
  }
  void judge(const std::string& name, const tensor& output, const std::vector<std::uint8_t>& ours) {
    ++tried;
    equal += ours == output.bytes;
    EXPECT_EQ(ours, output.bytes) << name;
  }

  support::vector_cases all;
  int tried = 0, equal = 0;
};

TEST_F(OnnxCast, CastAndCastLike) {
  for (const auto& [name, c] : all) {
    const std::string op = c.attributes.at("op");
    if (op != "\"Cast\"" && op != "\"CastLike\"") continue;
    const overflow rule = attribute(c, "attr_saturate", "1") == "0" ? overflow::special : overflow::saturate;
    const std::string mode = attribute(c, "attr_round_mode", "\"up\"");
    const power_rounding how = mode == "\"down\""      ? power_rounding::down
                               : mode == "\"nearest\"" ? power_rounding::nearest
                                                       : power_rounding::up;
    const tensor &x = c["input_0"], &y = c["output_0"];
    const element_type from = element_of(x.type, rule, how), to = element_of(y.type, rule, how);
    std::vector<std::uint8_t> ours(y.bytes.size());
    for (index_t i = 0; i < count_of(c.attributes.at("shape_output_0")); ++i)
      to.store(ours.data(), i, from.load(x.bytes.data(), i));
    judge(name, y, ours);
  }
  EXPECT_EQ(tried, 72);
  tell("Cast, CastLike");
}

/// QuantizeLinear to a floating-point format casts x / scale + zero_point. The zero point is zero, and not without
/// effect: a negative zero becomes a positive one.
TEST_F(OnnxCast, QuantizeLinear) {
  for (const char* name :
       {"test_quantizelinear_e4m3fn", "test_quantizelinear_e5m2", "test_quantizelinear_float4e2m1"}) {
    const vector_case& c = all.at(name);
    const tensor &x = c["input_0"], &y = c["output_0"];
    const std::vector<float> numbers = x.as<float>(), scales = c["input_1"].as<float>();
    const element_type to = element_of(y.type, overflow::saturate, power_rounding::up);
    const std::size_t run = numbers.size() / scales.size();
    const float zero = to.load(c["input_2"].bytes.data(), 0);
    std::vector<std::uint8_t> ours(y.bytes.size());
    for (std::size_t i = 0; i < numbers.size(); ++i)
      to.store(ours.data(), static_cast<index_t>(i), numbers[i] / scales[i / run] + zero);
    judge(name, y, ours);
    if (scales.size() > 1) continue;
    // The same by the block formats.
    const auto blocks = [&]<class F>(F) {
      std::vector<typename F::block> made(numbers.size());
      quantize_blocks<F>(numbers, std::span<typename F::block>(made), scales[0]);
      EXPECT_EQ(std::memcmp(made.data(), y.bytes.data(), made.size()), 0) << name;
    };
    if (y.type == "f8e4m3fn") blocks(fp8_e4m3{});
    if (y.type == "f8e5m2") blocks(fp8_e5m2{});
  }
  tell("QuantizeLinear fp8 fp4");
}

TEST_F(OnnxCast, DequantizeLinear) {
  for (const char* name :
       {"test_dequantizelinear_e4m3fn", "test_dequantizelinear_e4m3fn_float16",
        "test_dequantizelinear_e4m3fn_zero_point", "test_dequantizelinear_e5m2", "test_dequantizelinear_float4e2m1"}) {
    const vector_case& c = all.at(name);
    const tensor &x = c["input_0"], &s = c["input_1"], &y = c["output_0"];
    const auto load = [](const tensor& t, index_t i) {
      return element_of(t.type, overflow::saturate, power_rounding::up).load(t.bytes.data(), i);
    };
    std::vector<std::uint8_t> ours(y.bytes.size());
    const element_type to = element_of(y.type, overflow::saturate, power_rounding::up);
    for (index_t i = 0; i < y.count(); ++i) to.store(ours.data(), i, load(x, i) * load(s, 0));
    judge(name, y, ours);
  }
  tell("DequantizeLinear fp8 fp4");
}

/// A new node test of these formats must be added above.
TEST_F(OnnxCast, CoversEveryFloatingPointCase) {
  int linear = 0;
  for (const auto& [name, c] : all)
    for (const char* format : {"float4e2m1", "e4m3fn", "e5m2"})
      if (name.find("quantizelinear") != std::string::npos && name.find(format) != std::string::npos) ++linear;
  EXPECT_EQ(linear, 3 + 5);
}

}  // namespace onnx_cast_test
