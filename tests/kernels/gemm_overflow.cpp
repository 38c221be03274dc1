// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The proof that int32 sums are exact: at its limit they are, and one step further pack refuses.
#include <dyadic/kernels/gemm.hpp>

#include "kernels/product.hpp"
#include "support/data.hpp"

namespace gemm_overflow_test {

using namespace dyadic;
using product::fill;

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

/// What the codes and zero points of a row of w look like: |w - zero point| as large as the scheme has it, of one sign
/// or of both, or anything.
enum class rows_of { lowest, highest, ends, any };

template <scheme W>
quantized<W> weights_like(rows_of how, index_t n, index_t k, std::mt19937& random) {
  const auto count = static_cast<std::size_t>(params_count(W, n, k));
  std::vector<std::int32_t> zeros(W.asymmetric() ? count : 0);
  for (std::int32_t& z : zeros)
    z = how == rows_of::lowest    ? W.qmax()
        : how == rows_of::highest ? W.qmin()
                                  : product::code_of(W, fill::random, random);
  auto w = quantized<W>::try_make(n, k, params<W>(std::vector<float>(count, 1.0f), zeros)).value();
  const fill codes = how == rows_of::lowest    ? fill::lowest
                     : how == rows_of::highest ? fill::highest
                     : how == rows_of::ends    ? fill::ends
                                               : fill::random;
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < k; ++j) store_code<W>(w.row(i), j, product::code_of(W, codes, random));
  return w;
}

/// w - zero point of every element, in 64 bits.
template <scheme W>
std::vector<std::int64_t> centred(const quantized<W>& w) {
  std::vector<std::int64_t> all;
  for (index_t i = 0; i < w.rows(); ++i)
    for (index_t j = 0; j < w.cols(); ++j) all.push_back(w.code(i, j) - w.view().zero_point(i, j));
  return all;
}

/// The products of all rows of w with the worst x that a zero point allows: one row of x for each row of w and sign.
/// Sums of whole rows are the 64-bit ones; those of groups are added as the library says, exact ones as floats by fma.
template <scheme X>
void expect_worst_is_exact(const std::vector<std::int64_t>& w, index_t n, index_t group, const packed_weights& packed,
                           int zero_point) {
  const index_t k = packed.cols(), m = 2 * n;
  params<X> p = [&] {
    if constexpr (X.asymmetric())
      return params<X>(1.0f, zero_point);
    else
      return params<X>(1.0f);
  }();
  auto x = quantized<X>::try_make(m, k, p).value();
  const auto at = [k](index_t row, index_t j) { return static_cast<std::size_t>(row * k + j); };
  for (index_t i = 0; i < m; ++i)
    for (index_t j = 0; j < k; ++j)
      store_code<X>(x.row(i), j, (w[at(i / 2, j)] > 0) == (i % 2 == 0) ? X.qmax() : X.qmin());
  std::vector<std::int64_t> sums;
  std::vector<float> reals;
  for (index_t i = 0; i < m; ++i)
    for (index_t r = 0; r < n; ++r) {
      float total = 0;
      for (index_t first = 0; first < k; first += group) {
        std::int64_t sum = 0;
        for (index_t j = first; j < first + group; ++j) sum += (x.code(i, j) - zero_point) * w[at(r, j)];
        ASSERT_LE(std::abs(sum), packed.proof().largest_row_sum * packed.proof().largest_x);
        ASSERT_LE(std::abs(sum), INT32_MAX);
        sums.push_back(sum);
        total = std::fma(static_cast<float>(sum), 1.0f, total);
      }
      reals.push_back(total);
    }
  support::for_each_isa([&](const std::string& isa) {
    if (packed.grouped()) {
      std::vector<float> y(reals.size());
      gemm(x, packed, epilogue::dequantize{}, strided<float>(y.data(), m, n));
      ASSERT_EQ(y, reals) << isa << ", k = " << k;
    } else {
      std::vector<std::int32_t> y(sums.size());
      gemm(x, packed, epilogue::sums{}, strided<std::int32_t>(y.data(), m, n));
      ASSERT_EQ(std::vector<std::int64_t>(y.begin(), y.end()), sums) << isa << ", k = " << k;
    }
  });
}

