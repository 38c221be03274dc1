// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// The microkernels: a tile of sums kept in registers over a stretch of the depth.
//
// D is how an instruction set multiplies codes (`dot` in its file). A tile is stored to a scratch that stays in L1, and
// the epilogue is a separate function over it: fused into these loops, compilers spill accumulators inside them.

/// An array length: compilers ask for unsigned ones.
constexpr std::size_t length(int n) { return static_cast<std::size_t>(n); }
constexpr int panel_width = static_cast<int>(panel_columns), panel_registers = panel_width / lanes;

/// Weights as they are packed. Of 8 bits, a step of 64 bytes is one quad of k; of 4 bits two, the first in the low
/// nibbles.
template <class D>
struct w8 {
  static constexpr int quads = 1, step_bytes = 64;
  template <int>
  static DYADIC_INLINE auto get(const std::uint8_t* w, int part) {
    return D::load_w8(w, part);
  }
};
template <class D>
struct w4 {
  static constexpr int quads = 2, step_bytes = 64;
  template <int Quad>
  static DYADIC_INLINE auto get(const std::uint8_t* w, int part) {
    if constexpr (Quad == 0)
      return D::load_w4_low(w, part);
    else
      return D::load_w4_high(w, part);
  }
};
/// Weights unpacked where dot4 takes more than bytes: the registers that the loads above make, one after another.
template <class D>
struct wide {
  static constexpr int quads = 1, step_bytes = D::sums_a_panel * lanes * 4;
  template <int>
  static DYADIC_INLINE auto get(const std::uint8_t* w, int part) {
    return D::load_wide(w, part);
  }
};

/// What 4-bit codes are read as: those always go the way of pairs that fit, so that the other needs no code for them.
template <class D>
using four_bit_form = std::conditional_t<requires { typename D::if_pairs_fit; }, w8<D>, w4<D>>;

/// What unpacked weights are read as: where dot4 takes bytes, they look like packed ones of 8 bits.
template <class D>
using unpacked_form = std::conditional_t<sizeof(typename D::x_code) == 1, w8<D>, wide<D>>;

/// `steps` steps of `panels` panels side by side, unpacked in the same order.
template <class D, class W>
inline void unpack(const std::uint8_t* w, index_t step_stride, index_t steps, int panels, std::uint8_t* to) {
  constexpr int quad_bytes = wide<D>::step_bytes;
  const index_t next_quad = quad_bytes * panels;
  for (; steps > 0; --steps, w += step_stride, to += W::quads * next_quad) {
    for (int p = 0; p < panels; ++p) {
      auto* first = reinterpret_cast<std::int32_t*>(to + p * quad_bytes);
      auto* second = reinterpret_cast<std::int32_t*>(to + p * quad_bytes + next_quad);
      DYADIC_UNROLL
      for (int part = 0; part < D::sums_a_panel; ++part) {
        store(first + part * lanes, W::template get<0>(w + p * W::step_bytes, part));
        if constexpr (W::quads == 2) store(second + part * lanes, W::template get<1>(w + p * W::step_bytes, part));
      }
    }
  }
}

/// What a tile reads: rows of x and panels of w, from the same step on.
template <class X>
struct operands {
  const X* x;
  index_t x_stride;         ///< elements
  const X* tail;            ///< the last quads of the rows, side by side, where k ends inside a quad; or null
  const std::uint8_t* w;    ///< panels side by side
  index_t step_stride;      ///< bytes
  index_t steps;            ///< whole ones, all in x
};

template <class D, class W, int Quad, std::size_t Rows, std::size_t Registers, class Sum, class X>
DYADIC_INLINE void dot_quad(Sum (&sum)[Rows][Registers], const X* x, index_t x_stride, const std::uint8_t* w) {
  constexpr int rows = static_cast<int>(Rows), registers = static_cast<int>(Registers);
  decltype(W::template get<Quad>(w, 0)) weights[Registers];
  DYADIC_UNROLL
  for (int j = 0; j < registers; ++j)
    weights[j] = W::template get<Quad>(w + j / D::sums_a_panel * W::step_bytes, j % D::sums_a_panel);
  DYADIC_UNROLL
  for (int i = 0; i < rows; ++i) {
    const auto four = D::broadcast_quad(x + i * x_stride + Quad * quad);
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j) sum[i][j] = D::dot4(sum[i][j], four, weights[j]);
  }
}

