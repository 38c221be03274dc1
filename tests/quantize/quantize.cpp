// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>
#include <Eigen/Core>

#include <cmath>
#include <stdexcept>

#include <dyadic/quantize/dequantize.hpp>
#include <dyadic/quantize/quantize.hpp>

#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace quantize_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;
using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

template <scheme S>
struct of {
  static constexpr scheme value = S;
};

constexpr scheme s(int bits, symmetry sym, bool narrow = false) {
  return {.bits = bits, .sym = sym, .narrow_range = narrow};
}
constexpr scheme u(int bits, symmetry sym) { return {.bits = bits, .is_signed = false, .sym = sym}; }
constexpr symmetry sym = symmetry::symmetric, asym = symmetry::asymmetric;

template <class Of>
class Quantize : public testing::Test {};
using Schemes = testing::Types<
    of<u8_per_tensor>, of<s8_per_tensor>, of<s8_asymmetric_per_row>, of<s16_per_tensor>, of<u16_per_tensor>,
    of<s8_per_row>, of<s8_per_group<32>>, of<s4_per_row>, of<u4_per_row>, of<s4_per_tensor>, of<s4_per_group<32>>,
    of<u4_per_group<32>>, of<u(4, asym).with(granularity::per_group, 3)>, of<s(2, sym)>, of<u(2, asym)>, of<s(3, asym)>,
    of<u(5, sym)>, of<s(6, sym)>, of<s(7, sym, true)>, of<u(8, sym)>, of<u(8, asym).with(granularity::per_column)>,
    of<s(4, sym).with(granularity::per_column)>, of<s(16, asym).with(granularity::per_column)>>;
class SchemeName {
 public:
  template <class Of>
  static std::string GetName(int) {
    const scheme v = Of::value;
    std::string name = (v.is_signed ? "s" : "u") + std::to_string(v.bits);
    name += v.asymmetric() ? "_asymmetric" : "_symmetric";
    if (v.per == granularity::per_row) name += "_row";
    if (v.per == granularity::per_column) name += "_column";
    if (v.per == granularity::per_group) name += "_group" + std::to_string(v.group);
    return v.narrow_range ? name + "_narrow" : name;
  }
};
TYPED_TEST_SUITE(Quantize, Schemes, SchemeName);

/// Columns that suit the groups of S, not a multiple of 64.
template <scheme S>
constexpr index_t columns() {
  return S.per == granularity::per_group ? index_t{S.group} * (S.group < 32 ? 23 : 3) : 71;
}

TYPED_TEST(Quantize, GivesTheCodesOfQuantizeOne) {
  constexpr scheme S = TypeParam::value;
  const index_t rows = 5, cols = columns<S>();
  Floats x = support::normal_numbers(static_cast<std::size_t>(rows * cols), 1, 3.0F);
  const Floats corners = support::corner_numbers();
  for (std::size_t c = 0; c < corners.size(); ++c)
    x[c * 3] = corners[c] > 1e30F || corners[c] < -1e30F ? 1.0F : corners[c];
  const strided<const float> view(x.data(), rows, cols);
  const auto check = [&]<profile P>() {
    const quantized<S> q = quantize<S, P>(view);
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < cols; ++j) {
        const index_t at = params_index(S, cols, i, j);
        ASSERT_EQ(q.code(i, j),
                  quantize_one<P>(view(i, j), q.params().scale(at), q.params().zero_point(at), S.qmin(), S.qmax()))
            << i << ' ' << j;
      }
    const quantized<S> again = quantize<S, P>(view, q.params());
    EXPECT_EQ(std::memcmp(q.bytes(), again.bytes(), static_cast<std::size_t>(q.size_bytes())), 0);
  };
  check.template operator()<onnx_profile>();
  check.template operator()<tflite_profile>();
  check.template operator()<pytorch_profile>();
}

