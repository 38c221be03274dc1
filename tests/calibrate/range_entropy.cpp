// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The entropy searches against their originals' definitions, written down again from the Python, loop by loop.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include <dyadic/calibrate/range_entropy_onnxruntime.hpp>
#include <dyadic/calibrate/range_entropy_tensorrt.hpp>

#include "calibrate/shapes.hpp"
#include "fixed_point/exact.hpp"
#include "support/data.hpp"

namespace range_entropy_test {

using namespace dyadic;
using support::text_of;
using Counts = std::vector<std::uint64_t>;
using Reals = std::vector<double>;

constexpr double infinity = std::numeric_limits<double>::infinity();

double sum_of(const Reals& x) {
  double sum = 0;
  for (const double v : x) sum += v;
  return sum;
}

/// a / b as NumPy has it; division by zero is a fault to sanitizers.
double quotient(double a, double b) { return b != 0 ? a / b : a != 0 ? infinity : std::nan(""); }

/// scipy.stats.entropy(p, q)
double entropy(const Reals& p, const Reals& q) {
  const double p_sum = sum_of(p), q_sum = sum_of(q);
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double a = quotient(p[i], p_sum), b = quotient(q[i], q_sum);
    if (a > 0 && b > 0)
      sum += a * std::log(a / b);
    else if (a > 0)
      return infinity;
  }
  return sum;
}

/// _compute_amax_entropy of ModelOpt: the number of bins kept, and the divergences it compared.
std::size_t modelopt(Counts bins, int bits, std::size_t start, Reals* compared = nullptr) {
  bins[0] = bins[1];
  const std::size_t levels = std::size_t{1} << (bits - 1);
  Reals divergences;
  for (std::size_t i = start; i <= bins.size(); ++i) {
    Reals space(levels + 1);
    for (std::size_t j = 0; j <= levels; ++j)
      space[j] = static_cast<double>(j) * (static_cast<double>(i) / static_cast<double>(levels));
    std::vector<int> digit(i);
    Reals density(levels);
    std::map<int, int> counter;
    for (std::size_t k = 0; k < i; ++k) {
      digit[k] =
          static_cast<int>(std::upper_bound(space.begin(), space.end(), static_cast<double>(k)) - space.begin()) - 1;
      if (bins[k] == 0) digit[k] = -1;
      if (digit[k] == -1) continue;
      density[static_cast<std::size_t>(digit[k])] += static_cast<double>(bins[k]);
      ++counter[digit[k]];
    }
    for (const auto& [level, n] : counter) density[static_cast<std::size_t>(level)] /= n;
    Reals p(i), q(i);
    for (std::size_t k = 0; k < i; ++k) {
      p[k] = static_cast<double>(bins[k]);
      if (digit[k] != -1) q[k] = density[static_cast<std::size_t>(digit[k])];
    }
    for (std::size_t k = i; k < bins.size(); ++k) p[i - 1] += static_cast<double>(bins[k]);
    divergences.push_back(entropy(p, q));
  }
  std::size_t last = 0;
  for (std::size_t c = 0; c < divergences.size(); ++c)
    if (divergences[c] <= divergences[last]) last = c;
  if (compared != nullptr) *compared = divergences;
  return start + last;
}

/// smooth_distribution; empty for None. Float says how it is rounded: the original is float.
template <class Float>
std::vector<Float> smooth(const std::vector<std::int64_t>& p) {
  double zeros = 0;
  for (const std::int64_t v : p) zeros += v == 0 ? 1 : 0;
  const double others = static_cast<double>(p.size()) - zeros;
  if (others == 0) return {};
  const double taken = 0.0001 * zeros / others;
  std::vector<Float> all;
  for (const std::int64_t v : p)
    all.push_back(v == 0 ? static_cast<Float>(0.0001) : static_cast<Float>(v) + static_cast<Float>(-taken));
  return all;
}

