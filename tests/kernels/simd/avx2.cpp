// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products of bytes whose pairs are added in int16: exact up to the last pair that fits, and not used beyond it.
#include <dyadic/kernels/gemm.hpp>

#include "kernels/product.hpp"
#include "kernels/schemes.hpp"

namespace avx2_test {

using namespace dyadic;
using product::fill;

constexpr scheme whole = product::s8_whole_per_row;  // with -128

/// Two weights side by side. Activations of 255 make 32640 of those that fit, more than 32767 of those that do not.
struct pair {
  int first, second;
};
constexpr pair fitting[] = {{64, 64}, {-64, -64}, {127, 1}, {-128, 127}, {-128, 0}, {1, -128}, {100, 28}};
constexpr pair beyond[] = {{65, 64}, {-64, -65}, {127, 2}, {-128, -1}, {127, 127}, {-128, -128}};

/// (n, k) codes, pairs that fit; in the blocks of 64 rows that `exceeds` names, one pair of one row does not.
template <scheme S>
quantized<S> weights(index_t n, index_t k, const std::vector<bool>& exceeds, std::mt19937& random) {
  auto w = product::operand<S>(n, k, fill::random, random);
  const auto put = [&](index_t i, index_t j, const pair& p) {
    store_code<S>(w.row(i), j, p.first);
    if (j + 1 < k) store_code<S>(w.row(i), j + 1, p.second);
  };
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < k; j += 2) put(i, j, fitting[random() % std::size(fitting)]);
  for (index_t block = 0; block < static_cast<index_t>(exceeds.size()); ++block) {
    if (!exceeds[static_cast<std::size_t>(block)]) continue;
    const index_t rows = (std::min)(index_t{64}, n - 64 * block);
    put(64 * block + static_cast<index_t>(random()) % rows, static_cast<index_t>(random()) % (k / 2) * 2,
        beyond[random() % std::size(beyond)]);
  }
  return w;
}

/// The definition: one byte a panel, from the codes. Groups of S begin at even k.
template <scheme S>
std::vector<std::uint8_t> pairs_fit(const quantized<S>& w) {
  std::vector<std::uint8_t> fit(static_cast<std::size_t>((w.rows() + 15) / 16), 1);
  for (index_t i = 0; i < w.rows(); ++i)
    for (index_t k = 0; k < w.cols(); k += 2) {
      const int a = w.code(i, k), b = k + 1 < w.cols() ? w.code(i, k + 1) : 0;
      const int above = (std::max)(a, 0) + (std::max)(b, 0), below = (std::min)(a, 0) + (std::min)(b, 0);
      if (255 * (std::max)(above, -below) > 32767) fit[static_cast<std::size_t>(i / 16)] = 0;
    }
  return fit;
}

/// x * w^T of codes of x between 0 and 255, 255 the most frequent. Weights in groups give floats.
template <class T>
struct problem {
  index_t m, n, k;
  std::vector<std::uint8_t> x;
  simd::gemm_call call;
  std::vector<T> y;

  problem(index_t rows, const packed_weights& w, std::mt19937& random) : m(rows), n(w.rows()), k(w.cols()) {
    for (index_t i = 0; i < m * k; ++i) x.push_back(random() % 4 == 0 ? static_cast<std::uint8_t>(random()) : 255);
    y.assign(static_cast<std::size_t>(m * n), T{});
    call.w = w.view();
    call.m = m;
    call.k = k;
    call.out.to = std::is_same_v<T, float> ? simd::output::reals : simd::output::sums;
    call.out.rows_a_param = m;
    call.out.low = -epilogue::infinity;
    call.out.high = epilogue::infinity;
    call.out.y_row_stride = n;
  }
  std::vector<T> run(const std::uint8_t* fit, const run_options& options = {}) {
    const kernels::matrix_rows<std::uint8_t> rows{{x.data(), m, k, k, 1}};
    y.assign(y.size(), T{});
    call.x = rows.source();
    call.w.pairs_fit = fit;
    call.out.y = y.data();
    EXPECT_TRUE(kernels::run_gemm<kernels::pick_gemm_codes>(call, n, options));
    return y;
  }
};

