// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// bound_error: how far a quantized network can be from its float one, and for which inputs it cannot decide otherwise.
//
//   const auto sure = dyadic::bound_error(net, plan, images, {.radius = 1.0 / 255});
//   sure.largest();                    // no input within the radius of an image makes a larger |quantized - float|
//   sure.certified_fraction();         // of the images: for all inputs around them both networks decide alike
//
// The reference is the network in real arithmetic, its weights and biases the given floats: what a float32 run computes
// up to its own rounding, which is no part of the statement. The quantized side is the integer network bit for bit, and
// the float numbers that plan::run returns for it. Everything is rounded outwards, whatever the rounding mode of the
// host. The last bits of a bound may differ between compilers; its truth does not.
#pragma once

#include <dyadic/network/calibrate.hpp>
#include <dyadic/network/twin.hpp>

namespace dyadic::inline DYADIC_ABI {

enum class bound_form : unsigned char {
  intervals,  ///< milliseconds an image; forgets that numbers depend on the same inputs
  affine,     ///< lines over noise symbols, met with the intervals; tighter, slower, more memory
};

struct bound_options {
  bound_form form = bound_form::affine;
  double radius = 0;         ///< inputs whose every number is within it of an image's are meant
  double low = 0, high = 1;  ///< and in these ends
  /// Affine form: sites of at most so many elements give each a noise symbol of its own.
  index_t symbols_up_to = 1024;
  run_options run{};
};

/// Two networks and one image: whether they decide alike everywhere in the box around it.
struct certificate {
  int decision = -1;   ///< the place of the quantized network's largest output at the image itself, the first of equals
  bool holds = false;  ///< both networks decide so for every input of the box
  double real_margin = 0, quantized_margin = 0;  ///< by how much, at least, the decision leads in each
};

/// What bound_error found. Elements are (images, features).
struct error_bounds {
  image_shape shape;
  std::vector<enclosure> real;        ///< outputs of the float network
  std::vector<enclosure> difference;  ///< outputs of the quantized one, as plan::run returns them, less those
  std::vector<code_interval> codes;
  std::vector<site_bound> sites;  ///< over all images, in reals of the site's codes
  std::vector<certificate> certificates;

  /// The largest |difference| of one image, or of all.
  double largest(index_t image) const noexcept {
    double most = 0;
    for (index_t i = 0; i < shape.features(); ++i) {
      const double here = difference[static_cast<std::size_t>(image * shape.features() + i)].size();
      if (here > most) most = here;
    }
    return most;
  }
  double largest() const noexcept {
    double most = 0;
    for (index_t i = 0; i < shape.images; ++i) most = largest(i) > most ? largest(i) : most;
    return most;
  }
  /// Share of the images whose certificate holds; 0 when there are none.
  double certified_fraction() const noexcept {
    index_t held = 0;
    for (const certificate& c : certificates) held += c.holds ? 1 : 0;
    return certificates.empty() ? 0.0 : static_cast<double>(held) / static_cast<double>(certificates.size());
  }
};

namespace detail {

/// Lower bounds of f_k - f_j and of q_k - q_j, from intervals and, where there are any, from lines.
struct gap {
  double real, quantized;

  gap(const tensor<twin>& y, index_t at, index_t k, index_t j) noexcept {
    const twin& run = y.run();
    const twin_element &a = y.data()[at + k], &b = y.data()[at + j];
    const enclosure f = a.real - b.real, d = a.difference - b.difference;
    real = f.low;
    quantized = larger((f + d).low, run.values(y.site(), a.codes).low - run.values(y.site(), b.codes).high);
    if (!run.affine()) return;
    const symbol_rows rows = symbols_of(y);
    double of_f = 0, of_q = 0, size = 0;
    const auto apart = [&](const float* row) { return static_cast<double>(row[k]) - static_cast<double>(row[j]); };
    for (index_t s = 0; s < rows.counts.shared; ++s) {
      of_f += size_of(apart(rows.real(s)));
      of_q += size_of(apart(rows.real(s)) + apart(rows.shared(s)));
    }
    for (index_t s = 0; s < rows.counts.own; ++s) of_q += size_of(apart(rows.own(s)));
    for (const twin_element* e : {&a, &b})
      size += size_of(e->real_centre) + e->real_reach + size_of(e->difference_centre) + e->difference_reach;
    // Each sum has at most `terms` roundings of numbers no larger than `size`.
    const double lost = rounding_share(2 * (rows.counts.shared + rows.counts.own)) * size;
    const double f_centre = a.real_centre - b.real_centre, d_centre = a.difference_centre - b.difference_centre;
    const double f_rest = a.real_rest + b.real_rest, d_rest = a.difference_rest + b.difference_rest;
    real = larger(real, next_down(next_down(f_centre - of_f - f_rest) - lost - 0x1p-50 * f_rest));
    quantized = larger(quantized, next_down(next_down(f_centre + d_centre - of_q - f_rest - d_rest) - lost -
                                            0x1p-50 * (f_rest + d_rest)));
  }

