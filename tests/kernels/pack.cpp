// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <dyadic/kernels/pack.hpp>
#include <dyadic/scheme/name.hpp>

#include <Eigen/Core>

#include "kernels/product.hpp"
#include "support/data.hpp"
#include "support/guarded.hpp"

namespace pack_test {

using namespace dyadic;
using product::fill;
using support::text_of;
using testing::AssertionFailure, testing::AssertionResult, testing::AssertionSuccess;

template <class T>
AssertionResult same(const char* what, const T* found, const std::vector<T>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i)
    if (found[i] != expected[i])
      return AssertionFailure() << what << " " << i << " is " << +found[i] << ", expected " << +expected[i];
  return AssertionSuccess();
}

/// A matrix of codes and its params, of a scheme known at run time: what is not made for each scheme compiles faster.
struct matrix {
  dyadic::scheme scheme;
  index_t rows, cols;
  std::vector<int> codes;
  std::vector<std::int32_t> zero_points;
  std::vector<float> scales;

  template <dyadic::scheme S>
  explicit matrix(const quantized_view<S>& w)
      : scheme(S), rows(w.rows), cols(w.cols), scales(w.scales.begin(), w.scales.end()) {
    for (index_t i = 0; i < rows; ++i)
      for (index_t k = 0; k < cols; ++k) codes.push_back(w.code(i, k));
    zero_points.assign(w.zero_points.begin(), w.zero_points.end());
    if (zero_points.empty()) zero_points.assign(scales.size(), S.middle());
  }
  int code(index_t i, index_t k) const { return codes[static_cast<std::size_t>(i * cols + k)]; }
  int zero_point(index_t i, index_t k) const {
    return scales.empty() ? scheme.middle() : zero_points[static_cast<std::size_t>(params_index(scheme, cols, i, k))];
  }
  float scale(index_t i, index_t k) const {
    return scales.empty() ? 1.0f : scales[static_cast<std::size_t>(params_index(scheme, cols, i, k))];
  }
  std::string name() const {
    return std::string(scheme_name(scheme).c_str()) + ", " + std::to_string(rows) + " x " + std::to_string(cols);
  }
};

/// Everything that packing makes of w, by definition. Bytes: [block][group][step][panel of the block][column][4]. A
/// block is four panels of 16 rows, or what is left of them; a step four codes of 8 bits, or eight of 4 bits of which
/// the first four are in the low nibbles. Numbers: [block][group][panel of the block][column].
struct expected {
  bool four_bit;
  std::vector<std::uint8_t> panels, pairs_fit;
  std::vector<std::int32_t> sums, zero_points;
  std::vector<float> scales;
  std::vector<std::int64_t> row_sums;
  std::int64_t largest = 0;
  index_t groups, group_steps;

