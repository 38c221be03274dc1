// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Floats by integer weights: the definition on every instruction set, and a derived bound around the exact product.
#include <dyadic/kernels/gemm_reals.hpp>

#include <cmath>

#include "fixed_point/exact.hpp"
#include "kernels/product.hpp"
#include "kernels/schemes.hpp"
#include "support/data.hpp"

namespace gemm_weight_only_test {

using namespace dyadic;
using product::effort, product::fill, product::make_w, product::shape;
using support::text_of;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

/// x (m, k) in one of four layouts, the gaps NaN.
struct real_x {
  std::vector<float> memory;
  strided<const float> x;

  real_x(index_t m, index_t k, unsigned layout, std::mt19937& random)
      : memory(static_cast<std::size_t>(3 * m * k + 4 * m + 1), nan) {
    float* const first = memory.data();
    strided<float> to(first, m, k);
    if (layout == 1) to = {first + 1, m, k, k + 3, 1};
    if (layout == 2) to = {first, m, k, 1, m};
    if (layout == 3) to = {first + 3 * m * k, m, k, -3 * k, -3};
    const auto values = product::numbers(m * k, 2.0f, random);
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < k; ++j) to(i, j) = values[static_cast<std::size_t>(i * k + j)];
    x = to;
  }
};

struct tried {
  const product::weights& w;
  strided<const float> x;
  std::vector<float> bias;

  void check(const reference::reals& r, const epilogue::bounded_reals& e, effort how) const {
    product::expect_everywhere<float>(
        "weight-only, k = " + std::to_string(x.cols()) + ", w in " + std::to_string(w.packed.view().groups) +
            " groups a row",
        x.rows(), w.packed.rows(), w.expected(x, r),
        [&](strided<float> y, const run_options& options) { return try_gemm(x, w.packed, e, y, options); }, how);
  }
};

void check(const scheme& s, const shape& size, std::mt19937& random, effort how = effort::in_turns) {
  const index_t k = s.per == granularity::per_group ? round_up(size.k, s.group) : size.k;
  const real_x x(size.m, k, static_cast<unsigned>(random()) % 4, random);
  const auto w = make_w(s, size.n, k, fill::random, random);
  const tried t{*w, x.x, product::numbers(size.n, 1.0f, random)};
  using epilogue::dequantize;
  t.check({}, dequantize{}, how);
  if (testing::Test::HasFatalFailure()) return;
  t.check({.bias = t.bias, .low = 0.0f, .high = 0.5f},
          dequantize{} | epilogue::add_bias{t.bias} | epilogue::relu{} | epilogue::clamp{-1.0f, 0.5f}, how);
}

void check_schemes(std::initializer_list<scheme> all) {
  std::mt19937 random(41);
  for (const scheme& s : all) {
    for (const shape& size : product::shapes()) {
      check(s, size, random);
      if (testing::Test::HasFatalFailure()) return;
    }
    for (index_t m = 1; m <= 40; ++m) {
      check(s, {m, 1 + m * 7 % 130, 1 + m * 11 % 75}, random);
      if (testing::Test::HasFatalFailure()) return;
    }
  }
}

TEST(GemmWeightOnly, OneScaleARow) {
  check_schemes({s8_per_row, s4_per_row, u4_per_row, u8_per_row, s8_asymmetric_per_row, s8_narrow_per_tensor});
}
TEST(GemmWeightOnly, Groups) {
  check_schemes({s4_per_group<32>, u4_per_group<32>, s8_per_group<32>, s4_per_group<128>, u4_per_group<64>});
}
TEST(GemmWeightOnly, GroupsThatFillNoStep) {
  check_schemes({s4_per_group<4>, s4_per_group<6>, u4_per_group<3>, s8_per_group<7>, product::u8_group_of_one,
                 product::u5_groups});
}
TEST(GemmWeightOnly, FewBitsAndUnsignedSymmetric) {
  check_schemes({product::s2_rows, product::u3_rows, product::u6_rows, product::u4_symmetric, product::u8_symmetric});
}

