// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One part of a product: blocks of rows, groups of panels, stretches of the depth, and in the middle the tiles.
//
//   for blocks of rows                 x of a block stays in the second-level cache
//     for groups of panels             w of a group passes once a block
//       for stretches of the depth     w of a stretch stays there too; unpacked here when it pays
//         for tiles of rows            sums stay in registers
//
// Sums between stretches wait in `partial`: the next stretch starts from them, so that the bits are those of one.

/// Block sizes, for a second-level cache of 1 MB or more. Half of it holds the block of x that every group of panels
/// meets again. A quarter holds a stretch of w, which every tile of the block meets again; hardware fetches it ahead of
/// the tiles from there, so that shorter stretches for the first level gain nothing, while each costs loading and storing
/// the sums.
struct blocking {
  static constexpr index_t stretch_bytes = 1 << 18, block_bytes = 1 << 19, most_rows = 480;
  /// Steps of a stretch of the depth, of equal ones, in whole units (a group has several steps, otherwise 1).
  static constexpr index_t stretch(index_t units, index_t unit_bytes) {
    if (units * unit_bytes <= stretch_bytes) return units;
    const index_t fit = unit_bytes < stretch_bytes ? stretch_bytes / unit_bytes : 1;
    const index_t stretches = (units + fit - 1) / fit;
    return stretches > 1 ? (units + stretches - 1) / stretches : units;
  }
  /// Rows of a block, a multiple of 12 where there are that many. Rows that are read where they stand may come from
  /// further away: a tile needs a byte of x for every 128 operations.
  static constexpr index_t rows(index_t m, index_t row_bytes, bool in_place) {
    if (m <= most_rows && (in_place || m * row_bytes <= block_bytes)) return m;
    const index_t fit = row_bytes > 0 && !in_place ? block_bytes / row_bytes : most_rows;
    const index_t most = fit < 12 ? 12 : fit > most_rows ? most_rows : fit / 12 * 12;
    return m < most ? m : most;
  }
};

/// The most rows of a tile of so many panels, whose sums fill `registers`, each panel `a_panel` of them.
constexpr int tile_rows(int registers, int a_panel, int panels, int most) {
  const int fit = registers / (panels * a_panel);
  return fit < most ? fit : most;
}

/// Some steps of some panels, packed or unpacked.
struct stretch {
  index_t first, count;  ///< units of the depth: steps, or groups
  const std::uint8_t* w;
  index_t step_stride;
  bool unpacked, begins, ends;
};

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

  code_product(const gemm_call& call, index_t most_panels, index_t unit_bytes, index_t units, carver& c)
      : g(call),
        block_rows(blocking::rows(call.m, call.k * static_cast<index_t>(sizeof(typename D::x_code)),
                                  prepared_codes<D>::in_place(call))),
        x(call, block_rows, c) {
    const index_t count = blocking::stretch(units, unit_bytes);
    unpacked = c.take<std::uint8_t>(unpacks(block_rows) ? most_panels * count * unit_bytes : 0);
    partial = c.take<std::int32_t>(count < units ? block_rows * most_panels * panel_width : 0);
  }

  /// 4-bit codes always gain; bytes only where dot4 takes something wider.
  bool unpacks(index_t count) const {
    return D::unpacks && count >= rows_worth_unpacking && (g.w.four_bit || sizeof(typename D::x_code) != 1);
  }
  index_t unpacked_bytes(index_t steps) const { return steps * (g.w.four_bit ? 2 : 1) * wide<D>::step_bytes; }

  void prepare(index_t row, index_t count) { x.fill(row, count); }

  /// Points s to its weights: `unit_steps` steps a unit.
  void take_weights(index_t panel, int panels, index_t unit_steps, stretch& s) const {
    s.step_stride = g.w.step_stride(panel);
    s.w = g.w.panels + g.w.panel_start(panel) + s.first * unit_steps * s.step_stride;
    if constexpr (D::unpacks) {
      if (!s.unpacked) return;
      if (g.w.four_bit)
        unpack<D, w4<D>>(s.w, s.step_stride, s.count * unit_steps, panels, unpacked);
      else
        unpack<D, w8<D>>(s.w, s.step_stride, s.count * unit_steps, panels, unpacked);
      s.w = unpacked;
      s.step_stride = panels * wide<D>::step_bytes;
    }
  }
};

