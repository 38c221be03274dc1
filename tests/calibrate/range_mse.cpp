// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include <dyadic/calibrate/clip_formula.hpp>
#include <dyadic/calibrate/range_choice.hpp>
#include <dyadic/calibrate/range_mse.hpp>
#include <dyadic/calibrate/range_mse_pytorch.hpp>
#include <dyadic/calibrate/range_octav.hpp>

#include "calibrate/shapes.hpp"
#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace range_mse_test {

using namespace dyadic;
using support::text_of;
using Counts = std::vector<std::uint64_t>;

/// The squared error of rounding to the nearest of `points`, each bin spread evenly: cut at every border, integrated.
double brute_error(const binned& h, const std::vector<double>& points) {
  const double width = (h.upper - h.lower) / static_cast<double>(h.bins());
  double sum = 0;
  for (std::size_t k = 0; k < h.counts.size(); ++k) {
    if (h.counts[k] == 0) continue;
    const double begin = h.lower + width * static_cast<double>(k), end = begin + width;
    std::vector<double> cuts{begin};
    for (std::size_t p = 0; p + 1 < points.size(); ++p)
      if (const double border = (points[p] + points[p + 1]) / 2; border > begin && border < end) cuts.push_back(border);
    cuts.push_back(end);
    for (std::size_t c = 0; c + 1 < cuts.size(); ++c) {
      const double middle = (cuts[c] + cuts[c + 1]) / 2;
      double nearest = points[0];
      for (const double p : points)
        if (std::fabs(p - middle) < std::fabs(nearest - middle)) nearest = p;
      const double a = cuts[c] - nearest, b = cuts[c + 1] - nearest;
      sum += static_cast<double>(h.counts[k]) / width * (b * b * b - a * a * a) / 3;
    }
  }
  return sum;
}

/// What the codes of a scheme stand for when a range is turned into params.
std::vector<double> points_of(const scheme& s, double lo, double hi) {
  double step = 0, zero = s.middle();
  if (s.asymmetric()) {
    step = (hi - lo) / (s.levels() - 1);
    zero = s.qmin() + std::nearbyint(-lo / step);
  } else {
    step = hi / (s.qmax() - s.middle());
  }
  std::vector<double> all;
  for (int q = s.qmin(); q <= s.qmax(); ++q) all.push_back(step * (q - zero));
  return all;
}
double error_of(const binned& h, const scheme& s, const range& r) {
  return brute_error(h, points_of(s, static_cast<double>(r.lo), static_cast<double>(r.hi)));
}

histogram of(const std::vector<float>& x, index_t bins = histogram::default_bins) {
  histogram h(bins);
  h.observe(x);
  return h;
}

constexpr scheme signed_symmetric{.bits = 4}, narrow{.bits = 4, .narrow_range = true}, three{.bits = 3},
    unsigned_symmetric{.bits = 3, .is_signed = false};
constexpr scheme asymmetric{.bits = 3, .sym = symmetry::asymmetric},
    unsigned_asymmetric{.bits = 4, .is_signed = false, .sym = symmetry::asymmetric};

TEST(ExpectedError, IsTheSumOverTheBins) {
  std::mt19937_64 random(1);
  for (int n = 0; n < 300; ++n) {
    Counts counts(1 + random() % 40);
    for (std::uint64_t& c : counts) c = random() % 3 == 0 ? 0 : random() % 1000;
    counts[0] = 5;
    const binned h{counts, -2.0, 1.5, {-2.0F, 1.5F}};
    const expected_error e(h);
    const double a = -3 + static_cast<double>(random() % 1000) / 400, w = static_cast<double>(1 + random() % 500) / 300;
    const auto size = static_cast<index_t>(1 + random() % 9);
    std::vector<double> points;
    for (index_t t = 0; t < size; ++t) points.push_back(a + w * static_cast<double>(t));
    const double expected = brute_error(h, points);
    const double found = e.of_points(e.in_bins(a), w / e.width(), size) * e.width() * e.width();
    ASSERT_NEAR(found, expected, 1e-10 * expected + 1e-9) << n;
  }
}