TEST(GemmWeightOnly, OneRowByAnyNumberOfColumns) {
  std::mt19937 random(42);
  for (index_t n = 1; n <= 200; ++n)
    for (const scheme& s : {s4_per_group<32>, u4_per_row, s8_per_row, product::u5_groups}) {
      check(s, {1, n, 45 + n % 9}, random);
      if (HasFatalFailure()) return;
    }
}

TEST(GemmWeightOnly, EveryThreadCountInEveryLayout) {
  std::mt19937 random(43);
  for (const scheme& s : {s8_per_row, u4_per_group<32>})
    for (const shape& size : {shape{1, 260, 64}, shape{5, 70, 64}, shape{40, 19, 96}}) {
      check(s, size, random, effort::every);
      if (HasFatalFailure()) return;
    }
}

/// Groups in several stretches, with one, two and three panels beside the whole blocks; the scratch ends with the last
/// byte it is said to need (gemm_memory.cpp watches what comes behind).
TEST(GemmWeightOnly, LongRows) {
  std::mt19937 random(44);
  for (const index_t m : {1, 3, 4, 7})
    for (const index_t n : {16, 30, 48, 81, 130})
      for (const auto& [s, k] : {std::pair{s4_per_group<32>, 4000}, std::pair{u4_per_group<64>, 2688},
                                 std::pair{s8_per_group<7>, 2100}, std::pair{u4_per_row, 1501}}) {
        check(s, {m, n, k}, random);
        if (HasFatalFailure()) return;
      }
}

/// Worked out by hand: one group, then two whose order shows.
TEST(GemmWeightOnly, ByHand) {
  constexpr scheme rows = s8_asymmetric_per_row, twos = s8_per_group<2>;
  auto w =
      quantized<rows>::try_make(1, 3, params<rows>(std::vector<float>{0.5f}, std::vector<std::int32_t>{-3})).value();
  auto v = quantized<twos>::try_make(1, 4, params<twos>(std::vector<float>{0x1p24f, 1.0f})).value();
  for (int k = 0; k < 3; ++k) store_code<rows>(w.row(0), k, k - 2);          // 1, 2, 3 above the zero point
  for (int k = 0; k < 4; ++k) store_code<twos>(v.row(0), k, k < 2 ? 1 : k);  // 1, 1 | 2, 3
  const float x[] = {1.5f, -2.0f, 4.0f, 0.0f}, u[] = {0.75f, 0.25f, 0.5f, 0.0f};
  const std::vector<float> bias{0.25f};
  support::for_each_isa([&](const std::string& isa) {
    float y = 0, z = 0;
    gemm(strided<const float>(x, 1, 3), pack(w), epilogue::dequantize{} | epilogue::add_bias{bias},
         strided<float>(&y, 1, 1));
    EXPECT_EQ(y, (1.5f - 4.0f + 12.0f) * 0.5f + 0.25f) << isa;
    gemm(strided<const float>(u, 1, 4), pack(v), epilogue::dequantize{}, strided<float>(&z, 1, 1));
    EXPECT_EQ(z, 0x1p24f) << isa << ": 2^24 + 1, to even";
  });
}

