// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products that quantize their activations equal those of codes quantized before, and the reference, bit for bit.
#include <dyadic/kernels/gemm_reals.hpp>
#include <dyadic/kernels/reference/gemm.hpp>
#include <dyadic/quantize/quantize.hpp>
#include <dyadic/scheme/name.hpp>

#include <cmath>

#include "fixed_point/exact.hpp"
#include "kernels/product.hpp"
#include "support/data.hpp"

namespace gemm_dynamic_test {

using namespace dyadic;
using product::effort, product::fill, product::shape;
using support::text_of;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

constexpr scheme s8_symmetric_per_row{.per = granularity::per_row};
template <int Group>
constexpr scheme u8_per_group = u8_per_row.with(granularity::per_group, Group);

/// What the numbers of x are.
enum class data { normal, far_apart, hard };

/// Numbers that quantizers meet: rows of one kind, or everything mixed.
std::vector<float> numbers(data what, index_t m, index_t k, std::mt19937& random) {
  std::vector<float> x = product::numbers(m * k, 2.0f, random);
  const std::vector<float> corners = support::corner_numbers();
  for (index_t i = 0; i < m; ++i)
    for (index_t j = 0; j < k; ++j) {
      float& v = x[static_cast<std::size_t>(i * k + j)];
      if (what == data::far_apart) v = std::ldexp(v, static_cast<int>(random() % 60) - 30);
      if (what != data::hard) continue;
      const float odd = corners[random() % corners.size()];
      switch (i % 9) {
        case 0: v = random() % 4 == 0 ? nan : v; break;
        case 1: v = random() % 4 == 0 ? (random() % 2 == 0 ? infinity : -infinity) : v; break;
        case 2: v = 1.75f; break;                               // constant
        case 3: v = random() % 2 == 0 ? 0.0f : -0.0f; break;    // degenerate
        case 4: v *= 0x1p-128f; break;                          // subnormal, and what rounds to a scale of 2^-126
        case 5: v = random() % 2 == 0 ? nan : infinity; break;  // nothing finite
        case 6: v = std::abs(v) * -0x1p125f; break;             // one side, near the end
        case 7: v = odd; break;
        default: v = j % 8 == 0 ? odd : v; break;
      }
    }
  return x;
}

/// The same numbers in every layout that x can have; row i, column j of each is element (i, j).
struct layouts_of_x {
  std::vector<float> rows, apart, columns, every_third, backwards;
  index_t m, k;