TYPED_TEST(Quantize, BringsEveryCodeBack) {
  // u = fl(fl(s * k) / s) = k * (1 + 2^-23 at most), and |k| <= 65535 makes that less than half a step; multiplying by
  // the rounded reciprocal adds another 2^-24. Scales are such that s * k is finite.
  constexpr scheme S = TypeParam::value;
  constexpr scheme per_tensor = S.with(granularity::per_tensor);
  std::mt19937_64 random(2);
  Floats reals(static_cast<std::size_t>(S.levels()));
  for (int n = 0; n < (S.bits == 16 ? 40 : 1'000); ++n) {
    const int exponent = n == 0 ? -126 : n == 1 ? 110 : static_cast<int>(random() % 236) - 126;
    const float scale = std::ldexp(1.0F + static_cast<float>(random() % (1U << 23)) * 0x1p-23F, exponent);
    const int zero =
        S.asymmetric() ? S.qmin() + static_cast<int>(random() % static_cast<unsigned>(S.levels())) : S.middle();
    const params<per_tensor> p = [&] {
      if constexpr (S.asymmetric())
        return params<per_tensor>(scale, zero);
      else
        return params<per_tensor>(scale);
    }();
    for (int k = 0; k < S.levels(); ++k) reals[static_cast<std::size_t>(k)] = dequantize_one(S.qmin() + k, scale, zero);
    const auto q = quantize<per_tensor>(reals, p);
    const auto r = quantize<per_tensor, pytorch_profile>(reals, p);
    for (int k = 0; k < S.levels(); ++k) {
      ASSERT_EQ(q.code(0, k), S.qmin() + k) << scale << ' ' << zero;
      ASSERT_EQ(r.code(0, k), S.qmin() + k) << scale << ' ' << zero;
    }
    EXPECT_EQ(q.clipped().low + q.clipped().high + q.clipped().nan, 0);
  }
}

TYPED_TEST(Quantize, ErrsByHalfAStepInsideTheRange) {
  // With L steps and r = 2^-24: x / s is off by r relatively (2r by the reciprocal), |x / s| <= L; scale and zero point
  // of a range are off by 4 L r steps at its far end, where half a step may saturate; s * k is rounded once more, L r.
  // In all |x - y| <= s * (1/2 + 8 (L + 1) r).
  constexpr scheme S = TypeParam::value;
  const index_t rows = 3, cols = columns<S>();
  const double slack = 8.0 * S.levels() * 0x1p-24;
  double worst = 0.0;
  Floats y(static_cast<std::size_t>(rows * cols));
  for (unsigned n = 0; n < 60; ++n) {
    Floats x =
        support::normal_numbers(static_cast<std::size_t>(rows * cols), n, std::ldexp(1.0F, static_cast<int>(n) - 30));
    if (n % 3 == 1)
      for (float& v : x) v = std::abs(v);
    const strided<const float> view(x.data(), rows, cols);
    const auto check = [&]<profile P>() {
      const quantized<S> q = quantize<S, P>(view);
      dequantize(q, std::span<float>(y));
      for (index_t i = 0; i < rows; ++i)
        for (index_t j = 0; j < cols; ++j) {
          const double scale = q.params().scale(params_index(S, cols, i, j));
          const double error = std::abs(static_cast<double>(view(i, j)) -
                                        static_cast<double>(y[static_cast<std::size_t>(i * cols + j)]));
          worst = std::max(worst, error / scale);
        }
    };
    check.template operator()<onnx_profile>();
    check.template operator()<pytorch_profile>();
  }
  EXPECT_LE(worst, 0.5 + slack);
  EXPECT_GT(worst, 0.45) << "the data do not come near the bound";
}

template <scheme S>
void expect_same(const quantized<S>& q, const quantized<S>& expected) {
  EXPECT_EQ(std::memcmp(q.bytes(), expected.bytes(), static_cast<std::size_t>(q.size_bytes())), 0);
  for (index_t at = 0; at < q.params().count(); ++at) {
    EXPECT_EQ(q.params().scale(at), expected.params().scale(at));
    EXPECT_EQ(q.params().zero_point(at), expected.params().zero_point(at));
  }
  EXPECT_EQ(q.clipped().nan, 1);
  EXPECT_EQ(q.clipped().total, expected.rows() * expected.cols());
  EXPECT_EQ(q.clipped().low, expected.clipped().low);
  EXPECT_EQ(q.clipped().high, expected.clipped().high);
  EXPECT_GE(q.clipped().high, 1);
  EXPECT_GE(q.clipped().low, 1);
}

Floats numbers_with_gaps(index_t rows, index_t cols) {
  Floats x = support::normal_numbers(static_cast<std::size_t>(rows * cols), 3);
  x[5] = nan, x[9] = infinity, x[20] = -infinity;
  return x;
}

TYPED_TEST(Quantize, DoesNotDependOnTheStrides) {
  constexpr scheme S = TypeParam::value;
  const index_t rows = 7, cols = columns<S>();
  const Floats x = numbers_with_gaps(rows, cols);
  const strided<const float> view(x.data(), rows, cols);
  const quantized<S> expected = quantize<S>(view);
  struct layout {
    index_t first, row_stride, col_stride;
  };
  for (const layout l : {layout{0, 1, rows}, layout{3, cols + 5, 1}, layout{0, 3 * cols, 2}, layout{1, 2, 2 * rows + 3},
                         layout{rows * cols - 1, -cols, -1}, layout{cols - 1, cols, -1}}) {
    Floats memory(static_cast<std::size_t>(4 * rows * cols + 8 * cols), 1e9F);
    const strided<float> copy(memory.data() + l.first, rows, cols, l.row_stride, l.col_stride);
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < cols; ++j) copy(i, j) = view(i, j);
    expect_same(quantize<S>(copy), expected);
  }
}

