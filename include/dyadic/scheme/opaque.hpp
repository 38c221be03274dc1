// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// opaque: a number the optimiser may neither fuse nor move.
//
// Two promises need it. A product that is rounded by itself before something is added to it must not become one
// fused multiply-add, which compilers do across statements and inlined functions. And arithmetic under
// default_float_environment must not be moved out of it, which compilers may do for values that live in registers.
#pragma once

#include <type_traits>

#include <dyadic/core/config.hpp>

namespace dyadic::inline DYADIC_ABI::detail {

/// x, through an empty instruction; plain x in a constant expression.
template <class Float>
constexpr Float opaque(Float x) noexcept {
  static_assert(std::is_floating_point_v<Float>);
  if (!std::is_constant_evaluated()) {
#if defined(__x86_64__)
    __asm__ volatile("" : "+x"(x));
#elif defined(__aarch64__)
    __asm__ volatile("" : "+w"(x));
#else
    __asm__ volatile("" : "+m"(x));
#endif
  }
  return x;
}

/// The same for the numbers of an array: what was stored is loaded again.
inline void opaque_array(float* x) noexcept { __asm__ volatile("" : : "r"(x) : "memory"); }

}  // namespace dyadic::inline DYADIC_ABI::detail