/// sum[i][j] += all steps. Where there are too few sums to hide the latency of dot4, every second quad has its own.
/// An instruction set that multiplies rows in pairs does so first, and leaves what remains.
template <class D, class W, std::size_t Rows, std::size_t Registers, class Sum, class X>
DYADIC_INLINE void dot_steps(Sum (&sum)[Rows][Registers], const operands<X>& all) {
  constexpr int rows = static_cast<int>(Rows), registers = static_cast<int>(Registers);
  constexpr bool paired = rows * registers < D::latency;
  operands<X> o = all;
  if constexpr (requires { D::template row_pairs<W>(sum, o); }) D::template row_pairs<W>(sum, o);
  const X* x = o.x;
  const std::uint8_t* w = o.w;
  index_t steps = o.steps;
  if constexpr (paired) {
    Sum second[Rows][Registers];
    DYADIC_UNROLL
    for (int i = 0; i < rows; ++i) {
      DYADIC_UNROLL
      for (int j = 0; j < registers; ++j) second[i][j] = D::zero();
    }
    constexpr int steps_a_pair = W::quads == 2 ? 1 : 2;
    for (; steps >= steps_a_pair; steps -= steps_a_pair) {
      dot_quad<D, W, 0>(sum, x, o.x_stride, w);
      if constexpr (W::quads == 2)
        dot_quad<D, W, 1>(second, x, o.x_stride, w);
      else
        dot_quad<D, W, 0>(second, x + quad, o.x_stride, w + o.step_stride);
      x += 2 * quad;
      w += steps_a_pair * o.step_stride;
    }
    DYADIC_UNROLL
    for (int i = 0; i < rows; ++i) {
      DYADIC_UNROLL
      for (int j = 0; j < registers; ++j) sum[i][j] = D::plus(sum[i][j], second[i][j]);
    }
  }
  for (; steps > 0; --steps) {
    dot_quad<D, W, 0>(sum, x, o.x_stride, w);
    if constexpr (W::quads == 2) dot_quad<D, W, 1>(sum, x, o.x_stride, w);
    x += W::quads * quad;
    w += o.step_stride;
  }
  if constexpr (W::quads == 1)
    if (o.tail != nullptr) dot_quad<D, W, 0>(sum, o.tail, quad, w);
}

/// Numbers of a tile, row by row; a stride of 0 gives every row the same.
struct tile_of_sums {
  std::int32_t* at;
  index_t stride;
};

/// out = start + sum over k of x * w, int32 modulo 2^32: Rows rows, Panels panels.
template <class D, class W, int Rows, int Panels>
DYADIC_NOINLINE void dot_tile(const operands<typename D::x_code>& given, tile_of_sums start, tile_of_sums out) {
  constexpr int registers = Panels * D::sums_a_panel;
  const operands<typename D::x_code> o = given;  // a copy, which no store can change
  typename D::sums sum[length(Rows)][length(registers)];
  DYADIC_UNROLL
  for (int i = 0; i < Rows; ++i) {
    DYADIC_UNROLL
    for (int p = 0; p < Panels; ++p)
      D::load_start(start.at + i * start.stride + p * panel_width, &sum[i][p * D::sums_a_panel]);
  }
  dot_steps<D, W>(sum, o);
  DYADIC_UNROLL
  for (int i = 0; i < Rows; ++i) {
    DYADIC_UNROLL
    for (int p = 0; p < Panels; ++p)
      D::store_sums(out.at + i * out.stride + p * panel_width, &sum[i][p * D::sums_a_panel]);
  }
}

/// out[i][16 * p + c] = fma chain over increasing k of x[i][k] * w[p][k][c], from 0 or from out: the order is the
/// definition.
template <int Rows, int Panels>
DYADIC_NOINLINE void fma_tile(const float* x, index_t x_stride, const float* w, index_t k_stride, index_t k, bool first,
                              float* out) {
  constexpr int registers = Panels * panel_registers;
  f32v sum[length(Rows)][length(registers)];
  DYADIC_UNROLL
  for (int i = 0; i < Rows; ++i) {
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j)
      sum[i][j] = first ? set1(0.0f) : load(out + i * Panels * panel_width + j * lanes);
  }
  for (index_t step = 0; step < k; ++step) {
    f32v weights[length(registers)];
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j)
      weights[j] = load(w + step * k_stride + j * lanes);
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
    for (int j = 0; j < registers; ++j) store(out + i * Panels * panel_width + j * lanes, sum[i][j]);
  }
}

