// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Floats by integer weights: chains of fma over the codes of a group, then one fma of the group's sum with its scale.
//
//   part  = fma(x[k], code - zero point, part) over increasing k of the group, from 0       (differences are exact)
//   total = fma(part, scale, total) over increasing groups, from 0                           the definition
// Few rows take codes from their registers; for more, codes become floats once, for all rows of a block.

/// Code `Code` of a step, of each column: four or eight of them share a 32-bit lane.
template <bool FourBit, int Code>
DYADIC_INLINE f32v real_code(i32v step) {
  if constexpr (FourBit)
    return real_nibble<Code < 4 ? 8 * Code : 8 * (Code - 4) + 4>(step);
  else
    return to_float(shift_right<24>(shift_left<24 - 8 * Code>(step)));
}

/// Where a stretch of groups stands: x and w from its first group on, and the numbers of the tile's columns.
struct real_code_operands {
  const float* x;
  index_t x_stride;
  const std::uint8_t* w;
  index_t step_stride;                ///< bytes
  const std::int32_t* w_zero_points;  ///< or null
  const float* w_scales;
  index_t number_step;                ///< from group to group, of both
  index_t groups, group, group_steps;
  bool first;
};

/// part += the codes of one step, of which `left` belong to the group.
template <bool FourBit, int Code, int Rows, int Registers>
DYADIC_INLINE void real_code_step(f32v (&part)[length(Rows)][length(Registers)],
                                  const i32v (&step)[length(Registers)], const f32v (&zero)[length(Registers)],
                                  bool has_zero, const float* x, index_t x_stride, index_t left) {
  if constexpr (Code < (FourBit ? 8 : 4)) {
    if (Code >= left) return;
    f32v one[length(Rows)];
    DYADIC_UNROLL
    for (int i = 0; i < Rows; ++i) one[i] = set1(x[i * x_stride + Code]);
    DYADIC_UNROLL
    for (int j = 0; j < Registers; ++j) {
      f32v code = real_code<FourBit, Code>(step[j]);
      if (has_zero) code = sub(code, zero[j]);
      DYADIC_UNROLL
      for (int i = 0; i < Rows; ++i) part[i][j] = fma(one[i], code, part[i][j]);
    }
    real_code_step<FourBit, Code + 1, Rows, Registers>(part, step, zero, has_zero, x, x_stride, left);
  }
}

/// totals[i][column], Rows rows and Panels panels: codes straight from their registers.
template <bool FourBit, int Rows, int Panels>
DYADIC_NOINLINE void real_code_tile(const real_code_operands& given, const float*, float* totals, index_t stride) {
  constexpr int registers = Panels * panel_registers, codes = FourBit ? 8 : 4;
  real_code_operands o = given;
  const bool has_zero = o.w_zero_points != nullptr;
  f32v total[length(Rows)][length(registers)];
  DYADIC_UNROLL
  for (int i = 0; i < Rows; ++i) {
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j) total[i][j] = o.first ? set1(0.0f) : load(totals + i * stride + j * lanes);
  }
  for (; o.groups > 0; --o.groups) {
    f32v part[length(Rows)][length(registers)], zero[length(registers)] = {};
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j) {
      if (has_zero) zero[j] = to_float(load(o.w_zero_points + j * lanes));
      DYADIC_UNROLL
      for (int i = 0; i < Rows; ++i) part[i][j] = set1(0.0f);
    }
    index_t left = o.group;
    for (index_t s = 0; s < o.group_steps; ++s, left -= codes, o.w += o.step_stride) {
      i32v step[length(registers)];
      DYADIC_UNROLL
      for (int j = 0; j < registers; ++j) step[j] = load(reinterpret_cast<const std::int32_t*>(o.w) + j * lanes);
      real_code_step<FourBit, 0, Rows, registers>(part, step, zero, has_zero, o.x + o.group - left, o.x_stride, left);
    }
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j) {
      const f32v scale = load(o.w_scales + j * lanes);
      DYADIC_UNROLL
      for (int i = 0; i < Rows; ++i) total[i][j] = fma(part[i][j], scale, total[i][j]);
    }
    o.x += o.group, o.w_scales += o.number_step;
    if (has_zero) o.w_zero_points += o.number_step;
  }
  DYADIC_UNROLL
  for (int i = 0; i < Rows; ++i) {
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j) store(totals + i * stride + j * lanes, total[i][j]);
  }
}

/// The codes of one panel, less their zero points, as floats: from[k] at to + k * k_stride.
template <bool FourBit, int Code>
DYADIC_INLINE void real_codes_of_step(i32v step, f32v zero, index_t left, float* to, index_t k_stride) {
  if constexpr (Code < (FourBit ? 8 : 4)) {
    if (Code >= left) return;
    store(to, sub(real_code<FourBit, Code>(step), zero));
    real_codes_of_step<FourBit, Code + 1>(step, zero, left, to + k_stride, k_stride);
  }
}
template <bool FourBit>
inline void unpack_reals(const real_code_operands& o, int panels, float* to) {
  const index_t k_stride = panels * panel_columns;
  const std::uint8_t* w = o.w;
  const std::int32_t* zeros = o.w_zero_points;
  for (index_t group = 0; group < o.groups; ++group) {
    for (index_t left = o.group; left > 0; left -= FourBit ? 8 : 4, w += o.step_stride) {
      const index_t count = smaller(left, FourBit ? 8 : 4);
      __builtin_prefetch(w + 128);  // the neighbours in the block, which come next: one stream of memory, not two
      __builtin_prefetch(w + 192);
      for (int j = 0; j < panels * panel_registers; ++j) {
        const f32v zero = zeros != nullptr ? to_float(load(zeros + j * lanes)) : set1(0.0f);
        real_codes_of_step<FourBit, 0>(load(reinterpret_cast<const std::int32_t*>(w) + j * lanes), zero, count,
                                       to + j * lanes, k_stride);
      }
      to += count * k_stride;
    }
    if (zeros != nullptr) zeros += o.number_step;
  }
}

