// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// Floats by floats: what the driver of gemm.inl.hpp asks of a product of reals.

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
    const float* const w = g.real_w.panels + g.real_w.panel_start(panel) + s.first * s.step_stride;
    s.w = reinterpret_cast<const std::uint8_t*>(w);
  }

  void tile(kernel k, int rows, int panels, index_t row, index_t i, index_t panel, const stretch& s,
            std::int32_t*) const {
    alignas(64) float own[length(tile_size<real_product>())];
    const int width = panels * panel_width;
    const index_t column = panel * panel_columns;
    float* const sums = s.begins && s.ends ? own : partial + i * width;
    const float* const w = reinterpret_cast<const float*>(s.w);
    k(x + i * x_stride + s.first, x_stride, w, s.step_stride, s.count, s.begins, sums);
    if (!s.ends) return;
    const tile_place t{row + i, column, rows, static_cast<int>(smaller(width, g.real_w.n - column)), width, nullptr, 0};
    finish(g, t, sums);
  }
};
