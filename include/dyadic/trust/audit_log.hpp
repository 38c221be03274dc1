// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// audit_log: the records of inferences as a byte stream that shows every later change; written, read, verified.
//
//   auto log = audit_log<Sink>::try_start(sink, 10);     sink(std::span<const std::byte>) -> bool: file, socket, memory
//   log->try_append(record);                             log->head(): keep it elsewhere, now and then
//   const audit_verdict v = verify_audit_log(bytes);     v.intact, or which byte of which field of which record
//
// What the chain shows. A changed byte breaks the hash of its record, a record taken out, put in or moved breaks the
// chain. What it cannot show: the last records missing, or everything from some record on written anew, hashes
// included; both are chains as good as the first. Only a head kept elsewhere (printed, mailed, signed) shows them: give
// it to verify_audit_log. The log is tamper-evident, not tamper-proof. How long it is kept is its operator's business.
//
// Nothing here reads a clock, opens a file or allocates, but for one record's bytes when a log is started.
#pragma once

#include <utility>
#include <vector>

#include <dyadic/trust/audit_record.hpp>

namespace dyadic::inline DYADIC_ABI {

/// The records of a log in memory, which stays the caller's. Reading one trusts its bytes: verify_audit_log first.
class audit_view {
 public:
  /// errc::bad_format for bytes that cannot be a log: too short, another magic, format or number of outputs, or a part
  /// of a record at the end. Looks at the header only.
  static result<audit_view> try_open(std::span<const std::byte> bytes) noexcept {
    using namespace audit_format;
    const auto size = static_cast<index_t>(bytes.size());
    if (size < header_bytes)
      return failure(errc::bad_format, "audit log: {} bytes, expected a header of {}", size, header_bytes);
    if (std::memcmp(bytes.data(), magic, 8) != 0)
      return failure(errc::bad_format, "audit log: does not start with the 8 bytes \"dyadlog\\n\"");
    memory_source source{bytes.data() + 8};
    const std::uint32_t found = source.whole();
    if (found != version) return failure(errc::bad_format, "audit log: format {}, expected {}", found, version);
    audit_view made;
    made.outputs_ = source.whole();
    if (made.outputs_ < 1 || made.outputs_ > most_outputs)
      return failure(errc::bad_format, "audit log: {} outputs a record, expected 1 to {}", made.outputs_, most_outputs);
    made.start_ = bytes.data();
    made.size_ = (size - header_bytes) / made.record_bytes();
    if (const index_t left = (size - header_bytes) % made.record_bytes(); left != 0)
      return failure(errc::bad_format, "audit log: {} bytes after record {}, expected none or {}", left, made.size_ - 1,
                     made.record_bytes());
    return made;
  }
#if DYADIC_EXCEPTIONS
  static audit_view open(std::span<const std::byte> bytes) { return try_open(bytes).value(); }
#endif

  index_t size() const noexcept { return size_; }
  index_t outputs() const noexcept { return outputs_; }
  index_t record_bytes() const noexcept { return audit_format::fixed_bytes + outputs_; }
  /// Where record i starts; i in [0, size()].
  const std::byte* at(index_t i) const noexcept { return start_ + audit_format::header_bytes + i * record_bytes(); }
  audit_record operator[](index_t i) const noexcept { return audit_format::read_record(at(i), outputs_); }

 private:
  audit_view() = default;
  const std::byte* start_ = nullptr;
  index_t size_ = 0, outputs_ = 0;
};

/// What verify_audit_log found.
struct audit_verdict {
  bool intact = false;
  index_t records = 0;
  digest head{};         ///< the last hash: what to keep elsewhere
  index_t kept_at = -2;  ///< the record whose hash the kept head is; -1: the header; -2: none
  failure why{};         ///< when not intact

