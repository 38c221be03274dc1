// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Calibrates on a stream in two shards, as two processes would: each saves its histogram, and the merged one has the
// bytes of a single pass. Then a range is chosen from it, with and without the outliers.
#include <cstddef>
#include <cstdio>
#include <random>
#include <span>
#include <vector>

#include <dyadic/dyadic.hpp>

namespace {

constexpr unsigned batches = 40;

/// Batch i of the stream: 5000 bell-shaped activations in (-1, 3), and one far outlier.
std::vector<float> batch(unsigned i) {
  std::mt19937 random(i);
  std::vector<float> x;
  for (int n = 0; n < 5000; ++n) {
    unsigned sum = 0;
    for (int k = 0; k < 4; ++k) sum += static_cast<unsigned>(random() % 4096);
    x.push_back(static_cast<float>(sum) / 4096.0f - 1.0f);
  }
  x.push_back(10.0f + static_cast<float>(i));
  return x;
}

/// What one process sees of the stream, as the bytes it would send or store.
std::vector<std::byte> observe(unsigned first, unsigned last) {
  dyadic::histogram seen;
  for (unsigned i = first; i < last; ++i) seen.observe(batch(i));
  return seen.save();
}

/// Prints the params that a range gives and what they do to the stream; returns the clipped share.
double report(const char* name, const dyadic::range& r) {
  const dyadic::chosen c = dyadic::choose<dyadic::u8_per_tensor>(r);
  dyadic::clip_count clipped;
  for (unsigned i = 0; i < batches; ++i)
    clipped += dyadic::quantize<dyadic::u8_per_tensor>(batch(i), {c.scale, c.zero_point}).clipped();
  std::printf("%-16s [%8.4f, %8.4f] %10.6f %11d %9.4f %%\n", name, static_cast<double>(r.lo), static_cast<double>(r.hi),
              static_cast<double>(c.scale), c.zero_point, 100 * clipped.clipped_fraction());
  return clipped.clipped_fraction();
}

}  // namespace

int main() {
  const std::vector<std::byte> one_pass = observe(0, batches), shard_a = observe(0, 13), shard_b = observe(13, batches);

  dyadic::histogram merged;
  for (const auto* shard : {&shard_b, &shard_a}) {  // in any order
    const dyadic::result<dyadic::histogram> loaded = dyadic::histogram::try_load(*shard);
    if (!loaded) return std::fprintf(stderr, "%s\n", loaded.error().message()), 1;
    merged.merge(*loaded);
  }
  const bool same = merged.save() == one_pass;
  std::printf("histogram        %llu numbers in %zu bins of width 2^%d\n",
              static_cast<unsigned long long>(merged.seen().finite), merged.counts().size(), merged.exponent());
  std::printf("shards           %zu and %zu bytes, merged the %zu bytes of one pass: %s\n", shard_a.size(),
              shard_b.size(), one_pass.size(), same ? "yes" : "NO");

  // A state is checked when it is loaded: a shard cut short in transit is refused, never merged.
  const auto cut = dyadic::histogram::try_load(std::span(shard_a).first(shard_a.size() - 8));
  std::printf("one cut short    %s\n\n", cut ? "LOADED" : cut.error().message());

  std::printf("%-16s %20s %10s %11s %11s\n", "range", "", "scale", "zero point", "clipped");
  const double all = report("min-max", dyadic::range_min_max(merged));
  const double most = report("99.9 percentile", dyadic::range_percentile(merged, 99.9));
  return same && !cut && all == 0 && most > 0 && most <= 0.001 ? 0 : 1;
}
