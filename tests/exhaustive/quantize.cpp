// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All 2^32 floats through the vector quantizers of every instruction set: half a minute a parameter set and core.
#include <gtest/gtest.h>

#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

#include "quantize/every_float.hpp"

namespace exhaustive_quantize_test {

TEST(Exhaustive, EveryFloatQuantizesAsQuantizeOne) {
  const std::vector<std::string> isas = support::isas();
  support::show_isas();
  const unsigned threads = std::thread::hardware_concurrency() > 0 ? std::thread::hardware_concurrency() : 1;
  std::mutex forcing;  // compare() forces instruction sets while it looks their functions up
  every_float::for_each_setting([&](const auto& setting) {
    std::vector<every_float::tally> all(threads);
    std::vector<std::thread> running;
    const std::uint64_t end = std::uint64_t{1} << 32, share = end / threads + 1;
    for (unsigned i = 0; i < threads; ++i)
      running.emplace_back([&, i] {
        const std::uint64_t first = i * share;
        all[i] = every_float::compare(setting, first, end - first < share ? end - first : share, 1, isas, &forcing);
      });
    for (std::thread& t : running) t.join();
    every_float::tally sum;
    for (const every_float::tally& t : all)
      sum.tried += t.tried, sum.different += t.different, sum.counts_different += t.counts_different;
    std::printf("%-44s %llu floats x %zu\n", setting.name, static_cast<unsigned long long>(sum.tried / isas.size()),
                isas.size());
    std::fflush(stdout);
    EXPECT_EQ(sum.tried, end * isas.size());
    EXPECT_EQ(sum.different, 0U) << "blocks of " << setting.name;
    EXPECT_EQ(sum.counts_different, 0U) << "blocks of " << setting.name;
  });
}

}  // namespace exhaustive_quantize_test