  explicit expected(const matrix& w) : four_bit(w.scheme.bits == 4) {
    const bool grouped = w.scheme.per == granularity::per_group && w.cols > 0;
    const int shift = w.scheme.is_signed ? 0 : four_bit ? -8 : -128;  // codes are stored signed
    const index_t group = grouped ? w.scheme.group : w.cols, step = four_bit ? 8 : 4;
    groups = grouped ? w.cols / group : 1;
    group_steps = (group + step - 1) / step;
    const index_t padded = (w.rows + 15) / 16 * 16;
    panels.resize(static_cast<std::size_t>(padded / 16 * groups * group_steps * 64));
    sums.resize(static_cast<std::size_t>(padded * groups));
    zero_points.resize(sums.size());
    scales.resize(sums.size());
    const auto step_at = [&](index_t panel, index_t step_of_all) {
      const index_t block = panel / 4, left = padded / 16 - 4 * block, beside = left < 4 ? left : 4;
      return (block * 4 * groups * group_steps + step_of_all * beside + panel % 4) * 64;
    };
    for (index_t i = 0; i < w.rows; ++i)
      for (index_t g = 0; g < groups; ++g) {
        const index_t first = i / 64 * 64, beside = padded - first < 64 ? padded - first : 64;
        const auto at = static_cast<std::size_t>(first * groups + g * beside + i % 64);
        const int zero = w.zero_point(i, g * group);
        std::int64_t size = 0;
        for (index_t k = 0; k < group; ++k) {
          const int code = w.code(i, g * group + k);
          const index_t byte = step_at(i / 16, g * group_steps + k / step) + i % 16 * 4 + k % 4;
          const int stored = four_bit ? ((code + shift) & 15) << (k % 8 / 4 * 4) : (code + shift) & 255;
          panels[static_cast<std::size_t>(byte)] |= static_cast<std::uint8_t>(stored);
          sums[at] += code - zero;
          size += std::abs(code - zero);
        }
        zero_points[at] = zero + shift;
        scales[at] = w.scale(i, g * group);
        largest = size > largest ? size : largest;
        if (groups == 1) row_sums.push_back(size);
      }
    // vpmaddubsw adds the products of two neighbours with activations up to 255 to one int16.
    for (index_t panel = 0; panel < padded / 16; ++panel) {
      bool fit = true;
      for (index_t s = 0; !four_bit && s < groups * group_steps; ++s)
        for (index_t b = step_at(panel, s); b < step_at(panel, s) + 64; b += 2) {
          const int one = static_cast<std::int8_t>(panels[static_cast<std::size_t>(b)]);
          const int two = static_cast<std::int8_t>(panels[static_cast<std::size_t>(b + 1)]);
          const int positive = (one > 0 ? one : 0) + (two > 0 ? two : 0);
          const int negative = (one < 0 ? -one : 0) + (two < 0 ? -two : 0);
          fit = fit && 255 * positive <= 32767 && 255 * negative <= 32767;
        }
      pairs_fit.push_back(fit ? 1 : 0);
    }
  }

  AssertionResult holds(const simd::weights_view& v, const accumulator_proof& proof,
                        const std::int64_t* found_row_sums) const {
    if (v.four_bit != four_bit || v.groups != groups || v.group_steps != group_steps)
      return AssertionFailure() << v.groups << " groups of " << v.group_steps << " steps";
    if (proof.largest_row_sum != largest) return AssertionFailure() << "largest " << proof.largest_row_sum;
    for (const void* p :
         {static_cast<const void*>(v.panels), static_cast<const void*>(v.sums), static_cast<const void*>(v.zero_points),
          static_cast<const void*>(v.scales), static_cast<const void*>(v.pairs_fit)})
      if (reinterpret_cast<std::uintptr_t>(p) % 64 != 0) return AssertionFailure() << "a part begins inside a line";
    if (v.zero_points == nullptr)
      for (const std::int32_t z : zero_points)
        if (z != 0) return AssertionFailure() << "no zero points, expected " << z;
    for (const AssertionResult& r :
         {same("byte", v.panels, panels), same("sum", v.sums, sums), same("scale", v.scales, scales),
          v.zero_points == nullptr ? AssertionSuccess() : same("zero point", v.zero_points, zero_points),
          same("pairs_fit", v.pairs_fit, pairs_fit),
          found_row_sums == nullptr ? AssertionSuccess() : same("row sum", found_row_sums, row_sums)})
      if (!r) return r;
    return AssertionSuccess();
  }
};

/// Memory for pack_into, full of marks, with marks behind it.
class landing {
 public:
  landing(const scheme& s, index_t n, index_t k) : size_(kernels::pack_bytes(s, n, k).value()) {
    memory_ = buffer<std::uint8_t>::make(size_ + 64).value();
    std::memset(memory_.data(), 0xA5, static_cast<std::size_t>(size_ + 64));
  }
  std::uint8_t* data() { return memory_.data(); }
  index_t size() const { return size_; }
  bool kept() const {
    for (index_t i = size_; i < size_ + 64; ++i)
      if (memory_[i] != 0xA5) return false;
    return true;
  }

 private:
  index_t size_;
  buffer<std::uint8_t> memory_;
};

