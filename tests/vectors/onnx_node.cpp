// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The official ONNX node tests of the quantization operators, newest opset, bit exact; and the blocked forms of 4-bit
// codes, of which there are none, against the operator's definition.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <random>
#include <set>

#include "support/onnx_operators.hpp"

namespace onnx_node_test {

using namespace dyadic;
using support::outcome;
using support::vector_case;

std::string op_of(const vector_case& c) {
  std::string op = c.attributes.at("op");
  std::erase(op, '"');
  return op;
}

void print(const std::string& op, const char* dialect, const outcome& n) {
  std::printf("[vectors] %s %s: tried %lld, equal %lld\n", op.c_str(), dialect, static_cast<long long>(n.tried),
              static_cast<long long>(n.equal));
}

TEST(OnnxNode, EveryCaseOfIntegers) {
  const support::vector_cases all = support::load_vectors("onnx_node");
  if (all.empty()) GTEST_SKIP() << "no onnx_node.idx in " << support::vectors_folder();
  std::map<std::string, outcome> found;
  std::map<std::string, int> cases;
  for (const auto& [name, c] : all) {
    SCOPED_TRACE(name);
    const auto n = support::run_onnx(c);
    if (!n) continue;
    EXPECT_GT(n->tried, 0);
    EXPECT_EQ(n->equal, n->tried);
    found[op_of(c)] += *n;
    ++cases[op_of(c)];
  }
  for (const auto& [op, n] : found) print(op, "onnx", n);
  const std::map<std::string, int> expected{{"Cast", 4},
                                            {"CastLike", 4},
                                            {"ConvInteger", 2},
                                            {"MatMulInteger", 1},
                                            {"QLinearConv", 1},
                                            {"QLinearMatMul", 8},
                                            {"QuantizeLinear", 10},
                                            {"DequantizeLinear", 9},
                                            {"DynamicQuantizeLinear", 3}};
  EXPECT_EQ(cases, expected);
}

/// A new case of an operator the library has must run above, or be named here with the reason it does not.
TEST(OnnxNode, LeavesOutWhatIsNotOfIntegers) {
  const support::vector_cases all = support::load_vectors("onnx_node");
  if (all.empty()) GTEST_SKIP() << "no onnx_node.idx in " << support::vectors_folder();
  const std::set<std::string> small_floats{"float4e2m1", "e4m3fn", "e5m2"};
  for (const auto& [name, c] : all) {
    if (op_of(c).find("Cast") == 0 || support::run_onnx(c)) continue;
    bool known = false;
    for (const std::string& format : small_floats) known = known || name.find(format) != std::string::npos;
    EXPECT_TRUE(known) << name;
  }
}

/// QuantizeLinear-25 with block_size, from onnx/defs/quantization/defs.cc: scale and zero point of element (o, n, i)
/// are those of (o, n / block_size, i); y = saturate(round_half_even(x / scale) + zero_point). DequantizeLinear
/// reverses it.
TEST(OnnxNode, BlockedFormsOfFewBitsByDefinition) {
  struct format {
    const char* type;
    int bits;
    bool is_signed;
  };
  std::mt19937_64 random(1);
  outcome quantized, dequantized;
  for (const format f : {format{"int4", 4, true},
                         {"uint4", 4, false},
                         {"int2", 2, true},
                         {"uint2", 2, false},
                         {"int8", 8, true},
                         {"uint8", 8, false},
                         {"int16", 16, true},
                         {"uint16", 16, false}})
    for (const index_t block : {2, 3, 16})
      for (const index_t axis : {0, 1, 2, -1, -2}) {
        std::vector<index_t> shape{3, 2, 5};
        const auto at = static_cast<std::size_t>(axis < 0 ? axis + 3 : axis);
        shape[at] = block * 3;
        const index_t outer = support::size_of(shape, 0, at), inner = support::size_of(shape, at + 1);
        const int qmin = f.is_signed ? -(1 << (f.bits - 1)) : 0, qmax = qmin + (1 << f.bits) - 1;
        std::vector<float> x, scales, reals;
        std::vector<std::int32_t> zeros, codes;
        for (index_t s = 0; s < outer * 3 * inner; ++s) {
          scales.push_back(static_cast<float>(1 + random() % 64) * 0x1p-5F);
          zeros.push_back(qmin + static_cast<int>(random() % static_cast<unsigned>(qmax - qmin + 1)));
        }
        for (index_t o = 0; o < outer; ++o)
          for (index_t n = 0; n < shape[at]; ++n)
            for (index_t i = 0; i < inner; ++i) {
              const auto s = static_cast<std::size_t>((o * 3 + n / block) * inner + i);
              const int code = qmin - 2 + static_cast<int>(random() % static_cast<unsigned>(qmax - qmin + 5));
              const float half = random() % 3 == 0 ? 0.5F : 0.0F;  // scales are dyadic: ties are exact
              x.push_back((static_cast<float>(code - zeros[s]) + half) * scales[s]);
              const double y =
                  std::nearbyint(static_cast<double>(x.back()) / static_cast<double>(scales[s])) + zeros[s];
              codes.push_back(static_cast<std::int32_t>(std::min<double>(std::max<double>(y, qmin), qmax)));
              reals.push_back(static_cast<float>((codes.back() - zeros[s]) * static_cast<double>(scales[s])));
            }
        const auto put = [&](vector_case& c, const char* name, const auto& values, const char* type,
                             std::vector<index_t> dims) {
          support::tensor& t = c.tensors[name];
          t.type = type;
          t.shape = std::move(dims);
          t.bytes.assign(reinterpret_cast<const std::uint8_t*>(values.data()),
                         reinterpret_cast<const std::uint8_t*>(values.data() + values.size()));
        };
        const auto packed = [&](const std::vector<std::int32_t>& values) {  // the first element in the low bits
          std::vector<std::uint8_t> bytes((values.size() * static_cast<std::size_t>(f.bits) + 7) / 8);
          for (std::size_t e = 0; e < values.size(); ++e)
            for (int bit = 0; bit < f.bits; ++bit) {
              const std::size_t place = e * static_cast<std::size_t>(f.bits) + static_cast<std::size_t>(bit);
              bytes[place / 8] |= static_cast<std::uint8_t>((values[e] >> bit & 1) << (place % 8));
            }
          return bytes;
        };
        std::vector<index_t> blocks = shape;
        blocks[at] = 3;
        vector_case q, d;
        for (vector_case* c : {&q, &d}) {
          c->attributes = {{"attr_axis", std::to_string(axis)}, {"attr_block_size", std::to_string(block)}};
          put(*c, "input_1", scales, "float32", blocks);
          put(*c, "input_2", packed(zeros), f.type, blocks);
        }
        put(q, "input_0", x, "float32", shape);
        put(q, "output_0", packed(codes), f.type, shape);
        put(d, "input_0", packed(codes), f.type, shape);
        put(d, "output_0", reals, "float32", shape);
        quantized += support::run_quantize_linear(q).value();
        dequantized += support::run_dequantize_linear(d).value();
      }
  print("QuantizeLinear blocked", "onnx (by definition)", quantized);
  print("DequantizeLinear blocked", "onnx (by definition)", dequantized);
  EXPECT_GT(quantized.tried, 10'000);
  EXPECT_EQ(quantized.equal, quantized.tried);
  EXPECT_EQ(dequantized.equal, dequantized.tried);
}

}  // namespace onnx_node_test