int accepted = 0, refused = 0;  // so that neither is missing by mistake

/// pack accepts exactly what no x with |x - zero point| <= largest_x can bring out of int32, and where it does, the
/// worst codes of each 8-bit scheme are multiplied exactly.
template <scheme W>
void expect_exact_proof(rows_of how, index_t k, std::int64_t largest_x, std::mt19937& random) {
  const index_t n = k < 2000 ? 3 : 1;
  const index_t group = W.per == granularity::per_group ? W.group : k;
  const auto w = weights_like<W>(how, n, k, random);
  const std::vector<std::int64_t> elements = centred(w);
  // The worst x of all integers: largest_x with the sign of its weight.
  std::int64_t worst = 0;
  for (std::size_t first = 0; first < elements.size(); first += static_cast<std::size_t>(group)) {
    std::int64_t sum = 0;
    for (std::size_t j = first; j < first + static_cast<std::size_t>(group); ++j)
      sum += elements[j] * (elements[j] < 0 ? -largest_x : largest_x);
    worst = sum > worst ? sum : worst;
  }
  const auto packed = try_pack(w, largest_x);
  ASSERT_EQ(packed.has_value(), worst <= INT32_MAX) << k << ", " << largest_x << ": " << support::text_of(packed);
  if (!packed) {
    EXPECT_EQ(packed.error().code(), errc::overflow);
    ++refused;
    return;
  }
  ++accepted;
  ASSERT_EQ(packed->proof().largest_row_sum * largest_x, worst);
  if (k > 70'000) return;
  for (const int zero_point : {0, 55, 128, 255})
    if (255 - zero_point <= largest_x && zero_point <= largest_x)
      expect_worst_is_exact<u8_per_tensor>(elements, n, group, *packed, zero_point);
  for (const int zero_point : {-128, -73, 127})
    if (127 - zero_point <= largest_x && zero_point + 128 <= largest_x)
      expect_worst_is_exact<s8_asymmetric_per_tensor>(elements, n, group, *packed, zero_point);
  if (largest_x >= 128) expect_worst_is_exact<s8_per_tensor>(elements, n, group, *packed, 0);
}

/// All kinds of rows, at depths around those where each scheme and bound ceases to fit. Only longer rows than 70,000 of
/// 4 bits are refused: those are proven and not multiplied.
template <scheme W>
void check_proofs() {
  std::mt19937 random(7);
  const index_t step = W.per == granularity::per_group ? W.group : 1;
  const std::int64_t most_w = W.asymmetric() ? W.qmax() - W.qmin() : -W.qmin();
  for (const rows_of how : {rows_of::lowest, rows_of::highest, rows_of::ends, rows_of::any})
    for (const std::int64_t largest_x : {255, 200, 128, 1}) {
      const std::int64_t limit = INT32_MAX / (largest_x * most_w);
      for (const index_t k : {index_t{1}, limit, limit + 1, index_t{70'000}}) {
        const bool also_longer = W.bits == 4 && how == rows_of::lowest && largest_x == 255;
        if (round_up(k, step) > (also_longer ? 1'100'000 : 70'000)) continue;
        expect_exact_proof<W>(how, round_up(k, step), largest_x, random);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
}

TEST(GemmOverflow, TheProofIsExactForEightBits) {
  check_proofs<s8_asymmetric_per_row>();
  check_proofs<scheme{.per = granularity::per_row}>();
  check_proofs<u8_per_row>();
  check_proofs<s8_asymmetric_per_row.with(granularity::per_group, 35'000)>();
  check_proofs<u8_per_row.with(granularity::per_group, 500)>();
  EXPECT_GT(accepted, 100);
  EXPECT_GT(refused, 20);
}
TEST(GemmOverflow, TheProofIsExactForFourBits) {
  const int refused_before = refused;
  check_proofs<s4_per_row>();
  check_proofs<u4_per_row>();
  EXPECT_EQ(refused, refused_before + 2);
  check_proofs<s4_per_group<35'000>>();
  check_proofs<u4_per_group<32>>();
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

}  // namespace gemm_overflow_test
