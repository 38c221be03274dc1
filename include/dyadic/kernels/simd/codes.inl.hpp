// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Codes by codes: what the driver of gemm.inl.hpp asks of the two integer products, with one scale a row of w and with
// one a group.

/// What integer products share: prepared rows, and weights that are unpacked once for a block of many rows.
template <class D>
struct code_product {
  static constexpr index_t rows_worth_unpacking = 24;
  const gemm_call& g;
  const index_t block_rows;
  prepared_codes<D> x;
  std::uint8_t* unpacked;
  std::int32_t* partial;  ///< int32 sums or float totals, row by row
  static_assert(sizeof(float) == sizeof(std::int32_t));

  /// unit_steps: steps of a unit of the depth.
  code_product(const gemm_call& call, index_t unit_steps, index_t units, carver& c)
      : g(call),
        block_rows(blocking::rows(call.m, call.k * static_cast<index_t>(sizeof(typename D::x_code)),
                                  prepared_codes<D>::in_place(call))),
        x(call, block_rows, c) {
    const index_t count = blocking::stretch(units, unit_bytes(4, unit_steps));
    const bool unpacks = form_for(block_rows, false) == form::unpacked;
    unpacked = c.take<std::uint8_t>(unpacks ? count * unit_bytes(4, unit_steps) : 0);
    partial = c.take<std::int32_t>(count < units ? block_rows * 4 * panel_width : 0);
  }

  void prepare(index_t row, index_t count) { x.fill(row, count); }
  index_t unit_bytes(int panels, index_t unit_steps) const {
    return panels * unit_steps * (g.w.four_bit ? 2 : 1) * wide<D>::step_bytes;
  }

  /// How the weights stand for `count` rows. 4-bit codes always gain by unpacking, bytes only where dot4 takes
  /// something wider. direct: tiles that read packed 4-bit codes are compiled for these panels.
  form form_for(index_t count, bool direct) const {
    const form packed = g.w.four_bit ? form::four_bits : form::eight_bits;
    if (!D::unpacks || (!g.w.four_bit && sizeof(typename D::x_code) == 1)) return packed;
    return count >= rows_worth_unpacking || (g.w.four_bit && !direct) ? form::unpacked : packed;
  }

  /// Points s to its weights.
  void take_weights(index_t panel, int panels, index_t unit_steps, stretch& s) const {
    s.step_stride = g.w.step_stride(panel);
    s.w = g.w.panels + g.w.panel_start(panel) + s.first * unit_steps * s.step_stride;
    if constexpr (D::unpacks) {
      if (s.weights != form::unpacked) return;
      if (g.w.four_bit)
        unpack<D, four_bit_form<D>>(s.w, s.step_stride, s.count * unit_steps, panels, unpacked);
      else
        unpack<D, w8<D>>(s.w, s.step_stride, s.count * unit_steps, panels, unpacked);
      s.w = unpacked;
      s.step_stride = panels * wide<D>::step_bytes;
    }
  }
  index_t quad_steps(const stretch& s, index_t steps) const {
    return s.weights == form::unpacked && g.w.four_bit ? 2 * steps : steps;
  }
};

/// One scale a row of w: int32 sums over the whole depth.
template <class D>
struct row_product : code_product<D> {
  using base = code_product<D>;
  using base::g, base::x, base::partial;
  using x_operands = operands<typename D::x_code>;
  using kernel = void (*)(const x_operands&, tile_of_sums, tile_of_sums);
  static constexpr int usual_panels = tile_rows(D::accumulators, D::sums_a_panel, 4, 12) >= 6 ? 4 : 1;
  static constexpr index_t wide_rows = tile_rows(D::accumulators, D::sums_a_panel, 4, 12);  ///< up to so many: 4 panels
  static constexpr int rows(int panels) {
    return usual_panels == 1 && panels == 2 ? 0 : tile_rows(D::accumulators, D::sums_a_panel, panels, 12);
  }
  static constexpr unsigned heights(int panels) {
    return panels == usual_panels ? every_height(rows(panels)) : some_heights(rows(panels));
  }
  static constexpr bool direct(int panels) { return !D::unpacks || panels >= usual_panels; }
  template <int Rows, int Panels>
  static kernel kernel_of(form f) {
    if (f == form::unpacked) return &dot_tile<D, unpacked_form<D>, Rows, Panels>;
    if constexpr (direct(Panels))
      if (f == form::four_bits) return &dot_tile<D, four_bit_form<D>, Rows, Panels>;
    return &dot_tile<D, w8<D>, Rows, Panels>;
  }

