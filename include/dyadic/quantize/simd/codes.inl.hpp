// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Codes as they stand in memory, and their reals; included inside the regions of operators.hpp.

/// n codes, a byte each, as 4 or 2 bits each, the first in the low bits. Reads 16 bytes for every 16 codes begun.
inline void pack_codes(const std::uint8_t* codes, index_t n, int bits, std::uint8_t* y) {
  if (bits == 4) {
    index_t i = 0;
    for (; i + 16 <= n; i += 16) store_nibbles(y + i / 2, load_bytes(codes + i));
    if (i == n) return;
    std::uint8_t last[8];
    store_nibbles(last, load_bytes(codes + i));
    for (index_t t = 0; t < (n - i + 1) / 2; ++t) y[i / 2 + t] = last[t];
    return;
  }
  for (index_t i = 0; i < n; i += 4) {
    int byte = 0;
    for (index_t t = 0; t < smaller(4, n - i); ++t) byte |= (codes[i + t] & 3) << (2 * t);
    y[i / 4] = static_cast<std::uint8_t>(byte);
  }
}

/// The reverse, without sign; writes 16 bytes for every 16 codes begun.
inline void unpack_codes(const std::uint8_t* x, index_t n, int bits, std::uint8_t* codes) {
  if (bits == 4) {
    index_t i = 0;
    for (; i + 16 <= n; i += 16) store_bytes(codes + i, load_nibbles(x + i / 2));
    for (; i < n; ++i) codes[i] = static_cast<std::uint8_t>(x[i / 2] >> (4 * (i % 2)) & 15);
    return;
  }
  for (index_t i = 0; i < n; ++i) codes[i] = static_cast<std::uint8_t>(x[i / 4] >> (2 * (i % 4)) & 3);
}

/// How codes of one kind become ints: the bytes of each, and the loading of a register.
struct unsigned_bytes {
  static constexpr index_t size = 1;
  static DYADIC_INLINE i32v load_codes(const std::uint8_t* p) { return bytes_to_int(p); }
};
struct signed_bytes {
  static constexpr index_t size = 1;
  static DYADIC_INLINE i32v load_codes(const std::uint8_t* p) { return signed_bytes_to_int(p); }
};
struct unsigned_words {
  static constexpr index_t size = 2;
  static DYADIC_INLINE i32v load_codes(const std::uint8_t* p) { return words_to_int(p); }
};
struct signed_words {
  static constexpr index_t size = 2;
  static DYADIC_INLINE i32v load_codes(const std::uint8_t* p) { return signed_words_to_int(p); }
};

/// scale * (code - zero_point). Streamed reals, y on a cache line, go past the caches.
template <class Codes, bool Streamed>
inline void reals_run(const std::uint8_t* x, index_t n, const step& s, float* y) {
  const f32v scale = set1(s.scale);
  const i32v zero = set1(s.zero_point);
  index_t i = 0;
  for (; i + 4 * lanes <= n; i += 4 * lanes) {
    DYADIC_UNROLL
    for (int r = 0; r < 4; ++r) {
      const i32v codes = Codes::load_codes(x + (i + r * lanes) * Codes::size);
      const f32v real = mul(to_float(sub(codes, zero)), scale);
      if constexpr (Streamed)
        stream(y + i + r * lanes, real);
      else
        store(y + i + r * lanes, real);
    }
  }
  for (; i + lanes <= n; i += lanes)
    store(y + i, mul(to_float(sub(Codes::load_codes(x + i * Codes::size), zero)), scale));
  if (i < n) {
    std::uint8_t some[lanes * Codes::size] = {};
    for (index_t t = 0; t < (n - i) * Codes::size; ++t) some[t] = x[i * Codes::size + t];
    store_part(y + i, mul(to_float(sub(Codes::load_codes(some), zero)), scale), n - i);
  }
  if constexpr (Streamed) stream_done();
}

/// The step of group g.
DYADIC_INLINE step step_of(const steps& s, index_t g) {
  return {s.scales[g], s.zero_points != nullptr ? s.zero_points[g] : s.zero_point, s.qmin, s.qmax};
}

/// How many 4-bit codes from i on are unpacked or packed at once: whole groups, or what is left of a large one.
inline constexpr index_t most_nibbles = 256;
DYADIC_INLINE index_t nibbles_from(index_t i, index_t group) {
  return group <= most_nibbles ? most_nibbles / group * group : smaller(most_nibbles, group - i % group);
}

/// The same of 4-bit codes, in groups of an even number that have a scale each.
template <bool Signed>
inline void nibble_group_reals_run(const std::uint8_t* x, index_t n, index_t group, const steps& s, float* y) {
  std::uint8_t codes[most_nibbles];
  for (index_t i = 0, all = 0; i < n; i += all) {
    all = smaller(nibbles_from(i, group), n - i);
    unpack_codes(x + i / 2, all, 4, codes);
    if constexpr (Signed)
      for (index_t t = 0; t < all; t += 16) store_bytes(codes + t, flip(load_bytes(codes + t), 8));
    for (index_t t = 0, g = i / group; t < all; t += group, ++g) {
      step one = step_of(s, g);
      if constexpr (Signed) one.zero_point += 8;  // (code ^ 8) - 8 extends the sign
      reals_run<unsigned_bytes, false>(codes + t, smaller(group, all - t), one, y + i + t);
    }
  }
}

/// The same with one scale for all.
template <bool Signed>
inline void nibble_reals_run(const std::uint8_t* x, index_t n, const step& s, float* y) {
  if (n > 0) nibble_group_reals_run<Signed>(x, n, n + n % 2, {&s.scale, &s.zero_point, 0, s.qmin, s.qmax}, y);
}

/// One scale a number.
template <class Codes>
inline void each_reals_run(const std::uint8_t* x, index_t n, const steps& s, float* y) {
  for (index_t i = 0; i < n; i += lanes) {
    const index_t here = smaller(lanes, n - i);
    std::uint8_t some[lanes * Codes::size] = {};
    std::int32_t zeros[lanes] = {};
    const bool whole = here == lanes;
    if (!whole) {
      for (index_t t = 0; t < here * Codes::size; ++t) some[t] = x[i * Codes::size + t];
      if (s.zero_points != nullptr)
        for (index_t t = 0; t < here; ++t) zeros[t] = s.zero_points[i + t];
    }
    const i32v codes = Codes::load_codes(whole ? x + i * Codes::size : some);
    const i32v zero = s.zero_points == nullptr ? set1(s.zero_point) : load(whole ? s.zero_points + i : zeros);
    const f32v scale = whole ? load(s.scales + i) : load_part(s.scales + i, here);
    const f32v real = mul(to_float(sub(codes, zero)), scale);
    if (whole)
      store(y + i, real);
    else
      store_part(y + i, real, here);
  }
}
