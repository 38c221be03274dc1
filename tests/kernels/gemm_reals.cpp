// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The float product: an fma chain over increasing k on every instruction set, and near Eigen's within a derived bound.
#include <Eigen/Core>

#include <cmath>

#include <dyadic/kernels/reference/gemm.hpp>

#include "kernels/product.hpp"

namespace gemm_reals_test {

using namespace dyadic;
using product::effort, product::shape;
using Rows = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Columns = Eigen::MatrixXf;

constexpr float infinity = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

template <class M>
M random_matrix(index_t rows, index_t cols, std::mt19937& random) {
  M m(rows, cols);
  const auto values = product::numbers(rows * cols, 3.0f, random);
  if (m.size() > 0) std::memcpy(m.data(), values.data(), values.size() * sizeof(float));
  return m;
}

template <class X, class W>
void check(const X& x, const W& w, std::mt19937& random, effort e = effort::in_turns) {
  const index_t m = x.rows(), n = w.rows();
  const std::vector<float> bias = product::numbers(n, 2.0f, random);
  const auto packed = pack(w);
  const std::pair<reference::reals, epilogue::bounded_reals> epilogues[] = {
      {{}, epilogue::dequantize{}},
      {{.bias = bias}, epilogue::dequantize{} | epilogue::add_bias{bias}},
      {{.bias = bias, .low = 0.0f}, epilogue::dequantize{} | epilogue::add_bias{bias} | epilogue::relu{}},
      {{.bias = {}, .low = -1.5f, .high = 2.0f}, epilogue::dequantize{} | epilogue::clamp{-1.5f, 2.0f}}};
  for (const auto& [r, how] : epilogues) {
    std::vector<float> expected(static_cast<std::size_t>(m * n));
    reference::gemm(x, w, r, {expected.data(), m, n});
    product::expect_everywhere<float>(
        "reals, k = " + std::to_string(x.cols()), m, n, expected,
        [&, e_of = how](strided<float> y, const run_options& options) { return try_gemm(x, packed, e_of, y, options); },
        e);
    if (testing::Test::HasFatalFailure()) return;
  }
}

TEST(GemmReals, EqualsItsDefinition) {
  std::mt19937 random(21);
  for (const shape& s : product::shapes()) {
    check(random_matrix<Rows>(s.m, s.k, random), random_matrix<Rows>(s.n, s.k, random), random);
    if (HasFatalFailure()) return;
  }
  check(random_matrix<Rows>(7, 4099, random), random_matrix<Rows>(18, 4099, random), random);
}

TEST(GemmReals, EveryThreadCountInEveryLayout) {
  std::mt19937 random(22);
  for (const shape& s : {shape{5, 70, 64}, shape{85, 19, 32}, shape{24, 64, 96}})
    check(random_matrix<Rows>(s.m, s.k, random), random_matrix<Rows>(s.n, s.k, random), random, effort::every);
}

TEST(GemmReals, TakesAnyLayoutOfXAndW) {
  std::mt19937 random(23);
  const auto x = random_matrix<Columns>(19, 23, random);
  const auto w = random_matrix<Columns>(23, 21, random);
  check(x, w.transpose(), random);
  check(x.block(2, 3, 9, 7), w.transpose().block(1, 3, 17, 7), random);
  check(strided<const float>(x.data() + x.size() - 1, 19, 23, -1, -19), w.transpose(), random);
}

/// Both products are sums of k rounded products, or fused ones, in some order: by Higham (Accuracy and Stability,
/// section 3.1) each differs from the exact sum by at most gamma(k) * sum |x w|, gamma(k) = k u / (1 - k u), u = 2^-24,
/// whatever the order. No product underflows: |x|, |w| < 3 and a random one below 2^-63 does not occur. The two
/// therefore differ by at most twice that. The bound itself is computed in double, whose rounding is far below its
/// slack: a factor 1 + 2^-40 covers it.
TEST(GemmReals, IsNearEigen) {
  std::mt19937 random(24);
  for (const shape& s :
       {shape{1, 1, 1}, shape{17, 33, 65}, shape{64, 64, 64}, shape{5, 9, 4099}, shape{130, 40, 300}}) {
    const auto x = random_matrix<Rows>(s.m, s.k, random), w = random_matrix<Rows>(s.n, s.k, random);
    const Rows eigen = x * w.transpose();
    const Eigen::MatrixXd sizes = x.cast<double>().cwiseAbs() * w.cast<double>().cwiseAbs().transpose();
    const double ku = static_cast<double>(s.k) * 0x1p-24, gamma = ku / (1.0 - ku);
    Rows y(s.m, s.n);
    gemm(x, pack(w), epilogue::dequantize{}, y);
    for (index_t i = 0; i < s.m; ++i)
      for (index_t j = 0; j < s.n; ++j)
        ASSERT_LE(std::abs(static_cast<double>(y(i, j)) - static_cast<double>(eigen(i, j))),
                  2.0 * gamma * sizes(i, j) * (1.0 + 0x1p-40))
            << "k = " << s.k;
  }
}

/// NaN is never hidden: it stays NaN through a bias, a ReLU and a clamp, wherever it comes from. Zeros keep their sign.
TEST(GemmReals, SpecialNumbers) {
  Rows x = Rows::Zero(7, 3), w = Rows::Zero(18, 3);
  x(0, 1) = nan;                            // row 0: NaN
  x(1, 0) = infinity, w(4, 0) = 1.0f;       // (1, 4): infinity; the others of row 1: infinity * 0 = NaN
  x(2, 2) = -0x1p-149f, w(5, 2) = 0.25f;    // (2, 5): rounds to -0, fma with 0 gives -0 or +0 as the reference has it
  x(3, 0) = 0x1p100f, w(6, 0) = -0x1p100f;  // (3, 6): -infinity
  const auto packed = pack(w);
  for (const epilogue::bounded_reals& e : {epilogue::bounded_reals{}, epilogue::bounded_reals{} | epilogue::relu{},
                                           epilogue::bounded_reals{} | epilogue::clamp{-1.0f, 1.0f}}) {
    std::vector<float> expected(7 * 18);
    reference::gemm(x, w, {.bias = {}, .low = e.low, .high = e.high}, {expected.data(), 7, 18});
    ASSERT_TRUE(std::isnan(expected[0]) && std::isnan(expected[18]));
    ASSERT_EQ(expected[18 + 4], e.high);
    ASSERT_EQ(expected[3 * 18 + 6], e.low);
    support::for_each_isa([&](const std::string& isa) {
      Rows y(7, 18);
      gemm(x, packed, e, y);
      for (std::size_t i = 0; i < expected.size(); ++i) {
        if (std::isnan(expected[i]))
          ASSERT_TRUE(std::isnan(y.data()[i])) << isa << ", element " << i;
        else
          ASSERT_EQ(std::memcmp(y.data() + i, &expected[i], sizeof(float)), 0) << isa << ", element " << i;
      }
    });
  }
}

}  // namespace gemm_reals_test
