// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Attention in integers: scores = q * k^T and mix = p * v for all heads at once, nothing packed in advance.
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include <Eigen/Core>
#include <dyadic/dyadic.hpp>

int main() {
  using dyadic::index_t;
  constexpr index_t heads = 8, tokens = 48, depth = 64;
  constexpr index_t rows = heads * tokens;
  using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  std::mt19937 random(1);
  const auto uniform = [&random] { return static_cast<float>(static_cast<int>(random() % 4096) - 2048) / 1024.0f; };
  // The heads stand one below the other.
  const matrix q = matrix::NullaryExpr(rows, depth, uniform), k = matrix::NullaryExpr(rows, depth, uniform),
               v = matrix::NullaryExpr(rows, depth, uniform);
  const auto q_codes = dyadic::quantize<dyadic::s8_per_tensor>(q), k_codes = dyadic::quantize<dyadic::s8_per_tensor>(k),
             v_codes = dyadic::quantize<dyadic::s8_per_tensor>(v);

  /// The first head's part of all codes; the others follow, `step` bytes apart.
  const auto heads_of = [](const auto& codes, index_t step) {
    auto first = codes.view();
    first.rows = tokens;
    return dyadic::strided_batch{first, heads, step};
  };
  namespace epilogue = dyadic::epilogue;
  matrix scores(rows, tokens);
  dyadic::gemm_batch(heads_of(q_codes, tokens * depth), heads_of(k_codes, tokens * depth), epilogue::dequantize{},
                     dyadic::strided_batch{dyadic::strided<float>(scores.data(), tokens, tokens), heads, tokens * tokens});

  // Softmax stays in float; its results lie in [0, 1], which u8 with scale 1 / 255 holds.
  scores /= std::sqrt(static_cast<float>(depth));
  const Eigen::ArrayXf largest = scores.rowwise().maxCoeff();
  matrix p = (scores.array().colwise() - largest).exp();
  p.array().colwise() /= p.rowwise().sum().array();
  const auto p_codes = dyadic::quantize<dyadic::u8_per_tensor>(p);

  const auto p_heads = heads_of(p_codes, tokens * tokens);
  const auto v_first = heads_of(v_codes, tokens * depth);
  const dyadic::strided_batch v_heads{dyadic::kernels::transposed<dyadic::s8_per_tensor>{v_first.first}, heads,
                                      tokens * depth};
  matrix mix(rows, depth);
  dyadic::gemm_batch(p_heads, v_heads, epilogue::dequantize{},
                     dyadic::strided_batch{dyadic::strided<float>(mix.data(), tokens, depth), heads, tokens * depth});

  // The same in double, from the floats.
  double error = 0, size = 0;
  for (index_t h = 0; h < heads; ++h) {
    const auto part = [h](const matrix& m) { return m.middleRows(h * tokens, tokens).cast<double>(); };
    Eigen::MatrixXd exact = part(q) * part(k).transpose() / std::sqrt(static_cast<double>(depth));
    exact = (exact.colwise() - exact.rowwise().maxCoeff().eval()).array().exp();
    exact = exact.array().colwise() / exact.rowwise().sum().eval().array();
    exact = exact * part(v);
    error += (part(mix) - exact).squaredNorm();
    size += exact.squaredNorm();
  }
  const double relative = std::sqrt(error / size);
  std::printf("attention              %td heads, %td tokens, depth %td, %s\n", heads, tokens, depth, dyadic::active_isa());
  std::printf("relative error         %.2f %%\n", 100 * relative);
  return relative < 0.05 ? 0 : 1;
}
