// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Unsigned params do not quantize to signed codes.
// expects: no matching function for call to .*try_quantize
#include <dyadic/quantize/quantize.hpp>

auto use(dyadic::strided<const float> x, const dyadic::params<dyadic::u8_per_tensor>& p) {
#ifdef DYADIC_TWIN
  return dyadic::try_quantize<dyadic::u8_per_tensor>(x, p);
#else
  return dyadic::try_quantize<dyadic::s8_asymmetric_per_tensor>(x, p);
#endif
}
