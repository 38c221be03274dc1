// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The official ONNX node tests of QuantizeLinear, DequantizeLinear and DynamicQuantizeLinear, bit exact.
#include <gtest/gtest.h>

#include <set>

#include <dyadic/quantize/dequantize.hpp>
#include <dyadic/quantize/quantize.hpp>

#include "support/vectors.hpp"

namespace onnx_node_test {

using namespace dyadic;
using support::tensor;
using support::vector_case;

using Floats = std::vector<float>;
using Ints = std::vector<std::int32_t>;

/// A tensor (outer, axis, inner) read as the matrix whose rows share a scale, or are cut into groups along the axis.
struct reading {
  index_t rows = 1, cols = 1, row_stride = 1, col_stride = 1;
  std::vector<std::size_t> scale_of;  ///< params index -> index in the scale tensor

  std::size_t at(index_t i, index_t j) const { return static_cast<std::size_t>(i * row_stride + j * col_stride); }
};

/// Every element under one scale.
reading per_tensor(index_t count) { return {1, count, count, 1, {0}}; }

/// shape (1, n, inner...): channel c is a row.
reading per_axis(index_t n, index_t inner) {
  reading r{n, inner, inner, 1, {}};
  for (index_t i = 0; i < n; ++i) r.scale_of.push_back(static_cast<std::size_t>(i));
  return r;
}

/// shape (1, n, inner...), blocks along n: position p of the inner is a row, strided.
reading blocked(index_t n, index_t inner, index_t block) {
  reading r{inner, n, 1, inner, {}};
  for (index_t i = 0; i < inner; ++i)
    for (index_t b = 0; b < n / block; ++b) r.scale_of.push_back(static_cast<std::size_t>(b * inner + i));
  return r;
}

template <scheme S>
params<S> params_of(const vector_case& c, const reading& r) {
  const Floats scales = c["input_1"].as<float>();
  const Ints zeros = c.has("input_2") ? c["input_2"].integers(scales.size()) : Ints(scales.size(), 0);
  Floats s;
  Ints z;
  for (const std::size_t at : r.scale_of) s.push_back(scales.at(at)), z.push_back(zeros.at(at));
  if (!S.asymmetric()) {
    EXPECT_EQ(z, Ints(z.size(), 0));
    z.clear();
  }
  return params<S>(s, z);
}

class OnnxNode : public testing::Test {
 protected:
  void SetUp() override {
    all = support::load_vectors("onnx_node");
    if (all.empty()) GTEST_SKIP() << "no onnx_node.idx in " << support::vectors_folder();
  }

  template <scheme S>
  void expect_quantized(const std::string& name, const reading& r) {
    SCOPED_TRACE(name);
    const vector_case& c = all.at(name);
    const Floats x = c["input_0"].as<float>();
    const Ints y = c["output_0"].integers(x.size());
    const quantized<S> q =
        quantize<S>(strided<const float>(x.data(), r.rows, r.cols, r.row_stride, r.col_stride), params_of<S>(c, r));
    ASSERT_EQ(static_cast<std::size_t>(r.rows * r.cols), x.size());
    for (index_t i = 0; i < r.rows; ++i)
      for (index_t j = 0; j < r.cols; ++j) EXPECT_EQ(q.code(i, j), y[r.at(i, j)]) << i << ' ' << j;
  }

  template <scheme S>
  void expect_dequantized(const std::string& name, const reading& r) {
    SCOPED_TRACE(name);
    const vector_case& c = all.at(name);
    const Floats y = c["output_0"].as<float>();
    const Ints codes = c["input_0"].integers(y.size());
    ASSERT_EQ(static_cast<std::size_t>(r.rows * r.cols), y.size());
    auto q = quantized<S>::try_make(r.rows, r.cols, params_of<S>(c, r));
    ASSERT_TRUE(q);
    for (index_t i = 0; i < r.rows; ++i)
      for (index_t j = 0; j < r.cols; ++j) store_code<S>(q->row(i), j, codes[r.at(i, j)]);
    Floats ours(y.size(), -1.0F);
    dequantize(*q, strided<float>(ours.data(), r.rows, r.cols, r.row_stride, r.col_stride));
    for (std::size_t e = 0; e < y.size(); ++e)
      EXPECT_EQ(std::bit_cast<std::uint32_t>(ours[e]), std::bit_cast<std::uint32_t>(y[e])) << e;
  }