bool has_avx2() { return simd::detect_cpu().avx2; }

template <class T, scheme S>
void check(index_t m, index_t n, index_t k, const std::vector<bool>& exceeds, std::mt19937& random) {
  SCOPED_TRACE(testing::Message() << m << " x " << n << " x " << k);
  const auto w = weights<S>(n, k, exceeds, random);
  const auto packed = pack(w);
  const std::vector<std::uint8_t> fit = pairs_fit(w);
  if (packed.view().pairs_fit != nullptr) {
    ASSERT_EQ(std::memcmp(packed.view().pairs_fit, fit.data(), fit.size()), 0);
  }
  problem<T> p(m, packed, random);
  ASSERT_TRUE(try_force_isa("scalar"));
  const std::vector<T> expected = p.run(nullptr);
  if constexpr (std::is_same_v<T, std::int32_t>)
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < n; ++j) {
        std::int64_t sum = 0;
        for (index_t l = 0; l < k; ++l) sum += std::int64_t{p.x[static_cast<std::size_t>(i * k + l)]} * w.code(j, l);
        ASSERT_EQ(expected[static_cast<std::size_t>(i * n + j)], sum);
      }
  support::for_each_isa([&](const std::string& isa) {
    EXPECT_EQ(p.run(fit.data()), expected) << isa;
    EXPECT_EQ(p.run(nullptr), expected) << isa << ", not known to fit";
    EXPECT_EQ(p.run(fit.data(), {product::threads(3), nullptr}), expected) << isa << ", 3 threads";
  });
}

/// Runs of blocks that fit and blocks that do not, in every order; the last block of one panel, of two, whole.
TEST(Avx2, PairsAtTheLimitAndBeyond) {
  std::mt19937 random(1);
  for (const index_t m : {1, 2, 5, 7, 30})
    for (const index_t k : {2, 37, 64})
      for (const index_t n : {16, 64, 65, 144, 250}) {
        const auto blocks = static_cast<std::size_t>((n + 63) / 64);
        for (unsigned pattern = 0; pattern < 1U << blocks; ++pattern) {
          std::vector<bool> exceeds(blocks);
          for (std::size_t b = 0; b < blocks; ++b) exceeds[b] = (pattern >> b & 1U) != 0;
          check<std::int32_t, whole>(m, n, k, exceeds, random);
          if (HasFatalFailure()) return;
        }
      }
}
TEST(Avx2, PairsOfGroups) {
  std::mt19937 random(2);
  for (const index_t m : {1, 3, 30})
    for (const std::vector<bool>& exceeds :
         {std::vector<bool>{false, false, false}, {true, true, true}, {false, true, false}}) {
      check<float, whole.with(granularity::per_group, 32)>(m, 150, 96, exceeds, random);
      if (HasFatalFailure()) return;
    }
}

/// What the tests above would say if a panel were multiplied so that does not fit: sums that saturated.
TEST(Avx2, PairsThatDoNotFitWouldSaturate) {
  if (!has_avx2()) GTEST_SKIP() << "no avx2 here";
  std::mt19937 random(3);
  for (const pair& p : beyond) {
    auto w = quantized<whole>::try_make(1, 2, params<whole>(std::vector<float>{1.0f})).value();
    store_code<whole>(w.row(0), 0, p.first);
    store_code<whole>(w.row(0), 1, p.second);
    const auto packed = pack(w);
    problem<std::int32_t> one(1, packed, random);
    one.x = {255, 255};
    const std::uint8_t fits = 1;
    ASSERT_TRUE(try_force_isa("avx2"));
    EXPECT_EQ(one.run(&fits), std::vector<std::int32_t>{p.first > 0 ? 32767 : -32768});
    EXPECT_EQ(one.run(nullptr), std::vector<std::int32_t>{255 * (p.first + p.second)});
    ASSERT_TRUE(try_force_isa(nullptr));
  }
}

}  // namespace avx2_test
