// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Saved observers: a tag, a version, little-endian numbers, and a checksum that notices every changed byte.
//
//   offset  bytes  what
//   0       4      tag of the observer, four letters
//   4       4      version, 1
//   8       ...    numbers of the observer, 4 or 8 bytes each
//   end-8   8      FNV-1a, 64 bits, of everything before
//
// FNV-1a multiplies by an odd number, which is a bijection, so two states of one length that differ in one byte never
// share a checksum. Loading trusts nothing all the same: every field is checked, and nothing is allocated before its
// size is proven.
//
// An observer that is saved has state_name, state_tag, write(out), which puts every number with its name, and
// read(reader), which gets and checks them in the same order. state_text.hpp makes a text of the same numbers from
// write alone.
#pragma once

#include <bit>
#include <span>
#include <vector>

#include <dyadic/calibrate/extent.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Refuses to join two extents whose counts do not fit in 64 bits together.
inline result<void> check_counts(const char* what, const extent& a, const extent& b) noexcept {
  constexpr std::uint64_t most = (std::numeric_limits<std::uint64_t>::max)();
  const std::uint64_t left = most - a.total();
  if (b.total() > left)
    return failure(errc::overflow, "{}: {} and {} numbers observed, expected at most {} together", what, a.total(),
                   b.total(), most);
  return {};
}

namespace detail {

inline constexpr std::uint32_t state_version = 1;

inline std::uint64_t fnv1a(std::span<const std::byte> bytes) noexcept {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const std::byte b : bytes) hash = (hash ^ std::to_integer<std::uint64_t>(b)) * 0x100000001B3ULL;
  return hash;
}

class state_writer {
 public:
  explicit state_writer(std::uint32_t tag) {
    put_bytes(tag, 4);
    put_bytes(state_version, 4);
  }
  // The names are for the text.
  void put(const char*, std::uint32_t x) { put_bytes(x, 4); }
  void put(const char*, std::int32_t x) { put_bytes(static_cast<std::uint32_t>(x), 4); }
  void put(const char*, std::uint64_t x) { put_bytes(x, 8); }
  void put(const char*, float x) { put_bytes(std::bit_cast<std::uint32_t>(x), 4); }
  void put(const char*, double x) { put_bytes(std::bit_cast<std::uint64_t>(x), 8); }
  void put(const char*, std::span<const std::uint64_t> all) {
    for (const std::uint64_t x : all) put_bytes(x, 8);
  }

  std::vector<std::byte> finish() {
    put_bytes(fnv1a(bytes_), 8);
    return std::move(bytes_);
  }

 private:
  void put_bytes(std::uint64_t x, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<std::byte>(x >> (8 * i) & 0xFF));
  }
  std::vector<std::byte> bytes_;
};

template <class Out>
void put_extent(Out& out, const extent& e) {
  out.put("min", e.min);
  out.put("max", e.max);
  out.put("finite", e.finite);
  out.put("nan", e.nan);
  out.put("positive_infinity", e.positive_infinity);
  out.put("negative_infinity", e.negative_infinity);
}

/// Reads what state_writer wrote: open, then get in the same order, then close. get(number) needs left() to have been
/// checked.
class state_reader {
 public:
  explicit state_reader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  result<void> open(const char* what, std::uint32_t tag) noexcept {
    what_ = what;
    if (bytes_.size() < 16) return failure(errc::bad_format, "{}: {} bytes, expected at least 16", what, bytes_.size());
    const std::uint32_t found = get32(), version = get32();
    if (found != tag) return failure(errc::bad_format, "{}: tag {}, expected {}", what, found, tag);
    if (version != state_version)
      return failure(errc::bad_format, "{}: version {}, expected {}", what, version, state_version);
    const std::uint64_t sum = fnv1a(bytes_.first(bytes_.size() - 8));
    state_reader tail(bytes_.last(8));
    if (tail.get64() != sum)
      return failure(errc::bad_format, "{}: the checksum of the {} bytes is wrong", what, bytes_.size());
    bytes_ = bytes_.first(bytes_.size() - 8);
    return {};
  }

  /// Bytes that are still to be read.
  std::size_t left() const noexcept { return bytes_.size() - at_; }

  result<void> expect_left(std::size_t n) const noexcept {
    if (left() < n) return failure(errc::bad_format, "{}: {} bytes left, expected at least {}", what_, left(), n);
    return {};
  }

  result<void> get(extent& e) noexcept {
    if (const auto ok = expect_left(40); !ok) return ok;
    e.min = std::bit_cast<float>(get32()), e.max = std::bit_cast<float>(get32());
    e.finite = get64(), e.nan = get64(), e.positive_infinity = get64(), e.negative_infinity = get64();
    extent sum;
    for (const std::uint64_t n : {e.finite, e.nan, e.positive_infinity, e.negative_infinity}) {
      extent part;
      part.finite = n;
      if (const auto ok = check_counts(what_, sum, part); !ok)
        return failure(errc::bad_format, "{}: counts exceed 2^64", what_);
      sum.finite += n;
    }
    const extent none;
    constexpr float most = (std::numeric_limits<float>::max)();
    const bool ordered =
        e.empty() ? ordered_key(e.min) == ordered_key(none.min) && ordered_key(e.max) == ordered_key(none.max)
                  : e.min >= -most && e.max <= most && !is_less(e.max, e.min) &&
                        (e.finite > 1 || ordered_key(e.min) == ordered_key(e.max));
    const bool canonical = ordered_key(e.min) != ordered_key(-0.0f) && ordered_key(e.max) != ordered_key(-0.0f);
    if (!ordered || !canonical)
      return failure(errc::bad_format, "{}: [{}, {}] is not the extent of {} numbers", what_,
                     static_cast<double>(e.min), static_cast<double>(e.max), e.finite);
    return {};
  }

  std::uint32_t get32() noexcept { return static_cast<std::uint32_t>(get_bytes(4)); }
  std::uint64_t get64() noexcept { return get_bytes(8); }

  result<void> close() const noexcept {
    if (left() != 0) return failure(errc::bad_format, "{}: {} bytes after the end, expected 0", what_, left());
    return {};
  }

 private:
  std::uint64_t get_bytes(std::size_t size) noexcept {
    std::uint64_t x = 0;
    for (std::size_t i = 0; i < size; ++i) x |= std::to_integer<std::uint64_t>(bytes_[at_ + i]) << (8 * i);
    at_ += size;
    return x;
  }

  const char* what_ = "state";
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

template <class Observer>
std::vector<std::byte> save_state(const Observer& o) {
  state_writer out(Observer::state_tag);
  o.write(out);
  return out.finish();
}

template <class Observer>
result<Observer> load_state(std::span<const std::byte> bytes) {
  state_reader in(bytes);
  if (const auto ok = in.open(Observer::state_name, Observer::state_tag); !ok) return ok.error();
  result<Observer> made = Observer::read(in);
  if (!made) return made;
  if (const auto ok = in.close(); !ok) return ok.error();
  return made;
}

}  // namespace detail

}  // namespace dyadic::inline DYADIC_ABI
