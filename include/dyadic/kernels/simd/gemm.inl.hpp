// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One part of a product: blocks of rows, groups of panels, stretches of the depth, and in the middle the tiles.
//
//   for blocks of rows                 run_part      x that had to be copied stays in the second-level cache
//     for groups of panels             run_panels    w of a group passes once a block
//       for stretches of the depth                   w of a stretch stays there too; unpacked here when it pays
//         for tiles of rows            Product::tile sums stay in registers
//
// Sums between stretches wait in `partial`: the next stretch starts from them, so that the bits are those of one.

/// Block sizes, for a second-level cache of 1 MB or more. Half of it holds the rows of x that were copied, which every
/// group of panels meets again. A quarter holds a stretch of w, which every tile of the block meets again; hardware
/// fetches it ahead of the tiles from there, so that shorter stretches for the first level gain nothing, while each costs
/// loading and storing the sums.
struct blocking {
  static constexpr index_t stretch_bytes = 1 << 18, block_bytes = 1 << 19, most_rows = 480;
  /// Units of the depth (steps, groups) in a stretch, of equal stretches.
  static constexpr index_t stretch(index_t units, index_t unit_bytes) {
    if (units * unit_bytes <= stretch_bytes) return units;
    const index_t fit = unit_bytes < stretch_bytes ? stretch_bytes / unit_bytes : 1;
    const index_t stretches = (units + fit - 1) / fit;
    return (units + stretches - 1) / stretches;
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

/// Heights of tiles that are compiled, as a set of bits: every one up to `most`, or, where tiles are rare, a few.
constexpr unsigned every_height(int most) { return (2u << most) - 2; }
constexpr unsigned some_heights(int most) {
  return every_height(most) & (1u << 12 | 1u << 6 | 1u << 3 | 1u << 2 | 1u << 1 | 1u << most);
}

/// How the weights of a stretch stand.
enum class form : unsigned char { eight_bits, four_bits, unpacked };

/// Some units of the depth of some panels.
struct stretch {
  index_t first, count;
  const std::uint8_t* w;
  index_t step_stride;
  form weights;
  bool begins, ends;
};

/// What a product is computed by: the tiles of `Product` for so many rows and panels, and weights in this form.
template <class Product, int Panels, int Rows = Product::rows(Panels)>
inline auto find_kernel(index_t rows, form f) -> typename Product::kernel {
  if constexpr (Rows > 0) {
    if constexpr ((Product::heights(Panels) >> Rows & 1) != 0)
      if (rows == Rows) return Product::template kernel_of<Rows, Panels>(f);
    return find_kernel<Product, Panels, Rows - 1>(rows, f);
  } else {
    return nullptr;
  }
}

/// Elements of the largest tile.
template <class Product>
constexpr int tile_size() {
  int most = 0;
  for (int panels = 1; panels <= 4; panels *= 2)
    if (Product::rows(panels) * panels > most) most = Product::rows(panels) * panels;
  return most * panel_width;
}

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
    unpacked = c.take<std::uint8_t>(form_for(block_rows, false) == form::unpacked ? count * unit_bytes(4, unit_steps) : 0);
    partial = c.take<std::int32_t>(count < units ? block_rows * 4 * panel_width : 0);
  }

  void prepare(index_t row, index_t count) { x.fill(row, count); }
  index_t unit_bytes(int panels, index_t unit_steps) const {
    return panels * unit_steps * (g.w.four_bit ? 2 : 1) * wide<D>::step_bytes;
  }

  /// How the weights stand for `count` rows. 4-bit codes always gain by unpacking, bytes only where dot4 takes something
  /// wider. direct: tiles that read packed 4-bit codes are compiled for these panels.
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
  static constexpr bool direct(int panels) { return !D::unpacks || (wide_tiles ? panels == 4 : panels >= usual_panels); }
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
  static bool start(index_t, int, std::int32_t*) { return false; }
};

/// Floats by floats: one fma chain over the whole depth.
struct real_product : real_rows {
  using kernel = void (*)(const float*, index_t, const float*, index_t, index_t, bool, float*);
  static constexpr int usual_panels = tile_rows(real_registers, panel_registers, 4, 12) >= 6 ? 4 : 1;
  static constexpr index_t wide_rows = tile_rows(real_registers, panel_registers, 4, 12);
  static constexpr int rows(int panels) {
    return usual_panels == 1 && panels == 2 ? 0 : tile_rows(real_registers, panel_registers, panels, 12);
  }
  static constexpr unsigned heights(int panels) {
    return panels == usual_panels ? every_height(rows(panels)) : some_heights(rows(panels));
  }
  static constexpr bool direct(int) { return true; }
  template <int Rows, int Panels>
  static kernel kernel_of(form) {
    return &fma_tile<Rows, Panels>;
  }

