// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A run with a monitor against one without, and what the monitor counted against counting it again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <set>
#include <thread>

#include <dyadic/core/thread_pool.hpp>
#include <dyadic/trust/monitored.hpp>

#include "support/data.hpp"
#include "support/isas.hpp"
#include "support/random_network.hpp"

namespace monitored_test {

using dyadic::image_statistic;
using dyadic::index_t;
using dyadic::monitor;
using dyadic::plan;
using support::images;
using support::integers;
using support::text_of;
using testing::HasSubstr;

/// A random network with its plan, and images that reach beyond what it was calibrated on.
struct trial {
  explicit trial(std::uint64_t seed, index_t count = 24)
      : random(seed),
        seen(support::make_images(random, 6, random.in(3, 9), random.in(3, 9), random.in(1, 7))),
        x(support::make_images(random, count, seen.height, seen.width, seen.channels, 4.0F)),
        net(support::network_maker(random, seen.all().shape()).make(static_cast<int>(random.in(3, 12)))) {}
  plan calibrated() const {
    auto made = dyadic::try_calibrate(net, std::array{seen.all()});
    EXPECT_TRUE(made) << text_of(made);
    return std::move(*made);
  }
  integers random;
  images seen, x;
  support::random_network net;
};

monitor made(const plan& p, const dyadic::monitor_options& how) {
  auto m = monitor::try_make(p, how);
  EXPECT_TRUE(m) << text_of(m);
  return std::move(*m);
}
/// Everything a monitor says is the same.
void expect_same(const monitor& a, const monitor& b) {
  ASSERT_EQ(a.images(), b.images());
  ASSERT_EQ(a.looked_at(), b.looked_at());
  ASSERT_EQ(a.sites().size(), b.sites().size());
  for (std::size_t i = 0; i < a.sites().size(); ++i) {
    EXPECT_EQ(a.sites()[i].images, b.sites()[i].images);
    EXPECT_EQ(a.sites()[i].ends, b.sites()[i].ends);
    EXPECT_EQ(a.sites()[i].histogram, b.sites()[i].histogram);
  }
  ASSERT_EQ(a.rows().rows(), b.rows().rows());
  for (index_t i = 0; i < a.rows().rows(); ++i)
    for (index_t c = 0; c < a.columns(); ++c) EXPECT_EQ(a.rows()(i, c), b.rows()(i, c)) << i << ' ' << c;
}

class Monitored : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Networks, Monitored, testing::Range(0, 20));

TEST_P(Monitored, OutputsAreThoseWithoutIt) {
  const trial t(static_cast<std::uint64_t>(GetParam()));
  const plan p = t.calibrated();
  dyadic::thread_pool pool(2);
  support::for_each_isa([&](const std::string& isa) {
    monitor m = made(p, {.every = 2, .histogram_every = 2});
    const auto with = dyadic::try_run_monitored(p, t.net, t.x.all(), m, {.run = pool}),
               without = p.try_run(t.net, t.x.all());
    ASSERT_TRUE(with) << text_of(with);
    ASSERT_TRUE(without);
    EXPECT_TRUE(support::same_output(*with, *without)) << isa << ": " << t.net.text();
  });
}

