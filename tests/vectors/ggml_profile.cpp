// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// ggml_profile and ggml_q4_0_profile give the codes of ggml's reference quantizers, block by block.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <dyadic/fixed_point/half.hpp>
#include <dyadic/quantize/quantize.hpp>

#include "support/vectors.hpp"

namespace ggml_profile_test {

using namespace dyadic;

constexpr std::size_t block = 32;
constexpr scheme u4_symmetric{.bits = 4, .is_signed = false};

/// Compares the blocks of every case of one type: codes, and the scale as a half, negated where the codes are of -x.
template <scheme S, profile P, class CodeOf>
void compare(const char* type, std::size_t block_bytes, bool signed_extreme, CodeOf code_of) {
  const support::vector_cases all = support::load_vectors("ggml");
  if (all.empty()) GTEST_SKIP() << "no ggml.idx in " << support::vectors_folder();
  std::int64_t tried = 0, equal = 0;
  for (const std::pair<const std::string, support::vector_case>& entry : all) {
    const std::string& name = entry.first;
    const support::vector_case& c = entry.second;
    if (name.find(std::string(type) + "/") != 0) continue;
    if (name.find("_imatrix") != name.npos) continue;  // a search for the scale, not the reference
    const std::vector<float> x = c["x"].as<float>();
    const std::vector<std::uint8_t>& bytes = c["packed"].bytes;
    for (std::size_t b = 0; b < x.size() / block; ++b) {
      std::vector<float> numbers(x.begin() + static_cast<std::ptrdiff_t>(b * block),
                                 x.begin() + static_cast<std::ptrdiff_t>((b + 1) * block));
      float extreme = 0.0F;
      for (const float v : numbers) extreme = std::abs(v) > std::abs(extreme) ? v : extreme;
      const bool negated = signed_extreme && extreme > 0.0F;
      if (negated)
        for (float& v : numbers) v = -v;
      const auto q = quantize<S, P>(numbers);
      const std::uint8_t* theirs = bytes.data() + b * block_bytes;
      std::uint16_t half_bits = 0;
      std::memcpy(&half_bits, theirs, 2);
      const float scale = extreme == 0.0F ? 0.0F : negated ? -q.params().scale() : q.params().scale();
      // An all-zero block has d = 0 there, of either sign.
      bool same = scale == 0.0F ? (half_bits & 0x7FFF) == 0 : half_from(scale).bits == half_bits;
      for (std::size_t i = 0; i < block; ++i)
        same = same && q.code(0, static_cast<index_t>(i)) == code_of(theirs + 2, i);
      ++tried;
      equal += same ? 1 : 0;
      EXPECT_TRUE(same) << name << ", block " << b;
    }
  }
  std::printf("[vectors] quantize %s blocks ggml: tried %lld, equal %lld\n", type, static_cast<long long>(tried),
              static_cast<long long>(equal));
  EXPECT_GT(tried, 0);
}

TEST(GgmlProfile, Q8_0) {
  compare<s8_per_tensor, ggml_profile>("q8_0", 34, false, [](const std::uint8_t* codes, std::size_t i) {
    return static_cast<int>(static_cast<std::int8_t>(codes[i]));
  });
}

TEST(GgmlProfile, Q4_0) {
  compare<u4_symmetric, ggml_q4_0_profile>("q4_0", 18, true, [](const std::uint8_t* codes, std::size_t i) {
    return i < 16 ? codes[i] & 15 : codes[i - 16] >> 4;
  });
}

}  // namespace ggml_profile_test
