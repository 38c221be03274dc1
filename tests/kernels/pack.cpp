// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <dyadic/kernels/pack.hpp>
#include <dyadic/scheme/name.hpp>

#include <Eigen/Core>

#include "kernels/product.hpp"
#include "support/data.hpp"

namespace {

using namespace dyadic;
using product::fill;
using support::text_of;

/// The layout read back from its description: [panel of 16][group][step][column][4], a step being four codes of 8 bits,
/// or eight of 4 bits whose first four are in the low nibbles. `touched` counts the halves of bytes that a code
/// occupies.
int stored_code(const simd::weights_view& v, index_t row, index_t col, std::vector<int>& touched) {
  const index_t panel = row / 16, column = row % 16, group = col / v.group, inside = col % v.group;
  const index_t step = inside / (v.four_bit ? 8 : 4), place = inside % 4;
  const index_t at = (((panel * v.groups + group) * v.group_steps + step) * 16 + column) * 4 + place;
  const std::uint8_t byte = v.panels[at];
  if (!v.four_bit) {
    touched[static_cast<std::size_t>(2 * at)]++, touched[static_cast<std::size_t>(2 * at + 1)]++;
    return static_cast<std::int8_t>(byte);
  }
  const bool high = inside % 8 >= 4;
  touched[static_cast<std::size_t>(2 * at + (high ? 1 : 0))]++;
  return high ? high_s4(byte) : low_s4(byte);
}

/// Every number of the packed object, from the original.
template <scheme W>
void check(index_t n, index_t k) {
  std::mt19937 random(static_cast<unsigned>(n + 31 * k));
  const auto w = product::operand<W>(n, k, fill::random, random);
  const auto packed = pack(w);
  const simd::weights_view& v = packed.view();
  const std::string what = std::string(scheme_name(W).c_str()) + ", " + std::to_string(n) + " x " + std::to_string(k);
  ASSERT_EQ(packed.rows(), n);
  ASSERT_EQ(packed.cols(), k);
  ASSERT_EQ(packed.scheme(), W);
  ASSERT_EQ(v.four_bit, W.bits == 4);
  ASSERT_EQ(v.groups, W.per == granularity::per_group ? k / W.group : 1);
  ASSERT_EQ(packed.grouped(), v.groups > 1);
  ASSERT_EQ(reinterpret_cast<std::uintptr_t>(v.panels) % 64, 0u);

  // Codes are stored signed; the zero point moves with those that are not.
  const int shift = W.is_signed ? 0 : W.bits == 4 ? -8 : -128;
  const index_t padded = (n + 15) / 16 * 16, bytes = padded / 16 * v.groups * v.group_steps * 64;
  std::vector<int> touched(static_cast<std::size_t>(2 * bytes));
  std::int64_t largest = 0;
  for (index_t i = 0; i < n; ++i)
    for (index_t g = 0; g < v.groups; ++g) {
      const index_t at = g * padded + i;
      const int zero = w.view().zero_point(i, g * v.group);
      std::int64_t sum = 0, size = 0;
      for (index_t j = g * v.group; j < (g + 1) * v.group; ++j) {
        ASSERT_EQ(stored_code(v, i, j, touched), w.code(i, j) + shift) << what << " at " << i << ", " << j;
        ASSERT_EQ(packed.value(i, j), w.view().scale(i, j) * static_cast<float>(w.code(i, j) - zero)) << what;
        sum += w.code(i, j) - zero;
        size += std::abs(w.code(i, j) - zero);
      }
      ASSERT_EQ(v.sums[at], sum) << what;
      ASSERT_EQ(v.scales[at], w.view().scale(i, g * v.group)) << what;
      ASSERT_EQ(v.zero_points == nullptr ? 0 : v.zero_points[at], zero + shift) << what;
      if (!packed.grouped()) {
        ASSERT_EQ(packed.row_sum(i), size) << what;
        ASSERT_EQ(packed.scale(i), v.scales[i]) << what;
      }
      largest = size > largest ? size : largest;
    }
  ASSERT_EQ(packed.proof().largest_row_sum, largest);
  ASSERT_EQ(packed.proof().largest_x, 255);

  // Every code has a place of its own, and what is no code is zero.
  for (std::size_t half = 0; half < touched.size(); ++half) {
    ASSERT_LE(touched[half], 1) << what;
    const std::uint8_t byte = v.panels[half / 2];
    if (touched[half] == 0) {
      ASSERT_EQ(half % 2 == 0 ? byte & 15 : byte >> 4, 0) << what << ", byte " << half / 2;
    }
  }
  for (index_t g = 0; g < v.groups; ++g)
    for (index_t i = n; i < padded; ++i) {
      const index_t at = g * padded + i;
      ASSERT_EQ(v.sums[at], 0);
      ASSERT_EQ(v.scales[at], 0.0f);
      if (v.zero_points != nullptr) {
        ASSERT_EQ(v.zero_points[at], 0);
      }
    }
}

template <scheme W>
void check_shapes() {
  for (const index_t n : {1, 2, 15, 16, 17, 33})
    for (const index_t k : {1, 3, 4, 5, 7, 8, 9, 16, 31, 64}) {
      check<W>(n, W.per == granularity::per_group ? round_up(k, W.group) : k);
      if (testing::Test::HasFatalFailure()) return;
    }
}

TEST(Pack, EightBits) {
  check_shapes<s8_per_row>();
  check_shapes<u8_per_row>();
  check_shapes<s8_narrow_per_tensor>();
  check_shapes<s8_asymmetric_per_row>();
  check_shapes<s8_per_group<7>>();
}
TEST(Pack, FourBits) {
  check_shapes<s4_per_row>();
  check_shapes<u4_per_row>();
  check_shapes<s4_per_group<32>>();
  check_shapes<u4_per_group<6>>();
  check_shapes<u4_per_group<3>>();
}
TEST(Pack, FewBits) {
  check_shapes<scheme{.bits = 2, .is_signed = false, .sym = symmetry::asymmetric}>();
  check_shapes<scheme{.bits = 6, .per = granularity::per_row}>();
}

/// The order of nibbles by hand: codes -8 to 1 of one row of s4.
TEST(Pack, NibblesByHand) {
  auto w = quantized<s4_per_tensor>::try_make(1, 10, params<s4_per_tensor>(1.0f)).value();
  for (index_t j = 0; j < 10; ++j) store_code<s4_per_tensor>(w.row(0), j, static_cast<int>(j) - 8);
  const auto packed = pack(w);
  const std::uint8_t* p = packed.view().panels;
  const int first[] = {0xC8, 0xD9, 0xEA, 0xFB}, second[] = {0x00, 0x01, 0x00, 0x00};
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(p[i], first[i]);
    EXPECT_EQ(p[64 + i], second[i]);
  }
}

