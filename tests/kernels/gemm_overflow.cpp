// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The proof that int32 sums are exact: at its limit they are, and one step further pack refuses.
#include <dyadic/kernels/gemm.hpp>

#include "kernels/product.hpp"
#include "support/data.hpp"

namespace {

using namespace dyadic;

constexpr scheme whole = s8_asymmetric_per_row;  // codes down to -128, any zero point

/// One row of k codes w around a zero point.
quantized<whole> row_of(index_t k, int code, int zero_point = 0, float scale = 1.0f) {
  auto w =
      quantized<whole>::try_make(1, k, params<whole>(std::vector<float>{scale}, std::vector<std::int32_t>{zero_point}))
          .value();
  for (index_t j = 0; j < k; ++j) store_code<whole>(w.row(0), j, code);
  return w;
}

/// The activations that make the sum of a row as large (or as small) as any can: each at the end its weight's sign asks
/// for.
template <scheme X>
quantized<X> worst_for(const quantized<whole>& w, int zero_point_of_w, int zero_point_of_x, bool largest) {
  params<X> p = [&] {
    if constexpr (X.asymmetric())
      return params<X>(1.0f, zero_point_of_x);
    else
      return params<X>(1.0f);
  }();
  auto x = quantized<X>::try_make(1, w.cols(), p).value();
  for (index_t j = 0; j < w.cols(); ++j)
    store_code<X>(x.row(0), j, (w.code(0, j) > zero_point_of_w) == largest ? X.qmax() : X.qmin());
  return x;
}

template <scheme X>
std::int64_t shadow(const quantized<X>& x, const quantized<whole>& w) {
  std::int64_t sum = 0;
  for (index_t j = 0; j < w.cols(); ++j)
    sum += std::int64_t{x.code(0, j) - x.params().zero_point()} * (w.code(0, j) - w.params().zero_point(0));
  return sum;
}

/// The int32 sum of the kernels is the sum in 64 bits, on every instruction set.
template <scheme X>
void expect_exact(const quantized<X>& x, const quantized<whole>& w, const packed_weights& packed,
                  std::int64_t expected) {
  ASSERT_EQ(shadow(x, w), expected);
  support::for_each_isa([&](const std::string& isa) {
    std::int32_t y = 0;
    gemm(x, packed, epilogue::sums{}, strided<std::int32_t>(&y, 1, 1));
    ASSERT_EQ(y, expected) << isa << ", k = " << w.cols();
  });
}

struct limit_case {
  int code, zero_point;  // of w
  index_t k;             // the longest row that fits
  std::int64_t most;     // its sum
};

/// k * |w - zero point| * 255 <= 2^31 - 1, and not for k + 1.
constexpr limit_case limits[] = {
    {-128, 0, 65'793, 2'147'483'520},   {127, 0, 66'311, 2'147'481'735},    {-127, 0, 66'311, 2'147'481'735},
    {127, -128, 33'025, 2'147'450'625}, {-128, 127, 33'025, 2'147'450'625}, {8, 0, 1'052'688, 2'147'483'520},
};

TEST(GemmOverflow, TheLongestRowIsExactAndTheNextIsRefused) {
  for (const limit_case& c : limits) {
    const auto w = row_of(c.k, c.code, c.zero_point);
    const auto packed = try_pack(w);
    ASSERT_TRUE(packed) << packed.error().message();
    const std::int64_t row = c.k * std::abs(c.code - c.zero_point);
    EXPECT_EQ(packed->proof().largest_row_sum, row);
    EXPECT_EQ(packed->proof().margin(), INT32_MAX - c.most);
    const int sign = c.code > c.zero_point ? 1 : -1;
    expect_exact(worst_for<u8_per_tensor>(w, c.zero_point, 0, sign > 0), w, *packed, sign * c.most);
    expect_exact(worst_for<u8_per_tensor>(w, c.zero_point, 255, sign < 0), w, *packed, -sign * c.most);
    expect_exact(worst_for<s8_asymmetric_per_tensor>(w, c.zero_point, -128, sign > 0), w, *packed, sign * c.most);
    expect_exact(worst_for<s8_asymmetric_per_tensor>(w, c.zero_point, 127, sign < 0), w, *packed, -sign * c.most);
    if (HasFatalFailure()) return;

    const auto refused = try_pack(row_of(c.k + 1, c.code, c.zero_point));
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code(), errc::overflow);
    EXPECT_EQ(support::text_of(refused),
              "pack: row 0 has sum |w - zero point| = " + std::to_string((c.k + 1) * std::abs(c.code - c.zero_point)) +
                  ", which times 255 exceeds 2147483647; pack with a smaller bound on |x - zero point| or use groups");
  }
}

/// Of many rows the one that fails is named; both signs count.
TEST(GemmOverflow, TheRowIsNamed) {
  constexpr index_t k = 65'794;
  auto w = quantized<whole>::try_make(5, k, params<whole>(std::vector<float>(5, 1.0f), std::vector<std::int32_t>(5)))
               .value();
  for (index_t j = 0; j < k; ++j) store_code<whole>(w.row(3), j, j % 2 == 0 ? -128 : 127);
  const auto mixed = try_pack(w);  // 32897 * 255 of both signs
  ASSERT_TRUE(mixed);
  for (index_t j = 0; j < k; ++j) store_code<whole>(w.row(3), j, -128);
  EXPECT_EQ(support::text_of(try_pack(w)).substr(0, 11), "pack: row 3");
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(pack(w), std::length_error);
#endif
}

/// Random weights: whenever pack admits, the worst activations stay inside int32 and the kernels are exact.
TEST(GemmOverflow, WorstCaseByTheSignsOfTheWeights) {
  std::mt19937 random(31);
  for (const index_t k : {1, 100, 40'000, 65'000, 70'000}) {
    for (const int zero_point : {0, -128, 55}) {
      auto w = row_of(k, 0, zero_point);
      for (index_t j = 0; j < k; ++j) store_code<whole>(w.row(0), j, static_cast<int>(random() % 256) - 128);
      const auto packed = try_pack(w);
      std::int64_t row = 0;
      for (index_t j = 0; j < k; ++j) row += std::abs(w.code(0, j) - zero_point);
      ASSERT_EQ(packed.has_value(), row * 255 <= INT32_MAX) << k;
      if (!packed) continue;
      for (const int zero_point_of_x : {0, 3, 128, 255})
        for (const bool largest : {false, true}) {
          const auto x = worst_for<u8_per_tensor>(w, zero_point, zero_point_of_x, largest);
          const std::int64_t sum = shadow(x, w);
          ASSERT_LE(std::abs(sum), row * packed->proof().largest_x);
          expect_exact(x, w, *packed, sum);
          if (HasFatalFailure()) return;
        }
    }
  }
}

/// Symmetric signed activations reach 128 at most: rows may be twice as long.
TEST(GemmOverflow, ASmallerBoundOnXAdmitsLongerRows) {
  constexpr index_t k = 131'071;  // 131071 * 128 * 128 = 2^31 - 2^14
  const auto w = row_of(k, -128);
  ASSERT_FALSE(try_pack(w));
  const auto packed = try_pack(w, 128);
  ASSERT_TRUE(packed);
  expect_exact(worst_for<s8_per_tensor>(w, 0, 0, true), w, *packed, std::int64_t{k} * 128 * 128);
  expect_exact(worst_for<s8_per_tensor>(w, 0, 0, false), w, *packed, -std::int64_t{k} * 128 * 127);
  EXPECT_FALSE(try_pack(row_of(k + 1, -128), 128));

  // A zero point that lets x stray further than the proof covers is refused; the middle one is not.
  std::int32_t y = 0;
  const strided<std::int32_t> out(&y, 1, 1);
  EXPECT_TRUE(try_gemm(worst_for<u8_per_tensor>(w, 0, 128, true), *packed, epilogue::sums{}, out));
  EXPECT_TRUE(try_gemm(worst_for<u8_per_tensor>(w, 0, 127, true), *packed, epilogue::sums{}, out));
  EXPECT_EQ(support::text_of(try_gemm(worst_for<u8_per_tensor>(w, 0, 126, true), *packed, epilogue::sums{}, out)),
            "gemm: zero point 126 of x lets |x - zero point| reach 129, the weights were packed for 128");
  EXPECT_EQ(
      support::text_of(try_gemm(worst_for<s8_asymmetric_per_tensor>(w, 0, 1, true), *packed, epilogue::sums{}, out)),
      "gemm: zero point 1 of x lets |x - zero point| reach 129, the weights were packed for 128");

  EXPECT_EQ(support::text_of(try_pack(w, 0)), "pack: largest |x - zero point| of 0, expected 1 to 255");
  EXPECT_EQ(support::text_of(try_pack(w, 256)), "pack: largest |x - zero point| of 256, expected 1 to 255");
}

/// The bias of a requantization shares the room: up to the margin it fits, one more and the row is named.
TEST(GemmOverflow, TheBiasIsPartOfTheProof) {
  const auto w = row_of(65'793, -128);  // margin 127
  const auto packed = pack(w);
  ASSERT_EQ(packed.proof().margin(), 127);
  const auto with = [&](float bias) {
    return requantization::try_make(1.0f, packed, std::span<const float>(&bias, 1), u8_per_tensor, 0x1p24f, 128);
  };
  for (const float bias : {127.0f, -127.0f}) {
    const auto how = with(bias);
    ASSERT_TRUE(how);
    // float(+-2147483647) / 2^24 = +-128, where the codes end.
    const auto x = worst_for<u8_per_tensor>(w, 0, bias < 0 ? 0 : 255, bias > 0);
    support::for_each_isa([&](const std::string& isa) {
      std::uint8_t y = 77;
      gemm(x, packed, epilogue::requantize{*how}, strided<std::uint8_t>(&y, 1, 1));
      EXPECT_EQ(y, bias < 0 ? 0 : 255) << isa;
    });
  }
  EXPECT_EQ(support::text_of(with(128.0f)),
            "requantize: row 0 sums up to 2147483648 with its bias, expected at most 2147483647");
  EXPECT_EQ(support::text_of(with(-128.0f)),
            "requantize: row 0 sums up to 2147483648 with its bias, expected at most 2147483647");
  EXPECT_FALSE(with(0x1p100f));

  // A row of zeros leaves all the room to the bias, and no more than that: nothing saturates in silence.
  const auto none = pack(row_of(4, 0));
  const auto alone = [&](float bias) {
    return requantization::try_make(1.0f, none, std::span<const float>(&bias, 1), u8_per_tensor, 0x1p24f, 128)
        .has_value();
  };
  EXPECT_TRUE(alone(0x1.fffffep30f));
  EXPECT_TRUE(alone(-0x1.fffffep30f));
  EXPECT_FALSE(alone(0x1p31f));
  EXPECT_FALSE(alone(-0x1p31f));
  EXPECT_FALSE(alone(0x1p127f));
}

}  // namespace