// The tensors of the domain code itself, counted by plain loops.
TEST_P(Monitored, CountsAreExact) {
  const trial t(static_cast<std::uint64_t>(GetParam()));
  SCOPED_TRACE(t.net.text());
  const plan p = t.calibrated();
  monitor m = made(p, {.every = 1, .histogram_every = 1});
  ASSERT_TRUE(dyadic::try_run_monitored(p, t.net, t.x.all(), m));
  dyadic::code run(p, {});
  const auto tensors = t.net.tensors(input(run, t.x.all()));
  ASSERT_TRUE(run.ok());

  const index_t count = t.x.count;
  EXPECT_EQ(m.images(), static_cast<std::uint64_t>(count));
  EXPECT_EQ(m.looked_at(), static_cast<std::uint64_t>(count));
  ASSERT_EQ(m.rows().rows(), count);
  std::set<int> with_quantizer, found;
  for (std::size_t s = 0; s < p.sites().size(); ++s)
    if (p.sites()[s].params_of == static_cast<int>(s)) with_quantizer.insert(static_cast<int>(s));
  for (std::size_t i = 0; i < m.sites().size(); ++i) {
    const dyadic::site_counts& here = m.sites()[i];
    found.insert(here.site);
    EXPECT_EQ(here.images, static_cast<std::uint64_t>(count));
    for (const auto& y : tensors) {
      if (y.site() != here.site) continue;
      dyadic::code_histogram all{};
      std::uint64_t sum = 0;
      for (const std::uint8_t c : y.elements()) ++all[c], sum += c;
      EXPECT_EQ(here.histogram, all);
      EXPECT_EQ(here.ends.codes, static_cast<std::uint64_t>(y.shape().size()));
      EXPECT_EQ(here.ends.low, all[0]);
      EXPECT_EQ(here.ends.high, all[255]);
      EXPECT_EQ(here.ends.sum, sum);
      for (index_t image = 0; image < count; ++image) {
        double own = 0, low = 0, high = 0;
        const auto n = static_cast<double>(y.shape().features());
        for (index_t j = 0; j < y.shape().features(); ++j) {
          const int c = y.matrix()(image, j);
          own += c, low += c == 0 ? 1 : 0, high += c == 255 ? 1 : 0;
        }
        const auto column = static_cast<index_t>(3 * i);
        EXPECT_EQ(m.site(column), here.site);
        EXPECT_EQ(m.statistic(column + 1), image_statistic::low_share);
        EXPECT_EQ(m.rows()(image, column), static_cast<float>(own / n));
        EXPECT_EQ(m.rows()(image, column + 1), static_cast<float>(low / n));
        EXPECT_EQ(m.rows()(image, column + 2), static_cast<float>(high / n));
      }
      break;
    }
  }
  EXPECT_EQ(found, with_quantizer);
  const auto& y = tensors.back();
  EXPECT_EQ(m.statistic(m.columns() - 1), image_statistic::margin);
  EXPECT_EQ(m.site(m.columns() - 1), -1);
  for (index_t image = 0; image < count && y.shape().features() > 1; ++image) {
    std::vector<int> row(y.matrix().row(image), y.matrix().row(image) + y.shape().features());
    std::sort(row.rbegin(), row.rend());
    EXPECT_EQ(m.rows()(image, m.columns() - 1), static_cast<float>(row[0] - row[1]) * p.params(y.site()).scale);
  }
}

TEST_P(Monitored, TheSameForAnyBatches) {
  const trial t(static_cast<std::uint64_t>(GetParam()));
  const plan p = t.calibrated();
  const dyadic::monitor_options how{.every = 5, .histogram_every = 2, .seed = 7};
  monitor whole = made(p, how);
  ASSERT_TRUE(dyadic::try_run_monitored(p, t.net, t.x.all(), whole));
  EXPECT_GT(whole.looked_at(), 0U);
  for (const index_t size : {1, 2, 7, 23}) {
    monitor parts = made(p, how);
    for (index_t i = 0; i < t.x.count; i += size)
      ASSERT_TRUE(dyadic::try_run_monitored(p, t.net, t.x.some(i, std::min(size, t.x.count - i)), parts));
    expect_same(parts, whole);
  }
}

TEST(Monitor, LooksAtOneImageInEachStretch) {
  const trial t(3, 100);
  const plan p = t.calibrated();
  std::set<index_t> places;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    monitor m = made(p, {.every = 10, .histogram_every = 2, .seed = seed});
    for (index_t i = 0; i < 100; ++i) {
      const std::uint64_t before = m.looked_at();
      ASSERT_TRUE(dyadic::try_run_monitored(p, t.net, t.x.some(i, 1), m));
      if (m.looked_at() != before) places.insert(i % 10);
      if (i % 10 == 9) {
        ASSERT_EQ(m.looked_at(), static_cast<std::uint64_t>(i / 10 + 1));
      }
    }
    std::uint64_t counted = 0;
    for (const std::uint64_t n : m.sites()[0].histogram) counted += n;
    EXPECT_EQ(2 * counted, m.sites()[0].ends.codes);
  }
  EXPECT_EQ(places.size(), 10U);  // 200 draws of 10 places
}

