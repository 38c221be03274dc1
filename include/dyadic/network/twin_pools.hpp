// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// twin_pools: what pooling and adding do to a twin.
#pragma once

#include <dyadic/network/twin_finish.hpp>

namespace dyadic::inline DYADIC_ABI::twins {

/// f and q - f of the largest of some elements. q is that of the tap where q is largest, f of that where f is:
/// q_i - f_k <= q_i - f_i and q_i - f_k >= q_k - f_k, so d is between those of the taps that may win.
struct winner {
  code_interval codes{};
  enclosure real, difference;
  index_t tap = -1;  ///< the one whose lines are followed

  template <class Taps>
  winner(const twin& run, const tensor<twin>& x, index_t channel, Taps&& taps) noexcept {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    real = {-infinity, -infinity};
    taps([&](index_t at) {
      const twin_element& e = x.data()[at + channel];
      codes = boxes::largest(codes, e.codes);
      if (tap < 0 || e.real.low > real.low) tap = at + channel;
      real = {e.real.low > real.low ? e.real.low : real.low, e.real.high > real.high ? e.real.high : real.high};
    });
    double low = infinity, high = -infinity;
    taps([&](index_t at) {
      const twin_element& e = x.data()[at + channel];
      if (may_be_real(e) && e.difference.low < low) low = e.difference.low;
      if (may_be_code(e) && e.difference.high > high) high = e.difference.high;
    });
    difference = both(enclosure::of(low, high), run.values(x.site(), codes) - real);
  }
  bool may_be_real(const twin_element& e) const noexcept { return !(e.real.high < real.low); }
  bool may_be_code(const twin_element& e) const noexcept { return e.codes.high >= codes.low; }
};

/// centre +- radius of the difference of two lines, whose symbols can be `apart`.
inline enclosure apart(double a, double b, double symbols, double rest_of_a, double rest_of_b) noexcept {
  const double lost = 0x1p-50 * (size_of(a) + size_of(b) + symbols + rest_of_a + rest_of_b);
  return enclosure::around(a - b, symbols + rest_of_a + rest_of_b + lost);
}

/// The lines of the largest: those of one tap and what the others may be above it, or none.
inline result<void> lines_of_largest(const tensor<twin>& x, const tensor<twin>& y, std::vector<pair>& pairs,
                                     const std::vector<index_t>& taps) {
  measure_pairs(symbols_of(x), pairs.data(), static_cast<index_t>(pairs.size()));
  std::vector<enclosure> above(taps.size()), between(taps.size());
  for (const pair& p : pairs) {
    const twin_element &a = x.data()[p.a], &b = x.data()[p.b];
    const enclosure f = both(a.real - b.real, apart(a.real_centre, b.real_centre, p.real, a.real_rest, b.real_rest));
    const enclosure d = both(a.difference - b.difference, apart(a.difference_centre, b.difference_centre, p.difference,
                                                                a.difference_rest, b.difference_rest));
    auto &most = above[static_cast<std::size_t>(p.of)], &all = between[static_cast<std::size_t>(p.of)];
    most.high = f.high > most.high ? f.high : most.high;
    all = hull(all, d);
  }
  std::vector<index_t> real_from(taps), difference_from(taps);
  for (std::size_t i = 0; i < taps.size(); ++i) {
    twin_element& e = y.data()[i];
    const enclosure real = e.real, difference = e.difference;
    e.real_centre = real.centre(), e.real_rest = real.radius();
    e.difference_centre = difference.centre(), e.difference_rest = difference.radius();
    twin_element line = x.data()[taps[i]];
    follow(line, difference_line{1.0f, 0.0f, between[i].centre(), next_up(line.difference_rest + between[i].radius())});
    follow(line, real_line{1.0f, above[i].centre(), above[i].radius()});
    if (line.real_rest < e.real_rest)
      e.real_centre = line.real_centre, e.real_rest = line.real_rest, e.real_reach = line.real_reach;
    else
      real_from[i] = -1;
    if (line.difference_rest < e.difference_rest)
      e.difference_centre = line.difference_centre, e.difference_rest = line.difference_rest,
      e.difference_reach = line.difference_reach;
    else
      difference_from[i] = -1;
  }
  take_rows(symbols_of(x), symbols_of(y), real_from.data(), difference_from.data());
  return {};
}

inline result<void> of_pool(twin& run, const operations::max_pool& pool, const tensor<twin>& x, const tensor<twin>& y) {
  std::vector<pair> pairs;
  std::vector<index_t> followed(run.affine() ? static_cast<std::size_t>(y.shape().size()) : 0);
  boxes::for_windows(pool.taps, x.shape(), y.shape(), [&](index_t to, auto&& taps) {
    for (index_t c = 0; c < y.shape().channels; ++c) {
      const winner most(run, x, c, taps);
      twin_element made;
      made.codes = most.codes, made.real = most.real, made.difference = most.difference;
      y.data()[to + c] = made;
      if (!run.affine()) continue;
      followed[static_cast<std::size_t>(to + c)] = most.tap;
      taps([&](index_t at) {
        const twin_element& e = x.data()[at + c];
        if (at + c != most.tap && (most.may_be_real(e) || most.may_be_code(e)))
          pairs.push_back({at + c, most.tap, to + c});
      });
    }
  });
  return run.affine() ? lines_of_largest(x, y, pairs, followed) : result<void>();
}

/// The mean of each window of both, and the rounding of the mean of codes to a code.
inline result<void> of_pool(twin& run, const operations::average_pool& pool, const tensor<twin>& x,
                            const tensor<twin>& y) {
  const double taps_at_most = static_cast<double>(pool.taps.size.height * pool.taps.size.width + 4);
  boxes::for_windows(pool.taps, x.shape(), y.shape(), [&](index_t to, auto&& taps) {
    for (index_t c = 0; c < y.shape().channels; ++c) {
      twin_element made;
      double count = 0, size = 0, reach = 0;
      enclosure real, difference;
      taps([&](index_t from) {
        const twin_element& e = x.data()[from + c];
        count += 1.0;
        real = real + e.real, difference = difference + e.difference;
        made.real_centre += e.real_centre, made.difference_centre += e.difference_centre;
        made.real_rest = next_up(made.real_rest + e.real_rest);
        made.difference_rest = next_up(made.difference_rest + e.difference_rest);
        size += size_of(e.real_centre) + size_of(e.difference_centre), reach += e.real_reach + e.difference_reach;
      });
      const auto mean = [count](const enclosure& sum) {
        return enclosure::of(next_down(sum.low / count), next_up(sum.high / count));
      };
      made.real = mean(real), made.difference = mean(difference);
      const double lost = taps_at_most * (0x1p-51 * size + 0x1p-22 * reach) / count + 0x1p-100;
      made.real_centre /= count, made.difference_centre /= count;
      made.real_rest = next_up(next_up(made.real_rest / count) + lost);
      made.difference_rest = next_up(next_up(made.difference_rest / count) + lost);
      y.data()[to + c] = made;
    }
  });
  boxes::of_pool(run, pool, x, y);
  if (run.affine()) {
    const symbol_rows from = symbols_of(x), to = symbols_of(y);
    const auto average = [&](const float* rows, index_t count, float* made) {
      image_shape images = x.shape();
      images.images = count;
      if (count > 0) (void)kernels::average_pool(rows, images, pool.taps, made);
    };
    average(from.real(0), from.counts.shared, to.real(0));
    average(from.shared(0), from.counts.shared, to.shared(0));
    average(from.own(0), from.counts.own, to.own(0));
    if (const auto ok = measure(y); !ok) return ok.error();
  }
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const twin_step step{-infinity, infinity, next_up(0.5 * static_cast<double>(run.plan().params(y.site()).scale)),
                       false};
  return finish(run, y, [&](index_t) { return step; });
}

/// What an addition makes of the lines of one pair of elements, and of single coefficients.
///
/// f_a + f_b; and of codes wa q_a + wb q_b, where the multipliers to steps of y are floats: wa = ma * y_scale / a_scale,
/// not quite 1. So the difference is wa d_a + wb d_b + (wa - 1) f_a + (wb - 1) f_b.
struct addition {
  double wa, wb;

