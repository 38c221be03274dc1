// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Promise 1 for whole networks: the same plan, codes and floats on every instruction set, with any number of threads,
// however the images are dealt to batches, in whatever memory, and whatever floating-point modes a host program has
// set.
#include <gtest/gtest.h>

#include <array>
#include <cfenv>
#include <limits>
#include <memory>
#include <optional>

#include <dyadic/core/thread_pool.hpp>

#include "support/data.hpp"
#include "support/isas.hpp"
#include "support/random_network.hpp"

#if defined(__x86_64__)
#include <xmmintrin.h>
#endif

namespace domains_test {

using dyadic::activation_scales;
using dyadic::index_t;
using dyadic::plan;
using dyadic::result;
using dyadic::run_options;
using dyadic::run_output;
using support::images;
using support::integers;
using support::text_of;

struct form {
  activation_scales activations;
  dyadic::scheme weights;
};
std::ostream& operator<<(std::ostream& to, const form& f) {
  return to << (f.activations == activation_scales::dynamic ? "dynamic " : "static ")
            << dyadic::scheme_name(f.weights).c_str();
}

class Domains : public testing::TestWithParam<form> {
 protected:
  /// A plan and what it makes of x in every domain it has.
  struct outcome {
    plan made;
    std::vector<run_output> outputs;
  };

  void SetUp() override {
    for (std::uint64_t seed = 0; seed < 8; ++seed) {
      integers random(77 + seed);
      images seen = support::make_images(random, 5, random.in(4, 9), random.in(4, 9), random.in(1, 9));
      images x = support::make_images(random, 5, seen.height, seen.width, seen.channels, 4.0F);
      // Not all finite, and subnormals, which flush-to-zero modes would lose.
      x.numbers[0] = std::numeric_limits<float>::quiet_NaN(), x.numbers[3] = -std::numeric_limits<float>::infinity();
      x.numbers[x.numbers.size() - 1] = std::numeric_limits<float>::infinity();
      // One image of subnormals only: in the dynamic domain it has a scale of its own.
      for (index_t i = 0; i < x.features(); ++i) x.numbers[static_cast<std::size_t>(2 * x.features() + i)] *= 0x1p-126F;
      auto net = support::network_maker(random, seen.all().shape()).make(7);
      trials_.push_back({std::move(net), std::move(seen), std::move(x)});
    }
  }

  result<outcome> run(std::size_t t, const run_options& options) const {
    const auto& [net, seen, x] = trials_[t];
    dyadic::recipe how{.activations = GetParam().activations,
                       .weights = GetParam().weights,
                       .except = net.exceptions(GetParam().weights, dyadic::s8_per_row),
                       .percentile = 99.0,
                       .run = options};
    auto made = dyadic::try_calibrate(net, std::array{seen.all()}, how);
    if (!made) return made.error();
    outcome all{std::move(*made), {}};
    std::vector<std::uint8_t> on;
    for (std::size_t s = 0; s < all.made.sites().size(); ++s) on.push_back(s % 3 != 1 ? 1 : 0);
    const auto keep = [&](result<run_output> y) {
      if (y) all.outputs.push_back(std::move(*y));
    };
    keep(all.made.try_run(net, x.all(), options));
    keep(all.made.try_run_real(net, x.all(), options));
    if (GetParam().activations == activation_scales::static_) {
      keep(all.made.try_simulate(net, x.all(), {}, {}, options));
      keep(all.made.try_simulate(net, x.all(), on, {}, options));
    }
    return all;
  }
  std::size_t outputs() const { return GetParam().activations == activation_scales::static_ ? 4 : 2; }

  static void expect_same(const result<outcome>& found, const outcome& expected, const std::string& where) {
    ASSERT_TRUE(found) << text_of(found);
    EXPECT_TRUE(support::same_plan(found->made, expected.made)) << where;
    ASSERT_EQ(found->outputs.size(), expected.outputs.size());
    for (std::size_t i = 0; i < expected.outputs.size(); ++i)
      EXPECT_TRUE(support::same_output(found->outputs[i], expected.outputs[i])) << where << ", output " << i;
  }

