// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The domain twin (twin_run.hpp): its input and its operations.
//
// Each operation first says what its exact part does to f and to q - f, then lets a twin_step round, clamp and rectify.
// Whatever is known in two ways, by propagation, by lines, by the exact box of codes, is known as both.
#pragma once

#include <dyadic/network/twin_layers.hpp>
#include <dyadic/network/twin_pools.hpp>

namespace dyadic::inline DYADIC_ABI {

inline tensor<twin> input(twin& run, const input_box& x) {
  run.check(check_input_box(x));
  const image_shape shape = x.centres.shape();
  const tensor<twin> made = make_twin(run, shape, run.next(site_kind::input, shape, -1), {});
  if (!run.ok()) return made;
  const default_float_environment environment;
  for (index_t i = 0; i < shape.images; ++i)
    for (index_t j = 0; j < shape.features(); ++j) {
      twin_element e;
      e.real = x.at(i, j);
      e.codes = boxes::quantized(e.real, run.plan().params(made.site()));
      e.real_centre = e.real.centre(), e.real_rest = e.real.low == e.real.high ? 0.0 : e.real.radius();
      made.matrix()(i, j) = e;
    }
  const twin_step step = run.step(made.site());
  if (run.check_at(made.site(), twins::finish(run, made, [&](index_t) { return step; })))
    run.note(made.elements(), made.site());
  return made;
}

template <weighted_layer Layer>
tensor<twin> apply(twin& run, const Layer& layer, const tensor<twin>& x) {
  const image_shape shape = shape_after(run, layer, x);
  const int s = run.next(kind_of(layer), shape, x.site());
  const tensor<twin> y = make_twin(run, shape, s, s < 0 ? symbol_counts{} : run.counts(x.site()));
  if (run.ok() && run.check_at(s, twins::of_layer(run, layer, x, y))) run.note(y.elements(), s);
  return y;
}

inline tensor<twin> apply(twin& run, operations::relu, const tensor<twin>& x) {
  const int s = run.next(site_kind::relu, x.shape(), x.site());
  if (s >= 0 && run.plan().sites()[static_cast<std::size_t>(s)].done_before) {
    run.counts(s) = run.counts(x.site());
    return x.at_site(s);
  }
  const tensor<twin> y = make_twin(run, x.shape(), s, s < 0 ? symbol_counts{} : run.counts(x.site()));
  if (!run.ok()) return y;
  const default_float_environment environment;
  for (index_t i = 0; i < y.shape().size(); ++i) y.data()[i] = x.data()[i];
  boxes::of_relu(run, x, y);
  if (run.affine()) {
    const symbol_rows from = symbols_of(x), to = symbols_of(y);
    const auto copy = [&](const float* rows, index_t count, float* made) {
      std::memcpy(made, rows, static_cast<std::size_t>(count * to.features) * sizeof(float));
    };
    copy(from.real(0), from.counts.shared, to.real(0));
    copy(from.shared(0), from.counts.shared, to.shared(0));
    copy(from.own(0), from.counts.own, to.own(0));
  }
  const twin_step step{0.0, std::numeric_limits<double>::infinity(), 0.0, true};
  if (run.check_at(s, twins::finish(run, y, [&](index_t) { return step; }))) run.note(y.elements(), s);
  return y;
}

template <pooling_operation Pool>
tensor<twin> apply(twin& run, const Pool& pool, const tensor<twin>& x) {
  const image_shape shape = shape_after(run, pool.taps, x);
  const int s = run.next(kind_of(pool), shape, x.site());
  const tensor<twin> y = make_twin(run, shape, s, s < 0 ? symbol_counts{} : run.counts(x.site()));
  if (!run.ok()) return y;
  const default_float_environment environment;
  if (run.check_at(s, twins::of_pool(run, pool, x, y))) run.note(y.elements(), s);
  return y;
}

inline tensor<twin> apply(twin& run, operations::add, const tensor<twin>& a, const tensor<twin>& b) {
  const image_shape shape = shape_after(run, a, b);
  const int s = run.next(site_kind::add, shape, a.site(), b.site());
  symbol_counts counts;
  if (s >= 0) {
    const symbol_counts &of_a = run.counts(a.site()), &of_b = run.counts(b.site());
    counts.shared = of_a.shared > of_b.shared ? of_a.shared : of_b.shared;
    counts.own = of_a.own > of_b.own ? of_a.own : of_b.own;
  }
  const tensor<twin> y = make_twin(run, shape, s, counts);
  if (!run.ok()) return y;
  const default_float_environment environment;
  if (run.check_at(s, twins::of_add(run, a, b, y))) run.note(y.elements(), s);
  return y;
}

}  // namespace dyadic::inline DYADIC_ABI
