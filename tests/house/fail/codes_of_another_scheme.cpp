// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Codes per row and codes per tensor are different types.
// expects: could not convert|no known conversion|no matching function for call to .*bytes
#include <dyadic/quantize/quantized.hpp>

dyadic::index_t bytes(dyadic::quantized_view<dyadic::s8_per_row> w) { return w.row_stride; }

dyadic::index_t use(const dyadic::quantized<dyadic::s8_per_row>& rows,
                    const dyadic::quantized<dyadic::s8_per_tensor>& one) {
#ifdef DYADIC_TWIN
  return bytes(rows) + one.cols();
#else
  return bytes(one) + rows.cols();
#endif
}