  struct trial {
    support::random_network net;
    images seen, x;
  };
  std::vector<trial> trials_;
};

TEST_P(Domains, EveryInstructionSetAndNumberOfThreads) {
  for (std::size_t t = 0; t < trials_.size(); ++t) {
    SCOPED_TRACE(trials_[t].net.text());
    const auto expected = run(t, {});
    ASSERT_TRUE(expected) << text_of(expected);
    ASSERT_EQ(expected->outputs.size(), outputs());
    support::for_each_isa([&](const std::string& isa) {
      for (const index_t threads : {1, 2, 3, 7}) {
        dyadic::thread_pool pool(threads);
        expect_same(run(t, {.run = pool}), *expected, isa + ", " + std::to_string(threads) + " threads");
      }
    });
    if (HasFailure()) break;
  }
}

/// Runs every part backwards and claims a concurrency of its own.
struct backwards {
  index_t claimed;
  index_t concurrency() const { return claimed; }
  template <class F>
  void parallel_for(index_t n, F&& f) {
    while (n > 0) f(--n);
  }
};

TEST_P(Domains, AnyExecutorInMemoryThatIsUsedAgain) {
  dyadic::workspace memory;
  for (std::size_t t = 0; t < trials_.size(); ++t) {
    SCOPED_TRACE(trials_[t].net.text());
    const auto expected = run(t, {});
    ASSERT_TRUE(expected) << text_of(expected);
    for (const index_t claimed : {1, 4, 1000}) {
      backwards mine{claimed};
      expect_same(run(t, {.run = mine, .memory = &memory}), *expected, std::to_string(claimed) + " claimed");
    }
  }
}

TEST_P(Domains, AnySplitIntoBatches) {
  for (std::size_t t = 0; t < trials_.size(); ++t) {
    SCOPED_TRACE(trials_[t].net.text());
    const auto expected = run(t, {});
    ASSERT_TRUE(expected) << text_of(expected);
    const auto& [net, seen, x] = trials_[t];
    for (const std::vector<index_t>& counts : {std::vector<index_t>{1, 1, 1, 1, 1}, {2, 3}, {4, 1}}) {
      index_t first = 0;
      for (const index_t n : counts) {
        const auto part = expected->made.try_run(net, x.some(first, n)),
                   real = expected->made.try_run_real(net, x.some(first, n));
        ASSERT_TRUE(part && real);
        const index_t features = part->shape.features(), at = first * features, size = n * features;
        EXPECT_EQ(part->shape.images, n);
        EXPECT_TRUE(support::same_bits(part->values.data(), expected->outputs[0].values.data() + at, size));
        EXPECT_TRUE(support::same_bits(real->values.data(), expected->outputs[1].values.data() + at, size));
        ASSERT_EQ(part->codes.size(), GetParam().activations == activation_scales::static_ ? size : 0);
        for (index_t i = 0; i < part->codes.size(); ++i) ASSERT_EQ(part->codes[i], expected->outputs[0].codes[at + i]);
        first += n;
      }
    }
  }
}

/// The floating-point modes of a host program: a rounding mode, and flush-to-zero; as found on the way out.
class host_modes {
 public:
  explicit host_modes(int rounding, bool flush) {
    std::fegetenv(&found_);
    std::fesetround(rounding);
    if (!flush) return;
#if defined(__x86_64__)
    _mm_setcsr(_mm_getcsr() | 0x8040U);  // FTZ and DAZ
#elif defined(__aarch64__)
    std::uint64_t word;
    __asm__ volatile("mrs %0, fpcr" : "=r"(word));
    __asm__ volatile("msr fpcr, %0" : : "r"(word | 1U << 24) : "memory");
#endif
  }
  host_modes(const host_modes&) = delete;
  host_modes& operator=(const host_modes&) = delete;
  ~host_modes() { std::fesetenv(&found_); }

 private:
  std::fenv_t found_;
};

TEST_P(Domains, WhateverTheHostsFloatingPointModes) {
  for (std::size_t t = 0; t < trials_.size(); ++t) {
    SCOPED_TRACE(trials_[t].net.text());
    const auto expected = run(t, {});
    ASSERT_TRUE(expected) << text_of(expected);
    support::for_each_isa([&](const std::string& isa) {
      for (const int rounding : {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO})
        for (const bool flush : {false, true}) {
          std::optional<result<outcome>> found;
          int after = 0;
          {
            const host_modes host(rounding, flush);
            found.emplace(run(t, {}));
            after = std::fegetround();
          }
          EXPECT_EQ(after, rounding) << "the host's mode is the host's again";
          expect_same(*found, *expected, isa + ", mode " + std::to_string(rounding) + (flush ? ", flushing" : ""));
        }
    });
    if (HasFailure()) break;
  }
}

INSTANTIATE_TEST_SUITE_P(Forms, Domains,
                         testing::Values(form{activation_scales::static_, dyadic::s8_per_row},
                                         form{activation_scales::static_, dyadic::s4_per_group<32>},
                                         form{activation_scales::static_, dyadic::u4_per_row},
                                         form{activation_scales::dynamic, dyadic::s8_per_row},
                                         form{activation_scales::dynamic, dyadic::u4_per_group<32>},
                                         form{activation_scales::dynamic, dyadic::s4_per_row}));

}  // namespace domains_test
