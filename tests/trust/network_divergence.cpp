// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The divergence of a network is that of its logits.
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include <dyadic/trust/network_divergence.hpp>

#include "support/data.hpp"
#include "support/demo.hpp"

namespace network_divergence_test {

using support::text_of;

TEST(NetworkDivergence, IsThatOfTheLogits) {
  const auto net = support::load_demo_network();
  const support::images sample = support::demo_images("train", 64), x = support::demo_images("t10k", 30);
  for (const auto activations : {dyadic::activation_scales::static_, dyadic::activation_scales::dynamic}) {
    const auto plan = dyadic::calibrate(net, std::array{sample.all()}, {.activations = activations});
    const auto real = plan.run_real(net, x.all()), quantized = plan.run(net, x.all());
    const auto expected = dyadic::divergence_of(real.matrix(), quantized.matrix());
    const auto found = dyadic::measure_divergence(net, plan, std::array{x.some(0, 10), x.some(10, 20)});
    EXPECT_EQ(found.rows, expected.rows);
    EXPECT_EQ(found.same_top, expected.same_top);
    EXPECT_GT(found.mean, 0);
    EXPECT_LT(found.mean, 0.01);
  }
}

TEST(NetworkDivergence, WhatDoesNotFitIsRefused) {
  const auto net = support::load_demo_network();
  const support::images x = support::demo_images("t10k", 4);
  const auto plan = dyadic::calibrate(net, std::array{x.all()});
  EXPECT_EQ(text_of(dyadic::try_measure_divergence(net, plan, std::vector<dyadic::batch>())),
            "divergence: 0 rows, expected at least 1");
  const auto shorter = [&](const auto& t) { return relu(net.conv1(t)); };
  EXPECT_EQ(dyadic::try_measure_divergence(shorter, plan, std::array{x.all()}).error().code(),
            dyadic::errc::wrong_site);
}

}  // namespace network_divergence_test
