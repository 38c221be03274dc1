// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The same bytes on every machine, with every compiler and optimisation level: a digest of what a search found.
#include <dyadic/quantize/lloyd_max.hpp>

#include "quantize/blocks/formats.hpp"
#include "support/data.hpp"

namespace golden_test {

using namespace dyadic;

/// FNV-1a.
template <class T>
std::uint64_t digest(std::span<const T> all) {
  std::uint64_t hash = 0xcbf29ce484222325U;
  for (const std::byte b : std::as_bytes(all)) hash = (hash ^ static_cast<std::uint64_t>(b)) * 0x100000001b3U;
  return hash;
}

template <class F>
std::uint64_t digest_of() {
  const auto blocks = quantize_blocks<F>(support::normal_numbers(8192, 1));
  return digest(std::span<const typename F::block>(blocks.data(), static_cast<std::size_t>(blocks.size())));
}

TEST(GoldenBlocks, HaveTheirBytes) {
  EXPECT_EQ(digest_of<q4>(), 0xf481785e0679b953U);
  EXPECT_EQ(digest_of<q4_k>(), 0xfe5798acfff56578U);
  EXPECT_EQ(digest_of<q6_k>(), 0xcef1e5821ec4c195U);
  EXPECT_EQ(digest_of<nf4>(), 0x28749d0e1158c2adU);
  EXPECT_EQ(digest_of<nvfp4>(), 0xecf244f000a4dd11U);
  EXPECT_EQ(digest_of<mxfp4<mx_scale::rceil>>(), 0x332066090e4f884dU);
}

TEST(GoldenBlocks, LevelsHaveTheirBits) {
  const std::vector<float> x = support::normal_numbers(20000, 1);
  const auto few = fit_codebook<16>(x).levels();
  const auto many = fit_codebook<256>(x).levels();
  EXPECT_EQ(digest(std::span<const float>(few)), 0x1ce2ac39ce3c395cU);
  EXPECT_EQ(digest(std::span<const float>(many)), 0x7967183f66713dd0U);
}

}  // namespace golden_test