  row_product(const gemm_call& call, carver& c) : base(call, 1, call.w.group_steps, c) {}

  index_t units() const { return g.w.group_steps; }
  index_t unit_bytes(int panels) const { return base::unit_bytes(panels, 1); }
  void take_weights(index_t panel, int panels, stretch& s) const { base::take_weights(panel, panels, 1, s); }

  /// The sums of one row start from bias - zx sum (w - zw) - zw sum x, modulo 2^32 (the proof made at pack time bounds
  /// the result), because sum (x - zx)(w - zw) = sum x w - zw sum x - zx sum (w - zw).
  void start_row(index_t column, int columns, index_t i, std::int32_t* to) const {
    const i32v zero = set1(*x.zeros(i)), sum = set1(x.sums(i) != nullptr ? *x.sums(i) : 0);
    const std::int32_t *bias = g.out.bias_codes, *zero_points = g.w.zero_points;
    for (int j = 0; j < columns; j += lanes) {
      i32v v = bias != nullptr ? load(bias + column + j) : set1(std::int32_t{0});
      v = sub(v, mul(zero, load(g.w.sums + column + j)));
      if (zero_points != nullptr) v = sub(v, mul(load(zero_points + column + j), sum));
      store(to + j, v);
    }
  }

  /// Start values that all rows share, if they do.
  bool start(index_t panel, int panels, std::int32_t* to) const {
    if (!x.zeros_alike() || x.sums(0) != nullptr) return false;
    start_row(panel * panel_columns, panels * panel_width, 0, to);
    return true;
  }

  void tile(kernel k, int rows, int panels, index_t row, index_t i, index_t panel, const stretch& s,
            std::int32_t* shared_start) const {
    alignas(64) std::int32_t starts[length(tile_size<row_product>())], sums[length(tile_size<row_product>())];
    const int width = panels * panel_width;
    const index_t column = panel * panel_columns;
    const int columns = static_cast<int>(smaller(width, g.w.n - column));
    tile_of_sums from{shared_start, 0}, to{sums, width};
    if (!s.begins) {
      from = {partial + i * width, width};
    } else if (shared_start == nullptr) {
      for (int r = 0; r < rows; ++r) start_row(column, width, i + r, starts + r * width);
      from = {starts, width};
    }
    const bool straight = g.out.to == output::sums && g.out.y_col_stride == 1 && columns == width;
    if (!s.ends)
      to = {partial + i * width, width};
    else if (straight)
      to = {static_cast<std::int32_t*>(g.out.y) + (row + i) * g.out.y_row_stride + column, g.out.y_row_stride};

    const index_t first = s.first * g.w.step_codes(), last = first + s.count * g.w.step_codes();
    x_operands o{x.row(i) + first, x.stride(), nullptr, s.w, s.step_stride, this->quad_steps(s, s.count)};
    if (last > x.whole()) o.tail = x.tail(i), --o.steps;  // only the last step of all can be incomplete
    k(o, from, to);
    if (s.ends && !straight) finish(g, place_of(g, x, row, i, column, rows, columns, width), sums);
  }
};