/// One scale a row of w: int32 sums over the whole depth.
template <class D>
struct row_product : code_product<D> {
  using base = code_product<D>;
  using base::g, base::x, base::partial;
  static constexpr int most_panels = 4;
  static constexpr int rows(int panels) { return tile_rows(D::accumulators, D::sums_a_panel, panels, 12); }
  static constexpr int usual_panels = rows(4) >= 6 ? 4 : 1;  ///< of tall tiles

  row_product(const gemm_call& call, carver& c)
      : base(call, most_panels, most_panels * (call.w.four_bit ? 2 : 1) * wide<D>::step_bytes, call.w.group_steps, c) {}

  index_t units() const { return g.w.group_steps; }
  index_t unit_bytes(int panels) const { return panels * this->unpacked_bytes(1); }
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

  template <int Rows, int Panels>
  void tile(index_t row, index_t i, index_t panel, const stretch& s, std::int32_t* shared_start) const {
    constexpr int width = Panels * panel_width;
    const index_t column = panel * panel_columns;
    const int columns = static_cast<int>(smaller(width, g.w.n - column));
    alignas(64) std::int32_t starts[length(Rows * width)], sums[length(Rows * width)];
    tile_of_sums from{shared_start, 0}, to{sums, width};
    if (!s.begins) {
      from = {partial + i * width, width};
    } else if (shared_start == nullptr) {
      for (int r = 0; r < Rows; ++r) start_row(column, width, i + r, starts + r * width);
      from = {starts, width};
    }
    const bool straight = g.out.to == output::sums && g.out.y_col_stride == 1 && columns == width;
    if (!s.ends)
      to = {partial + i * width, width};
    else if (straight)
      to = {static_cast<std::int32_t*>(g.out.y) + (row + i) * g.out.y_row_stride + column, g.out.y_row_stride};

    const index_t first = s.first * g.w.step_codes(), codes = s.count * g.w.step_codes(), whole = x.whole();
    operands<typename D::x_code> o{x.row(i) + first, x.stride(), nullptr, s.w, s.step_stride, s.count};
    if (first + codes > whole) {  // only the last step of all can be incomplete
      o.tail = x.tail(i);
      o.steps = s.count - 1;
    }
    if (s.unpacked) {
      o.steps *= g.w.four_bit ? 2 : 1;
      dot_tile<D, unpacked_form<D>, Rows, Panels>(o, from, to);
    } else if (g.w.four_bit) {
      dot_tile<D, w4<D>, Rows, Panels>(o, from, to);
    } else {
      dot_tile<D, w8<D>, Rows, Panels>(o, from, to);
    }
    if (s.ends && !straight) finish(g, place_of(g, x, row, i, column, Rows, columns, width), sums);
  }
};

/// Scales a group of w: int32 sums in a group, floats over groups.
template <class D>
struct group_product : code_product<D> {
  using base = code_product<D>;
  using base::g, base::x, base::partial;
  static constexpr int most_panels = 4;
  static constexpr int rows(int panels) { return tile_rows(D::group_registers, panel_registers, panels, 6); }
  static constexpr int usual_panels = rows(2) >= 6 ? 2 : 1;

  group_product(const gemm_call& call, carver& c)
      : base(call, most_panels, most_panels * (call.w.four_bit ? 2 : 1) * wide<D>::step_bytes * call.w.group_steps,
             call.w.groups, c) {}

  index_t units() const { return g.w.groups; }
  index_t unit_bytes(int panels) const { return panels * this->unpacked_bytes(g.w.group_steps); }
  void take_weights(index_t panel, int panels, stretch& s) const {
    base::take_weights(panel, panels, g.w.group_steps, s);
  }
  bool start(index_t, int, std::int32_t*) const { return false; }