/// w as packed into memory of its own, and into somebody else's.
void verify(const matrix& w, const result<packed_weights>& owned, const result<kernels::packed_view>& borrowed,
            const landing& memory) {
  const expected should(w);
  ASSERT_TRUE(owned && borrowed) << w.name();
  ASSERT_TRUE(should.holds(owned->view(), owned->proof(), nullptr)) << w.name();
  ASSERT_TRUE(should.holds(borrowed->weights, borrowed->proof, borrowed->row_sums)) << w.name();
  ASSERT_EQ(borrowed->row_sums == nullptr, owned->grouped()) << w.name();
  ASSERT_TRUE(memory.kept()) << w.name();
  ASSERT_EQ(owned->rows(), w.rows);
  ASSERT_EQ(owned->cols(), w.cols);
  ASSERT_EQ(owned->scheme(), w.scheme);
  ASSERT_EQ(owned->proof(), borrowed->proof);
  ASSERT_EQ(owned->proof().largest_x, 255);
  ASSERT_EQ(owned->grouped(), should.groups > 1);
  for (index_t i = 0; i < w.rows; ++i) {
    for (index_t k = 0; k < w.cols; k += 7)
      ASSERT_EQ(owned->value(i, k), w.scale(i, k) * static_cast<float>(w.code(i, k) - w.zero_point(i, k))) << w.name();
    if (owned->grouped()) continue;
    ASSERT_EQ(owned->row_sum(i), should.row_sums[static_cast<std::size_t>(i)]) << w.name();
    ASSERT_EQ(owned->scale(i), should.scales[static_cast<std::size_t>(i)]) << w.name();
  }
}

/// Rows side by side and rows apart.
template <scheme W>
void check(index_t n, index_t k, fill how = fill::random) {
  std::mt19937 random(static_cast<unsigned>(n + 31 * k));
  const auto w = product::operand<W>(n, k, how, random);
  const product::spread_out<W> apart(w);
  landing memory(W, n, k);
  const auto borrowed = kernels::pack_into(w.view(), memory.data(), 255);
  verify(matrix(w.view()), packed_weights::try_make(apart.view, 255), borrowed, memory);
}

/// Every depth with some numbers of rows, and every number of rows with some depths; in whole groups.
template <scheme... W>
void check_shapes() {
  const auto one = []<scheme S>() {
    const index_t step = S.per == granularity::per_group ? S.group : 1;
    for (index_t k = 0; k <= (step > 9 ? 4 * step : 70); k += step)
      for (const index_t n : {1, 4, 17, 39, 83}) {
        check<S>(n, k);
        if (testing::Test::HasFatalFailure()) return;
      }
    for (index_t n = 0; n <= 40; ++n)
      for (const index_t k : {31, 64}) {
        check<S>(n, round_up(k, step));
        if (testing::Test::HasFatalFailure()) return;
      }
  };
  (one.template operator()<W>(), ...);
}

TEST(Pack, EightBits) {
  check_shapes<s8_per_row, u8_per_row, s8_narrow_per_tensor, s8_asymmetric_per_row, u8_per_tensor>();
}
TEST(Pack, FourBits) { check_shapes<s4_per_row, u4_per_row, s4_per_tensor>(); }
TEST(Pack, FewBits) {
  check_shapes<scheme{.bits = 2, .is_signed = false, .sym = symmetry::asymmetric},
               scheme{.bits = 6, .per = granularity::per_row},
               scheme{.bits = 7, .is_signed = false, .per = granularity::per_row}>();
}
TEST(Pack, GroupsOfEightBits) {
  check_shapes<s8_per_group<1>, s8_per_group<2>, s8_per_group<3>, s8_per_group<4>, s8_per_group<5>, s8_per_group<6>,
               s8_per_group<7>, s8_per_group<8>, s8_per_group<9>, s8_per_group<32>, s8_per_group<64>, s8_per_group<128>,
               u8_per_row.with(granularity::per_group, 5), u8_per_row.with(granularity::per_group, 32)>();
}
TEST(Pack, GroupsOfFourBits) {
  check_shapes<u4_per_group<1>, u4_per_group<2>, u4_per_group<3>, u4_per_group<4>, u4_per_group<5>, u4_per_group<6>,
               u4_per_group<7>, u4_per_group<8>, u4_per_group<9>, u4_per_group<32>, u4_per_group<64>, u4_per_group<128>,
               s4_per_group<7>, s4_per_group<32>>();
}

