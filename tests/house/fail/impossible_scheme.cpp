// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// There are no 9-bit codes.
// expects: scheme: 2 to 8 or 16 bits
#include <dyadic/scheme/params.hpp>

#ifdef DYADIC_TWIN
inline constexpr dyadic::scheme wide{.bits = 16};
#else
inline constexpr dyadic::scheme wide{.bits = 9};
#endif

float use(const dyadic::params<wide>& p) { return p.scale(); }
