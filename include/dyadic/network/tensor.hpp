// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// tensor<Domain>: a value in a network. The domain says what its elements mean and what operations on it do.
//
// A tensor is a handle: copying one shares the elements, which nobody changes once an operation has produced them. So a
// residual connection is just a tensor used twice.
#pragma once

#include <dyadic/core/strided.hpp>
#include <dyadic/core/workspace.hpp>
#include <dyadic/kernels/window.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Numbers a user puts into a network: one row an image (or a sample), the features of a row in (h, w, c) order.
struct batch {
  strided<const float> rows;
  extent2 size{1, 1};      ///< height and width of a row's image
  index_t channels = 0;    ///< 0: all the columns

  image_shape shape() const noexcept {
    return {rows.rows(), size.height, size.width, channels > 0 ? channels : rows.cols()};
  }
};

/// Elements (images, height, width, channels), NHWC without gaps, produced at a site of a run.
template <class Domain>
class tensor {
 public:
  using element = typename Domain::element;

  tensor(Domain& run, const image_shape& shape, int site, memory_block memory) noexcept
      : run_(&run), shape_(shape), site_(site), memory_(std::move(memory)) {}

  Domain& run() const noexcept { return *run_; }
  const image_shape& shape() const noexcept { return shape_; }
  int site() const noexcept { return site_; }
  /// Nothing: an operation before this one failed.
  bool empty() const noexcept { return memory_.empty(); }

  element* data() const noexcept { return reinterpret_cast<element*>(memory_.data()); }
  std::span<element> elements() const noexcept { return {data(), static_cast<std::size_t>(shape_.size())}; }
  /// (images, features)
  strided<element> matrix() const noexcept { return {data(), shape_.images, shape_.features()}; }
  /// (images * height * width, channels)
  strided<element> pixels() const noexcept { return {data(), shape_.pixels(), shape_.channels}; }

  /// The same elements under another shape of the same size.
  tensor reshaped(const image_shape& shape) const noexcept { return tensor(*run_, shape, site_, memory_); }
  /// The same elements, as the tensor of another site.
  tensor at_site(int site) const noexcept { return tensor(*run_, shape_, site, memory_); }

 private:
  Domain* run_;
  image_shape shape_;
  int site_;
  memory_block memory_;
};

}  // namespace dyadic::inline DYADIC_ABI