/// What a model file would hold: codes without padding, four bytes a scale, one byte a zero point.
TEST(Pack, ModelBytes) {
  std::mt19937 random(1);
  const auto bytes = [&]<scheme W>() { return pack(product::operand<W>(3, 70, fill::random, random)).model_bytes(); };
  EXPECT_EQ(bytes.operator()<s8_per_row>(), 3 * 70 + 3 * 4);
  EXPECT_EQ(bytes.operator()<u8_per_row>(), 3 * 70 + 3 * 4 + 3);
  EXPECT_EQ(bytes.operator()<s4_per_row>(), 3 * 35 + 3 * 4);
  EXPECT_EQ(bytes.operator()<s4_per_group<10>>(), 3 * 35 + 21 * 4);
  EXPECT_EQ(bytes.operator()<u4_per_group<10>>(), 3 * 35 + 21 * 4 + 21);
  const std::vector<float> reals(6);
  EXPECT_EQ(pack(strided<const float>(reals.data(), 2, 3)).model_bytes(), 24);
}

TEST(Pack, NothingAtAll) {
  std::mt19937 random(1);
  for (const auto& [n, k] : {std::pair<index_t, index_t>{0, 5}, {5, 0}, {0, 0}}) {
    const auto packed = try_pack(product::operand<s8_per_row>(n, k, fill::random, random));
    ASSERT_TRUE(packed);
    EXPECT_EQ(packed->rows(), n);
    EXPECT_EQ(packed->cols(), k);
    EXPECT_EQ(packed->proof().largest_row_sum, 0);
    EXPECT_TRUE(try_pack(product::operand<u4_per_group<4>>(n, 0, fill::random, random)));
  }
}

TEST(Pack, RefusesWhatDoesNotFit) {
  std::mt19937 random(1);
  const auto w = product::operand<u4_per_group<4>>(3, 8, fill::random, random);
  auto view = w.view();
  view.cols = 6;
  EXPECT_EQ(text_of(try_pack(view)), "scheme: rows of 6 do not divide into groups of 4");
  view = w.view();
  view.scales = view.scales.first(5);
  EXPECT_EQ(text_of(try_pack(view)), "quantized: 5 scales for a 3 x 8 matrix, expected 6");
  view = w.view();
  view.zero_points = {};
  EXPECT_EQ(text_of(try_pack(view)), "quantized: 0 zero points with 6 scales, expected 6");
  view = w.view();
  std::vector<std::int32_t> zeros(6);
  zeros[4] = 16;
  view.zero_points = zeros;
  EXPECT_EQ(text_of(try_pack(view)), "params: zero point 4 is 16, expected a code in [0, 15]");
  view = w.view();
  std::vector<float> scales(6, 1.0f);
  scales[2] = std::numeric_limits<float>::quiet_NaN();
  view.scales = scales;
  EXPECT_EQ(text_of(try_pack(view)), "params: scale 2 is nan, expected a number in [2^-126, 2^126]");
  view = w.view();
  view.bytes = nullptr;
  EXPECT_EQ(text_of(try_pack(view)), "quantized: null data for 3 x 8 elements");
}

TEST(Pack, Reals) {
  for (const auto& [n, k] : {std::pair<index_t, index_t>{1, 1}, {16, 3}, {17, 5}, {33, 8}}) {
    Eigen::MatrixXf w = Eigen::MatrixXf::Random(n, k);
    const auto packed = pack(w);
    const simd::real_weights_view& v = packed.view();
    const index_t padded = (n + 15) / 16 * 16;
    for (index_t i = 0; i < padded; ++i)
      for (index_t j = 0; j < k; ++j)
        ASSERT_EQ(v.panels[(i / 16 * k + j) * 16 + i % 16], i < n ? w(i, j) : 0.0f) << i << ", " << j;
  }
  EXPECT_EQ(text_of(try_pack(strided<const float>(nullptr, 2, 3))), "pack: null data for 2 x 3 elements");
}

}  // namespace
