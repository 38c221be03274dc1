// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// All 2^32 floats through the vector quantizers of every instruction set, for a dozen parameter sets: the target
// check_exhaustive. About two minutes a set and core.
#include <cstdio>
#include <mutex>
#include <thread>
#include <vector>

#include "quantize/every_float.hpp"

int main() {
  const std::vector<std::string> isas = support::isas();
  std::printf("instruction sets:");
  for (const std::string& isa : isas) std::printf(" %s", isa.c_str());
  std::printf("\n");
  const unsigned threads = std::thread::hardware_concurrency() > 0 ? std::thread::hardware_concurrency() : 1;
  std::uint64_t wrong = 0;
  std::mutex forcing;  // compare() forces instruction sets while it looks their functions up
  every_float::for_each_setting([&](const auto& setting) {
    std::vector<every_float::tally> all(threads);
    std::vector<std::thread> running;
    const std::uint64_t share = (std::uint64_t{1} << 32) / threads + 1;
    for (unsigned i = 0; i < threads; ++i)
      running.emplace_back([&, i] {
        const std::uint64_t first = i * share, end = std::uint64_t{1} << 32;
        all[i] = every_float::compare(setting, first, end - first < share ? end - first : share, 1, isas, &forcing);
      });
    for (std::thread& t : running) t.join();
    every_float::tally sum;
    for (const every_float::tally& t : all)
      sum.tried += t.tried, sum.different += t.different, sum.counts_different += t.counts_different;
    std::printf("%-44s %llu floats x %zu, %llu blocks different, %llu counts different\n", setting.name,
                static_cast<unsigned long long>(sum.tried / isas.size()), isas.size(),
                static_cast<unsigned long long>(sum.different), static_cast<unsigned long long>(sum.counts_different));
    std::fflush(stdout);
    wrong += sum.different + sum.counts_different;
  });
  return wrong == 0 ? 0 : 1;
}