  template <int Rows, int Panels>
  void tile(index_t row, index_t i, index_t panel, const stretch& s, std::int32_t*) const {
    constexpr int width = Panels * panel_width;
    const index_t column = panel * panel_columns, step = g.w.number_step(panel);
    const index_t at = g.w.number_at(column, s.first);
    const bool blocks = g.x_groups > 1;
    const group_terms terms{g.w.sums + at,
                            g.w.zero_points != nullptr ? g.w.zero_points + at : nullptr,
                            g.w.scales + at,
                            step,
                            x.zeros(i) + (blocks && !x.zeros_alike() ? s.first : 0),
                            x.zeros_alike() ? 0 : g.x_groups,
                            blocks && !x.zeros_alike() ? 1 : 0,
                            blocks ? x.scales(i) + s.first : nullptr,
                            x.sums(i) != nullptr ? x.sums(i) + s.first : nullptr,
                            g.w.groups};
    alignas(64) float own[length(Rows * width)];
    float* totals = s.begins && s.ends ? own : reinterpret_cast<float*>(partial) + i * width;
    operands<typename D::x_code> o{x.row(i) + s.first * g.w.group_codes(), x.stride(), nullptr, s.w, s.step_stride,
                                   g.w.group_steps};
    if (s.unpacked) {
      o.steps *= g.w.four_bit ? 2 : 1;
      groups<unpacked_form<D>, Rows, Panels>(o, s, terms, totals);
    } else if (g.w.four_bit) {
      groups<w4<D>, Rows, Panels>(o, s, terms, totals);
    } else {
      groups<w8<D>, Rows, Panels>(o, s, terms, totals);
    }
    const int columns = static_cast<int>(smaller(width, g.w.n - column));
    if (s.ends) finish(g, place_of(g, x, row, i, column, Rows, columns, width), totals);
  }

  template <class W, int Rows, int Panels>
  void groups(const operands<typename D::x_code>& o, const stretch& s, const group_terms& t, float* totals) const {
    constexpr int width = Panels * panel_width;
    if (t.simple())
      group_tile<D, W, Rows, Panels, true>(o, g.w.group_codes(), s.count, t, s.begins, totals, width);
    else
      group_tile<D, W, Rows, Panels, false>(o, g.w.group_codes(), s.count, t, s.begins, totals, width);
  }
};

/// Rows of floats, where they stand or copied.
struct real_rows {
  const gemm_call& g;
  const index_t block_rows;
  float* copy;
  const float* x = nullptr;
  index_t x_stride;

  real_rows(const gemm_call& call, carver& c)
      : g(call),
        block_rows(blocking::rows(call.m, call.k * 4, call.x.direct != nullptr)),
        copy(c.take<float>(call.x.direct == nullptr ? block_rows * call.k : 0)),
        x_stride(call.x.direct == nullptr ? call.k : call.x.direct_stride) {}

  void prepare(index_t row, index_t count) {
    x = copy;
    if (g.x.direct != nullptr)
      x = static_cast<const float*>(g.x.direct) + row * x_stride;
    else
      g.x.fill(g.x.self, row, count, copy, g.k);
  }
};

/// Floats by floats: one fma chain over the whole depth.
struct real_product : real_rows {
  static constexpr int most_panels = 4;
  static constexpr int rows(int panels) { return tile_rows(real_registers, panel_registers, panels, 12); }
  static constexpr int usual_panels = tile_rows(real_registers, panel_registers, 4, 12) >= 6 ? 4 : 1;

  float* partial;

  real_product(const gemm_call& call, carver& c) : real_rows(call, c) {
    const bool split = blocking::stretch(call.k, unit_bytes(most_panels)) < call.k;
    partial = c.take<float>(split ? block_rows * most_panels * panel_width : 0);
  }

  index_t units() const { return g.k; }
  static index_t unit_bytes(int panels) { return panels * panel_columns * 4; }
  static bool unpacks(index_t) { return false; }
  static bool start(index_t, int, std::int32_t*) { return false; }
  void take_weights(index_t panel, int, stretch& s) const {
    s.step_stride = g.real_w.k_stride(panel);
    s.w = reinterpret_cast<const std::uint8_t*>(g.real_w.panels + g.real_w.panel_start(panel) + s.first * s.step_stride);
  }