/// Against the real product of the same weights. A product of group g meets at most `group` roundings in its part, one
/// as its total is made, one in each later total, and one with the bias; the bias meets the last alone. By Higham
/// (Accuracy and Stability, lemma 3.1) the error is at most gamma(group + groups + 1) (sum |x w| + |bias|), gamma(n) =
/// n u / (1 - n u), u = 2^-24. No step underflows: |x| >= 2^-23 but for zeros, and scales are above 2^-11. The exact product
/// is summed in double, where the same lemma gives gamma' (k + 2), u' = 2^-53: the factor below covers it.
TEST(GemmWeightOnly, IsWithinItsBound) {
  std::mt19937 random(45);
  double closest = 0;
  for (const auto& [s, k] : {std::pair{s8_per_row, index_t{2}}, std::pair{s8_per_row, index_t{300}},
                             std::pair{s4_per_group<32>, index_t{640}}, std::pair{u4_per_group<64>, index_t{4096}},
                             std::pair{product::u8_group_of_one, index_t{50}}}) {
    const index_t m = 6, n = 40, group = s.per == granularity::per_group ? s.group : k;
    const real_x x(m, k, 0, random);
    const auto w = make_w(s, n, k, fill::random, random);
    const auto bias = product::numbers(n, 1.0f, random);
    std::vector<float> y(static_cast<std::size_t>(m * n));
    gemm(x.x, w->packed, epilogue::dequantize{} | epilogue::add_bias{bias}, strided<float>(y.data(), m, n));
    const double roundings = static_cast<double>(group + k / group + 1) * 0x1p-24, gamma = roundings / (1 - roundings);
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < n; ++j) {
        const auto b = static_cast<double>(bias[static_cast<std::size_t>(j)]);
        double exact = b, size = std::abs(b);
        for (index_t p = 0; p < k; ++p) {
          const double term = static_cast<double>(x.x(i, p)) * w->value(j, p);
          exact += term;
          size += std::abs(term);
        }
        const double error = std::abs(static_cast<double>(y[static_cast<std::size_t>(i * n + j)]) - exact);
        const double bound = gamma * size * (1.0 + 0x1p-20) + static_cast<double>(k + 2) * 0x1p-52 * size;
        ASSERT_LE(error, bound) << "k = " << k << ", group " << group;
        closest = (std::max)(closest, error / bound);
      }
  }
  EXPECT_GT(closest, 0.25) << "a bound that far away says nothing";
}

/// NaN is never hidden, infinities and the signs of zeros are those of the definition.
TEST(GemmWeightOnly, SpecialNumbers) {
  std::mt19937 random(46);
  for (const scheme& s : {s8_per_row, u4_per_group<32>}) {
    const index_t m = 7, n = 18, k = 32;
    std::vector<float> x(static_cast<std::size_t>(m * k), 0.0f);
    x[1] = nan;                                               // row 0
    x[k + 3] = infinity;                                      // row 1: infinite, or NaN where the weight is 0
    x[2 * k] = infinity, x[2 * k + 9] = -infinity;            // row 2
    x[3 * k + 5] = 0x1p-149f;                                 // row 3: subnormal
    x[4 * k + 5] = 0x1.fffffep127f, x[4 * k + 6] = 0x1p127f;  // row 4: a part overflows
    x[5 * k] = -0.0f;
    const strided<const float> in(x.data(), m, k);
    const auto w = make_w(s, n, k, fill::random, random);
    for (const reference::reals& r : {reference::reals{}, reference::reals{.bias = {}, .low = 0.0f, .high = 1.0f}}) {
      const auto expected = w->expected(in, r);
      ASSERT_TRUE(std::isnan(expected[0]));
      support::for_each_isa([&](const std::string& isa) {
        std::vector<float> y(expected.size());
        gemm(in, w->packed, epilogue::bounded_reals{} | epilogue::clamp{r.low, r.high}, strided<float>(y.data(), m, n));
        for (std::size_t i = 0; i < y.size(); ++i) {
          if (std::isnan(expected[i]))
            ASSERT_TRUE(std::isnan(y[i])) << isa << ", element " << i;
          else
            ASSERT_EQ(std::memcmp(&y[i], &expected[i], sizeof(float)), 0) << isa << ", element " << i;
        }
      });
    }
  }
}

TEST(GemmWeightOnly, TheHostsRoundingAndFlushingDoNotReachTheResult) {
  std::mt19937 random(47);
  const index_t m = 5, n = 21, k = 64;
  std::vector<float> x = product::numbers(m * k, 0x1p-123f, random);
  for (std::size_t i = 0; i < x.size(); i += 3) x[i] *= 0x1p-8f;  // subnormal
  const strided<const float> in(x.data(), m, k);
  const auto w = make_w(u4_per_group<32>, n, k, fill::random, random);
  const auto expected = w->expected(in, reference::reals{});
  int subnormal = 0;
  for (const float v : expected) subnormal += v != 0.0f && std::abs(v) < 0x1p-126f ? 1 : 0;
  ASSERT_GT(subnormal, 20) << "numbers that flushing would not touch prove nothing";
  support::for_each_isa([&](const std::string& isa) {
    exact::in_every_environment([&] {
      for (const int count : {1, 3}) {
        std::vector<float> y(expected.size());
        const auto ok = try_gemm(in, w->packed, epilogue::dequantize{}, strided<float>(y.data(), m, n),
                                 run_options{product::threads(count), nullptr});
        EXPECT_TRUE(ok && std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)) == 0) << isa;
      }
    });
  });
}