template <scheme S>
void takes_eigen(index_t rows, index_t cols) {
  const Floats x = numbers_with_gaps(rows, cols);
  const Rows row_major = Eigen::Map<const Rows>(x.data(), rows, cols);
  const Eigen::MatrixXf column_major = row_major, transposed = row_major.transpose();
  Eigen::MatrixXf larger = Eigen::MatrixXf::Constant(rows + 4, cols + 6, 1e9F);
  larger.block(1, 3, rows, cols) = row_major;
  Floats spread(static_cast<std::size_t>(rows * cols) * 6, -1e9F);
  Eigen::Map<Rows, 0, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>> strides(
      spread.data(), rows, cols, Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>(3 * cols, 2));
  strides = row_major;
  const quantized<S> expected = quantize<S>(strided<const float>(x.data(), rows, cols));
  expect_same(quantize<S>(row_major), expected);
  expect_same(quantize<S>(column_major), expected);
  expect_same(quantize<S>(transposed.transpose()), expected);
  expect_same(quantize<S>(larger.block(1, 3, rows, cols)), expected);
  expect_same(quantize<S>(Eigen::Map<const Rows>(x.data(), rows, cols)), expected);
  expect_same(quantize<S>(strides), expected);
  expect_same(quantize<S>(Eigen::Ref<const Rows>(row_major)), expected);
  expect_same(quantize<S>(row_major.array()), expected);
}

TEST(QuantizeEigen, TakesWhateverHasMemory) {
  takes_eigen<s8_per_row>(7, 71);
  takes_eigen<u4_per_group<32>>(7, 96);
}

/// Params measured on the way, all into memory of the caller.
TYPED_TEST(Quantize, MeasuresIntoMemoryOfTheCaller) {
  constexpr scheme S = TypeParam::value;
  const index_t rows = 5, cols = columns<S>();
  Floats x = support::normal_numbers(static_cast<std::size_t>(rows * cols), 17);
  x[3] = nan, x[40] = infinity, x[41] = -infinity;
  const auto count = static_cast<std::size_t>(params_count(S, rows, cols));
  for (const bool by_columns : {false, true}) {
    const strided<const float> view(x.data(), rows, cols, by_columns ? 1 : cols, by_columns ? rows : 1);
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(rows * row_bytes(S, cols)));
    Floats scales(count);
    std::vector<std::int32_t> zero_points(S.asymmetric() ? count : 0);
    const clip_count met = quantize_into<S, pytorch_profile>(view, bytes, scales, zero_points);
    const params<S> p = measure<S, pytorch_profile>(view);
    const quantized<S> expected = quantize<S, pytorch_profile>(view, p), whole = quantize<S, pytorch_profile>(view);
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), expected.bytes()));
    EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), whole.bytes()));
    EXPECT_EQ(scales, Floats(p.scales().begin(), p.scales().end()));
    EXPECT_EQ(scales, Floats(whole.params().scales().begin(), whole.params().scales().end()));
    EXPECT_EQ(zero_points, std::vector<std::int32_t>(p.zero_points().begin(), p.zero_points().end()));
    EXPECT_EQ(met.nan, 1);
    EXPECT_EQ(met.high, expected.clipped().high);
    EXPECT_EQ(met.low, whole.clipped().low);
    EXPECT_EQ(met.total, rows * cols);
  }
}

