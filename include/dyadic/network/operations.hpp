// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The operations without weights, as a network calls them; what they do is each domain's apply().
//
// An operation of a user's own is a type with an apply() for every domain it is to run in. Where there is none, the
// network does not compile in that domain.
#pragma once

#include <dyadic/network/tensor.hpp>

namespace dyadic::inline DYADIC_ABI {

namespace operations {
struct relu {};
struct max_pool {
  window taps;
};
struct average_pool {
  window taps;
};
struct add {};
}  // namespace operations

/// max(x, 0).
template <class D>
tensor<D> relu(const tensor<D>& x) {
  return apply(x.run(), operations::relu{}, x);
}

/// The largest element of each window of `size`, windows side by side.
template <class D>
tensor<D> max_pool(const tensor<D>& x, extent2 size) {
  return apply(x.run(), operations::max_pool{window{.size = size, .stride = size}}, x);
}
template <class D, std::same_as<window> W>
tensor<D> max_pool(const tensor<D>& x, const W& taps) {
  return apply(x.run(), operations::max_pool{taps}, x);
}

/// The mean of each window of `size`, windows side by side; padding does not count.
template <class D>
tensor<D> average_pool(const tensor<D>& x, extent2 size) {
  return apply(x.run(), operations::average_pool{window{.size = size, .stride = size}}, x);
}
template <class D, std::same_as<window> W>
tensor<D> average_pool(const tensor<D>& x, const W& taps) {
  return apply(x.run(), operations::average_pool{taps}, x);
}

/// a + b, of the same shape.
///
/// In add(f(x), g(x)) the compiler chooses whether f or g comes first, and with it the numbers and names of their
/// sites. Give each a statement of its own, and every compiler finds the same sites.
template <class D>
tensor<D> add(const tensor<D>& a, const tensor<D>& b) {
  return apply(a.run(), operations::add{}, a, b);
}

/// (images, h, w, c) as (images, 1, 1, h * w * c). The elements stay where they are.
template <class D>
tensor<D> flatten(const tensor<D>& x) {
  return x.reshaped({x.shape().images, 1, 1, x.shape().features()});
}

}  // namespace dyadic::inline DYADIC_ABI