 private:
  static double larger(double a, double b) noexcept { return a >= b ? a : b; }
};

/// The certificate of one image of y for the decision k.
inline certificate certify(const tensor<twin>& y, index_t image, int k) noexcept {
  const index_t features = y.shape().features(), at = image * features;
  const double step = static_cast<double>(y.run().plan().params(y.site()).scale);
  certificate made{k, true, std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
  for (index_t j = 0; j < features; ++j) {
    if (j == k) continue;
    const gap lead(y, at, k, j);
    // The first of equal codes wins, and codes differ by whole steps: less than a step behind is not behind. A tie of
    // reals is never certain: their gap is rounded outwards.
    made.holds = made.holds && lead.real > 0.0 && lead.quantized > (k < j ? -step : 0.0);
    made.real_margin = lead.real < made.real_margin ? lead.real : made.real_margin;
    made.quantized_margin = lead.quantized < made.quantized_margin ? lead.quantized : made.quantized_margin;
  }
  return made;
}

/// The outputs of one image, and its certificate, at the end of `out`. q becomes the float that a run returns.
inline void append(const tensor<twin>& y, index_t image, const std::uint8_t* codes, error_bounds& out) {
  const index_t features = y.shape().features();
  const chosen& p = y.run().plan().params(y.site());
  int decision = 0;
  for (index_t i = 0; i < features; ++i) {
    const twin_element& e = y.data()[image * features + i];
    const enclosure returned{static_cast<double>(dequantize_one(e.codes.low, p.scale, p.zero_point)),
                             static_cast<double>(dequantize_one(e.codes.high, p.scale, p.zero_point))};
    out.real.push_back(e.real);
    out.difference.push_back(both(e.difference.widened(0x1p-23 * returned.size()), returned - e.real));
    out.codes.push_back(e.codes);
    if (codes[i] > codes[decision]) decision = static_cast<int>(i);
  }
  out.certificates.push_back(certify(y, image, decision));
}

}  // namespace detail

/// Bounds of |quantized - float| over the boxes around the images of x, site by site and at the output, and which
/// decisions are certain. Images are looked at one by one: the result does not depend on the batch.
///
/// \param net   the float network; its operations must be those `p` was calibrated with.
/// \param p     static activations; else errc::invalid_scheme.
/// \param x     numbers in [options.low, options.high]; else errc::invalid_range naming the number.
template <class Net>
result<error_bounds> try_bound_error(const Net& net, const plan& p, const batch& x, const bound_options& options = {}) {
  const default_float_environment environment;
  if (const auto ok = check_input_box({x, options.radius, options.low, options.high}); !ok) return ok.error();
  const auto at_images = p.try_run(net, x, options.run);
  if (!at_images) return at_images.error();
  const auto codes = weight_codes::try_make(p);
  if (!codes) return codes.error();
  twin_weights weights(p);
  workspace own;
  run_options run = options.run;
  if (run.memory == nullptr) run.memory = &own;
  const bool lines = options.form == bound_form::affine && options.radius > 0;  // a point has none
  error_bounds made;
  made.shape = at_images->shape;
  made.sites.resize(p.sites().size());
  const index_t images = x.rows.rows(), features = made.shape.features();
  for (index_t i = 0; i < images; ++i) {
    const batch image{{x.rows.row(i), 1, x.rows.cols(), x.rows.row_stride(), x.rows.col_stride()}, x.size, x.channels};
    twin sides(p, *codes, weights, lines ? options.symbols_up_to : 0, made.sites, run);
    const tensor<twin> around = input(sides, input_box{image, options.radius, options.low, options.high});
    const tensor<twin> y = net(around);
    if (!detail::finished(sides, p, y)) return sides.error();
    detail::append(y, 0, at_images->codes.data() + i * features, made);
  }
  return made;
}

#if DYADIC_EXCEPTIONS
/// \throws std::invalid_argument for what does not fit.
template <class Net>
error_bounds bound_error(const Net& net, const plan& p, const batch& x, const bound_options& options = {}) {
  return try_bound_error(net, p, x, options).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