TEST(QuantizeMeasured, RefusesMemoryThatDoesNotFitWhatItMeasures) {
  Floats x(12), scales(3);
  std::vector<std::uint8_t> bytes(12);
  std::vector<std::int32_t> zeros(3);
  const strided<const float> view(x.data(), 3, 4);
  EXPECT_EQ(text_of(try_quantize_into<u8_per_row>(view, std::span(bytes).first(11), scales, zeros)),
            "quantize: 11 bytes for the codes of 3 x 4 numbers, expected at least 12");
  EXPECT_EQ(text_of(try_quantize_into<u8_per_row>(view, bytes, std::span(scales).first(2), zeros)),
            "quantize: room for 2 scales and 3 zero points, expected 3 and 3");
  EXPECT_EQ(text_of(try_quantize_into<s8_per_row>(view, bytes, scales, zeros)),
            "quantize: room for 3 scales and 3 zero points, expected 3 and 0");
  EXPECT_EQ(text_of(try_quantize_into<u8_per_row>(view, bytes, std::span(x).last(3), zeros)),
            "quantize: the numbers, codes, scales and zero points share memory");
  EXPECT_EQ(text_of(try_quantize_into<s4_per_group<32>>(view, bytes, scales)),
            "scheme: rows of 4 do not divide into groups of 32");
}

TYPED_TEST(Quantize, WritesTheSameIntoMemoryOfTheCaller) {
  constexpr scheme S = TypeParam::value;
  const index_t rows = 4, cols = columns<S>();
  const Floats x = support::normal_numbers(static_cast<std::size_t>(rows * cols), 4);
  const strided<const float> view(x.data(), rows, cols);
  const quantized<S> q = quantize<S>(view);
  const index_t row = row_bytes(S, cols), stride = row + 5;
  std::vector<std::uint8_t> packed(static_cast<std::size_t>(rows * row), 0xCC);
  std::vector<std::uint8_t> gaps(static_cast<std::size_t>((rows - 1) * stride + row), 0xCC);
  const clip_count counted = quantize_into<S>(view, q.params(), packed);
  EXPECT_EQ(counted.total, rows * cols);
  quantize_into<S>(view, q.params(), gaps, stride);
  EXPECT_EQ(std::memcmp(packed.data(), q.bytes(), packed.size()), 0);
  for (index_t i = 0; i < rows; ++i) {
    EXPECT_EQ(std::memcmp(gaps.data() + i * stride, q.row(i), static_cast<std::size_t>(row)), 0);
    for (index_t b = row; b < stride && i + 1 < rows; ++b)
      EXPECT_EQ(gaps[static_cast<std::size_t>(i * stride + b)], 0xCC);
  }
  if constexpr (!S.two_per_byte()) {
    std::vector<code_of<S>> codes(static_cast<std::size_t>(rows * cols) * 2, code_of<S>{99});
    quantize_into<S>(view, q.params(), strided<code_of<S>>(codes.data(), rows, cols, 2, 2 * rows));
    for (index_t i = 0; i < rows; ++i)
      for (index_t j = 0; j < cols; ++j) {
        ASSERT_EQ(codes[static_cast<std::size_t>(2 * i + 2 * rows * j)], q.code(i, j));
        ASSERT_EQ(codes[static_cast<std::size_t>(2 * i + 2 * rows * j + 1)], 99);
      }
  }
}

TEST(QuantizeInto, FillsAnEigenMatrixOfCodes) {
  const Rows x = Rows::Random(9, 17);
  const params<s8_per_row> p = measure<s8_per_row>(x);
  Eigen::Matrix<std::int8_t, Eigen::Dynamic, Eigen::Dynamic> codes(9, 17);
  quantize_into<s8_per_row>(x, p, codes);
  const quantized<s8_per_row> q = quantize<s8_per_row>(x);
  for (index_t i = 0; i < 9; ++i)
    for (index_t j = 0; j < 17; ++j) EXPECT_EQ(codes(i, j), q.code(i, j));
}