TEST(Monitor, ThreadsHaveOneEach) {
  const trial t(5, 64);
  const plan p = t.calibrated();
  const dyadic::monitor_options how{.every = 1, .histogram_every = 1};
  monitor all = made(p, how), first = made(p, how), second = made(p, how);
  ASSERT_TRUE(dyadic::try_run_monitored(p, t.net, t.x.all(), all));
  const auto half = [&](monitor& m, index_t from) {
    for (index_t i = from; i < from + 32; i += 4) ASSERT_TRUE(dyadic::try_run_monitored(p, t.net, t.x.some(i, 4), m));
  };
  std::thread other([&] { half(second, 32); });
  half(first, 0);
  other.join();
  ASSERT_TRUE(first.try_merge(second));
  expect_same(first, all);
}

TEST(Monitor, RowsHaveRoomForSoMany) {
  const trial t(6, 20);
  const plan p = t.calibrated();
  monitor m = made(p, {.every = 1, .keep = 8}), other = made(p, {.every = 1, .keep = 8});
  ASSERT_TRUE(dyadic::try_run_monitored(p, t.net, t.x.some(0, 5), m));
  EXPECT_EQ(m.rows_lost(), 0U);
  const std::vector<float> before = m.column(0);
  ASSERT_TRUE(dyadic::try_run_monitored(p, t.net, t.x.some(5, 5), m));
  EXPECT_EQ(m.rows().rows(), 8);
  EXPECT_EQ(m.rows_lost(), 2U);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), m.column(0).begin()));
  ASSERT_TRUE(dyadic::try_run_monitored(p, t.net, t.x.some(10, 5), other));
  ASSERT_TRUE(other.try_merge(m));
  EXPECT_EQ(other.rows().rows(), 8);
  EXPECT_EQ(other.rows_lost(), 2U + 5U);
  m.clear_rows();
  EXPECT_EQ(m.rows().rows(), 0);
  EXPECT_EQ(m.looked_at(), 10U);
  monitor none = made(p, {.every = 1, .keep = 0});
  ASSERT_TRUE(dyadic::try_run_monitored(p, t.net, t.x.all(), none));
  EXPECT_EQ(none.rows_lost(), 20U);
  EXPECT_EQ(none.sites()[0].images, 20U);
}

TEST(Monitor, ErrorsSayWhatWasGiven) {
  const trial t(8), other(9);
  const plan p = t.calibrated(), q = other.calibrated();
  EXPECT_THAT(text_of(monitor::try_make(p, {.every = 0})), HasSubstr("every 0"));
  EXPECT_THAT(text_of(monitor::try_make(p, {.histogram_every = -1})), HasSubstr("histogram_every -1"));
  EXPECT_THAT(text_of(monitor::try_make(p, {.keep = PTRDIFF_MAX})), HasSubstr("exceeds"));
  const auto dynamic =
      dyadic::try_calibrate(t.net, std::array{t.seen.all()}, {.activations = dyadic::activation_scales::dynamic});
  ASSERT_TRUE(dynamic);
  EXPECT_THAT(text_of(monitor::try_make(*dynamic)), HasSubstr("dynamic activations"));

  monitor m = made(p, {.every = 1}), n = made(q, {.every = 1});
  EXPECT_THAT(text_of(m.try_merge(n)), HasSubstr("monitor: "));
  EXPECT_THAT(text_of(dyadic::try_run_monitored(q, other.net, other.x.all(), m)), HasSubstr("monitor: made for"));
  EXPECT_THAT(text_of(dyadic::try_run_monitored(p, other.net, other.x.all(), m)), HasSubstr("network: "));
  EXPECT_EQ(m.images(), 0U);
  // The same network with other ranges is another plan.
  const auto wider = dyadic::try_calibrate(t.net, std::array{t.x.all()});
  ASSERT_TRUE(wider);
  EXPECT_FALSE(dyadic::try_run_monitored(*wider, t.net, t.x.all(), m));
#if DYADIC_EXCEPTIONS
  EXPECT_THROW(dyadic::run_monitored(q, other.net, other.x.all(), m), std::invalid_argument);
#endif
}

}  // namespace monitored_test