  layouts_of_x(const std::vector<float>& x, index_t m_, index_t k_)
      : rows(x),
        apart(size(m_ * (k_ + 3)), nan),
        columns(x.size()),
        every_third(3 * x.size(), nan),
        backwards(x.rbegin(), x.rend()),
        m(m_),
        k(k_) {
    for (index_t i = 0; i < m; ++i)
      for (index_t j = 0; j < k; ++j) {
        const float v = x[size(i * k + j)];
        apart[size(i * (k + 3) + j)] = v;
        columns[size(j * m + i)] = v;
        every_third[size(3 * (i * k + j))] = v;
      }
  }
  static constexpr unsigned count = 5;
  strided<const float> operator[](unsigned which) const {
    switch (which % count) {
      case 0: return {rows.data(), m, k};
      case 1: return {apart.data(), m, k, k + 3, 1};
      case 2: return {columns.data(), m, k, 1, m};
      case 3: return {every_third.data(), m, k, 3 * k, 3};
      default: return {backwards.data() + (backwards.empty() ? 0 : backwards.size() - 1), m, k, -k, -1};
    }
  }
  static std::size_t size(index_t n) { return static_cast<std::size_t>(n); }
};

/// Quantized in the call, quantized before it, and by the reference.
template <scheme S, scheme W>
void check(const shape& s, data what, std::mt19937& random, effort e = effort::in_turns) {
  const auto x = numbers(what, s.m, s.k, random);
  const layouts_of_x layouts(x, s.m, s.k);
  const auto w = product::operand<W>(s.n, s.k, fill::random, random);
  const auto packed = pack(w);
  const auto bias = product::numbers(s.n, 1.0f, random);
  const auto codes = quantize<S>(layouts[0]);
  std::vector<float> expected(static_cast<std::size_t>(s.m * s.n));
  reference::gemm(codes.view(), w.view(), reference::reals{.bias = bias, .low = -100.0f},
                  strided<float>(expected.data(), s.m, s.n));
  const auto how = epilogue::dequantize{} | epilogue::add_bias{bias} | epilogue::clamp{-100.0f, infinity};
  const std::string name = std::string(scheme_name(S).c_str()) + " by " + scheme_name(W).c_str() +
                           ", k = " + std::to_string(s.k) + ", data " + std::to_string(static_cast<int>(what));
  product::expect_everywhere<float>(
      name + ", codes", s.m, s.n, expected,
      [&](strided<float> y, const run_options& options) { return try_gemm(codes, packed, how, y, options); }, e);
  unsigned turn = static_cast<unsigned>(random());
  if (testing::Test::HasFatalFailure()) return;
  product::expect_everywhere<float>(
      name + ", dynamic", s.m, s.n, expected,
      [&](strided<float> y, const run_options& options) {
        return try_gemm(dynamic_rows<S>(layouts[turn++]), packed, how, y, options);
      },
      e);
}

template <scheme S, scheme W>
void check_shapes() {
  std::mt19937 random(31);
  constexpr int group = W.per == granularity::per_group ? W.group : S.per == granularity::per_group ? S.group : 1;
  constexpr shape tried[] = {{1, 1, 1},   {1, 200, 37}, {2, 17, 64},  {3, 33, 5},   {7, 16, 96}, {9, 65, 33},
                             {18, 40, 7}, {31, 9, 130}, {25, 70, 64}, {90, 5, 129}, {4, 7, 0},   {0, 3, 4}};
  for (const shape& s : tried)
    for (const data what : {data::normal, data::far_apart, data::hard}) {
      check<S, W>({s.m, s.n, round_up(s.k, group)}, what, random);
      if (testing::Test::HasFatalFailure()) return;
    }
  check<S, W>({9, 70, round_up(64, group)}, data::hard, random, effort::every);
}

TEST(GemmDynamic, UnsignedRows) {
  check_shapes<u8_per_row, s8_per_row>();
  check_shapes<u8_per_row, u4_per_row>();
  check_shapes<u8_per_row, s4_per_group<32>>();
}
TEST(GemmDynamic, SignedRows) {
  check_shapes<s8_per_row, s8_per_row>();
  check_shapes<s8_symmetric_per_row, u4_per_group<32>>();
  check_shapes<s8_asymmetric_per_row, u8_per_row>();
}
TEST(GemmDynamic, SymmetricGroups) {
  check_shapes<s8_per_group<32>, s4_per_group<32>>();
  check_shapes<s8_per_group<32>, u4_per_group<32>>();
  check_shapes<s8_per_group<32>, s8_per_group<32>>();
}
TEST(GemmDynamic, AsymmetricGroups) {
  check_shapes<u8_per_group<32>, u4_per_group<32>>();
  check_shapes<u8_per_group<32>, s4_per_group<32>>();
}
/// Groups that begin inside a step of a kernel.
TEST(GemmDynamic, GroupsThatFillNoStep) {
  check_shapes<s8_per_group<7>, s8_per_group<7>>();
  check_shapes<u8_per_group<6>, s4_per_group<6>>();
}
TEST(GemmDynamic, FewerBits) {
  constexpr scheme u5{.bits = 5, .is_signed = false, .sym = symmetry::asymmetric, .per = granularity::per_row};
  constexpr scheme s6{.bits = 6, .per = granularity::per_row};
  check_shapes<u5, s8_per_row>();
  check_shapes<s6, u4_per_row>();
}
/// The zero point is the middle code.
TEST(GemmDynamic, UnsignedSymmetric) {
  constexpr scheme u8_symmetric_rows{.is_signed = false, .per = granularity::per_row};
  check_shapes<u8_symmetric_rows, s8_per_row>();
}

TEST(GemmDynamic, SeveralStretchesAndBlocks) {
  std::mt19937 random(32);
  check<u8_per_row, s8_per_row>({5, 70, 9001}, data::normal, random);
  check<s8_per_group<32>, u4_per_group<32>>({30, 20, 9600}, data::far_apart, random);
  check<u8_per_group<32>, u4_per_group<32>>({3, 70, 5120}, data::hard, random);
  check<u8_per_row, u4_per_row>({700, 17, 40}, data::normal, random);
}

/// A row that is one group is a row with one scale, whatever the groups of w.
TEST(GemmDynamic, OneGroupARowIsNoGroup) {
  std::mt19937 random(33);
  check<s8_per_group<32>, s8_per_row>({5, 19, 32}, data::normal, random);
  check<s8_per_group<32>, s4_per_group<16>>({5, 19, 32}, data::normal, random);
  check<u8_per_group<32>, u4_per_group<32>>({5, 19, 32}, data::hard, random);
}

/// One definition, worked out by hand: groups of two, x = (1, 2 | 10, -20) with scales 2 / 127 and 20 / 127.
TEST(GemmDynamic, ByHand) {
  const float x[] = {1.0f, 2.0f, 10.0f, -20.0f};
  auto w = quantized<s8_per_group<2>>::try_make(1, 4, params<s8_per_group<2>>(std::vector<float>{0.5f, 0.25f})).value();
  for (int k = 0; k < 4; ++k) store_code<s8_per_group<2>>(w.row(0), k, k + 1);
  // Codes 64 (63.5, to even), 127 and 64, -127.
  const float first = 64 * 1 + 127 * 2, second = 64 * 3 - 127 * 4;
  const float expected =
      std::fma(second, 0.25f * (20.0f / 127.0f), std::fma(first, 0.5f * (2.0f / 127.0f), 0.0f)) + 0.125f;
  const std::vector<float> bias{0.125f};
  support::for_each_isa([&](const std::string& isa) {
    float y = 0;
    gemm(dynamic_rows<s8_per_group<2>>(strided<const float>(x, 1, 4)), pack(w),
         epilogue::dequantize{} | epilogue::add_bias{bias}, strided<float>(&y, 1, 1));
    EXPECT_EQ(y, expected) << isa;
  });
}

/// gemv is gemm with one row.
TEST(GemmDynamic, Gemv) {
  std::mt19937 random(34);
  const auto w = pack(product::operand<u4_per_group<32>>(50, 96, fill::random, random));
  const std::vector<float> x = product::numbers(96, 1.0f, random);
  std::vector<float> a(50), b(50);
  gemm(dynamic_rows<u8_per_row>(strided<const float>(x.data(), 1, 96)), w, epilogue::dequantize{},
       strided<float>(b.data(), 1, 50));
  gemv<u8_per_row>(w, x, epilogue::dequantize{}, a);
  EXPECT_EQ(a, b);
  EXPECT_EQ(text_of(try_gemv<u8_per_row>(w, std::span<const float>(x).first(64), epilogue::dequantize{}, a)),
            "gemm: x has 64 columns, w expects 96");
}

/// Ranges, codes and totals are found in the default environment. Numbers so small that flushing shows, and so odd that
/// every rounding does.
template <scheme S, scheme W>
void check_environments() {
  std::mt19937 random(35);
  const index_t m = 5, n = 21, k = 64;
  std::vector<float> x = product::numbers(m * k, 1.0f, random);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] *= i % 3 == 0 ? 0x1p-115f : 0x1p-120f;
  for (std::size_t i = 0; i < size_t{k}; ++i) x[i] *= 0x1p-8f;
  const auto big = product::operand<W>(n, k, fill::random, random);
  std::vector<float> scales;
  for (const float s : big.params().scales()) scales.push_back(s * 0x1p-8f);
  auto w = quantized<W>::try_make(n, k, params<W>(scales, big.params().zero_points())).value();
  std::memcpy(w.bytes(), big.bytes(), static_cast<std::size_t>(big.size_bytes()));
  const auto packed = pack(w);
  std::vector<float> expected(static_cast<std::size_t>(m * n));
  reference::gemm(quantize<S>(strided<const float>(x.data(), m, k)).view(), w.view(), reference::reals{},
                  strided<float>(expected.data(), m, n));
  int subnormal = 0;
  for (const float v : expected) subnormal += v != 0.0f && std::abs(v) < 0x1p-126f ? 1 : 0;
  ASSERT_GT(subnormal, 10) << "numbers that flushing would not touch prove nothing";
  support::for_each_isa([&](const std::string& isa) {
    exact::in_every_environment([&] {
      for (const int count : {1, 3}) {
        std::vector<float> y(expected.size());
        const auto ok = try_gemm(dynamic_rows<S>(strided<const float>(x.data(), m, k)), packed, epilogue::dequantize{},
                                 strided<float>(y.data(), m, n), run_options{product::threads(count), nullptr});
        EXPECT_TRUE(ok && std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)) == 0) << isa;
      }
    });
  });
}
TEST(GemmDynamic, TheHostsRoundingAndFlushingDoNotReachTheResult) {
  check_environments<u8_per_row, s8_per_row>();
  check_environments<s8_per_group<32>, s4_per_group<32>>();
}