TEST(QuantizeInto, RefusesMemoryThatDoesNotFit) {
  const float x[12] = {};
  const strided<const float> view(x, 3, 4);
  const params<u8_per_tensor> p(1.0F, 0);
  std::uint8_t bytes[16] = {};
  const auto into = [&](std::size_t size, index_t stride) {
    return try_quantize_into<u8_per_tensor>(view, p, std::span<std::uint8_t>(bytes, size), stride);
  };
  EXPECT_TRUE(into(12, 4));
  EXPECT_TRUE(into(14, 5));
  EXPECT_EQ(text_of(into(11, 4)), "quantize: 11 bytes for the codes of 3 x 4 numbers, expected at least 12");
  EXPECT_EQ(text_of(into(13, 5)), "quantize: 13 bytes for the codes of 3 x 4 numbers, expected at least 14");
  EXPECT_EQ(text_of(into(16, 3)), "quantize: rows 3 bytes apart, expected at least 4");
  EXPECT_EQ(text_of(into(16, -4)), "quantize: rows -4 bytes apart, expected at least 4");
  EXPECT_EQ(into(16, PTRDIFF_MAX / 2 + 1).error().code(), errc::overflow);
  EXPECT_EQ(text_of(try_quantize_into<u8_per_tensor>(view, p, strided<std::uint8_t>(bytes, 4, 3))),
            "quantize: 4 x 3 codes for 3 x 4 numbers");
  EXPECT_EQ(try_quantize_into<u8_per_tensor>(view, p, strided<std::uint8_t>(bytes, 3, 4, 1, 1)).error().code(),
            errc::overlap);
}

TEST(QuantizeInto, RefusesToOverwriteItsInput) {
  float x[12] = {};
  const strided<const float> view(x, 3, 4);
  const params<u8_per_tensor> p(1.0F, 0);
  auto* bytes = reinterpret_cast<std::uint8_t*>(x);
  const auto refused = try_quantize_into<u8_per_tensor>(view, p, std::span<std::uint8_t>(bytes, 12), 4);
  EXPECT_EQ(refused.error().code(), errc::overlap);
  EXPECT_EQ(text_of(refused), "quantize: the codes would overwrite the numbers they are made from");
  EXPECT_FALSE(try_quantize_into<u8_per_tensor>(view, p, strided<std::uint8_t>(bytes + 36, 3, 4)));
  EXPECT_THROW(quantize_into<u8_per_tensor>(view, p, std::span<std::uint8_t>(bytes, 12)), std::invalid_argument);
}

TEST(QuantizeErrors, SayWhatDoesNotFit) {
  const float x[66] = {};
  const strided<const float> two_by_33(x, 2, 33);
  EXPECT_EQ(text_of(try_quantize<s4_per_group<32>>(two_by_33)), "scheme: rows of 33 do not divide into groups of 32");
  EXPECT_EQ(text_of(try_quantize<s8_per_row>(two_by_33, params<s8_per_row>(Floats{1.0F}))),
            "params: 1 scales for a 2 x 33 matrix, expected 2");
  EXPECT_EQ(text_of(try_quantize<u8_per_tensor>(strided<const float>(nullptr, 2, 3), params<u8_per_tensor>(1.0F, 0))),
            "quantize: x: null data for 2 x 3 elements");
  EXPECT_THROW(quantize<s4_per_group<32>>(two_by_33), std::invalid_argument);
  EXPECT_THROW(quantize<s8_per_row>(two_by_33, params<s8_per_row>(Floats{1.0F})), std::invalid_argument);
}

TEST(QuantizeData, IsNeverAnError) {
  const float x[] = {nan, nan, nan, nan, 1.0F, nan, infinity, -infinity, -3.0F};
  const quantized<u8_per_row> q = quantize<u8_per_row>(strided<const float>(x, 3, 3));
  for (index_t j = 0; j < 3; ++j) EXPECT_EQ(q.code(0, j), 0);
  EXPECT_EQ(q.code(1, 0), q.params().zero_point(1));
  EXPECT_EQ(q.code(1, 1), 255);
  EXPECT_EQ(q.code(2, 0), 255);
  EXPECT_EQ(q.code(2, 1), 0);
  EXPECT_EQ(q.code(2, 2), 0);
  EXPECT_EQ(q.clipped().total, 9);
  EXPECT_EQ(q.clipped().nan, 5);
  EXPECT_EQ(q.clipped().high, 1);
  EXPECT_EQ(q.clipped().low, 1);
  EXPECT_EQ(q.clipped().clipped_fraction(), 2.0 / 9.0);
}

