// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products to try: operands of any scheme with hard values, outputs in every layout, and the loop that compares bits.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include <dyadic/kernels/gemm.hpp>
#include <dyadic/kernels/reference/dot.hpp>

#include "support/isas.hpp"

namespace product {

namespace epilogue = dyadic::epilogue;
namespace reference = dyadic::reference;
using dyadic::index_t;
using dyadic::quantized;
using dyadic::quantized_view;
using dyadic::result;
using dyadic::run_options;
using dyadic::scheme;
using dyadic::strided;

struct shape {
  index_t m, n, k;
};

/// Every size of 1..10, 15, 16, 17, 31, 33, 63, 65 at every place; single rows and columns; more than four panels and
/// more than one block of rows; nothing at all.
std::vector<shape> shapes();

/// What the codes of an operand are; halves: half the ends, the largest weights two of which fit a sum of 16 bits.
enum class fill { random, lowest, highest, ends, halves };

int code_of(const scheme& s, fill how, std::mt19937& random);
std::vector<float> numbers(index_t n, float size, std::mt19937& random);

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

/// Sixteen-bit schemes that hold the codes and zero points of any other: the reference is compiled for them alone.
inline constexpr scheme wide_rows{.bits = 16, .sym = dyadic::symmetry::asymmetric, .per = dyadic::granularity::per_row};
template <int Group>
inline constexpr scheme wide_groups = wide_rows.with(dyadic::granularity::per_group, Group);

/// x of any scheme. `multiply` is try_gemm on its own codes, or on the same codes spread out.
class activations {
 public:
  virtual ~activations() = default;
  virtual result<void> multiply(bool spread, const dyadic::packed_weights& w, epilogue::sums, strided<std::int32_t> y,
                                const run_options& options) const = 0;
  virtual result<void> multiply(bool spread, const dyadic::packed_weights& w, const epilogue::bounded_reals& e,
                                strided<float> y, const run_options& options) const = 0;
  virtual result<void> multiply(bool spread, const dyadic::packed_weights& w, const epilogue::requantize& e,
                                strided<std::uint8_t> y, const run_options& options) const = 0;
  virtual result<void> multiply(bool spread, const dyadic::packed_weights& w, const epilogue::requantize& e,
                                strided<std::int8_t> y, const run_options& options) const = 0;

  scheme what;
  quantized<wide_rows> wide;  ///< the same numbers
  bool one_scale = false;
  float scale = 1.0f;  ///< if one_scale
};

/// w of any scheme, packed, and what the reference says of x * w^T, row-major; or of x times the rows [first, last) of w.
class weights {
 public:
  virtual ~weights() = default;
  using wide_x = quantized_view<wide_rows>;
  virtual std::vector<std::int32_t> expected(const wide_x& x, reference::sums e, index_t first, index_t last) const = 0;
  virtual std::vector<float> expected(const wide_x& x, const reference::reals& e, index_t first,
                                      index_t last) const = 0;
  virtual std::vector<std::int32_t> expected(const wide_x& x, const reference::codes& e, index_t first,
                                             index_t last) const = 0;
  /// Weight-only.
  virtual std::vector<float> expected(strided<const float> x, const reference::reals& e, index_t first,
                                      index_t last) const = 0;
  /// The real that element (j, k) stands for, exactly.
  virtual double value(index_t j, index_t k) const = 0;
  template <class X, class E>
  auto expected(const X& x, const E& e) const {
    return expected(x, e, 0, packed.rows());
  }

  scheme what;
  dyadic::packed_weights packed;
};

/// Random operands of a scheme that schemes.hpp lists; another one throws.
std::unique_ptr<activations> make_x(const scheme& s, index_t m, index_t k, fill how, std::mt19937& random);
std::unique_ptr<weights> make_w(const scheme& s, index_t n, index_t k, fill how, std::mt19937& random);

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

  /// Whether the elements are `expected` (row-major), bit for bit, and the marks are where they were. Once.
  testing::AssertionResult holds(const std::vector<T>& expected) {
    for (index_t i = 0; i < view_.rows(); ++i)
      for (index_t j = 0; j < view_.cols(); ++j) {
        const T want = expected[static_cast<std::size_t>(i * view_.cols() + j)];
        if (std::memcmp(&view_(i, j), &want, sizeof(T)) != 0)
          return testing::AssertionFailure()
                 << "y(" << i << ", " << j << ") is " << +view_(i, j) << ", expected " << +want;
        std::memset(&view_(i, j), 0xA5, sizeof(T));
      }
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(memory_.data());
    for (std::size_t b = 0; b < memory_.size() * sizeof(T); ++b)
      if (bytes[b] != 0xA5)
        return testing::AssertionFailure() << "byte " << b << " of the output's memory was overwritten";
    return testing::AssertionSuccess();
  }

 private:
  std::vector<T> memory_;
  strided<T> view_;
};

inline constexpr int thread_counts[] = {1, 2, 3, 7};

/// Pools that live as long as the tests; one thread is the serial executor.
dyadic::executor_ref threads(int count);

/// How often the outputs are made: once an instruction set, where thread count, layout and scratch memory take turns,
/// or with every thread count in every layout.
enum class effort { in_turns, every };

/// run(y, options) on every instruction set gives `expected`. T: int32, float, uint8 or int8.
template <class T>
void expect_everywhere(const std::string& what, index_t m, index_t n, const std::vector<T>& expected,
                       const std::function<result<void>(strided<T>, const run_options&)>& run,
                       effort e = effort::in_turns);

/// x * w^T by all the epilogues that it has, against the reference.
void check_product(const activations& x, const weights& w, std::mt19937& random, effort e = effort::in_turns);

/// check_product for every shape with random codes, and for one shape with codes at the ends; k in whole groups.
void check_schemes(const scheme& x, const scheme& w);

}  // namespace product