  float* partial;

  real_product(const gemm_call& call, carver& c) : real_rows(call, c) {
    partial = c.take<float>(blocking::stretch(call.k, unit_bytes(4)) < call.k ? block_rows * 4 * panel_width : 0);
  }

  index_t units() const { return g.k; }
  static index_t unit_bytes(int panels) { return panels * panel_columns * 4; }
  static form form_for(index_t, bool) { return form::unpacked; }
  void take_weights(index_t panel, int, stretch& s) const {
    s.step_stride = g.real_w.k_stride(panel);
    s.w = reinterpret_cast<const std::uint8_t*>(g.real_w.panels + g.real_w.panel_start(panel) + s.first * s.step_stride);
  }

  void tile(kernel k, int rows, int panels, index_t row, index_t i, index_t panel, const stretch& s,
            std::int32_t*) const {
    alignas(64) float own[length(tile_size<real_product>())];
    const int width = panels * panel_width;
    const index_t column = panel * panel_columns;
    float* const sums = s.begins && s.ends ? own : partial + i * width;
    k(x + i * x_stride + s.first, x_stride, reinterpret_cast<const float*>(s.w), s.step_stride, s.count, s.begins, sums);
    if (!s.ends) return;
    const tile_place t{row + i, column, rows, static_cast<int>(smaller(width, g.real_w.n - column)), width, nullptr, 0};
    finish(g, t, sums);
  }
};

/// The height of the next tile when `left` rows are left: nearly equal ones where all heights are compiled, so that none
/// is left with too few sums to keep the processor busy; otherwise the highest.
inline index_t next_height(unsigned heights, index_t most, index_t left) {
  index_t height = smaller(left, most);
  if (heights == every_height(static_cast<int>(most))) {
    const index_t tiles = (left + most - 1) / most;
    height = (left + tiles - 1) / tiles;
  }
  while ((heights >> height & 1) == 0) --height;
  return height;
}

/// `count` rows by the columns of `panels` panels.
template <class Product>
inline void run_panels(const Product& p, int panels, index_t row, index_t count, index_t panel) {
  alignas(64) std::int32_t shared[length(4 * panel_width)];
  std::int32_t* const start = p.start(panel, panels, shared) ? shared : nullptr;
  const index_t units = p.units(), each = blocking::stretch(units, p.unit_bytes(4));  // buffers are sized so
  const unsigned heights = Product::heights(panels);
  stretch s{0, 0, nullptr, 0, p.form_for(count, Product::direct(panels)), true, false};
  do {
    s.count = smaller(each, units - s.first);
    s.begins = s.first == 0;
    s.ends = s.first + s.count == units;
    p.take_weights(panel, panels, s);
    for (index_t i = 0, height = 0; i < count; i += height) {
      height = next_height(heights, Product::rows(panels), count - i);
      typename Product::kernel k = nullptr;
      if (panels == 4) k = find_kernel<Product, 4>(height, s.weights);
      if (panels == 2) k = find_kernel<Product, 2>(height, s.weights);
      if (panels == 1) k = find_kernel<Product, 1>(height, s.weights);
      p.tile(k, static_cast<int>(height), panels, row, i, panel, s, start);
    }
    s.first += s.count;
  } while (s.first < units);
}

/// How many panels a tile has. Few rows take wide tiles, even if there are several: a block of w is then read in one
/// stream of memory, which is what they wait for.
template <class Product>
inline int panels_of(const Product& p, index_t rows) {
  if constexpr (requires { p.panels_for(rows); }) return p.panels_for(rows);
  if (Product::usual_panels == 4 || rows <= Product::wide_rows) return 4;
  return rows <= Product::rows(2) ? 2 : Product::usual_panels;
}

/// Computes a part of a product and returns 0, or returns the bytes of scratch it lacks.
template <class Product>
inline index_t run_part(const gemm_call& g, const gemm_part& part) {
  carver memory(part.scratch);
  Product p(g, memory);
  if (part.scratch == nullptr || memory.bytes() > part.scratch_bytes) return memory.bytes();
  for (index_t row = part.first_row; row < part.last_row; row += p.block_rows) {
    const index_t count = smaller(p.block_rows, part.last_row - row);
    p.prepare(row, count);
    int panels = panels_of(p, count);
    for (index_t panel = part.first_panel; panel < part.last_panel; panel += panels) {
      while (panels > part.last_panel - panel || Product::rows(panels) == 0) panels /= 2;  // the last block
      run_panels(p, panels, row, count, panel);
    }
  }
  return 0;
}
