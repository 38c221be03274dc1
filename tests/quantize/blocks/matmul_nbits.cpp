// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>
#include <Eigen/Core>

#include <cmath>
#include <stdexcept>

#include <dyadic/quantize/blocks/matmul_nbits.hpp>

#include "support/data.hpp"

namespace matmul_nbits_test {

using namespace dyadic;
using support::text_of;

using Floats = std::vector<float>;
using Bytes = std::vector<std::uint8_t>;
using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Bytes bytes_of_buffer(const buffer<std::uint8_t>& b) { return Bytes(b.begin(), b.end()); }

/// MLAS's definition again, by shape: B [N][blocks][size * bits / 8], scales [N][blocks], zero points packed a row.
struct expected {
  Bytes b, zeros;
  Floats scales;
};
expected transcribed(const Rows& w, int bits, int size, bool with_zeros) {
  const int blocks = (static_cast<int>(w.cols()) + size - 1) / size, most = (1 << bits) - 1, middle = 1 << (bits - 1);
  expected e;
  const auto pack = [bits](Bytes& to, const std::vector<int>& codes) {
    for (std::size_t i = 0; i < codes.size(); i += bits == 4 ? 2 : 1) {
      const int high = bits == 4 && i + 1 < codes.size() ? codes[i + 1] : 0;
      to.push_back(static_cast<std::uint8_t>(codes[i] + high * 16));
    }
  };
  for (index_t n = 0; n < w.rows(); ++n) {
    std::vector<int> zeros;
    for (int k = 0; k < blocks; ++k) {
      float low = INFINITY, high = -INFINITY;
      for (int j = k * size; j < std::min<int>((k + 1) * size, static_cast<int>(w.cols())); ++j)
        low = std::min(low, w(n, j)), high = std::max(high, w(n, j));
      float scale = 0.0F;
      int zero = middle;
      if (with_zeros) {
        low = std::min(low, 0.0F), high = std::max(high, 0.0F);
        scale = (high - low) / static_cast<float>(most);
        zero =
            scale == 0.0F ? 0 : static_cast<int>(std::clamp(std::round(-low / scale), 0.0F, static_cast<float>(most)));
      } else {
        scale = -(std::fabs(high) > std::fabs(low) ? high : low) / static_cast<float>(middle);
      }
      e.scales.push_back(scale);
      zeros.push_back(zero);
      std::vector<int> codes;
      for (int j = k * size; j < (k + 1) * size; ++j) {
        volatile float product = j < w.cols() && scale != 0.0F ? w(n, j) * (1.0F / scale) : 0.0F;
        const float units = product + static_cast<float>(zero);
        codes.push_back(static_cast<int>(std::clamp(std::round(units), 0.0F, static_cast<float>(most))));
      }
      pack(e.b, codes);
    }
    if (with_zeros) pack(e.zeros, zeros);
  }
  return e;
}

template <int Bits>
void compare() {
  for (const int size : {16, 32, 128})
    for (const int cols : {1, 16, 31, 48, 160})
      for (const bool with_zeros : {false, true}) {
        Rows w = Rows::Random(3, cols);
        w.row(1) *= 1e-3F;
        w.row(2).setZero();
        const expected e = transcribed(w, Bits, size, with_zeros);
        const auto q = quantize_matmul_nbits<Bits>(w, size, with_zeros ? symmetry::asymmetric : symmetry::symmetric);
        EXPECT_EQ(bytes_of_buffer(q.bytes()), e.b) << size << ' ' << cols;
        EXPECT_EQ(bytes_of_buffer(q.zero_points()), e.zeros) << size << ' ' << cols;
        EXPECT_EQ(Floats(q.scales().begin(), q.scales().end()), e.scales);
        const float unit = 1.01F / static_cast<float>(1 << (Bits - 1));
        for (index_t i = 0; i < 3; ++i)
          for (index_t j = 0; j < cols; ++j)
            EXPECT_NEAR(q.value(i, j), w(i, j), unit * w.row(i).cwiseAbs().maxCoeff()) << i << ' ' << j;
      }
}
TEST(MatmulNbits, HasTheBytesOfItsDefinition) {
  compare<4>();
  compare<8>();
}

TEST(MatmulNbits, ByHand) {
  Rows w = Rows::Zero(1, 17);
  w(0, 0) = 8.0F, w(0, 1) = -7.0F, w(0, 2) = 0.5F, w(0, 16) = -1.0F;
  const auto q = quantize_matmul_nbits<4>(w, 16, symmetry::symmetric);
  EXPECT_EQ(q.scales()[0], -1.0F);
  EXPECT_EQ(q.bytes()[0], 0xF0) << "8 is code 0, low; -7 is code 15, high";
  EXPECT_EQ(q.bytes()[1], 0x88) << "-0.5 + 8 = 7.5, away from zero";
  EXPECT_EQ(q.scales()[1], 0.125F);
  EXPECT_EQ(q.bytes()[8], 0x80) << "-1 is code 0; past the row is the zero point";
  const auto a = quantize_matmul_nbits<4>(w, 16, symmetry::asymmetric);
  EXPECT_EQ(a.scales()[0], 1.0F);
  EXPECT_EQ(bytes_of_buffer(a.zero_points()), Bytes{0xF7}) << "7 for the first block, 15 for the second";
}

TEST(MatmulNbits, ReadsAnyLayout) {
  const Rows rows = Rows::Random(5, 48);
  const Eigen::MatrixXf columns = rows;
  const auto a = quantize_matmul_nbits<4>(rows, 32, symmetry::asymmetric);
  const auto b = quantize_matmul_nbits<4>(columns, 32, symmetry::asymmetric);
  EXPECT_EQ(bytes_of_buffer(a.bytes()), bytes_of_buffer(b.bytes()));
}

// Row C10 of the catalogue: a block size that is zero or that nobody has.
TEST(MatmulNbits, C10RefusesOtherBlockSizes) {
  const Rows w = Rows::Zero(2, 64);
  for (const index_t size : {index_t{0}, index_t{-16}, index_t{8}, index_t{24}, PTRDIFF_MIN, PTRDIFF_MAX})
    EXPECT_FALSE(matmul_nbits<4>::try_quantize(w, size, symmetry::symmetric)) << size;
  EXPECT_EQ(text_of(matmul_nbits<4>::try_quantize(w, 24, symmetry::symmetric)),
            "matmul_nbits: blocks of 24, expected a power of two >= 16");
  EXPECT_THROW(quantize_matmul_nbits<8>(w, 0, symmetry::symmetric), std::invalid_argument);
}

// C11: no byte outside the rows' own.
TEST(MatmulNbits, C11HasAsManyBytesAsItsShapeSays) {
  const auto q = quantize_matmul_nbits<4>(Rows::Zero(3, 33).eval(), 16, symmetry::asymmetric);
  EXPECT_EQ(q.bytes().size(), 3 * 3 * 8);
  EXPECT_EQ(q.scales().size(), 3 * 3);
  EXPECT_EQ(q.zero_points().size(), 3 * 2);
  const auto none = quantize_matmul_nbits<4>(Rows(0, 0), 16, symmetry::symmetric);
  EXPECT_EQ(none.bytes().size(), 0);
}

TEST(MatmulNbits, C15ScalesAreFiniteWhateverTheNumbers) {
  Rows w = Rows::Zero(4, 32);
  w.row(1).setConstant(std::nanf(""));
  w.row(2).setConstant(INFINITY);
  w(2, 3) = -INFINITY;
  w.row(3).setConstant(0x1p-149F);
  for (const auto sym : {symmetry::symmetric, symmetry::asymmetric}) {
    const auto q = quantize_matmul_nbits<4>(w, 16, sym);
    for (index_t i = 0; i < 4; ++i)
      for (index_t j = 0; j < 32; ++j) {
        EXPECT_TRUE(std::isfinite(q.scale(i, j))) << i;
        EXPECT_TRUE(std::isfinite(q.value(i, j))) << i;
        if (i < 2) {
          EXPECT_EQ(q.value(i, j), 0.0F);
        }
      }
    EXPECT_GT(q.value(2, 20), 1e37F);
  }
}

}  // namespace matmul_nbits_test