/// The same totals from unpacked codes w[k][column].
template <int Rows, int Panels>
DYADIC_NOINLINE void real_group_tile(const real_code_operands& given, const float* w, float* totals, index_t stride) {
  constexpr int registers = Panels * panel_registers;
  real_code_operands o = given;
  f32v total[length(Rows)][length(registers)];
  DYADIC_UNROLL
  for (int i = 0; i < Rows; ++i) {
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j) total[i][j] = o.first ? set1(0.0f) : load(totals + i * stride + j * lanes);
  }
  for (; o.groups > 0; --o.groups) {
    f32v part[length(Rows)][length(registers)];
    DYADIC_UNROLL
    for (int i = 0; i < Rows; ++i) {
      DYADIC_UNROLL
      for (int j = 0; j < registers; ++j) part[i][j] = set1(0.0f);
    }
    for (index_t k = 0; k < o.group; ++k, w += Panels * panel_width) {
      f32v code[length(registers)];
      DYADIC_UNROLL
      for (int j = 0; j < registers; ++j) code[j] = load(w + j * lanes);
      DYADIC_UNROLL
      for (int i = 0; i < Rows; ++i) {
        const f32v one = set1(o.x[i * o.x_stride + k]);
        DYADIC_UNROLL
        for (int j = 0; j < registers; ++j) part[i][j] = fma(one, code[j], part[i][j]);
      }
    }
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j) {
      const f32v scale = load(o.w_scales + j * lanes);
      DYADIC_UNROLL
      for (int i = 0; i < Rows; ++i) total[i][j] = fma(part[i][j], scale, total[i][j]);
    }
    o.x += o.group, o.w_scales += o.number_step;
  }
  DYADIC_UNROLL
  for (int i = 0; i < Rows; ++i) {
    DYADIC_UNROLL
    for (int j = 0; j < registers; ++j) store(totals + i * stride + j * lanes, total[i][j]);
  }
}

struct weight_only_product : real_rows {
  using kernel = void (*)(const real_code_operands&, const float*, float*, index_t);
  static constexpr int usual_panels = tile_rows(real_registers / 2, panel_registers, 2, 6) >= 6 ? 2 : 1;
  static constexpr index_t wide_rows = 3 * tile_rows(real_registers / 2, panel_registers, 4, 6);
  static constexpr int direct_rows = 3;  ///< the highest tile that takes codes from their registers
  static constexpr int rows(int panels) { return tile_rows(real_registers / 2, panel_registers, panels, 6); }
  static constexpr unsigned heights(int panels) {
    return panels == usual_panels ? every_height(rows(panels)) : some_heights(rows(panels));
  }
  static constexpr bool direct(int panels) { return panels == 4; }
  template <int Rows, int Panels>
  static kernel kernel_of(form f) {
    if constexpr (Rows <= direct_rows) {
      if (f == form::four_bits) return &real_code_tile<true, Rows, Panels>;
      if (f == form::eight_bits) return &real_code_tile<false, Rows, Panels>;
    }
    return &real_group_tile<Rows, Panels>;
  }

  float *unpacked, *partial;

  weight_only_product(const gemm_call& call, carver& c) : real_rows(call, c) {
    const index_t each = blocking::stretch(call.w.groups, unit_bytes(4));
    unpacked = c.take<float>(block_rows > direct_rows ? each * call.w.group * 4 * panel_width : 0);
    partial = c.take<float>(each < call.w.groups ? block_rows * 4 * panel_width : 0);
  }

  index_t units() const { return g.w.groups; }
  index_t unit_bytes(int panels) const { return panels * panel_columns * 4 * g.w.group; }
  form form_for(index_t count, bool direct) const {
    if (count > (direct ? wide_rows : direct_rows)) return form::unpacked;
    return g.w.four_bit ? form::four_bits : form::eight_bits;
  }

  real_code_operands operands_of(index_t i, index_t panel, const stretch& s) const {
    const index_t at = g.w.number_at(panel * panel_columns, s.first);
    return {x + i * x_stride + s.first * g.w.group,
            x_stride,
            s.w,
            s.step_stride,
            g.w.zero_points != nullptr ? g.w.zero_points + at : nullptr,
            g.w.scales + at,
            g.w.number_step(panel),
            s.count,
            g.w.group,
            g.w.group_steps,
            s.begins};
  }
  void take_weights(index_t panel, int panels, stretch& s) const {
    s.step_stride = g.w.step_stride(panel);
    s.w = g.w.panels + g.w.panel_start(panel) + s.first * g.w.group_steps * s.step_stride;
    if (s.weights != form::unpacked) return;
    const real_code_operands o = operands_of(0, panel, s);
    g.w.four_bit ? unpack_reals<true>(o, panels, unpacked) : unpack_reals<false>(o, panels, unpacked);
  }

  void tile(kernel k, int rows, int panels, index_t row, index_t i, index_t panel, const stretch& s,
            std::int32_t*) const {
    alignas(64) float own[length(tile_size<weight_only_product>())];
    const int width = panels * panel_width;
    const index_t column = panel * panel_columns;
    float* const totals = s.begins && s.ends ? own : partial + i * width;
    k(operands_of(i, panel, s), unpacked, totals, width);
    if (!s.ends) return;
    const tile_place t{row + i, column, rows, static_cast<int>(smaller(width, g.w.n - column)), width, nullptr, 0};
    finish(g, t, totals);
  }
};