TEST(RangeMse, FindsTheLeastErrorOfAllSymmetricThresholds) {
  for (const shapes::shape& shape : shapes::twenty(2000))
    for (const scheme& s : {signed_symmetric, narrow, three, unsigned_symmetric}) {
      const histogram h = of(shape.x, 128);
      const binned bins = *try_bins(h);
      const range found = range_mse(h, s);
      EXPECT_EQ(found.lo, -found.hi);
      const float most = std::max(-h.seen().min, h.seen().max);
      double least = 1e300;
      for (index_t k = 1;; ++k) {
        const float t = std::min(most, static_cast<float>(h.edge(k)));
        least = std::min(least, error_of(bins, s, {-t, t}));
        if (t == most) break;
      }
      EXPECT_LE(error_of(bins, s, found), least * (1 + 1e-9)) << shape.name;
    }
}

TEST(RangeMse, FindsTheLeastErrorOfAllAsymmetricPairs) {
  for (const shapes::shape& shape : shapes::twenty(2000))
    for (const scheme& s : {asymmetric, unsigned_asymmetric}) {
      const histogram h = of(shape.x, 40);
      const binned bins = *try_bins(h);
      const range found = range_mse(h, s);
      const float down = std::min(h.seen().min, 0.0F), up = std::max(h.seen().max, 0.0F);
      double least = 1e300;
      for (index_t i = 0;; ++i) {
        const float lo = std::max(down, static_cast<float>(h.edge(-i)));
        for (index_t j = 0;; ++j) {
          const float hi = std::min(up, static_cast<float>(h.edge(j)));
          if (lo < hi) least = std::min(least, error_of(bins, s, {lo, hi}));
          if (hi == up) break;
        }
        if (lo == down) break;
      }
      EXPECT_LE(error_of(bins, s, found), least * (1 + 1e-9)) << shape.name;
    }
}

/// N(0, 1) over [-8, 8], 2^44 numbers.
Counts normal_counts(std::size_t bins) {
  Counts counts(bins);
  const auto below = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  for (std::size_t k = 0; k < bins / 2; ++k) {
    const double a = -8 + 16 * static_cast<double>(k) / static_cast<double>(bins),
                 b = a + 16 / static_cast<double>(bins);
    counts[k] = counts[bins - 1 - k] = static_cast<std::uint64_t>(std::llround((below(b) - below(a)) * 0x1p44));
  }
  return counts;
}
/// The squared error of N(0, 1) rounded to `levels` points, w apart, even around zero.
double normal_error(int levels, double w) {
  const auto below = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  const auto density = [](double x) { return std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0)); };
  double sum = 0;
  for (int t = 0; t < levels / 2; ++t) {
    const double a = w * t, b = t == levels / 2 - 1 ? 40 : a + w, c = a + w / 2;
    sum += (1 + c * c) * (below(b) - below(a)) - (b * density(b) - a * density(a)) + 2 * c * (density(b) - density(a));
  }
  return 2 * sum;
}
double sqnr(double error, double numbers) { return -10 * std::log10(error / numbers); }

TEST(RangeMse, ReachesTheTableOfMax) {
  // J. Max, "Quantizing for minimum distortion" (1960), table II: mean squared errors of 2, 4, ..., 32 equally spaced
  // levels. The table ends at 36; beyond it, the least of the same integral in closed form.
  std::vector<double> max_1960{0.3634, 0.1188, 0.03744, 0.01154, 0.00349};
  for (const int levels : {64, 128, 256}) {
    double least = 1;
    for (double end = 3; end < 5; end += 0.001) least = std::min(least, normal_error(levels, 2 * end / levels));
    max_1960.push_back(least);
  }
  const Counts counts = normal_counts(1 << 13);
  const binned h{counts, -8.0, 8.0, {-8.0F, 8.0F}};
  const expected_error e(h);
  for (int bits = 1; bits <= 8; ++bits) {
    const index_t levels = index_t{1} << bits;
    double least = 1e300;
    for (double t = 1; t <= 4096; t += 1) {  // ends of the outermost cells, in bins
      const double w = 2 * t / static_cast<double>(levels);
      least = std::min(least, e.of_points(4096 - t + w / 2, w, levels));
    }
    const double found = sqnr(least * e.width() * e.width(), e.total()),
                 expected = -10 * std::log10(max_1960.at(static_cast<std::size_t>(bits - 1)));
    EXPECT_NEAR(found, expected, 0.01) << bits;
    std::printf("[max 1960] %d bits: %.3f dB, table %.3f dB\n", bits, found, expected);
  }
}

