// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Codes of y, four registers at a time, where an instruction set has nothing better than one at a time.

DYADIC_INLINE void store_four_bytes(std::uint8_t* p, const i32v (&v)[4], bool) {
  DYADIC_UNROLL
  for (int i = 0; i < 4; ++i) store_low_bytes(p + i * lanes, v[i]);
}
