// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// packer: arranges checked codes into panels, adds each panel up as it stands, and proves that no sum can overflow.
//
// Legend: w is (n, k); its rows stand 16 a panel (panel.hpp).
#pragma once

#include <utility>

#include <dyadic/kernels/panel.hpp>
#include <dyadic/quantize/quantized.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Why int32 sums are exact: for every row (and group) of w, sum |w - zero_point| * max |x - zero_point| fits.
struct accumulator_proof {
  std::int64_t largest_row_sum = 0;  ///< the largest sum |w - zero_point| of a row or group
  std::int64_t largest_x = 0;        ///< |x - zero_point| up to here is covered
  static constexpr std::int64_t limit = INT32_MAX;
  friend constexpr bool operator==(const accumulator_proof&, const accumulator_proof&) = default;

  /// What a bias may still add to a sum.
  constexpr std::int64_t margin() const noexcept { return limit - largest_row_sum * largest_x; }
};

namespace kernels {

/// Packed weights in memory that somebody else owns.
struct packed_view {
  simd::weights_view weights;
  accumulator_proof proof;
  const std::int64_t* row_sums = nullptr;  ///< sum |w - zero_point| of each row; null when a row has several groups

  bool grouped() const noexcept { return weights.groups > 1; }
};

/// Where the parts of packed weights stand in one piece of memory, each from a cache line on; the panels come first.
struct pack_layout {
  simd::weights_view shape;
  int shift = 0;  ///< from codes to stored ones, which are signed; zero points move along
  bool zero_points_stored = false;
  index_t sums = 0, scales = 0, zero_points = 0, row_sums = 0, pairs_fit = 0, bytes = 0;

  static result<pack_layout> make(const scheme& s, index_t n, index_t k) noexcept {
    if (n < 0 || k < 0) return failure(errc::invalid_shape, "pack: shape {} x {}, expected sizes >= 0", n, k);
    if (const auto ok = check_group(s, k); !ok) return ok.error();
    if (k > INT32_MAX / 255)
      return failure(errc::overflow, "pack: rows of {} codes, expected at most {}", k, INT32_MAX / 255);
    pack_layout made;
    made.shift = s.is_signed ? 0 : s.two_per_byte() ? -8 : -128;
    made.zero_points_stored = s.asymmetric() || s.middle() + made.shift != 0;
    simd::weights_view& v = made.shape;
    v.n = n;
    v.k = k;
    v.four_bit = s.two_per_byte();
    const bool grouped = s.per == granularity::per_group && k > 0;
    v.group = grouped ? s.group : k;
    v.groups = grouped ? groups_in_row(s, k) : 1;
    v.group_steps = blocks_of(v.group, v.step_codes());
    // A group of a row takes 4 bytes a step and 21 beside them at most, and a panel has 16 rows: no size below wraps.
    if (const auto bound = checked_multiply(n, v.groups, v.group_steps + 8, index_t{64}); !bound) return bound.error();
    const index_t panels = v.panel_count(), columns = v.padded_n() * v.groups;
    const auto place = [&made](index_t size) {
      return std::exchange(made.bytes, made.bytes + round_up(size, buffer<std::uint8_t>::alignment));
    };
    place(panels * v.panel_bytes());
    made.sums = place(4 * columns);
    made.scales = place(4 * columns);
    made.zero_points = place(made.zero_points_stored ? 4 * columns : 0);
    made.row_sums = place(v.groups == 1 ? 8 * n : 0);
    made.pairs_fit = place(panels);
    return made;
  }
};

/// One kind of the params of w: that of a row and group stands at row * row_step + group * group_step.
template <class T>
struct param_grid {
  using vector = std::conditional_t<std::is_same_v<T, float>, f32x4, s32x4>;

  const T* first = nullptr;
  index_t row_step = 0, group_step = 0;