  support::vector_cases all;
};

constexpr scheme tensor_of(int bits, bool is_signed) {
  return {.bits = bits, .is_signed = is_signed, .sym = symmetry::asymmetric};
}
constexpr scheme rows_of(int bits, bool is_signed) { return tensor_of(bits, is_signed).with(granularity::per_row); }
constexpr scheme pairs_of(int bits, bool is_signed) {
  return tensor_of(bits, is_signed).with(granularity::per_group, 2);
}
constexpr scheme symmetric_pairs{.bits = 16, .per = granularity::per_group, .group = 2};

TEST_F(OnnxNode, QuantizeLinear) {
  expect_quantized<tensor_of(8, false)>("test_quantizelinear", per_tensor(6));
  expect_quantized<tensor_of(16, true)>("test_quantizelinear_int16", per_tensor(16));
  expect_quantized<tensor_of(16, false)>("test_quantizelinear_uint16", per_tensor(12));
  expect_quantized<rows_of(8, false)>("test_quantizelinear_axis", per_axis(3, 6));
  expect_quantized<rows_of(4, true)>("test_quantizelinear_int4", per_axis(3, 4));
  expect_quantized<rows_of(4, false)>("test_quantizelinear_uint4", per_axis(3, 4));
  expect_quantized<rows_of(2, true)>("test_quantizelinear_int2", per_axis(3, 4));
  expect_quantized<rows_of(2, false)>("test_quantizelinear_uint2", per_axis(3, 4));
  const reading pairs{3, 4, 4, 1, {0, 1, 2, 3, 4, 5}};
  expect_quantized<pairs_of(8, false)>("test_quantizelinear_blocked_asymmetric", pairs);
  expect_quantized<symmetric_pairs>("test_quantizelinear_blocked_symmetric", pairs);
}

TEST_F(OnnxNode, DequantizeLinear) {
  expect_dequantized<tensor_of(8, false)>("test_dequantizelinear", per_tensor(4));
  expect_dequantized<tensor_of(16, true)>("test_dequantizelinear_int16", per_tensor(4));
  expect_dequantized<tensor_of(16, false)>("test_dequantizelinear_uint16", per_tensor(4));
  expect_dequantized<tensor_of(4, true)>("test_dequantizelinear_int4", per_tensor(5));
  expect_dequantized<tensor_of(4, false)>("test_dequantizelinear_uint4", per_tensor(5));
  expect_dequantized<tensor_of(2, true)>("test_dequantizelinear_int2", per_tensor(4));
  expect_dequantized<tensor_of(2, false)>("test_dequantizelinear_uint2", per_tensor(4));
  expect_dequantized<rows_of(8, false)>("test_dequantizelinear_axis", per_axis(3, 6));
  expect_dequantized<pairs_of(8, false)>("test_dequantizelinear_blocked", blocked(4, 6, 2));
}

TEST_F(OnnxNode, DynamicQuantizeLinear) {
  for (const char* name : {"test_dynamicquantizelinear", "test_dynamicquantizelinear_max_adjusted",
                           "test_dynamicquantizelinear_min_adjusted"}) {
    SCOPED_TRACE(name);
    const vector_case& c = all.at(name);
    const Floats x = c["input_0"].as<float>();
    const quantized<u8_per_tensor> q = quantize<u8_per_tensor>(x);
    EXPECT_EQ(q.params().scale(), c["output_1"].as<float>().at(0));
    EXPECT_EQ(q.params().zero_point(), c["output_2"].bytes.at(0));
    for (std::size_t e = 0; e < x.size(); ++e) EXPECT_EQ(q.code(0, static_cast<index_t>(e)), c["output_0"].bytes.at(e));
  }
}

/// A new node test of an integer format must be added above, or named here with the reason it is not.
TEST_F(OnnxNode, CoversEveryIntegerCase) {
  const std::set<std::string> not_integers{"float4e2m1", "e4m3fn", "e5m2"};
  int covered = 0;
  for (const auto& [name, c] : all) {
    const std::string op = c.attributes.at("op");
    if (op != "\"QuantizeLinear\"" && op != "\"DequantizeLinear\"" && op != "\"DynamicQuantizeLinear\"") continue;
    bool other = false;
    for (const std::string& format : not_integers) other = other || name.find(format) != std::string::npos;
    covered += other ? 0 : 1;
  }
  EXPECT_EQ(covered, 10 + 9 + 3);
}

}  // namespace onnx_node_test