TEST(RangeMse, ReachesTheLimitsOfEachScheme) {
  // Least errors of N(0, 1) with zero among the points, in dB: [-2^(b-1), 2^(b-1) - 1], and without the lowest code.
  const struct {
    int bits;
    double full, narrow;
  } limits[] = {{2, 8.256, 7.208},   {3, 13.911, 13.292}, {4, 19.258, 18.898},
                {5, 24.527, 24.326}, {6, 29.818, 29.709}, {8, 40.570, 40.540}};
  const Counts counts = normal_counts(1 << 12);
  const binned h{counts, -8.0, 8.0, {-8.0F, 8.0F}};
  for (const auto& [bits, full, narrow_range] : limits) {
    const scheme s{.bits = bits}, n{.bits = bits, .narrow_range = true};
    EXPECT_NEAR(sqnr(error_of(h, s, range_mse(h, s)), 0x1p44), full, 0.01) << bits;
    EXPECT_NEAR(sqnr(error_of(h, n, range_mse(h, n)), 0x1p44), narrow_range, 0.01) << bits;
  }
}

/// _non_linear_param_search and _compute_quantization_error of PyTorch, in double.
std::pair<index_t, index_t> pytorch(const Counts& histogram, double min_val, double max_val, int levels) {
  const auto bins = static_cast<index_t>(histogram.size());
  const auto at = [&histogram](index_t k) { return static_cast<double>(histogram[static_cast<std::size_t>(k)]); };
  double total = 0;
  std::vector<float> c_sum;
  for (const std::uint64_t n : histogram) c_sum.push_back(static_cast<float>(total += static_cast<double>(n)));
  const double bin_width = (max_val - min_val) / static_cast<double>(bins);
  const auto norm_of = [](double begin, double end, double density) {
    return density * (end * end * end - begin * begin * begin) / 3;
  };
  const auto error = [&](index_t first, index_t last) {
    const double dst = bin_width * static_cast<double>(last - first + 1) / levels;
    double norm = 0;
    for (index_t k = 0; k < bins; ++k) {
      const double begin = static_cast<double>(k - first) * bin_width, end = begin + bin_width,
                   density = at(k) / bin_width;
      const double of_begin = std::clamp(std::floor(begin / dst), 0.0, levels - 1.0);
      const double of_end = std::clamp(std::floor(end / dst), 0.0, levels - 1.0);
      norm += norm_of(begin - (of_begin + 0.5) * dst, dst / 2, density);
      norm += (of_end - of_begin - 1) * norm_of(-dst / 2, dst / 2, density);
      norm += norm_of(-dst / 2, end - (of_end * dst + dst / 2), density);
    }
    return norm;
  };
  double alpha = 0, beta = 1, norm_min = 1e300;
  index_t start = 0, end = bins - 1;
  while (alpha < beta) {
    const double next_alpha = alpha + 1e-5, next_beta = beta - 1e-5;
    index_t l = start, r = end;
    while (l < end && c_sum[static_cast<std::size_t>(l)] < static_cast<float>(next_alpha * total)) ++l;
    while (r > start && c_sum[static_cast<std::size_t>(r)] > static_cast<float>(next_beta * total)) --r;
    index_t next_start = start, next_end = end;
    if (l - start > end - r) {
      next_start = l, alpha = next_alpha;
    } else {
      next_end = r, beta = next_beta;
    }
    if (next_start == start && next_end == end) continue;
    const double norm = error(next_start, next_end);
    if (norm > norm_min) break;
    norm_min = norm, start = next_start, end = next_end;
  }
  return {start, end};
}

