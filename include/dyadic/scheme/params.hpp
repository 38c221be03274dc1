// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// params<S>: the run-time numbers of a scheme, checked once: scales and, only if asymmetric, zero points.
#pragma once

#include <array>
#include <span>
#include <vector>

#include <dyadic/scheme/scheme.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Refuses a scale that is not finite, not positive, or whose reciprocal is not finite.
inline result<void> check_scale(float scale, index_t at) noexcept {
  // The bound keeps scale and 1 / scale normal: no flush-to-zero mode of a host program can turn either into 0.
  if (!(scale >= 0x1p-126f && scale <= 0x1p126f))
    return failure(errc::invalid_scale, "params: scale {} is {}, expected a number in [2^-126, 2^126]", at,
                   static_cast<double>(scale));
  return {};
}

inline result<void> check_zero_point(const scheme& s, std::int32_t zero_point, index_t at) noexcept {
  if (zero_point < s.qmin() || zero_point > s.qmax())
    return failure(errc::invalid_zero_point, "params: zero point {} is {}, expected a code in [{}, {}]", at, zero_point,
                   s.qmin(), s.qmax());
  return {};
}

/// Scales and zero points of one quantized matrix: one pair a tensor, row or group, as S says; groups of a row stand
/// together.
template <scheme S>
class params {
  static_assert(S.valid(), "scheme: 2 to 8 or 16 bits, and group > 0 exactly for per-group schemes");
  static constexpr bool one = S.per == granularity::per_tensor;
  struct nothing {};
  using scale_list = std::conditional_t<one, std::array<float, 1>, std::vector<float>>;
  using zero_point_list =
      std::conditional_t<!S.asymmetric(), nothing,
                         std::conditional_t<one, std::array<std::int32_t, 1>, std::vector<std::int32_t>>>;

 public:
  /// One scale 1 and, if asymmetric, one zero point qmin: nothing measured yet.
  params() noexcept requires(one) {
    scales_[0] = 1.0f;
    if constexpr (S.asymmetric()) zero_points_[0] = S.qmin();
  }
  params() requires(!one) = default;

  /// \param scales       each in [2^-126, 2^126]; one for a per-tensor scheme.
  /// \param zero_points  as many as scales, each in [qmin, qmax]; none for a symmetric scheme.
  static result<params> try_make(std::span<const float> scales, std::span<const std::int32_t> zero_points = {}) {
    const auto count = static_cast<index_t>(scales.size()), zeros = static_cast<index_t>(zero_points.size());
    if (one && count != 1) return failure(errc::invalid_shape, "params: {} scales, expected 1", count);
    if (zeros != (S.asymmetric() ? count : 0))
      return failure(errc::invalid_shape, "params: {} zero points with {} scales, expected {}", zeros, count,
                     S.asymmetric() ? count : index_t{0});
    for (index_t i = 0; i < count; ++i)
      if (const auto ok = check_scale(scales[static_cast<std::size_t>(i)], i); !ok) return ok.error();
    for (index_t i = 0; i < zeros; ++i)
      if (const auto ok = check_zero_point(S, zero_points[static_cast<std::size_t>(i)], i); !ok) return ok.error();
    params made;
    if constexpr (one) {
      made.scales_[0] = scales[0];
      if constexpr (S.asymmetric()) made.zero_points_[0] = zero_points[0];
    } else {
      made.scales_.assign(scales.begin(), scales.end());
      if constexpr (S.asymmetric()) made.zero_points_.assign(zero_points.begin(), zero_points.end());
    }
    return made;
  }

#if DYADIC_EXCEPTIONS
  params(std::span<const float> scales, std::span<const std::int32_t> zero_points = {})
      : params(try_make(scales, zero_points).value()) {}
  explicit params(float scale) requires(one && !S.asymmetric()) : params(std::span<const float>(&scale, 1)) {}
  params(float scale, std::int32_t zero_point) requires(one&& S.asymmetric())
      : params(std::span<const float>(&scale, 1), std::span<const std::int32_t>(&zero_point, 1)) {}
#endif

  index_t count() const noexcept { return static_cast<index_t>(scales_.size()); }
  float scale(index_t i = 0) const noexcept { return scales_[static_cast<std::size_t>(i)]; }
  std::int32_t zero_point(index_t i = 0) const noexcept {
    if constexpr (S.asymmetric())
      return zero_points_[static_cast<std::size_t>(i)];
    else
      return S.middle();
  }
  std::span<const float> scales() const noexcept { return scales_; }
  /// Empty when symmetric.
  std::span<const std::int32_t> zero_points() const noexcept {
    if constexpr (S.asymmetric())
      return zero_points_;
    else
      return {};
  }

 private:
  scale_list scales_{};
  zero_point_list zero_points_{};
};

/// Refuses params whose number is not what a (rows, cols) matrix of scheme S needs.
template <scheme S>
result<void> check_params(const params<S>& p, index_t rows, index_t cols) noexcept {
  if (const auto ok = check_group(S, cols); !ok) return ok.error();
  if (p.count() != params_count(S, rows, cols))
    return failure(errc::invalid_shape, "params: {} scales for a {} x {} matrix, expected {}", p.count(), rows, cols,
                   params_count(S, rows, cols));
  return {};
}

}  // namespace dyadic::inline DYADIC_ABI