/// NumPy's sum of a contiguous float array: pairs of blocks of 128, eight sums in a block.
float numpy_sum(const float* x, std::size_t n) {
  if (n < 8) {
    float sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += x[i];
    return sum;
  }
  if (n <= 128) {
    float r[8];
    std::copy(x, x + 8, r);
    std::size_t i = 8;
    for (; i < n - n % 8; i += 8)
      for (std::size_t k = 0; k < 8; ++k) r[k] += x[i + k];
    float sum = ((r[0] + r[1]) + (r[2] + r[3])) + ((r[4] + r[5]) + (r[6] + r[7]));
    for (; i < n; ++i) sum += x[i];
    return sum;
  }
  const std::size_t half = n / 2 - n / 2 % 8;
  return numpy_sum(x, half) + numpy_sum(x + half, n - half);
}

double entropy_of(const std::vector<double>& p, const std::vector<double>& q) { return entropy(p, q); }
/// The same in float, as SciPy computes it of float arrays: rel_entr in double, everything stored as float.
double entropy_of(std::vector<float> p, std::vector<float> q) {
  const float p_sum = numpy_sum(p.data(), p.size()), q_sum = numpy_sum(q.data(), q.size());
  for (std::size_t i = 0; i < p.size(); ++i) {
    const double a = static_cast<double>(p[i] / p_sum), b = static_cast<double>(q[i] / q_sum);
    p[i] = static_cast<float>(a * std::log(a / b));
  }
  return static_cast<double>(numpy_sum(p.data(), p.size()));
}

/// get_entropy_threshold of ONNX Runtime: the bins kept.
template <class Float>
std::pair<std::size_t, std::size_t> onnxruntime(const Counts& hist, std::size_t levels, Reals* compared = nullptr) {
  const std::size_t n = hist.size(), middle = n / 2, half = levels / 2;
  double least = infinity;
  bool none = true;
  std::pair<std::size_t, std::size_t> best;
  for (std::size_t i = half; i <= middle; ++i) {
    const std::size_t start = middle - i, end = std::min(middle + i + 1, n);
    std::vector<std::int64_t> sliced(hist.begin() + static_cast<std::ptrdiff_t>(start),
                                     hist.begin() + static_cast<std::ptrdiff_t>(end));
    std::vector<std::int64_t> p = sliced, quantized(levels), q(p.size());
    for (std::size_t k = 0; k < start; ++k) p.front() += static_cast<std::int64_t>(hist[k]);
    for (std::size_t k = end; k < n; ++k) p.back() += static_cast<std::int64_t>(hist[k]);
    const std::size_t merged = sliced.size() / levels;
    for (std::size_t g = 0; g < levels; ++g)
      for (std::size_t k = g * merged; k < (g + 1) * merged; ++k) quantized[g] += sliced[k];
    for (std::size_t k = levels * merged; k < sliced.size(); ++k) quantized.back() += sliced[k];
    for (std::size_t g = 0; g < levels; ++g) {
      std::int64_t norm = 0;
      for (std::size_t k = g * merged; k < (g + 1) * merged; ++k) norm += p[k] != 0 ? 1 : 0;
      if (norm == 0) continue;
      for (std::size_t k = g * merged; k < (g + 1) * merged; ++k)
        q[k] = static_cast<std::int64_t>(static_cast<double>(quantized[g]) / static_cast<double>(norm));
    }
    const auto smooth_q = smooth<Float>(q);
    const double divergence = smooth_q.empty() ? infinity : entropy_of(smooth<Float>(p), smooth_q);
    if (none || divergence < least) least = divergence, best = {start, end};
    none = false;
    if (compared != nullptr) compared->push_back(divergence);
  }
  return best;
}

Counts magnitude_counts(const std::vector<float>& x, std::size_t bins, double& upper) {
  upper = 0;
  for (const float v : x) upper = std::max(upper, std::fabs(static_cast<double>(v)));
  Counts counts(bins);
  for (const float v : x)
    ++counts[std::min(bins - 1,
                      static_cast<std::size_t>(std::fabs(static_cast<double>(v)) / upper * static_cast<double>(bins)))];
  return counts;
}
Counts symmetric_counts(const std::vector<float>& x, std::size_t bins, double& upper) {
  magnitude_counts(x, 1, upper);
  Counts counts(bins);
  for (const float v : x)
    ++counts[std::min(bins - 1,
                      static_cast<std::size_t>((static_cast<double>(v) / upper + 1) / 2 * static_cast<double>(bins)))];
  return counts;
}

