// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Codes of y and nibbles as reals, where an instruction set has nothing better.

/// From reals in steps of the output to codes: clamp, round, add the zero point.
struct code_form {
  f32v low, high;
  i32v zero_point;

  explicit DYADIC_INLINE code_form(const epilogue_view& e)
      : low(set1(e.low)), high(set1(e.high)), zero_point(set1(e.zero_point)) {}
  DYADIC_INLINE i32v code(f32v real) const { return add(round_int(min(max(real, low), high)), zero_point); }
};

/// Four registers of codes, side by side.
DYADIC_INLINE void store_four_codes(std::uint8_t* p, const f32v (&f)[4], const code_form& form) {
  DYADIC_UNROLL
  for (int i = 0; i < 4; ++i) store_low_bytes(p + i * lanes, form.code(f[i]));
}

/// The signed 4 bits from bit Bit on of each lane.
template <int Bit>
DYADIC_INLINE f32v real_nibble(i32v v) {
  return to_float(shift_right<28>(shift_left<28 - Bit>(v)));
}