/// What the sums of groups need besides the products, for the columns and rows of one tile, from one group on.
struct group_terms {
  const std::int32_t* w_sums;         ///< of codes less their zero points
  const std::int32_t* w_zero_points;  ///< or null
  const float* w_scales;
  index_t w_step;                     ///< from group to group, of all three
  const std::int32_t* x_zero_points;
  index_t x_zero_row, x_zero_step;    ///< from row to row and from group to group; 0 where they are alike
  const float* x_scales;              ///< when groups of x have scales of their own, else null
  const std::int32_t* x_sums;         ///< used with w_zero_points
  index_t x_row;                      ///< from row to row, of both; 1 from group to group
};

/// total = fma(float(sum of the group), scale, total) over `groups` groups in increasing order, which is the
/// definition; sum over (x - zero point)(w - zero point), exact. Simple: w has no zero points, x one for all and no
/// scales of groups; a function for all cases would keep so many numbers that compilers spill sums.
template <class D, class W, int Rows, int Panels, bool Simple>
DYADIC_NOINLINE void group_tile(const operands<typename D::x_code>& given, index_t group_codes, index_t groups,
                                const group_terms& terms, bool first, float* totals, index_t stride) {
  constexpr int registers = Panels * D::sums_a_panel, columns = Panels * panel_registers;
  operands<typename D::x_code> o = given;  // copies, which no store can change
  group_terms t = terms;
  const index_t group_bytes = o.steps * o.step_stride;
  f32v total[length(Rows)][length(columns)];
  DYADIC_UNROLL
  for (int i = 0; i < Rows; ++i) {
    DYADIC_UNROLL
    for (int j = 0; j < columns; ++j) total[i][j] = first ? set1(0.0f) : load(totals + i * stride + j * lanes);
  }
  for (; groups > 0; --groups) {
    typename D::sums sum[length(Rows)][length(registers)];
    DYADIC_UNROLL
    for (int p = 0; p < Panels; ++p) {
      i32v start[length(panel_registers)];
      if constexpr (Simple) {
        DYADIC_UNROLL
        for (int j = 0; j < panel_registers; ++j)
          start[j] = mul(set1(-*t.x_zero_points), load(t.w_sums + p * panel_width + j * lanes));
      }
      DYADIC_UNROLL
      for (int i = 0; i < Rows; ++i) {
        if constexpr (!Simple) {
          DYADIC_UNROLL
          for (int j = 0; j < panel_registers; ++j) {
            const index_t at = p * panel_width + j * lanes;
            start[j] = mul(set1(-t.x_zero_points[i * t.x_zero_row]), load(t.w_sums + at));
            if (t.w_zero_points != nullptr)
              start[j] = sub(start[j], mul(load(t.w_zero_points + at), set1(t.x_sums[i * t.x_row])));
          }
        }
        D::spread(start, &sum[i][p * D::sums_a_panel]);
      }
    }
    dot_steps<D, W>(sum, o);
    DYADIC_UNROLL
    for (int p = 0; p < Panels; ++p) {
      DYADIC_UNROLL
      for (int i = 0; i < Rows; ++i) {
        i32v exact[length(panel_registers)];
        D::fold(&sum[i][p * D::sums_a_panel], exact);
        DYADIC_UNROLL
        for (int j = 0; j < panel_registers; ++j) {
          f32v scale = load(t.w_scales + p * panel_width + j * lanes);
          if constexpr (!Simple)
            if (t.x_scales != nullptr) scale = mul(scale, set1(t.x_scales[i * t.x_row]));
          f32v& to = total[i][p * panel_registers + j];
          to = fma(to_float(exact[j]), scale, to);
        }
      }
    }
    o.x += group_codes, o.w += group_bytes;
    t.w_sums += t.w_step, t.w_scales += t.w_step;
    if constexpr (!Simple) {
      t.x_zero_points += t.x_zero_step;
      if (t.w_zero_points != nullptr) t.w_zero_points += t.w_step, ++t.x_sums;
      if (t.x_scales != nullptr) ++t.x_scales;
    }
  }
  DYADIC_UNROLL
  for (int i = 0; i < Rows; ++i) {
    DYADIC_UNROLL
    for (int j = 0; j < columns; ++j) store(totals + i * stride + j * lanes, total[i][j]);
  }
}
