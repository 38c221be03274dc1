// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <dyadic/trust/overflow.hpp>

#include <dyadic/network/calibrate.hpp>

#include <array>
#include <cmath>
#include <string>

#include <gtest/gtest.h>

#include "support/networks.hpp"
#include "support/random_network.hpp"

namespace overflow_test {

using dyadic::accumulator_certificate;
using dyadic::index_t;
using dyadic::plan;
using support::integers;

/// Layers of all kinds of weights: groups of channels, groups of a row, bias or none.
dyadic::result<plan> make_plan(std::uint64_t seed, dyadic::activation_scales activations) {
  integers random(seed);
  const support::images x = support::make_images(random, 4, 5, 5, 4);
  const auto conv = support::make_conv2d(random, 4, 32, {.size = {3, 2}, .padding = {1, 0}}, 2, true, "conv");
  const auto fc = support::make_linear(random, 5 * 4 * 32, 9, seed % 2 == 0, "fc");
  const dyadic::scheme weights = support::weight_forms[seed % std::size(support::weight_forms)];
  const dyadic::scheme small = weights.per == dyadic::granularity::per_group ? dyadic::s8_per_row : weights;
  return dyadic::try_calibrate([&](const auto& t) { return fc(relu(conv(t))); }, std::array{x.all()},
                               {.activations = activations, .weights = weights, .except = {{"conv", small}}});
}

TEST(Overflow, CertifiesWhatTheCodesSay) {
  for (std::uint64_t seed = 0; seed < 12; ++seed)
    for (const auto activations : {dyadic::activation_scales::static_, dyadic::activation_scales::dynamic}) {
      const auto p = make_plan(seed, activations);
      ASSERT_TRUE(p) << p.error().message();
      const auto found = dyadic::try_check_accumulators(*p);
      ASSERT_TRUE(found) << found.error().message();
      ASSERT_EQ(found->size(), std::size_t{3}) << "two groups of channels and a linear layer";
      for (const accumulator_certificate& c : *found) {
        EXPECT_EQ(c.reach, c.row_sum * c.largest_x + c.bias);
        EXPECT_LE(c.reach, c.limit);
        EXPECT_GT(c.reach, 0);
        // value() is scale * (code - zero point), the row's sum of sizes in steps of the scale.
        const auto& part = p->weights(c.site)->packed.parts[static_cast<std::size_t>(c.group)];
        if (part.grouped()) continue;
        double sizes = 0;
        for (index_t k = 0; k < part.cols(); ++k)
          sizes += std::abs(static_cast<double>(part.value(c.row, k)) / static_cast<double>(part.scale(c.row)));
        EXPECT_NEAR(sizes, static_cast<double>(c.row_sum), 1e-4 * sizes);
      }
    }
}

// Any single code that is not the packed one is noticed: the sum of its row is stored.
TEST(Overflow, AnyChangedCodeIsNoticed) {
  integers random(5);
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const auto p = make_plan(seed, dyadic::activation_scales::static_);
    ASSERT_TRUE(p);
    for (int s = 0; s < static_cast<int>(p->sites().size()); ++s) {
      const dyadic::site_weights* w = p->weights(s);
      for (std::size_t g = 0; w != nullptr && g < w->packed.parts.size(); ++g) {
        const dyadic::packed_weights& part = w->packed.parts[g];
        const dyadic::simd::weights_view& v = part.view();
        for (int repeat = 0; repeat < 20; ++repeat) {
          const index_t i = random.in(0, part.rows() - 1), k = random.in(0, part.cols() - 1);
          const std::int32_t before = part.whole(i, k);
          // The bit of element (i, k), found by trying: a byte holds one code, or two.
          auto* bytes = const_cast<std::uint8_t*>(v.panels);
          index_t at = 0;
          int bit = 0;
          while (true) {
            bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1 << bit));
            if (part.whole(i, k) != before) break;
            bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1 << bit));
            bit = 4 - bit;
            at += bit == 0 ? 1 : 0;
            ASSERT_LT(at, v.panel_count() * v.panel_bytes());
          }
          const auto found = dyadic::try_check_accumulators(*p);
          bytes[at] = static_cast<std::uint8_t>(bytes[at] ^ (1 << bit));
          ASSERT_FALSE(found) << "site " << s << ", code (" << i << ", " << k << ")";
          EXPECT_EQ(found.error().code(), dyadic::errc::overflow);
          EXPECT_NE(std::string(found.error().message()).find(p->sites()[static_cast<std::size_t>(s)].name.c_str()),
                    std::string::npos);
        }
      }
    }
  }
}

}  // namespace overflow_test
