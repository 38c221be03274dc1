// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// gemmlowp by its public interface: weights on the left, as TensorFlow Lite calls it, with bias, one multiplier a row
// and a saturating cast. It has no packed form: each call packs both operands, and that is part of its time.
#define GEMMLOWP_ENABLE_AVX2
#include <gemmlowp/public/gemmlowp.h>

#include <cmath>
#include <memory>
#include <tuple>
#include <vector>

#include "peers/gemmlowp.hpp"

namespace peers::gemmlowp {

namespace {

namespace lib = ::gemmlowp;

struct state {
  std::vector<std::uint8_t> w, y;
  std::vector<std::int32_t> bias, mantissas, exponents;
  lib::GemmContext context;
};

using column = lib::VectorMap<const std::int32_t, lib::VectorShape::Col>;

}  // namespace

product prepare(const codes_problem& p) {
  auto own = std::make_shared<state>();
  own->context.set_max_num_threads(1);
  own->w.resize(static_cast<std::size_t>(p.n * p.k));
  for (std::size_t i = 0; i < own->w.size(); ++i) own->w[i] = static_cast<std::uint8_t>(p.w[i] + 128);
  own->y.resize(static_cast<std::size_t>(p.m * p.n));
  for (std::ptrdiff_t j = 0; j < p.n; ++j) {
    own->bias.push_back(static_cast<std::int32_t>(std::nearbyint(bias_in_sums(p, j))));
    int exponent = 0;
    const double real = static_cast<double>(p.x_scale) * static_cast<double>(p.w_scales[j]);
    const double mantissa = std::frexp(real / static_cast<double>(p.y_scale), &exponent);
    auto fixed = static_cast<std::int64_t>(std::nearbyint(std::ldexp(mantissa, 31)));
    if (fixed == std::int64_t{1} << 31) fixed /= 2, ++exponent;
    own->mantissas.push_back(static_cast<std::int32_t>(fixed));
    own->exponents.push_back(exponent);
  }
  const auto run = [own, p](long calls) {
    const int m = static_cast<int>(p.m), n = static_cast<int>(p.n), k = static_cast<int>(p.k);
    const lib::MatrixMap<const std::uint8_t, lib::MapOrder::RowMajor> w(own->w.data(), n, k, k);
    const lib::MatrixMap<const std::uint8_t, lib::MapOrder::ColMajor> x(p.x, k, m, k);
    lib::MatrixMap<std::uint8_t, lib::MapOrder::ColMajor> y(own->y.data(), n, m, n);
    lib::OutputStageBiasAddition<column> add_bias;
    add_bias.bias_vector = column(own->bias.data(), n);
    lib::OutputStageScaleInt32ByFixedPointAndExponentPC<lib::VectorShape::Col> scale;
    scale.result_fixedpoint_multiplier = column(own->mantissas.data(), n);
    scale.result_exponent = column(own->exponents.data(), n);
    scale.result_offset_after_shift = p.y_zero_point;
    const auto pipeline = std::make_tuple(add_bias, scale, lib::OutputStageSaturatingCastToUint8());
    for (; calls > 0; --calls)
      lib::GemmWithOutputPipeline<std::uint8_t, std::uint8_t, lib::DefaultL8R8BitDepthParams>(
          &own->context, w, x, &y, -128, -p.x_zero_point, pipeline);
  };
  return {run, [own](std::ptrdiff_t at) { return static_cast<double>(own->y[static_cast<std::size_t>(at)]); }};
}

}  // namespace peers::gemmlowp
