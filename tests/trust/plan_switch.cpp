// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Plans that change under running readers: each reader sees one whole plan, old ones come back bit for bit, and nobody
// waits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <thread>
#include <vector>

#include <dyadic/network/calibrate.hpp>
#include <dyadic/trust/plan_switch.hpp>

#include "support/data.hpp"
#include "support/networks.hpp"

namespace plan_switch_test {

using dyadic::plan;
using dyadic::plan_switch;
using support::text_of;
using testing::HasSubstr;

/// One layer, and plans of it for images of any size: the larger, the larger every scale.
struct one_layer {
  dyadic::linear layer;
  template <class Tensor>
  Tensor operator()(const Tensor& x) const {
    return layer(x);
  }
};
class PlanSwitch : public testing::Test {
 protected:
  PlanSwitch()
      : random_(1), net_{support::make_linear(random_, 16, 4)}, x_(support::make_images(random_, 8, 1, 16, 1)) {}
  plan of_size(float size) const {
    auto x = x_;
    for (float& v : x.numbers) v *= size;
    auto made = dyadic::try_calibrate(net_, std::array{x.all()});
    EXPECT_TRUE(made) << text_of(made);
    return std::move(*made);
  }
  dyadic::run_output output(const plan& p) const {
    auto y = p.try_run(net_, x_.all());
    EXPECT_TRUE(y) << text_of(y);
    return std::move(*y);
  }

  support::integers random_;
  one_layer net_;
  support::images x_;
};

TEST_F(PlanSwitch, ReadersKeepTheirPlan) {
  plan_switch serving(of_size(1));
  const auto old = serving.read();
  const auto before = output(*old);
  const auto version = serving.try_swap(of_size(2));
  ASSERT_TRUE(version) << text_of(version);
  EXPECT_EQ(*version, 2U);
  EXPECT_EQ(old.version(), 1U);
  EXPECT_TRUE(support::same_output(output(*old), before));
  const auto now = serving.read();
  EXPECT_EQ(now.version(), 2U);
  EXPECT_FALSE(support::same_output(output(*now), before));
  EXPECT_EQ(now->params(0).scale, 2 * old->params(0).scale);
}

TEST_F(PlanSwitch, RollBackRestoresTheBits) {
  plan_switch serving(of_size(1));
  const auto first = output(*serving.read());
  EXPECT_THAT(text_of(serving.try_roll_back()), HasSubstr("before version 1"));
  ASSERT_TRUE(serving.try_swap(of_size(2)));
  const auto second = output(*serving.read());
  ASSERT_TRUE(serving.try_swap(of_size(4)));
  const auto back = serving.try_roll_back();
  ASSERT_TRUE(back) << text_of(back);
  EXPECT_EQ(*back, 2U);
  EXPECT_TRUE(support::same_output(output(*serving.read()), second));
  ASSERT_TRUE(serving.try_roll_back());
  EXPECT_TRUE(support::same_output(output(*serving.read()), first));
  EXPECT_FALSE(serving.try_roll_back());
  // Forward again: a new version, never an old number.
  const auto version = serving.try_swap(of_size(8));
  ASSERT_TRUE(version);
  EXPECT_EQ(*version, 4U);
  EXPECT_EQ(*serving.try_roll_back(), 1U);
}

TEST_F(PlanSwitch, ThePlanBeforeIsAlwaysKept) {
  plan_switch serving(of_size(1));
  for (int i = 0; i < 20; ++i) {
    const auto before = output(*serving.read());
    ASSERT_TRUE(serving.try_swap(of_size(static_cast<float>(i + 2))));
    if (i % 3 != 0) continue;
    ASSERT_TRUE(serving.try_roll_back());
    EXPECT_TRUE(support::same_output(output(*serving.read()), before));
  }
}

TEST_F(PlanSwitch, ARefusedSwapChangesNothing) {
  plan_switch serving(of_size(1));
  std::vector<plan_switch::reader> held;
  held.push_back(serving.read());
  int swaps = 0;
  while (serving.try_swap(of_size(2))) {  // until every slot is held
    held.push_back(serving.read());
    ASSERT_LT(++swaps, 10);
  }
  EXPECT_EQ(swaps, 3);
  const auto refused = serving.try_swap(of_size(2));
  EXPECT_THAT(text_of(refused), HasSubstr("all still read"));
  EXPECT_EQ(serving.read().version(), 4U);
  held.erase(held.begin());  // the oldest reader goes
  EXPECT_TRUE(serving.try_swap(of_size(2)));
#if DYADIC_EXCEPTIONS
  const auto swap_and_hold = [&] { serving.swap(of_size(1)), held.push_back(serving.read()); };
  EXPECT_THROW(for (int i = 0; i < 4; ++i) swap_and_hold(), std::invalid_argument);
#endif
}

// Two readers run while a writer swaps: every plan that was read gives the bits of one of the two there are, and its
// version never falls.
TEST_F(PlanSwitch, ReadersAndAWriterAtOnce) {
  const plan small = of_size(1), large = of_size(2);
  const auto of_small = output(small), of_large = output(large);
  plan_switch serving(of_size(1));
  std::atomic<bool> done{false};
  std::atomic<int> torn{0}, backwards{0}, reads{0};
  const auto read = [&] {
    std::uint64_t last = 0;
    while (!done.load()) {
      const auto p = serving.read();
      const auto y = p->try_run(net_, x_.all());
      const bool odd = p.version() % 2 == 1;
      if (!y || !support::same_output(*y, odd ? of_small : of_large)) torn.fetch_add(1);
      if (p.version() < last) backwards.fetch_add(1);
      last = p.version();
      reads.fetch_add(1);
    }
  };
  std::thread first(read), second(read);
  std::uint64_t version = 1;
  for (int i = 0; i < 500 || reads.load() < 500; ++i)
    if (const auto swapped = serving.try_swap(of_size(version % 2 == 1 ? 2.0F : 1.0F))) version = *swapped;
  done.store(true);
  first.join(), second.join();
  std::printf("%d reads across %d swaps\n", reads.load(), static_cast<int>(version) - 1);
  EXPECT_EQ(torn.load(), 0);
  EXPECT_EQ(backwards.load(), 0);
  EXPECT_GT(version, 100U);
}

}  // namespace plan_switch_test