  /// As a scheme lays them out; where there are none, `otherwise` stands for all. Keeps both by reference.
  param_grid(const scheme& s, index_t groups, std::span<const T> all, const T& otherwise) noexcept {
    first = all.empty() ? &otherwise : all.data();
    if (all.empty() || s.per == granularity::per_tensor) return;
    row_step = groups;
    group_step = s.per == granularity::per_group ? 1 : 0;
  }
  /// Of four rows from `row` on; those past the last row have its.
  vector four(index_t row, index_t last, index_t group) const noexcept {
    const T* p = first + group * group_step;
    const auto at = [&](index_t r) { return p[(r < last ? r : last) * row_step]; };
    return vector{at(row), at(row + 1), at(row + 2), at(row + 3)};
  }
};

/// Packs checked codes and params into a layout made for them, a block of panels at a time: its columns of a transposed
/// source share cache lines, and its numbers of a group stand side by side.
class packer {
 public:
  template <scheme S>
  packer(const quantized_view<S>& w, bool is_transposed, const pack_layout& at, std::uint8_t* memory,
         std::int64_t largest_x) noexcept
      : codes_{w.bytes, w.row_stride, S.two_per_byte(), !S.is_signed},
        is_transposed_(is_transposed),
        scales_(S, groups_in_row(S, w.cols), w.scales, one_),
        zero_points_(S, groups_in_row(S, w.cols), w.zero_points, middle_of<S>),
        at_(at),
        v_(at.shape),
        memory_(memory) {
    proof_.largest_x = largest_x;
  }

  result<packed_view> run() noexcept {
    const index_t panels = v_.panel_count();
    for (index_t panel = 0; panel < panels; panel += simd::block_panels) {
      const index_t end = panel + simd::panels_beside(panel, panels);
      if (is_transposed_)
        arrange_transposed(panel, end);
      else
        arrange(panel, end);
      measure(panel, end);
      if (proof_.margin() < 0) return refusal(panel, end);
    }
    packed_view made{v_, proof_, v_.groups == 1 ? part<std::int64_t>(at_.row_sums) : nullptr};
    made.weights.panels = memory_;
    made.weights.sums = part<std::int32_t>(at_.sums);
    made.weights.scales = part<float>(at_.scales);
    made.weights.zero_points = at_.zero_points_stored ? part<std::int32_t>(at_.zero_points) : nullptr;
    made.weights.pairs_fit = part<std::uint8_t>(at_.pairs_fit);
    return made;
  }

 private:
  static constexpr float one_ = 1.0f;
  template <scheme S>
  static constexpr std::int32_t middle_of = S.middle();

  template <class T>
  T* part(index_t offset) const noexcept {
    return reinterpret_cast<T*>(memory_ + offset);
  }
  std::uint8_t* steps_of(index_t panel, index_t group) const noexcept {
    return memory_ + v_.panel_start(panel) + group * v_.group_steps * v_.step_stride(panel);
  }
  int rows_of(index_t panel) const noexcept {
    const index_t rest = v_.n - panel * simd::panel_columns;
    return static_cast<int>(rest < simd::panel_columns ? rest : simd::panel_columns);
  }

  void arrange(index_t panel, index_t end) const noexcept {
    const index_t count = v_.group % codes_.step() == 0 ? v_.k : v_.group;  // groups without padding are one run
    for (; panel < end; ++panel)
      for (index_t k = 0; k < v_.k; k += count)
        arrange_rows(codes_, panel * simd::panel_columns, rows_of(panel), k, count, steps_of(panel, k / v_.group),
                     v_.step_stride(panel));
  }
  void arrange_transposed(index_t first, index_t end) const noexcept {
    constexpr index_t ahead = 32;  // rows, each on a page of its own, where processors do not look ahead by themselves
    for (index_t k = 0; k < v_.k; k += simd::quad) {
      for (index_t i = k + ahead; i < k + ahead + simd::quad && i < v_.k; ++i)
        __builtin_prefetch(codes_.bytes + i * codes_.stride + first * simd::panel_columns);
      for (index_t panel = first; panel < end; ++panel)
        arrange_columns(codes_, panel * simd::panel_columns, rows_of(panel), k, v_.k - k,
                        steps_of(panel, 0) + k / simd::quad * v_.step_stride(panel));
    }
  }

