// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// A matrix of doubles is not narrowed to float in secret.
// expects: no matching function for call to .*try_quantize
#include <dyadic/quantize/quantize.hpp>

#ifdef DYADIC_TWIN
using real = float;
#else
using real = double;
#endif

auto use(dyadic::strided<const real> x) { return dyadic::try_quantize<dyadic::s8_per_row>(x); }
