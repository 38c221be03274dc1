// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// interval_product: matrices times vectors of intervals, as centre and radius: W c, and |W| r.
//
// The intervals [c - r, c + r] of x become [W c - |W| r, W c + |W| r] of W x, and no smaller ones exist. Whole numbers
// stay exact as long as sums stay under 2^53. For others: a sum of k products in doubles, in any order and with any
// fusing, is within k * 2^-52 of its largest possible size of the exact one (Higham, Accuracy and Stability, 3.1, with a
// factor of two to spare); see rounding_share.
//
// Written once, in the compilers' 16-byte vectors, which every processor has.
#pragma once

#include <dyadic/core/buffer.hpp>
#include <dyadic/kernels/convolution.hpp>
#include <dyadic/network/layers.hpp>

namespace dyadic::inline DYADIC_ABI {

/// |computed - exact| <= rounding_share(k) * (sum of |products|), for a sum of k products of doubles and a few steps
/// before or after it.
constexpr double rounding_share(index_t k) noexcept { return static_cast<double>(k + 16) * 0x1p-52; }

/// A matrix of doubles (n, k), its rows eight a panel: [panel][k][8]; missing rows are zero.
class row_panels {
 public:
  static constexpr index_t width = 8;

  /// \param f  f(i, k), the element of row i and column k.
  template <class F>
  static result<row_panels> try_make(index_t n, index_t k, F&& f) {
    const auto size = checked_multiply(round_up(n, width), k);
    if (!size) return size.error();
    auto numbers = buffer<double>::make(*size);
    if (!numbers) return numbers.error();
    row_panels made;
    made.n_ = n, made.k_ = k;
    made.numbers_ = std::move(*numbers);
    for (index_t i = 0; i < n; ++i) {
      const index_t first = i / width * width * k + i % width;
      for (index_t j = 0; j < k; ++j) made.numbers_.data()[first + j * width] = f(i, j);
    }
    return made;
  }

  index_t rows() const noexcept { return n_; }
  index_t padded_rows() const noexcept { return round_up(n_, width); }
  index_t cols() const noexcept { return k_; }
  double operator()(index_t i, index_t k) const noexcept { return numbers_[(i / width * k_ + k) * width + i % width]; }

  /// centres = W c and radii = |W| r over the columns [first, first + count).
  /// \param c, r           `count` numbers each; r >= 0.
  /// \param centres, radii padded_rows() numbers each.
  void product(index_t first, index_t count, const double* c, const double* r, double* centres,
               double* radii) const noexcept {
    for (index_t panel = 0; panel < padded_rows(); panel += width)
      product_of_panel(numbers_.data() + (panel * k_ + first * width), count, c, r, centres + panel, radii + panel);
  }
  void product(const double* c, const double* r, double* centres, double* radii) const noexcept {
    product(0, k_, c, r, centres, radii);
  }

 private:
  using f64x2 = double __attribute__((vector_size(16)));
  using s64x2 = std::int64_t __attribute__((vector_size(16)));

  static void product_of_panel(const double* w, index_t count, const double* c, const double* r, double* centres,
                               double* radii) noexcept {
    const s64x2 magnitude = s64x2{} + INT64_MAX;
    f64x2 c0{}, c1{}, c2{}, c3{}, r0{}, r1{}, r2{}, r3{};
    for (index_t k = 0; k < count; ++k, w += width) {
      f64x2 w0, w1, w2, w3;
      std::memcpy(&w0, w, sizeof w0);
      std::memcpy(&w1, w + 2, sizeof w1);
      std::memcpy(&w2, w + 4, sizeof w2);
      std::memcpy(&w3, w + 6, sizeof w3);
      c0 += w0 * c[k];
      c1 += w1 * c[k];
      c2 += w2 * c[k];
      c3 += w3 * c[k];
      r0 += std::bit_cast<f64x2>(std::bit_cast<s64x2>(w0) & magnitude) * r[k];
      r1 += std::bit_cast<f64x2>(std::bit_cast<s64x2>(w1) & magnitude) * r[k];
      r2 += std::bit_cast<f64x2>(std::bit_cast<s64x2>(w2) & magnitude) * r[k];
      r3 += std::bit_cast<f64x2>(std::bit_cast<s64x2>(w3) & magnitude) * r[k];
    }
    const f64x2 all_centres[] = {c0, c1, c2, c3}, all_radii[] = {r0, r1, r2, r3};
    std::memcpy(centres, all_centres, sizeof all_centres);
    std::memcpy(radii, all_radii, sizeof all_radii);
  }

  buffer<double> numbers_;
  index_t n_ = 0, k_ = 0;
};

/// The rows that a layer multiplies, gathered from several planes of doubles of the shape of x: whole images for a
/// linear layer, patches for a convolution, whose padding is zero.
template <int Planes>
class plane_rows {
 public:
  /// \param planes  Planes * x.size() doubles, one plane after the other.
  static result<plane_rows> try_make(const conv2d& layer, const image_shape& x, const double* planes) noexcept {
    return make(planes, x, layer.taps(), layer.groups(),
                x.images * layer.taps().out_height(x.height) * layer.taps().out_width(x.width), layer.weights().cols());
  }
  static result<plane_rows> try_make(const linear&, const image_shape& x, const double* planes) noexcept {
    return make(planes, {x.images, 1, 1, x.features()}, {}, 1, x.images, x.features());
  }

  index_t rows() const noexcept { return rows_; }
  /// Row `row` of every plane for a group of channels: Planes * columns doubles, one plane after the other.
  const double* row(index_t row, index_t group) noexcept {
    const index_t channels = x_.channels / groups_;
    for (int p = 0; p < Planes; ++p) {
      const kernels::patch_rows<double> patches{
          planes_ + p * x_.size(), x_, taps_, group * channels, channels, nullptr, 0, 0.0};
      kernels::patch_rows<double>::fill(&patches, row, 1, scratch_.data() + p * cols_, cols_);
    }
    return scratch_.data();
  }

 private:
  static result<plane_rows> make(const double* planes, const image_shape& x, const window& taps, index_t groups,
                                 index_t rows, index_t cols) noexcept {
    auto scratch = buffer<double>::make(Planes * cols);
    if (!scratch) return scratch.error();
    plane_rows made;
    made.planes_ = planes, made.x_ = x, made.taps_ = taps, made.groups_ = groups, made.rows_ = rows, made.cols_ = cols;
    made.scratch_ = std::move(*scratch);
    return made;
  }

  const double* planes_ = nullptr;
  image_shape x_;
  window taps_;
  index_t groups_ = 1, rows_ = 0, cols_ = 0;
  buffer<double> scratch_;
};

}  // namespace dyadic::inline DYADIC_ABI