  // The first damage.
  index_t record = -1;                    ///< -1: the header
  audit_field field = audit_field::none;  ///< none when several bytes were changed
  index_t offset = -1;                    ///< of the changed byte in the log, when it is one
  std::uint8_t found = 0, expected = 0;   ///< what it is, and what its hash says it was
};

namespace detail {

/// The one byte of a block whose change explains that the block (content, then its hash) does not verify.
struct byte_repair {
  index_t offset = -1;  ///< -1: none, or several
  std::byte value{};
};

/// Tries all other values of all bytes. For n bytes that is 128 n^2 bytes to hash: 0.02 s for records of ten codes,
/// 0.8 s for a thousand. A hash of 256 bits leaves no room for a second answer.
inline byte_repair find_changed_byte(std::span<const std::byte> block) noexcept {
  const auto content = block.first(block.size() - 32), stored = block.last(32);
  const digest hash = sha256::of(content);
  byte_repair in_hash;
  int differ = 0;
  for (std::size_t i = 0; i < 32; ++i)
    if (hash.bytes[i] != stored[i]) {
      ++differ;
      in_hash = {static_cast<index_t>(content.size() + i), hash.bytes[i]};
    }
  if (differ == 1) return in_hash;
  sha256 before;
  for (std::size_t i = 0; i < content.size(); ++i) {
    for (unsigned flip = 1; flip < 256; ++flip) {
      const std::byte value = content[i] ^ static_cast<std::byte>(flip);
      sha256 trial = before;
      trial.update({&value, 1});
      trial.update(content.subspan(i + 1));
      if (std::memcmp(trial.finish().bytes.data(), stored.data(), 32) == 0) return {static_cast<index_t>(i), value};
    }
    before.update(content.subspan(i, 1));
  }
  return {};
}

/// Blocks above this are not searched: the cost grows with the square.
inline constexpr std::size_t longest_search = 4096;

/// Enters the one changed byte of a block into a verdict, if it is one.
inline void locate(std::span<const std::byte> block, index_t start, std::span<const audit_format::part> parts,
                   index_t outputs, audit_verdict& v) noexcept {
  const byte_repair repair = block.size() <= longest_search ? find_changed_byte(block) : byte_repair{};
  if (repair.offset < 0) return;
  index_t inside = repair.offset;
  v.field = audit_format::field_at(parts, outputs, inside);
  v.offset = start + repair.offset;
  v.found = std::to_integer<std::uint8_t>(block[static_cast<std::size_t>(repair.offset)]);
  v.expected = std::to_integer<std::uint8_t>(repair.value);
}

}  // namespace detail

/// Checks every hash and the whole chain. Never fails: the verdict says what is wrong first, to the byte when one byte
/// was changed and the record has at most 4,096.
/// \param kept  a head that was written down elsewhere; a log that does not contain it is not intact.
inline audit_verdict verify_audit_log(std::span<const std::byte> bytes, const digest* kept = nullptr) noexcept {
  using namespace audit_format;
  audit_verdict v;
  if (bytes.size() >= static_cast<std::size_t>(header_bytes)) {
    const auto block = bytes.first(header_bytes);
    if (const digest hash = sha256::of(block.first(header_bytes - hash_bytes));
        std::memcmp(hash.bytes.data(), block.data() + header_bytes - hash_bytes, hash_bytes) != 0) {
      detail::locate(block, 0, header, 0, v);
      v.why = v.offset < 0
                  ? failure(errc::bad_format, "audit log: the header's {} bytes do not match their hash", header_bytes)
                  : failure(errc::bad_format, "audit log: header, {}: byte {} is {}, its hash says {}",
                            to_string(v.field), v.offset, v.found, v.expected);
      return v;
    }
  }
  const auto log = audit_view::try_open(bytes);
  if (!log) {
    v.why = log.error();
    return v;
  }
  // The first damage is kept.
  const auto note = [&v](index_t at, const failure& why) {
    if (v.why.message()[0] != 0) return false;
    v.record = at;
    v.why = why;
    return true;
  };
  v.records = log->size();
  std::memcpy(v.head.bytes.data(), bytes.data() + header_bytes - hash_bytes, hash_bytes);
  if (kept != nullptr && *kept == v.head) v.kept_at = -1;
  for (index_t i = 0; i < log->size(); ++i) {
    const std::span<const std::byte> block(log->at(i), static_cast<std::size_t>(log->record_bytes()));
    const audit_record r = (*log)[i];
    if (sha256::of(block.first(block.size() - hash_bytes)) != r.hash) {
      if (note(i, failure(errc::bad_format, "audit log: record {} does not match its hash", i))) {
        detail::locate(block, log->at(i) - bytes.data(), record, log->outputs(), v);
        if (v.offset >= 0)
          v.why = failure(errc::bad_format, "audit log: record {}, {}: byte {} is {}, its hash says {}", i,
                          to_string(v.field), v.offset, v.found, v.expected);
      }
    } else if (r.sequence != static_cast<std::uint64_t>(i)) {
      if (note(i, failure(errc::bad_format, "audit log: record {} says it is number {}", i, r.sequence)))
        v.field = audit_field::sequence;
    } else if (r.previous != v.head) {
      if (note(i, failure(errc::bad_format, "audit log: record {} follows a record with hash {}..., before it is {}...",
                          i, r.previous.hex(12).c_str(), v.head.hex(12).c_str())))
        v.field = audit_field::previous;
    }
    v.head = r.hash;
    if (kept != nullptr && *kept == v.head) v.kept_at = i;
  }
  if (kept != nullptr && v.kept_at == -2)
    note(v.records,
         failure(errc::bad_format,
                 "audit log: none of its {} records has the kept head: the log was cut or written anew", v.records));
  v.intact = v.why.message()[0] == 0;
  return v;
}

/// Writes a log. One writer a log; the order of appends is the order of records.
/// Sink: called with the bytes of the header, then of one record at a time; false when it could not take them.
template <class Sink>
class audit_log {
 public:
  /// A new log: writes the header.
  /// \param outputs   codes a record, 1 to 2^24.
  /// \param previous  the head of the log that this one continues, or zeros.
  static result<audit_log> try_start(Sink sink, index_t outputs, const digest& previous = {}) {
    if (outputs < 1 || outputs > audit_format::most_outputs)
      return failure(errc::invalid_shape, "audit log: {} outputs a record, expected 1 to {}", outputs,
                     audit_format::most_outputs);
    audit_log made(std::move(sink), outputs);
    std::byte header[audit_format::header_bytes];
    made.head_ = audit_format::write_header(header, outputs, previous);
    if (!made.sink_(std::span<const std::byte>(header)))
      return failure(errc::io, "audit log: the sink refused the header of {} bytes", audit_format::header_bytes);
    return made;
  }