TEST(QuantizeData, CountsWhatSaturates) {
  const params<s8_per_tensor> p(1.0F);
  const auto count = [&](float x) { return quantize<s8_per_tensor>(std::span<const float>(&x, 1), p).clipped(); };
  EXPECT_EQ(count(127.0F).high, 0);
  EXPECT_EQ(count(0x1.fdfffep6F).high, 0) << "127.499992 rounds to 127";
  EXPECT_EQ(count(127.5F).high, 1) << "127.5 rounds to 128";
  EXPECT_EQ(count(-128.5F).low, 0) << "-128.5 rounds to -128";
  EXPECT_EQ(count(-129.0F).low, 1);
  EXPECT_EQ(count(-infinity).low, 1);
  EXPECT_EQ(count(nan).nan, 1);
  EXPECT_EQ(count(nan).low + count(nan).high, 0);
}

TEST(QuantizeShapes, MayBeEmptyOrOneRow) {
  EXPECT_EQ(quantize<u8_per_tensor>(std::span<const float>()).cols(), 0);
  EXPECT_EQ(quantize<s8_per_row>(strided<const float>(nullptr, 0, 5)).rows(), 0);
  EXPECT_EQ(quantize<s4_per_row>(strided<const float>(nullptr, 5, 0)).size_bytes(), 0);
  std::vector<std::uint8_t> none;
  EXPECT_TRUE(
      try_quantize_into<u8_per_tensor>(strided<const float>(nullptr, 0, 5), params<u8_per_tensor>(1.0F, 0), none));
  const Floats row{1.0F, 2.0F, 3.0F};
  EXPECT_EQ(quantize<u8_per_tensor>(row).rows(), 1);
  EXPECT_EQ(quantize<u8_per_tensor>(row).code(0, 2), 255);
  const Eigen::VectorXf column = Eigen::Map<const Eigen::VectorXf>(row.data(), 3);
  EXPECT_EQ(quantize<s8_per_row>(column).rows(), 3) << "a column vector is a matrix of one column";
}

TEST(QuantizeEnvironment, DoesNotMatter) {
  Floats x = support::normal_numbers(3000, 5);
  std::mt19937_64 random(6);
  for (std::size_t i = 0; i < x.size(); i += 3) x[i] = support::any_finite(random);
  for (std::size_t i = 1; i < x.size(); i += 9) x[i] = 0x1p-140F * static_cast<float>(i);
  const strided<const float> view(x.data(), 30, 100);
  const strided<const float> small(x.data() + 1, 10, 3, 9, 9);  // subnormals only
  const auto all = [&] {
    std::vector<std::uint8_t> bytes;
    const auto add = [&](const auto& q) {
      bytes.insert(bytes.end(), q.bytes(), q.bytes() + q.size_bytes());
      for (const float scale : q.params().scales())
        for (int b = 0; b < 4; ++b)
          bytes.push_back(static_cast<std::uint8_t>(std::bit_cast<std::uint32_t>(scale) >> (8 * b)));
      const Rows y = dequantize<Rows>(q);
      const auto* raw = reinterpret_cast<const std::uint8_t*>(y.data());
      bytes.insert(bytes.end(), raw, raw + y.size() * 4);
    };
    add(quantize<u8_per_row>(view));
    add(quantize<u8_per_row, pytorch_profile>(view));
    add(quantize<u8_per_row, tflite_profile>(view));
    add(quantize<s4_per_row, support::reciprocal_before>(view));
    add(quantize<u8_per_tensor>(view, params<u8_per_tensor>(0.037F, 131)));
    add(quantize<u8_per_tensor, pytorch_profile>(view, params<u8_per_tensor>(0x1.234567p-126F, 3)));
    add(quantize<s16_per_tensor>(small));
    add(quantize<s16_per_tensor>(small, params<s16_per_tensor>(0x1p-126F)));
    return bytes;
  };
  const std::vector<std::uint8_t> expected = all();
  exact::in_every_environment([&] { EXPECT_TRUE(all() == expected); });
}

}  // namespace quantize_test
