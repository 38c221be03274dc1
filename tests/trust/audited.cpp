// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Runs with a record of each inference, and their replay: 1,000 records, the same bits on every instruction set.
#include <dyadic/trust/audited.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <dyadic/core/thread_pool.hpp>

#include "support/bytes.hpp"
#include "support/data.hpp"
#include "support/isas.hpp"
#include "support/random_network.hpp"

namespace audited_test {

using namespace dyadic;

using support::append_to, support::bytes;

struct network {
  conv2d first, second;
  linear last;
  template <class Tensor>
  Tensor operator()(Tensor x) const {
    x = max_pool(relu(first(x)), {2, 2});
    x = relu(add(second(x), x));
    return last(flatten(x));
  }
};

network make_network(std::uint64_t seed) {
  support::integers random(seed);
  const window around{.size = {3, 3}, .padding = {1, 1}};
  auto first = support::make_conv2d(random, 2, 9, around, 1, true, "first");
  auto second = support::make_conv2d(random, 9, 9, around, 1, true, "second");
  auto last = support::make_linear(random, 36, 7, true, "last");
  return {std::move(first), std::move(second), std::move(last)};
}

struct model {
  network net;
  support::images x;
  dyadic::plan plan;

  explicit model(std::uint64_t seed, index_t count = 30)
      : net(make_network(seed)), x(images_of(seed, count)), plan(calibrate(net, std::array{x.some(0, 20)})) {}
  static support::images images_of(std::uint64_t seed, index_t count) {
    support::integers random(seed + 1);
    return support::make_images(random, count, 4, 4, 2);
  }
};

bytes log_of(const model& m, index_t split, std::uint32_t small_margin = 0, const run_options& options = {}) {
  bytes all;
  auto log = audit_log<append_to>::start({&all}, 7);
  const audited runs(m.net, m.plan, small_margin);
  for (index_t i = 0; i < m.x.count; i += split) {
    const index_t n = std::min(split, m.x.count - i);
    EXPECT_TRUE(support::same_output(runs.run(log, m.x.some(i, n), 1000 + i, options),
                                     m.plan.run(m.net, m.x.some(i, n), options)));
  }
  return all;
}

TEST(Audited, AThousandRecordsReplayedOnEveryInstructionSet) {
  const model m(2024, 1000);
  std::vector<bytes> logs;
  support::for_each_isa([&](const std::string& isa) {
    logs.push_back(log_of(m, 37));
    EXPECT_EQ(audit_view::open(logs.back())[999].isa, isa);
  });
  for (const bytes& log : logs) {
    ASSERT_TRUE(verify_audit_log(log).intact);
    support::for_each_isa([&](const std::string& isa) {
      for (const index_t split : {1000, 64, 7}) {
        replay_count all;
        for (index_t i = 0; i < 1000; i += split)
          all.merge(audited(m.net, m.plan).replay(audit_view::open(log), i, m.x.some(i, std::min(split, 1000 - i))));
        EXPECT_EQ(all.records, 1000) << isa;
        EXPECT_EQ(all.equal, 1000) << isa << ", first different " << all.first_different;
        EXPECT_EQ(all.first_different, -1);
      }
    });
  }
}

TEST(Audited, RandomNetworksReplay) {
  support::integers random(77);
  for (int trial = 0; trial < 20; ++trial) {
    support::network_maker maker(random, {1, 6, 5, 3});
    const support::random_network net = maker.make(8);
    const support::images x = support::make_images(random, 12, 6, 5, 3);
    const auto p = try_calibrate(net, std::array{x.all()});
    ASSERT_TRUE(p) << p.error().message() << net.text();
    bytes all;
    const audited runs(net, *p);
    ASSERT_TRUE(try_force_isa("scalar"));
    auto log = audit_log<append_to>::start({&all}, p->run(net, x.some(0, 1)).shape.features());
    runs.run(log, x.all(), 0);
    support::for_each_isa([&](const std::string& isa) {
      thread_pool pool(3);
      const auto found = runs.replay(audit_view::open(all), 0, x.all(), {.run = pool});
      EXPECT_EQ(found.equal, 12) << isa << " " << net.text();
    });
  }
}

// The record says what the definitions say: counted here by hand.
TEST(Audited, FlagsClipsAndMargin) {
  model m(5);
  const float infinity = std::numeric_limits<float>::infinity();
  m.x.numbers[0] = 1000.0F, m.x.numbers[1] = -1000.0F, m.x.numbers[2] = infinity;  // image 0: three clips
  m.x.numbers[32] = std::numeric_limits<float>::quiet_NaN();                       // image 1
  const bytes log = log_of(m, 30, 40);
  const run_output y = m.plan.run(m.net, m.x.all());
  const chosen p = m.plan.params(0);
  index_t small = 0, clipped_outputs = 0;
  for (index_t i = 0; i < 30; ++i) {
    const audit_record r = audit_view::open(log)[i];
    std::uint32_t clips = 0;
    bool nan = false;
    for (index_t j = 0; j < 32; ++j) {
      const float x = m.x.numbers[static_cast<std::size_t>(32 * i + j)];
      const double code = std::nearbyint(static_cast<double>(x) / static_cast<double>(p.scale)) + p.zero_point;
      nan = nan || std::isnan(x);
      clips += code < 0 || code > 255;
    }
    std::vector<int> codes(y.codes.data() + 7 * i, y.codes.data() + 7 * (i + 1));
    EXPECT_TRUE(std::equal(codes.begin(), codes.end(), r.codes.begin(), r.codes.end()));
    std::sort(codes.begin(), codes.end());
    const auto margin = static_cast<std::uint32_t>(codes[6] - codes[5]);
    EXPECT_EQ(r.clips, clips) << i;
    EXPECT_EQ(r.margin, margin) << i;
    const bool end = codes[6] == 255 || codes[0] == 0;
    EXPECT_EQ(r.flags, (clips > 0 ? audit_flags::input_clipped : 0) | (nan ? audit_flags::input_not_a_number : 0) |
                           (end ? audit_flags::output_clipped : 0) | (margin < 40 ? audit_flags::small_margin : 0))
        << i;
    EXPECT_EQ(r.time, 1000);
    EXPECT_EQ(r.plan, digest_of(m.plan));
    EXPECT_EQ(r.input, digest_of(m.x.all(), i));
    EXPECT_EQ(r.version, library_version{});
    small += margin < 40, clipped_outputs += end;
  }
  EXPECT_GE(audit_view::open(log)[0].clips, 3U);
  EXPECT_TRUE(small > 0 && small < 30 && clipped_outputs > 0) << "the cases must occur";
  // The threshold of a margin is the writer's: a replay without it finds the same.
  EXPECT_EQ(audited(m.net, m.plan).replay(audit_view::open(log), 0, m.x.all()).equal, 30);
}

TEST(Audited, TheLogDoesNotDependOnSplitsAndThreads) {
  const model m(9);
  const bytes one = log_of(m, 30);
  thread_pool pool(3);
  EXPECT_EQ(one, log_of(m, 30, 0, {.run = pool}));
  // The time is the caller's, and here differs from batch to batch; all else is equal.
  const bytes other = log_of(m, 7);
  for (index_t i = 0; i < 30; ++i) {
    const audit_record a = audit_view::open(one)[i], b = audit_view::open(other)[i];
    EXPECT_TRUE(std::equal(a.codes.begin(), a.codes.end(), b.codes.begin(), b.codes.end()));
    EXPECT_EQ(a.input, b.input);
    EXPECT_EQ(a.flags, b.flags);
  }
}

// A log that says something else than what was computed, with hashes that fit: only the replay can tell.
TEST(Audited, AReplayFindsARecordThatWasMadeUp) {
  const model m(11);
  const bytes honest = log_of(m, 30);
  bytes forged;
  auto log = audit_log<append_to>::start({&forged}, 7);
  for (index_t i = 0; i < 30; ++i) {
    audit_record r = audit_view::open(honest)[i];
    std::vector<std::uint8_t> codes(r.codes.begin(), r.codes.end());
    if (i == 12) codes[3] ^= 1;
    r.codes = codes;
    if (i == 17) r.clips += 1;
    if (i == 21) r.margin += 1;
    if (i == 23) r.flags ^= audit_flags::output_clipped;
    log.append(r);
  }
  ASSERT_TRUE(verify_audit_log(forged).intact);
  const replay_count found = audited(m.net, m.plan).replay(audit_view::open(forged), 0, m.x.all());
  EXPECT_EQ(found.records, 30);
  EXPECT_EQ(found.equal, 26);
  EXPECT_EQ(found.first_different, 12);
}

TEST(Audited, ReplaysMerge) {
  replay_count a{3, 3, -1};
  a.merge({4, 3, 9});
  a.merge({4, 2, 5});
  a.merge({1, 1, -1});
  EXPECT_EQ(a.records, 12);
  EXPECT_EQ(a.equal, 9);
  EXPECT_EQ(a.first_different, 5);
}

TEST(Audited, Errors) {
  const model m(13), other(14);
  const bytes log = log_of(m, 30);
  const audit_view view = audit_view::open(log);
  const audited runs(m.net, m.plan);
  EXPECT_EQ(support::text_of(audited(m.net, other.plan).try_replay(view, 0, m.x.all())),
            "replay: record 0 is of plan " + std::string(digest_of(m.plan).hex(12).c_str()) + "..., this one is " +
                digest_of(other.plan).hex(12).c_str() + "...");
  EXPECT_EQ(support::text_of(runs.try_replay(view, 1, m.x.some(0, 1))),
            "replay: record 1 is of an input " + std::string(digest_of(m.x.all(), 1).hex(12).c_str()) +
                "..., the one given is " + digest_of(m.x.all(), 0).hex(12).c_str() + "...");
  EXPECT_EQ(support::text_of(runs.try_replay(view, 20, m.x.some(0, 11))),
            "replay: inputs for records 20 to 30, the log has 30");
  EXPECT_EQ(support::text_of(runs.try_replay(view, -1, m.x.some(0, 1))),
            "replay: inputs for records -1 to -1, the log has 30");
  EXPECT_EQ(runs.replay(view, 30, m.x.some(0, 0)).records, 0);

  bytes all;
  auto narrow = audit_log<append_to>::start({&all}, 5);
  EXPECT_EQ(support::text_of(runs.try_run(narrow, m.x.all(), 0)), "audit log: a record of 7 codes, expected 5");
  const plan dynamic = calibrate(m.net, std::array{m.x.all()}, {.activations = activation_scales::dynamic});
  EXPECT_EQ(support::text_of(audited(m.net, dynamic).try_run(narrow, m.x.all(), 0)),
            "audit: the plan has dynamic activations, whose outputs are no codes; expected static ones");
  EXPECT_EQ(narrow.size(), 0);
}

}  // namespace audited_test
