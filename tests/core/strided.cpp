// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>
#include <Eigen/Core>

#include <array>
#include <string>

#include <dyadic/core/strided.hpp>

namespace strided_test {

using dyadic::errc;
using dyadic::index_t;
using dyadic::matrix_like;
using dyadic::strided;

using Columns = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::ColMajor>;
using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

const Columns column_major;
const Rows row_major;

// What has memory of its own enters.
static_assert(matrix_like<Columns> && matrix_like<const Columns> && matrix_like<Rows&> && matrix_like<const Rows&>);
static_assert(matrix_like<Eigen::Matrix3d> && matrix_like<Eigen::ArrayXXf> && matrix_like<Eigen::VectorXi>);
static_assert(matrix_like<Eigen::Map<Rows>> && matrix_like<Eigen::Map<const Rows>>);
static_assert(matrix_like<Eigen::Ref<Columns>> && matrix_like<Eigen::Ref<const Columns>>);
static_assert(matrix_like<decltype(column_major.block(0, 0, 1, 1))> && matrix_like<decltype(row_major.row(0))>);
static_assert(matrix_like<decltype(column_major.transpose())> && matrix_like<decltype(row_major.array())>);
static_assert(matrix_like<decltype(column_major.diagonal())>);
static_assert(matrix_like<strided<float>> && matrix_like<const strided<const float>&>);

// An expression does not, nor does what is no matrix.
static_assert(!matrix_like<decltype(column_major + column_major)> && !matrix_like<decltype(2.0F * row_major)>);
static_assert(!matrix_like<decltype(column_major * column_major)> && !matrix_like<decltype(row_major.cast<double>())>);
static_assert(!matrix_like<decltype((row_major + row_major).transpose())>);
static_assert(!matrix_like<decltype((row_major + row_major).array())>);
static_assert(!matrix_like<decltype((row_major + row_major).block(0, 0, 1, 1))>);
static_assert(!matrix_like<decltype(Columns::Zero(2, 2))> && !matrix_like<decltype(column_major.rowwise().sum())>);
static_assert(!matrix_like<float*> && !matrix_like<std::array<float, 4>> && !matrix_like<int>);

// const is kept, and the element type is not converted.
static_assert(std::is_convertible_v<Columns&, strided<float>> && std::is_convertible_v<Columns&, strided<const float>>);
static_assert(!std::is_convertible_v<const Columns&, strided<float>>);
static_assert(std::is_convertible_v<const Columns&, strided<const float>>);
static_assert(!std::is_convertible_v<Eigen::Map<const Rows>, strided<float>>);
static_assert(!std::is_convertible_v<Eigen::Ref<const Rows>, strided<float>>);
static_assert(std::is_convertible_v<strided<float>, strided<const float>>);
static_assert(!std::is_convertible_v<strided<const float>, strided<float>>);
static_assert(!std::is_convertible_v<Columns&, strided<double>>);
static_assert(std::is_same_v<decltype(strided(std::declval<const Rows&>())), strided<const float>>);
static_assert(std::is_same_v<decltype(strided(std::declval<Eigen::MatrixXd&>())), strided<double>>);
static_assert(std::is_same_v<dyadic::element_of<Eigen::Map<const Rows>>, float>);

/// The view has the elements of m, each at the address Eigen has it.
template <class M>
void expect_same(M&& m) {
  const strided<const dyadic::element_of<M>> v(m);
  ASSERT_EQ(v.rows(), m.rows());
  ASSERT_EQ(v.cols(), m.cols());
  for (index_t i = 0; i < v.rows(); ++i)
    for (index_t j = 0; j < v.cols(); ++j) {
      ASSERT_EQ(&v(i, j), &m.coeffRef(i, j)) << i << ", " << j;
      ASSERT_EQ(v.row(i) + j * v.col_stride(), &v(i, j));
    }
  EXPECT_TRUE(dyadic::check_view("m", v)) << dyadic::check_view("m", v).error().message();
}

template <class M>
void expect_all_of() {
  M a(6, 8);
  for (index_t i = 0; i < a.size(); ++i) a.data()[i] = static_cast<float>(i);
  expect_same(a);
  expect_same(a.block(1, 2, 3, 4));
  expect_same(a.block(1, 2, 3, 4).transpose());
  expect_same(a.transpose());
  expect_same(a.row(2));
  expect_same(a.col(3));
  expect_same(a.col(3).segment(1, 2));
  expect_same(a.leftCols(3));
  expect_same(a.array());
  expect_same(a.diagonal());
  const M& constant = a;
  expect_same(constant);
  expect_same(constant.bottomRightCorner(2, 5));
  Eigen::Ref<M> ref = a;
  expect_same(ref);
  Eigen::Ref<M, 0, Eigen::OuterStride<>> part = a.block(2, 1, 3, 5);
  expect_same(part);
}

TEST(Strided, EigenColumnMajor) { expect_all_of<Columns>(); }
TEST(Strided, EigenRowMajor) { expect_all_of<Rows>(); }

TEST(Strided, EigenMapsWithStrides) {
  std::array<float, 64> memory{};
  expect_same(Eigen::Map<Rows>(memory.data(), 4, 5));
  expect_same(Eigen::Map<Columns>(memory.data(), 4, 5));
  using any = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
  expect_same(Eigen::Map<Rows, 0, any>(memory.data(), 3, 4, any(13, 2)));
  expect_same(Eigen::Map<Columns, 0, any>(memory.data(), 3, 4, any(13, 2)));
  expect_same(Eigen::Map<Eigen::VectorXf, 0, Eigen::InnerStride<3>>(memory.data(), 9));
  expect_same(Eigen::Map<Eigen::RowVectorXf, 0, Eigen::InnerStride<3>>(memory.data(), 9));
}

TEST(Strided, WritesThroughToItsOwner) {
  Columns a = Columns::Zero(2, 3);
  const strided<float> v = a;
  v(1, 2) = 5;
  EXPECT_EQ(a(1, 2), 5);
  EXPECT_EQ(v.row_stride(), 1);
  EXPECT_EQ(v.col_stride(), 2);
}

TEST(Strided, RawMemory) {
  std::array<int, 12> memory{};
  for (int i = 0; i < 12; ++i) memory[static_cast<std::size_t>(i)] = i;
  const strided<int> plain(memory.data(), 3, 4);
  EXPECT_EQ(plain(2, 1), 9);
  const strided<const int> turned(memory.data(), 4, 3, 1, 4);
  EXPECT_EQ(turned(1, 2), 9);
  const strided<const int> backwards(memory.data() + 11, 3, 4, -4, -1);
  EXPECT_EQ(backwards(0, 0), 11);
  EXPECT_EQ(backwards(2, 3), 0);
  const strided<int> empty;
  EXPECT_EQ(empty.rows(), 0);
  EXPECT_TRUE(dyadic::check_view("empty", empty));
}

/// A matrix of another library that says its strides by name.
struct named {
  float* data() const { return memory; }
  int rows() const { return 2; }
  int cols() const { return 3; }
  int row_stride() const { return 1; }
  int col_stride() const { return 4; }
  float* memory;
};

TEST(Strided, AnyTypeThatNamesItsStrides) {
  std::array<float, 12> memory{};
  memory[9] = 3;
  const strided<const float> v(named{memory.data()});
  EXPECT_EQ(v(1, 2), 3);
  EXPECT_EQ(v.rows(), 2);
}

template <class T>
void expect_refused(const strided<T>& v, errc code, const std::string& message) {
  const auto r = dyadic::check_view("y", v);
  ASSERT_FALSE(r) << message;
  EXPECT_EQ(r.error().code(), code);
  EXPECT_EQ(r.error().message(), message);
}

TEST(Strided, CheckViewRefusesWhatNoMemoryCanBack) {
  float x = 0;
  expect_refused(strided<float>(&x, -1, 4), errc::invalid_shape, "y: shape -1 x 4, expected sizes >= 0");
  expect_refused(strided<float>(&x, 4, -1, 1, 1), errc::invalid_shape, "y: shape 4 x -1, expected sizes >= 0");
  expect_refused(strided<float>(nullptr, 2, 3), errc::invalid_shape, "y: null data for 2 x 3 elements");
  expect_refused(strided<float>(&x, PTRDIFF_MAX, 2), errc::overflow,
                 "size: 9223372036854775807 x 2 exceeds 9223372036854775807");
  EXPECT_TRUE(dyadic::check_view("y", strided<float>(nullptr, 0, 3)));
  EXPECT_TRUE(dyadic::check_view("y", strided<float>(nullptr, 3, 0)));
}

TEST(Strided, CheckViewRefusesStridesThatReachBeyondTheAddressSpace) {
  float x[1] = {};
  for (const index_t stride : {PTRDIFF_MAX, PTRDIFF_MIN, PTRDIFF_MAX / 2, PTRDIFF_MIN / 4}) {
    const auto ok = check_view("x", strided<const float>(x, 3, 2, stride, 1));
    ASSERT_FALSE(ok) << stride;
    EXPECT_EQ(ok.error().code(), errc::overflow);
    EXPECT_FALSE(check_view("x", strided<const float>(x, 2, 3, 1, stride)));
  }
  EXPECT_TRUE(check_view("x", strided<const float>(x, 1, 1, PTRDIFF_MAX, PTRDIFF_MIN)));
}

TEST(Strided, CheckViewRefusesOutputsThatShareMemory) {
  std::array<float, 64> memory{};
  float* p = memory.data();
  expect_refused(strided<float>(p, 2, 3, 0, 1), errc::overlap,
                 "y: strides 0 and 1 make elements of a 2 x 3 output share memory");
  expect_refused(strided<float>(p, 2, 3, 2, 1), errc::overlap,
                 "y: strides 2 and 1 make elements of a 2 x 3 output share memory");
  expect_refused(strided<float>(p, 3, 2, 1, 2), errc::overlap,
                 "y: strides 1 and 2 make elements of a 3 x 2 output share memory");
  expect_refused(strided<float>(p + 9, 2, 3, -2, 1), errc::overlap,
                 "y: strides -2 and 1 make elements of a 2 x 3 output share memory");
  expect_refused(strided<float>(p, 1, 3, 3, 0), errc::overlap,
                 "y: strides 3 and 0 make elements of a 1 x 3 output share memory");
  // An input may repeat its elements.
  EXPECT_TRUE(dyadic::check_view("x", strided<const float>(p, 2, 3, 0, 1)));
  EXPECT_TRUE(dyadic::check_view("x", strided<const float>(p, 2, 3, 0, 0)));
}

/// Whether two of the elements are one, found by looking at each.
bool shares(const strided<float>& v) {
  std::array<int, 128> seen{};
  for (index_t i = 0; i < v.rows(); ++i)
    for (index_t j = 0; j < v.cols(); ++j)
      if (seen[static_cast<std::size_t>(64 + i * v.row_stride() + j * v.col_stride())]++ != 0) return true;
  return false;
}

TEST(Strided, CheckViewNeverLetsSharedOutputsPassAndTakesEveryNestedLayout) {
  std::array<float, 128> memory{};
  for (index_t rows = 1; rows <= 4; ++rows)
    for (index_t cols = 1; cols <= 4; ++cols)
      for (index_t rs = -8; rs <= 8; ++rs)
        for (index_t cs = -8; cs <= 8; ++cs) {
          const strided<float> v(memory.data() + 64, rows, cols, rs, cs);
          const bool taken = dyadic::check_view("y", v).has_value();
          ASSERT_FALSE(shares(v) && taken) << rows << " x " << cols << ", strides " << rs << " and " << cs;
          // Nested: each row ends before the next begins, or each column does.
          const index_t down = rs < 0 ? -rs : rs, across = cs < 0 ? -cs : cs;
          const bool nested = (down > across * (cols - 1) && (across > 0 || cols == 1)) ||
                              (across > down * (rows - 1) && (down > 0 || rows == 1));
          ASSERT_TRUE(taken || !nested) << rows << " x " << cols << ", strides " << rs << " and " << cs;
        }
}

TEST(Strided, BytesOfAView) {
  std::array<float, 64> memory{};
  const auto base = reinterpret_cast<std::uintptr_t>(memory.data());
  const auto is = [base](const dyadic::byte_range& r, std::uintptr_t first, std::uintptr_t last) {
    return r.first == base + first && r.last == base + last;
  };
  EXPECT_TRUE(is(bytes_of(strided<float>(memory.data(), 3, 4)), 0, 48));
  EXPECT_TRUE(is(bytes_of(strided<float>(memory.data(), 3, 4, 10, 2)), 0, 4 * (2 * 10 + 3 * 2 + 1)));
  EXPECT_TRUE(is(bytes_of(strided<float>(memory.data() + 40, 3, 4, -10, 2)), 4 * 20, 4 * 47));
  EXPECT_TRUE(is(bytes_of(strided<float>(memory.data() + 40, 3, 4, -10, -2)), 4 * 14, 4 * 41));
  EXPECT_TRUE(is(bytes_of(strided<float>(memory.data() + 5, 1, 1, 100, 100)), 20, 24));
  const auto none = bytes_of(strided<float>(memory.data(), 0, 4));
  EXPECT_EQ(none.first, none.last);
}

TEST(Strided, RangesOverlapWhenTheyShareAByte) {
  std::array<float, 64> memory{};
  const auto at = [&](index_t first, index_t cols) { return bytes_of(strided<float>(memory.data() + first, 1, cols)); };
  EXPECT_TRUE(at(0, 4).overlaps(at(3, 4)));
  EXPECT_TRUE(at(3, 4).overlaps(at(0, 4)));
  EXPECT_TRUE(at(0, 10).overlaps(at(4, 2)));
  EXPECT_TRUE(at(4, 2).overlaps(at(0, 10)));
  EXPECT_FALSE(at(0, 4).overlaps(at(4, 4)));
  EXPECT_FALSE(at(4, 4).overlaps(at(0, 4)));
  EXPECT_FALSE(at(0, 4).overlaps(at(2, 0)));
  EXPECT_FALSE(at(2, 0).overlaps(at(0, 4)));
}

}  // namespace strided_test