  /// The numbers that go with a block whose codes are in place.
  void measure(index_t first, index_t end) noexcept {
    pair_range pairs[simd::block_panels];
    s32x4 largest{};
    for (index_t group = 0; group < v_.groups; ++group)
      for (index_t panel = first; panel < end; ++panel) {
        const magnitudes m = measure_group(panel, group, pairs[panel - first]);
        for (const s32x4& four : m.of) largest = larger(largest, four);
        if (v_.groups > 1) continue;
        for (int r = 0; r < rows_of(panel); ++r)
          part<std::int64_t>(at_.row_sums)[panel * simd::panel_columns + r] = m.of[r / 4][r % 4];
      }
    for (int i = 0; i < 4; ++i)
      if (largest[i] > proof_.largest_row_sum) proof_.largest_row_sum = largest[i];
    for (index_t panel = first; panel < end; ++panel)
      part<std::uint8_t>(at_.pairs_fit)[panel] = v_.four_bit || pairs[panel - first].fit() ? 1 : 0;
  }

  /// sum |w - zero_point| of the rows of a panel, in one group.
  struct magnitudes {
    s32x4 of[4];
  };

  magnitudes measure_group(index_t panel, index_t group, pair_range& pairs) const noexcept {
    const index_t first = panel * simd::panel_columns, at = v_.number_at(first, group);
    const int lowest = v_.four_bit ? -8 : -128;
    s32x4 zeros[4];
    u8x16 zero_bytes[4];
    for (int q = 0; q < 4; ++q) {
      const index_t row = first + 4 * q, last = v_.n - 1;
      const s32x4 there = s32x4{0, 1, 2, 3} < static_cast<std::int32_t>(last - row < 3 ? last - row + 1 : 4);
      const auto scales = std::bit_cast<s32x4>(scales_.four(row, last, group));
      zeros[q] = (zero_points_.four(row, last, group) + at_.shift) & there;
      zero_bytes[q] = std::bit_cast<u8x16>(std::bit_cast<u32x4>(zeros[q] - lowest) * 0x01010101u);
      store_vector(part<float>(at_.scales) + at + 4 * q, scales & there);
      if (at_.zero_points_stored) store_vector(part<std::int32_t>(at_.zero_points) + at + 4 * q, zeros[q]);
    }
    const std::uint8_t* steps = steps_of(panel, group);
    const index_t stride = v_.step_stride(panel);
    const panel_totals totals = v_.four_bit ? totals_of<true>(steps, stride, v_.group_steps, zero_bytes, pairs)
                                            : totals_of<false>(steps, stride, v_.group_steps, zero_bytes, pairs);
    // Totals count from the lowest code, and padding is code 0. What follows stays under 255 * k <= 2^31 - 1.
    const auto codes = static_cast<std::int32_t>(v_.group_codes()), missing = codes - static_cast<int>(v_.group);
    magnitudes made;
    for (int q = 0; q < 4; ++q) {
      const s32x4 zero = zeros[q], sum = std::bit_cast<s32x4>(totals.sums[q]);
      store_vector(part<std::int32_t>(at_.sums) + at + 4 * q, sum + lowest * codes - zero * (codes - missing));
      made.of[q] = std::bit_cast<s32x4>(totals.magnitudes[q]) - larger(zero, -zero) * missing;
    }
    return made;
  }

  /// Names the first row of a block that cannot be proven.
  failure refusal(index_t panel, index_t end) const noexcept {
    pair_range pairs;
    index_t row = v_.n;
    std::int64_t sum = 0;
    for (; panel < end; ++panel)
      for (index_t group = 0; group < v_.groups; ++group) {
        const magnitudes m = measure_group(panel, group, pairs);
        for (index_t r = 0; r < simd::panel_columns && panel * simd::panel_columns + r < row; ++r) {
          const std::int64_t here = m.of[r / 4][r % 4];
          if (here * proof_.largest_x <= accumulator_proof::limit) continue;
          row = panel * simd::panel_columns + r;
          sum = here;
        }
      }
    return failure(errc::overflow,
                   "pack: row {} has sum |w - zero point| = {}, which times {} exceeds {}; pack with a smaller bound "
                   "on |x - zero point| or use groups",
                   row, sum, proof_.largest_x, accumulator_proof::limit);
  }

  code_rows codes_;
  bool is_transposed_;
  param_grid<float> scales_;
  param_grid<std::int32_t> zero_points_;
  const pack_layout& at_;
  const simd::weights_view& v_;
  std::uint8_t* memory_;
  accumulator_proof proof_;
};

}  // namespace kernels

}  // namespace dyadic::inline DYADIC_ABI
