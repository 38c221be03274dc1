// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What gemm refuses, and the words it does it with. Nothing is written when it does.
#include "kernels/product.hpp"
#include "support/data.hpp"

namespace gemm_errors_test {

using namespace dyadic;
using product::fill;
using support::text_of;

constexpr index_t m = 3, n = 5, k = 12;

struct GemmErrors : testing::Test {
  std::mt19937 random{1};
  quantized<u8_per_tensor> x = product::operand<u8_per_tensor>(m, k, fill::random, random);
  packed_weights w = pack(product::operand<s8_per_row>(n, k, fill::random, random));
  packed_weights grouped = pack(product::operand<s4_per_group<4>>(n, k, fill::random, random));
  std::vector<float> reals = std::vector<float>(m * n, 77.0f);
  std::vector<std::int32_t> ints = std::vector<std::int32_t>(m * n, 77);
  std::vector<std::uint8_t> codes = std::vector<std::uint8_t>(m * n, 77);
  std::vector<std::int8_t> signed_codes = std::vector<std::int8_t>(m * n, 77);
  strided<float> y{reals.data(), m, n};

  requantization how(const packed_weights& of, float x_scale, const scheme& s = u8_per_tensor) {
    return std::move(*requantization::try_make(x_scale, of, {}, s, 0.5f, 0));
  }
  void TearDown() override {
    EXPECT_EQ(reals, std::vector<float>(m * n, 77.0f));
    EXPECT_EQ(ints, std::vector<std::int32_t>(m * n, 77));
    EXPECT_EQ(codes, std::vector<std::uint8_t>(m * n, 77));
    EXPECT_EQ(signed_codes, std::vector<std::int8_t>(m * n, 77));
  }
};

TEST_F(GemmErrors, Shapes) {
  const auto narrow = product::operand<u8_per_tensor>(m, k - 1, fill::random, random);
  EXPECT_EQ(text_of(try_gemm(narrow, w, epilogue::dequantize{}, y)), "gemm: x has 11 columns, w expects 12");
  EXPECT_EQ(text_of(try_gemm(x, w, epilogue::dequantize{}, strided<float>(reals.data(), m, n - 1))),
            "gemm: y is 3 x 4, expected 3 x 5");
  EXPECT_EQ(text_of(try_gemm(x, w, epilogue::sums{}, strided<std::int32_t>(ints.data(), n, m))),
            "gemm: y is 5 x 3, expected 3 x 5");
  EXPECT_EQ(text_of(try_gemm(x, w, epilogue::dequantize{}, strided<float>(nullptr, m, n))),
            "gemm: y: null data for 3 x 5 elements");
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(gemm(narrow, w, epilogue::dequantize{}, y), std::invalid_argument);
#endif
}

TEST_F(GemmErrors, OutputsThatShareMemory) {
  EXPECT_EQ(text_of(try_gemm(x, w, epilogue::dequantize{}, strided<float>(reals.data(), m, n, n - 1, 1))),
            "gemm: y: strides 4 and 1 make elements of a 3 x 5 output share memory");
  EXPECT_EQ(text_of(try_gemm(x, w, epilogue::dequantize{}, strided<float>(reals.data(), m, n, 0, 1))),
            "gemm: y: strides 0 and 1 make elements of a 3 x 5 output share memory");
  const auto r = how(w, x.params().scale());
  auto x_again = product::operand<u8_per_tensor>(m, k, fill::lowest, random);
  // The last byte of x is the first of y.
  const auto end = strided<std::uint8_t>(x_again.bytes() + m * k - 1, m, n);
  const auto narrow = requantization::try_make(x_again.params().scale(), w, {}, u8_per_tensor, 0.5f, 0);
  EXPECT_EQ(text_of(try_gemm(x_again, w, epilogue::requantize{*narrow}, end)),
            "gemm: y of 3 x 5 shares memory with x of 3 x 12");
  for (index_t i = 0; i < m * k; ++i) ASSERT_EQ(x_again.bytes()[i], 0);
}

TEST_F(GemmErrors, ParamsOfX) {
  auto view = x.view();
  const std::vector<float> two(2, 1.0f), bad{-1.0f};
  const std::vector<std::int32_t> zeros(2), far{256};
  view.scales = two;
  EXPECT_EQ(text_of(try_gemm(view, w, epilogue::dequantize{}, y)),
            "quantized: 2 scales for a 3 x 12 matrix, expected 1");
  view = x.view();
  view.zero_points = {};
  EXPECT_EQ(text_of(try_gemm(view, w, epilogue::dequantize{}, y)),
            "quantized: 0 zero points with 1 scales, expected 1");
  view = x.view();
  view.scales = bad;
  EXPECT_EQ(text_of(try_gemm(view, w, epilogue::dequantize{}, y)),
            "params: scale 0 is -1, expected a number in [2^-126, 2^126]");
  view = x.view();
  view.zero_points = far;
  EXPECT_EQ(text_of(try_gemm(view, w, epilogue::dequantize{}, y)),
            "params: zero point 0 is 256, expected a code in [0, 255]");
  view = x.view();
  view.row_stride = k - 1;
  EXPECT_EQ(text_of(try_gemm(view, w, epilogue::dequantize{}, y)),
            "quantized: rows 11 bytes apart, expected at least 12");
  view = x.view();
  view.bytes = nullptr;
  EXPECT_EQ(text_of(try_gemm(view, w, epilogue::dequantize{}, y)), "quantized: null data for 3 x 12 elements");
}

TEST_F(GemmErrors, BiasAndClamp) {
  const std::vector<float> four(4);
  EXPECT_EQ(text_of(try_gemm(x, w, epilogue::dequantize{} | epilogue::add_bias{four}, y)),
            "gemm: bias of 4 for 5 rows of weights, expected 5 or none");
  EXPECT_EQ(text_of(try_gemm(x, grouped, epilogue::dequantize{} | epilogue::add_bias{four}, y)),
            "gemm: bias of 4 for 5 rows of weights, expected 5 or none");
  EXPECT_EQ(text_of(try_gemm(x, w, epilogue::dequantize{} | epilogue::clamp{2.0f, 1.0f}, y)),
            "gemm: clamp to [2, 1], expected low <= high");
  EXPECT_EQ(text_of(try_gemm(x, w, epilogue::dequantize{} | epilogue::relu{} | epilogue::clamp{-2.0f, -1.0f}, y)),
            "gemm: clamp to [0, -1], expected low <= high");
}

TEST_F(GemmErrors, Sums) {
  EXPECT_EQ(text_of(try_gemm(x, grouped, epilogue::sums{}, strided<std::int32_t>(ints.data(), m, n))),
            "gemm: weights in 3 groups a row have no int32 sums, expected one group");
}

TEST_F(GemmErrors, Requantization) {
  const strided<std::uint8_t> out(codes.data(), m, n);
  const float scale = x.params().scale();
  const auto other_scale = how(w, 2.0f);
  EXPECT_EQ(text_of(try_gemm(x, w, epilogue::requantize{other_scale}, out)).substr(0, 34),
            "gemm: x has 1 scales, the first 0.");
  EXPECT_EQ(try_gemm(x, w, epilogue::requantize{other_scale}, out).error().code(), errc::invalid_scale);

  const auto for_signed = how(w, scale, s8_asymmetric_per_tensor), for_unsigned = how(w, scale);
  EXPECT_EQ(text_of(try_gemm(x, w, epilogue::requantize{for_signed}, out)),
            "gemm: y is unsigned, the requantization makes signed codes");
  EXPECT_EQ(
      text_of(try_gemm(x, w, epilogue::requantize{for_unsigned}, strided<std::int8_t>(signed_codes.data(), m, n))),
      "gemm: y is signed, the requantization makes unsigned codes");

  const auto rows = product::operand<u8_per_row>(m, k, fill::random, random);
  EXPECT_EQ(try_gemm(rows, w, epilogue::requantize{for_unsigned}, out).error().code(), errc::invalid_scale);

  const auto fewer = how(pack(product::operand<s8_per_row>(n - 1, k, fill::random, random)), scale);
  EXPECT_EQ(text_of(try_gemm(x, w, epilogue::requantize{fewer}, out)),
            "gemm: requantization of 4 rows for 5 rows of weights");
  // Made for weights with other sums, whose proof says nothing of these.
  const auto lighter = how(pack(product::operand<s8_per_row>(n, k, fill::random, random)), scale);
  const auto of_groups = how(grouped, scale);
  for (const requantization* foreign : {&lighter, &of_groups})
    EXPECT_EQ(text_of(try_gemm(x, w, epilogue::requantize{*foreign}, out)),
              "gemm: the requantization was made for other weights than these, whose rows sum up to " +
                  std::to_string(w.proof().largest_row_sum));
}

TEST_F(GemmErrors, Reals) {
  const std::vector<float> from(m * k), weights(n * k), four(4);
  const auto packed = pack(strided<const float>(weights.data(), n, k));
  const strided<const float> in(from.data(), m, k);
  EXPECT_EQ(text_of(try_gemm(strided<const float>(from.data(), m, k - 2), packed, {}, y)),
            "gemm: x has 10 columns, w expects 12");
  EXPECT_EQ(text_of(try_gemm(in, packed, {}, strided<float>(reals.data(), m, n - 1))),
            "gemm: y is 3 x 4, expected 3 x 5");
  EXPECT_EQ(text_of(try_gemm(strided<const float>(nullptr, m, k), packed, {}, y)),
            "gemm: x: null data for 3 x 12 elements");
  EXPECT_EQ(text_of(try_gemm(in, packed, epilogue::dequantize{} | epilogue::add_bias{four}, y)),
            "gemm: bias of 4 for 5 rows of weights, expected 5 or none");
  EXPECT_EQ(text_of(try_gemm(in, packed, epilogue::bounded_reals{} | epilogue::clamp{2.0f, 1.0f}, y)),
            "gemm: clamp to [2, 1], expected low <= high");
  EXPECT_EQ(text_of(try_gemm(in, packed, {}, strided<float>(reals.data(), m, n, 1, 1))),
            "gemm: y: strides 1 and 1 make elements of a 3 x 5 output share memory");
  std::vector<float> shared(m * k + m * n);
  EXPECT_EQ(text_of(try_gemm(strided<const float>(shared.data(), m, k), packed, {},
                             strided<float>(shared.data() + m * k - 1, m, n))),
            "gemm: y of 3 x 5 shares memory with x of 3 x 12");
}

}  // namespace gemm_errors_test