/// Rows longer than the 128 steps that 16-bit sums hold, with codes at the ends.
TEST(Pack, LongRows) {
  for (const index_t k : {511, 512, 513, 1024, 1025, 2047, 5000})
    for (const fill how : {fill::lowest, fill::highest, fill::ends, fill::random}) {
      check<u8_per_row>(18, k, how);
      check<s8_asymmetric_per_row>(18, k, how);
      check<u4_per_row>(18, k, how);
      check<s4_per_row>(18, k, how);
    }
}

/// Codes and params stand against a page that cannot be touched, on either side.
template <scheme W>
void check_memory(index_t n, index_t k) {
  std::mt19937 random(static_cast<unsigned>(n + 31 * k));
  const auto w = product::operand<W>(n, k, fill::random, random);
  for (const auto where : {support::against::first_page, support::against::last_page}) {
    const support::guarded<std::uint8_t> codes(
        std::span<const std::uint8_t>(w.bytes(), static_cast<std::size_t>(w.size_bytes())), where);
    const support::guarded<float> scales(w.params().scales(), where);
    const support::guarded<std::int32_t> zero_points(w.params().zero_points(), where);
    const quantized_view<W> view{codes.data(), n, k, row_bytes(W, k), scales.elements(), zero_points.elements()};
    const expected should(matrix(w.view()));
    landing memory(W, n, k);
    const auto packed = kernels::pack_into(view, memory.data(), 255);
    ASSERT_TRUE(packed);
    ASSERT_TRUE(should.holds(packed->weights, packed->proof, packed->row_sums)) << n << " x " << k;
    if constexpr (W.per == granularity::per_tensor && W.bits == 8) {
      landing turned(W, k, n);
      ASSERT_TRUE(kernels::pack_into(kernels::transposed<W>{view}, turned.data(), 255));
    }
  }
}
TEST(Pack, ReadsNothingElse) {
  for (const index_t n : {1, 3, 16, 19})
    for (const index_t k : {1, 7, 15, 16, 17, 33, 64, 70}) {
      check_memory<u8_per_row>(n, k);
      check_memory<u8_per_tensor>(n, k);
      check_memory<s4_per_row>(n, k);
      check_memory<u4_per_group<3>>(n, round_up(k, 3));
      if (HasFatalFailure()) return;
    }
}

/// All pairs of 8-bit codes, each alone in a panel, at every place of a row: 128 = 255 * 128 / 255 fits, 129 does not.
TEST(Pack, PairsFit) {
  constexpr scheme s8_whole{.per = granularity::per_row};
  auto w = quantized<s8_whole>::try_make(16 * 256, 8, params<s8_whole>(std::vector<float>(16 * 256, 1.0f))).value();
  for (int one = -128; one < 128; ++one) {
    const auto place = [&](index_t panel) { return w.row(16 * panel + (panel + one + 128) % 16); };
    const auto column = [&](index_t panel) { return (panel / 16 + one + 128) % 4 * 2; };
    for (int two = -128; two < 128; ++two) {
      store_code<s8_whole>(place(two + 128), column(two + 128), one);
      store_code<s8_whole>(place(two + 128), column(two + 128) + 1, two);
    }
    const auto packed = pack(w);
    for (int two = -128; two < 128; ++two) {
      const int positive = (one > 0 ? one : 0) + (two > 0 ? two : 0), negative = positive - one - two;
      ASSERT_EQ(packed.view().pairs_fit[two + 128], 255 * positive <= 32767 && 255 * negative <= 32767 ? 1 : 0)
          << one << ", " << two;
      std::memset(place(two + 128), 0, 8);
    }
  }
}

