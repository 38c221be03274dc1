// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products to try: operands with hard values, outputs in every layout, and the loop that compares bits everywhere.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <dyadic/core/thread_pool.hpp>
#include <dyadic/kernels/gemm.hpp>
#include <dyadic/quantize/quantized.hpp>
#include <dyadic/scheme/name.hpp>

#include "support/isas.hpp"

namespace product {

using dyadic::index_t;
using dyadic::quantized;
using dyadic::quantized_view;
using dyadic::scheme;
using dyadic::strided;

struct shape {
  index_t m, n, k;
};

/// Every size of 1..10, 15, 16, 17, 31, 33, 63, 65 at every place; single rows and columns; more than four panels and more
/// than one block of rows; nothing at all.
inline std::vector<shape> shapes() {
  const index_t sizes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 16, 17, 31, 33, 63, 65};
  const std::size_t n = std::size(sizes);
  std::vector<shape> all;
  for (std::size_t i = 0; i < n; ++i) all.push_back({sizes[i], sizes[(i * 5 + 3) % n], sizes[(i * 7 + 6) % n]});
  all.insert(all.end(), {{1, 65, 33}, {65, 1, 33}, {33, 17, 1}, {1, 1, 65}, {6, 129, 8}, {250, 5, 9}, {13, 100, 20}});
  all.insert(all.end(), {{0, 3, 4}, {3, 0, 4}, {3, 4, 0}, {0, 0, 0}});
  return all;
}

/// What the codes of an operand are.
enum class fill { random, lowest, highest, ends };

inline int code_of(const scheme& s, fill how, std::mt19937& random) {
  const auto any = static_cast<int>(random() % static_cast<unsigned>(s.levels()));
  switch (how) {
    case fill::lowest: return s.qmin();
    case fill::highest: return s.qmax();
    case fill::ends: return any % 2 == 0 ? s.qmin() : s.qmax();
    default: return s.qmin() + any;
  }
}

/// A (rows, cols) operand: scales with every bit of the mantissa in use, zero points anywhere, the ends among them.
template <scheme S>
quantized<S> operand(index_t rows, index_t cols, fill how, std::mt19937& random) {
  const auto count = static_cast<std::size_t>(params_count(S, rows, cols));
  std::vector<float> scales(count);
  for (float& s : scales) s = 0x1p-10f + static_cast<float>(random() >> 8) * 0x1p-32f;
  std::vector<std::int32_t> zero_points(S.asymmetric() ? count : 0);
  for (std::int32_t& z : zero_points) z = code_of(S, random() % 4 == 0 ? fill::ends : fill::random, random);
  auto q = quantized<S>::try_make(rows, cols, dyadic::params<S>(scales, zero_points)).value();
  for (index_t i = 0; i < rows; ++i)
    for (index_t j = 0; j < cols; ++j) dyadic::store_code<S>(q.row(i), j, code_of(S, how, random));
  return q;
}

inline std::vector<float> numbers(index_t n, float size, std::mt19937& random) {
  std::vector<float> all(static_cast<std::size_t>(n));
  for (float& x : all) x = (static_cast<float>(random() >> 8) * 0x1p-23f - 1.0f) * size;
  return all;
}

/// The codes of q again, in rows that stand further apart and begin at an odd address.
template <scheme S>
struct spread_out {
  std::vector<std::uint8_t> memory;
  quantized_view<S> view;

  explicit spread_out(const quantized<S>& q) : view(q.view()) {
    const index_t bytes = dyadic::row_bytes(S, q.cols());
    view.row_stride = bytes + 5;
    memory.assign(static_cast<std::size_t>(q.rows() * view.row_stride + 65), 0xA5);
    std::uint8_t* base = memory.data();
    while (reinterpret_cast<std::uintptr_t>(base) % 64 != 1) ++base;
    for (index_t i = 0; i < q.rows(); ++i)
      if (bytes > 0) std::memcpy(base + i * view.row_stride, q.row(i), static_cast<std::size_t>(bytes));
    view.bytes = base;
  }
};

enum class layout { row_major, column_major, padded_rows, gaps, shifted };
inline constexpr int layouts = 5;

/// An (m, n) output in one of the layouts; every byte that is no element of it holds a mark.
template <class T>
class landing {
 public:
  landing(index_t m, index_t n, layout l) {
    index_t row_stride = n, col_stride = 1, first = 0;
    if (l == layout::column_major) row_stride = 1, col_stride = m;
    if (l == layout::padded_rows) row_stride = n + 3;
    if (l == layout::gaps) row_stride = 3 * n + 1, col_stride = 3;
    if (l == layout::shifted) first = 1;
    memory_.resize(static_cast<std::size_t>(first + (m + 1) * (n + 1) * 4));
    std::memset(memory_.data(), 0xA5, memory_.size() * sizeof(T));
    view_ = strided<T>(memory_.data() + first, m, n, row_stride, col_stride);
  }
  strided<T> view() const { return view_; }

  /// Whether the elements are `expected` (row-major), bit for bit, and the marks are where they were.
  testing::AssertionResult holds(const std::vector<T>& expected) {
    for (index_t i = 0; i < view_.rows(); ++i)
      for (index_t j = 0; j < view_.cols(); ++j) {
        const T want = expected[static_cast<std::size_t>(i * view_.cols() + j)];
        if (std::memcmp(&view_(i, j), &want, sizeof(T)) != 0)
          return testing::AssertionFailure() << "y(" << i << ", " << j << ") is " << +view_(i, j) << ", expected " << +want;
        std::memset(&view_(i, j), 0xA5, sizeof(T));
      }
    for (std::size_t b = 0; b < memory_.size() * sizeof(T); ++b)
      if (reinterpret_cast<const std::uint8_t*>(memory_.data())[b] != 0xA5)
        return testing::AssertionFailure() << "byte " << b << " of the output's memory was overwritten";
    return testing::AssertionSuccess();
  }

 private:
  std::vector<T> memory_;
  strided<T> view_;
};

inline constexpr int thread_counts[] = {1, 2, 3, 7};

/// Pools that live as long as the tests; one thread is the serial executor.
inline dyadic::executor_ref threads(int count) {
  static dyadic::thread_pool two(2), three(3), seven(7);
  if (count == 2) return two;
  if (count == 3) return three;
  if (count == 7) return seven;
  return {};
}

/// run(y, options) on every instruction set gives `expected`; the thread count, the layout and whose scratch memory is used
/// take turns. `every` tries all thread counts and layouts.
template <class T, class Run>
void expect_everywhere(const std::string& what, index_t m, index_t n, const std::vector<T>& expected, Run run,
                       bool every = false) {
  static std::mt19937 turns(1);
  static dyadic::workspace kept;
  const int tries = every ? static_cast<int>(std::size(thread_counts)) * layouts : 1;
  support::for_each_isa([&](const std::string& isa) {
    for (int t = 0; t < tries; ++t) {
      const auto turn = every ? static_cast<unsigned>(t) : static_cast<unsigned>(turns());
      const int count = thread_counts[turn % 4];
      const auto where = static_cast<layout>(turn / 4 % layouts);
      landing<T> y(m, n, where);
      const dyadic::run_options options{threads(count), turn % 3 == 0 ? &kept : nullptr};
      const dyadic::result<void> ok = run(y.view(), options);
      ASSERT_TRUE(ok) << what << ": " << ok.error().message();
      ASSERT_TRUE(y.holds(expected)) << what << ", m = " << m << ", n = " << n << ", " << isa << ", " << count
                                     << " threads, layout " << static_cast<int>(where);
    }
  });
}

}  // namespace product
