// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// pack: weights laid out for the kernels, with the sums of each row and the proof that no accumulator can overflow.
//
// The layout (simd/vocabulary.hpp) serves every instruction set: panels of 16 rows of w, and in a panel 64 bytes for
// each four steps of k (eight for 4-bit codes, which stay 4 bits wide). Packing happens once, and a packed object never
// changes.
#pragma once

#include <dyadic/core/strided.hpp>
#include <dyadic/kernels/pack_into.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Weights of any scheme up to 8 bits, packed. n = rows of w, k = its columns.
class packed_weights {
 public:
  packed_weights() = default;

  const dyadic::scheme& scheme() const noexcept { return scheme_; }
  index_t rows() const noexcept { return view().n; }
  index_t cols() const noexcept { return view().k; }
  const accumulator_proof& proof() const noexcept { return packed_.proof; }
  /// Sums over a whole row stay integers; over groups they are added as floats.
  bool grouped() const noexcept { return view().groups > 1; }
  /// Of row i; only when !grouped().
  float scale(index_t i) const noexcept { return view().scales[i]; }
  /// sum |w - zero_point| of row i; only when !grouped().
  std::int64_t row_sum(index_t i) const noexcept { return packed_.row_sums[i]; }
  /// The code of element (i, k), as it is signed: of unsigned schemes less half their range.
  int code(index_t i, index_t k) const noexcept {
    const simd::weights_view& v = view();
    const index_t inside = k % v.group, panel = i / simd::panel_columns;
    const index_t step = k / v.group * v.group_steps + inside / v.step_codes();
    const std::uint8_t* byte = v.panels + v.panel_start(panel) + step * v.step_stride(panel) +
                               i % simd::panel_columns * simd::quad + inside % simd::quad;
    return v.four_bit ? load_s4(byte, inside / simd::quad % 2) : static_cast<std::int8_t>(*byte);
  }
  /// code - zero point: what meets code - zero point of x.
  std::int32_t whole(index_t i, index_t k) const noexcept {
    const simd::weights_view& v = view();
    return code(i, k) - (v.zero_points == nullptr ? 0 : v.zero_points[v.number_at(i, k / v.group)]);
  }
  float scale(index_t i, index_t k) const noexcept { return view().scales[view().number_at(i, k / view().group)]; }
  /// The real that element (i, k) stands for.
  float value(index_t i, index_t k) const noexcept { return scale(i, k) * static_cast<float>(whole(i, k)); }
  /// Bytes of codes, scales and zero points as a model file would store them, without padding.
  index_t model_bytes() const noexcept { return model_bytes_; }
  const simd::weights_view& view() const noexcept { return packed_.weights; }
  /// What a product needs of it.
  operator const kernels::packed_view&() const noexcept { return packed_; }

  template <dyadic::scheme S>
  static result<packed_weights> try_make(const quantized_view<S>& w, std::int64_t largest_x) {
    if (const auto ok = kernels::check_packable(w, largest_x); !ok) return ok.error();
    const auto at = kernels::pack_layout::make(S, w.rows, w.cols);
    if (!at) return at.error();
    auto memory = buffer<std::uint8_t>::make(at->bytes);
    if (!memory)
      return failure(errc::out_of_memory, "pack: {} bytes for {} x {} weights are not to be had", at->bytes, w.rows,
                     w.cols);
    auto packed = kernels::packer(w, false, *at, memory->data(), largest_x).run();
    if (!packed) return packed.error();
    const index_t count = params_count(S, w.rows, w.cols);
    packed_weights made;
    made.scheme_ = S;
    made.packed_ = *packed;
    made.memory_ = std::move(*memory);
    made.model_bytes_ = w.rows * row_bytes(S, w.cols) + 4 * count + (S.asymmetric() ? count : 0);
    return made;
  }

 private:
  dyadic::scheme scheme_;
  kernels::packed_view packed_;
  buffer<std::uint8_t> memory_;
  index_t model_bytes_ = 0;
};

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

/// Float weights, packed for the same kernels' float product; missing rows are zero.
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
    made.panels_ = std::move(*panels);
    made.view_ = {made.panels_.data(), w.rows(), w.cols()};
    for (index_t i = 0; i < w.rows(); ++i) {
      const index_t panel = i / simd::panel_columns, stride = made.view_.k_stride(panel);
      const index_t first = made.view_.panel_start(panel) + i % simd::panel_columns;
      for (index_t k = 0; k < w.cols(); ++k) made.panels_.data()[first + k * stride] = w(i, k);
    }
    return made;
  }

 private:
  buffer<float> panels_;
  simd::real_weights_view view_;
};

template <matrix_like M>
  requires(std::is_same_v<element_of<M>, float>)
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
