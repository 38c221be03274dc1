// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The log as bytes: what is written is read back, every changed byte is found, and what a chain cannot show, it does
// not show without a head kept elsewhere.
#include <dyadic/trust/audit_log.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/bytes.hpp"
#include "support/data.hpp"

namespace audit_log_test {

using namespace dyadic;

using support::append_to, support::bytes;

constexpr index_t outputs = 3, header_bytes = audit_format::header_bytes, record_bytes = audit_format::fixed_bytes + 3;

digest some_digest(std::uint64_t seed) { return sha256::of(little_endian<8>(seed).bytes); }

/// Record number i of the logs here; its codes are in `codes`.
audit_record some_record(std::uint64_t i, std::uint8_t* codes) {
  audit_record r;
  r.time = static_cast<std::int64_t>(1'700'000'000'000 + 10 * i) * (i == 2 ? -1 : 1);
  r.plan = some_digest(i / 3), r.input = some_digest(100 + i);
  r.version = {1, 2, static_cast<std::uint32_t>(i)};
  std::memcpy(r.isa, i % 2 == 0 ? "scalar" : "avx512_vnni", i % 2 == 0 ? 7 : 12);
  r.flags = static_cast<std::uint32_t>(i % 16), r.clips = static_cast<std::uint32_t>(7 * i);
  r.margin = 0xFFFFFFFFU - static_cast<std::uint32_t>(i);
  for (std::uint64_t k = 0; k < outputs; ++k) codes[k] = static_cast<std::uint8_t>(50 * k + i);
  r.codes = {codes, outputs};
  return r;
}

bytes some_log(std::uint64_t records, const digest& previous = {}) {
  bytes all;
  auto log = audit_log<append_to>::start({&all}, outputs, previous);
  std::uint8_t codes[outputs];
  for (std::uint64_t i = 0; i < records; ++i) log.append(some_record(i, codes));
  return all;
}

TEST(AuditLog, WhatWasWrittenIsReadBack) {
  const bytes log = some_log(6);
  ASSERT_EQ(static_cast<index_t>(log.size()), header_bytes + 6 * record_bytes);
  const audit_view view = audit_view::open(log);
  ASSERT_EQ(view.size(), 6);
  EXPECT_EQ(view.outputs(), outputs);
  digest previous = sha256::of(std::span(log).first(header_bytes - 32));
  for (std::uint64_t i = 0; i < 6; ++i) {
    std::uint8_t codes[outputs];
    const audit_record in = some_record(i, codes), out = view[static_cast<index_t>(i)];
    EXPECT_EQ(out.sequence, i);
    EXPECT_EQ(out.time, in.time);
    EXPECT_EQ(out.plan, in.plan);
    EXPECT_EQ(out.version, in.version);
    EXPECT_STREQ(out.isa, in.isa);
    EXPECT_EQ(out.input, in.input);
    EXPECT_EQ(out.flags, in.flags);
    EXPECT_EQ(out.clips, in.clips);
    EXPECT_EQ(out.margin, in.margin);
    EXPECT_TRUE(std::equal(out.codes.begin(), out.codes.end(), codes, codes + outputs));
    EXPECT_EQ(out.previous, previous);
    previous = out.hash;
  }
  const audit_verdict v = verify_audit_log(log);
  EXPECT_TRUE(v.intact) << v.why.message();
  EXPECT_EQ(v.records, 6);
  EXPECT_EQ(v.head, previous);
}

// hashlib.sha256 of the fields packed by Python's struct: the format is what the header of the library says it is.
TEST(AuditLog, TheBytesOfTheFormat) {
  const bytes log = some_log(1);
  EXPECT_STREQ(sha256::of(std::span(log).first(48)).hex().c_str(),
               "7fe6a0633688602de2e8efa2458606b75b04c210cee0407b14b8e456e24ab2c0");
  EXPECT_STREQ(sha256::of(log).hex().c_str(), "c934c6a1892c5b1a9d9c406e5a2e7880207befc7f0292516f16f37811c9187fa");
}

TEST(AuditLog, AnEmptyLogIsIntact) {
  const bytes log = some_log(0);
  const audit_verdict v = verify_audit_log(log);
  EXPECT_TRUE(v.intact) << v.why.message();
  EXPECT_EQ(v.records, 0);
  EXPECT_TRUE(verify_audit_log(log, &v.head).intact);
  EXPECT_EQ(verify_audit_log(log, &v.head).kept_at, -1);
}

/// The field of a byte, found without the library's table.
const char* field_of(index_t at) {
  struct named {
    const char* name;
    index_t bytes;
  };
  constexpr named in_header[] = {{"magic", 8}, {"format", 4}, {"outputs", 4}, {"previous", 32}, {"hash", 32}};
  constexpr named in_record[] = {{"sequence", 8}, {"time", 8},   {"plan", 32},     {"version", 12},
                                 {"isa", 16},     {"input", 32}, {"flags", 4},     {"clips", 4},
                                 {"margin", 4},   {"codes", 3},  {"previous", 32}, {"hash", 32}};
  const auto find = [](auto& fields, index_t offset) {
    for (const named& f : fields) {
      if (offset < f.bytes) return f.name;
      offset -= f.bytes;
    }
    return "outside";
  };
  return at < header_bytes ? find(in_header, at) : find(in_record, (at - header_bytes) % record_bytes);
}

// Each byte of a log in turn, with a change that depends on the place. DYADIC_SAMPLES > 1000 tries every bit of each.
TEST(AuditLog, EveryFlippedByteIsLocated) {
  const char* wanted = std::getenv("DYADIC_SAMPLES");
  const bool every_bit = wanted != nullptr && std::atol(wanted) > 1000;
  const bytes original = some_log(2);
  int changes = 0;
  for (std::size_t at = 0; at < original.size(); ++at) {
    for (unsigned flip = every_bit ? 1 : 1 + static_cast<unsigned>(at * 89 % 255); flip < 256;
         flip = every_bit ? 2 * flip : 256) {
      bytes log = original;
      log[at] ^= static_cast<std::byte>(flip);
      const audit_verdict v = verify_audit_log(log);
      ++changes;
      ASSERT_FALSE(v.intact) << at;
      EXPECT_EQ(v.offset, static_cast<index_t>(at)) << v.why.message();
      EXPECT_EQ(v.record, static_cast<index_t>(at) < header_bytes ? -1 : (static_cast<index_t>(at) - 80) / 187);
      EXPECT_STREQ(to_string(v.field), field_of(static_cast<index_t>(at)));
      EXPECT_EQ(v.found, std::to_integer<std::uint8_t>(log[at]));
      EXPECT_EQ(v.expected, std::to_integer<std::uint8_t>(original[at]));
    }
  }
  std::printf("%d changes of one byte in %zu bytes, each located\n", changes, original.size());
}

TEST(AuditLog, SeveralChangedBytesNameTheRecord) {
  bytes log = some_log(5);
  log[static_cast<std::size_t>(header_bytes + 3 * record_bytes + 20)] ^= std::byte{1};
  log[static_cast<std::size_t>(header_bytes + 3 * record_bytes + 99)] ^= std::byte{1};
  const audit_verdict v = verify_audit_log(log);
  EXPECT_FALSE(v.intact);
  EXPECT_EQ(v.record, 3);
  EXPECT_EQ(v.offset, -1);
  EXPECT_EQ(v.field, audit_field::none);
  EXPECT_STREQ(v.why.message(), "audit log: record 3 does not match its hash");
}

bytes::const_iterator start_of(const bytes& log, index_t record) {
  return log.begin() + header_bytes + record * record_bytes;
}

TEST(AuditLog, RecordsTakenOutPutInMovedOrMadeAnew) {
  const bytes original = some_log(5);
  bytes without = original;
  without.erase(start_of(without, 2), start_of(without, 3));
  EXPECT_EQ(support::text_of(result<void>(verify_audit_log(without).why)), "audit log: record 2 says it is number 3");
  EXPECT_EQ(verify_audit_log(without).record, 2);

  bytes twice = original;
  twice.insert(start_of(twice, 2), start_of(original, 1), start_of(original, 2));
  EXPECT_EQ(verify_audit_log(twice).record, 2);
  EXPECT_EQ(verify_audit_log(twice).field, audit_field::sequence);

  bytes swapped = original;
  std::swap_ranges(swapped.begin() + header_bytes + record_bytes, swapped.begin() + header_bytes + 2 * record_bytes,
                   swapped.begin() + header_bytes + 2 * record_bytes);
  EXPECT_EQ(verify_audit_log(swapped).record, 1);

  // Record 2 with another time and a hash of its own to match: its own hash is right, the next one's previous is not.
  bytes forged = original;
  audit_record r = audit_view::open(forged)[2];
  std::uint8_t codes[outputs];
  std::copy(r.codes.begin(), r.codes.end(), codes);
  r.codes = {codes, outputs};
  r.time += 1;
  audit_format::write_record(forged.data() + header_bytes + 2 * record_bytes, r);
  const audit_verdict v = verify_audit_log(forged);
  EXPECT_FALSE(v.intact);
  EXPECT_EQ(v.record, 3);
  EXPECT_EQ(v.field, audit_field::previous);
}

TEST(AuditLog, TruncationShowsOnlyAgainstAKeptHead) {
  const bytes original = some_log(5);
  const digest head = verify_audit_log(original).head, earlier = audit_view::open(original)[3].hash;
  const bytes cut(original.begin(), start_of(original, 4));
  EXPECT_TRUE(verify_audit_log(cut).intact) << "a shorter chain is as good as a longer one";
  const audit_verdict against = verify_audit_log(cut, &head);
  EXPECT_FALSE(against.intact);
  EXPECT_STREQ(against.why.message(),
               "audit log: none of its 4 records has the kept head: the log was cut or written anew");
  // A log that has grown since still has the head that was kept.
  EXPECT_TRUE(verify_audit_log(original, &earlier).intact);
  EXPECT_EQ(verify_audit_log(original, &earlier).kept_at, 3);
  EXPECT_TRUE(verify_audit_log(cut, &earlier).intact);

  // A whole new log, with one code changed in its second record: perfect by itself.
  bytes anew;
  auto log = audit_log<append_to>::start({&anew}, outputs);
  for (std::uint64_t i = 0; i < 5; ++i) {
    std::uint8_t codes[outputs];
    const audit_record r = some_record(i, codes);
    codes[0] ^= i == 1 ? 1 : 0;
    log.append(r);
  }
  EXPECT_TRUE(verify_audit_log(anew).intact);
  EXPECT_FALSE(verify_audit_log(anew, &head).intact);
}

TEST(AuditLog, PartsOfARecordAndForeignBytesAreRefused) {
  const bytes original = some_log(2);
  for (std::size_t n = 0; n < original.size(); ++n) {
    const std::span<const std::byte> part = std::span(original).first(n);
    const bool whole = n >= 80 && (n - 80) % 187 == 0;
    EXPECT_EQ(verify_audit_log(part).intact, whole) << n;
    EXPECT_EQ(static_cast<bool>(audit_view::try_open(part)), whole) << n;
  }
  const auto refusal = [](std::span<const std::byte> b) {
    EXPECT_THROW(audit_view::open(b), format_error);
    EXPECT_FALSE(verify_audit_log(b).intact);
    return support::text_of(audit_view::try_open(b));
  };
  EXPECT_EQ(refusal(std::span(original).first(79)), "audit log: 79 bytes, expected a header of 80");
  EXPECT_EQ(refusal(std::span(original).first(80 + 187 + 5)),
            "audit log: 5 bytes after record 0, expected none or 187");
  EXPECT_EQ(refusal(bytes(300)), "audit log: does not start with the 8 bytes \"dyadlog\\n\"");

  // Headers that are whole and say what cannot be.
  const auto header_with = [](std::size_t at, std::uint32_t number) {
    bytes log = some_log(0);
    std::memcpy(log.data() + at, little_endian<4>(number).bytes, 4);
    const digest hash = sha256::of(std::span(log).first(48));
    std::memcpy(log.data() + 48, hash.bytes.data(), 32);
    return log;
  };
  EXPECT_EQ(refusal(header_with(8, 2)), "audit log: format 2, expected 1");
  EXPECT_EQ(refusal(header_with(12, 0)), "audit log: 0 outputs a record, expected 1 to 16777216");
  EXPECT_EQ(refusal(header_with(12, 0xFFFFFFFFU)), "audit log: 4294967295 outputs a record, expected 1 to 16777216");
}

TEST(AuditLog, WritersRefuseWhatDoesNotFit) {
  bytes all;
  EXPECT_EQ(support::text_of(audit_log<append_to>::try_start({&all}, 0)),
            "audit log: 0 outputs a record, expected 1 to 16777216");
  EXPECT_TRUE(all.empty());
  auto log = audit_log<append_to>::start({&all}, outputs);
  const std::size_t before = all.size();
  audit_record r;
  const std::uint8_t codes[2] = {};
  r.codes = codes;
  EXPECT_EQ(support::text_of(log.try_append(r)), "audit log: a record of 2 codes, expected 3");
  EXPECT_EQ(all.size(), before);
  EXPECT_EQ(log.size(), 0);
}

/// Takes so many pieces, then none.
struct full_disk {
  int left;
  bool operator()(std::span<const std::byte>) { return left-- > 0; }
};

TEST(AuditLog, ASinkThatRefusesDoesNotAdvanceTheChain) {
  EXPECT_EQ(support::text_of(audit_log<full_disk>::try_start({0}, outputs)),
            "audit log: the sink refused the header of 80 bytes");
  auto log = audit_log<full_disk>::start({2}, outputs);
  std::uint8_t codes[outputs];
  EXPECT_TRUE(log.try_append(some_record(0, codes)));
  const digest head = log.head();
  EXPECT_EQ(support::text_of(log.try_append(some_record(1, codes))),
            "audit log: the sink refused record 1 of 187 bytes");
  EXPECT_EQ(log.head(), head);
  EXPECT_EQ(log.size(), 1);
}

TEST(AuditLog, GoesOnAfterARestartAndIntoANewFile) {
  const bytes whole = some_log(6);
  bytes first = some_log(3);
  auto log = audit_log<append_to>::resume({&first}, bytes(first));
  std::uint8_t codes[outputs];
  for (std::uint64_t i = 3; i < 6; ++i) log.append(some_record(i, codes));
  EXPECT_EQ(first, whole);

  bytes damaged = some_log(3);
  damaged[100] ^= std::byte{4};
  EXPECT_EQ(support::text_of(audit_log<append_to>::try_resume({&first}, damaged)).substr(0, 35),
            "audit log: record 0, plan: byte 100");
  const bytes next = some_log(1, log.head());
  EXPECT_EQ(audit_format::memory_source{next.data() + 16}.hash(), log.head());
  EXPECT_TRUE(verify_audit_log(next).intact);
}

}  // namespace audit_log_test
