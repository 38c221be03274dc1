// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Twenty data sets whose histograms look different: what the range searches are compared on.
#pragma once

#include <cmath>
#include <functional>
#include <random>
#include <string>
#include <vector>

namespace shapes {

struct shape {
  std::string name;
  std::vector<float> x;
};

inline std::vector<shape> twenty(std::size_t n = 20'000) {
  std::mt19937_64 random(1);
  const auto uniform = [&random] { return (static_cast<double>(random() >> 11) + 0.5) * 0x1p-53; };
  const auto gauss = [&uniform] {
    return std::sqrt(-2.0 * std::log(uniform())) * std::cos(6.283185307179586 * uniform());
  };
  const auto laplace = [&uniform] {
    const double u = uniform() - 0.5;
    return u < 0 ? std::log1p(2 * u) : -std::log1p(-2 * u);
  };
  std::vector<shape> all;
  const auto add = [&](const char* name, const std::function<double(std::size_t)>& number) {
    shape s{name, {}};
    for (std::size_t i = 0; i < n; ++i) s.x.push_back(static_cast<float>(number(i)));
    all.push_back(std::move(s));
  };
  add("gauss", [&](std::size_t) { return gauss(); });
  add("laplace", [&](std::size_t) { return laplace(); });
  add("uniform", [&](std::size_t) { return 2 * uniform() - 1; });
  add("bimodal", [&](std::size_t i) { return (i % 2 == 0 ? -3 : 3) + 0.3 * gauss(); });
  add("after a relu", [&](std::size_t) { return std::fmax(gauss(), 0.0); });
  add("exponential", [&](std::size_t) { return -std::log(uniform()); });
  add("negative", [&](std::size_t) { return -1.0 - std::fabs(gauss()); });
  add("sparse", [&](std::size_t i) { return static_cast<double>(i * i % 17) - 8; });
  add("one spike", [&](std::size_t i) { return i == 0 ? 5.0 : i == 1 ? -4.0 : 0.75; });
  add("heavy tail", [&](std::size_t) { return gauss() / std::fmax(1e-3, std::fabs(gauss())); });
  add("student 5", [&](std::size_t) {
    double sum = 0;
    for (int k = 0; k < 5; ++k) sum += std::pow(gauss(), 2);
    return gauss() / std::sqrt(sum / 5);
  });
  add("lognormal", [&](std::size_t) { return std::exp(gauss()); });
  add("an outlier", [&](std::size_t i) { return i == 7 ? 100.0 : gauss(); });
  add("mostly zero", [&](std::size_t i) { return i % 20 == 0 ? gauss() : 0.0; });
  add("tiny", [&](std::size_t) { return 1e-6 * gauss(); });
  add("large and off centre", [&](std::size_t) { return 5e4 + 1e4 * laplace(); });
  add("triangle", [&](std::size_t) { return uniform() + uniform() - 1; });
  add("clipped", [&](std::size_t) { return std::fmax(-1.0, std::fmin(1.0, gauss())); });
  add("a grid", [&](std::size_t) { return std::rint(16 * gauss()) / 16; });
  add("wide and narrow", [&](std::size_t i) { return (i % 50 == 0 ? 10 : 0.1) * gauss(); });
  return all;
}

}  // namespace shapes