range seen_of(const std::vector<float>& x) {
  const auto [lo, hi] = std::minmax_element(x.begin(), x.end());
  return {*lo, *hi};
}

TEST(RangeEntropy, TensorrtChoosesWhatItsDefinitionChooses) {
  int tried = 0;
  for (const shapes::shape& s : shapes::twenty())
    for (const auto& [bins, bits] : {std::pair<std::size_t, int>{2048, 8}, {512, 8}, {512, 4}, {300, 5}}) {
      double upper = 0;
      const Counts counts = magnitude_counts(s.x, bins, upper);
      const index_t start = bits == 8 ? 128 : 16;
      const std::size_t kept = modelopt(counts, bits, static_cast<std::size_t>(start));
      const binned h{counts, 0.0, upper, seen_of(s.x)};
      const range r = range_entropy_tensorrt(h, bits, start);
      EXPECT_EQ(r.hi, h.float_edge(static_cast<index_t>(kept))) << s.name << ' ' << bins << ' ' << bits;
      EXPECT_EQ(r.lo, -r.hi);
      ++tried;
    }
  std::printf("[transcribed] entropy tensorrt: tried %d, equal %d\n", tried, HasFailure() ? -1 : tried);
}

TEST(RangeEntropy, OnnxruntimeChoosesWhatItsDefinitionChooses) {
  int tried = 0, float_equal = 0;
  for (const shapes::shape& s : shapes::twenty())
    for (const auto& [bins, levels] :
         {std::pair<std::size_t, std::size_t>{2048, 128}, {128, 128}, {511, 128}, {512, 31}, {700, 256}}) {
      double upper = 0;
      const Counts counts = symmetric_counts(s.x, bins, upper);
      const auto kept = onnxruntime<double>(counts, levels);
      const range seen = seen_of(s.x);
      const binned h{counts, -upper, upper, seen};
      const range r = range_entropy_onnxruntime(h, static_cast<index_t>(levels));
      const range expected{std::max(seen.lo, h.float_edge(static_cast<index_t>(kept.first))),
                           std::min(seen.hi, h.float_edge(static_cast<index_t>(kept.second)))};
      EXPECT_EQ(r, expected.lo <= expected.hi ? expected : seen) << s.name << ' ' << bins << ' ' << levels;
      ++tried;
      if (onnxruntime<float>(counts, levels) == kept) ++float_equal;
    }
  std::printf("[transcribed] entropy onnxruntime: tried %d, equal %d; with its rounding to float %d\n", tried,
              HasFailure() ? -1 : tried, float_equal);
}

TEST(RangeEntropy, DecidesByTheDivergencesOfTheDefinition) {
  for (const shapes::shape& s : shapes::twenty(3000)) {
    double upper = 0;
    Counts magnitudes = magnitude_counts(s.x, 200, upper);
    const Counts symmetric = symmetric_counts(s.x, 200, upper);
    Reals expected, p, q;
    modelopt(magnitudes, 5, 16, &expected);
    magnitudes[0] = magnitudes[1];
    const detail::entropy_tensorrt tensorrt(magnitudes, 4);
    for (std::size_t c = 0; c < expected.size(); ++c) {
      const double found = tensorrt.exact(static_cast<index_t>(16 + c), p, q);
      // Bins that are all empty have no divergence: 0 here, NaN there.
      if (expected[c] < infinity) {
        EXPECT_NEAR(found, expected[c], 1e-12) << s.name << ' ' << c;
      }
      if (expected[c] == infinity) {
        EXPECT_EQ(found, infinity) << s.name << ' ' << c;
      }
    }
    expected.clear();
    onnxruntime<double>(symmetric, 20, &expected);
    const detail::entropy_onnxruntime ort(symmetric, 20);
    for (std::size_t c = 0; c < expected.size(); ++c) {
      const double found = ort.exact(ort.bins_of(static_cast<index_t>(10 + c)), p, q);
      if (expected[c] < infinity) {
        EXPECT_NEAR(found, expected[c], 1e-12) << s.name << ' ' << c;
      }
      if (expected[c] == infinity) {
        EXPECT_EQ(found, infinity) << s.name << ' ' << c;
      }
    }
  }
}

