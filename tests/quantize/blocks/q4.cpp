// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <cmath>

#include "quantize/blocks/formats.hpp"
#include "support/distributions.hpp"
#include "support/isas.hpp"

namespace q4_test {

using namespace dyadic;
namespace trellis = detail::q4_trellis;

struct carry_of {
  template <class Isa>
  static auto of() noexcept {
    return &simd::runs_of<Isa>::carry;
  }
};
using Floats = std::vector<float>;

/// What the trellis must be for the gain it is used for.
TEST(Q4, TheTrellisIsOne) {
  for (int s = 0; s < trellis::states; ++s) {
    EXPECT_EQ(std::abs(trellis::subset(s, 0) - trellis::subset(s, 1)), 2) << "out of a state: 0 and 2, or 1 and 3";
    const int bit = s % 2, low = s / 2, high = low + 4;
    EXPECT_EQ(trellis::next(low, bit), s);
    EXPECT_EQ(trellis::next(high, bit), s);
    EXPECT_EQ(std::abs(trellis::subset(low, bit) - trellis::subset(high, bit)), 2) << "and into one";
  }
  for (int i = 0; i < 32; ++i) {
    EXPECT_EQ(trellis::levels[i], -trellis::levels[31 - i]);
    if (i > 0) {
      EXPECT_GT(trellis::levels[i], trellis::levels[i - 1]);
    }
  }
}

TEST(Q4, DecodesByHand) {
  q4::block b{};
  b.scale = bfloat16_from(2048.0F);
  b.steps[0] = 0x0F;  // sub-block 0: step 16; sub-block 1: none
  b.codes[0] = 0x8F;  // bit 1, member 7; then bit 1, member 0
  b.codes[1] = 0x03;
  b.codes[8] = 0x7F;
  const Floats y = block_formats::numbers_of<q4>(b);
  // State 0, bit 1: subset 2, level 30. State 1, bit 1: subset 2 * (1 ^ 1) = 0, level 0. State 3, bit 0: b0 ^ b1 = 1,
  // b2 = 1: subset 3, level 15. State 6, bit 0: b1 = 0, b2 = 1, b3 = 1: subset 3, level 3.
  EXPECT_EQ(y[0], 16.0F * static_cast<float>(trellis::levels[30]));
  EXPECT_EQ(y[1], 16.0F * static_cast<float>(trellis::levels[0]));
  EXPECT_EQ(y[2], 16.0F * static_cast<float>(trellis::levels[15]));
  EXPECT_EQ(y[3], 16.0F * static_cast<float>(trellis::levels[3]));
  EXPECT_EQ(y[16], 0.0F);
}

/// The least error there is for the first sub-block, given its step and scale, over all paths: 2^48 of them, cut down
/// by dynamic programming in doubles over states, without the encoder's shortcuts.
double least_error(const Floats& x, double scale, int first, int count) {
  std::vector<double> cost(trellis::states, INFINITY);
  cost[0] = 0.0;
  for (int k = first / 16; k < (first + count) / 16; ++k) {
    std::vector<double> best(trellis::states, INFINITY);
    for (int nibble = 0; nibble < 16; ++nibble) {
      const double unit = scale * (nibble == 0 ? 0 : nibble + 1) / 2048.0;
      std::vector<double> now = cost;
      for (int t = 16 * k; t < 16 * k + 16; ++t) {
        std::vector<double> after(trellis::states, INFINITY);
        for (int s = 0; s < trellis::states; ++s)
          for (int code = 0; code < 16; ++code) {
            const double error = double{x[static_cast<std::size_t>(t)]} - unit * trellis::level(s, code);
            double& to = after[static_cast<std::size_t>(trellis::next(s, code >> 3))];
            to = std::min(to, now[static_cast<std::size_t>(s)] + error * error);
          }
        now = after;
      }
      for (std::size_t s = 0; s < best.size(); ++s) best[s] = std::min(best[s], now[s]);
    }
    cost = best;
  }
  return *std::min_element(cost.begin(), cost.end());
}

TEST(Q4, FindsTheBestCodesAndSteps) {
  const Floats all = support::laplace_numbers(256 * 8, 3);
  for (std::ptrdiff_t at = 0; at < 8; ++at) {
    const Floats x(all.begin() + at * 256, all.begin() + (at + 1) * 256);
    const q4::block b = block_formats::block_of<q4>(x);
    const Floats y = block_formats::numbers_of<q4>(b);
    double error = 0.0;
    for (std::size_t t = 0; t < 256; ++t) error += std::pow(double{x[t]} - double{y[t]}, 2);
    EXPECT_NEAR(error / least_error(x, double{to_float(b.scale)}, 0, 256), 1.0, 1e-5);
  }
}

TEST(Q4, IsNearerToShannonThanTheFormatsOfItsSize) {
  EXPECT_EQ(bits_per_number<q4>, 4.3125);
  const Floats gauss = support::gauss_numbers(1 << 17, 3);
  EXPECT_LT(support::gap_db(bits_per_number<q4>, block_formats::sqnr_on<q4>(gauss)), 2.25);
  EXPECT_GT(block_formats::sqnr_on<q4>(support::laplace_numbers(1 << 16, 4)), 22.2);
  EXPECT_GT(block_formats::sqnr_on<q4>(support::student5_numbers(1 << 16, 5)), 22.1);
}

TEST(Q4, DoesNotDependOnTheSizeOfNumbers) {
  const Floats x = support::gauss_numbers(1 << 12, 6);
  for (const float size : {0x1p-100F, 0x1p-30F, 0x1p100F}) {
    Floats scaled = x;
    for (float& v : scaled) v *= size;
    EXPECT_NEAR(block_formats::sqnr_on<q4>(scaled), block_formats::sqnr_on<q4>(x), 1e-9);
  }
}

TEST(Q4, KeepsSubBlocksOfZeros) {
  Floats x = support::gauss_numbers(256, 7);
  std::fill(x.begin() + 64, x.begin() + 112, 0.0F);
  const Floats y = block_formats::restored<q4>(x);
  for (std::size_t t = 64; t < 112; ++t) EXPECT_EQ(y[t], 0.0F);
}

/// One step and one path at a time, as the algorithm is told in books.
TEST(Q4, CarriesEveryStepAsViterbiDoes) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    const auto numbers = support::gauss_numbers(16, static_cast<unsigned>(round));
    float x[16], weights[16], cost[trellis::states];
    for (std::size_t t = 0; t < 16; ++t) {
      x[t] = round % 5 == 0 ? std::nearbyint(numbers[t] * 8) / 16 : numbers[t] * 0.3F;
      weights[t] = round % 3 == 0 ? 1.0F : static_cast<float>(random() % 100) / 99;
    }
    for (float& c : cost) c = round % 7 == 0 ? (&c == cost ? 0.0F : 0x1p100F) : static_cast<float>(random() % 1000);
    support::for_each_isa([&](const std::string& isa) {
      const default_float_environment environment;
      float carried[trellis::states][16];
      std::uint8_t from[16][16];
      dispatched<carry_of>()(x, weights, cost, carried[0], from[0]);
      for (int nibble = 0; nibble < 16; ++nibble) {
        const int step = trellis::step_of(nibble);
        std::array<float, trellis::states> path;
        std::copy(std::begin(cost), std::end(cost), path.begin());
        for (int t = 0; t < 16; ++t) {
          std::array<float, trellis::states> after;
          int chosen = 0;
          for (int s = 0; s < trellis::states; ++s) {
            float best = 0;
            for (const int before : {s / 2, s / 2 + 4}) {
              const auto& members = trellis::subsets[trellis::subset(before, s % 2)];
              const float u = trellis::units_of(x[t], step > 0 ? step : 1);
              const float error =
                  step > 0 ? (u - members.level[trellis::nearest_member(members, u)]) * static_cast<float>(step) : u;
              const float paid = detail::opaque(error * error * weights[t]),
                          sum = path[static_cast<std::size_t>(before)] + paid;
              if (before == s / 2 || sum < best) best = sum, chosen = (chosen & ~(1 << s)) | (before > 3 ? 1 << s : 0);
            }
            after[static_cast<std::size_t>(s)] = best;
          }
          ASSERT_EQ(static_cast<int>(from[t][nibble]), chosen) << isa << ' ' << nibble << ' ' << t;
          path = after;
        }
        for (std::size_t s = 0; s < path.size(); ++s) ASSERT_EQ(carried[s][nibble], path[s]) << isa << ' ' << nibble;
      }
    });
  }
}

}  // namespace q4_test
