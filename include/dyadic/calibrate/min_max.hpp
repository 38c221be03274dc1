// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// min_max: the observer that remembers the smallest and the largest finite number.
//
// Its state depends on the multiset of the data alone: any order, any split into batches, any shards merged in any tree
// give the same bytes. NaN and infinities are counted apart and never widen the range.
#pragma once

#include <dyadic/calibrate/extent.hpp>
#include <dyadic/calibrate/state.hpp>

namespace dyadic::inline DYADIC_ABI {

/// What every observer can do.
template <class O>
concept observer = requires(O& o, const O& c, std::span<const float> run, strided<const float> matrix) {
  o.observe(run);
  { o.try_observe(matrix) } -> std::same_as<result<void>>;
  { c.seen() } -> std::convertible_to<extent>;
};

/// An observer that can be saved; state.hpp says what else it has.
template <class O>
concept saved_observer = observer<O> && requires(const O& c, std::span<const std::byte> bytes) {
  { c.save() } -> std::same_as<std::vector<std::byte>>;
  { O::try_load(bytes) } -> std::same_as<result<O>>;
};

/// An observer whose shards can be joined exactly.
template <class O>
concept mergeable_observer = saved_observer<O> && requires(O& o, const O& c) {
  { o.try_merge(c) } -> std::same_as<result<void>>;
};

class min_max {
 public:
  /// Adds numbers of any order.
  void observe(std::span<const float> x) noexcept { seen_.include(extent_of(x)); }

  /// Adds a matrix of any layout; refuses a view without memory.
  template <real_matrix M>
  result<void> try_observe(const M& matrix) noexcept {
    const strided<const float> x(matrix);
    if (const auto ok = check_view("min_max: x", x); !ok) return ok;
    seen_.include(extent_of(x));
    return {};
  }

  /// Adds what another one saw; errc::overflow if a count would exceed 2^64 - 1, and then nothing is added.
  result<void> try_merge(const min_max& other) noexcept {
    if (const auto ok = check_counts("min_max", seen_, other.seen_); !ok) return ok;
    seen_.include(other.seen_);
    return {};
  }

#if DYADIC_EXCEPTIONS
  template <real_matrix M>
  void observe(const M& x) {
    try_observe(x).value();
  }
  void merge(const min_max& other) { try_merge(other).value(); }
#endif

  const extent& seen() const noexcept { return seen_; }

  /// 56 bytes; try_load gives the same observer again, on any machine.
  std::vector<std::byte> save() const { return detail::save_state(*this); }
  /// errc::bad_format for bytes that save did not write.
  static result<min_max> try_load(std::span<const std::byte> bytes) { return detail::load_state<min_max>(bytes); }

  friend bool operator==(const min_max&, const min_max&) = default;

  static constexpr const char* state_name = "min_max";
  static constexpr std::uint32_t state_tag = 0x4D4D5944;  // "DYMM"
  template <class Out>
  void write(Out& out) const {
    detail::put_extent(out, seen_);
  }
  static result<min_max> read(detail::state_reader& in) noexcept {
    min_max made;
    if (const auto ok = in.get(made.seen_); !ok) return ok.error();
    return made;
  }

 private:
  extent seen_;
};

}  // namespace dyadic::inline DYADIC_ABI