  template <int Rows, int Panels>
  void tile(index_t row, index_t i, index_t panel, const stretch& s, std::int32_t*) const {
    constexpr int width = Panels * panel_width;
    const index_t column = panel * panel_columns;
    alignas(64) float own[length(Rows * width)];
    float* const sums = s.begins && s.ends ? own : partial + i * width;
    fma_tile<Rows, Panels>(x + i * x_stride + s.first, x_stride, reinterpret_cast<const float*>(s.w), s.step_stride,
                           s.count, s.begins, sums);
    if (!s.ends) return;
    const tile_place t{row + i, column, Rows, static_cast<int>(smaller(width, g.real_w.n - column)), width, nullptr, 0};
    finish(g, t, sums);
  }
};

/// `count` rows in tiles of nearly equal heights, so that none is left with too few sums to keep the processor busy.
template <int Panels, class Product>
inline void run_rows(const Product& p, index_t row, index_t count, index_t panel, const stretch& s,
                     std::int32_t* start) {
  constexpr int most = Product::rows(Panels), small = most < 6 ? most : 6;
  static_assert(most > 0);
  index_t i = 0;
  if constexpr (most == 12)
    for (; count - i >= 12; i += 12) p.template tile<12, Panels>(row, i, panel, s, start);
  if (i == count) return;
  const index_t tiles = (count - i + small - 1) / small, low = (count - i) / tiles, taller = (count - i) % tiles;
  for (index_t t = 0; t < tiles; ++t) {
    const index_t rows = low + (t < taller ? 1 : 0);
    switch (rows) {
      case 1: p.template tile<1, Panels>(row, i, panel, s, start); break;
      case 2: p.template tile<small < 2 ? 1 : 2, Panels>(row, i, panel, s, start); break;
      case 3: p.template tile<small < 3 ? 1 : 3, Panels>(row, i, panel, s, start); break;
      case 4: p.template tile<small < 4 ? 1 : 4, Panels>(row, i, panel, s, start); break;
      case 5: p.template tile<small < 5 ? 1 : 5, Panels>(row, i, panel, s, start); break;
      default: p.template tile<small < 6 ? 1 : 6, Panels>(row, i, panel, s, start); break;
    }
    i += rows;
  }
}

template <int Panels, class Product>
inline void run_panels(const Product& p, index_t row, index_t count, index_t panel) {
  alignas(64) std::int32_t shared[length(Panels * panel_width)];
  std::int32_t* const start = p.start(panel, Panels, shared) ? shared : nullptr;
  const index_t units = p.units(), each = blocking::stretch(units, p.unit_bytes(Panels));
  stretch s{0, 0, nullptr, 0, p.unpacks(count), true, false};
  do {
    s.count = smaller(each, units - s.first);
    s.begins = s.first == 0;
    s.ends = s.first + s.count == units;
    p.take_weights(panel, Panels, s);
    run_rows<Panels>(p, row, count, panel, s, start);
    s.first += s.count;
  } while (s.first < units);
}

/// How many panels a tile has. Few rows take wide tiles: they meet a block of w in one stream of memory, with sums
/// enough in flight.
template <class Product>
constexpr int tile_panels(index_t rows) {
  if (Product::usual_panels == 4 || rows <= Product::rows(4)) return 4;
  return rows <= Product::rows(2) ? 2 : Product::usual_panels;
}

/// One row, by tiles wider than those of more rows.
template <int Panels, class Product>
inline void run_single(const Product& p, index_t row, index_t panel) {
  const index_t units = p.units(), each = blocking::stretch(units, p.unit_bytes(4));
  stretch s{0, 0, nullptr, 0, false, true, false};
  do {
    s.count = smaller(each, units - s.first);
    s.begins = s.first == 0;
    s.ends = s.first + s.count == units;
    p.take_weights(panel, Panels, s);
    p.template tile<1, Panels>(row, 0, panel, s, nullptr);
    s.first += s.count;
  } while (s.first < units);
}
