// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// PyTorch's observers, NumPy's quantiles and histograms, bit exact; tests/data/pytorch_observers.py made the vectors.
#include <gtest/gtest.h>

#include <cstdio>

#include <dyadic/calibrate/mean_quantile.hpp>
#include <dyadic/calibrate/moving_average_min_max.hpp>
#include <dyadic/calibrate/per_row.hpp>
#include <dyadic/calibrate/range_choice.hpp>
#include <dyadic/calibrate/range_mse_pytorch.hpp>

#include "support/vectors.hpp"

namespace pytorch_observers_test {

using namespace dyadic;
using Floats = std::vector<float>;
using support::vector_case;

/// As the script lists them. reduce_range is a scheme of 7 bits: [-64, 63] and [0, 127].
constexpr scheme settings[] = {{.bits = 8, .sym = symmetry::asymmetric},
                               {.bits = 7, .sym = symmetry::asymmetric},
                               {.bits = 8},
                               {.bits = 7},
                               {.bits = 8, .is_signed = false, .sym = symmetry::asymmetric},
                               {.bits = 7, .is_signed = false, .sym = symmetry::asymmetric},
                               {.bits = 8, .is_signed = false}};

const support::vector_cases& all() {
  static const support::vector_cases cases = support::load_repo_vectors("pytorch_observers");
  return cases;
}

/// Cases NAME.what with NAME.
template <class Try>
void for_each_of(const std::string& what, Try&& attempt) {
  for (const auto& [name, c] : all())
    if (const std::size_t dot = name.find('.'); dot != std::string::npos && name.substr(dot + 1) == what)
      attempt(name.substr(0, dot), c);
}

struct tally {
  const char* operation;
  const char* dialect;
  int tried = 0, equal = 0;

  void count(bool same) { ++tried, equal += same ? 1 : 0; }
  ~tally() {
    std::printf("[vectors] %s %s: tried %d, equal %d\n", operation, dialect, tried, equal);
    EXPECT_GT(tried, 0);
    EXPECT_EQ(equal, tried);
  }
};

/// Whether a range gives PyTorch's scale and zero point under every setting, for channel i of n.
bool same_params(const range& r, const vector_case& c, std::size_t i, std::size_t n) {
  const Floats scales = c["scale"].as<float>();
  const auto zeros = c["zero"].as<std::int32_t>();
  bool same = scales.size() == 7 * n && zeros.size() == 7 * n;
  for (std::size_t s = 0; s < 7 && same; ++s) {
    const chosen made = choose(settings[s], pytorch_profile, r);
    same = made.scale == scales[s * n + i] && made.zero_point == zeros[s * n + i];
  }
  return same;
}

/// Three batches of (4, 4), one call each.
template <class Observer>
Observer observed(const std::string& name) {
  const Floats x = all().at(name)["x"].as<float>();
  Observer o;
  for (std::size_t b = 0; b < 3; ++b) o.observe(strided<const float>(x.data() + 16 * b, 4, 4));
  return o;
}

template <class Observer>
void per_tensor(const char* what) {
  tally t{what, "pytorch"};
  for_each_of(what, [&](const std::string& name, const vector_case& c) {
    const range r = range_min_max(observed<Observer>(name));
    const Floats ends = c["ends"].as<float>();
    const bool same = r.lo == ends.at(0) && r.hi == ends.at(1) && same_params(r, c, 0, 1);
    EXPECT_TRUE(same) << name << ' ' << r.lo << ' ' << r.hi;
    t.count(same);
  });
}
template <class Observer>
void per_channel(const char* what) {
  tally t{what, "pytorch"};
  for_each_of(what, [&](const std::string& name, const vector_case& c) {
    const auto rows = observed<per_row<Observer>>(name);
    const Floats ends = c["ends"].as<float>();
    for (std::size_t i = 0; i < 4; ++i) {
      const range r = range_min_max(rows[static_cast<index_t>(i)]);
      const bool same = r.lo == ends.at(i) && r.hi == ends.at(4 + i) && same_params(r, c, i, 4);
      EXPECT_TRUE(same) << name << ' ' << i;
      t.count(same);
    }
  });
}

TEST(PytorchObservers, MinMax) { per_tensor<min_max>("MinMax"); }
TEST(PytorchObservers, MovingAverageMinMax) { per_tensor<moving_average_min_max>("MovingAverageMinMax"); }
TEST(PytorchObservers, PerChannelMinMax) { per_channel<min_max>("PerChannelMinMax"); }
TEST(PytorchObservers, MovingAveragePerChannelMinMax) {
  per_channel<moving_average_min_max>("MovingAveragePerChannelMinMax");
}

TEST(PytorchObservers, HistogramSearch) {
  tally t{"Histogram", "pytorch"};
  for_each_of("Histogram", [&](const std::string& name, const vector_case& c) {
    std::vector<std::uint64_t> counts(2048);
    const auto bins = c["bins"].as<std::int16_t>();
    const auto used = c["counts"].as<std::int32_t>();
    for (std::size_t i = 0; i < bins.size(); ++i)
      counts.at(static_cast<std::size_t>(bins[i])) = static_cast<std::uint64_t>(used[i]);
    const Floats ends = c["ends"].as<float>(), search = c["search"].as<float>();
    const range r = range_mse_pytorch(
        binned{counts, static_cast<double>(ends.at(0)), static_cast<double>(ends.at(1)), {ends.at(0), ends.at(1)}});
    const bool same = r.lo == search.at(0) && r.hi == search.at(1) && same_params(r, c, 0, 1);
    EXPECT_TRUE(same) << name << " [" << r.lo << ", " << r.hi << "], PyTorch [" << search[0] << ", " << search[1]
                      << ']';
    t.count(same);
  });
}

TEST(PytorchObservers, Histc) {
  tally torch{"uniform_histogram", "torch.histc"}, numpy{"uniform_histogram", "numpy.histogram"};
  for_each_of("bins", [&](const std::string& name, const vector_case& c) {
    const Floats x = c["x"].as<float>(), edges = c["edges"].as<float>();
    min_max ends;
    ends.observe(x);
    const range r = range_min_max(ends);
    for (const binning rule : {binning::torch_1, binning::numpy}) {
      uniform_histogram h(r, 96, rule);
      h.observe(x);
      const auto counts = c[rule == binning::numpy ? "numpy" : "torch"].as<std::uint16_t>();
      bool same = counts.size() == 96;
      for (std::size_t k = 0; k < 96 && same; ++k) same = h.counts()[k] == counts[k];
      EXPECT_TRUE(same) << name;
      (rule == binning::numpy ? numpy : torch).count(same);
      for (std::size_t k = 0; k <= 96; ++k) EXPECT_EQ(h.edge(static_cast<index_t>(k)), edges.at(k)) << name << ' ' << k;
    }
  });
}

TEST(PytorchObservers, Quantile) {
  tally t{"mean_quantile", "numpy"};
  for_each_of("quantile", [&](const std::string& name, const vector_case& c) {
    const Floats x = all().at(name)["x"].as<float>(), value = c["value"].as<float>();
    const auto q = c["q"].as<double>();
    for (std::size_t b = 0; b < 3; ++b)
      for (std::size_t i = 0; i < q.size(); ++i) {
        mean_quantile o(q[i], q[i]);
        o.observe(std::span<const float>(x).subspan(16 * b, 16));
        const bool same = o.seen().min == value.at(b * q.size() + i);
        EXPECT_TRUE(same) << name << ' ' << q[i] << ' ' << o.seen().min << ' ' << value[b * q.size() + i];
        t.count(same);
      }
  });
}

}  // namespace pytorch_observers_test
