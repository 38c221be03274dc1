// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The program on a user's Eigen matrices: dyadic::dyadic carries Eigen, and the throwing functions read like the
// formula.
#include <Eigen/Core>

#include "program.hpp"

int main() {
  using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const auto x_numbers = program::make_x();
  const auto w_numbers = program::make_w();
  const Eigen::MatrixXf x = Eigen::Map<const matrix>(x_numbers.data(), program::rows, program::depth);
  const Eigen::MatrixXf w = Eigen::Map<const matrix>(w_numbers.data(), program::outputs, program::depth);
  const Eigen::VectorXf bias =
      Eigen::VectorXf::LinSpaced(program::outputs, -1.0f, 1.0f);  // multiples of 1/2: sums stay exact

  Eigen::MatrixXf y(program::rows, program::outputs);
  namespace epilogue = dyadic::epilogue;
  dyadic::gemm(dyadic::quantize<dyadic::u8_per_tensor>(x), dyadic::pack(dyadic::quantize<dyadic::s8_per_row>(w)),
               epilogue::dequantize{} | epilogue::add_bias{bias} | epilogue::relu{}, y);

  const Eigen::MatrixXf expected = ((x * w.transpose()).rowwise() + bias.transpose()).cwiseMax(0.0f);
  if (y != expected) return 10;
  return program::run();
}