TEST(RangeMse, PytorchChoosesWhatItsDefinitionChooses) {
  int tried = 0, equal = 0;
  for (const shapes::shape& shape : shapes::twenty())
    for (const auto& [bins, levels] : {std::pair<index_t, int>{2048, 256}, {500, 256}, {333, 16}}) {
      min_max ends;
      ends.observe(shape.x);
      uniform_histogram h(range_min_max(ends), bins, binning::torch);
      h.observe(shape.x);
      const binned view = *try_bins(h);
      const auto [first, last] = pytorch(Counts(h.counts().begin(), h.counts().end()), view.lower, view.upper, levels);
      const float lower = view.seen.lo, width = (view.seen.hi - lower) / static_cast<float>(bins);
      const range r = range_mse_pytorch(view, levels);
      volatile float first_edge = width * static_cast<float>(first), last_edge = width * static_cast<float>(last + 1);
      const range expected{lower + first_edge, lower + last_edge};  // not fused
      EXPECT_EQ(r, expected) << shape.name << ' ' << bins << ' ' << levels;
      ++tried, equal += r == expected ? 1 : 0;
    }
  std::printf("[transcribed] mse pytorch: tried %d, equal %d\n", tried, equal);
}

/// Equation 6 of the paper on the numbers themselves, zeros inside.
double octav(const std::vector<float>& x, int bits) {
  double s = 0;
  for (int n = 0; n < 1000; ++n) {
    double sum = 0, above = 0;
    for (const float v : x)
      if (std::fabs(static_cast<double>(v)) > s) sum += std::fabs(static_cast<double>(v)), above += 1;
    const double next = sum / (std::pow(4.0, -bits) / 3 * (static_cast<double>(x.size()) - above) + above);
    if (next == s) break;
    s = next;
  }
  return s;
}

TEST(RangeOctav, IsTheFixedPointOfThePaper) {
  for (const shapes::shape& shape : shapes::twenty())
    for (const int bits : {2, 4, 8}) {
      if (shape.name == "one spike") continue;  // on nearly equal numbers the recursion runs in circles
      const histogram h = of(shape.x, 1 << 14);
      const range r = range_octav(h, bits);
      const double expected = octav(shape.x, bits), width = std::ldexp(1.0, h.exponent());
      EXPECT_EQ(r.lo, -r.hi);
      // Within a few bins where the numbers lie close together; steps of a step function else.
      const bool steps = shape.name == "sparse" || shape.name == "a grid" || shape.name == "clipped";
      EXPECT_NEAR(static_cast<double>(r.hi), expected, (steps ? 0.05 * expected : 4 * width + 0.01 * expected))
          << shape.name << ' ' << bits;
    }
}