struct GemmDynamicErrors : testing::Test {
  static constexpr index_t m = 3, n = 5, k = 64;
  std::mt19937 random{1};
  std::vector<float> x = product::numbers(m * k, 1.0f, random), y_memory = std::vector<float>(m * n, 77.0f);
  quantized<s8_per_row> codes = product::operand<s8_per_row>(n, k, fill::random, random);
  packed_weights w = pack(codes), grouped = pack(product::operand<s4_per_group<16>>(n, k, fill::random, random));
  strided<const float> in{x.data(), m, k};
  strided<float> y{y_memory.data(), m, n};
  epilogue::dequantize e;

  template <scheme S>
  std::string refusal(const packed_weights& by) {
    return text_of(try_gemm(dynamic_rows<S>(in), by, e, y));
  }
  void TearDown() override { EXPECT_EQ(y_memory, std::vector<float>(m * n, 77.0f)); }
};

TEST_F(GemmDynamicErrors, Shapes) {
  const auto part = [&](index_t rows, index_t cols) {
    return dynamic_rows<>(strided<const float>(x.data(), rows, cols));
  };
  EXPECT_EQ(text_of(try_gemm(part(m, k - 1), w, e, y)), "gemm: x has 63 columns, w expects 64");
  EXPECT_EQ(text_of(try_gemm(part(m - 1, k), w, e, y)), "gemm: y is 3 x 5, expected 2 x 5");
  EXPECT_EQ(text_of(try_gemm(part(m, k), w, e, strided<float>(y_memory.data(), m, n - 1))),
            "gemm: y is 3 x 4, expected 3 x 5");
  EXPECT_EQ(text_of(try_gemm(dynamic_rows<>(strided<const float>(nullptr, m, k)), w, e, y)),
            "gemm: x: null data for 3 x 64 elements");
  EXPECT_EQ(text_of(try_gemm(part(m, k), w, e, strided<float>(nullptr, m, n))),
            "gemm: y: null data for 3 x 5 elements");
  EXPECT_EQ(text_of(try_gemm(part(m, k), w, e, strided<float>(y_memory.data(), m, n, 1, 1))),
            "gemm: y: strides 1 and 1 make elements of a 3 x 5 output share memory");
  const std::vector<float> four(4);
  EXPECT_EQ(text_of(try_gemm(part(m, k), w, e | epilogue::add_bias{four}, y)),
            "gemm: bias of 4 for 5 rows of weights, expected 5 or none");
  EXPECT_EQ(text_of(try_gemm(part(m, k), w, e | epilogue::clamp{2.0f, 1.0f}, y)),
            "gemm: clamp to [2, 1], expected low <= high");
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(gemm(part(m, k - 1), w, e, y), std::invalid_argument);
#endif
}

