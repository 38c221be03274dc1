// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Products of two activations give the bits of weights that were packed before.
#include <dyadic/kernels/gemm_pair.hpp>
#include <dyadic/kernels/reference/gemm.hpp>
#include <dyadic/scheme/name.hpp>

#include "kernels/product.hpp"
#include "support/data.hpp"

namespace gemm_pair_test {

using namespace dyadic;
using product::effort, product::fill, product::shape;
using support::text_of;

/// The transpose of q, with the same params; element by element.
template <scheme S>
quantized<S> transpose_of(const quantized<S>& q) {
  auto t = quantized<S>::try_make(q.cols(), q.rows(), q.params()).value();
  for (index_t i = 0; i < q.rows(); ++i)
    for (index_t j = 0; j < q.cols(); ++j) store_code<S>(t.row(j), i, q.code(i, j));
  return t;
}

/// x * w^T to int32 and to floats: as the reference says, from rows that stand side by side or apart.
template <scheme X, scheme W, class Second>
void check_second(const std::string& what, const quantized<X>& x, const quantized<W>& w, const Second& second,
                  std::mt19937& random, effort e) {
  const index_t m = x.rows(), n = w.rows();
  const auto bias = product::numbers(n, 1.0f, random);
  std::vector<std::int32_t> sums(static_cast<std::size_t>(m * n));
  std::vector<float> reals(sums.size());
  reference::gemm(x.view(), w.view(), reference::sums{}, strided<std::int32_t>(sums.data(), m, n));
  reference::gemm(x.view(), w.view(), reference::reals{.bias = bias, .low = 0.0f}, strided<float>(reals.data(), m, n));
  const product::spread_out<X> apart(x);
  const std::string name =
      what + ", " + scheme_name(X).c_str() + " by " + scheme_name(W).c_str() + ", k = " + std::to_string(x.cols());
  product::expect_everywhere<std::int32_t>(
      name, m, n, sums,
      [&](strided<std::int32_t> y, const run_options& options) {
        return try_gemm(apart.view, second, epilogue::sums{}, y, options);
      },
      e);
  if (testing::Test::HasFatalFailure()) return;
  const auto how = epilogue::dequantize{} | epilogue::add_bias{bias} | epilogue::relu{};
  product::expect_everywhere<float>(
      name, m, n, reals,
      [&](strided<float> y, const run_options& options) { return try_gemm(x.view(), second, how, y, options); }, e);
}

template <scheme X, scheme W>
void check(const shape& s, fill of_x, fill of_w, std::mt19937& random, effort e = effort::in_turns) {
  const auto x = product::operand<X>(s.m, s.k, of_x, random);
  const auto w = product::operand<W>(s.n, s.k, of_w, random);
  check_second("rows", x, w, w.view(), random, e);
  if (testing::Test::HasFatalFailure()) return;
  check_second("rows apart", x, w, product::spread_out<W>(w).view, random, e);
  if constexpr (W.per == granularity::per_tensor && !W.two_per_byte()) {
    if (testing::Test::HasFatalFailure()) return;
    const auto v = transpose_of(w);
    check_second("transposed", x, w, transposed(v), random, e);
    if (testing::Test::HasFatalFailure()) return;
    check_second("transposed, rows apart", x, w, transposed(product::spread_out<W>(v).view), random, e);
  }
}

template <scheme X, scheme W>
void check_shapes() {
  std::mt19937 random(51);
  for (const shape& s : product::shapes()) {
    check<X, W>(s, fill::random, fill::random, random);
    if (testing::Test::HasFatalFailure()) return;
  }
  for (const fill of_x : {fill::lowest, fill::ends})
    for (const fill of_w : {fill::lowest, fill::highest, fill::ends}) {
      check<X, W>({7, 18, 37}, of_x, of_w, random);
      if (testing::Test::HasFatalFailure()) return;
    }
  check<X, W>({30, 70, 64}, fill::random, fill::random, random, effort::every);
}

TEST(GemmPair, OfOneScale) {
  check_shapes<u8_per_tensor, s8_per_tensor>();
  check_shapes<u8_per_tensor, u8_per_tensor>();
  check_shapes<s8_per_tensor, s8_asymmetric_per_tensor>();
}
TEST(GemmPair, OfOneScaleARow) {
  check_shapes<u8_per_row, s8_per_row>();
  check_shapes<s8_asymmetric_per_row, u8_per_row>();
}
TEST(GemmPair, OfFourBits) { check_shapes<u8_per_row, u4_per_row>(); }

/// A tile and a stretch are not all: several of each, in both operands.
TEST(GemmPair, Large) {
  std::mt19937 random(52);
  check<u8_per_tensor, u8_per_tensor>({130, 200, 65}, fill::random, fill::random, random);
  check<s8_per_tensor, s8_per_tensor>({3, 90, 4500}, fill::random, fill::random, random);
}

/// The same bits as of weights packed in advance, whose proof covers more than these activations need.
TEST(GemmPair, EqualsPackingInAdvance) {
  std::mt19937 random(53);
  const auto x = product::operand<s8_per_tensor>(9, 50, fill::random, random);
  const auto w = product::operand<u8_per_tensor>(33, 50, fill::random, random);
  std::vector<float> a(9 * 33), b(9 * 33);
  gemm(x, w, epilogue::dequantize{}, strided<float>(a.data(), 9, 33));
  gemm(x, pack(w), epilogue::dequantize{}, strided<float>(b.data(), 9, 33));
  EXPECT_EQ(a, b);
}

/// Codes whose sum is exactly 2^31 - 1 or less are taken, and one more column is refused, naming the row.
///
/// |x - zero point| reaches 255 with a zero point at an end, so that 255 * 127 * k <= 2^31 - 1 for k <= 66,311.
TEST(GemmPair, SumsThatFitAndSumsThatDoNot) {
  constexpr index_t n = 3, fits = 66'311, most = 70'000;
  auto x = quantized<u8_per_tensor>::try_make(2, most, params<u8_per_tensor>(1.0f, 0)).value();
  auto w = quantized<s8_per_tensor>::try_make(n, most, params<s8_per_tensor>(1.0f)).value();
  for (index_t k = 0; k < most; ++k) {
    for (index_t i = 0; i < 2; ++i) store_code<u8_per_tensor>(x.row(i), k, i == 0 ? 255 : static_cast<int>(k % 256));
    for (index_t j = 0; j < n; ++j) store_code<s8_per_tensor>(w.row(j), k, j == 0 ? 1 : j == 1 ? 127 : -127);
  }
  const auto v = transpose_of(w);
  const auto x_of = [&](index_t k) {
    auto view = x.view();
    view.cols = k;
    return view;
  };
  const auto w_of = [&](index_t k) {
    auto view = w.view();
    view.cols = k;
    return view;
  };
  const auto v_of = [&](index_t k) {
    auto view = v.view();
    view.rows = k;
    return transposed(view);
  };
  std::vector<std::int32_t> y(2 * n), expected(2 * n);
  const strided<std::int32_t> out(y.data(), 2, n);
  reference::gemm(x_of(fits), w_of(fits), reference::sums{}, strided<std::int32_t>(expected.data(), 2, n));
  ASSERT_EQ(expected[1], 255 * 127 * fits);
  support::for_each_isa([&](const std::string& isa) {
    ASSERT_TRUE(try_gemm(x_of(fits), w_of(fits), epilogue::sums{}, out));
    EXPECT_EQ(y, expected) << isa;
    std::fill(y.begin(), y.end(), 0);
    ASSERT_TRUE(try_gemm(x_of(fits), v_of(fits), epilogue::sums{}, out));
    EXPECT_EQ(y, expected) << isa;
  });
  std::fill(y.begin(), y.end(), 77);
  for (const index_t k : {fits + 1, most}) {
    const std::string words = "pack: row 1 has sum |w - zero point| = " + std::to_string(127 * k) +
                              ", which times 255 exceeds 2147483647; pack with a smaller bound on |x - zero point| or "
                              "use groups";
    const auto rows = try_gemm(x_of(k), w_of(k), epilogue::sums{}, out);
    EXPECT_EQ(text_of(rows), words);
    EXPECT_EQ(rows.error().code(), errc::overflow);
    EXPECT_EQ(text_of(try_gemm(x_of(k), v_of(k), epilogue::sums{}, out)), words);
  }
  EXPECT_EQ(y, std::vector<std::int32_t>(2 * n, 77));
  // With the zero point in the middle an x reaches no more than 128, and all the columns fit.
  auto centred = quantized<u8_per_tensor>::try_make(2, most, params<u8_per_tensor>(1.0f, 128)).value();
  std::memcpy(centred.bytes(), x.bytes(), static_cast<std::size_t>(x.size_bytes()));
  reference::gemm(centred.view(), w.view(), reference::sums{}, strided<std::int32_t>(expected.data(), 2, n));
  ASSERT_TRUE(try_gemm(centred, w, epilogue::sums{}, out));
  EXPECT_EQ(y, expected);
}

struct GemmPairErrors : testing::Test {
  static constexpr index_t m = 3, n = 5, k = 12;
  std::mt19937 random{1};
  quantized<u8_per_tensor> x = product::operand<u8_per_tensor>(m, k, fill::random, random);
  quantized<s8_per_tensor> w = product::operand<s8_per_tensor>(n, k, fill::random, random);
  quantized<s8_per_tensor> v = product::operand<s8_per_tensor>(k, n, fill::random, random);
  std::vector<float> memory = std::vector<float>(m * n, 77.0f);
  strided<float> y{memory.data(), m, n};
  epilogue::dequantize e;

