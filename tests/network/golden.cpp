// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Promise 1 as a number: a fixed network, calibrated and run in every form, gives these bits with every instruction
// set, number of threads, compiler, optimisation level and processor. .ci/run builds this file in many ways.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include <dyadic/core/thread_pool.hpp>

#include "support/isas.hpp"
#include "support/networks.hpp"

namespace golden_test {

using dyadic::activation_scales;
using dyadic::index_t;
using dyadic::recipe;
using dyadic::window;

constexpr std::uint64_t golden = 7296005352973402162U;

/// FNV-1a, 64 bits, over the bytes of numbers, the lowest first.
class digest {
 public:
  void add(std::uint8_t byte) noexcept { state_ = (state_ ^ byte) * 0x100000001B3U; }
  void add(std::uint32_t word) noexcept {
    for (int i = 0; i < 4; ++i) add(static_cast<std::uint8_t>(word >> (8 * i) & 0xFFU));
  }
  void add(std::uint64_t word) noexcept {
    add(static_cast<std::uint32_t>(word & 0xFFFFFFFFU));
    add(static_cast<std::uint32_t>(word >> 32));
  }
  void add(float x) noexcept { add(std::bit_cast<std::uint32_t>(x)); }
  void add(std::int32_t x) noexcept { add(static_cast<std::uint32_t>(x)); }
  void add(const dyadic::run_output& y) noexcept {
    for (index_t i = 0; i < y.values.size(); ++i) add(y.values[i]);
    for (index_t i = 0; i < y.codes.size(); ++i) add(y.codes[i]);
  }
  /// Params of every site, every weight as the real its code stands for, and what brings sums to codes.
  void add(const dyadic::plan& p) noexcept {
    for (int s = 0; s < static_cast<int>(p.sites().size()); ++s) {
      if (p.activations() == activation_scales::static_) add(p.params(s).scale), add(p.params(s).zero_point);
      if (p.weights(s) == nullptr) continue;
      for (const dyadic::packed_weights& w : p.weights(s)->packed.parts)
        for (index_t i = 0; i < w.rows(); ++i)
          for (index_t k = 0; k < w.cols(); ++k) add(w.value(i, k));
      for (const dyadic::requantization& r : p.weights(s)->to_codes) {
        const dyadic::simd::epilogue_view e = r.view();
        for (index_t j = 0; j < r.size(); ++j) {
          if (e.multipliers != nullptr) add(e.multipliers[j]);
          if (e.bias_codes != nullptr) add(e.bias_codes[j]);
          if (e.bias != nullptr) add(e.bias[j]);
        }
        if (e.x_scales != nullptr) add(e.x_scales[0]);
      }
    }
  }
  std::uint64_t value() const noexcept { return state_; }

 private:
  std::uint64_t state_ = 0xCBF29CE484222325U;
};

/// Everything network/ has, relus with and without a producer, and ragged ends: 27, 20 and 23 are multiples of no
/// register.
struct network {
  dyadic::conv2d c1, c2, c3;
  dyadic::linear f1, f2;
  template <class Tensor>
  Tensor operator()(Tensor x) const {
    x = max_pool(relu(c1(x)), {2, 2});
    x = relu(add(c2(x), x));
    x = relu(average_pool(c3(x), window{.size = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}));
    return f2(relu(f1(flatten(x))));
  }
};

network make_network(support::integers& random) {
  const window around{.size = {3, 3}, .padding = {1, 1}};
  auto c1 = support::make_conv2d(random, 3, 32, around, 1, true, "c1");
  auto c2 = support::make_conv2d(random, 32, 32, around, 1, false, "c2");
  auto c3 = support::make_conv2d(random, 32, 40, {.size = {2, 2}}, 2, true, "c3");
  auto f1 = support::make_linear(random, 160, 23, true, "f1");
  auto f2 = support::make_linear(random, 23, 10, true, "f2");
  return {std::move(c1), std::move(c2), std::move(c3), std::move(f1), std::move(f2)};
}

struct form {
  const char* name;
  activation_scales activations;
  dyadic::scheme weights, other;  ///< other: of c1 and f2, whose rows no group divides
};
constexpr form forms[] = {
    {"int8 static", activation_scales::static_, dyadic::s8_per_row, dyadic::s8_per_row},
    {"int8 dynamic", activation_scales::dynamic, dyadic::s8_per_row, dyadic::s8_narrow_per_tensor},
    {"int4 static", activation_scales::static_, dyadic::s4_per_group<32>, dyadic::s8_per_row},
    {"uint4 dynamic", activation_scales::dynamic, dyadic::u4_per_group<32>, dyadic::u4_per_row},
};

struct digests {
  std::uint64_t all = 0;
  std::string parts;  ///< one a form, to see which one differs
};

digests run_everything(const network& net, const support::images& x, dyadic::run_options options) {
  digest all;
  std::string parts;
  const auto part = [&](const char* name, const digest& d) {
    all.add(d.value());
    parts += std::string(name) + " " + std::to_string(d.value()) + "\n";
  };
  const std::array batches{x.some(0, 4), x.some(4, 5)};
  for (const form& f : forms) {
    recipe how{.activations = f.activations, .weights = f.weights, .percentile = 99.9, .run = options};
    how.except = {{"c1", f.other}, {"f2", f.other}};
    const auto plan = dyadic::try_calibrate(net, batches, how);
    const auto y = plan ? plan->try_run(net, x.all(), options) : plan.error();
    if (!y) return {0, y.error().message()};
    digest d;
    d.add(*plan);
    d.add(*y);
    part(f.name, d);
    if (&f != forms) continue;
    const auto real = plan->try_run_real(net, x.all(), options);
    if (!real) return {0, real.error().message()};
    digest reals;
    reals.add(*real);
    part("real", reals);
  }
  return {all.value(), parts};
}

TEST(Golden, TheSameBitsEverywhere) {
  support::integers random(2718281828);
  const network net = make_network(random);
  const support::images x = support::make_images(random, 9, 9, 8, 3);
  support::for_each_isa([&](const std::string& isa) {
    for (const index_t threads : {1, 2, 3, 7}) {
      dyadic::thread_pool pool(threads);
      const digests found = run_everything(net, x, {.run = pool});
      EXPECT_EQ(found.all, golden) << isa << ", " << threads << " threads\n" << found.parts;
    }
  });
}

TEST(Golden, ADigestSeesOneBit) {
  digest a, b;
  a.add(1.0F), a.add(2.0F);
  b.add(1.0F), b.add(2.00000024F);
  EXPECT_NE(a.value(), b.value());
  digest hello;  // the published value for "hello"
  for (const char c : {'h', 'e', 'l', 'l', 'o'}) hello.add(static_cast<std::uint8_t>(c));
  EXPECT_EQ(hello.value(), 0xA430D84680AABD0BU);
}

}  // namespace golden_test
