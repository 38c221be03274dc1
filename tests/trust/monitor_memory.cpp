// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A monitor allocates when it is made and never again: a run with one makes as many allocations as a run without.
#include <gtest/gtest.h>

#include <array>

#include <dyadic/trust/monitored.hpp>

#include "support/allocations.hpp"
#include "support/networks.hpp"

namespace monitor_memory_test {

using support::allocations_of;

struct two_layers {
  dyadic::conv2d first;
  dyadic::linear second;
  template <class Tensor>
  Tensor operator()(const Tensor& x) const {
    return second(flatten(max_pool(relu(first(x)), {2, 2})));
  }
};

TEST(MonitorMemory, AllocatesNothingOnceItIsMade) {
  support::integers random(4);
  const two_layers net{support::make_conv2d(random, 3, 8, {.size = {3, 3}, .padding = {1, 1}}),
                       support::make_linear(random, 128, 10)};
  const auto x = support::make_images(random, 40, 8, 8, 3);
  const auto plan = dyadic::try_calibrate(net, std::array{x.all()});
  ASSERT_TRUE(plan) << plan.error().message();
  auto m = dyadic::monitor::try_make(*plan, {.every = 1, .histogram_every = 1, .keep = 100});
  ASSERT_TRUE(m);
  dyadic::workspace memory;
  const dyadic::run_options options{.run = {}, .memory = &memory};
  bool all_well = true;
  const auto without = [&] { all_well = plan->try_run(net, x.all(), options) && all_well; };
  const auto with = [&] { all_well = dyadic::try_run_monitored(*plan, net, x.all(), *m, options) && all_well; };
  without(), with();  // the workspace grows
  // The output is the only thing that is made anew.
  const std::int64_t plain = allocations_of(without);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(allocations_of(with), plain);  // past 100 rows, too
  EXPECT_GT(m->rows_lost(), 0U);
  EXPECT_TRUE(all_well);
  EXPECT_GT(allocations_of([&] { static_cast<void>(dyadic::monitor::try_make(*plan)); }), 0);  // the counter counts
}

}  // namespace monitor_memory_test
