// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Rows of x with scales of their own (tokens), to codes: one requantization for all scales.
#include <dyadic/kernels/gemm.hpp>
#include <dyadic/kernels/reference/gemm.hpp>
#include <dyadic/scheme/name.hpp>

#include "kernels/product.hpp"
#include "support/data.hpp"

namespace gemm_row_codes_test {

using namespace dyadic;
using product::fill, product::shape;
using support::text_of;

template <class T, scheme X, scheme W>
void check_to(const quantized<X>& x, const quantized<W>& w, std::span<const float> bias, bool relu) {
  const scheme& y = std::is_signed_v<T> ? s8_asymmetric_per_tensor : u8_per_tensor;
  const reference::codes how{.scale = 0.037f,
                             .zero_point = std::is_signed_v<T> ? -30 : 117,
                             .qmin = y.qmin(),
                             .qmax = y.qmax(),
                             .bias = bias,
                             .relu = relu};
  const index_t m = x.rows(), n = w.rows();
  std::vector<T> expected(static_cast<std::size_t>(m * n));
  reference::gemm(x.view(), w.view(), reference::row_codes{how}, strided<T>(expected.data(), m, n));
  const auto packed = pack(w);
  const auto r = requantization::try_make(packed, bias, y, how.scale, how.zero_point);
  ASSERT_TRUE(r) << r.error().message();
  product::expect_everywhere<T>(
      std::string(scheme_name(X).c_str()) + " by " + scheme_name(W).c_str() + ", k = " + std::to_string(x.cols()), m, n,
      expected, [&](strided<T> out, const run_options& options) {
        return try_gemm(x, packed, epilogue::requantize(*r, relu), out, options);
      });
}

template <scheme X, scheme W>
void check() {
  std::mt19937 random(81);
  constexpr int group = W.per == granularity::per_group ? W.group : 1;
  for (const shape& s : {shape{1, 1, 1}, shape{1, 70, 65}, shape{5, 17, 33}, shape{13, 64, 64}, shape{30, 130, 96},
                         shape{3, 5, 0}, shape{0, 5, 3}}) {
    const index_t k = round_up(s.k, group);
    const auto x = product::operand<X>(s.m, k, fill::random, random);
    const auto w = product::operand<W>(s.n, k, fill::random, random);
    const auto bias = product::numbers(s.n, 1.0f, random);
    check_to<std::uint8_t>(x, w, bias, true);
    if (testing::Test::HasFatalFailure()) return;
    check_to<std::int8_t>(x, w, {}, false);
    if (testing::Test::HasFatalFailure()) return;
    check_to<std::int8_t>(x, w, bias, false);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(GemmRowCodes, OneScaleARowOfWeights) {
  check<u8_per_row, s8_per_row>();
  check<s8_asymmetric_per_row, u4_per_row>();
  check<u8_per_tensor, s8_per_row>();
}
TEST(GemmRowCodes, Groups) {
  check<u8_per_row, u4_per_group<32>>();
  check<s8_per_group<32>, s4_per_group<32>>();
}

/// Row 0: 3 * 2 * 0.5 * 0.25 = 0.75, the bias makes 1.75, in steps of 0.5 that is 3.5, a tie: 4. Row 1: four times the
/// scale, 4, in steps 8.
TEST(GemmRowCodes, ByHand) {
  auto x = quantized<u8_per_row>::try_make(
               2, 1, params<u8_per_row>(std::vector<float>{0.5f, 2.0f}, std::vector<std::int32_t>{10, 10})).value();
  auto w = quantized<s8_per_row>::try_make(1, 1, params<s8_per_row>(std::vector<float>{0.25f})).value();
  store_code<u8_per_row>(x.row(0), 0, 13);
  store_code<u8_per_row>(x.row(1), 0, 13);
  store_code<s8_per_row>(w.row(0), 0, 2);
  const auto packed = pack(w);
  const std::vector<float> bias{1.0f};
  const auto r = requantization::try_make(packed, bias, u8_per_tensor, 0.5f, 100).value();
  support::for_each_isa([&](const std::string& isa) {
    std::uint8_t y[2] = {};
    gemm(x, packed, epilogue::requantize(r), strided<std::uint8_t>(y, 2, 1));
    EXPECT_EQ(y[0], 104) << isa;
    EXPECT_EQ(y[1], 108) << isa;
  });
}

TEST(GemmRowCodes, Errors) {
  std::mt19937 random(82);
  const auto w = product::operand<s8_per_row>(5, 8, fill::random, random);
  const auto packed = pack(w);
  const std::vector<float> four(4), nan{0.0f, 0.0f, std::numeric_limits<float>::quiet_NaN(), 0.0f, 0.0f};
  EXPECT_EQ(text_of(requantization::try_make(packed, four, u8_per_tensor, 1.0f, 0)),
            "requantize: bias of 4 for 5 rows of weights, expected 5 or none");
  EXPECT_EQ(text_of(requantization::try_make(packed, nan, u8_per_tensor, 1.0f, 0)),
            "requantize: bias 2 is nan, expected a finite number");
  EXPECT_EQ(text_of(requantization::try_make(packed, {}, u8_per_tensor, 0.0f, 0)),
            "params: scale 0 is 0, expected a number in [2^-126, 2^126]");
  // A row whose scale would take the multipliers out of range is refused before y is written.
  auto x = quantized<u8_per_row>::try_make(
               2, 8, params<u8_per_row>(std::vector<float>{1.0f, 0x1p126f}, std::vector<std::int32_t>{0, 0})).value();
  const auto r = requantization::try_make(packed, {}, u8_per_tensor, 0x1p-60f, 0).value();
  std::vector<std::uint8_t> y(10, 77);
  const auto refused = try_gemm(x, packed, epilogue::requantize(r), strided<std::uint8_t>(y.data(), 2, 5));
  EXPECT_EQ(text_of(refused),
            "gemm: scale 8.50705917e+37 of a row of x times the multipliers of the requantization leaves [2^-126, 2^126]");
  EXPECT_EQ(y, std::vector<std::uint8_t>(10, 77));
  // One made for a scale is not for rows.
  const auto fixed = requantization::try_make(1.0f, packed, {}, u8_per_tensor, 1.0f, 0).value();
  EXPECT_EQ(text_of(try_gemm(x, packed, epilogue::requantize(fixed), strided<std::uint8_t>(y.data(), 2, 5))),
            "gemm: x has 2 scales, the first 1, the requantization was made for one of 1");
}

}  // namespace gemm_row_codes_test