  /// Goes on with a log that was read back, after a restart; it must be intact. Writes nothing yet.
  static result<audit_log> try_resume(Sink sink, std::span<const std::byte> bytes, const digest* kept = nullptr) {
    const audit_verdict v = verify_audit_log(bytes, kept);
    if (!v.intact) return v.why;
    audit_log made(std::move(sink), audit_view::try_open(bytes)->outputs());
    made.head_ = v.head;
    made.size_ = v.records;
    return made;
  }

  /// Appends a record; its sequence, previous and hash are set here.
  /// \returns  errc::invalid_shape for another number of codes; errc::io when the sink refuses. The chain then stands
  ///           where it stood: no record was made, and what the sink may have kept of it is a part of none.
  result<void> try_append(audit_record r) {
    const auto codes = static_cast<index_t>(r.codes.size());
    if (codes != outputs_)
      return failure(errc::invalid_shape, "audit log: a record of {} codes, expected {}", codes, outputs_);
    r.sequence = static_cast<std::uint64_t>(size_);
    r.previous = head_;
    const digest hash = audit_format::write_record(memory_.data(), r);
    if (!sink_(std::span<const std::byte>(memory_)))
      return failure(errc::io, "audit log: the sink refused record {} of {} bytes", size_,
                     static_cast<index_t>(memory_.size()));
    head_ = hash;
    ++size_;
    return {};
  }

#if DYADIC_EXCEPTIONS
  static audit_log start(Sink sink, index_t outputs, const digest& previous = {}) {
    return try_start(std::move(sink), outputs, previous).value();
  }
  static audit_log resume(Sink sink, std::span<const std::byte> bytes, const digest* kept = nullptr) {
    return try_resume(std::move(sink), bytes, kept).value();
  }
  void append(const audit_record& r) { try_append(r).value(); }
#endif

  index_t size() const noexcept { return size_; }
  index_t outputs() const noexcept { return outputs_; }
  /// The hash of the last record: kept elsewhere, it shows what the log alone cannot.
  const digest& head() const noexcept { return head_; }

 private:
  audit_log(Sink&& sink, index_t outputs)
      : sink_(std::move(sink)),
        outputs_(outputs),
        memory_(static_cast<std::size_t>(audit_format::fixed_bytes + outputs)) {}

  Sink sink_;
  index_t outputs_, size_ = 0;
  std::vector<std::byte> memory_;
  digest head_;
};

}  // namespace dyadic::inline DYADIC_ABI
