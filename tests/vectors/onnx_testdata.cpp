// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The node tests of Debian's libonnx-testdata, read from their protobuf files, bit exact.
#include <gtest/gtest.h>

#include <cstdio>

#include "support/onnx_operators.hpp"
#include "support/onnx_testdata.hpp"

namespace onnx_testdata_test {

using support::outcome;

const char* const names[] = {"test_quantizelinear",
                             "test_quantizelinear_axis",
                             "test_dequantizelinear",
                             "test_dequantizelinear_axis",
                             "test_dynamicquantizelinear",
                             "test_dynamicquantizelinear_max_adjusted",
                             "test_dynamicquantizelinear_min_adjusted",
                             "test_dynamicquantizelinear_expanded",
                             "test_dynamicquantizelinear_max_adjusted_expanded",
                             "test_dynamicquantizelinear_min_adjusted_expanded",
                             "test_matmulinteger",
                             "test_qlinearmatmul_2D",
                             "test_qlinearmatmul_3D",
                             "test_qlinearconv",
                             "test_basic_convinteger",
                             "test_convinteger_with_padding",
                             "test_convinteger_without_padding"};

TEST(OnnxTestdata, EveryQuantizationOperator) {
  const std::filesystem::path folder = support::onnx_testdata_folder();
  if (folder.empty()) GTEST_SKIP() << "no node tests of ONNX: install libonnx-testdata, or set DYADIC_ONNX_TESTDATA";
  std::map<std::string, outcome> found;
  std::map<std::string, int> cases;
  for (const std::string name : names) {
    SCOPED_TRACE(name);
    if (!std::filesystem::is_directory(folder / name)) {
      std::printf("%s is not in %s\n", name.c_str(), folder.c_str());
      continue;
    }
    support::vector_case c = support::load_onnx_case(folder / name);
    // An expanded test is a graph of simpler operators that defines this one.
    if (name.find("_expanded") != std::string::npos) c.attributes = {{"op", "DynamicQuantizeLinear"}};
    const auto n = support::run_onnx(c);
    ASSERT_TRUE(n);
    EXPECT_GT(n->tried, 0);
    EXPECT_EQ(n->equal, n->tried);
    found[c.attributes["op"]] += *n;
    ++cases[c.attributes["op"]];
  }
  for (const auto& [op, n] : found)
    std::printf("[vectors] %s onnx (libonnx-testdata): tried %lld, equal %lld\n", op.c_str(),
                static_cast<long long>(n.tried), static_cast<long long>(n.equal));
  EXPECT_EQ(cases.size(), 7U);
}

/// The reader itself, on bytes written by hand.
TEST(OnnxTestdata, ReadsProtobuf) {
  // dims 2 and 1, one field each; data_type int8; int32_data packed: -1 takes ten bytes.
  const std::string unpacked("\x08\x02\x08\x01\x10\x03\x2a\x0b\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x05", 19);
  const support::tensor t = support::read_tensor(unpacked);
  EXPECT_EQ(t.shape, (std::vector<support::index_t>{2, 1}));
  EXPECT_EQ(t.type, "int8");
  EXPECT_EQ(t.integers(2), (std::vector<std::int32_t>{-1, 5}));
  // The same with packed dims and raw data.
  const support::tensor raw = support::read_tensor(std::string("\x0a\x02\x02\x01\x10\x03\x4a\x02\xff\x05", 10));
  EXPECT_EQ(raw.shape, t.shape);
  EXPECT_EQ(raw.bytes, t.bytes);
  for (std::size_t n = 1; n < unpacked.size(); ++n)
    EXPECT_ANY_THROW((void)support::read_tensor(std::string_view(unpacked).substr(0, n))) << n;
}

}  // namespace onnx_testdata_test
