// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Bytes in 128-bit registers, for the x86 instruction sets: 16 channels are common, 64 are not; included inside their
// regions.

struct bytev {
  __m128i r;
};
DYADIC_INLINE bytev load_bytes(const std::uint8_t* p) { return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))}; }
DYADIC_INLINE void store_bytes(std::uint8_t* p, bytev v) { _mm_storeu_si128(reinterpret_cast<__m128i*>(p), v.r); }
DYADIC_INLINE bytev max_u8(bytev a, bytev b) { return {_mm_max_epu8(a.r, b.r)}; }
DYADIC_INLINE bytev flip(bytev a, int bits) { return {_mm_xor_si128(a.r, _mm_set1_epi8(static_cast<char>(bits)))}; }
DYADIC_INLINE bytev flip_sign(bytev a) { return flip(a, 128); }
/// The sums of four bytes each; the pairs of unsigned bytes with ones reach 510 and cannot saturate.
DYADIC_INLINE void store_quad_sums(std::int32_t* p, bytev v) {
  const __m128i pairs = _mm_maddubs_epi16(v.r, _mm_set1_epi8(1));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm_madd_epi16(pairs, _mm_set1_epi16(1)));
}
/// The low four bits of 16 bytes in 8, the first of two in the low half; and back, above them zeros.
DYADIC_INLINE void store_nibbles(std::uint8_t* p, bytev v) {
  const __m128i low = _mm_and_si128(v.r, _mm_set1_epi8(15));
  const __m128i pairs = _mm_maddubs_epi16(low, _mm_set1_epi16(0x1001));  // first + 16 * second <= 255
  _mm_storel_epi64(reinterpret_cast<__m128i*>(p), _mm_packus_epi16(pairs, pairs));
}
DYADIC_INLINE bytev load_nibbles(const std::uint8_t* p) {
  const __m128i both = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p)), mask = _mm_set1_epi8(15);
  return {_mm_unpacklo_epi8(_mm_and_si128(both, mask), _mm_and_si128(_mm_srli_epi16(both, 4), mask))};
}
/// What streamed stores wrote is seen by other threads after this.
DYADIC_INLINE void stream_done() { _mm_sfence(); }