/// Scales a group of w: int32 sums in a group, floats over groups. Simple: see group_tile.
template <class D, bool Simple>
struct group_product : code_product<D> {
  using base = code_product<D>;
  using base::g, base::x, base::partial;
  using x_operands = operands<typename D::x_code>;
  using kernel = void (*)(const x_operands&, index_t, index_t, const group_terms&, bool, float*, index_t);
  static constexpr int usual_panels = tile_rows(D::group_registers, panel_registers, 2, 6) >= 6 ? 2 : 1;
  static constexpr index_t wide_rows = 6 * tile_rows(D::group_registers, panel_registers, 4, 6);
  static constexpr int rows(int panels) { return tile_rows(D::group_registers, panel_registers, panels, 6); }
  static constexpr unsigned heights(int panels) {
    if (panels < usual_panels) return every_height(1) | 1u << rows(panels);
    return Simple && panels == usual_panels ? every_height(rows(panels)) : some_heights(rows(panels));
  }
  /// Where tiles of four panels exist, they are for few rows of 4-bit codes, and others for everything else.
  static constexpr bool wide_tiles = tile_rows(D::group_registers, panel_registers, 4, 6) > 0;
  static constexpr bool direct(int panels) {
    return !D::unpacks || (wide_tiles ? panels == 4 : panels >= usual_panels);
  }
  int panels_for(index_t count) const {
    if (wide_tiles) return g.w.four_bit && count <= wide_rows ? 4 : usual_panels;
    return count <= rows(2) ? 2 : usual_panels;
  }
  template <int Rows, int Panels>
  static kernel kernel_of(form f) {
    if constexpr (wide_tiles && Panels == 4) {
      return &group_tile<D, four_bit_form<D>, Rows, Panels, Simple>;
    } else {
      if (f == form::unpacked) return &group_tile<D, unpacked_form<D>, Rows, Panels, Simple>;
      if constexpr (direct(Panels))
        if (f == form::four_bits) return &group_tile<D, four_bit_form<D>, Rows, Panels, Simple>;
      return &group_tile<D, w8<D>, Rows, Panels, Simple>;
    }
  }

  group_product(const gemm_call& call, carver& c) : base(call, call.w.group_steps, call.w.groups, c) {}

  index_t units() const { return g.w.groups; }
  index_t unit_bytes(int panels) const { return base::unit_bytes(panels, g.w.group_steps); }
  void take_weights(index_t panel, int panels, stretch& s) const {
    base::take_weights(panel, panels, g.w.group_steps, s);
  }
  static bool start(index_t, int, std::int32_t*) { return false; }

  void tile(kernel k, int rows, int panels, index_t row, index_t i, index_t panel, const stretch& s,
            std::int32_t*) const {
    alignas(64) float own[length(tile_size<group_product>())];
    const int width = panels * panel_width;
    const index_t column = panel * panel_columns, at = g.w.number_at(column, s.first);
    const bool blocks = g.x_groups > 1, zeros_differ = !x.zeros_alike();
    const group_terms terms{g.w.sums + at,
                            g.w.zero_points != nullptr ? g.w.zero_points + at : nullptr,
                            g.w.scales + at,
                            g.w.number_step(panel),
                            x.zeros(i) + (blocks && zeros_differ ? s.first : 0),
                            zeros_differ ? g.x_groups : 0,
                            blocks && zeros_differ ? 1 : 0,
                            blocks ? x.scales(i) + s.first : nullptr,
                            x.sums(i) != nullptr ? x.sums(i) + s.first : nullptr,
                            g.w.groups};
    float* const totals = s.begins && s.ends ? own : reinterpret_cast<float*>(partial) + i * width;
    const x_operands o{x.row(i) + s.first * g.w.group_codes(), x.stride(), nullptr, s.w, s.step_stride,
                       this->quad_steps(s, g.w.group_steps)};
    k(o, g.w.group_codes(), s.count, terms, s.begins, totals, width);
    const int columns = static_cast<int>(smaller(width, g.w.n - column));
    if (s.ends) finish(g, place_of(g, x, row, i, column, rows, columns, width), totals);
  }
};
