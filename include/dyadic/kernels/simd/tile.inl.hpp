// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The microkernels: a tile of sums kept in registers over the whole depth, then stored to a scratch that stays in L1.
//
// The epilogue is a separate function over that scratch: fused into this loop, compilers spill accumulators inside it.

/// An array length: compilers ask for unsigned ones.
constexpr std::size_t length(int n) { return static_cast<std::size_t>(n); }

/// Weights of 8 bits: a step of 64 bytes is one quad of k. Of 4 bits: two, the first in the low nibbles.
struct w8 {
  static constexpr int quads = 1;
  template <int>
  static DYADIC_INLINE auto load(const std::uint8_t* w, int part) {
    return load_w8(w, part);
  }
};
struct w4 {
  static constexpr int quads = 2;
  template <int Quad>
  static DYADIC_INLINE auto load(const std::uint8_t* w, int part) {
    if constexpr (Quad == 0)
      return load_w4_low(w, part);
    else
      return load_w4_high(w, part);
  }
};

template <class W, int Quad, std::size_t Rows, std::size_t Registers, class Sum>
DYADIC_INLINE void dot_step(Sum (&sum)[Rows][Registers], const x_code* x, index_t x_stride,
                            const std::uint8_t* w, index_t panel_stride) {
  constexpr int rows = static_cast<int>(Rows), registers = static_cast<int>(Registers);
  decltype(W::template load<Quad>(w, 0)) weights[Registers];
  DYADIC_UNROLL
  for (int j = 0; j < registers; ++j)
    weights[j] = W::template load<Quad>(w + j / sums_a_panel * panel_stride, j % sums_a_panel);
  DYADIC_UNROLL
  for (int i = 0; i < rows; ++i) {
    const auto four = broadcast_quad(x + i * x_stride + Quad * quad);
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j) sum[i][j] = dot4(sum[i][j], four, weights[j]);
  }
}

/// out[i][16 * p + c] = sum over k of x[i][k] * w[p][k][c], int32 modulo 2^32: Rows rows, Panels panels, `steps` steps.
template <class W, int Rows, int Panels>
inline void dot_tile(const x_code* x, index_t x_stride, const std::uint8_t* w, index_t panel_stride, index_t steps,
                     std::int32_t* out) {
  constexpr int registers = Panels * sums_a_panel;
  decltype(zero_sums()) sum[length(Rows)][length(registers)];
  DYADIC_UNROLL
  for (int i = 0; i < Rows; ++i) {
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j) sum[i][j] = zero_sums();
  }
  for (index_t step = 0; step < steps; ++step) {
    dot_step<W, 0>(sum, x, x_stride, w, panel_stride);
    if constexpr (W::quads == 2) dot_step<W, 1>(sum, x, x_stride, w, panel_stride);
    x += W::quads * quad;
    w += 64;
  }
  DYADIC_UNROLL
  for (int i = 0; i < Rows; ++i) {
    DYADIC_UNROLL
    for (int p = 0; p < Panels; ++p)
      store_sums(out + (i * Panels + p) * panel_columns, &sum[i][p * sums_a_panel]);
  }
}

/// out[i][16 * p + c] = fma chain over increasing k of x[i][k] * w[p][k][c], from 0: the order is the definition.
template <int Rows, int Panels>
inline void fma_tile(const float* x, index_t x_stride, const float* w, index_t panel_stride, index_t k, float* out) {
  constexpr int a_panel = static_cast<int>(panel_columns) / lanes, registers = Panels * a_panel;
  f32v sum[length(Rows)][length(registers)];
  DYADIC_UNROLL
  for (int i = 0; i < Rows; ++i) {
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j) sum[i][j] = set1(0.0f);
  }
  for (index_t step = 0; step < k; ++step) {
    f32v weights[length(registers)];
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j)
      weights[j] = load(w + j / a_panel * panel_stride + step * panel_columns + j % a_panel * lanes);
    DYADIC_UNROLL
    for (int i = 0; i < Rows; ++i) {
      const f32v one = set1(x[i * x_stride + step]);
      DYADIC_UNROLL
      for (int j = 0; j < registers; ++j) sum[i][j] = fma(one, weights[j], sum[i][j]);
    }
  }
  DYADIC_UNROLL
  for (int i = 0; i < Rows; ++i) {
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j) store(out + i * Panels * panel_columns + j * lanes, sum[i][j]);
  }
}
