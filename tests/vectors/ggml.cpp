// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ggml's reference quantizers on ten distributions, with and without an importance matrix: equal bytes, and equal bits
// of the numbers that come back.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>

#include <dyadic/quantize/blocks.hpp>

#include "support/vectors.hpp"

namespace ggml_test {

using namespace dyadic;
using support::vector_case;

class Ggml : public testing::Test {
 protected:
  void SetUp() override {
    all = support::load_vectors("ggml");
    if (all.empty()) GTEST_SKIP() << "no ggml.idx in " << support::vectors_folder();
  }

  /// Every case of a format: its bytes, and the numbers of its bytes.
  template <class F>
  void expect_equal(const std::string& type, int cases) {
    int tried = 0, equal = 0;
    for (const auto& entry : all) {
      const std::string& name = entry.first;
      const vector_case& c = entry.second;
      if (name.substr(0, name.find('/')) != type) continue;
      SCOPED_TRACE(name);
      const std::vector<float> x = c["x"].as<float>(), numbers = c["dequant"].as<float>();
      const auto theirs = c["packed"].as<typename F::block>();
      std::vector<typename F::block> ours(theirs.size());
      const std::span<typename F::block> out(ours);
      clip_count clipped;
      if (c.has("imatrix")) {
        if constexpr (importance_block_format<F>)
          clipped = quantize_blocks_by_importance<F>(x, c["imatrix"].as<float>(), out);
        else
          ADD_FAILURE() << "an importance matrix for a format that takes none";
      } else {
        clipped = quantize_blocks<F>(x, out);
      }
      EXPECT_EQ(clipped.nan + clipped.low + clipped.high, 0);
      std::vector<float> back(x.size());
      dequantize_blocks<F>(theirs, std::span<float>(back));
      const bool same = std::memcmp(ours.data(), theirs.data(), sizeof ours[0] * ours.size()) == 0;
      const bool same_back = std::memcmp(back.data(), numbers.data(), sizeof back[0] * back.size()) == 0;
      EXPECT_TRUE(same) << "the bytes differ";
      EXPECT_TRUE(same_back) << "the numbers differ";
      ++tried;
      equal += same && same_back;
    }
    std::printf("[vectors] %s ggml: tried %d, equal %d\n", type.c_str(), tried, equal);
    EXPECT_EQ(tried, cases);
    EXPECT_EQ(equal, tried);
  }

  support::vector_cases all;
};

TEST_F(Ggml, Q8_0) { expect_equal<q8_0>("q8_0", 10); }
TEST_F(Ggml, Q4_0) { expect_equal<q4_0>("q4_0", 11); }
TEST_F(Ggml, Q4_1) { expect_equal<q4_1>("q4_1", 11); }
TEST_F(Ggml, Q4_K) { expect_equal<q4_k>("q4_K", 11); }
TEST_F(Ggml, Q6_K) { expect_equal<q6_k>("q6_K", 11); }
TEST_F(Ggml, Mxfp4) { expect_equal<mxfp4_ggml>("mxfp4", 10); }
TEST_F(Ggml, Nvfp4) { expect_equal<nvfp4_ggml>("nvfp4", 10); }

}  // namespace ggml_test