  double difference(double da, double db, double fa, double fb) const noexcept {
    return wa * da + wb * db + ((wa - 1.0) * fa + (wb - 1.0) * fb);
  }
  /// The same of intervals, or of sizes and rests, which only add up.
  double size(double da, double db, double fa, double fb) const noexcept {
    return wa * da + wb * db + (size_of(wa - 1.0) * fa + size_of(wb - 1.0) * fb);
  }
  twin_element operator()(const twin_element& a, const twin_element& b) const noexcept {
    twin_element made;
    made.real = a.real + b.real;
    // The weights have three roundings in them, each of 2^-53 of what they meet, which is at most all of q.
    const double q = wa * (a.real.size() + a.difference.size()) + wb * (b.real.size() + b.difference.size());
    made.difference = (wa * a.difference + wb * b.difference + ((wa - 1.0) * a.real + (wb - 1.0) * b.real))
                          .widened(0x1p-49 * (q + a.real.size() + b.real.size()));
    made.real_centre = a.real_centre + b.real_centre;
    made.difference_centre = difference(a.difference_centre, b.difference_centre, a.real_centre, b.real_centre);
    const double centres = (1.0 + wa) * (size_of(a.real_centre) + size_of(a.difference_centre)) +
                           (1.0 + wb) * (size_of(b.real_centre) + size_of(b.difference_centre));
    const double reaches =
        (1.0 + wa) * (a.real_reach + a.difference_reach) + (1.0 + wb) * (b.real_reach + b.difference_reach);
    const double lost = 0x1p-48 * centres + 0x1p-22 * reaches + 0x1p-100;
    made.real_rest = next_up(next_up(a.real_rest + b.real_rest) + lost);
    made.difference_rest =
        next_up(size(a.difference_rest, b.difference_rest, a.real_rest, b.real_rest) * (1.0 + 0x1p-48) + lost);
    return made;
  }
};

inline result<void> of_add(twin& run, const tensor<twin>& a, const tensor<twin>& b, const tensor<twin>& y) {
  const simd::add_call call = add_of(run.plan(), y.site(), a.site(), b.site());
  const double y_scale = static_cast<double>(run.plan().params(y.site()).scale);
  const double ma = static_cast<double>(call.a_multiplier), mb = static_cast<double>(call.b_multiplier);
  const addition sum{ma * y_scale / static_cast<double>(run.plan().params(a.site()).scale),
                     mb * y_scale / static_cast<double>(run.plan().params(b.site()).scale)};
  for (index_t i = 0; i < y.shape().size(); ++i) y.data()[i] = sum(a.data()[i], b.data()[i]);
  boxes::of_add(run, a, b, y);
  if (run.affine()) {
    const symbol_rows p = symbols_of(a), q = symbols_of(b), to = symbols_of(y);
    const auto at = [](const float* row, index_t i) { return row == nullptr ? 0.0 : static_cast<double>(row[i]); };
    for (index_t s = 0; s < to.counts.shared; ++s) {
      const bool in_p = s < p.counts.shared, in_q = s < q.counts.shared;
      const float *pf = in_p ? p.real(s) : nullptr, *qf = in_q ? q.real(s) : nullptr;
      const float *pd = in_p ? p.shared(s) : nullptr, *qd = in_q ? q.shared(s) : nullptr;
      for (index_t i = 0; i < to.features; ++i) {
        to.real(s)[i] = static_cast<float>(at(pf, i) + at(qf, i));
        to.shared(s)[i] = static_cast<float>(sum.difference(at(pd, i), at(qd, i), at(pf, i), at(qf, i)));
      }
    }
    for (index_t s = 0; s < to.counts.own; ++s) {
      const float *pd = s < p.counts.own ? p.own(s) : nullptr, *qd = s < q.counts.own ? q.own(s) : nullptr;
      for (index_t i = 0; i < to.features; ++i)
        to.own(s)[i] = static_cast<float>(sum.difference(at(pd, i), at(qd, i), 0.0, 0.0));
    }
    if (const auto ok = measure(y); !ok) return ok.error();
  }
  // The product with b is rounded to a float by itself; the sum is in the step already. Products that leave the floats
  // could be anything.
  twin_step step = run.step(y.site());
  step.slack = 255.0 * (ma + mb) < 0x1p120 ? next_up(step.slack + next_up(0x1p-23 * 255.0 * mb * y_scale))
                                           : std::numeric_limits<double>::infinity();
  return finish(run, y, [&](index_t) { return step; });
}

}  // namespace dyadic::inline DYADIC_ABI::twins