  void TearDown() override { EXPECT_EQ(memory, std::vector<float>(m * n, 77.0f)); }
};

TEST_F(GemmPairErrors, Shapes) {
  const auto narrow = product::operand<u8_per_tensor>(m, k - 1, fill::random, random);
  EXPECT_EQ(text_of(try_gemm(narrow, w, e, y)), "gemm: x has 11 columns, w expects 12");
  EXPECT_EQ(text_of(try_gemm(narrow, transposed(v), e, y)), "gemm: x has 11 columns, w expects 12");
  EXPECT_EQ(text_of(try_gemm(x, transposed(w), e, y)), "gemm: x has 12 columns, w expects 5");
  EXPECT_EQ(text_of(try_gemm(x, w, e, strided<float>(memory.data(), m, n - 1))), "gemm: y is 3 x 4, expected 3 x 5");
  EXPECT_EQ(text_of(try_gemm(x, transposed(v), e, strided<float>(memory.data(), n, m))),
            "gemm: y is 5 x 3, expected 3 x 5");
  EXPECT_EQ(text_of(try_gemm(x, w, e, strided<float>(nullptr, m, n))), "gemm: y: null data for 3 x 5 elements");
  EXPECT_EQ(text_of(try_gemm(x, w, e, strided<float>(memory.data(), m, n, 1, 1))),
            "gemm: y: strides 1 and 1 make elements of a 3 x 5 output share memory");
  const std::vector<float> four(4);
  EXPECT_EQ(text_of(try_gemm(x, w, e | epilogue::add_bias{four}, y)),
            "gemm: bias of 4 for 5 rows of weights, expected 5 or none");
  EXPECT_EQ(text_of(try_gemm(x, w, e | epilogue::clamp{2.0f, 1.0f}, y)), "gemm: clamp to [2, 1], expected low <= high");
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(gemm(narrow, w, e, y), std::invalid_argument);
#endif
}

TEST_F(GemmPairErrors, ParamsOfEitherOperand) {
  const std::vector<float> two(2, 1.0f), bad{-1.0f};
  const std::vector<std::int32_t> far{256};
  auto wrong_w = w.view();
  wrong_w.scales = two;
  EXPECT_EQ(text_of(try_gemm(x.view(), wrong_w, e, y)), "quantized: 2 scales for a 5 x 12 matrix, expected 1");
  auto wrong_v = v.view();
  wrong_v.scales = bad;
  EXPECT_EQ(text_of(try_gemm(x.view(), transposed(wrong_v), e, y)),
            "params: scale 0 is -1, expected a number in [2^-126, 2^126]");
  wrong_w = w.view();
  wrong_w.row_stride = k - 1;
  EXPECT_EQ(text_of(try_gemm(x.view(), wrong_w, e, y)), "quantized: rows 11 bytes apart, expected at least 12");
  auto wrong_x = x.view();
  wrong_x.zero_points = far;
  EXPECT_EQ(text_of(try_gemm(wrong_x, w.view(), e, y)), "params: zero point 0 is 256, expected a code in [0, 255]");
}

TEST_F(GemmPairErrors, Overlap) {
  auto large = product::operand<s8_per_tensor>(n, 64, fill::random, random);
  const auto x_of_64 = product::operand<u8_per_tensor>(m, 64, fill::random, random);
  const std::vector<std::uint8_t> before(large.bytes(), large.bytes() + large.size_bytes());
  const strided<float> inside(reinterpret_cast<float*>(large.bytes() + 64), m, n);
  EXPECT_EQ(text_of(try_gemm(x_of_64, large, e, inside)), "gemm: y of 3 x 5 shares memory with an operand");
  auto as_x = quantized<u8_per_tensor>::try_make(m, 64, params<u8_per_tensor>(1.0f, 3)).value();
  const strided<float> in_x(reinterpret_cast<float*>(as_x.bytes() + 64), m, n);
  EXPECT_EQ(text_of(try_gemm(as_x, large, e, in_x)), "gemm: y of 3 x 5 shares memory with an operand");
  EXPECT_EQ(std::memcmp(large.bytes(), before.data(), before.size()), 0);
}

}  // namespace gemm_pair_test
