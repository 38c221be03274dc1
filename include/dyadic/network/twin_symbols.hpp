// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// twin_symbols: the affine form of a twin. What operations do to the coefficients of noise symbols.
//
// Coefficients are floats. Whatever rounding does to them is bounded by a share of their reach and joins a rest.
#pragma once

#include <dyadic/network/twin_run.hpp>

namespace dyadic::inline DYADIC_ABI::twins {

/// |computed - exact| <= float_share(k) * sum of |products| for sums of k products of floats, one factor of which was
/// rounded to float, with a factor of two to spare.
constexpr double float_share(index_t k) noexcept { return static_cast<double>(k + 16) * 0x1p-23; }

/// The smallest float >= x, for x >= 0.
inline float float_above(double x) noexcept {
  const auto f = static_cast<float>(x);
  return static_cast<double>(f) < x ? std::nextafter(f, std::numeric_limits<float>::infinity()) : f;
}

/// reach[i] += sum over rows of |row[i]|, rounded up.
inline void add_sizes(const float* rows, index_t count, index_t features, double* reach) noexcept {
  using f32x2 = float __attribute__((vector_size(8)));
  using f64x2 = double __attribute__((vector_size(16)));
  constexpr index_t block = 8;
  const double up = 1.0 + static_cast<double>(count + 16) * 0x1p-52;
  index_t i = 0;
  for (; i + block <= features; i += block) {
    f64x2 sums[block / 2]{};
    const float* from = rows + i;
    for (index_t s = 0; s < count; ++s, from += features)
      for (int v = 0; v < block / 2; ++v) {
        f32x2 two;
        std::memcpy(&two, from + 2 * v, sizeof two);
        const f64x2 wide = __builtin_convertvector(two, f64x2);
        sums[v] += wide < 0.0 ? -wide : wide;
      }
    for (int v = 0; v < block; ++v) reach[i + v] = (reach[i + v] + sums[v / 2][v % 2]) * up;
  }
  for (; i < features; ++i) {
    double sum = 0;
    for (index_t s = 0; s < count; ++s) sum += size_of(static_cast<double>(rows[s * features + i]));
    reach[i] = (reach[i] + sum) * up;
  }
}

/// The reaches of the lines of y, from its coefficients.
inline result<void> measure(const tensor<twin>& y) noexcept {
  const symbol_rows rows = symbols_of(y);
  auto sums = buffer<double>::make(2 * rows.features);
  if (!sums) return sums.error();
  double* difference = sums->data() + rows.features;
  add_sizes(rows.real(0), rows.counts.shared, rows.features, sums->data());
  add_sizes(rows.shared(0), rows.counts.shared, rows.features, difference);
  add_sizes(rows.own(0), rows.counts.own, rows.features, difference);
  for (index_t i = 0; i < rows.features; ++i) {
    y.data()[i].real_reach = (*sums)[i];
    y.data()[i].difference_reach = difference[i];
  }
  return {};
}

/// y = w x for `count` symbols, as for images without bias.
template <class Layer>
result<void> product_of_rows(twin& run, const Layer& layer, const packed_groups<packed_reals>& w, const float* x,
                             const image_shape& from, index_t count, float* y, const image_shape& to) noexcept {
  if (count == 0) return {};
  if constexpr (std::same_as<Layer, conv2d>) {
    const image_shape images{count, from.height, from.width, from.channels};
    return try_conv2d(x, images, layer.taps(), w, epilogue::bounded_reals{},
                      strided<float>(y, count * to.height * to.width, to.channels), run.options());
  } else {
    return try_gemm(strided<const float>(x, count, from.features()), w.parts[0], epilogue::bounded_reals{},
                    strided<float>(y, count, to.features()), run.options());
  }
}

/// The coefficients a layer makes: Wf of those of f; Wq of those of the difference, and Wq - Wf of those of f.
template <class Layer>
result<void> symbols_of_layer(twin& run, const Layer& layer, const tensor<twin>& x, const tensor<twin>& y) {
  const default_float_environment environment;
  const symbol_rows from = symbols_of(x), to = symbols_of(y);
  const auto quantized = run.layers().try_floats(y.site(), layer.weights(), false),
             change = run.layers().try_floats(y.site(), layer.weights(), true);
  if (!quantized) return quantized.error();
  if (!change) return change.error();
  const index_t shared = from.counts.shared, numbers = shared * to.features;
  const auto product = [&](const packed_groups<packed_reals>& w, const float* of, index_t count, float* made) {
    return product_of_rows(run, layer, w, of, x.shape(), count, made, y.shape());
  };
  const memory_block scratch = run.memory().take(4 * numbers + 1);
  if (scratch.empty()) return failure(errc::out_of_memory, "twin: no memory for {} numbers of symbols", numbers);
  auto* added = reinterpret_cast<float*>(scratch.data());
  if (auto ok = product(layer.weights().packed(), from.real(0), shared, to.real(0)); !ok) return ok.error();
  if (auto ok = product(**quantized, from.shared(0), shared, to.shared(0)); !ok) return ok.error();
  if (auto ok = product(**quantized, from.own(0), from.counts.own, to.own(0)); !ok) return ok.error();
  if (auto ok = product(**change, from.real(0), shared, added); !ok) return ok.error();
  float* sums = to.shared(0);
  for (index_t i = 0; i < numbers; ++i) sums[i] += added[i];
  return measure(y);
}

/// What a step does to the coefficients of one element: f to real * f, d to along_d * d + along_f * f.
struct factors {
  float real = 1.0f, along_d = 1.0f, along_f = 0.0f;
};

/// factor * x, where 0 times infinity is 0: a line of slope zero has forgotten what was there.
template <class Float>
Float scaled(Float factor, Float x) noexcept {
  return factor == Float{0} ? Float{0} : factor == Float{1} ? x : factor * x;
}

inline void scale_rows(const symbol_rows& y, const factors* by) noexcept {
  for (index_t s = 0; s < y.counts.shared; ++s) {
    float *real = y.real(s), *shared = y.shared(s);
    for (index_t i = 0; i < y.features; ++i) {
      shared[i] = scaled(by[i].along_d, shared[i]) + scaled(by[i].along_f, real[i]);
      real[i] = scaled(by[i].real, real[i]);
    }
  }
  for (index_t s = 0; s < y.counts.own; ++s) {
    float* own = y.own(s);
    for (index_t i = 0; i < y.features; ++i) own[i] = scaled(by[i].along_d, own[i]);
  }
}

/// Turns the rests of a small site into symbols of their own, so that later layers can let them cancel. A rest that is
/// small beside what symbols reach already is not worth one.
inline void give_symbols(twin& run, const tensor<twin>& y) noexcept {
  if (!run.gives_symbols(y.shape().features())) return;
  symbol_counts &counts = run.counts(y.site()), &all = run.all();
  const symbol_rows rows = symbols_of(y);
  const auto clear = [&](float* row) { std::memset(row, 0, static_cast<std::size_t>(rows.features) * sizeof(float)); };
  const auto new_shared = [&]() {  // those of other branches, which y does not depend on, and a new one
    for (; counts.shared <= all.shared; ++counts.shared)
      clear(rows.real(counts.shared)), clear(rows.shared(counts.shared));
    return rows.real(all.shared++);
  };
  const auto new_own = [&]() {
    for (; counts.own <= all.own; ++counts.own) clear(rows.own(counts.own));
    return rows.own(all.own++);
  };
  const auto give = [](double& rest, double& reach, auto&& made, index_t i) {
    if (!(rest > 0x1p-10 * reach && rest < 0x1p100)) return;
    const float size = float_above(rest);
    made()[i] = size;
    reach = next_up(reach + static_cast<double>(size));
    rest = 0;
  };
  for (index_t i = 0; i < rows.features; ++i) {
    twin_element& e = y.data()[i];
    give(e.real_rest, e.real_reach, new_shared, i);
    give(e.difference_rest, e.difference_reach, new_own, i);
  }
}

/// Takes the coefficients of y, element by element, from those of one element of x each; from none where it is -1.
inline void take_rows(const symbol_rows& x, const symbol_rows& y, const index_t* real_from,
                      const index_t* difference_from) noexcept {
  const auto take = [&](const float* from, float* to, const index_t* places) {
    for (index_t i = 0; i < y.features; ++i) to[i] = places[i] < 0 ? 0.0f : from[places[i]];
  };
  for (index_t s = 0; s < y.counts.shared; ++s) {
    take(x.real(s), y.real(s), real_from);
    take(x.shared(s), y.shared(s), difference_from);
  }
  for (index_t s = 0; s < y.counts.own; ++s) take(x.own(s), y.own(s), difference_from);
}

/// Elements a and b of one tensor, and how far their symbols can take them apart.
struct pair {
  index_t a, b;
  index_t of;  ///< the element of another tensor that asks
  double real = 0, difference = 0;
};
inline void measure_pairs(const symbol_rows& x, pair* pairs, index_t count) noexcept {
  const auto apart = [](const float* row, const pair& p) {
    return size_of(static_cast<double>(row[p.a]) - static_cast<double>(row[p.b]));
  };
  for (index_t s = 0; s < x.counts.shared; ++s)
    for (index_t i = 0; i < count; ++i) {
      pairs[i].real += apart(x.real(s), pairs[i]);
      pairs[i].difference += apart(x.shared(s), pairs[i]);
    }
  for (index_t s = 0; s < x.counts.own; ++s)
    for (index_t i = 0; i < count; ++i) pairs[i].difference += apart(x.own(s), pairs[i]);
  const double up = 1.0 + static_cast<double>(x.counts.shared + x.counts.own + 16) * 0x1p-51;
  for (index_t i = 0; i < count; ++i) pairs[i].real *= up, pairs[i].difference *= up;
}

}  // namespace dyadic::inline DYADIC_ABI::twins
