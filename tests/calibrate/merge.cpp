// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A thousand random splits, orders and merge trees of the same data, for every observer that merges: the same bytes.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include <dyadic/calibrate/histogram.hpp>
#include <dyadic/calibrate/mean_min_max.hpp>
#include <dyadic/calibrate/mean_quantile.hpp>
#include <dyadic/calibrate/moving_average_min_max.hpp>
#include <dyadic/calibrate/per_row.hpp>
#include <dyadic/calibrate/state_text.hpp>
#include <dyadic/calibrate/uniform_histogram.hpp>

#include "support/data.hpp"

namespace merge_test {

using namespace dyadic;
using Floats = std::vector<float>;

static_assert(mergeable_observer<min_max> && mergeable_observer<histogram> && mergeable_observer<mean_min_max> &&
              mergeable_observer<mean_quantile> && mergeable_observer<uniform_histogram>);
static_assert(observer<moving_average_min_max> && !mergeable_observer<moving_average_min_max>);

/// 36 batches of 2 x 8 numbers of very different sizes, some of them not finite.
std::vector<Floats> batches() {
  std::mt19937_64 random(1);
  std::vector<Floats> all(36, Floats(16));
  for (Floats& batch : all)
    for (float& v : batch)
      v = random() % 20 == 0  ? std::numeric_limits<float>::quiet_NaN()
          : random() % 4 == 0 ? support::any_finite(random)
                              : static_cast<float>(random() % 2000) / 1000.0F - 1.0F;
  all[3].assign(16, std::numeric_limits<float>::infinity());
  return all;
}

template <class Observer>
void thousand_splits(const Observer& empty) {
  const std::vector<Floats> data = batches();
  Observer once = empty;
  for (const Floats& batch : data) once.observe(strided<const float>(batch.data(), 2, 8));
  const std::vector<std::byte> expected = once.save();
  std::mt19937_64 random(2);
  for (int n = 0; n < 1000; ++n) {
    std::vector<std::size_t> order(data.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::shuffle(order.begin(), order.end(), random);
    std::vector<Observer> shards(1 + random() % 12, empty);
    for (const std::size_t i : order)
      shards[random() % shards.size()].observe(strided<const float>(data[i].data(), 2, 8));
    while (shards.size() > 1) {
      const std::size_t into = random() % shards.size();
      std::size_t from = random() % shards.size();
      if (from == into) from = (from + 1) % shards.size();
      // Some go through a file on their way.
      if (n % 5 == 0 && random() % 3 == 0) shards[from] = *Observer::try_load(shards[from].save());
      if (n % 5 == 1 && random() % 3 == 0) shards[from] = *try_load_text<Observer>(save_text(shards[from]));
      ASSERT_TRUE(shards[into].try_merge(shards[from]));
      shards.erase(shards.begin() + static_cast<std::ptrdiff_t>(from));
    }
    ASSERT_EQ(shards[0].save(), expected) << n;
  }
}

TEST(Merge, MinMax) { thousand_splits(min_max()); }
TEST(Merge, Histogram) { thousand_splits(histogram(64)); }
TEST(Merge, MeanMinMax) { thousand_splits(mean_min_max()); }
TEST(Merge, MeanQuantile) { thousand_splits(mean_quantile(0.1, 0.9)); }
TEST(Merge, UniformHistogram) {
  thousand_splits(uniform_histogram({-1.0F, 0.75F}, 20, binning::numpy));
  thousand_splits(uniform_histogram({-0.5F, 1.0F}, 20, binning::torch));
}
TEST(Merge, PerRow) {
  thousand_splits(per_row<min_max>());
  thousand_splits(per_row<histogram>(2, histogram(16)));
  thousand_splits(per_row<mean_min_max>());
  thousand_splits(per_row<mean_quantile>(2, mean_quantile(0.0, 0.5)));
  thousand_splits(per_row<uniform_histogram>(2, uniform_histogram({-1.0F, 1.0F}, 5, binning::torch_1)));
}

}  // namespace merge_test
