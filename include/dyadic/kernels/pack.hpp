// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// pack: weights laid out for the kernels, with the sums of each row and the proof that no accumulator can overflow.
//
// The layout serves every instruction set: panels of 16 rows of w, and inside a panel 64 bytes for each four steps of k
// (eight for 4-bit codes, which stay 4 bits wide). Packing happens once; a packed object never changes.
#pragma once

#include <dyadic/core/strided.hpp>
#include <dyadic/kernels/simd/vocabulary.hpp>
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

/// Weights of any scheme up to 8 bits, packed. n = rows of w, k = its columns.
class packed_weights {
 public:
  packed_weights() = default;

  const dyadic::scheme& scheme() const noexcept { return scheme_; }
  index_t rows() const noexcept { return view_.n; }
  index_t cols() const noexcept { return view_.k; }
  const accumulator_proof& proof() const noexcept { return proof_; }
  /// Sums over a whole row stay integers; over groups they are added as floats.
  bool grouped() const noexcept { return view_.groups > 1; }
  /// Of row i; only when !grouped().
  float scale(index_t i) const noexcept { return scales_[i]; }
  /// sum |w - zero_point| of row i; only when !grouped().
  std::int64_t row_sum(index_t i) const noexcept { return magnitudes_[i]; }
  /// The real that element (i, k) stands for: scale * (code - zero point).
  float value(index_t i, index_t k) const noexcept {
    const index_t at = k / view_.group * view_.padded_n() + i;
    const std::uint8_t* byte = panels_.data() + place(i, k);
    const int code = view_.four_bit ? load_s4(byte, k % view_.group / simd::quad % 2) : static_cast<std::int8_t>(*byte);
    return scales_[at] * static_cast<float>(code - (zero_points_.empty() ? 0 : zero_points_[at]));
  }
  /// Bytes of codes, scales and zero points as a model file would store them, without padding.
  index_t model_bytes() const noexcept { return model_bytes_; }
  const simd::weights_view& view() const noexcept { return view_; }

  template <dyadic::scheme S>
  static result<packed_weights> try_make(const quantized_view<S>& w, std::int64_t largest_x);

 private:
  /// The byte that holds element (i, k).
  index_t place(index_t i, index_t k) const noexcept {
    const index_t group = k / view_.group, inside = k % view_.group, codes = view_.four_bit ? 8 : 4;
    return i / simd::panel_columns * view_.panel_bytes() + (group * view_.group_steps + inside / codes) * 64 +
           i % simd::panel_columns * simd::quad + inside % simd::quad;
  }

  dyadic::scheme scheme_;
  simd::weights_view view_;
  accumulator_proof proof_;
  buffer<std::uint8_t> panels_;
  buffer<std::int32_t> sums_, zero_points_;
  buffer<float> scales_;
  buffer<std::int64_t> magnitudes_;
  index_t model_bytes_ = 0;
};

template <scheme S>
result<packed_weights> packed_weights::try_make(const quantized_view<S>& w, std::int64_t largest_x) {
  static_assert(S.bits <= 8, "pack: the kernels take weights of at most 8 bits");
  if (largest_x < 1 || largest_x > 255)
    return failure(errc::invalid_range, "pack: largest |x - zero point| of {}, expected 1 to 255", largest_x);
  if (const auto ok = check_quantized(w); !ok) return ok.error();
  const index_t count = params_count(S, w.rows, w.cols);
  if (w.cols > INT32_MAX / 255)
    return failure(errc::overflow, "pack: rows of {} codes, expected at most {}", w.cols, INT32_MAX / 255);

  // Kernels take signed codes; the shift of unsigned ones moves the zero point along.
  constexpr bool four_bit = S.two_per_byte();
  constexpr int shift = S.is_signed ? 0 : four_bit ? -8 : -128;
  packed_weights made;
  made.scheme_ = S;
  simd::weights_view& v = made.view_;
  v.n = w.rows;
  v.k = w.cols;
  v.four_bit = four_bit;
  const bool grouped = S.per == granularity::per_group && w.cols > 0;
  v.group = grouped ? S.group : w.cols;
  v.groups = grouped ? groups_in_row(S, w.cols) : 1;
  v.group_steps = blocks_of(v.group, four_bit ? 8 : 4);

  const auto panel_bytes = checked_multiply(v.groups, v.group_steps, index_t{64});
  if (!panel_bytes) return panel_bytes.error();
  const auto all_bytes = checked_multiply(v.padded_n() / simd::panel_columns, *panel_bytes);
  if (!all_bytes) return all_bytes.error();
  const index_t columns = v.padded_n() * v.groups;
  auto panels = buffer<std::uint8_t>::make(*all_bytes);
  auto sums = buffer<std::int32_t>::make(columns);
  auto zero_points = buffer<std::int32_t>::make(S.asymmetric() || shift + S.middle() != 0 ? columns : 0);
  auto scales = buffer<float>::make(columns);
  auto magnitudes = buffer<std::int64_t>::make(v.groups == 1 ? v.n : 0);
  if (!panels || !sums || !zero_points || !scales || !magnitudes)
    return failure(errc::out_of_memory, "pack: {} bytes for {} x {} weights are not to be had", *all_bytes, w.rows,
                   w.cols);
  made.panels_ = std::move(*panels);

  for (index_t i = 0; i < v.n; ++i) {
    for (index_t group = 0; group < v.groups; ++group) {
      const index_t first = group * v.group, at = group * v.padded_n() + i;
      const bool has_params = !w.scales.empty();  // groups of rows without columns have none
      const std::int32_t zero = has_params ? w.zero_point(i, first) : S.middle();
      std::int64_t sum = 0, magnitude = 0;
      for (index_t k = first; k < first + v.group; ++k) {
        const int code = w.code(i, k);
        sum += code - zero;
        magnitude += code < zero ? zero - code : code - zero;
        std::uint8_t& byte = made.panels_[made.place(i, k)];
        const int stored = code + shift;
        if constexpr (four_bit)
          byte = static_cast<std::uint8_t>(byte | (stored & 15) << ((k - first) / simd::quad % 2 * 4));
        else
          byte = static_cast<std::uint8_t>(stored);
      }
      if (magnitude * largest_x > accumulator_proof::limit)
        return failure(
            errc::overflow,
            "pack: row {} has sum |w - zero point| = {}, which times {} exceeds {}; pack with a smaller bound on "
            "|x - zero point| or use groups",
            i, magnitude, largest_x, accumulator_proof::limit);
      if (magnitude > made.proof_.largest_row_sum) made.proof_.largest_row_sum = magnitude;
      (*sums)[at] = static_cast<std::int32_t>(sum);
      (*scales)[at] = has_params ? w.scale(i, first) : 1.0f;
      if (!zero_points->empty()) (*zero_points)[at] = zero + shift;
      if (v.groups == 1) (*magnitudes)[i] = magnitude;
    }
  }
  made.proof_.largest_x = largest_x;
  made.sums_ = std::move(*sums);
  made.zero_points_ = std::move(*zero_points);
  made.scales_ = std::move(*scales);
  made.magnitudes_ = std::move(*magnitudes);
  made.model_bytes_ = w.rows * row_bytes(S, w.cols) + 4 * count + (S.asymmetric() ? count : 0);
  v.panels = made.panels_.data();
  v.sums = made.sums_.data();
  v.zero_points = made.zero_points_.data();
  v.scales = made.scales_.data();
  return made;
}

