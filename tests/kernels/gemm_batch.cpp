// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A batch of products is its products, one after another: bits, errors and what is written.
#include <dyadic/kernels/gemm_batch.hpp>
#include <dyadic/kernels/reference/gemm.hpp>

#include "kernels/product.hpp"
#include "support/data.hpp"

namespace gemm_batch_test {

using namespace dyadic;
using product::fill, product::shape;
using support::text_of;

/// What a batch of `count` products is expected to write: y_i (m, n) behind one another, `gap` elements apart.
template <class T>
struct outputs {
  index_t m, n, count, gap;
  std::vector<T> memory = std::vector<T>(static_cast<std::size_t>(count * (m * n + gap) + gap), T{77});

  strided<T> at(index_t i) { return {memory.data() + gap + i * (m * n + gap), m, n}; }
  strided_batch<strided<T>> batch() { return {at(0), count, m * n + gap}; }
  std::vector<strided<T>> views() {
    std::vector<strided<T>> all;
    for (index_t i = 0; i < count; ++i) all.push_back(at(i));
    return all;
  }
};

/// run(y, options) with every number of threads, own memory and kept memory, on every instruction set.
template <class T, class Run>
void expect_batch(const std::string& what, const outputs<T>& expected, const Run& run) {
  workspace kept;
  support::for_each_isa([&](const std::string& isa) {
    for (const int threads : product::thread_counts)
      for (workspace* memory : {static_cast<workspace*>(nullptr), &kept}) {
        outputs<T> y{expected.m, expected.n, expected.count, expected.gap};
        const auto ok = run(y, run_options{product::threads(threads), memory});
        ASSERT_TRUE(ok) << what << ": " << ok.error().message();
        ASSERT_TRUE(y.memory == expected.memory)
            << what << ", " << isa << ", " << expected.count << " products, " << threads << " threads";
      }
  });
}

constexpr shape tried[] = {{1, 1, 1}, {4, 17, 33}, {13, 70, 64}, {3, 40, 5}, {2, 3, 0}, {0, 5, 7}};
constexpr index_t counts[] = {0, 1, 2, 3, 5, 16};

/// Queries by keys, scores by values: one matrix of codes cut into heads, params shared.
TEST(GemmBatch, TwoActivationsThatShareParams) {
  std::mt19937 random(61);
  for (const shape& s : tried)
    for (const index_t count : counts) {
      const auto x = product::operand<u8_per_tensor>(count * s.m, s.k, fill::random, random);
      const auto w = product::operand<s8_per_tensor>(count * s.n, s.k, fill::random, random);
      const auto v = product::operand<s8_per_tensor>(count * s.k, s.n, fill::random, random);
      const strided_batch xs{rows_of(x.view(), 0, s.m), count, s.m * s.k};
      const strided_batch ws{rows_of(w.view(), 0, s.n), count, s.n * s.k};
      const strided_batch vs{transposed(rows_of(v.view(), 0, s.k)), count, s.k * s.n};
      outputs<float> by_w{s.m, s.n, count, 3};
      outputs<std::int32_t> by_v{s.m, s.n, count, 0};
      for (index_t i = 0; i < count; ++i) {
        reference::gemm(rows_of(x.view(), i * s.m, s.m), rows_of(w.view(), i * s.n, s.n), reference::reals{},
                        by_w.at(i));
        for (index_t r = 0; r < s.m; ++r)
          for (index_t c = 0; c < s.n; ++c) {
            std::int32_t sum = 0;
            for (index_t k = 0; k < s.k; ++k)
              sum += (x.code(i * s.m + r, k) - x.params().zero_point()) * v.code(i * s.k + k, c);
            by_v.at(i)(r, c) = sum;
          }
      }
      expect_batch("x * w^T", by_w, [&](auto& y, const run_options& options) {
        return try_gemm_batch(xs, ws, epilogue::dequantize{}, y.batch(), options);
      });
      if (HasFatalFailure()) return;
      expect_batch("x * v", by_v, [&](auto& y, const run_options& options) {
        return try_gemm_batch(xs, vs, epilogue::sums{}, y.views(), options);
      });
      if (HasFatalFailure()) return;
    }
}

/// Every product has params of its own, one or one a row, and the second operand may be the same every time.
TEST(GemmBatch, ParamsAndStepsOfEachProduct) {
  std::mt19937 random(62);
  const index_t m = 5, n = 20, k = 31, count = 7;
  const auto x = product::operand<u8_per_row>(count * m, k, fill::random, random);
  const auto w = product::operand<s8_per_row>(n, k, fill::random, random);
  const strided_batch xs{rows_of(x.view(), 0, m), count, m * k, m};
  const strided_batch ws{w.view(), count, index_t{0}};
  outputs<float> expected{m, n, count, 1};
  for (index_t i = 0; i < count; ++i)
    reference::gemm(rows_of(x.view(), i * m, m), w.view(), reference::reals{}, expected.at(i));
  expect_batch("params a product", expected, [&](auto& y, const run_options& options) {
    return try_gemm_batch(xs, ws, epilogue::dequantize{}, y.batch(), options);
  });
  // A row of x a product, each with its own scale: views that the caller made.
  std::vector<quantized_view<u8_per_row>> views;
  for (index_t i = 0; i < count; ++i) views.push_back(rows_of(x.view(), i * m, m));
  const std::vector<quantized_view<s8_per_row>> same(static_cast<std::size_t>(count), w.view());
  expect_batch("vectors of views", expected, [&](auto& y, const run_options& options) {
    return try_gemm_batch(views, same, epilogue::dequantize{}, y.views(), options);
  });
}

/// Experts: packed weights of different sizes, floats and codes by them.
TEST(GemmBatch, PackedWeights) {
  std::mt19937 random(63);
  const index_t k = 64;
  for (const index_t count : {1, 2, 5, 9}) {
    std::vector<packed_weights> ws;
    std::vector<quantized<s4_per_group<32>>> codes;
    std::vector<std::vector<float>> reals, expected, dynamic_expected, ys;
    std::vector<strided<const float>> xs;
    std::vector<dynamic_rows<u8_per_row>> dynamic_xs;
    std::vector<strided<float>> outs;
    for (index_t i = 0; i < count; ++i) {
      const index_t m = i % 4, n = 3 + 29 * i;
      codes.push_back(product::operand<s4_per_group<32>>(n, k, fill::random, random));
      ws.push_back(pack(codes.back()));
      reals.push_back(product::numbers(m * k, 1.0f, random));
      xs.push_back(strided<const float>(reals.back().data(), m, k));
      dynamic_xs.push_back(dynamic_rows<u8_per_row>(xs.back()));
      expected.push_back(std::vector<float>(static_cast<std::size_t>(m * n)));
      dynamic_expected.push_back(expected.back());
      reference::gemm(xs.back(), codes.back().view(), reference::reals{}, strided<float>(expected.back().data(), m, n));
      gemm(dynamic_xs.back(), ws.back(), epilogue::dequantize{}, strided<float>(dynamic_expected.back().data(), m, n));
      ys.push_back(expected.back());
      outs.push_back(strided<float>(ys.back().data(), m, n));
    }
    support::for_each_isa([&](const std::string& isa) {
      for (const int threads : product::thread_counts) {
        for (auto& y : ys) std::fill(y.begin(), y.end(), 77.0f);
        ASSERT_TRUE(try_gemm_batch(xs, ws, epilogue::bounded_reals{}, outs, {product::threads(threads), nullptr}));
        ASSERT_EQ(ys, expected) << isa << ", " << threads << " threads";
        for (auto& y : ys) std::fill(y.begin(), y.end(), 77.0f);
        ASSERT_TRUE(try_gemm_batch(dynamic_xs, ws, epilogue::dequantize{}, outs, {product::threads(threads), nullptr}));
        ASSERT_EQ(ys, dynamic_expected) << isa << ", " << threads << " threads";
      }
    });
  }
}

struct GemmBatchErrors : testing::Test {
  static constexpr index_t m = 3, n = 5, k = 12, count = 9;
  std::mt19937 random{1};
  quantized<u8_per_tensor> x = product::operand<u8_per_tensor>(count * m, k, fill::random, random);
  quantized<s8_per_tensor> w = product::operand<s8_per_tensor>(n, k, fill::random, random);
  std::vector<quantized_view<u8_per_tensor>> xs;
  std::vector<quantized_view<s8_per_tensor>> ws = std::vector<quantized_view<s8_per_tensor>>(count, w.view());
  outputs<std::int32_t> y{m, n, count, 2};
  GemmBatchErrors() {
    for (index_t i = 0; i < count; ++i) xs.push_back(rows_of(x.view(), i * m, m));
  }
};

TEST_F(GemmBatchErrors, AsManyOfEach) {
  ws.pop_back();
  EXPECT_EQ(text_of(try_gemm_batch(xs, ws, epilogue::sums{}, y.views())),
            "gemm_batch: 9 x, 8 w and 9 y, expected as many of each");
  xs.pop_back();
  EXPECT_EQ(text_of(try_gemm_batch(xs, ws, epilogue::sums{}, y.views())),
            "gemm_batch: 8 x, 8 w and 9 y, expected as many of each");
  EXPECT_EQ(y.memory, std::vector<std::int32_t>(y.memory.size(), 77));
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(gemm_batch(xs, ws, epilogue::sums{}, y.views()), std::invalid_argument);
#endif
}

/// The first in order, with any number of threads; products that are refused write nothing.
TEST_F(GemmBatchErrors, TheFirstRefusalIsReported) {
  const std::vector<float> two(2, 1.0f);
  for (const std::size_t first : {std::size_t{0}, std::size_t{2}, std::size_t{5}, std::size_t{8}}) {
    auto some = xs;
    some[first].cols = k - 1;                                                    // says: 11 columns
    for (std::size_t i = first + 1; i < some.size(); ++i) some[i].scales = two;  // would say: 2 scales
    for (const int threads : product::thread_counts) {
      outputs<std::int32_t> out{m, n, count, 2};
      EXPECT_EQ(text_of(try_gemm_batch(some, ws, epilogue::sums{}, out.views(), {product::threads(threads), nullptr})),
                "gemm: x has 11 columns, w expects 12")
          << "product " << first << ", " << threads << " threads";
      outputs<std::int32_t> expected{m, n, count, 2};
      for (std::size_t i = 0; i < first; ++i)
        reference::gemm(xs[i], ws[i], reference::sums{}, expected.at(static_cast<index_t>(i)));
      EXPECT_EQ(out.memory, expected.memory) << "product " << first << ", " << threads << " threads";
    }
  }
}

}  // namespace gemm_batch_test
