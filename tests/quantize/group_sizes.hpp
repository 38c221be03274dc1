// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// check_group_sizes: groups of some sizes in rows of every length from 0 to 1024. 4-bit codes, whose groups may begin
// inside a byte.
#pragma once

#include <gtest/gtest.h>

#include <utility>

#include <dyadic/quantize/dequantize.hpp>
#include <dyadic/quantize/quantize.hpp>

#include "support/data.hpp"

namespace group_sizes {

using namespace dyadic;

struct memory {
  std::vector<float> x, scales, y;
  std::vector<std::uint8_t> bytes;
};

/// The params and codes of one row, each from its own group by the scalar definitions.
inline void check_row(const scheme& s, index_t cols, const memory& m) {
  for (index_t first = 0; first < cols; first += s.group) {
    const auto at = static_cast<std::size_t>(first);
    float least = 0.0F, greatest = 0.0F;
    for (index_t j = 0; j < s.group; ++j) {
      const float v = m.x[at + static_cast<std::size_t>(j)];
      least = v < least ? v : least, greatest = v > greatest ? v : greatest;
    }
    const float scale = choose(s, onnx_profile, range{least, greatest}).scale;
    ASSERT_EQ(m.scales[at / static_cast<std::size_t>(s.group)], scale) << s.group << ' ' << cols << ' ' << first;
    for (index_t j = first; j < first + s.group; ++j) {
      const int code = quantize_one(m.x[static_cast<std::size_t>(j)], scale, 0, s.qmin(), s.qmax());
      ASSERT_EQ(load_s4(m.bytes.data(), j), code) << s.group << ' ' << cols << ' ' << j;
      ASSERT_EQ(m.y[static_cast<std::size_t>(j)], dequantize_one(code, scale, 0)) << s.group << ' ' << cols << ' ' << j;
    }
  }
  if (cols % 2 != 0) {
    EXPECT_EQ(m.bytes[static_cast<std::size_t>(cols / 2)] >> 4, 0) << "the unused nibble";
  }
  EXPECT_EQ(m.bytes.back(), 0xA5) << "wrote past the row";
}

template <int Group>
index_t check_group_size(memory& m) {
  constexpr scheme S = s4_per_group<Group>;
  index_t divided = 0;
  for (index_t cols = 0; cols <= 1024; ++cols) {
    const strided<const float> x(m.x.data(), 1, cols);
    const auto size = static_cast<std::size_t>(row_bytes(S, cols));
    const auto count = static_cast<std::size_t>(cols / Group);
    std::fill(m.bytes.begin(), m.bytes.end(), std::uint8_t{0xA5});
    m.bytes.resize(size + 1, 0xA5);
    const auto made = try_quantize_into<S>(x, std::span(m.bytes).first(size), std::span(m.scales).first(count));
    EXPECT_EQ(made.has_value(), cols % Group == 0) << Group << ' ' << cols;
    if (!made) {
      EXPECT_EQ(made.error().code(), errc::invalid_group);
      for (const std::uint8_t b : m.bytes) EXPECT_EQ(b, 0xA5) << "written although refused";
      continue;
    }
    ++divided;
    const quantized_view<S> q{m.bytes.data(), 1, cols, static_cast<index_t>(size), std::span(m.scales).first(count), {}};
    const auto ok = try_dequantize(q, std::span(m.y).first(static_cast<std::size_t>(cols)));
    EXPECT_TRUE(ok) << support::text_of(ok);
    check_row(S, cols, m);
    if (testing::Test::HasFatalFailure()) break;
  }
  return divided;
}

/// Rows of every length divided by groups of each of these sizes, all others refused.
template <std::size_t... Group>
void check_group_sizes(std::index_sequence<Group...>) {
  memory m{support::normal_numbers(1024, 5), std::vector<float>(1024), std::vector<float>(1024),
           std::vector<std::uint8_t>(513)};
  const index_t divided = (check_group_size<static_cast<int>(Group)>(m) + ...);
  EXPECT_EQ(divided, ((1024 / static_cast<index_t>(Group) + 1) + ...));
}

}  // namespace group_sizes