/// packed_weights that remember their scheme in the type.
template <scheme S>
class packed : public packed_weights {
 public:
  static constexpr dyadic::scheme scheme_value = S;
  packed() = default;
  explicit packed(packed_weights&& w) noexcept : packed_weights(std::move(w)) {}
};

/// Packs (n, k) weights of at most 8 bits.
/// \param largest_x  a bound on |code - zero point| of the activations to come; 255 holds for all 8-bit ones, 128 for
///                   symmetric signed ones. A product whose activations could exceed it is refused.
/// \returns          errc::overflow, naming the row, when a sum could leave int32. The check is exact, in int64.
template <scheme S>
result<packed<S>> try_pack(const quantized_view<S>& w, std::int64_t largest_x = 255) {
  auto made = packed_weights::try_make(w, largest_x);
  if (!made) return made.error();
  return packed<S>(std::move(*made));
}
template <scheme S>
result<packed<S>> try_pack(const quantized<S>& w, std::int64_t largest_x = 255) {
  return try_pack(w.view(), largest_x);
}

/// Float weights, packed for the same kernels' float product: [panel of 16 rows][k][row], missing rows zero.
class packed_reals {
 public:
  packed_reals() = default;
  index_t rows() const noexcept { return view_.n; }
  index_t cols() const noexcept { return view_.k; }
  index_t model_bytes() const noexcept { return view_.n * view_.k * 4; }
  const simd::real_weights_view& view() const noexcept { return view_; }

  static result<packed_reals> try_make(strided<const float> w) {
    if (const auto ok = check_view("pack", w); !ok) return ok.error();
    const auto size = checked_multiply(round_up(w.rows(), simd::panel_columns), w.cols());
    if (!size) return size.error();
    auto panels = buffer<float>::make(*size);
    if (!panels) return panels.error();
    packed_reals made;
    for (index_t i = 0; i < w.rows(); ++i)
      for (index_t k = 0; k < w.cols(); ++k)
        (*panels)[(i / simd::panel_columns * w.cols() + k) * simd::panel_columns + i % simd::panel_columns] = w(i, k);
    made.panels_ = std::move(*panels);
    made.view_ = {made.panels_.data(), w.rows(), w.cols()};
    return made;
  }

 private:
  buffer<float> panels_;
  simd::real_weights_view view_;
};

template <matrix_like M>
  requires std::is_same_v<element_of<M>, float>
result<packed_reals> try_pack(M&& w) {
  return packed_reals::try_make(w);
}

#if DYADIC_EXCEPTIONS
/// \throws std::length_error where try_pack proves nothing, std::invalid_argument for params that do not fit the shape.
template <class W>
auto pack(const W& w) {
  return try_pack(w).value();
}
template <class W>
auto pack(const W& w, std::int64_t largest_x) {
  return try_pack(w, largest_x).value();
}
#endif

}  // namespace dyadic::inline DYADIC_ABI
