// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Codes as bytes in 256-bit registers, for every `dot` that multiplies unsigned bytes by signed ones: x stays as it is,
// a panel of w is two registers; included inside the regions of avx2 and avx_vnni.

DYADIC_INLINE __m256i load_32(const std::uint8_t* p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)); }

struct byte_codes : plain_sums {
  using x_code = std::uint8_t;
  static constexpr int x_offset = 0;

  static DYADIC_INLINE void store_x(x_code* x, bytev v) { store_bytes(x, v); }
  static DYADIC_INLINE i32v broadcast_quad(const x_code* x) {
    std::int32_t quad;
    __builtin_memcpy(&quad, x, sizeof quad);
    return {_mm256_set1_epi32(quad)};
  }
  static DYADIC_INLINE i32v low_nibbles(__m256i v) {
    const __m256i table = _mm256_setr_epi8(0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1,  //
                                           0, 1, 2, 3, 4, 5, 6, 7, -8, -7, -6, -5, -4, -3, -2, -1);
    return {_mm256_shuffle_epi8(table, _mm256_and_si256(v, _mm256_set1_epi8(15)))};
  }
  static DYADIC_INLINE i32v load_w8(const std::uint8_t* w, int part) { return {load_32(w + 32 * part)}; }
  static DYADIC_INLINE i32v load_w4_low(const std::uint8_t* w, int part) { return low_nibbles(load_32(w + 32 * part)); }
  static DYADIC_INLINE i32v load_w4_high(const std::uint8_t* w, int part) {
    return low_nibbles(_mm256_srli_epi16(load_32(w + 32 * part), 4));
  }
};
