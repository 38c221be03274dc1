// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// float4_e2m1, the 4-bit floating-point number of OCP MX, NVFP4 and ONNX: 0, 0.5, 1, 1.5, 2, 3, 4, 6 and their
// negatives.
//
// Code 8 is -0. There is no infinity and no NaN: large numbers and infinities become 6 with their sign, NaN becomes -0,
// as in the node tests of ONNX Cast. A tie goes to the even code. Two codes in a byte are those of int4.hpp, the first
// in the low nibble.
#pragma once

#include <dyadic/fixed_point/float8.hpp>

namespace dyadic::inline DYADIC_ABI {

/// Equality is that of the bits: the two zeros differ. Only the low four bits count.
struct float4_e2m1 {
  using format = detail::small_float<2, 1, 1, detail::specials::none>;
  std::uint8_t bits = 0;
  friend constexpr bool operator==(float4_e2m1, float4_e2m1) = default;
};

}  // namespace dyadic::inline DYADIC_ABI
