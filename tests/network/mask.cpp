// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// What a mask says of sites and channels, and which masks a plan refuses. What it does to a run: simulated.cpp.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include <dyadic/network/calibrate.hpp>

#include "support/data.hpp"

namespace mask_test {

using dyadic::site_mask;
using support::text_of;

TEST(Mask, SaysWhatIsOn) {
  const std::vector<std::uint8_t> bytes{site_mask::off, site_mask::on, site_mask::activations, site_mask::weights},
      some{1, 0, 2};
  const site_mask all, mask(bytes), narrow = mask.channels(2, some);
  for (int s = 0; s < 4; ++s) {
    EXPECT_TRUE(all.activations_on(s) && all.weights_on(s) && all.channel_on(s, 99));
    EXPECT_EQ(mask.activations_on(s), s == 1 || s == 2) << s;
    EXPECT_EQ(mask.weights_on(s), s == 1 || s == 3) << s;
    EXPECT_EQ(narrow.activations_on(s), mask.activations_on(s)) << s;
  }
  EXPECT_EQ(mask.narrowed(), -1);
  EXPECT_EQ(narrow.narrowed(), 2);
  EXPECT_TRUE(narrow.channel_on(2, 0) && !narrow.channel_on(2, 1) && narrow.channel_on(2, 2));
  EXPECT_TRUE(narrow.channel_on(1, 1)) << "other sites keep all their channels";
}

TEST(Mask, IsOfThePlan) {
  const std::vector<float> w{1, 0, 0, 1, 1, 1}, seen{1, 2, 3, 4};
  const auto fc = dyadic::linear::try_make({w.data(), 3, 2}, {}, "fc");
  const auto net = [&](const auto& t) { return max_pool((*fc)(t), {1, 1}); };
  const dyadic::batch x{{seen.data(), 2, 2}};
  const auto made = dyadic::try_calibrate(net, std::array{x});
  ASSERT_TRUE(made) << text_of(made);
  const auto text = [&](const dyadic::site_mask& mask) { return text_of(made->try_simulate(net, x, mask)); };
  const std::vector<std::uint8_t> four(4, 1), three(3, 1), strange{1, 4, 1};
  EXPECT_EQ(text(four), "simulate: 4 entries for 3 sites");
  EXPECT_EQ(text(strange), "simulate: byte 4 for site 1, expected 0 to 3");
  EXPECT_EQ(text(dyadic::site_mask().channels(3, three)), "simulate: channels of site 3, expected one of 3 sites");
  EXPECT_EQ(text(dyadic::site_mask().channels(-2, three)), "simulate: channels of site -2, expected one of 3 sites");
  EXPECT_EQ(text(dyadic::site_mask().channels(2, three)),
            "simulate: channels of site 2, which has the codes of site 1");
  EXPECT_EQ(text(dyadic::site_mask().channels(1, four)), "simulate: 4 channels of site 1, expected 3");
  EXPECT_EQ(text(dyadic::site_mask().channels(1, {})), "simulate: 0 channels of site 1, expected 3");
  EXPECT_EQ(text(dyadic::site_mask().channels(1, three)), "no failure");
}

}  // namespace mask_test
