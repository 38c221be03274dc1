// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// One part of a product: blocks of rows are prepared in scratch, then tiles walk over them panel by panel.
//
// A group of panels stays in cache while the rows of a block pass by; a tile keeps its sums in registers over the whole
// depth.

DYADIC_INLINE index_t smaller(index_t a, index_t b) { return a < b ? a : b; }
DYADIC_INLINE std::uint8_t* aligned(std::uint8_t* p) {
  return p + (64 - static_cast<index_t>(reinterpret_cast<std::uintptr_t>(p) & 63)) % 64;
}

/// Integer codes: x prepared as x_code with every group padded to whole steps, sums of its groups beside it.
struct code_product {
  static constexpr int rows = max_rows, panels = max_panels;

  const gemm_call& g;
  x_code* x;
  std::int32_t* x_sums;
  std::uint8_t* raw;
  index_t x_stride;

  code_product(const gemm_call& call, std::uint8_t* scratch) : g(call), x_stride(call.w.groups * call.w.group_codes()) {
    raw = aligned(scratch);
    x = reinterpret_cast<x_code*>(aligned(raw + g.block_rows * g.k));
    x_sums = reinterpret_cast<std::int32_t*>(
        aligned(reinterpret_cast<std::uint8_t*>(x) + g.block_rows * x_stride * static_cast<index_t>(sizeof(x_code))));
  }

  void prepare(index_t row, index_t count) {
    // What padding holds does not matter, for the weights there are 0; so unsigned codes can go straight to their
    // place.
    if constexpr (sizeof(x_code) == 1 && x_offset == 0) {
      if (!g.x_signed && g.w.groups == 1 && g.w.zero_points == nullptr)
        return g.x.fill(g.x.self, row, count, x, x_stride);
    }
    g.x.fill(g.x.self, row, count, raw, g.k);
    for (index_t i = 0; i < count; ++i) {
      const std::uint8_t* from = raw + i * g.k;
      std::int32_t* sums = x_sums + i * g.w.groups;
      for (index_t group = 0; group < g.w.groups; ++group)
        sums[group] = prepare_group(from + group * g.w.group, x + i * x_stride + group * g.w.group_codes());
    }
  }

  /// One group of a row, and the sum of its prepared codes: |sum| <= 255 * k, which pack has bounded.
  std::int32_t prepare_group(const std::uint8_t* from, x_code* to) const {
    std::int32_t sum = 0, quads[4];
    index_t k = 0;
    for (; k + 16 <= g.w.group; k += 16) {
      bytev v = load_bytes(from + k);
      if (g.x_signed) v = flip_sign(v);
      store_x(to + k, v);
      if (g.w.zero_points == nullptr) continue;
      store_quad_sums(quads, v);
      sum += quads[0] + quads[1] + quads[2] + quads[3] - 16 * x_offset;
    }
    for (; k < g.w.group; ++k) {
      const int code = (g.x_signed ? from[k] ^ 128 : from[k]) - x_offset;
      to[k] = static_cast<x_code>(code);
      sum += code;
    }
    for (; k < g.w.group_codes(); ++k) to[k] = 0;
    return sum;
  }

  template <int Rows, int Panels>
  void tile(index_t row, index_t i, index_t panel) const {
    constexpr int stride = Panels * static_cast<int>(panel_columns);
    const index_t column = panel * panel_columns;
    tile_place place{row + i, column, Rows, static_cast<int>(smaller(stride, g.w.n - column)), stride, 0,
                     x_sums + i * g.w.groups, {}, {}, false};
    set_rows(g, place);
    alignas(64) std::int32_t sums[length(Rows * stride)];
    if (g.w.groups == 1) {
      dot<Rows, Panels>(i, panel, 0, sums);
      return g.out.to == output::sums ? finish_sums(g, place, sums) : finish(g, place, sums);
    }
    alignas(64) float total[length(Rows * stride)] = {};
    for (place.group = 0; place.group < g.w.groups; ++place.group) {
      dot<Rows, Panels>(i, panel, place.group, sums);
      add_group(g, place, sums, total);
    }
    finish(g, place, total);
  }

  template <int Rows, int Panels>
  void dot(index_t i, index_t panel, index_t group, std::int32_t* sums) const {
    const x_code* from = x + i * x_stride + group * g.w.group_codes();
    const std::uint8_t* w = g.w.panels + panel * g.w.panel_bytes() + group * g.w.group_steps * 64;
    if (g.w.four_bit)
      dot_tile<w4, Rows, Panels>(from, x_stride, w, g.w.panel_bytes(), g.w.group_steps, sums);
    else
      dot_tile<w8, Rows, Panels>(from, x_stride, w, g.w.panel_bytes(), g.w.group_steps, sums);
  }
};

/// Floats: x as it comes.
struct real_product {
  static constexpr int rows = 6, panels = max_panels;

  const gemm_call& g;
  float* x;

  real_product(const gemm_call& call, std::uint8_t* scratch)
      : g(call), x(reinterpret_cast<float*>(aligned(scratch))) {}

  void prepare(index_t row, index_t count) { g.x.fill(g.x.self, row, count, x, g.k); }

  template <int Rows, int Panels>
  void tile(index_t row, index_t i, index_t panel) const {
    constexpr int stride = Panels * static_cast<int>(panel_columns);
    const index_t column = panel * panel_columns;
    tile_place place{row + i, column, Rows, static_cast<int>(smaller(stride, g.real_w.n - column)), stride, 0, nullptr,
                     {}, {}, false};
    set_rows(g, place);
    alignas(64) float sums[length(Rows * stride)];
    fma_tile<Rows, Panels>(x + i * g.k, g.k, g.real_w.panels + column * g.k, panel_columns * g.k, g.k, sums);
    finish_reals<float>(g, place, sums);
  }
};

/// Rows [0, count) of a prepared block against Panels panels, in tiles of at most Product::rows rows.
template <int Panels, class Product>
inline void run_rows(const Product& p, index_t row, index_t count, index_t panel) {
  index_t i = 0;
  if constexpr (Product::rows >= 6)
    for (; count - i >= 6; i += 6) p.template tile<6, Panels>(row, i, panel);
  if constexpr (Product::rows >= 3)
    for (; count - i >= 3; i += 3) p.template tile<3, Panels>(row, i, panel);
  for (; count - i >= 2; i += 2) p.template tile<2, Panels>(row, i, panel);
  if (i < count) p.template tile<1, Panels>(row, i, panel);
}

template <class Product>
inline void run_part(const gemm_call& g, const gemm_part& part) {
  Product p(g, part.scratch);
  for (index_t row = part.first_row; row < part.last_row; row += g.block_rows) {
    const index_t count = smaller(g.block_rows, part.last_row - row);
    p.prepare(row, count);
    index_t panel = part.first_panel;
    if constexpr (Product::panels >= 4)
      for (; part.last_panel - panel >= 4; panel += 4) run_rows<4>(p, row, count, panel);
    if constexpr (Product::panels >= 2)
      for (; part.last_panel - panel >= 2; panel += 2) run_rows<2>(p, row, count, panel);
    for (; panel < part.last_panel; ++panel) run_rows<1>(p, row, count, panel);
  }
}
