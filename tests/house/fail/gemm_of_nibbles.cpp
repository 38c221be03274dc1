// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Activations of gemm are one byte a code; two codes a byte are a layout for weights.
// expects: gemm: x needs one byte a code
#include <dyadic/kernels/gemm.hpp>

#ifdef DYADIC_TWIN
inline constexpr dyadic::scheme codes = dyadic::u8_per_row;
#else
inline constexpr dyadic::scheme codes = dyadic::s4_per_row;
#endif

auto use(const dyadic::quantized<codes>& x, const dyadic::packed_weights& w, dyadic::strided<float> y) {
  return dyadic::try_gemm(x, w, dyadic::epilogue::dequantize{}, y);
}
