// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// dequantize{} makes reals; writing them to int32 would round in secret.
// expects: no matching function for call to .*try_gemm
#include <dyadic/kernels/gemm.hpp>

#ifdef DYADIC_TWIN
using element = float;
#else
using element = std::int32_t;
#endif

auto use(const dyadic::quantized<dyadic::u8_per_tensor>& x, const dyadic::packed_weights& w,
         dyadic::strided<element> y) {
  return dyadic::try_gemm(x, w, dyadic::epilogue::dequantize{}, y);
}
