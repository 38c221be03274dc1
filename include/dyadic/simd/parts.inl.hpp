// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Parts of registers, where an instruction set has nothing better than going through memory.

DYADIC_INLINE f32v load_part(const float* p, index_t n) {
  float part[lanes] = {};
  for (int i = 0; i < lanes && i < n; ++i) part[i] = p[i];
  return load(part);
}
template <class T, class V>
DYADIC_INLINE void store_part(T* p, V v, index_t n) {
  T all[lanes];
  store(all, v);
  for (int i = 0; i < lanes && i < n; ++i) p[i] = all[i];
}
DYADIC_INLINE void store_low_part(std::uint8_t* p, i32v v, index_t n) {
  std::uint8_t all[lanes];
  store_low_bytes(all, v);
  for (int i = 0; i < lanes && i < n; ++i) p[i] = all[i];
}