TEST(RangeOctav, IsNearTheFormulaForNormalAndLaplaceData) {
  const std::vector<shapes::shape> all = shapes::twenty(200'000);
  for (const int bits : {2, 3, 4, 5, 6}) {
    EXPECT_NEAR(range_octav(of(all[0].x), bits).hi, clip_gaussian(bits, 1.0F), 0.03F * clip_gaussian(bits, 1.0F))
        << bits;
    EXPECT_NEAR(range_octav(of(all[1].x), bits).hi, clip_laplace(bits, 1.0F), 0.03F * clip_laplace(bits, 1.0F)) << bits;
  }
}

TEST(ClipFormula, IsThePublishedTable) {
  // Banner et al. 2019: Laplace 2.83, 3.89, 5.03 for 2, 3, 4 bits; normal 1.71, 2.15, 2.55 (their code: 1.710635, ...).
  const double laplace[] = {2.83, 3.89, 5.03, 6.2, 7.41, 8.64, 9.89};
  const double normal[] = {1.710635, 2.151593, 2.559136, 2.936201, 3.286914, 3.615114, 3.924035, 4.216331};
  for (int bits = 2; bits <= 8; ++bits)
    EXPECT_NEAR(clip_laplace(bits, 1.0F), laplace[bits - 2], 0.011) << "cut or rounded to two digits";
  for (int bits = 2; bits <= 9; ++bits) EXPECT_NEAR(clip_gaussian(bits, 1.0F), normal[bits - 2], 2e-6) << bits;
}

TEST(ClipFormula, IsWhereTheModelledErrorIsLeast) {
  for (int bits = 2; bits <= 16; ++bits) {
    const double steps = 3 * std::pow(4.0, bits), g = detail::clip_of_normal[static_cast<std::size_t>(bits - 2)],
                 l = detail::clip_of_laplace[static_cast<std::size_t>(bits - 2)];
    const auto normal = [steps](double t) {
      return t * std::erfc(t / std::sqrt(2.0)) - std::sqrt(2 / std::acos(-1.0)) * std::exp(-t * t / 2) + t / steps;
    };
    const auto of_laplace = [steps](double t) { return t / steps - std::exp(-t); };
    EXPECT_LT(normal(g * (1 - 1e-9)), 0) << bits;
    EXPECT_GT(normal(g * (1 + 1e-9)), 0) << bits;
    EXPECT_LT(of_laplace(l * (1 - 1e-12)), 0) << bits;
    EXPECT_GT(of_laplace(l * (1 + 1e-12)), 0) << bits;
  }
  EXPECT_EQ(clip_gaussian(8, 0.0F), 0.0F);
  EXPECT_FLOAT_EQ(clip_laplace(4, 3.0F), 3 * clip_laplace(4, 1.0F));
}

TEST(RangeMse, RefusesWhatMakesNoSense) {
  const histogram h = of({1.0F, -2.0F});
  const char* none = "range: no finite number among 0 observed (0 NaN, 0 +infinity, 0 -infinity)";
  EXPECT_EQ(text_of(try_range_mse(histogram(), three)), none);
  EXPECT_EQ(text_of(try_range_mse_pytorch(histogram())), none);
  EXPECT_EQ(text_of(try_range_octav(histogram(), 8)), none);
  EXPECT_EQ(try_range_mse(h, scheme{.bits = 1}).error().code(), errc::invalid_scheme);
  EXPECT_EQ(text_of(try_range_mse_pytorch(h, 1)), "range_mse_pytorch: 1 levels, expected 2 to 65536");
  EXPECT_EQ(text_of(try_range_octav(h, 17)), "range_octav: 17 bits, expected 2 to 16");
  EXPECT_EQ(text_of(try_clip_gaussian(1, 1.0F)), "clip_gaussian: 1 bits, expected 2 to 16");
  EXPECT_EQ(text_of(try_clip_laplace(8, -1.0F)), "clip_laplace: width -1, expected a number in [0, 2^124]");
  EXPECT_EQ(text_of(try_clip_laplace(8, std::nanf(""))), "clip_laplace: width nan, expected a number in [0, 2^124]");
  EXPECT_EQ(text_of(try_range_mse(binned{}, three)), "range_mse: no bins, expected at least 1");
}

TEST(RangeMse, IsTheSameInEveryFloatingPointEnvironment) {
  const histogram h = of(shapes::twenty(3000)[4].x, 256), tiny = of(support::normal_numbers(3000, 5, 1e-41F), 256);
  const scheme s{.bits = 4, .sym = symmetry::asymmetric};
  const auto answers = [&] {
    std::vector<std::uint32_t> bits;
    for (const histogram* each : {&h, &tiny})
      for (const range& r :
           {range_mse(*each, three), range_mse(*each, s), range_mse_pytorch(*each, 16), range_octav(*each, 4)})
        for (const float end : {r.lo, r.hi}) bits.push_back(std::bit_cast<std::uint32_t>(end));
    return bits;
  };
  const auto once = answers();
  exact::in_every_environment([&] { EXPECT_TRUE(answers() == once); });
}

}  // namespace range_mse_test
