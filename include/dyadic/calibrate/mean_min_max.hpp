// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// mean_min_max: the observer of the mean, over batches, of the smallest and of the largest number of a batch.
//
// One call of observe is one batch: a sample, as NNCF has it (src/nncf/experimental/common/tensor_statistics,
// MinReducer or MaxReducer with MeanAggregator). NNCF adds in float; here the sum is exact and the mean rounds once.
#pragma once

#include <dyadic/calibrate/mean_ends.hpp>

namespace dyadic::inline DYADIC_ABI {

class mean_min_max {
 public:
  /// One batch. One without a finite number is counted and moves nothing.
  void observe(std::span<const float> x) noexcept { include(extent_of(x)); }

  /// One batch of any layout; refuses a view without memory.
  template <real_matrix M>
  result<void> try_observe(const M& matrix) noexcept {
    const strided<const float> x(matrix);
    if (const auto ok = check_view("mean_min_max: x", x); !ok) return ok;
    include(extent_of(x));
    return {};
  }

  /// Adds the batches of another one; errc::overflow if a count would exceed 2^64 - 1, and then nothing is added.
  result<void> try_merge(const mean_min_max& other) noexcept { return ends_.try_merge(state_name, other.ends_); }

#if DYADIC_EXCEPTIONS
  template <real_matrix M>
  void observe(const M& x) {
    try_observe(x).value();
  }
  void merge(const mean_min_max& other) { try_merge(other).value(); }
#endif

  /// The mean ends, and the counts of all that was observed.
  extent seen() const noexcept { return ends_.mean(); }
  /// Batches with a finite number.
  std::uint64_t batches() const noexcept { return ends_.batches; }

  /// 160 bytes; try_load gives the same observer again, on any machine.
  std::vector<std::byte> save() const { return detail::save_state(*this); }
  /// errc::bad_format for bytes that save did not write.
  static result<mean_min_max> try_load(std::span<const std::byte> bytes) {
    return detail::load_state<mean_min_max>(bytes);
  }

  static constexpr const char* state_name = "mean_min_max";
  static constexpr std::uint32_t state_tag = 0x454D5944;  // "DYME"
  template <class Out>
  void write(Out& out) const {
    ends_.write(out);
  }
  static result<mean_min_max> read(detail::state_reader& in) noexcept {
    const auto ends = detail::mean_ends::read(state_name, in);
    if (!ends) return ends.error();
    mean_min_max made;
    made.ends_ = *ends;
    return made;
  }

  friend bool operator==(const mean_min_max&, const mean_min_max&) = default;

 private:
  void include(const extent& batch) noexcept { ends_.include(batch, batch.min, batch.max); }
  detail::mean_ends ends_;
};

}  // namespace dyadic::inline DYADIC_ABI