TEST_F(GemmDynamicErrors, GroupsThatDiffer) {
  EXPECT_EQ((refusal<s8_per_group<32>>(grouped)), "gemm: x in groups of 32, w in groups of 16, expected the same");
  EXPECT_EQ((refusal<s8_per_group<8>>(grouped)), "gemm: x in groups of 8, w in groups of 16, expected the same");
  EXPECT_EQ((refusal<s8_per_group<32>>(w)), "gemm: x in groups of 32, w in groups of 64, expected the same");
  const auto quantized_before = quantize<s8_per_group<32>>(in);
  EXPECT_EQ(text_of(try_gemm(quantized_before, grouped, e, y)),
            "gemm: x in groups of 32, w in groups of 16, expected the same");
}

/// As quantize refuses them.
TEST_F(GemmDynamicErrors, RowsThatDoNotDivideIntoGroups) {
  EXPECT_EQ((refusal<s8_per_group<128>>(w)), "scheme: rows of 64 do not divide into groups of 128");
  EXPECT_EQ(text_of(try_quantize<s8_per_group<128>>(in)), "scheme: rows of 64 do not divide into groups of 128");
}

TEST_F(GemmDynamicErrors, Overlap) {
  std::vector<float> shared(m * k + m * n);
  const std::vector<float> before = shared;
  EXPECT_EQ(text_of(try_gemm(dynamic_rows<>(strided<const float>(shared.data(), m, k)), w, e,
                             strided<float>(shared.data() + m * k - 1, m, n))),
            "gemm: y of 3 x 5 shares memory with x of 3 x 64");
  EXPECT_EQ(shared, before);
}

/// Weights that were packed for smaller activations than these can be.
TEST_F(GemmDynamicErrors, WeightsPackedForLess) {
  const auto for_symmetric = pack(codes, 127);
  EXPECT_EQ(refusal<u8_per_row>(for_symmetric),
            "gemm: |x - zero point| can reach 255, the weights were packed for 127");
  EXPECT_EQ(refusal<s8_symmetric_per_row>(for_symmetric),
            "gemm: |x - zero point| can reach 128, the weights were packed for 127");
  std::vector<float> out(m * n);
  EXPECT_TRUE(try_gemm(dynamic_rows<s8_per_row>(in), for_symmetric, e, strided<float>(out.data(), m, n)));
}

}  // namespace gemm_dynamic_test