TEST(RangeEntropy, TakesTheFirstOrTheLastOfEqualOnes) {
  const double exact[] = {3.0, 1.0, 2.0, 1.0, 1.0, 5.0};
  std::vector<detail::estimate> all;
  for (const double x : exact) all.push_back({x + 1e-9, 1e-8});
  std::size_t asked = 0;
  const auto look = [&](std::size_t i) { return ++asked, exact[i]; };
  EXPECT_EQ(detail::least_of(all, detail::least::first, look), 1U);
  EXPECT_EQ(asked, 3U) << "only those that can be the least";
  EXPECT_EQ(detail::least_of(all, detail::least::last, look), 4U);
}

TEST(RangeEntropy, SaysWhatItCannotTake) {
  const Counts counts(16385, 1), two{1, 2};
  const range seen{0.0F, 1.0F};
  EXPECT_EQ(text_of(try_range_entropy_tensorrt(binned{counts, 0.0, 1.0, seen})),
            "range_entropy_tensorrt: 16385 bins, expected at most 16384");
  EXPECT_EQ(text_of(try_range_entropy_onnxruntime(binned{counts, 0.0, 1.0, seen})),
            "range_entropy_onnxruntime: 16385 bins, expected at most 16384");
  EXPECT_EQ(text_of(try_range_entropy_tensorrt(binned{two, 0.0, 1.0, seen}, 17)),
            "range_entropy_tensorrt: 17 bits, expected 2 to 16");
  EXPECT_EQ(text_of(try_range_entropy_tensorrt(binned{two, 0.0, 1.0, seen}, 8, 127)),
            "range_entropy_tensorrt: start bin 127, expected at least 128 for 8 bits");
  EXPECT_EQ(text_of(try_range_entropy_onnxruntime(binned{two, 0.0, 1.0, seen}, 1)),
            "range_entropy_onnxruntime: 1 levels, expected 2 to 65536");
  EXPECT_EQ(text_of(try_range_entropy_onnxruntime(binned{{}, 0.0, 1.0, seen})),
            "range_entropy_onnxruntime: no bins, expected at least 1");
  EXPECT_EQ(range_entropy_tensorrt(binned{two, 0.0, 1.0, seen}), (range{-1.0F, 1.0F}));
  EXPECT_EQ(range_entropy_onnxruntime(binned{two, 0.0, 1.0, seen}), seen);
  EXPECT_EQ(try_range_entropy_tensorrt(histogram()).error().code(), errc::no_data);
}

TEST(RangeEntropy, TakesAHistogramAsItsOwnBins) {
  for (const shapes::shape& s : shapes::twenty(5000)) {
    histogram h;
    h.observe(s.x);
    const owned_bins magnitudes = *try_magnitude_bins(h), symmetric = *try_symmetric_bins(h);
    const range t = range_entropy_tensorrt(magnitudes.view()), mine = range_entropy_tensorrt(h);
    const float most = std::max(-h.seen().min, h.seen().max);
    EXPECT_EQ(mine.hi, std::min(t.hi, most)) << s.name;
    EXPECT_EQ(range_entropy_onnxruntime(h), range_entropy_onnxruntime(symmetric.view())) << s.name;
    EXPECT_GE(range_entropy_onnxruntime(h).lo, h.seen().min);
  }
}

TEST(RangeEntropy, IsTheSameInEveryFloatingPointEnvironment) {
  histogram h;
  h.observe(shapes::twenty(5000)[1].x);
  const range t = range_entropy_tensorrt(h), o = range_entropy_onnxruntime(h);
  exact::in_every_environment([&] {
    EXPECT_EQ(range_entropy_tensorrt(h), t);
    EXPECT_EQ(range_entropy_onnxruntime(h), o);
  });
}

}  // namespace range_entropy_test