/// Neighbours are those of one vpmaddubsw: the second and third code of a row are none, nor the last of a group and the
/// first of the next.
TEST(Pack, PairsStandAsStored) {
  const auto fits = [](auto w, std::initializer_list<index_t> large) {
    for (const index_t j : large) store_code<decltype(w)::scheme_value>(w.row(3), j, 100);
    return pack(w).view().pairs_fit[0] == 1;
  };
  const auto thirds = [] {
    return quantized<s8_per_group<3>>::try_make(5, 12, params<s8_per_group<3>>(std::vector<float>(20, 1.0f))).value();
  };
  const auto rows = [] {
    return quantized<s8_per_row>::try_make(5, 12, params<s8_per_row>(std::vector<float>(5, 1.0f))).value();
  };
  EXPECT_FALSE(fits(rows(), {0, 1}));
  EXPECT_TRUE(fits(rows(), {1, 2}));
  EXPECT_FALSE(fits(rows(), {2, 3}));
  EXPECT_TRUE(fits(rows(), {3, 4}));
  EXPECT_TRUE(fits(thirds(), {1, 2}));
  EXPECT_TRUE(fits(thirds(), {2, 3}));
  EXPECT_FALSE(fits(thirds(), {3, 4}));
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

/// The same bytes, sums and proof as of the transpose written out.
template <scheme W>
void check_transposed(index_t n, index_t k) {
  std::mt19937 random(static_cast<unsigned>(n + 31 * k));
  const auto w = product::operand<W>(n, k, fill::random, random);
  auto turned = quantized<W>::try_make(k, n, w.params()).value();
  for (index_t i = 0; i < n; ++i)
    for (index_t j = 0; j < k; ++j) store_code<W>(turned.row(j), i, w.code(i, j));
  const product::spread_out<W> apart(turned);
  landing memory(W, n, k), straight(W, n, k);
  ASSERT_TRUE(kernels::pack_into(w.view(), straight.data(), 200));
  for (const auto& view : {turned.view(), apart.view}) {
    std::memset(memory.data(), 0xA5, static_cast<std::size_t>(memory.size()));
    const auto packed = kernels::pack_into(kernels::transposed<W>{view}, memory.data(), 200);
    ASSERT_TRUE(packed);
    const expected should(matrix(w.view()));
    ASSERT_TRUE(should.holds(packed->weights, packed->proof, packed->row_sums)) << n << " x " << k;
    ASSERT_EQ(packed->weights.n, n);
    ASSERT_EQ(packed->weights.k, k);
    ASSERT_EQ(packed->proof.largest_x, 200);
    ASSERT_EQ(std::memcmp(memory.data(), straight.data(), static_cast<std::size_t>(memory.size())), 0);
    ASSERT_TRUE(memory.kept());
  }
}
TEST(Pack, Transposed) {
  for (index_t n = 0; n <= 40; ++n)
    for (const index_t k : {0, 1, 2, 3, 4, 5, 7, 8, 33, 70}) {
      check_transposed<u8_per_tensor>(n, k);
      check_transposed<s8_asymmetric_per_tensor>(n, k);
      if (HasFatalFailure()) return;
    }
  for (const index_t n : {63, 64, 65, 80, 129}) {
    check_transposed<s8_per_tensor>(n, 37);
    check_transposed<scheme{.bits = 5, .is_signed = false}>(n, 64);
  }
}

TEST(Pack, IntoMemoryThatDoesNotFit) {
  std::mt19937 random(1);
  const auto w = product::operand<u8_per_tensor>(20, 9, fill::random, random);
  // Panels of 2 x 192 bytes, three numbers for each of 32 rows, 20 row sums, a byte for each panel.
  EXPECT_EQ(kernels::pack_bytes(u8_per_tensor, 20, 9).value(), 384 + 3 * 128 + 192 + 64);
  EXPECT_EQ(kernels::pack_bytes(s8_per_row, 20, 9).value(), 384 + 2 * 128 + 192 + 64);
  EXPECT_EQ(kernels::pack_bytes(s4_per_group<3>, 20, 9).value(), 384 + 2 * 384 + 64);
  EXPECT_EQ(kernels::pack_bytes(s8_per_row, 0, 9).value(), 0);
  EXPECT_EQ(text_of(kernels::pack_bytes(s16_per_tensor, 1, 1)), "pack: codes of 16 bits, expected at most 8");
  EXPECT_EQ(text_of(kernels::pack_bytes(s8_per_row, -1, 9)), "pack: shape -1 x 9, expected sizes >= 0");
  EXPECT_EQ(text_of(kernels::pack_bytes(s8_per_row, 1, 8'421'505)),
            "pack: rows of 8421505 codes, expected at most 8421504");
  EXPECT_EQ(text_of(kernels::pack_bytes(u4_per_group<4>, 1, 6)), "scheme: rows of 6 do not divide into groups of 4");
  EXPECT_FALSE(kernels::pack_bytes(s8_per_row, PTRDIFF_MAX, 0));
  EXPECT_FALSE(kernels::pack_bytes(s8_per_row, PTRDIFF_MAX / 1000, 2000));

  landing memory(u8_per_tensor, 20, 9);
  EXPECT_EQ(text_of(kernels::pack_into(w.view(), nullptr, 255)), "pack: null memory for 1024 bytes");
  EXPECT_EQ(text_of(kernels::pack_into(w.view(), memory.data() + 8, 255)),
            "pack: memory 8 bytes past a multiple of 64, expected 0");
  EXPECT_EQ(text_of(kernels::pack_into(w.view(), memory.data(), 0)),
            "pack: largest |x - zero point| of 0, expected 1 to 255");
  auto inside = w.view();
  inside.bytes = memory.data() + 703;
  EXPECT_EQ(text_of(kernels::pack_into(inside, memory.data(), 255)),
            "pack: the 1024 bytes of memory share some with the codes");
  EXPECT_EQ(text_of(kernels::pack_into(kernels::transposed<u8_per_tensor>{inside}, memory.data(), 255)),
            "pack: the 704 bytes of memory share some with the codes");
  for (index_t i = 0; i < memory.size(); ++i) ASSERT_EQ(memory.data()[i], 0xA5) << "a refusal wrote byte " << i;
  EXPECT_TRUE(kernels::pack_into(product::operand<s8_per_row>(0, 5, fill::random, random).view(), nullptr, 255));
}

/// Both forms refuse in the same words, naming the first row.
TEST(Pack, IntoMemoryIsProvenToo) {
  constexpr index_t k = 65'794;
  auto w = quantized<s8_asymmetric_per_tensor>::try_make(70, k, params<s8_asymmetric_per_tensor>(1.0f, 0)).value();
  auto turned = quantized<s8_asymmetric_per_tensor>::try_make(k, 70, params<s8_asymmetric_per_tensor>(1.0f, 0)).value();
  for (const index_t row : {37, 66})
    for (index_t j = 0; j < k; ++j) {
      store_code<s8_asymmetric_per_tensor>(w.row(row), j, -128);
      store_code<s8_asymmetric_per_tensor>(turned.row(j), row, -128);
    }
  landing memory(s8_asymmetric_per_tensor, 70, k);
  const std::string refusal =
      "pack: row 37 has sum |w - zero point| = 8421632, which times 255 exceeds 2147483647; pack with a smaller bound "
      "on "
      "|x - zero point| or use groups";
  EXPECT_EQ(text_of(try_pack(w)), refusal);
  EXPECT_EQ(text_of(kernels::pack_into(w.view(), memory.data(), 255)), refusal);
  EXPECT_EQ(
      text_of(kernels::pack_into(kernels::transposed<s8_asymmetric_per_tensor>{turned.view()}, memory.data(), 255)),
      refusal);
  const auto packed = kernels::pack_into(w.view(), memory.data(), 254);
  ASSERT_TRUE(packed);
  EXPECT_EQ(packed->proof.largest_row_sum, 8'421'632);
  EXPECT_EQ(packed->row_sums[66], 8'421'632);
  EXPECT_EQ(packed->row_sums[65], 0);
}

/// [block of four panels][k][panel of the block][16 rows].
TEST(Pack, Reals) {
  for (const auto& [n, k] :
       {std::pair<index_t, index_t>{1, 1}, {16, 3}, {17, 5}, {33, 8}, {64, 3}, {70, 5}, {130, 2}}) {
    Eigen::MatrixXf w = Eigen::MatrixXf::Random(n, k);
    const auto packed = pack(w);
    const simd::real_weights_view& v = packed.view();
    const index_t padded = (n + 15) / 16 * 16;
    for (index_t i = 0; i < padded; ++i)
      for (index_t j = 0; j < k; ++j) {
        const index_t first = i / 64 * 64, beside = padded - first < 64 ? padded - first : 64;
        ASSERT_EQ(v.panels[first * k + j * beside + i % 64], i < n ? w(i, j) : 0.0f) << i << ", " << j;
      }
  }
  EXPECT_EQ(text_of(try_pack(strided<const float>(nullptr, 2, 3))), "pack: null data for 2 x 3 elements");
}

}  // namespace pack_test
