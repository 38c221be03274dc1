// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// moving_average_min_max: the observer that follows the ends of the batches at a given pace, as PyTorch's does.
//
//   first batch:  min = min(x)                    later:  min = min + c * (min(x) - min)         and the same for max
//
// Order and batch boundaries are part of the definition, so two shards have no common result that either would have
// reached: there is no merge, and code that asks for one does not compile. Use min_max or histogram where calibration
// is distributed.
#pragma once

#include <dyadic/calibrate/min_max.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Source: torch/ao/quantization/observer.py, MovingAverageMinMaxObserver; each operation rounded to float by itself.
class moving_average_min_max {
 public:
  moving_average_min_max() = default;

  /// \param averaging_constant  weight of a new batch, in (0, 1]; errc::invalid_range otherwise.
  static result<moving_average_min_max> try_make(float averaging_constant) noexcept {
    if (!(averaging_constant > 0.0f && averaging_constant <= 1.0f))
      return failure(errc::invalid_range, "moving average: constant {}, expected a number in (0, 1]",
                     static_cast<double>(averaging_constant));
    moving_average_min_max made;
    made.constant_ = averaging_constant;
    return made;
  }

  /// One batch. A batch without a finite number is counted and moves nothing.
  void observe(std::span<const float> x) noexcept { include(extent_of(x)); }

  /// One batch of any layout; refuses a view without memory.
  template <real_matrix M>
  result<void> try_observe(const M& matrix) noexcept {
    const strided<const float> x(matrix);
    if (const auto ok = check_view("moving average: x", x); !ok) return ok;
    include(extent_of(x));
    return {};
  }

#if DYADIC_EXCEPTIONS
  explicit moving_average_min_max(float averaging_constant)
      : moving_average_min_max(try_make(averaging_constant).value()) {}
  template <real_matrix M>
  void observe(const M& x) {
    try_observe(x).value();
  }
#endif

  /// The averaged ends, and the counts of all that was observed.
  const extent& seen() const noexcept { return seen_; }
  float averaging_constant() const noexcept { return constant_; }
  /// Refuses another constant than this one's.
  result<void> check_settings(const moving_average_min_max& other) const noexcept {
    if (other.constant_ == constant_) return {};
    return failure(errc::invalid_range, "moving average: constant {}, expected {}",
                   static_cast<double>(other.constant_), static_cast<double>(constant_));
  }

  /// 60 bytes; try_load gives the same observer again, on any machine, to go on from there.
  std::vector<std::byte> save() const { return detail::save_state(*this); }
  /// errc::bad_format for bytes that save did not write.
  static result<moving_average_min_max> try_load(std::span<const std::byte> bytes) {
    return detail::load_state<moving_average_min_max>(bytes);
  }

  friend bool operator==(const moving_average_min_max&, const moving_average_min_max&) = default;

  static constexpr const char* state_name = "moving_average_min_max";
  static constexpr std::uint32_t state_tag = 0x414D5944;  // "DYMA"
  template <class Out>
  void write(Out& out) const {
    out.put("averaging_constant", constant_);
    detail::put_extent(out, seen_);
  }
  static result<moving_average_min_max> read(detail::state_reader& in) noexcept {
    if (const auto ok = in.expect_left(4); !ok) return ok.error();
    const auto constant = std::bit_cast<float>(in.get32());
    auto made = try_make(constant);
    if (!made)
      return failure(errc::bad_format, "moving average: constant {}, expected a number in (0, 1]",
                     static_cast<double>(constant));
    if (const auto ok = in.get(made->seen_); !ok) return ok.error();
    return made;
  }

 private:
  void include(const extent& batch) noexcept {
    const default_float_environment environment;
    extent next = seen_;
    next.include(batch);
    if (!seen_.empty()) {
      next.min = batch.empty() ? seen_.min : moved(seen_.min, batch.min);
      next.max = batch.empty() ? seen_.max : moved(seen_.max, batch.max);
      // Ends a rounding apart may cross; PyTorch refuses such a range.
      if (detail::is_less(next.max, next.min)) next.max = next.min;
    }
    seen_ = next;
  }

  /// Half of each end when their difference overflows, which is exact for numbers of that size.
  float moved(float from, float to) const noexcept {
    const float difference = detail::opaque(to) - detail::opaque(from);
    if (difference >= -(std::numeric_limits<float>::max)() && difference <= (std::numeric_limits<float>::max)())
      return detail::opaque(from + detail::opaque(constant_ * difference));
    const float half = to / 2.0f - from / 2.0f;
    return detail::opaque((from / 2.0f + detail::opaque(constant_ * half)) * 2.0f);
  }

  float constant_ = 0.01f;
  extent seen_;
};

}  // namespace dyadic::inline DYADIC_ABI
