// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// twin_layers: what linear and conv2d do to a twin.
//
// The difference of two products is propagated as itself, Wq q - Wf f = Wq (q - f) + (Wq - Wf) f, so what both networks
// have in common never counts.
#pragma once

#include <dyadic/network/twin_finish.hpp>

namespace dyadic::inline DYADIC_ABI::twins {

/// A value as centre and radius, the radius widened by what doubles lose in a sum of products with it.
struct widened {
  double centre, radius;
  widened(double c, double r, double share, double also = 0) noexcept
      : centre(c), radius((r + share * (size_of(c) + r + also)) * (1.0 + 0x1p-50)) {}
};

/// Centres and radii of x in the order real, real, difference, difference; those of the intervals or of the lines.
inline void fill_planes(const tensor<twin>& x, bool lines, index_t k, double* planes) noexcept {
  const index_t size = x.shape().size();
  const double share = rounding_share(k), of_floats = lines ? float_share(k) : 0.0;
  for (index_t i = 0; i < size; ++i) {
    const twin_element& e = x.data()[i];
    const double fc = lines ? e.real_centre : e.real.centre(), dc = lines ? e.difference_centre : e.difference.centre();
    const double fr = lines ? e.real_rest + of_floats * e.real_reach : e.real.radius(),
                 dr = lines ? e.difference_rest + of_floats * e.difference_reach : e.difference.radius();
    const widened f(fc, fr, share), d(dc, dr, share, size_of(fc) + fr);
    planes[i] = f.centre, planes[size + i] = f.radius;
    planes[2 * size + i] = d.centre, planes[3 * size + i] = d.radius;
  }
}

/// f and q - f before the output is rounded: Wf f + bf, and Wq d + (Wq - Wf) f + (bq - bf).
/// \param made  made(element of y, centre and radius of f, centre and radius of the difference)
template <class Layer, class F>
result<void> sums_of(const std::vector<twin_layer>& parts, const Layer& layer, const tensor<twin>& x,
                     const tensor<twin>& y, bool lines, F&& made) {
  const index_t size = x.shape().size(), k = layer.weights().cols();
  auto planes = buffer<double>::make(4 * size);
  if (!planes) return planes.error();
  fill_planes(x, lines, k, planes->data());
  auto rows = plane_rows<4>::try_make(layer, x.shape(), planes->data());
  if (!rows) return rows.error();
  const index_t n = parts[0].real.rows(), padded = parts[0].real.padded_rows();
  const auto groups = static_cast<index_t>(parts.size());
  auto sums = buffer<double>::make(6 * padded);
  if (!sums) return sums.error();
  double *fc = sums->data(), *fr = fc + padded, *dc = fr + padded, *dr = dc + padded, *cc = dr + padded,
         *cr = cc + padded;
  const double up = 1.0 + rounding_share(k);
  for (index_t g = 0; g < groups; ++g) {
    const twin_layer& part = parts[static_cast<std::size_t>(g)];
    for (index_t row = 0; row < rows->rows(); ++row) {
      const double* from = rows->row(row, g);
      part.real.product(from, from + k, fc, fr);
      part.quantized.product(from + 2 * k, from + 3 * k, dc, dr);
      part.change.product(from, from + k, cc, cr);
      for (index_t j = 0; j < n; ++j) {
        const double f = fc[j] + part.real_bias[j], d = dc[j] + cc[j] + part.bias_change[j];
        const double lost = part.bias_rounding[j] + 0x1p-1000;
        made(y.data()[(row * groups + g) * n + j], f, fr[j] * up + 0x1p-50 * size_of(f) + lost, d,
             (dr[j] + cr[j]) * up + 0x1p-50 * (size_of(dc[j]) + size_of(cc[j]) + size_of(d)) + lost);
      }
    }
  }
  return {};
}

template <class Layer>
result<void> of_layer(twin& run, const Layer& layer, const tensor<twin>& x, const tensor<twin>& y) {
  const default_float_environment environment;
  for (index_t i = 0; i < y.shape().size(); ++i) y.data()[i] = {};
  if (auto ok = boxes::of_layer(run, layer, x, y); !ok) return ok;
  if (run.affine())
    if (auto ok = symbols_of_layer(run, layer, x, y); !ok) return ok;
  const auto parts = run.layers().try_of(y.site(), layer.weights());
  if (!parts) return parts.error();
  auto ok = sums_of(**parts, layer, x, y, false, [](twin_element& e, double f, double fr, double d, double dr) {
    e.real = enclosure::around(f, fr);
    e.difference = enclosure::around(d, dr);
  });
  if (!ok) return ok;
  double largest = 0, reach = 0;
  for (index_t i = 0; i < x.shape().size(); ++i) {
    const twin_element& e = x.data()[i];
    const double size = run.values(x.site(), e.codes).size();
    largest = largest > size ? largest : size;
    reach = reach > e.real_reach + e.difference_reach ? reach : e.real_reach + e.difference_reach;
  }
  if (run.affine()) {
    const double underflow = 0x1p-100 * (1.0 + reach);
    ok = sums_of(**parts, layer, x, y, true, [&](twin_element& e, double f, double fr, double d, double dr) {
      e.real_centre = f, e.real_rest = next_up(fr + underflow);
      e.difference_centre = d, e.difference_rest = next_up(dr + underflow);
    });
    if (!ok) return ok;
  }
  const twin_step step = run.step(y.site());
  const index_t channels = y.shape().channels, rows = (*parts)->front().real.rows();
  return finish(run, y, [&](index_t i) {
    const index_t c = i % channels;
    const twin_layer& part = (**parts)[static_cast<std::size_t>(c / rows)];
    twin_step t = step;
    t.slack = next_up(t.slack + part.fixed_slack[c % rows] + next_up(part.slack_of_size[c % rows] * largest));
    return t;
  });
}

}  // namespace dyadic::inline DYADIC_ABI::twins