TEST(GemmWeightOnly, Gemv) {
  std::mt19937 random(48);
  const auto w = make_w(s4_per_group<32>, 50, 96, fill::random, random);
  const std::vector<float> x = product::numbers(96, 1.0f, random);
  std::vector<float> y(50);
  gemv(w->packed, x, epilogue::dequantize{}, y);
  EXPECT_EQ(y, w->expected(strided<const float>(x.data(), 1, 96), reference::reals{}));
  std::fill(y.begin(), y.end(), 0.0f);
  gemv(w->packed, strided<const float>(x.data(), 96, 1), epilogue::dequantize{}, y);  // a column is a vector too
  EXPECT_EQ(y, w->expected(strided<const float>(x.data(), 1, 96), reference::reals{}));
  EXPECT_EQ(text_of(try_gemv(w->packed, std::span<const float>(x).first(95), epilogue::dequantize{}, y)),
            "gemm: x has 95 columns, w expects 96");
  EXPECT_EQ(text_of(try_gemv(w->packed, x, epilogue::dequantize{}, std::span<float>(y).first(49))),
            "gemm: y is 1 x 49, expected 1 x 50");
}

TEST(GemmWeightOnly, Errors) {
  constexpr index_t m = 3, n = 5, k = 12;
  std::mt19937 random(49);
  const auto held = make_w(s4_per_group<4>, n, k, fill::random, random);
  const packed_weights& w = held->packed;
  const std::vector<float> x(m * k), four(4);
  std::vector<float> memory(m * n, 77.0f), shared(m * k + m * n, 77.0f);
  const strided<const float> in(x.data(), m, k);
  const strided<float> y(memory.data(), m, n);
  const epilogue::dequantize e;
  EXPECT_EQ(text_of(try_gemm(strided<const float>(x.data(), m, k - 1), w, e, y)),
            "gemm: x has 11 columns, w expects 12");
  EXPECT_EQ(text_of(try_gemm(strided<const float>(x.data(), m - 1, k), w, e, y)), "gemm: y is 3 x 5, expected 2 x 5");
  EXPECT_EQ(text_of(try_gemm(in, w, e, strided<float>(memory.data(), n, m))), "gemm: y is 5 x 3, expected 3 x 5");
  EXPECT_EQ(text_of(try_gemm(strided<const float>(nullptr, m, k), w, e, y)), "gemm: x: null data for 3 x 12 elements");
  EXPECT_EQ(text_of(try_gemm(in, w, e, strided<float>(nullptr, m, n))), "gemm: y: null data for 3 x 5 elements");
  EXPECT_EQ(text_of(try_gemm(in, w, e, strided<float>(memory.data(), m, n, 0, 1))),
            "gemm: y: strides 0 and 1 make elements of a 3 x 5 output share memory");
  EXPECT_EQ(text_of(try_gemm(in, w, e | epilogue::add_bias{four}, y)),
            "gemm: bias of 4 for 5 rows of weights, expected 5 or none");
  EXPECT_EQ(text_of(try_gemm(in, w, e | epilogue::clamp{2.0f, 1.0f}, y)),
            "gemm: clamp to [2, 1], expected low <= high");
  EXPECT_EQ(text_of(try_gemm(strided<const float>(shared.data(), m, k), w, e,
                             strided<float>(shared.data() + m * k - 1, m, n))),
            "gemm: y of 3 x 5 shares memory with x of 3 x 12");
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(gemm(in, w, e, strided<float>(memory.data(), n, m)), std::invalid_argument);
#endif
  EXPECT_EQ(memory, std::vector<float>(m * n, 77.0f));
  EXPECT_EQ(shared, std::vector<float>(m * k + m * n, 77.0f));
}

}  // namespace gemm_weight_only_test
