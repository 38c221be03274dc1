// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The table of peers, and how each result is checked before it is timed.
#include "peers/list.hpp"

#include <exception>

#include "peers/eigen.hpp"
#include "peers/gemmlowp.hpp"
#include "peers/onednn.hpp"
#include "peers/openblas.hpp"

namespace peers {

namespace {

using harness::index_t, harness::prepared;

#if BENCH_WITH_ONEDNN
template <output To>
product by_onednn(const codes_problem& p) {
  return onednn::prepare(p, To);
}
template <onednn::sums Sums>
product packed_by_onednn(const std::int8_t* w, std::ptrdiff_t n, std::ptrdiff_t k) {
  return onednn::reorder(w, n, k, Sums);
}
#endif

constexpr peer table[] = {
#if BENCH_WITH_ONEDNN
    {.name = "onednn", .types = "u8s8u8", .of_codes = &by_onednn<output::u8>, .to = output::u8},
    {.name = "onednn", .types = "u8s8f32", .of_codes = &by_onednn<output::f32>, .to = output::f32},
    {.name = "onednn", .types = "u8s8s32", .of_codes = &by_onednn<output::s32>, .to = output::s32},
#endif
#if BENCH_WITH_GEMMLOWP
    {.name = "gemmlowp", .types = "u8u8u8", .of_codes = &gemmlowp::prepare, .to = output::u8},
#endif
#if BENCH_WITH_OPENBLAS
    {.name = "openblas", .types = "f32", .of_reals = &openblas::prepare},
#endif
    {.name = "eigen", .types = "f32", .of_reals = &eigen::prepare},
};

constexpr packer packing_table[] = {
#if BENCH_WITH_ONEDNN
    {"onednn", "s8", &packed_by_onednn<onednn::sums::found>},
    {"onednn", "s8_without_sums", &packed_by_onednn<onednn::sums::left_out>},
#endif
    {}};

/// The sum exact, in 64 bits, and what becomes of it in double.
///
/// Sums must be equal. Reals: with u = 2^-24, the peer rounds the scale, the bias over it, the sum, the addition and
/// the product, five times in all, and each moves its result by at most u times |value| + |bias|; six leave room for
/// the products of these errors. Codes may be one off where v, the real they are rounded from, is that near to a tie: a
/// peer's bias is rounded to a whole sum (half a multiplier), gemmlowp rounds once more before its last shift (at most
/// one multiplier), and oneDNN works in float and adds the zero point before it rounds (2^-22 of |v| + 256).
bool codes_hold(const codes_problem& p, output to, const product& made) {
  return harness::everywhere(p.m * p.n, [&](index_t at) {
    const index_t i = at / p.n, j = at % p.n;
    std::int64_t sum = 0;
    for (index_t k = 0; k < p.k; ++k)
      sum += std::int64_t{p.x[i * p.k + k] - p.x_zero_point} * std::int64_t{p.w[j * p.k + k]};
    const double value = static_cast<double>(sum) * static_cast<double>(p.x_scale) * static_cast<double>(p.w_scales[j]);
    const double bias = static_cast<double>(p.bias[j]), y = made.y(at);
    switch (to) {
      case output::s32: return y == static_cast<double>(sum);
      case output::f32: return std::fabs(y - (value + bias)) <= 6 * 0x1p-24 * (std::fabs(value) + std::fabs(bias));
      case output::u8: {
        const double y_scale = static_cast<double>(p.y_scale), v = (value + bias) / y_scale;
        const double multiplier = static_cast<double>(p.x_scale) * static_cast<double>(p.w_scales[j]) / y_scale;
        const double near = 1.5 * multiplier + 0x1p-22 * (std::fabs(v) + 256);
        const auto code = [&](double real) { return std::clamp(std::nearbyint(real) + p.y_zero_point, 0.0, 255.0); };
        return code(v - near) <= y && y <= code(v + near);
      }
    }
    return false;
  });
}

/// A sum of k rounded or fused products in any order is within gamma(k) * sum |x w| of the exact one (Higham, Accuracy
/// and Stability, section 3.1), gamma(k) = k u / (1 - k u), u = 2^-24. Products are exact in double, and their sum
/// there errs by less than k 2^-53 sum |x w|, for which k + 0.5 in the place of k has room up to k = 2^28.
bool reals_hold(const reals_problem& p, const product& made) {
  return harness::everywhere(p.m * p.n, [&](index_t at) {
    const float *x = p.x + at / p.n * p.k, *w = p.w + at % p.n * p.k;
    double sum = 0, size = 0;
    for (index_t k = 0; k < p.k; ++k) {
      const double one = static_cast<double>(x[k]) * static_cast<double>(w[k]);
      sum += one;
      size += std::fabs(one);
    }
    const double ku = (static_cast<double>(p.k) + 0.5) * 0x1p-24;
    return std::fabs(made.y(at) - sum) <= ku / (1 - ku) * size;
  });
}

}  // namespace

codes_problem problem::codes() {
  if (bias_.empty()) {
    x_ = harness::operand<dyadic::u8_per_tensor>(s_.m, s_.k, 1);
    w_ = harness::operand<dyadic::s8_per_row>(s_.n, s_.k, 2);
    bias_ = harness::numbers(s_.n, 3);
  }
  return {s_.m,
          s_.n,
          s_.k,
          x_.bytes(),
          x_.params().scale(),
          x_.params().zero_point(),
          reinterpret_cast<const std::int8_t*>(w_.bytes()),
          w_.params().scales().data(),
          bias_.data(),
          harness::output_scale(s_.k),
          128};
}

reals_problem problem::reals() {
  if (real_w_.empty()) {
    real_x_ = harness::numbers(s_.m * s_.k, 1);
    real_w_ = harness::numbers(s_.n * s_.k, 2);
  }
  return {s_.m, s_.n, s_.k, real_x_.data(), real_w_.data()};
}

std::span<const peer> all() { return table; }

prepared prepare(const peer& one, const std::shared_ptr<problem>& p) try {
  const bool integers = one.of_codes != nullptr;
  const product made = integers ? one.of_codes(p->codes()) : one.of_reals(p->reals());
  made.run(1);
  const bool right = integers ? codes_hold(p->codes(), one.to, made) : reals_hold(p->reals(), made);
  const harness::shape& s = p->shape();
  return {[p, run = made.run](long calls) { run(calls); }, right ? "" : "the result is wrong",
          static_cast<double>(s.n * s.k) * (integers ? 1 : 4)};
} catch (const std::exception& e) {
  return {{}, std::string(one.name) + " refuses: " + e.what(), 0};
}

std::span<const packer> packers() { return std::span(packing_table).first(std::size(packing_table) - 1); }

prepared prepare(const packer& one, index_t n, index_t k) try {
  auto w = std::make_shared<const dyadic::quantized<dyadic::s8_per_row>>(harness::operand<dyadic::s8_per_row>(n, k, 2));
  const product made = one.prepare(reinterpret_cast<const std::int8_t*>(w->bytes()), n, k);
  made.run(1);
  return {[w, run = made.run](long calls) { run(calls); }, "", static_cast<double>(n * k)};
} catch (const std::exception& e) {
  return {{}, std::string(one.name) + " refuses: " + e.what(), 0};
}

}  // namespace peers
