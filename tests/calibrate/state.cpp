// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include <dyadic/calibrate/histogram.hpp>
#include <dyadic/calibrate/mean_min_max.hpp>
#include <dyadic/calibrate/mean_quantile.hpp>
#include <dyadic/calibrate/moving_average_min_max.hpp>
#include <dyadic/calibrate/per_row.hpp>
#include <dyadic/calibrate/uniform_histogram.hpp>

#include "support/data.hpp"

namespace state_test {

using namespace dyadic;
using support::text_of;
using Bytes = std::vector<std::byte>;

/// The same bytes with a checksum that is right again: what a deliberate forger would write.
Bytes signed_again(Bytes bytes) {
  if (bytes.size() < 8) return bytes;
  const std::uint64_t sum = detail::fnv1a(std::span<const std::byte>(bytes).first(bytes.size() - 8));
  for (std::size_t b = 0; b < 8; ++b) bytes[bytes.size() - 8 + b] = static_cast<std::byte>(sum >> (8 * b) & 0xFF);
  return bytes;
}

/// Either a refusal as a bad format, or an observer that would have been saved as exactly these bytes.
template <class Observer>
bool refused_or_valid(const Bytes& bytes) {
  const result<Observer> loaded = Observer::try_load(bytes);
  if (loaded) return loaded->save() == bytes;
  return loaded.error().code() == errc::bad_format && loaded.error().message()[0] != 0;
}

template <class Observer>
void try_every_change(const Observer& o) {
  const Bytes saved = o.save();
  ASSERT_TRUE(Observer::try_load(saved));
  EXPECT_EQ(Observer::try_load(saved)->save(), saved);
  for (std::size_t size = 0; size < saved.size(); ++size) {
    const Bytes cut(saved.begin(), saved.begin() + static_cast<std::ptrdiff_t>(size));
    ASSERT_FALSE(Observer::try_load(cut)) << size;
    ASSERT_TRUE(refused_or_valid<Observer>(signed_again(cut))) << size;
  }
  for (const std::size_t more : {1U, 7U, 8U, 100U}) {
    Bytes longer = saved;
    longer.resize(saved.size() + more);
    ASSERT_FALSE(Observer::try_load(longer));
    ASSERT_FALSE(Observer::try_load(signed_again(longer)));
  }
  std::size_t accepted = 0;
  for (std::size_t at = 0; at < saved.size(); ++at)
    for (int change = 1; change < 256; ++change) {
      Bytes changed = saved;
      changed[at] ^= static_cast<std::byte>(change);
      ASSERT_FALSE(Observer::try_load(changed)) << at << ' ' << change;
      const Bytes forged = signed_again(changed);
      ASSERT_TRUE(refused_or_valid<Observer>(forged)) << at << ' ' << change;
      if (Observer::try_load(forged)) ++accepted;
    }
  EXPECT_GT(accepted, 0U) << "a count of NaN can be any number, so some forgeries are valid states";
}

TEST(State, RefusesEveryTruncationAndEveryChangedByteOfMinMax) {
  min_max o;
  try_every_change(o);
  o.observe(std::vector<float>{-1.5F, 3.0F, std::numeric_limits<float>::quiet_NaN()});
  try_every_change(o);
}

TEST(State, RefusesEveryTruncationAndEveryChangedByteOfAHistogram) {
  histogram o(8);
  try_every_change(o);
  o.observe(std::vector<float>{-1.5F, 3.0F, 0.1F, 0.2F, std::numeric_limits<float>::infinity()});
  try_every_change(o);
  histogram one;
  one.observe(std::vector<float>{0x1p-149F});
  try_every_change(one);
}

TEST(State, RefusesEveryTruncationAndEveryChangedByteOfTheOthers) {
  const std::vector<float> x{-1.5F, 3.0F, 0.1F, 0.2F, std::numeric_limits<float>::infinity()};
  mean_min_max mean;
  mean_quantile quantile(0.25, 0.75);
  uniform_histogram bins({-1.0F, 2.0F}, 5, binning::torch);
  try_every_change(mean);
  try_every_change(quantile);
  try_every_change(bins);
  for (int batch = 0; batch < 3; ++batch) mean.observe(x), quantile.observe(x), bins.observe(x);
  try_every_change(mean);
  try_every_change(quantile);
  try_every_change(bins);
  per_row<min_max> rows;
  try_every_change(rows);
  rows.observe(strided<const float>(x.data(), 2, 2));
  try_every_change(rows);
  per_row<moving_average_min_max> averages(2, moving_average_min_max(0.5F));
  averages.observe(strided<const float>(x.data(), 2, 2));
  try_every_change(averages);
  per_row<histogram> histograms(2, histogram(4));
  histograms.observe(strided<const float>(x.data(), 2, 2));
  try_every_change(histograms);
}

TEST(State, SurvivesBytesOfNoise) {
  std::mt19937_64 random(1);
  histogram h(4);
  h.observe(std::vector<float>{1.0F, 2.0F, -3.0F});
  const Bytes saved = h.save();
  for (int n = 0; n < 20'000; ++n) {
    Bytes noise(random() % 150);
    for (std::byte& b : noise) b = static_cast<std::byte>(random() & 0xFF);
    ASSERT_TRUE(refused_or_valid<histogram>(noise));
    ASSERT_TRUE(refused_or_valid<min_max>(noise));
    ASSERT_TRUE(refused_or_valid<mean_quantile>(noise));
    ASSERT_TRUE(refused_or_valid<uniform_histogram>(noise));
    ASSERT_TRUE(refused_or_valid<per_row<histogram>>(noise));
    Bytes mixed = saved;  // right tag and version, so that the fields are reached
    for (int change = 0; change < 6; ++change)
      mixed[8 + random() % (mixed.size() - 16)] = static_cast<std::byte>(random() & 0xFF);
    ASSERT_TRUE(refused_or_valid<histogram>(signed_again(mixed)));
  }
}

TEST(State, SaysWhatIsWrong) {
  histogram h(4);
  h.observe(std::vector<float>{1.0F, 2.0F, -3.0F});
  const Bytes saved = h.save();
  const auto text_with = [&](std::size_t at, int value) {
    Bytes changed = saved;
    changed[at] = static_cast<std::byte>(value);
    return text_of(histogram::try_load(signed_again(changed)));
  };
  EXPECT_EQ(text_of(histogram::try_load(Bytes(5))), "histogram: 5 bytes, expected at least 16");
  EXPECT_EQ(text_of(min_max::try_load(saved)), "min_max: tag 1397250372, expected 1296914756");
  EXPECT_EQ(text_with(4, 2), "histogram: version 2, expected 1");
  Bytes flipped = saved;
  flipped[40] ^= std::byte{1};
  EXPECT_EQ(text_of(histogram::try_load(flipped)),
            "histogram: the checksum of the " + std::to_string(saved.size()) + " bytes is wrong");
  EXPECT_EQ(text_with(8, 1), "histogram: 1 bins, expected 2 to 1048576");
  EXPECT_EQ(text_with(12, 5), "histogram: 4 bins from -2 of width 2^5, expected 4 from -2 of width 2^1");
  EXPECT_EQ(text_with(32, 0x7F), "histogram: the bins hold 3 of 127 numbers");
  EXPECT_EQ(text_with(64, 100), "histogram: the bins hold more than 3 numbers");
  Bytes cut = saved;
  cut.resize(saved.size() - 8);
  EXPECT_EQ(text_of(histogram::try_load(signed_again(cut))), "histogram: 24 bytes left, expected at least 32");
  Bytes longer = saved;
  longer.resize(saved.size() + 8);
  EXPECT_EQ(text_of(histogram::try_load(signed_again(longer))), "histogram: 8 bytes after the end, expected 0");
}

TEST(State, RefusesWhatNoDataGive) {
  const auto with = [](Bytes bytes, std::initializer_list<std::pair<std::size_t, int>> changes) {
    for (const auto& [at, value] : changes) bytes[at] = static_cast<std::byte>(value);
    return signed_again(bytes);
  };
  min_max o;
  o.observe(std::vector<float>{0.0F, 2.0F});
  EXPECT_TRUE(min_max::try_load(with(o.save(), {{24, 9}})));
  EXPECT_EQ(text_of(min_max::try_load(with(o.save(), {{11, 0x80}}))),
            "min_max: [-0, 2] is not the extent of 2 numbers");
  EXPECT_EQ(text_of(min_max::try_load(with(o.save(), {{16, 1}}))), "min_max: [0, 2] is not the extent of 1 numbers");
  EXPECT_EQ(text_of(min_max::try_load(with(o.save(), {{16, 0}}))), "min_max: [0, 2] is not the extent of 0 numbers");
  EXPECT_EQ(text_of(min_max::try_load(with(o.save(), {{11, 0x41}}))), "min_max: [8, 2] is not the extent of 2 numbers");
  EXPECT_EQ(text_of(min_max::try_load(with(o.save(), {{14, 0x80}, {15, 0x7F}}))),
            "min_max: [0, inf] is not the extent of 2 numbers");
  EXPECT_EQ(text_of(min_max::try_load(with(o.save(), {{23, 0xFF}, {31, 0xFF}}))), "min_max: counts exceed 2^64");

  histogram h(4);  // bins of 2 from -4: one number each in [-4, -2), [0, 2) and [2, 4)
  h.observe(std::vector<float>{-3.0F, 1.0F, 2.0F});
  const Bytes saved = h.save();
  const char* nowhere = "histogram: no number counted where the least or the greatest is";
  EXPECT_TRUE(histogram::try_load(with(saved, {{72, 1}, {80, 0}})));
  EXPECT_EQ(text_of(histogram::try_load(with(saved, {{64, 0}, {72, 1}}))), nowhere);
  EXPECT_EQ(text_of(histogram::try_load(with(saved, {{72, 1}, {88, 0}}))), nowhere);
}

TEST(State, SaysWhatIsWrongWithTheOthers) {
  const auto with = [](Bytes bytes, std::size_t at, int value) {
    bytes[at] = static_cast<std::byte>(value);
    return signed_again(bytes);
  };
  const std::vector<float> x{-1.0F, 1.0F, 2.0F};
  mean_min_max mean;
  mean.observe(x);
  EXPECT_EQ(text_of(mean_min_max::try_load(with(mean.save(), 48, 4))), "mean_min_max: 4 batches of 3 numbers together");
  EXPECT_EQ(text_of(mean_min_max::try_load(with(mean.save(), 48, 0))), "mean_min_max: 0 batches of 3 numbers together");
  EXPECT_EQ(text_of(mean_min_max::try_load(with(mean.save(), 74, 0))),
            "mean_min_max: mean ends [-8, 2] of batches in [-1, 2]");
  mean_quantile quantile(0.5, 1.0);
  quantile.observe(x);
  EXPECT_EQ(text_of(mean_quantile::try_load(with(quantile.save(), 23, 0x40))),
            "mean_quantile: quantiles 0.5 and 65536, expected 0 <= low <= high <= 1");
  uniform_histogram bins({0.0F, 2.0F}, 2, binning::numpy);
  bins.observe(x);
  EXPECT_EQ(text_of(uniform_histogram::try_load(with(bins.save(), 16, 3))),
            "uniform_histogram: rule 3, expected 0 to 2");
  EXPECT_EQ(text_of(uniform_histogram::try_load(with(bins.save(), 64, 0))),
            "uniform_histogram: the bins and 0 outside do not hold 3 numbers in [-1, 2]");
  EXPECT_EQ(text_of(uniform_histogram::try_load(with(bins.save(), 15, 0xC0))),
            "range: [0, -2] given, expected finite ends with lo <= hi");
  EXPECT_EQ(text_of(uniform_histogram::try_load(with(bins.save(), 11, 0x80))),
            "uniform_histogram: an end of the range is -0, expected +0");
  per_row<min_max> rows(2);
  EXPECT_EQ(text_of(per_row<mean_min_max>::try_load(rows.save())),
            "per_row: rows of tag 1296914756, expected 1162697028");
  EXPECT_EQ(text_of(per_row<min_max>::try_load(with(rows.save(), 14, 1))), "per_row: 65538 rows in 120 bytes");
  per_row<histogram> histograms(1, histogram(4));
  EXPECT_EQ(text_of(per_row<histogram>::try_load(with(histograms.save(), 20, 5))),
            "per_row: row 0 has other settings: histogram: merging one of 4 bins into one of 5, expected the same");
  detail::state_writer out(per_row<moving_average_min_max>::state_tag);
  out.put("observer", moving_average_min_max::state_tag);
  out.put("rows", std::uint64_t{1});
  moving_average_min_max(0.5F).write(out), moving_average_min_max(0.25F).write(out);
  EXPECT_EQ(text_of(per_row<moving_average_min_max>::try_load(out.finish())),
            "per_row: row 0 has other settings: moving average: constant 0.25, expected 0.5");
}

TEST(State, DoesNotAllocateWhatAFileClaims) {
  // 2^20 bins claimed by a hundred bytes: refused by the length, before the bins are made.
  histogram h(histogram::most_bins);
  h.observe(std::vector<float>{-1.0F, 1.0F});
  Bytes saved = h.save();
  saved.resize(100);
  EXPECT_EQ(histogram::try_load(signed_again(saved)).error().code(), errc::bad_format);
}

/// The layout on disk, byte by byte: it must not change without a new version.
TEST(State, HasAFixedLayout) {
  min_max o;
  o.observe(std::vector<float>{-1.0F, 2.0F});
  const unsigned char expected[] = {'D', 'Y', 'M', 'M',  1, 0, 0, 0, 0, 0, 0x80, 0xBF,
                                    0,   0,   0,   0x40, 2, 0, 0, 0, 0, 0, 0,    0};
  const Bytes saved = o.save();
  ASSERT_EQ(saved.size(), 56U);
  for (std::size_t b = 0; b < sizeof expected; ++b) EXPECT_EQ(std::to_integer<int>(saved[b]), expected[b]) << b;
  for (std::size_t b = sizeof expected; b < 48; ++b) EXPECT_EQ(std::to_integer<int>(saved[b]), 0) << b;
}

}  // namespace state_test
