// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The bytes of an audit log: a header, then records of one size, each chained to the one before by its hash.
//
//   header            bytes            record            bytes
//   magic              8  "dyadlog\n"   sequence           8  0, 1, 2...
//   format             4  1             time               8  signed; the caller's clock and unit
//   outputs            4  n             plan              32  digest of the plan that ran
//   previous          32  the head of   version           12  of the library: major, minor, patch
//                         the log       isa               16  instruction set, zeros after the name
//                         before, or    input             32  digest of the input
//                         zeros         flags              4  audit_flags
//   hash              32  SHA-256 of    clips              4  numbers of the input that its quantizer clipped
//                         all above     margin             4  largest output code less the second, in steps
//                                       codes              n  the output
//                                       previous          32  hash of the record before, of record 0: of the header
//                                       hash              32  SHA-256 of all above, from sequence on
//
// Numbers are little-endian. Records have one size, so that no damaged byte can shift those after it.
#pragma once

#include <dyadic/trust/digest.hpp>

namespace dyadic::inline DYADIC_ABI {

/// What a byte of a log belongs to.
enum class audit_field : unsigned char {
  none,
  magic,
  format,
  outputs,
  sequence,
  time,
  plan,
  version,
  isa,
  input,
  flags,
  clips,
  margin,
  codes,
  previous,
  hash
};

constexpr const char* to_string(audit_field f) noexcept {
  constexpr const char* names[] = {"none", "magic", "format", "outputs", "sequence", "time",  "plan",     "version",
                                   "isa",  "input", "flags",  "clips",   "margin",   "codes", "previous", "hash"};
  return names[static_cast<int>(f)];
}

/// Bits of audit_record::flags.
namespace audit_flags {
inline constexpr std::uint32_t input_clipped = 1,  ///< clips > 0
    input_not_a_number = 2,                        ///< a NaN, which became the zero point
    output_clipped = 4,                            ///< an output code stands at an end of the codes, 0 or 255
    small_margin = 8;                              ///< margin below what the caller asked for
}  // namespace audit_flags

/// One inference. The codes are borrowed.
struct audit_record {
  std::int64_t time = 0;
  digest plan{};
  library_version version{};
  char isa[17] = {};  ///< a C string
  digest input{};
  std::uint32_t flags = 0, clips = 0, margin = 0;
  std::span<const std::uint8_t> codes{};

  std::uint64_t sequence = 0;  ///< this and the hashes: set by the log, not by who appends
  digest previous{}, hash{};
};

namespace audit_format {

inline constexpr char magic[] = "dyadlog\n";
inline constexpr std::uint32_t version = 1;
inline constexpr index_t header_bytes = 80, fixed_bytes = 184, hash_bytes = 32;
inline constexpr index_t most_outputs = index_t{1} << 24;

struct part {
  audit_field field;
  index_t bytes;  ///< 0: as many as the record has outputs
};
inline constexpr part header[] = {{audit_field::magic, 8},
                                  {audit_field::format, 4},
                                  {audit_field::outputs, 4},
                                  {audit_field::previous, 32},
                                  {audit_field::hash, hash_bytes}};
inline constexpr part record[] = {
    {audit_field::sequence, 8}, {audit_field::time, 8},   {audit_field::plan, 32},     {audit_field::version, 12},
    {audit_field::isa, 16},     {audit_field::input, 32}, {audit_field::flags, 4},     {audit_field::clips, 4},
    {audit_field::margin, 4},   {audit_field::codes, 0},  {audit_field::previous, 32}, {audit_field::hash, hash_bytes}};

/// Whose byte stands at `offset`; `offset` becomes its place in the field.
constexpr audit_field field_at(std::span<const part> parts, index_t outputs, index_t& offset) noexcept {
  for (const part& p : parts) {
    const index_t bytes = p.bytes == 0 ? outputs : p.bytes;
    if (offset < bytes) return p.field;
    offset -= bytes;
  }
  return audit_field::none;
}

/// Writes one field after the other.
struct memory_sink {
  std::byte* at;
  void update(std::span<const std::byte> bytes) noexcept {
    if (bytes.empty()) return;
    std::memcpy(at, bytes.data(), bytes.size());
    at += bytes.size();
  }
};

/// A header whose hash is not yet known; returns that hash, which it also writes.
inline digest write_header(std::byte* to, index_t outputs, const digest& previous) noexcept {
  memory_sink sink{to};
  sink.update(std::as_bytes(std::span(magic).first(8)));
  sink.update(little_endian<4>(version).bytes);
  sink.update(little_endian<4>(static_cast<std::uint64_t>(outputs)).bytes);
  sink.update(previous.bytes);
  const digest hash = sha256::of({to, sink.at});
  sink.update(hash.bytes);
  return hash;
}

/// The same of a record of fixed_bytes + codes.size() bytes.
inline digest write_record(std::byte* to, const audit_record& r) noexcept {
  memory_sink sink{to};
  sink.update(little_endian<8>(r.sequence).bytes);
  sink.update(little_endian<8>(static_cast<std::uint64_t>(r.time)).bytes);
  sink.update(r.plan.bytes);
  for (const std::uint32_t n : {r.version.major, r.version.minor, r.version.patch})
    sink.update(little_endian<4>(n).bytes);
  sink.update(std::as_bytes(std::span(r.isa).first(16)));
  sink.update(r.input.bytes);
  for (const std::uint32_t n : {r.flags, r.clips, r.margin}) sink.update(little_endian<4>(n).bytes);
  sink.update(std::as_bytes(r.codes));
  sink.update(r.previous.bytes);
  const digest hash = sha256::of({to, sink.at});
  sink.update(hash.bytes);
  return hash;
}

/// Reads them in the same order.
struct memory_source {
  const std::byte* at;
  template <std::size_t Bytes>
  std::uint64_t number() noexcept {
    at += Bytes;
    return from_little_endian<Bytes>(at - Bytes);
  }
  std::uint32_t whole() noexcept { return static_cast<std::uint32_t>(number<4>()); }
  digest hash() noexcept {
    digest d;
    std::memcpy(d.bytes.data(), at, d.bytes.size());
    at += d.bytes.size();
    return d;
  }
};

/// What write_record wrote, with `outputs` codes. They stay where they are.
inline audit_record read_record(const std::byte* from, index_t outputs) noexcept {
  memory_source source{from};
  audit_record r;
  r.sequence = source.number<8>();
  r.time = static_cast<std::int64_t>(source.number<8>());
  r.plan = source.hash();
  r.version.major = source.whole();
  r.version.minor = source.whole();
  r.version.patch = source.whole();
  std::memcpy(r.isa, source.at, 16);
  source.at += 16;
  r.input = source.hash();
  r.flags = source.whole();
  r.clips = source.whole();
  r.margin = source.whole();
  r.codes = {reinterpret_cast<const std::uint8_t*>(source.at), static_cast<std::size_t>(outputs)};
  source.at += outputs;
  r.previous = source.hash();
  r.hash = source.hash();
  return r;
}

}  // namespace audit_format

}  // namespace dyadic::inline DYADIC_ABI
